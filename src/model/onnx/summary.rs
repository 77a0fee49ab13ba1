//! What an ONNX file says about itself: by whom, inputs, outputs, how many weights. The weights are passed over, not read,
//! and nothing is computed. <https://onnx.ai/onnx/repo-docs/IR.html>

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Error, ErrorKind, Read};
use std::path::Path;

/// Longest name that is kept, in bytes.
const MAX_TEXT: u64 = 4096;
/// Most bytes of metadata that are kept, all texts together: the names of a million classes.
const MAX_METADATA: u64 = 16 << 20;
/// Most inputs, outputs, entries of metadata, sizes of one tensor, and names of weights that are kept.
const MAX_LISTED: usize = 100_000;
/// Messages in messages that are followed: a network's shape takes six.
const MAX_DEPTH: u32 = 16;

/// Name and sizes.
pub type Shaped = (String, Vec<String>);

/// An ONNX file at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnnxSummary {
    /// The program that wrote it, with its version; may be empty.
    pub producer: String,
    /// Version of the standard operators; 0 where it is not said.
    pub opset: u64,
    /// What goes in: name and sizes (a number, or a name for a free one).
    pub inputs: Vec<Shaped>,
    /// What comes out.
    pub outputs: Vec<Shaped>,
    /// Operations.
    pub nodes: usize,
    /// Numbers among the constants.
    pub weights: u64,
    /// What else the file says.
    pub metadata: BTreeMap<String, String>,
}

impl OnnxSummary {
    /// Reads what the file says.
    ///
    /// # Errors
    /// When it cannot be read or is no ONNX network.
    pub fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let end = file.metadata()?.len();
        let mut reader = Reader { file: BufReader::new(file), at: 0, depth: 0 };
        let mut found = Self::default();
        let mut has_graph = false;
        let mut version = String::new();
        let mut left = MAX_METADATA;
        reader.walk(end, &mut |reader, field, value| {
            match (field, value) {
                (2, Value::Bytes(end)) => found.producer = reader.text(end)?,
                (3, Value::Bytes(end)) => version = reader.text(end)?,
                (7, Value::Bytes(end)) => {
                    has_graph = true;
                    found.graph(reader, end)?;
                }
                (8, Value::Bytes(end)) => found.operators(reader, end)?,
                (14, Value::Bytes(end)) => found.property(reader, end, &mut left)?,
                _ => {}
            }
            Ok(())
        })?;
        if !has_graph {
            return Err(bad("it holds no network"));
        }
        if !version.is_empty() {
            found.producer = format!("{} {version}", found.producer).trim().to_owned();
        }
        Ok(found)
    }

    fn graph(&mut self, reader: &mut Reader, end: u64) -> io::Result<()> {
        // Older files list the weights among the inputs, too.
        let mut constants = HashSet::new();
        reader.walk(end, &mut |reader, field, value| {
            match (field, value) {
                (1, Value::Bytes(_)) => self.nodes += 1,
                (5, Value::Bytes(end)) => {
                    let (name, numbers) = tensor(reader, end)?;
                    self.weights = self.weights.saturating_add(numbers);
                    keep(constants.len())?;
                    constants.insert(name);
                }
                (11, Value::Bytes(end)) => add(&mut self.inputs, reader, end)?,
                (12, Value::Bytes(end)) => add(&mut self.outputs, reader, end)?,
                _ => {}
            }
            Ok(())
        })?;
        self.inputs.retain(|(name, _)| !constants.contains(name));
        Ok(())
    }

    /// Which operators; those of extensions do not count.
    fn operators(&mut self, reader: &mut Reader, end: u64) -> io::Result<()> {
        let (mut domain, mut version) = (String::new(), 0);
        reader.walk(end, &mut |reader, field, value| {
            match (field, value) {
                (1, Value::Bytes(end)) => domain = reader.text(end)?,
                (2, Value::Number(number)) => version = number,
                _ => {}
            }
            Ok(())
        })?;
        if domain.is_empty() || domain == "ai.onnx" {
            self.opset = version;
        }
        Ok(())
    }

    /// An entry of the metadata. A text of which more than `left` bytes are there is cut.
    fn property(&mut self, reader: &mut Reader, end: u64, left: &mut u64) -> io::Result<()> {
        let (mut key, mut text) = (String::new(), String::new());
        reader.walk(end, &mut |reader, field, value| {
            match (field, value) {
                (1, Value::Bytes(end)) => key = reader.text(end)?,
                (2, Value::Bytes(end)) => {
                    text = reader.text_of(end, *left)?;
                    *left = left.saturating_sub(text.len() as u64);
                }
                _ => {}
            }
            Ok(())
        })?;
        keep(self.metadata.len())?;
        self.metadata.insert(key, text);
        Ok(())
    }
}

