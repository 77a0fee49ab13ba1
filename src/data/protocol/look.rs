//! What a list of pairs or a verification set is, before anything is measured on it: how many pairs of which kind, and how
//! much of it is not there.
//!
//! Of images no more than headers are read: whether their pixels are whole is found when they are decoded.

use super::{Pairs, Protocol, of_list, of_set};
use crate::config::folder_of;
use crate::data::resolve::{Resolved, resolve_unless};
use crate::data::scan::Watch;
use crate::data::{DataError, PairList, Progress, VerificationSet, Warnings, resolve_pairs};
use std::path::{Path, PathBuf};

/// The two forms in which public protocols come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolKind {
    /// A text that names two images in each pair.
    List,
    /// A file that holds its images, as InsightFace packs them.
    Set,
}

/// Counts of a list of pairs or of a verification set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolLook {
    /// Which of the two it is.
    pub kind: ProtocolKind,
    /// Pairs in it.
    pub pairs: usize,
    /// Those of them that show the same identity.
    pub genuine: usize,
    /// Folds that it divides its pairs into, each a block of equal length; `None` where it says nothing of folds.
    pub folds: Option<usize>,
    /// The folder below which the images of a list were found.
    pub folder: Option<PathBuf>,
    /// Of a list, the images that are there, each counted once; of a set, all that it holds, two for each pair.
    pub images: usize,
    /// Median of the shorter sides of those that can be read, in pixels, once they were looked at.
    pub typical_px: Option<u32>,
    /// Pairs that name an image that is not there.
    pub missing: usize,
    /// Pairs of which both images are there and, once they were looked at, can be read.
    pub complete: usize,
    /// What is wrong with its images.
    pub warnings: Warnings,
    /// Why nothing can be measured on it: a clause that begins in lower case.
    pub obstacle: Option<String>,
}

impl ProtocolLook {
    /// Looks at a file of either form and at the headers of its images. Those of a list are looked for below each of
    /// `folders` in turn (without any, beside the list) until a pair is complete; [`Self::obstacle`] says where none is.
    /// `progress` and `cancelled` as in [`Catalog::open`](crate::data::Catalog::open).
    ///
    /// # Errors
    /// When the file is neither; of a list, the error names the first line that is no pair. When it is cancelled.
    pub fn open(
        path: &Path,
        folders: &[PathBuf],
        progress: &(dyn Fn(Progress) + Sync),
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, DataError> {
        let watch = Watch { progress, cancelled };
        match Pairs::read(path)? {
            Pairs::Set(set) => {
                let mut look = Self::of_set(&set);
                look.take_over(of_set(set, path, &watch))?;
                Ok(look)
            }
            Pairs::List(list) => {
                let mut look = Self::of_list(&list);
                if folders.is_empty() {
                    look.search(&list, path, &[folder_of(path).to_owned()], &watch)?;
                } else {
                    look.search(&list, path, folders, &watch)?;
                }
                Ok(look)
            }
        }
    }

    /// Of a list whose images were not looked for yet.
    pub fn of_list(list: &PairList) -> Self {
        let same = list.pairs.iter().map(|pair| pair.2);
        Self { folds: list.folds, ..Self::counted(ProtocolKind::List, same) }
    }

    /// Of a set whose images were not looked at yet.
    pub fn of_set(set: &VerificationSet) -> Self {
        let counted = Self::counted(ProtocolKind::Set, set.same().iter().copied());
        let folds = Some(VerificationSet::FOLDS);
        Self { folds, images: set.n_images(), complete: counted.pairs, ..counted }
    }

    fn counted(kind: ProtocolKind, same: impl ExactSizeIterator<Item = bool>) -> Self {
        Self {
            kind,
            pairs: same.len(),
            genuine: same.filter(|same| *same).count(),
            folds: None,
            folder: None,
            images: 0,
            typical_px: None,
            missing: 0,
            complete: 0,
            warnings: Warnings::default(),
            obstacle: None,
        }
    }

    /// Pairs that show two identities.
    pub fn impostor(&self) -> usize {
        self.pairs.saturating_sub(self.genuine)
    }

    /// Looks for the images of a list below a folder, and reads none of them; those that are there. Where no pair has both,
    /// [`Self::obstacle`] says so.
    pub fn find_images(&mut self, list: &PairList, folder: &Path) -> Vec<PathBuf> {
        match resolve_pairs(list, folder) {
            Ok(found) => {
                self.found(folder, &found);
                found.0
            }
            Err(error) => {
                self.obstacle = Some(error.to_string());
                Vec::new()
            }
        }
    }

    fn found(&mut self, folder: &Path, (files, pairs, warnings): &Resolved) {
        self.folder = Some(folder.to_owned());
        self.images = files.len();
        self.complete = pairs.len();
        self.missing = self.pairs.saturating_sub(pairs.len());
        self.warnings.clone_from(warnings);
        self.obstacle = None;
    }

    /// Looks for the images in the folders, and at the headers of those in the first that gives a pair.
    fn search(
        &mut self,
        list: &PairList,
        path: &Path,
        folders: &[PathBuf],
        watch: &Watch<'_>,
    ) -> Result<(), DataError> {
        for folder in folders {
            let obstacle = match resolve_unless(list, folder, watch.cancelled) {
                Ok(found) => {
                    self.found(folder, &found);
                    return self.take_over(of_list(list, found, path, folder, watch));
                }
                Err(DataError::Cancelled) => return Err(DataError::Cancelled),
                Err(error) => error.to_string(),
            };
            // The first folder is where the images are expected.
            if self.obstacle.is_none() {
                self.obstacle = Some(obstacle);
            }
        }
        Ok(())
    }

    /// Takes over what the headers said.
    fn take_over(&mut self, opened: Result<Protocol, DataError>) -> Result<(), DataError> {
        match opened {
            Ok(protocol) => {
                self.typical_px = Some(protocol.catalog.typical_px());
                self.complete = protocol.pairs.len();
                self.warnings.clone_from(&protocol.catalog.warnings);
                self.obstacle = one_sided(protocol.pairs.iter().map(|pair| pair.2));
                Ok(())
            }
            Err(DataError::Cancelled) => Err(DataError::Cancelled),
            Err(error) => {
                self.complete = 0;
                self.obstacle = Some(error.to_string());
                Ok(())
            }
        }
    }
}

/// Why pairs of one kind alone are not enough, where there are no others.
fn one_sided(mut same: impl Iterator<Item = bool> + Clone) -> Option<String> {
    let missing = match (same.clone().any(|same| same), same.any(|same| !same)) {
        (true, true) => return None,
        (false, _) => "genuine",
        (true, false) => "impostor",
    };
    Some(format!("there is no complete {missing} pair, and error rates take pairs of both kinds"))
}

#[cfg(test)]
mod tests;
