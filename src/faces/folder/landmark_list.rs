//! Points of faces from a list: where there is no detector, or it was corrected by hand.

use super::record::POINT_COLUMNS;
use crate::faces::{FaceError, Landmarks, Point};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

/// Larger lists are not read.
const MAX_BYTES: u64 = 1 << 30;

/// The points of each image by its name.
#[derive(Debug, Default)]
pub struct LandmarkList {
    by_name: HashMap<String, Landmarks>,
}

impl LandmarkList {
    /// Reads a list, separated by commas or tabs: a path and 4 numbers (x and y of the left and the right eye) or 10 (the five
    /// points), in pixels. With a first line of names, the columns `path` and `left_eye_x` … count, as
    /// `align.csv` has them, and rows without points are passed over. Paths are those of the images below their folder,
    /// or as they were given.
    ///
    /// # Errors
    /// When it cannot be read, or a line is something else; the message has its number.
    pub fn read(path: &Path) -> Result<Self, FaceError> {
        let reading = |source| FaceError::reading(path, source);
        if !std::fs::metadata(path).map_err(reading)?.is_file() {
            return Err(FaceError::Refused {
                reason: "the list of landmarks is no file".into(),
                path: path.to_owned(),
            });
        }
        let mut file = BufReader::new(File::open(path).map_err(reading)?);
        let tabs =
            file.fill_buf().map_err(reading)?.iter().take_while(|&&byte| byte != b'\n').any(|&byte| byte == b'\t');
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(if tabs { b'\t' } else { b',' })
            .trim(csv::Trim::All)
            .from_reader(file.take(MAX_BYTES));
        let mut list = Self::default();
        let mut columns = None;
        for (index, row) in reader.records().enumerate() {
            let failed = |line: u64, message: String| FaceError::List { line, message, path: path.to_owned() };
            let row = row.map_err(|error| {
                let line = error.position().map_or(0, csv::Position::line);
                failed(line, format!("it is no row of a table ({error})"))
            })?;
            let line = row.position().map_or(0, csv::Position::line);
            if index == 0 {
                columns = named_columns(&row).map_err(|message| failed(line, message))?;
                if columns.is_some() {
                    continue;
                }
            }
            let parsed = columns.as_ref().map_or_else(|| by_position(&row), |columns| columns.landmarks(&row));
            if let Some((name, landmarks)) = parsed.map_err(|message| failed(line, message))? {
                list.by_name.insert(name, landmarks);
            }
        }
        Ok(list)
    }

    /// The points of an image.
    pub fn get(&self, name: &str) -> Option<Landmarks> {
        self.by_name.get(name).copied()
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

fn landmarks(name: &str, fields: &[&str]) -> Parsed {
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
    Ok(Some((name.replace('\\', "/"), landmarks)))
}
