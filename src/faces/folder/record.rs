//! The table of what was done: one row per image, written as it happens, sorted at the end.

use super::FolderImage;
use crate::config::temporary;
use crate::faces::{Face, FaceError, Point};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
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
const COLUMNS: usize = FIRST_COLUMNS.len() + POINT_COLUMNS.len() + 1;
/// The last one; empty for a face that was aligned.
const REASON: usize = COLUMNS - 1;

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
            let size = row.get(SIZE).unwrap_or_default();
            let reason = format!(
                "this folder has crops of {size} px already; choose that size (--size {size}), or name another folder (--out)"
            );
            return Err(FaceError::Refused { reason, path: folder.to_owned() });
        }
        Ok(Self { path, rows })
    }

    /// This image's crop was made earlier and is still there.
    pub(super) fn has(&self, image: &FolderImage, folder: &Path) -> bool {
        let row = self.rows.get(&image.name).filter(|row| has_crop(row) && row.get(REASON) == Some(""));
        row.and_then(|row| row.get(FILE))
            .is_some_and(|file| std::fs::metadata(folder.join(file)).is_ok_and(|meta| meta.len() > 0))
    }

    /// A file where this image's crop goes was written by us.
    pub(super) fn owns(&self, image: &FolderImage) -> bool {
        self.rows.get(&image.name).is_some_and(|row| is_crop_of(row, image))
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
    /// Takes up the table of `folder`, or begins one.
    ///
    /// # Errors
    /// As [`Table::open`], or when the disk refuses.
    pub(super) fn open(folder: &Path, size_px: u32) -> Result<Self, FaceError> {
        let table = Table::open(folder, size_px)?;
        // A kill may have cut the last row off; what is appended must not be joined to it.
        table.save()?;
        let journal = File::options().append(true).open(&table.path).map_err(FaceError::writing(&table.path))?;
        Ok(Self { table, journal })
    }

    /// As [`Table::has`].
    pub(super) fn has(&self, image: &FolderImage, folder: &Path) -> bool {
        self.table.has(image, folder)
    }

    /// As [`Table::owns`].
    pub(super) fn owns(&self, image: &FolderImage) -> bool {
        self.table.owns(image)
    }

    /// Adds what was just done.
    pub(super) fn add(&mut self, row: Row) -> Result<(), FaceError> {
        self.journal.write_all(&line(&row.fields())).map_err(FaceError::writing(&self.table.path))?;
        self.table.put(row);
        Ok(())
    }

    /// Writes the table anew, sorted and with one row per image.
    pub(super) fn finish(self) -> Result<(), FaceError> {
        self.table.save()
    }
}

/// The row says that the middle of `image` is where its crop goes.
pub(super) fn is_middle_of(row: &csv::StringRecord, image: &FolderImage) -> bool {
    is_crop_of(row, image) && row.get(REASON) != Some("")
}

fn is_crop_of(row: &csv::StringRecord, image: &FolderImage) -> bool {
    has_crop(row) && row.get(FILE).is_some_and(|file| Path::new(file) == image.target)
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
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::new(file));
    if reader.headers().ok() != Some(&header()) {
        let reason =
            "a file of this name is there that `arclens align` did not write; move it, or name another folder (--out)"
                .to_owned();
        return Err(FaceError::Refused { reason, path: path.to_owned() });
    }
    let complete = reader.records().flatten().filter(|row| row.len() == COLUMNS);
    Ok(complete.map(|row| (row.get(PATH).unwrap_or_default().to_owned(), row)).collect())
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
