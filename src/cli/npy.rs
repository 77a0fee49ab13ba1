//! Embeddings from a `.npy` file, which may come from anywhere.
//!
//! Not by way of `ndarray-npy`: it asks for as much memory as the header promises before it has read a number, which ends the
//! program where there is less. Here a header is believed only as far as the file is long.

use crate::config::{counted, counted_as};
use anyhow::{Context as _, anyhow, bail, ensure};
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

/// Largest file that is read: 4 GiB, about two million embeddings of 512 numbers.
const MAX_BYTES: u64 = 4 << 30;
/// Those of NumPy have some hundred bytes.
const MAX_HEADER_BYTES: usize = 64 << 10;
const MAGIC: &[u8] = b"\x93NUMPY";
/// What to do about a file that is cut off.
const AGAIN: &str = "copy it again, to the end, or write it anew with `arclens embed`";

/// Embeddings, row by row.
#[derive(Debug, PartialEq)]
pub struct Rows {
    /// How many there are.
    pub count: usize,
    /// Numbers of each, at least 1.
    pub dim: usize,
    /// All of them.
    pub data: Vec<f32>,
}

/// Reads N×D numbers of 32 or 64 bits.
///
/// # Errors
/// When there is no such file, it is too large, or holds something else.
pub fn read(path: &Path) -> anyhow::Result<Rows> {
    let not_opened = || format!("could not open {}", path.display());
    let about = std::fs::metadata(path).with_context(not_opened)?;
    // A pipe would be waited for for ever.
    ensure!(about.is_file(), "this is no file: {}", path.display());
    ensure!(
        about.len() <= MAX_BYTES,
        "the file has {} bytes, more than the {MAX_BYTES} that are read: {}",
        about.len(),
        path.display()
    );
    let file = File::open(path).with_context(not_opened)?;
    rows(BufReader::new(file), about.len())
        .with_context(|| format!("expected embeddings (f32, N×D) as `arclens embed` writes them: {}", path.display()))
}

/// The rows of a file of so many bytes.
fn rows(mut reader: impl Read, length: u64) -> anyhow::Result<Rows> {
    let header = read_header(&mut reader)?;
    let said = |key: &str| value(&header.text, key).with_context(|| format!("its header does not say \"{key}\""));
    let size: usize = match said("descr")? {
        "'<f4'" => 4,
        "'<f8'" => 8,
        other => bail!("its numbers are {other}, neither '<f4' nor '<f8'"),
    };
    ensure!(said("fortran_order")? == "False", "it is stored by columns; numpy.ascontiguousarray stores it by rows");
    let shape = said("shape")?;
    let sides: Option<Vec<usize>> =
        shape.trim_matches(['(', ')']).split_terminator(',').map(|side| side.trim().parse().ok()).collect();
    let Some(&[count, dim]) = sides.as_deref() else { bail!("its shape is {shape}, not N×D") };
    ensure!(dim > 0, "embeddings have no dimensions: its shape is {shape}");
    let promised = count.checked_mul(dim).and_then(|numbers| numbers.checked_mul(size)).map(|bytes| bytes as u64);
    let found = length.saturating_sub(header.bytes);
    ensure!(
        promised.is_some_and(|promised| promised <= found),
        "the file ends early: its header promises {} of {} of {size} bytes, and {} there; {AGAIN}",
        counted(count, "row"),
        counted(dim, "number"),
        counted_as(found as usize, "byte is", "bytes are")
    );
    ensure!(promised == Some(found), "its header says {shape} numbers of {size} bytes, but {found} bytes are there");
    // Without rows, the header may say any dimension: nothing is sized by one alone.
    let mut data = Vec::with_capacity(count * dim);
    let mut bytes = [0; 8];
    for _ in 0..count * dim {
        reader.read_exact(&mut bytes[..size])?;
        data.push(number(&bytes[..size]));
    }
    Ok(Rows { count, dim, data })
}

struct Header {
    text: String,
    /// From the beginning of the file to the first number.
    bytes: u64,
}

fn read_header(reader: &mut impl Read) -> anyhow::Result<Header> {
    let mut start = Vec::new();
    reader.by_ref().take(8).read_to_end(&mut start)?;
    ensure!(start.iter().zip(MAGIC).all(|(byte, expected)| byte == expected), "it does not begin as a .npy file");
    let Some(&version) = start.get(MAGIC.len()).filter(|_| start.len() == 8) else { return Err(cut_header()) };
    // The first version tells the length of the header with two bytes, the later ones with four.
    let told_with = if version == 1 { 2 } else { 4 };
    let mut told = [0; 4];
    fill(reader, &mut told[..told_with])?;
    let length = u32::from_le_bytes(told) as usize;
    ensure!(length <= MAX_HEADER_BYTES, "its header has {length} bytes, more than {MAX_HEADER_BYTES}");
    let mut text = vec![0; length];
    fill(reader, &mut text)?;
    let bytes = (start.len() + told_with + length) as u64;
    Ok(Header { text: String::from_utf8(text).context("its header is no text")?, bytes })
}

