//! The table of what was done: one row per image, written as it happens, sorted at the end.

use super::landmark_list::landmarks;
use super::one::remove;
use super::{AlignOptions, CropFormat, FolderImage};
use crate::config::temporary;
use crate::faces::{Face, FaceError, Landmarks, Point};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};

/// Name of the table in the folder of the crops.
pub const RECORD_NAME: &str = "align.csv";

/// Names of the ten numbers of the five points.
pub(super) const POINT_COLUMNS: [&str; 10] = [
    "left_eye_x",
    "left_eye_y",
    "right_eye_x",
    "right_eye_y",
    "nose_x",
    "nose_y",
    "mouth_left_x",
    "mouth_left_y",
    "mouth_right_x",
    "mouth_right_y",
];
const FIRST_COLUMNS: [&str; 8] = ["path", "file", "size_px", "score", "left", "top", "width", "height"];
const PATH: usize = 0;
const FILE: usize = 1;
const SIZE: usize = 2;
const SCORE: usize = 3;
const COLUMNS: usize = FIRST_COLUMNS.len() + POINT_COLUMNS.len() + 1;
/// The last one; empty for a face that was aligned.
const REASON: usize = COLUMNS - 1;
/// The reason of an image that is excluded from the data set it belongs to.
const EXCLUDED: &str = "excluded";

/// What is known of one image.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) path: String,
    /// The crop, relative to the folder; empty when there is none.
    pub(super) file: String,
    pub(super) size_px: u32,
    pub(super) face: Option<Face>,
    pub(super) points: Vec<Point>,
    /// Why there is no aligned crop; empty when there is one.
    pub(super) reason: String,
}

impl Row {
    fn fields(&self) -> csv::StringRecord {
        let mut fields = csv::StringRecord::new();
        for text in [&self.path, &self.file, &self.size_px.to_string()] {
            fields.push_field(text);
        }
        let face = self.face.map(|face| [face.score, face.left, face.top, face.width, face.height]);
        for (index, digits) in [4, 2, 2, 2, 2].into_iter().enumerate() {
            let text = face.and_then(|face| face.get(index).map(|value| format!("{value:.digits$}")));
            fields.push_field(&text.unwrap_or_default());
        }
        let numbers = self.points.as_flattened();
        for index in 0..POINT_COLUMNS.len() {
            fields.push_field(&numbers.get(index).map(|value| format!("{value:.3}")).unwrap_or_default());
        }
        fields.push_field(&self.reason);
        fields
    }
}

fn header() -> csv::StringRecord {
    FIRST_COLUMNS.iter().chain(&POINT_COLUMNS).chain(&["reason"]).copied().collect()
}

/// The table as it is in memory.
pub(super) struct Table {
    path: PathBuf,
    rows: BTreeMap<String, csv::StringRecord>,
}

impl Table {
    /// Takes up the table of `folder`, or begins one; writes nothing.
    ///
    /// # Errors
    /// When a file of that name is something else, has crops of another size, or cannot be read.
    pub(super) fn open(folder: &Path, size_px: u32) -> Result<Self, FaceError> {
        let path = folder.join(RECORD_NAME);
        let rows = if path.exists() { read(&path)? } else { BTreeMap::new() };
        let other = rows.values().find(|row| has_crop(row) && row.get(SIZE) != Some(size_px.to_string().as_str()));
        if let Some(row) = other {
            // The table is somebody's file: only a number is repeated.
            let size = row.get(SIZE).and_then(|size| size.parse::<u32>().ok());
            let size = size.map_or_else(|| "another size".to_owned(), |px| format!("{px} px"));
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let reason = format!(
                "this folder has crops of {size} already; choose that size again, or remove the folder of crops {name}"
            );
            return Err(FaceError::Refused { reason, path: folder.to_owned() });
        }
        Ok(Self { path, rows })
    }

    /// The crops it knows of, relative to the folder: of which image, and which file.
    pub(super) fn crops(&self) -> impl Iterator<Item = (&str, &str)> {
        let rows = self.rows.iter().filter(|(_, row)| has_crop(row));
        rows.map(|(image, row)| (image.as_str(), row.get(FILE).unwrap_or_default()))
    }

    /// This image's crop was made earlier and is still there.
    pub(super) fn has(&self, image: &FolderImage, folder: &Path) -> bool {
        let row = self.rows.get(&image.name).filter(|row| row.get(REASON) == Some(""));
        // By the path of the file: in the table, a name that is no Unicode is only described.
        let crop = row.and_then(|row| OwnCrop::of(row, image)).map(|own| folder.join(own.path));
        crop.is_some_and(|crop| std::fs::metadata(crop).is_ok_and(|meta| meta.is_file() && meta.len() > 0))
    }

