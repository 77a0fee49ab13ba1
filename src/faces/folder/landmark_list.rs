//! Points of faces from a list: where there is no detector, or it was corrected by hand.

use super::record::POINT_COLUMNS;
use crate::faces::{FaceError, Landmarks, Point};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

/// Larger lists are not read.
const MAX_BYTES: u64 = 1 << 30;

/// The points of each image by its name.
#[derive(Debug, Default)]
pub struct LandmarkList {
    by_name: HashMap<String, Landmarks>,
    /// By names that have a `\` between folders, as Windows writes them, with `/` in its place. It may as well be a part of
    /// a name, so the name as it stands comes first.
    by_slashes: HashMap<String, Landmarks>,
    /// See [`Self::doubt`].
    doubt: Option<&'static str>,
}

impl LandmarkList {
    /// Reads a list, separated by commas or tabs: a path and 4 numbers (x and y of the left and the right eye) or 10 (the five
    /// points), in pixels of the upright image. With a first line of names, the columns `path` and `left_eye_x` … count, as
    /// `align.csv` has them, and rows without points are passed over, as blank lines are. Paths are those of the images
    /// below their folder, or as they were given, or whole.
    ///
    /// # Errors
    /// When it cannot be read, a line is something else (the message has its number), or most lines have five points whose
    /// left and right are exchanged: the crops would be upside down.
    pub fn read(path: &Path) -> Result<Self, FaceError> {
        let reading = |source| FaceError::reading(path, source);
        let refused = |reason: String| FaceError::Refused { reason, path: path.to_owned() };
        let meta = std::fs::metadata(path).map_err(reading)?;
        if !meta.is_file() {
            return Err(refused("the list of landmarks is no file".to_owned()));
        }
        if meta.len() > MAX_BYTES {
            let reason = format!("the list of landmarks is larger than {} MiB; divide it", MAX_BYTES >> 20);
            return Err(refused(reason));
        }
        let mut file = BufReader::new(File::open(path).map_err(reading)?);
        let start = file.fill_buf().map_err(reading)?.iter().skip_while(|byte| is_line_end(**byte) || **byte == b' ');
        let tabs = start.take_while(|byte| !is_line_end(**byte)).any(|&byte| byte == b'\t');
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(if tabs { b'\t' } else { b',' })
            .trim(csv::Trim::All)
            .from_reader(file.take(MAX_BYTES));
        let mut list = Self::default();
        let failed = |position: Option<&csv::Position>, message: String| {
            let line = position.map_or(0, |position| line_of(path, position));
            FaceError::List { line, message, path: path.to_owned() }
        };
        let (mut columns, mut is_first) = (None, true);
        for row in reader.records() {
            let row = row.map_err(|error| failed(error.position(), format!("it is no row of a table ({error})")))?;
            // A line of spaces.
            if row.len() == 1 && row.get(0) == Some("") {
                continue;
            }
            if std::mem::take(&mut is_first) {
                columns = named_columns(&row).map_err(|message| failed(row.position(), message))?;
                if columns.is_some() {
                    continue;
                }
            }
            let parsed = columns.as_ref().map_or_else(|| by_position(&row), |columns| columns.landmarks(&row));
            if let Some((name, landmarks)) = parsed.map_err(|message| failed(row.position(), message))? {
                list.insert(name, landmarks);
            }
        }
        if list.in_most(is_mirrored) {
            let reason = "in most lines of the list left and right are exchanged: the left eye is the one on the left of the \
                          picture; exchange the columns of the two eyes, and of the two corners of the mouth";
            return Err(refused(reason.to_owned()));
        }
        if list.in_most(|landmarks| is_mirrored(landmarks) || is_on_its_head(landmarks)) {
            list.doubt = Some(
                "in most lines of the list the left eye is on the right of the picture; unless the photos are upside down, \
                 exchange the columns of the two eyes, remove the folder of crops and align again",
            );
        }
        Ok(list)
    }

    /// Why its points may be meant otherwise, and what to do. Of two eyes it cannot be told whether they are exchanged or
    /// the face stands on its head, so such a list is used.
    pub(super) fn doubt(&self) -> Option<&'static str> {
        self.doubt
    }

    fn in_most(&self, holds: impl Fn(&Landmarks) -> bool) -> bool {
        2 * self.by_name.values().filter(|landmarks| holds(landmarks)).count() > self.len()
    }

    fn insert(&mut self, name: String, landmarks: Landmarks) {
        if name.contains('\\') {
            self.by_slashes.insert(name.replace('\\', "/"), landmarks);
        }
        self.by_name.insert(name, landmarks);
    }

    /// The points of an image.
    pub fn get(&self, name: &str) -> Option<Landmarks> {
        self.by_name.get(name).or_else(|| self.by_slashes.get(name)).copied()
    }

    /// Images with points.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// The line, counted from 1, in which the row that was read from `position` on begins. The reader's own count leaves out
