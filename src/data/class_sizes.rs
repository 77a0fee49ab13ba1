//! Which classes are too small, and when the sizes of classes differ too much: said when a data set is opened, and again
//! by the doctor with what is excluded left out.

/// A class this many times larger than another is worth a word.
const IMBALANCE: u32 = 20;

/// Classes with one image, which gives no pair of the same class. Empty classes are not meant.
pub(super) fn tiny(counts: &[u32]) -> impl Iterator<Item = u32> {
    (0..).zip(counts).filter(|(_, count)| **count == 1).map(|(class, _)| class)
}

/// Numbers of images of the smallest (not empty) and the largest class, when they differ much.
pub(super) fn imbalance(counts: &[u32]) -> Option<(u32, u32)> {
    let largest = counts.iter().copied().max()?;
    let smallest = counts.iter().copied().filter(|&count| count > 0).min()?;
    (largest > smallest.max(2).saturating_mul(IMBALANCE)).then_some((smallest, largest))
}