    /// The crop of this image that we wrote, be it of this kind of file or of another.
    pub(super) fn own_crop(&self, image: &FolderImage) -> Option<OwnCrop> {
        self.rows.get(&image.name).and_then(|row| OwnCrop::of(row, image))
    }

    /// The aligned crop of this image would not come out so with these options: it is of another kind of file, or of a face
    /// that the detector is less sure of. Where no detector looks (`is_detected`), no score counts.
    pub(super) fn is_otherwise(&self, image: &FolderImage, options: AlignOptions, is_detected: bool) -> bool {
        let Some(row) = self.rows.get(&image.name) else { return false };
        let score = row.get(SCORE).and_then(|score| score.parse::<f32>().ok());
        let is_unsure = is_detected && score.is_some_and(|score| score < options.min_score);
        is_unsure || OwnCrop::of(row, image).is_some_and(|own| own.format != options.format)
    }

    /// The points that a person gave of an image which was excluded and is there again, by hand or in a list. Those that a
    /// detector found have a score with them, and are looked for anew.
    pub(super) fn given_points(&self, image: &FolderImage) -> Option<Landmarks> {
        let row = self.rows.get(&image.name)?;
        if row.get(REASON) != Some(EXCLUDED) || row.get(SCORE) != Some("") {
            return None;
        }
        let points = row.iter().skip(FIRST_COLUMNS.len()).take(POINT_COLUMNS.len());
        let fields: Vec<&str> = points.take_while(|field| !field.is_empty()).collect();
        landmarks(&image.name, &fields).ok().flatten().map(|(_, points)| points)
    }

    /// Notes that an image is excluded, and has no crop for that; the points of its face stay, so that they can be used again.
    fn exclude(&mut self, image: &FolderImage, size_px: u32) -> csv::StringRecord {
        let bare = || Row { path: image.name.clone(), size_px, ..Row::default() }.fields();
        let former = self.rows.remove(&image.name).unwrap_or_else(bare);
        let fields = former.iter().enumerate().map(|(at, text)| match at {
            FILE => "",
            REASON => EXCLUDED,
            _ => text,
        });
        let row: csv::StringRecord = fields.collect();
        self.rows.insert(image.name.clone(), row.clone());
        row
    }

    /// Puts a row in the place of what was known of its image, and returns that.
    pub(super) fn put(&mut self, row: Row) -> Option<csv::StringRecord> {
        let fields = row.fields();
        self.rows.insert(row.path, fields)
    }

    /// Puts back what was known of an image.
    pub(super) fn put_back(&mut self, name: &str, former: Option<csv::StringRecord>) {
        match former {
            Some(row) => self.rows.insert(name.to_owned(), row),
            None => self.rows.remove(name),
        };
    }

    /// Writes the table, sorted and with one row per image, whole or not at all.
    pub(super) fn save(&self) -> Result<(), FaceError> {
        write_all(&self.path, &self.rows)
    }
}

/// The table while many images are aligned: every row is on the disk as soon as its image is done.
pub(super) struct Record {
    table: Table,
    /// Open at the end of the file.
    journal: File,
}

impl Record {
    /// Goes on with a table, whose folder is there now.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn begin(table: Table) -> Result<Self, FaceError> {
        // A kill may have cut the last row off; what is appended must not be joined to it.
        table.save()?;
        let journal = File::options().append(true).open(&table.path).map_err(FaceError::writing(&table.path))?;
        Ok(Self { table, journal })
    }

    /// As [`Table::has`].
    pub(super) fn has(&self, image: &FolderImage, folder: &Path) -> bool {
        self.table.has(image, folder)
    }

    /// As [`Table::own_crop`].
    pub(super) fn own_crop(&self, image: &FolderImage) -> Option<OwnCrop> {
        self.table.own_crop(image)
    }

    /// As [`Table::given_points`].
    pub(super) fn given_points(&self, image: &FolderImage) -> Option<Landmarks> {
        self.table.given_points(image)
    }

    /// As [`Table::is_otherwise`].
    pub(super) fn is_otherwise(&self, image: &FolderImage, options: AlignOptions, is_detected: bool) -> bool {
        self.table.is_otherwise(image, options, is_detected)
    }

    /// Notes that an image is excluded. The crop that we wrote before it was goes: the crops are a data set, too.
    pub(super) fn exclude(&mut self, image: &FolderImage, folder: &Path, size_px: u32) -> Result<(), FaceError> {
        if let Some(own) = self.own_crop(image) {
            remove(&folder.join(own.path))?;
        }
        let row = self.table.exclude(image, size_px);
        self.write(&row)
    }

    /// Adds what was just done.
    pub(super) fn add(&mut self, row: Row) -> Result<(), FaceError> {
        self.write(&row.fields())?;
        self.table.put(row);
        Ok(())
    }

    fn write(&mut self, fields: &csv::StringRecord) -> Result<(), FaceError> {
        self.journal.write_all(&line(fields)).map_err(FaceError::writing(&self.table.path))
    }

    /// Writes the table anew, sorted and with one row per image.
    pub(super) fn finish(self) -> Result<(), FaceError> {
        self.table.save()
    }
}

