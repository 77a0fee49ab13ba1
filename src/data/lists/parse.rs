//! The lines of a list, in whichever of the forms it has (RECOGNITION 3.3 and 3.5).

use crate::data::endings::names_image;
use std::path::Path;

/// Longest name of a class.
const MAX_LABEL_BYTES: usize = 4096;

/// An image and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) path: String,
    pub(super) label: String,
}

/// Line (from 1) and what is wrong with it.
pub(super) type Fault = (u64, String);

/// Names of columns that hold the image.
const PATHS: [&str; 13] = [
    "path",
    "image",
    "image_path",
    "img",
    "file",
    "filename",
    "file_name",
    "filepath",
    "image_name",
    "file_path",
    "img_path",
    "image_file",
    "img_name",
];
/// Names of columns that hold the class.
const LABELS: [&str; 13] = [
    "label",
    "class",
    "class_name",
    "identity",
    "person",
    "subject",
    "category",
    "target",
    "class_id",
    "person_id",
    "identity_id",
    "labels",
    "id",
];

/// Reads every line.
///
/// # Errors
/// Names the first line that cannot be understood.
pub(super) fn rows(bytes: &[u8]) -> Result<Vec<Row>, Fault> {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err((1, "expected text in UTF-8, found UTF-16; save it anew as UTF-8".to_owned()));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes.iter().take(error.valid_up_to()).filter(|&&byte| byte == b'\n').count() as u64;
        (line, "expected text in UTF-8, found other bytes".to_owned())
    })?;
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let first = lines().find(|line| !line.trim_start().starts_with('#')).or_else(|| lines().next());
    let rows = match separator(first.unwrap_or_default()) {
        Some(separator) => separated(text, separator)?,
        None => spaced(text)?,
    };
    if rows.is_empty() { Err((1, "expected images with their labels, found none".to_owned())) } else { Ok(rows) }
}

fn separator(line: &str) -> Option<u8> {
    [b'\t', b',', b';'].into_iter().find(|&separator| line.as_bytes().contains(&separator))
}

/// Fields with a separator, quoted or not; the columns follow from the header or from the first line.
fn separated(text: &str, separator: u8) -> Result<Vec<Row>, Fault> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let (mut rows, mut columns) = (Vec::new(), None);
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(rows),
            Ok(true) => {}
            Err(error) => return Err((line, error.to_string())),
        }
        let line = record.position().map_or(line, csv::Position::line);
        let fields: Vec<&str> = record.iter().collect();
        if fields.iter().all(|field| field.is_empty()) {
            continue;
        }
        let known = match columns {
            Some(known) => known,
            None if is_remark(&fields) => continue,
            None if header(&fields).is_some() => {
                columns = header(&fields);
                continue;
            }
            None => *columns.insert(guess(&fields).map_err(|message| (line, message))?),
        };
        rows.push(known.row(&fields).ok_or_else(|| (line, expected(&record)))?);
    }
}

/// A remark above the first image. A name may begin like one.
fn is_remark(fields: &[&str]) -> bool {
    fields.first().is_some_and(|field| field.starts_with('#')) && !fields.iter().any(|field| is_image(field))
}

fn is_image(name: &str) -> bool {
    names_image(Path::new(name))
}

fn expected(record: &csv::StringRecord) -> String {
    let found: String = record.iter().collect::<Vec<_>>().join(", ").chars().take(80).collect();
    format!("expected an image and its label, found \"{found}\"")
}

/// Where the two fields are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Columns {
    path: Place,
    label: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    At(usize),
    Last,
}

impl Columns {
    fn row(self, fields: &[&str]) -> Option<Row> {
        let path = match self.path {
            Place::At(index) => fields.get(index),
            Place::Last => fields.last().filter(|_| fields.len() > self.label + 1),
        };
        row(path?, fields.get(self.label)?)
    }
}

