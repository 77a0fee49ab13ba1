//! What the tests of data sets share: folders, files, opening.

use arclens::data::{Catalog, DataError};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub fn open(path: &Path) -> Result<Catalog, DataError> {
    Catalog::open(path, &|_| (), &|| false)
}

/// What a person is told.
pub fn fails(path: &Path) -> String {
    open(path).expect_err("this must not open").to_string()
}

pub fn put(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
