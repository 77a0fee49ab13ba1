//! The fingerprint of a data set as earlier versions took it, where that was another.
//!
//! Only runs and lists of excluded images from then know it, and taking it takes as long as the fingerprint itself. So it is
//! taken when it is first asked for, and what it is taken of is kept as small as it can be: there may be millions of records.

use super::open::hex_digest;
use super::{Catalog, Location};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// That fingerprint, taken or still to be taken.
#[derive(Debug)]
pub(super) struct Earlier {
    taken: OnceLock<String>,
    source: Source,
}

/// What it is taken of, beside the catalogue.
#[derive(Debug)]
enum Source {
    /// Of records with the names of their files: the label of every class, and the bytes of every image.
    Records { labels: Vec<u32>, bytes: Vec<u32> },
    /// Of what is left of a data set: of its whole, and of the names of what is excluded. The catalogue knows both.
    Without,
}

impl Earlier {
    /// Of records: `labels` by class, `bytes` by item.
    pub(super) fn of_records(labels: Vec<u32>, bytes: Vec<u32>) -> Self {
        Self { taken: OnceLock::new(), source: Source::Records { labels, bytes } }
    }

    /// Of a data set of which some images are excluded.
    pub(super) fn without() -> Self {
        Self { taken: OnceLock::new(), source: Source::Without }
    }

    /// The fingerprint of `catalog`, whose own this is.
    pub(super) fn text(&self, catalog: &Catalog) -> &str {
        self.taken.get_or_init(|| match &self.source {
            Source::Records { labels, bytes } => of_records(catalog, labels, bytes),
            Source::Without => {
                let Some(whole) = catalog.whole.as_deref() else { return String::new() };
                let excluded: BTreeSet<u32> = catalog.excluded.iter().copied().collect();
                fingerprint_without(whole.earlier_fingerprint().unwrap_or_default(), &whole.keys_of(&excluded))
            }
        })
    }

    /// It was asked for.
    pub(super) fn is_taken(&self) -> bool {
        self.taken.get().is_some()
    }
}

impl Catalog {
    /// There is an earlier fingerprint, and who asks for it first will have to wait.
    pub fn is_earlier_fingerprint_pending(&self) -> bool {
        self.earlier_fingerprint.as_ref().is_some_and(|earlier| !earlier.is_taken())
    }

    /// Takes the earlier fingerprint where there is one, so that nobody has to wait who asks for it later.
    pub fn warm_earlier_fingerprint(&self) {
        self.earlier_fingerprint();
    }
}

fn of_records(catalog: &Catalog, labels: &[u32], bytes: &[u32]) -> String {
    hex_digest(catalog.items.iter().zip(bytes).map(|(item, bytes)| {
        let name = match &item.location {
            Location::Packed { pack, at } => catalog.packs.get(usize::from(*pack)).map(|pack| pack.name(*at)),
            Location::File(_) | Location::Idx { .. } => None,
        };
        let label = labels.get(item.class as usize).copied().unwrap_or_default();
        format!("{}\t{label}\t{bytes}", name.unwrap_or_default())
    }))
}

/// The fingerprint of what is left of a data set without the images of these names.
pub(super) fn fingerprint_without(of_whole: &str, keys: &[String]) -> String {
    match keys {
        [] => of_whole.to_owned(),
        _ => hex_digest([of_whole, "without"].into_iter().chain(keys.iter().map(String::as_str))),
    }
}
