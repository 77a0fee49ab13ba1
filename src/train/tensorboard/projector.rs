//! The embedding projector's files: vectors, their classes, and where to find both.

use crate::config::atomic_write;
use crate::eval::EmbeddingTable;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

const FOLDER: &str = "projector";
const CONFIG: &str = "projector_config.pbtxt";

/// Writes the embeddings, one row each.
///
/// # Errors
/// When the disk refuses.
pub(super) fn write(run: &Path, table: &EmbeddingTable, name: &dyn Fn(u32) -> String) -> io::Result<()> {
    let folder = run.join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    let mut vectors = String::new();
    let mut classes = String::new();
    for row in 0..table.len() {
        // Writing to a String cannot fail.
        for (place, value) in table.row(row).iter().enumerate() {
            let _ = write!(vectors, "{}{value:.5}", if place == 0 { "" } else { "\t" });
        }
        vectors.push('\n');
        let class = table.classes().get(row).copied().map(name).unwrap_or_default();
        let _ = writeln!(classes, "{}", class.replace(['\t', '\n', '\r'], " "));
    }
    atomic_write(&folder.join("vectors.tsv"), vectors.as_bytes())?;
    atomic_write(&folder.join("classes.tsv"), classes.as_bytes())?;
    let config = format!(
        "embeddings {{\n  tensor_name: \"held-out embeddings\"\n  tensor_path: \"{FOLDER}/vectors.tsv\"\n  metadata_path: \"{FOLDER}/classes.tsv\"\n}}\n"
    );
    atomic_write(&run.join(CONFIG), config.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_class() {
        let folder = tempfile::tempdir().unwrap();
        let table = EmbeddingTable::new(2, vec![1.0, 0.0, 0.6, 0.8], vec![4, 9], vec![1, 0]).unwrap();
        write(folder.path(), &table, &|class| format!("class\t{class}")).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("projector/vectors.tsv"), "1.00000\t0.00000\n0.60000\t0.80000\n");
        assert_eq!(read("projector/classes.tsv"), "class 1\nclass 0\n");
        assert!(read(CONFIG).contains("projector/vectors.tsv"));
    }
}
