//! What was last read from a file, kept for the next job that asks for it: a face detector takes longer to open (its network
//! is built and tried) than to run on a picture.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// One thing at a time, for all threads of a queue. A file that has changed since is read anew.
#[derive(Debug)]
pub(super) struct LastRead<T> {
    kept: Mutex<Option<(FileState, Arc<T>)>>,
}

impl<T> Default for LastRead<T> {
    fn default() -> Self {
        Self { kept: Mutex::new(None) }
    }
}

impl<T> LastRead<T> {
    /// What `path` holds: read before, or now. Errors are not kept.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn get<E>(&self, path: &Path, read: impl FnOnce(&Path) -> Result<T, E>) -> Result<Arc<T>, E> {
        // Taken before reading: a file that changes meanwhile counts as changed at the next look.
        let state = FileState::of(path);
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, thing)) = lock().as_ref()
            && state.as_ref() == Some(of)
        {
            return Ok(Arc::clone(thing));
        }
        // Without the lock: other threads go on with what is kept.
        let thing = Arc::new(read(path)?);
        if let Some(state) = state {
            *lock() = Some((state, Arc::clone(&thing)));
        }
        Ok(thing)
    }
}

/// What tells whether a file is still the one that was read.
#[derive(Debug, PartialEq, Eq)]
struct FileState {
    path: PathBuf,
    modified: SystemTime,
    bytes: u64,
}

impl FileState {
    /// `None` where the system does not say.
    fn of(path: &Path) -> Option<Self> {
        let facts = std::fs::metadata(path).ok()?;
        Some(Self { path: path.to_owned(), modified: facts.modified().ok()?, bytes: facts.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::time::Duration;

    #[test]
    fn a_file_is_read_once_until_it_changes_or_another_one_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["a", "b"].map(|name| folder.path().join(name));
        std::fs::write(&first, "one").unwrap();
        std::fs::write(&second, "two").unwrap();
        let (last, reads) = (LastRead::default(), Cell::new(0));
        let get = |path: &Path| {
            let read = |path: &Path| {
                reads.set(reads.get() + 1);
                std::fs::read_to_string(path)
            };
            last.get(path, read).map(|text| text.as_str().to_owned()).map_err(|_gone| reads.get())
        };
        assert_eq!([get(&first), get(&first)], [Ok("one".to_owned()), Ok("one".to_owned())]);
        assert_eq!(reads.get(), 1);
        // As long as before, a second later.
        std::fs::write(&first, "six").unwrap();
        let later = SystemTime::now() + Duration::from_secs(1);
        std::fs::File::options().write(true).open(&first).unwrap().set_modified(later).unwrap();
        assert_eq!((get(&first), reads.get()), (Ok("six".to_owned()), 2));
        assert_eq!((get(&second), get(&first), reads.get()), (Ok("two".to_owned()), Ok("six".to_owned()), 4));
        std::fs::remove_file(&first).unwrap();
        assert_eq!((get(&first), get(&first)), (Err(5), Err(6)), "what is gone is not remembered");
    }
}
