//! The marker file of a sample folder, and clearing what an earlier set left in one.
//!
//! Not where portraits are written (see `folder`). Drawing over somebody's photographs would be unforgivable, so a
//! folder without the marker is refused, and even in ours only files with our own names are ever removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::read_text_at_most;

use super::folder::{train_identities, write_whole};
use super::{SampleError, SampleSpec};

/// The file by which a sample folder is recognised.
const MARKER: &str = "sample.json";
/// The value of `kind` in the marker.
const KIND: &str = "arclens-sample";
/// Longest marker: a whole one has 200 bytes.
const MAX_BYTES: u64 = 4096;

/// The content of the marker.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    kind: String,
    identities: u32,
    train_identities: u32,
    images_per_identity: u32,
    size_px: u32,
    seed: u64,
    complete: bool,
}

/// Writes the marker of `spec`.
pub(super) fn write_marker(dir: &Path, spec: &SampleSpec, complete: bool) -> Result<(), SampleError> {
    let path = dir.join(MARKER);
    let marker = Marker {
        kind: KIND.to_owned(),
        identities: spec.identities,
        train_identities: train_identities(spec.identities),
        images_per_identity: spec.images_per_identity,
        size_px: spec.size_px,
        seed: spec.seed,
        complete,
    };
    let mut text = serde_json::to_string_pretty(&marker).map_err(|error| SampleError::Io {
        action: "write the file",
        path: path.clone(),
        source: error.into(),
    })?;
    text.push('\n');
    write_whole(&path, text.as_bytes())
}

fn entries(path: &Path) -> Result<Vec<PathBuf>, SampleError> {
    let listed = fs::read_dir(path).and_then(|list| list.map(|entry| entry.map(|e| e.path())).collect());
    let mut paths: Vec<PathBuf> = match listed {
        Ok(paths) => paths,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => {
            return Err(SampleError::Io { action: "read the folder", path: path.to_owned(), source });
        }
    };
    paths.sort();
    Ok(paths)
}

/// Removes the files of an earlier set; refuses a folder that holds anything but one.
pub(super) fn clear_earlier_set(dir: &Path) -> Result<(), SampleError> {
    if entries(dir)?.is_empty() {
        return Ok(());
    }
    if !holds_a_sample(dir) {
        return Err(SampleError::NotASampleFolder { path: dir.to_owned() });
    }
    for part in ["train", "test"] {
        for folder in entries(&dir.join(part))? {
            if !is_our_name(&folder, "") || folder.is_symlink() || !folder.is_dir() {
                continue;
            }
            for file in entries(&folder)? {
                if is_our_name(&file, ".png") || is_our_name(&file, ".png.part") {
                    remove(&file)?;
                }
            }
            // Fails when the folder still holds something that is not ours, which then stays.
            let _ = fs::remove_dir(&folder);
        }
    }
    let protocol = dir.join("pairs.txt");
    if protocol.is_file() { remove(&protocol) } else { Ok(()) }
}

fn remove(path: &Path) -> Result<(), SampleError> {
    fs::remove_file(path).map_err(|source| SampleError::Io {
        action: "remove the earlier file",
        path: path.to_owned(),
        source,
    })
}

fn holds_a_sample(dir: &Path) -> bool {
    let text = read_text_at_most(&dir.join(MARKER), MAX_BYTES).unwrap_or_default();
    serde_json::from_str::<Marker>(&text).is_ok_and(|marker| marker.kind == KIND)
}

/// `p` and at least three digits, then for files `_`, four digits and the ending.
fn is_our_name(path: &Path, ending: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let digits = |text: &str, least: usize| text.len() >= least && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(rest) = name.strip_prefix('p').and_then(|rest| rest.strip_suffix(ending)) else {
        return false;
    };
    if ending.is_empty() {
        return digits(rest, 3);
    }
    rest.split_once('_').is_some_and(|(who, which)| digits(who, 3) && digits(which, 4))
}
