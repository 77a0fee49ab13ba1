//! Writes a sample set as a folder: `train/`, `test/`, `pairs.txt`, `sample.json`, `README.md`.
//!
//! Not a reader: the result is an ordinary image folder. `sample.json` (see `marker`) is written first and says
//! `complete: false` until the end, so that a folder left half-written can be written again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rayon::prelude::*;

use super::marker::{clear_earlier_set, write_marker};
use super::pairs::{self, identity_name};
use super::portrait::{SIZE_PX, draw_portrait};
use super::{SampleError, SampleSpec, SampleSummary, png};

/// Draws the set `spec` into the folder `dir`, which is made if it does not exist.
///
/// The first two thirds of the identities (rounded down, at least one) go to `train/`, the others to `test/`, at least
/// two of them when there are three or more in all. `pairs.txt` is left out when the test part has no genuine or no
/// impostor pair. `progress` gets images done and images in all, from several threads; `cancelled` is asked before
/// every image. A folder with an earlier sample set is overwritten.
///
/// # Errors
/// [`SampleError`]: numbers out of range, a folder with other content, the disc, or cancelled.
pub fn write_sample(
    dir: &Path,
    spec: &SampleSpec,
    progress: &(dyn Fn(u32, u32) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<SampleSummary, SampleError> {
    check(spec)?;
    make_folder(dir)?;
    clear_earlier_set(dir)?;
    let train_identities = train_identities(spec.identities);
    write_marker(dir, spec, false)?;

    let images = spec.identities * spec.images_per_identity;
    let (done, bytes) = (AtomicU32::new(0), AtomicU64::new(0));
    for identity in 0..spec.identities {
        make_folder(&identity_folder(dir, spec, identity))?;
    }
    (0..images).into_par_iter().try_for_each(|number| {
        if cancelled() {
            return Err(SampleError::Cancelled);
        }
        let (identity, image) = (number / spec.images_per_identity, number % spec.images_per_identity);
        bytes.fetch_add(write_portrait(dir, spec, identity, image)?, Ordering::Relaxed);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, images);
        Ok(())
    })?;

    let test_identities = spec.identities - train_identities;
    if let Some(text) = pairs::text(spec.seed, train_identities, test_identities, spec.images_per_identity) {
        write_whole(&dir.join("pairs.txt"), text.as_bytes())?;
    }
    write_whole(&dir.join("README.md"), readme(spec).as_bytes())?;
    write_marker(dir, spec, true)?;
    Ok(SampleSummary { identities: spec.identities, train_identities, images, bytes: bytes.into_inner() })
}

/// How many of `identities` are trained on.
pub(super) fn train_identities(identities: u32) -> u32 {
    (identities * 2 / 3).min(identities.saturating_sub(2)).max(1)
}

fn check(spec: &SampleSpec) -> Result<(), SampleError> {
    let ranges = [
        ("the number of identities", spec.identities, 2, 10_000),
        ("the number of images per identity", spec.images_per_identity, 1, 1000),
        ("the size in pixels", spec.size_px, *SIZE_PX.start(), *SIZE_PX.end()),
    ];
    for (what, got, low, high) in ranges {
        if !(low..=high).contains(&got) {
            return Err(SampleError::OutOfRange { what, got, low, high });
        }
    }
    Ok(())
}

fn identity_folder(dir: &Path, spec: &SampleSpec, identity: u32) -> PathBuf {
    let part = if identity < train_identities(spec.identities) { "train" } else { "test" };
    dir.join(part).join(identity_name(identity))
}

/// Draws and writes one image; answers the size of its file.
fn write_portrait(dir: &Path, spec: &SampleSpec, identity: u32, image: u32) -> Result<u64, SampleError> {
    let name = format!("{}_{:04}.png", identity_name(identity), image + 1);
    let path = identity_folder(dir, spec, identity).join(name);
    let picture = draw_portrait(spec.seed, identity, image, spec.size_px);
    let file = png::encode(&picture).map_err(|source| SampleError::Encode { path: path.clone(), source })?;
    write_whole(&path, &file)?;
    Ok(file.len() as u64)
}

/// Writes under a temporary name and renames, so that a file is either whole or absent.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> Result<(), SampleError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let failed = |source| SampleError::Io { action: "write the file", path: path.to_owned(), source };
    fs::write(&part, content).and_then(|()| fs::rename(&part, path)).map_err(failed)
}

fn make_folder(path: &Path) -> Result<(), SampleError> {
    fs::create_dir_all(path).map_err(|source| SampleError::Io {
        action: "make the folder",
        path: path.to_owned(),
        source,
    })
}

fn readme(spec: &SampleSpec) -> String {
    let train = train_identities(spec.identities);
    let SampleSpec { identities, images_per_identity, size_px, seed } = *spec;
    let test = identities - train;
    let size = if size_px == SampleSpec::default().size_px { String::new() } else { format!(" --size {size_px}") };
    format!(
        "# Sample portraits\n\n\
         {identities} invented people, {images_per_identity} portraits each, {size_px} × {size_px} pixels. Nobody here exists: a \
         person is a vector of\nfacial geometry and colours, and every portrait varies pose, expression, light, \
         background, occlusion and noise.\n\n\
         - `train/`: {train} identities to train on, one folder each\n\
         - `test/`: {test} other identities, to measure verification of people never seen in training\n\
         - `pairs.txt`: genuine and impostor pairs of `test/`, in the form of LFW (`name i j`, `name1 i name2 j`)\n\
         - `sample.json`: the numbers this set was drawn from\n\n\
         Drawn by ArcLens's own code and free of rights: [CC0 1.0](https://creativecommons.org/publicdomain/zero/1.0/).\n\
         The same pixels are drawn again, bit for bit, by\n\n\
         ```\narclens sample sample-data --identities {identities} --images {images_per_identity}{size} --seed {seed}\n```\n"
    )
}