/// Name and count of a constant tensor.
fn tensor(reader: &mut Reader, end: u64) -> io::Result<(String, u64)> {
    let (mut name, mut numbers) = (String::new(), 1_u64);
    reader.walk(end, &mut |reader, field, value| {
        match (field, value) {
            (1, Value::Number(size)) => numbers = numbers.saturating_mul(size),
            (1, Value::Bytes(end)) => {
                while reader.at < end {
                    numbers = numbers.saturating_mul(reader.varint(end)?);
                }
            }
            (8, Value::Bytes(end)) => name = reader.text(end)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok((name, numbers))
}

/// Adds an input or output.
fn add(list: &mut Vec<Shaped>, reader: &mut Reader, end: u64) -> io::Result<()> {
    keep(list.len())?;
    let (mut name, mut sizes) = (String::new(), Vec::new());
    reader.walk(end, &mut |reader, field, value| {
        match (field, value) {
            (1, Value::Bytes(end)) => name = reader.text(end)?,
            // Type, tensor type, shape, sizes.
            (2, Value::Bytes(end)) => reader.within(end, 1, &mut |reader, end| {
                reader.within(end, 2, &mut |reader, end| {
                    reader.within(end, 1, &mut |reader, end| {
                        keep(sizes.len())?;
                        sizes.push(size(reader, end)?);
                        Ok(())
                    })
                })
            })?,
            _ => {}
        }
        Ok(())
    })?;
    list.push((name, sizes));
    Ok(())
}

/// A number, a name, or nothing.
fn size(reader: &mut Reader, end: u64) -> io::Result<String> {
    let mut found = "?".to_owned();
    reader.walk(end, &mut |reader, field, value| {
        match (field, value) {
            (1, Value::Number(size)) => found = size.to_string(),
            (2, Value::Bytes(end)) => found = reader.text(end)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

fn keep(have: usize) -> io::Result<()> {
    if have < MAX_LISTED { Ok(()) } else { Err(bad("it lists more than any network has")) }
}

fn bad(reason: &str) -> Error {
    Error::new(ErrorKind::InvalidData, reason)
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Value {
    Number(u64),
    /// Bytes from the present place to here.
    Bytes(u64),
    /// Four or eight bytes.
    Fixed,
}

/// Goes through the fields of protocol buffers (`proto.rs`) in a file.
struct Reader {
    file: BufReader<File>,
    at: u64,
    depth: u32,
}

impl Reader {
    /// Calls `each` for every field up to `end`; what it leaves of a field's bytes is passed over.
    fn walk(&mut self, end: u64, each: &mut dyn FnMut(&mut Self, u32, Value) -> io::Result<()>) -> io::Result<()> {
        if self.depth >= MAX_DEPTH {
            return Err(bad("its parts are nested too deeply"));
        }
        self.depth += 1;
        while self.at < end {
            let key = self.varint(end)?;
            let field = u32::try_from(key >> 3).map_err(|_| bad("it is no ONNX file"))?;
            let (value, after) = match key & 7 {
                0 => {
                    let number = self.varint(end)?;
                    (Value::Number(number), self.at)
                }
                1 => (Value::Fixed, self.at + 8),
                2 => {
                    let len = self.varint(end)?;
                    let after = self.at.checked_add(len).ok_or_else(|| bad("it is no ONNX file"))?;
                    (Value::Bytes(after), after)
                }
                5 => (Value::Fixed, self.at + 4),
                _ => return Err(bad("it is no ONNX file")),
            };
            if after > end {
                return Err(bad("it is no ONNX file, or its end is missing"));
            }
            each(self, field, value)?;
            self.skip_to(after)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Calls `each` for every message that is field `wanted`.
    fn within(
        &mut self,
        end: u64,
        wanted: u32,
        each: &mut dyn FnMut(&mut Self, u64) -> io::Result<()>,
    ) -> io::Result<()> {
        self.walk(end, &mut |reader, field, value| match value {
            Value::Bytes(end) if field == wanted => each(reader, end),
            _ => Ok(()),
        })
    }

    fn varint(&mut self, end: u64) -> io::Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            if self.at >= end {
                break;
            }
            let mut byte = [0];
            self.file.read_exact(&mut byte)?;
            self.at += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        Err(bad("it is no ONNX file, or its end is missing"))
    }

    /// The bytes up to `end` as text, the first of them: a name.
    fn text(&mut self, end: u64) -> io::Result<String> {
        self.text_of(end, MAX_TEXT)
    }

    /// The bytes up to `end` as text, at most so many.
    fn text_of(&mut self, end: u64, most: u64) -> io::Result<String> {
        let len = end.saturating_sub(self.at).min(most);
        let mut bytes = vec![0; len as usize];
        self.file.read_exact(&mut bytes)?;
        self.at += len;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn skip_to(&mut self, place: u64) -> io::Result<()> {
        let by = place.checked_sub(self.at).ok_or_else(|| bad("a part of it reaches beyond the whole"))?;
        self.file.seek_relative(i64::try_from(by).map_err(|_| bad("it is no ONNX file"))?)?;
        self.at = place;
        Ok(())
    }
}
