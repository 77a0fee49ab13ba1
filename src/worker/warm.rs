//! Takes the fingerprint of earlier versions before anybody asks for it: of millions of records it takes seconds, for which
//! neither the window nor the next job is to wait.

use crate::data::Catalog;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Has the fingerprints taken by a thread of its own, one after the other. Of the data sets that wait, only the newest counts:
/// the window has left the others, and they would be kept in memory.
#[derive(Debug, Default)]
pub(super) struct Warmer {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    newest: Option<Arc<Catalog>>,
    /// A thread is at work, and looks here when it is done.
    is_busy: bool,
}

impl Warmer {
    /// Has that of `catalog` taken soon, if it is still to be taken. Without a thread it is taken when it is asked for.
    pub(super) fn warm(self: &Arc<Self>, catalog: Arc<Catalog>) {
        if !catalog.is_earlier_fingerprint_pending() {
            return;
        }
        let mut waiting = self.waiting();
        waiting.newest = Some(catalog);
        if waiting.is_busy {
            return;
        }
        let own = Arc::clone(self);
        match std::thread::Builder::new().name("fingerprint".to_owned()).spawn(move || own.work()) {
            Ok(_) => waiting.is_busy = true,
            Err(error) => {
                waiting.newest = None;
                tracing::debug!("no thread for a fingerprint ({error})");
            }
        }
    }

    /// Until none waits.
    fn work(&self) {
        while let Some(catalog) = self.next() {
            catalog.warm_earlier_fingerprint();
        }
    }

    fn next(&self) -> Option<Arc<Catalog>> {
        let mut waiting = self.waiting();
        let next = waiting.newest.take();
        waiting.is_busy = next.is_some();
        next
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::draw_classes;
    use std::path::Path;

    #[test]
    fn of_the_data_sets_that_wait_only_the_newest_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (images, records) = (folder.path().join("images"), folder.path().join("records"));
        draw_classes(&images, 2, 2);
        let open = |path: &Path| Arc::new(Catalog::open(path, &|_| {}, &|| false).unwrap());
        crate::data::export_records(&open(&images), &[0, 1, 2, 3], None, &records, &|_| {}, &|| false).unwrap();
        let [first, second, third] = [(); 3].map(|()| open(&records));
        // The thread is at work on the first.
        let warmer = Arc::new(Warmer::default());
        *warmer.waiting() = Waiting { newest: Some(Arc::clone(&first)), is_busy: true };
        let taken_now = warmer.next().unwrap();
        warmer.warm(Arc::clone(&second));
        warmer.warm(Arc::clone(&third));
        assert_eq!(Arc::strong_count(&second), 1, "it is kept no longer");
        taken_now.warm_earlier_fingerprint();
        warmer.work();
        let is_pending = [&first, &second, &third].map(|catalog| catalog.is_earlier_fingerprint_pending());
        assert_eq!(is_pending, [false, true, false]);
        let is_busy = warmer.waiting().is_busy;
        assert!(!is_busy, "the next one gets a thread");
    }
}