/// Reads a part of the header, all of it.
fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> anyhow::Result<()> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => cut_header(),
        _ => error.into(),
    })
}

fn cut_header() -> anyhow::Error {
    anyhow!("the file ends early, before it has said how many rows it holds; {AGAIN}")
}

/// What a header says of a key: `{'descr': '<f4', 'shape': (520, 128), }` has `(520, 128)` as its shape.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let rest = header.split_once(&format!("'{key}':"))?.1.trim_start();
    let end = if rest.starts_with('(') { rest.find(')')? + 1 } else { rest.find([',', '}'])? };
    Some(rest[..end].trim())
}

/// A number of four or eight bytes, the lowest first.
fn number(bytes: &[u8]) -> f32 {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        f32::from_le_bytes(four)
    } else {
        <[u8; 8]>::try_from(bytes).map_or(f32::NAN, |eight| f64::from_le_bytes(eight) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray_npy::WriteNpyExt as _;

    /// A file with this header and these bytes of numbers.
    fn file(header: &str, numbers: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &length, header.as_bytes(), numbers].concat()
    }

    fn read_bytes(bytes: &[u8]) -> anyhow::Result<Rows> {
        rows(bytes, bytes.len() as u64)
    }

    #[test]
    fn what_numpy_writes_is_read_with_32_and_with_64_bits() {
        let expected = Rows { count: 2, dim: 3, data: vec![1.0, 2.0, 3.0, 4.0, 5.0, -0.5] };
        let mut bytes = Vec::new();
        ndarray::array![[1.0_f32, 2.0, 3.0], [4.0, 5.0, -0.5]].write_npy(&mut bytes).unwrap();
        assert_eq!(read_bytes(&bytes).unwrap(), expected);
        let mut bytes = Vec::new();
        ndarray::array![[1.0_f64, 2.0, 3.0], [4.0, 5.0, -0.5]].write_npy(&mut bytes).unwrap();
        assert_eq!(read_bytes(&bytes).unwrap(), expected);
    }

    #[test]
    fn a_header_is_believed_as_far_as_the_file_is_long() {
        let of = |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        let told = |shape: &str, numbers: &[u8]| read_bytes(&file(&of(shape), numbers)).unwrap_err().to_string();
        // Two terabytes, and more than can be counted.
        assert!(told("(1000000000, 512)", &[0; 8]).contains("8 bytes are there"));
        assert!(told("(9223372036854775807, 4)", &[]).contains("0 bytes are there"));
        assert!(told("(9223372036854775807, 0)", &[]).contains("no dimensions"));
        assert!(told("(2, 1)", &[0; 12]).contains("12 bytes are there"), "more than it says");
        for shape in ["(6,)", "()", "(1, 2, 3)", "(-1, 2)", "(2"] {
            assert!(read_bytes(&file(&of(shape), &[0; 24])).is_err(), "{shape}");
        }
        assert_eq!(read_bytes(&file(&of("(0, 4)"), &[])).unwrap(), Rows { count: 0, dim: 4, data: Vec::new() });
        let none = read_bytes(&file(&of("(0, 4611686018427387904)"), &[])).unwrap();
        assert!(none.data.is_empty(), "no room is made for a row");
    }

    #[test]
    fn a_file_that_is_cut_off_is_said_to_end_early() {
        let whole = file("{'descr': '<f4', 'fortran_order': False, 'shape': (520, 128), }\n", &[0; 100]);
        let told = |bytes: &[u8]| format!("{:#}", read_bytes(bytes).unwrap_err());
        let said = told(&whole);
        for words in ["ends early", "520 rows of 128 numbers of 4 bytes", "100 bytes are there", "copy it again"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        for end in 0..whole.len() - 100 {
            let said = told(&whole[..end]);
            assert!(said.contains("ends early") && said.contains("arclens embed"), "{end}: {said}");
        }
        assert!(told(b"hello").contains("does not begin as"));
    }

    #[test]
    fn other_files_are_told_what_they_lack() {
        let told = |bytes: &[u8]| format!("{:#}", read_bytes(bytes).unwrap_err());
        assert!(told(b"path,label,length").contains("does not begin as"));
        assert!(read_bytes(b"").is_err() && read_bytes(&file("{", &[])[..9]).is_err());
        assert!(told(&file("{'descr': '>f4', }", &[])).contains("'>f4'"));
        assert!(told(&file("{'descr': '<f4', 'fortran_order': True, }", &[])).contains("by columns"));
        assert!(told(&file("{'descr': '<f4', 'fortran_order': False, }", &[])).contains("\"shape\""));
        let endless = [MAGIC, &[2, 0], &u32::MAX.to_le_bytes()].concat();
        assert!(told(&endless).contains("its header has 4294967295 bytes"));
    }
}
