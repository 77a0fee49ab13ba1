//! Where a command writes. Looked at before it begins, so that an hour's work is not lost for want of a folder, nor a file that
//! it reads because its result has the same name.

use crate::config::folder_of;
use anyhow::ensure;
use std::path::Path;

/// Whether `out` can be written without a loss, where the command reads `sources`.
///
/// # Errors
/// When its folder is not there, it is a folder itself, or it is one of the sources.
pub fn check(out: &Path, sources: &[&Path]) -> anyhow::Result<()> {
    let (folder, shown) = (folder_of(out), out.display());
    ensure!(
        folder.is_dir(),
        "there is no folder {} to write into; make it, or name another place with --out: {shown}",
        folder.display()
    );
    ensure!(!out.is_dir(), "this is a folder; name a file with --out: {shown}");
    ensure!(
        !sources.iter().any(|source| is_same(source, out)),
        "this file is read here, so it cannot be written as well; name another file with --out: {shown}"
    );
    Ok(())
}

/// Both are there, and they are one.
fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_needs_a_folder_and_a_name_that_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let list = path("list.csv");
        std::fs::write(&list, "a").unwrap();
        let told = |out: &Path| check(out, &[&list]).unwrap_err().to_string();
        check(&path("new.csv"), &[&list]).unwrap();
        check(Path::new("new.csv"), &[]).unwrap();
        assert!(told(&path("gone/new.csv")).contains("no folder"));
        assert!(told(folder.path()).contains("this is a folder"));
        // However it is spelled.
        let spelled = folder.path().join(".").join("list.csv");
        assert!(told(&list).contains("is read here") && told(&spelled).contains("is read here"));
    }
}