fn row(path: &str, label: &str) -> Option<Row> {
    let label = number(label).unwrap_or_else(|| label.to_owned());
    let is_usable = !path.is_empty() && !label.is_empty() && label.len() <= MAX_LABEL_BYTES;
    is_usable.then(|| Row { path: path.replace('\\', "/"), label })
}

/// mxnet writes classes as `3.000000`.
fn number(label: &str) -> Option<String> {
    let value: f64 = label.parse().ok()?;
    let is_class = value >= 0.0 && value <= u32::MAX.into() && value.fract() == 0.0 && label.contains('.');
    is_class.then(|| format!("{value:.0}"))
}

fn header(fields: &[&str]) -> Option<Columns> {
    // The names stand in the order of preference: `id` beside `label` is a number of the line.
    let of =
        |names: &[&str]| names.iter().find_map(|name| fields.iter().position(|field| field.eq_ignore_ascii_case(name)));
    let (path, label) = (of(&PATHS)?, of(&LABELS)?);
    (path != label).then_some(Columns { path: Place::At(path), label })
}

fn guess(fields: &[&str]) -> Result<Columns, String> {
    let is_number = |index: usize| fields.get(index).is_some_and(|field| field.parse::<f64>().is_ok());
    match fields.len() {
        2 if is_label_first(fields) => Ok(Columns { path: Place::At(1), label: 0 }),
        2 => Ok(Columns { path: Place::At(0), label: 1 }),
        // face2rec2: aligned, path, label, and perhaps landmarks.
        3.. if !is_number(1) && is_number(2) => Ok(Columns { path: Place::At(1), label: 2 }),
        // mxnet: index, label or labels, path.
        3.. if is_number(0) && is_number(1) && !is_number(fields.len() - 1) => {
            if is_boxes(fields) {
                return Err("it lists boxes around objects (a detection set), not one class per image".to_owned());
            }
            Ok(Columns { path: Place::Last, label: 1 })
        }
        1 => Err("expected an image and its label, found one field".to_owned()),
        n if n > 16 && (0..n).all(is_number) => {
            Err("it holds pixels as numbers, which are not read here; use the IDX files or images".to_owned())
        }
        _ => Err("expected \"path, label\" or \"index, label, path\", or a first line that names the columns path \
                  and label"
            .to_owned()),
    }
}

/// Of two fields the second names an image, and the first does not.
fn is_label_first(fields: &[&str]) -> bool {
    matches!(fields, &[first, second] if !is_image(first) && is_image(second))
}

/// As in `recordio/look.rs`: the length of the head, the length of a box, boxes.
fn is_boxes(fields: &[&str]) -> bool {
    let whole =
        |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).filter(|n| n.fract() == 0.0);
    let (Some(own), Some(each)) = (whole(1), whole(2)) else { return false };
    let n = fields.len() as f64 - 2.0;
    own >= 2.0 && each >= 5.0 && n - own >= each && (n - own) % each == 0.0
}

/// `path label` or `label path` (as the first line has it), where the path may hold spaces, or MagFace's `path 0 label 0`.
fn spaced(text: &str) -> Result<Vec<Row>, Fault> {
    let mut rows = Vec::new();
    let mut label_first = None;
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = line.split_whitespace().take(5).collect();
        let split = match fields.as_slice() {
            &[path, "0", label, "0"] => Some((path, label)),
            _ => {
                let by_last = line.rsplit_once(char::is_whitespace);
                let is_first = || by_last.is_some_and(|(start, end)| is_label_first(&[start, end]));
                match *label_first.get_or_insert_with(is_first) {
                    true => line.split_once(char::is_whitespace).map(|(label, path)| (path.trim_start(), label)),
                    false => by_last,
                }
            }
        };
        let parsed = split.and_then(|(path, label)| row(path.trim_end(), label));
        let found = || line.chars().take(80).collect::<String>();
        rows.push(parsed.ok_or_else(|| (number, format!("expected an image and its label, found \"{}\"", found())))?);
    }
    Ok(rows)
}
