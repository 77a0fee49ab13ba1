//! Files to batches: finds the images of a folder, divides them, decodes, changes and batches them.
//!
//! Knows no tensors and no windows; batches leave as plain numbers. Every file is treated as hostile: memory is
//! bounded, nothing panics, and one bad image among ten thousand is a [`Warning`], not an error.
//!
//! The way of the data: [`Catalog::open`] → [`split`] → [`ImageStore::build`] → [`Loader`] (training) or
//! [`plain_batches`] (evaluation). Public protocols come in by [`Protocol`], and data sets go
//! out to other trainers by [`export_records`] and its neighbours. [`examine`] looks for what is wrong with it, and
//! [`exclude`](fn@exclude) keeps what a person wants left out.

mod archive;
mod assemble;
mod augment;
mod batch;
mod buckets;
mod catalog;
mod class_sizes;
mod decode;
mod degrade;
mod doctor;
mod duplicates;
mod earlier;
pub mod endings;
mod error;
mod exclude;
mod export;
mod files;
mod fit;
mod header;
mod held_out;
mod idx;
mod jpeg;
mod layout;
mod lists;
mod loader;
mod median;
mod mode;
mod open;
mod packed;
mod pairs;
mod pickle_bin;
mod preprocess;
mod protocol;
mod recordio;
mod resolve;
pub mod sample;
mod sampler;
mod scan;
mod seeded;
mod split;
mod store;
#[cfg(test)]
pub mod testing;
mod warnings;

pub use augment::Augment;
pub use batch::{HostBatch, PlainBatches, largest_part, plain_batches};
pub use buckets::Buckets;
pub use catalog::{Catalog, Item, Layout, Location, Part, Progress};
pub use decode::{MAX_PIXELS, MAX_SIDE_PX, MIN_SIDE_PX, decode_bytes, decode_file, decode_named_file};
pub use degrade::Degrade;
pub use doctor::{Diagnosis, Examination, Finding, FindingKind, Group, Weight, examine};
pub use error::{DataError, ImageProblem};
pub use exclude::{EXCLUDE_FILE, ExcludedFiles, exclude};
pub use export::{Exported, ItemPair, export_pairs, export_records, export_verification, records_path};
pub use files::image_files;
pub use fit::{Thumb, fit, thumbnail};
pub use header::looks_like_image;
pub use idx::IdxImages;
pub use layout::leads_to;
pub use lists::lists_images;
pub use loader::{EpochPlan, Loader};
pub use median::median_short_px;
pub use mode::{Colours, Mode};
pub use pairs::{PairList, named_pair_list, pair_list, read_pairs};
pub use pickle_bin::{BinWriter, VerificationSet};
pub use preprocess::Preprocess;
pub use protocol::{Protocol, ProtocolKind, ProtocolLook};
pub use recordio::RecWriter;
pub use resolve::{Resolved, resolve_pairs};
pub use sampler::{Sampling, steps_per_epoch};
pub use split::{Split, SplitKind, split, split_named};
pub use store::ImageStore;
pub use warnings::{MAX_STORED, Warning, WarningGroup, WarningKind, Warnings};

use std::fmt::Write as _;
use std::path::Path;

/// A path for people, the same on every system: `/` between folders, and bytes that are not Unicode as `\xNN`, so that
/// two different names stay different.
pub fn path_text(path: &Path) -> String {
    let mut text = String::new();
    for component in path.components() {
        if !text.is_empty() && !text.ends_with('/') {
            text.push('/');
        }
        if component == std::path::Component::RootDir {
            text.push('/');
            continue;
        }
        for chunk in component.as_os_str().as_encoded_bytes().utf8_chunks() {
            text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
