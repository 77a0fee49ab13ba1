//! A small open-set verification set that the project draws itself: stylised portraits of people who do not exist.
//!
//! Not a face model and not a data reader: what it writes is an ordinary image folder with a `train/`, a `test/` of
//! other identities and a `pairs.txt`. It exists because face data may rarely be passed on, and a program that learns
//! to verify needs something to show on first start and in tests. Everything follows from a seed with integer random
//! numbers and correctly rounded arithmetic, so a set is drawn again bit for bit on any machine.

mod colour;
mod error;
mod folder;
mod identity;
mod marker;
mod pairs;
mod palette;
mod parts;
mod png;
mod portrait;
mod random;
mod shapes;
mod variation;

#[cfg(test)]
mod tests;

pub use error::SampleError;
pub use folder::write_sample;
pub use portrait::{SIZE_PX, draw_portrait};

/// What a set is drawn from. The default is the bundled set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSpec {
    /// How many people, 2 to 10 000.
    pub identities: u32,
    /// How many portraits of each, 1 to 1000.
    pub images_per_identity: u32,
    /// Pixels per side, 16 to 512.
    pub size_px: u32,
    /// Any number; another number, other people.
    pub seed: u64,
}

impl Default for SampleSpec {
    fn default() -> Self {
        Self { identities: 78, images_per_identity: 20, size_px: 64, seed: 7 }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSummary {
    /// People in all.
    pub identities: u32,
    /// People in `train/`; the others are in `test/`.
    pub train_identities: u32,
    /// Portraits in all.
    pub images: u32,
    /// Size of all portraits' files together.
    pub bytes: u64,
}
