//! Where the bundled sample data and the runs are.

use crate::data::sample::{SampleError, SampleSpec, write_sample};
use std::path::{Path, PathBuf};

/// Finds the bundled sample data: in the working directory, beside the program, or in the sources it was built from.
/// Where there is none (a copied binary), draws it into `fallback`: the same seed gives the same pictures.
///
/// # Errors
/// When it has to be drawn and the disk refuses, or it is cancelled.
pub fn find_or_draw_sample(
    fallback: &Path,
    progress: &(dyn Fn(u32, u32) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<PathBuf, SampleError> {
    if let Some(found) = bundled() {
        return Ok(found);
    }
    if is_sample(fallback) {
        return Ok(fallback.to_owned());
    }
    write_sample(fallback, &SampleSpec::default(), progress, cancelled)?;
    Ok(fallback.to_owned())
}

fn bundled() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("sample-data")));
    let places =
        [Some(PathBuf::from("sample-data")), beside, Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data"))];
    places.into_iter().flatten().find(|path| is_sample(path))
}

fn is_sample(path: &Path) -> bool {
    path.join("pairs.txt").is_file() && path.join("train").is_dir() && path.join("test").is_dir()
}

/// Where the window puts its runs: `ARCLENS_RUNS`, else `ArcLens/runs` in the home folder, else `runs` here.
pub fn runs_root() -> PathBuf {
    if let Some(root) = std::env::var_os("ARCLENS_RUNS") {
        return PathBuf::from(root);
    }
    std::env::home_dir()
        .filter(|home| home.is_dir())
        .map_or_else(|| PathBuf::from("runs"), |home| home.join("ArcLens").join("runs"))
}
