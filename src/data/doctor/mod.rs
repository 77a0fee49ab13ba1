//! The data doctor: what is wrong with a data set, image by image, before hours are spent training on it.
//!
//! [`examine`] reads and decodes every image once (hours of a large set's life, seconds of a small one's) and keeps what
//! takes pixels to know: what cannot be decoded, exact copies, near copies. [`Examination::diagnose`] turns that, and
//! what the catalogue knows anyway, into findings; it is quick, so that it is asked again whenever images are excluded.
//! Nothing here changes a file: excluding is `exclude.rs`'s business.

mod diagnose;
mod finding;
mod hash;
mod look;
mod near;
mod size;
#[cfg(test)]
mod tests;

pub use finding::{Finding, FindingKind, Group, Weight};

use super::duplicates::{self, ContentHash};
use super::scan::Watch;
use super::{Catalog, DataError, Progress, Warning};
use look::{Look, Print, look};
use near::{NearPairs, near_pairs};
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Most images that are compared by their looks: 300 bytes each are kept while they are.
const MAX_COMPARED: usize = 2_000_000;

/// What was seen in the images of a whole data set. Positions are those of [`Catalog::whole`].
#[derive(Debug)]
pub struct Examination {
    /// The data set with nothing excluded.
    catalog: Arc<Catalog>,
    /// Every image was decoded.
    looked: bool,
    unreadable: Vec<(u32, Warning)>,
    /// Images with the same content; each group ascending.
    copies: Vec<Vec<u32>>,
    /// Pairs across classes, the closest first.
    near: NearPairs,
}

/// What is wrong with a data set while some of its images are excluded.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// What it is drawn from.
    pub examination: Arc<Examination>,
    /// What is excluded: images, then files that cannot be read (positions in the whole data set), sorted.
    pub excluded: Vec<u32>,
    /// The gravest first.
    pub findings: Vec<Finding>,
}

/// Reads and decodes every image of a data set, excluded ones too.
///
/// Takes memory for one image per thread and some 300 bytes per image of the set. `progress` is called from several
/// threads, now and then; `cancelled` is asked often.
///
/// # Errors
/// When cancelled. An image that cannot be read is a finding, not an error.
pub fn examine(
    catalog: &Arc<Catalog>,
    progress: &(dyn Fn(Progress) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Examination, DataError> {
    let (catalog, watch) = (catalog.whole(), Watch { progress, cancelled });
    watch.check()?;
    let count = catalog.items.len();
    let compares = count <= MAX_COMPARED;
    let (done, total) = (AtomicU64::new(0), count as u64);
    let looks: Vec<Look> = (0..count)
        .into_par_iter()
        .map(|item| {
            let look = look(&catalog, item, compares);
            watch.count(&done, total)?;
            Ok(look)
        })
        .collect::<Result<_, DataError>>()?;
    let (mut contents, mut prints) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let mut unreadable = Vec::new();
    for (item, look) in (0..).zip(looks) {
        contents.push(look.content);
        prints.push(look.print);
        unreadable.extend(look.problem.map(|problem| (item, problem)));
    }
    let near = near_across(&catalog, &contents, &prints, &watch)?;
    let near = NearPairs { is_cut: near.is_cut || !compares, ..near };
    let hashed = contents.into_iter().enumerate().filter_map(|(item, content)| Some((item, content?)));
    let copies = duplicates::groups(hashed).into_iter();
    let copies = copies.map(|group| group.into_iter().map(|item| item as u32).collect()).collect();
    Ok(Examination { catalog, looked: true, unreadable, copies, near })
}

/// Near copies of different classes that are not the same file.
fn near_across(
    catalog: &Catalog,
    contents: &[Option<ContentHash>],
    prints: &[Option<Box<Print>>],
    watch: &Watch,
) -> Result<NearPairs, DataError> {
    let class = |item: u32| catalog.items.get(item as usize).map(|item| item.class);
    let content = |item: u32| contents.get(item as usize).copied().flatten();
    near_pairs(prints, &|a, b| class(a) != class(b) && content(a) != content(b), watch)
}

impl Examination {
    /// Nothing has been looked at: only what is known without pixels will be found.
    pub fn none(catalog: &Arc<Catalog>) -> Self {
        let catalog = catalog.whole();
        Self { catalog, looked: false, unreadable: Vec::new(), copies: Vec::new(), near: NearPairs::default() }
    }

    /// The data set with nothing excluded; what positions in findings mean.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Every image was decoded, and compared with the others byte by byte.
    pub fn has_looked(&self) -> bool {
        self.looked
    }

    /// Every image was also compared with the others by its looks. There may be more near copies than were found where
    /// the images are too many for that, or too many of them alike.
    pub fn has_compared_all(&self) -> bool {
        self.looked && !self.near.is_cut
    }
}
