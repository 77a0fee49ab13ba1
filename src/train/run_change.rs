//! What a person does to a run's folder: another name, a note, the bin.

use super::{RunFolder, TrainError, is_run};
use crate::config::{atomic_write, read_text_at_most};
use std::path::{Path, PathBuf};

const NOTE: &str = "note.txt";
/// Longest note that is read and written, in bytes.
const MOST_NOTE_BYTES: usize = 64 << 10;
/// Longest name, in bytes; file systems allow 255.
const MOST_NAME_BYTES: usize = 200;

/// The note beside a run; empty when there is none, or none that can be read.
pub fn read_note(run: &Path) -> String {
    read_text_at_most(&run.join(NOTE), MOST_NOTE_BYTES as u64).unwrap_or_default()
}

/// Gives a run a name and a note (empty for none). Returns where it is now.
///
/// # Errors
/// When somebody trains the run, the name cannot be a folder's or is taken, or the disk refuses.
pub fn describe_run(run: &Path, name: &str, note: &str) -> Result<PathBuf, TrainError> {
    let held = hold(run)?;
    let refused = |reason: String| TrainError::RunChange { reason, path: run.to_owned() };
    check_name(name).map_err(refused)?;
    if note.len() > MOST_NOTE_BYTES {
        return Err(refused(format!("the note has {} bytes; {MOST_NOTE_BYTES} are allowed", note.len())));
    }
    let target = run.with_file_name(name);
    let moves = target != run;
    // A rename onto an existing folder succeeds on some systems when that is empty.
    if moves && target.symlink_metadata().is_ok() {
        return Err(refused(format!("there is already something called {name}")));
    }
    let file = run.join(NOTE);
    let written = if note.is_empty() { remove(&file) } else { atomic_write(&file, note.as_bytes()) };
    written.map_err(TrainError::disk("write the note", &file))?;
    if moves {
        rename(held, run, &target).map_err(TrainError::disk("rename the run", run))?;
    }
    Ok(target)
}

/// Folder beside the runs that takes the deleted ones. No list looks into it.
pub(super) const BIN: &str = "bin";

/// Moves a run into the bin beside it, from where it can be moved back. Returns where it is now.
///
/// # Errors
/// When it is no run, somebody trains it, or the disk refuses.
pub fn delete_run(run: &Path) -> Result<PathBuf, TrainError> {
    let held = hold(run)?;
    let bin = run.parent().unwrap_or(Path::new(".")).join(BIN);
    std::fs::create_dir_all(&bin).map_err(TrainError::disk("make the bin", &bin))?;
    let name = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let free = |path: &PathBuf| path.symlink_metadata().is_err();
    let names = std::iter::once(name.clone()).chain((2..1000).map(|number| format!("{name} {number}")));
    let target = names.map(|name| bin.join(name)).find(free).ok_or_else(|| TrainError::RunChange {
        reason: format!("the bin holds too many runs called {name}; empty {}", bin.display()),
        path: run.to_owned(),
    })?;
    rename(held, run, &target).map_err(TrainError::disk("move the run to the bin", run))?;
    Ok(target)
}

/// Takes the run's lock: only what this program made is renamed and deleted, and not under a process that writes it.
fn hold(run: &Path) -> Result<RunFolder, TrainError> {
    let refused = |reason: &str| TrainError::RunChange { reason: reason.to_owned(), path: run.to_owned() };
    if !is_run(run) {
        return Err(refused("it is no run (it has no run.toml)"));
    }
    RunFolder::open(run).map_err(|error| match error {
        TrainError::Locked(_) => refused("it is being trained, here or by another ArcLens; stop that first"),
        other => other,
    })
}

fn rename(held: RunFolder, run: &Path, target: &Path) -> std::io::Result<()> {
    // Held until the folder has its new name; but Windows moves no folder in which a file is open.
    let _held = if cfg!(windows) {
        drop(held);
        None
    } else {
        Some(held)
    };
    std::fs::rename(run, target)
}

fn check_name(name: &str) -> Result<(), String> {
    let forbidden = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    if name.is_empty() {
        Err("a run needs a name".to_owned())
    } else if name.starts_with('.') || name.ends_with(['.', ' ']) || name.contains(forbidden) {
        Err(format!("{name} cannot be the name of a folder on every system; use letters, digits, spaces and dashes"))
    } else if name.eq_ignore_ascii_case(BIN) {
        Err(format!("{name} is the name of the folder for deleted runs; choose another"))
    } else if name.len() > MOST_NAME_BYTES {
        Err(format!("the name has {} bytes; {MOST_NAME_BYTES} are allowed", name.len()))
    } else {
        Ok(())
    }
}

fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(root: &Path, name: &str) -> PathBuf {
        let run = root.join(name);
        std::fs::create_dir_all(&run).unwrap();
        std::fs::write(run.join("run.toml"), "").unwrap();
        run
    }

    #[test]
    fn a_run_gets_a_name_and_a_note_and_loses_the_note_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = run(folder.path(), "2026-11-25-faces");
        let named = describe_run(&first, "Gesichter, groß", "margin 0.3\nbatch 64").unwrap();
        assert!(!first.exists() && named.ends_with("Gesichter, groß"));
        assert_eq!(read_note(&named), "margin 0.3\nbatch 64");
        assert_eq!(describe_run(&named, "Gesichter, groß", "").unwrap(), named);
        assert_eq!(read_note(&named), "");
    }

    #[test]
    fn names_that_lead_elsewhere_or_are_taken_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = run(folder.path(), "a");
        run(folder.path(), "b");
        describe_run(&first, "a", "kept").unwrap();
        for name in ["", ".", "..", "../c", "c/d", "c\\d", ".c", "c.", "c:d", "b", "bin", "c\nd", &"x".repeat(300)] {
            let error = describe_run(&first, name, "").unwrap_err();
            assert!(matches!(error, TrainError::RunChange { .. }), "{name}: {error}");
        }
        assert!(first.join("run.toml").is_file());
        assert_eq!(read_note(&first), "kept", "the run is unchanged");
    }

    #[test]
    fn a_run_that_is_being_trained_stays_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let first = run(folder.path(), "a");
        let trainer = RunFolder::open(&first).unwrap();
        for refused in [delete_run(&first), describe_run(&first, "b", "note")] {
            let error = refused.unwrap_err();
            assert!(matches!(error, TrainError::RunChange { .. }), "{error}");
            assert!(error.to_string().contains("being trained"), "{error}");
        }
        assert!(first.join("run.toml").is_file() && read_note(&first).is_empty());
        assert!(!folder.path().join(BIN).exists());
        drop(trainer);
        let named = describe_run(&first, "b", "note").unwrap();
        drop(RunFolder::open(&named).unwrap());
        delete_run(&named).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_run_that_is_being_trained_is_known_by_another_path_too() {
        let folder = tempfile::tempdir().unwrap();
        let first = run(&folder.path().join("runs"), "a");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("runs"), &link).unwrap();
        let _trainer = RunFolder::open(&first).unwrap();
        assert!(delete_run(&link.join("a")).is_err() && describe_run(&link.join("a"), "b", "").is_err());
        assert!(first.is_dir());
    }

    #[test]
    fn deleted_runs_lie_in_the_bin_and_those_of_one_name_beside_each_other() {
        let folder = tempfile::tempdir().unwrap();
        for wanted in ["bin/a", "bin/a 2"] {
            let first = run(folder.path(), "a");
            let gone = delete_run(&first).unwrap();
            assert!(!first.exists() && gone == folder.path().join(wanted) && gone.join("run.toml").is_file());
        }
        assert!(crate::train::list_runs(folder.path()).unwrap().is_empty());
    }

    #[test]
    fn a_run_of_a_series_stays_in_its_folder_whatever_its_name_and_goes_to_the_bin_there() {
        let folder = tempfile::tempdir().unwrap();
        let series = folder.path().join("softmax");
        let first = run(&series, "seed-1");
        run(&series, "seed-2");
        let named = describe_run(&first, "the best", "margin 0.3").unwrap();
        assert_eq!(named, series.join("the best"));
        // Each series has its own bin: from one for all, a run would be moved back to the wrong place.
        assert_eq!(delete_run(&named).unwrap(), series.join("bin/the best"));
        assert!(!folder.path().join(BIN).exists());
        delete_run(&run(folder.path(), "alone")).unwrap();
        delete_run(&series.join("seed-2")).unwrap();
        assert!(series.is_dir() && crate::train::list_runs(folder.path()).unwrap().is_empty());
        std::fs::rename(series.join("bin/seed-2"), series.join("seed-2")).unwrap();
        let listed = crate::train::list_runs(folder.path()).unwrap();
        let names: Vec<String> = listed.into_iter().map(|run| run.name).collect();
        assert_eq!(names, ["softmax/seed-2"]);
    }

    #[test]
    fn what_is_no_run_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = folder.path().join("pictures");
        std::fs::create_dir(&pictures).unwrap();
        assert!(delete_run(&pictures).is_err() && describe_run(&pictures, "x", "").is_err());
        assert!(pictures.is_dir());
    }

    #[test]
    fn a_note_that_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(NOTE), vec![b'x'; MOST_NOTE_BYTES + 1]).unwrap();
        assert_eq!(read_note(folder.path()), "");
    }
}
