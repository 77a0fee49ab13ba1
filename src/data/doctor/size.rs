//! Sizes that do harm: images much smaller or larger than the usual one, or of another shape.
//!
//! What the network sees of an image is its centred square, so that the shorter side says how much detail there is, and
//! the longer side over the shorter one how much is cut off. Whether an image is upright or lying changes neither, and
//! photographs of either kind belong together. A factor of two leaves alone what varies as photographs do: 3:2 beside
//! 16:9, 250 px beside 400 px.

use crate::data::median::{median, median_short_px};
use std::fmt;

/// More than this factor away from the usual is much.
const MUCH: u32 = 2;

/// What most images are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Usual {
    /// Width and height, in pixels, that more than half of the images have; none where no size is so frequent.
    exact_px: Option<[u32; 2]>,
    /// Median of the shorter sides, in pixels.
    short_px: u32,
    /// Median of the longer side over the shorter one, from 1.
    elongation: f64,
}

/// How an image differs much from the usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Oddity {
    Smaller,
    Larger,
    OtherShape,
}

impl Usual {
    /// Of widths and heights; `None` when all are the same, and for no images.
    pub(super) fn of(sizes: &[[u32; 2]]) -> Option<Self> {
        let first = sizes.first()?;
        if sizes.iter().all(|size| size == first) {
            return None;
        }
        // A size that more than half have is the median in every order.
        let middle = median(sizes.iter().copied(), <[u32; 2]>::cmp)?;
        let exact = sizes.iter().filter(|size| **size == middle).count();
        Some(Self {
            exact_px: (2 * exact > sizes.len()).then_some(middle),
            short_px: median_short_px(sizes.iter().copied())?,
            elongation: median(sizes.iter().map(elongation), f64::total_cmp)?,
        })
    }

    /// How an image of this size differs, if it differs much.
    pub(super) fn oddity_of(&self, size: [u32; 2]) -> Option<Oddity> {
        let [width, height] = size;
        let (short, much) = (width.min(height), f64::from(MUCH));
        let longer = elongation(&size) / self.elongation;
        if short.saturating_mul(MUCH) < self.short_px {
            Some(Oddity::Smaller)
        } else if short > self.short_px.saturating_mul(MUCH) {
            Some(Oddity::Larger)
        } else if longer > much || longer * much < 1.0 {
            Some(Oddity::OtherShape)
        } else {
            None
        }
    }
}

impl fmt::Display for Usual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exact_px {
            Some([width, height]) => write!(f, "{width}×{height} px"),
            None => write!(f, "{} px on the shorter side", self.short_px),
        }
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Smaller => "much smaller",
            Self::Larger => "much larger",
            Self::OtherShape => "of another shape",
        })
    }
}

/// The longer side over the shorter one.
fn elongation([width, height]: &[u32; 2]) -> f64 {
    f64::from(*width.max(height)) / f64::from((*width.min(height)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odd(sizes: &[[u32; 2]]) -> Vec<Option<Oddity>> {
        let usual = Usual::of(sizes).expect("they differ");
        sizes.iter().map(|size| usual.oddity_of(*size)).collect()
    }

    #[test]
    fn sizes_that_vary_as_those_of_photographs_are_not_odd() {
        assert_eq!(Usual::of(&[[112, 112]; 9]), None);
        assert_eq!(Usual::of(&[]), None);
        let photographs =
            [[341, 256], [384, 256], [256, 341], [455, 256], [256, 256], [300, 200], [500, 333], [200, 130]];
        assert_eq!(odd(&photographs), [None; 8]);
        assert_eq!(odd(&[[112, 112], [112, 112], [224, 112], [56, 56], [224, 224]]), [None; 5], "twice is not much");
    }

    #[test]
    fn much_smaller_much_larger_and_much_longer_images_are_odd() {
        let mut sizes = vec![[112, 112]; 6];
        sizes.extend([[55, 112], [225, 225], [112, 250], [250, 112]]);
        let found = odd(&sizes);
        assert_eq!(found[..6], [None; 6]);
        let shape = Some(Oddity::OtherShape);
        assert_eq!(found[6..], [Some(Oddity::Smaller), Some(Oddity::Larger), shape, shape]);
        // Bodies are upright all of them, and of a square nothing is cut off.
        assert_eq!(odd(&[[64, 192], [64, 192], [70, 200], [64, 64]])[3], Some(Oddity::OtherShape));
    }

    #[test]
    fn the_usual_size_is_exact_where_more_than_half_of_the_images_have_it() {
        let usual = |sizes: &[[u32; 2]]| Usual::of(sizes).expect("they differ").to_string();
        assert_eq!(usual(&[[112, 112], [112, 112], [112, 112], [60, 80]]), "112×112 px");
        assert_eq!(usual(&[[300, 200], [320, 240], [640, 480]]), "240 px on the shorter side");
        // Upright and lying: there is no image of 640×640.
        assert_eq!(usual(&[[640, 480], [480, 640], [640, 480], [480, 640]]), "480 px on the shorter side");
    }
}