/// the blank lines before the row and the second half of a `\r\n`, so the lines are counted again; it is only asked for
/// when a row is wrong.
fn line_of(path: &Path, position: &csv::Position) -> u64 {
    let counted = File::open(path).and_then(|file| count_lines(BufReader::new(file), position.byte()));
    counted.unwrap_or_else(|_| position.line())
}

/// The line in which the first text from the byte `from` on begins.
fn count_lines(file: impl BufRead, from: u64) -> std::io::Result<u64> {
    const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];
    let (mut line, mut last) = (1, 0);
    for (at, byte) in (0..).zip(file.bytes()) {
        let byte = byte?;
        if at >= from && !is_line_end(byte) && !BYTE_ORDER_MARK.contains(&byte) {
            break;
        }
        if is_line_end(byte) && (last, byte) != (b'\r', b'\n') {
            line += 1;
        }
        last = byte;
    }
    Ok(line)
}

type Parsed = Result<Option<(String, Landmarks)>, String>;

struct Columns {
    path: usize,
    points: Vec<usize>,
}

/// `None`: the first row is no row of names.
fn named_columns(row: &csv::StringRecord) -> Result<Option<Columns>, String> {
    if row.get(1).is_none_or(|field| field.parse::<f64>().is_ok()) {
        return Ok(None);
    }
    let position = |name: &str| row.iter().position(|field| field.eq_ignore_ascii_case(name));
    let path = position("path").ok_or("a list with names of columns needs one called path")?;
    let points: Vec<usize> = POINT_COLUMNS.iter().map_while(|name| position(name)).collect();
    if points.len() < 4 {
        return Err(format!("a list with names of columns needs {}", POINT_COLUMNS[..4].join(", ")));
    }
    Ok(Some(Columns { path, points }))
}

impl Columns {
    fn landmarks(&self, row: &csv::StringRecord) -> Parsed {
        let name = row.get(self.path).unwrap_or_default();
        let fields: Vec<&str> =
            self.points.iter().filter_map(|&at| row.get(at)).take_while(|field| !field.is_empty()).collect();
        if fields.is_empty() || name.is_empty() { Ok(None) } else { landmarks(name, &fields) }
    }
}

fn by_position(row: &csv::StringRecord) -> Parsed {
    let fields: Vec<&str> = row.iter().collect();
    match fields.split_first() {
        Some((name, numbers)) => landmarks(name, numbers),
        None => Ok(None),
    }
}

/// The points of an image from 4 or 10 numbers.
pub(super) fn landmarks(name: &str, fields: &[&str]) -> Parsed {
    let mut numbers = Vec::with_capacity(fields.len());
    for field in fields {
        let number = field.parse::<f64>().ok().filter(|number| number.is_finite());
        numbers.push(number.ok_or_else(|| format!("\"{}\" is no number", field.chars().take(40).collect::<String>()))?);
    }
    let points: &[Point] = numbers.as_chunks().0;
    let landmarks = match (numbers.len(), points) {
        (4, &[left, right]) => Landmarks::Eyes([left, right]),
        (10, &[left, right, nose, mouth_left, mouth_right]) => {
            Landmarks::Five([left, right, nose, mouth_left, mouth_right])
        }
        (count, _) => return Err(format!("a path and 4 or 10 numbers are expected, but there are {count} numbers")),
    };
    Ok(Some((name.to_owned(), landmarks)))
}

/// The left eye is the right one: five points tell it however the face is turned.
fn is_mirrored(landmarks: &Landmarks) -> bool {
    let Landmarks::Five([left, right, _, mouth_left, mouth_right]) = *landmarks else { return false };
    let between = |[ax, ay]: Point, [bx, by]: Point| [(ax + bx) / 2.0, (ay + by) / 2.0];
    let (eyes, mouth) = (between(left, right), between(mouth_left, mouth_right));
    let (across, down) = ([right[0] - left[0], right[1] - left[1]], [mouth[0] - eyes[0], mouth[1] - eyes[1]]);
    // With y down, a face that is not mirrored turns clockwise from its eyes to its mouth.
    across[0] * down[1] - across[1] * down[0] < 0.0
}

/// Two eyes of a face that stands on its head rather than lying on its side, or that are exchanged.
fn is_on_its_head(landmarks: &Landmarks) -> bool {
    let Landmarks::Eyes([left, right]) = *landmarks else { return false };
    left[0] - right[0] > (left[1] - right[1]).abs()
}
