//! A `.rec` that is larger than the memory of many machines: only what is wanted of it is read. Alone in its file, because
//! what is counted is what the whole process read and took.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may stop, and says why it skips")]

mod common;
#[path = "common/process.rs"]
mod process;

use common::{fails, folder, open, put};
use image::{ImageFormat, RgbImage};
use process::number_of;
use std::fs::{self, File};
use std::io::{Cursor, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Beyond what 32 bits address.
const FILE_BYTES: u64 = 6 << 30;
/// A thousandth of the file is many times what four records need.
const MOST_BYTES: u64 = FILE_BYTES / 1000;

fn picture(seed: u8) -> RgbImage {
    RgbImage::from_fn(16, 16, |x, y| image::Rgb([x as u8 * 9, y as u8 * 5, seed]))
}

/// A record with a class and an image.
fn record(class: f32, seed: u8) -> Vec<u8> {
    let mut payload = [[0; 4], class.to_le_bytes()].concat();
    payload.extend([0; 16]);
    let mut image = Cursor::new(Vec::new());
    picture(seed).write_to(&mut image, ImageFormat::Png).unwrap();
    payload.extend(image.into_inner());
    let mut bytes = [0xCED7_230A_u32.to_le_bytes(), (payload.len() as u32).to_le_bytes()].concat();
    bytes.extend(&payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Two records at the start and two at the end of a file that is empty in between, and their index; why not, where the
/// file system has no such files.
fn write_sparse(rec: &Path, idx: &Path) -> Result<(), String> {
    let mut file = File::create(rec).unwrap();
    file.set_len(FILE_BYTES)
        .map_err(|error| format!("the file system has no room for {FILE_BYTES} bytes ({error})"))?;
    if taken_bytes(&file).is_none_or(|taken| taken > MOST_BYTES) {
        return Err("the file system gives room to what is empty in a file, or does not tell".to_owned());
    }
    let records: Vec<Vec<u8>> =
        [(0.0, 1), (0.0, 2), (1.0, 3), (1.0, 4)].map(|(class, seed)| record(class, seed)).into();
    let len = |index: usize| records[index].len() as u64;
    let offsets = [0, len(0), FILE_BYTES - len(2) - len(3), FILE_BYTES - len(3)];
    let mut index = String::new();
    for (key, (offset, record)) in (1..).zip(offsets.into_iter().zip(&records)) {
        file.seek(SeekFrom::Start(offset)).unwrap();
        file.write_all(record).map_err(|error| format!("the file system refused ({error})"))?;
        index += &format!("{key}\t{offset}\n");
    }
    fs::write(idx, index).unwrap();
    Ok(())
}

/// What a file takes on the disk.
#[cfg(unix)]
fn taken_bytes(file: &File) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().ok().map(|meta| meta.blocks() * 512)
}

#[cfg(not(unix))]
fn taken_bytes(_: &File) -> Option<u64> {
    None
}

/// Bytes that this process has read, by whatever call.
fn read_bytes() -> Option<u64> {
    number_of("self", "io", "rchar:")
}

/// The most memory that this process has had so far, in bytes.
fn peak_bytes() -> Option<u64> {
    number_of("self", "status", "VmHWM:").map(|kib| kib << 10)
}

#[test]
fn a_large_file_is_read_by_seeking_and_never_whole() {
    let dir = folder();
    let (rec, idx) = (dir.path().join("train.rec"), dir.path().join("train.idx"));
    if let Err(reason) = write_sparse(&rec, &idx) {
        eprintln!("skipped: {reason}");
        return;
    }
    let (read, peak) = (read_bytes(), peak_bytes());
    let catalog = open(&rec).unwrap();
    assert_eq!((catalog.items.len(), catalog.class_counts()), (4, vec![2, 2]));
    assert!(catalog.name(3).starts_with("train.rec@6442"), "{}", catalog.name(3));
    for (item, seed) in [(0, 1), (3, 4)] {
        assert_eq!(catalog.load(item).unwrap().into_rgb8(), picture(seed));
    }
    match (read, read_bytes()) {
        (Some(before), Some(after)) => assert!(after - before < MOST_BYTES, "{} bytes were read", after - before),
        _ => eprintln!("not measured: this system does not tell what a process has read"),
    }
    match (peak, peak_bytes()) {
        // Decoders and threads take some, the file would take a hundred times as much.
        (Some(before), Some(after)) => assert!(after - before < FILE_BYTES / 100, "{} bytes more", after - before),
        _ => eprintln!("not measured: this system does not tell the memory of a process"),
    }
    // Without its index the file ends where nothing is written, which is said and not searched through.
    fs::remove_file(&idx).unwrap();
    let before = read_bytes();
    let walked = open(&rec).unwrap();
    assert_eq!(walked.items.len(), 2);
    if let (Some(before), Some(after)) = (before, read_bytes()) {
        assert!(after - before < MOST_BYTES, "{} bytes were read without the index", after - before);
    }
    put(dir.path(), "other/train.idx", b"1\t0\n");
    assert!(fails(&dir.path().join("other/train.idx")).contains("without the .rec file"));
}