/// A crop that we wrote for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnCrop {
    /// Relative to the folder of the crops.
    pub(super) path: PathBuf,
    /// Its kind of file.
    pub(super) format: CropFormat,
}

impl OwnCrop {
    /// What the row of `image` says. What is ours may be replaced and removed, so that no other name counts than one of the
    /// image's crop.
    fn of(row: &csv::StringRecord, image: &FolderImage) -> Option<Self> {
        let format = CropFormat::of_file(&image.target, row.get(FILE)?)?;
        Some(Self { path: format.name_of(&image.target), format })
    }

    /// As [`OwnCrop::of`], where the crop is the middle of the image and no aligned face.
    pub(super) fn middle_of(row: &csv::StringRecord, image: &FolderImage) -> Option<Self> {
        Self::of(row, image).filter(|_| row.get(REASON) != Some(""))
    }
}

fn has_crop(row: &csv::StringRecord) -> bool {
    row.get(FILE).is_some_and(|file| !file.is_empty())
}

/// One row as bytes. Writing to memory cannot fail.
fn line(fields: &csv::StringRecord) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields).ok();
    writer.into_inner().unwrap_or_default()
}

fn read(path: &Path) -> Result<BTreeMap<String, csv::StringRecord>, FaceError> {
    let file = File::open(path).map_err(|source| FaceError::reading(path, source))?;
    rows_of(BufReader::new(file), path)
}

/// The complete rows; `path` is for the messages. What a kill cut off is passed over. What the disk does not give is an
/// error: the table is written anew from what was read, which must be all of it.
fn rows_of(text: impl Read, path: &Path) -> Result<BTreeMap<String, csv::StringRecord>, FaceError> {
    let refused = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(source) => Err(FaceError::reading(path, source)),
        _ => Ok(()),
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let is_ours = match reader.headers() {
        Ok(names) => *names == header(),
        Err(error) => {
            refused(error)?;
            false
        }
    };
    if !is_ours {
        let reason =
            "a file of this name is there that the alignment of faces did not write; move it away, then try again";
        return Err(FaceError::Refused { reason: reason.to_owned(), path: path.to_owned() });
    }
    let mut rows = BTreeMap::new();
    for row in reader.records() {
        match row {
            Ok(row) if row.len() == COLUMNS => {
                rows.insert(row.get(PATH).unwrap_or_default().to_owned(), row);
            }
            Ok(_) => {}
            Err(error) => refused(error)?,
        }
    }
    Ok(rows)
}

fn write_all(path: &Path, rows: &BTreeMap<String, csv::StringRecord>) -> Result<(), FaceError> {
    let writing = FaceError::writing(path);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = BufWriter::new(temporary(folder).map_err(&writing)?);
    for row in std::iter::once(&header()).chain(rows.values()) {
        file.write_all(&line(row)).map_err(&writing)?;
    }
    let file = file.into_inner().map_err(|error| writing(error.into_error()))?;
    file.as_file().sync_all().map_err(&writing)?;
    file.persist(path).map_err(|error| writing(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that gives up.
    struct Failing;

    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }

    #[test]
    fn broken_rows_are_passed_over_and_a_disk_that_gives_up_is_an_error() {
        let row = |path: &str| line(&Row { path: path.to_owned(), ..Row::default() }.fields());
        let whole = [line(&header()), row("a.png"), b"cut,off\n\xff\xfe,\n".to_vec(), row("b.png")].concat();
        let path = Path::new("align.csv");
        let rows = rows_of(whole.as_slice(), path).unwrap();
        assert_eq!(rows.keys().collect::<Vec<_>>(), ["a.png", "b.png"]);
        for text in [&whole[..], &[]] {
            let said = rows_of(text.chain(Failing), path).unwrap_err().to_string();
            assert!(said.contains("align.csv") && !said.contains("did not write"), "{said}");
        }
    }

    #[test]
    fn only_a_name_that_the_image_can_have_is_ours() {
        let image = FolderImage { path: "/p/a/b.bmp".into(), name: "a/b.bmp".into(), target: "a/b.png".into() };
        let own = |file: &str| {
            let row = Row { path: image.name.clone(), file: file.to_owned(), ..Row::default() };
            OwnCrop::of(&row.fields(), &image).map(|crop| crop.format)
        };
        assert_eq!((own("a/b.png"), own("a/b.jpg")), (Some(CropFormat::Png), Some(CropFormat::Jpeg)));
        for file in ["", "a/c.png", "b.png", "a/b.bmp", "../a/b.png", "/p/a/b.png", "a/../a/b.png", "a/b.png/"] {
            assert_eq!(own(file), None, "{file}");
        }
    }
}
