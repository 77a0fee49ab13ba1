//! One image, looked at once: its content hash, whether it can be decoded, and what it looks like in 300 bytes.

use super::hash::{SIDE_PX, dct_hash};
use crate::data::duplicates::{ContentHash, content_hash};
use crate::data::{Catalog, Preprocess, Warning, fit};

/// Side of the small picture that is compared pixel by pixel.
const SMALL_PX: usize = 16;
/// An image whose grey levels deviate less than this from their mean (of 255) shows nothing that could be compared.
const BLANK_DEVIATION: f32 = 2.0;

/// What an image looks like.
#[derive(Clone, Debug)]
pub(super) struct Print {
    /// See `hash.rs`.
    pub(super) hash: u64,
    /// 16×16 grey levels.
    small: [u8; SMALL_PX * SMALL_PX],
    /// Mean blue and red differences (JPEG's Cb and Cr, 128 = none); `None` for an image without colour.
    chroma: Option<[f32; 2]>,
}

/// What is known of an image after looking.
pub(super) struct Look {
    /// Of its stored bytes; `None` when they could not be read.
    pub(super) content: Option<ContentHash>,
    /// `None` when it cannot be decoded, is blank, or was not wanted.
    pub(super) print: Option<Box<Print>>,
    /// Why it cannot be decoded.
    pub(super) problem: Option<Warning>,
}

/// Reads and decodes image `item`; its print is taken `with_print` only.
pub(super) fn look(catalog: &Catalog, item: usize, with_print: bool) -> Look {
    let mut look = Look { content: None, print: None, problem: None };
    let image = catalog.stored(item).and_then(|bytes| {
        look.content = bytes.as_deref().map(content_hash);
        catalog.decode(item, bytes.as_deref())
    });
    match image {
        Ok(image) => {
            // Pixels without a file around them (IDX) are their own content.
            look.content.get_or_insert_with(|| content_hash(image.as_bytes()));
            look.print = if with_print { Print::of(&image).map(Box::new) } else { None };
        }
        Err(error) => look.problem = Some(Warning::from_error(&catalog.name(item), &error)),
    }
    look
}

impl Print {
    /// The centred square of an image, which is what a network sees of it; `None` when it is blank.
    pub(super) fn of(image: &image::DynamicImage) -> Option<Self> {
        let pixels = fit(image, &Preprocess::new(SIDE_PX as u32, 3));
        let (mut grey, mut chroma) = ([0.0_f32; SIDE_PX * SIDE_PX], [0.0_f32; 2]);
        for (grey, &[r, g, b]) in grey.iter_mut().zip(pixels.as_chunks::<3>().0) {
            let [r, g, b] = [r, g, b].map(f32::from);
            *grey = 0.2126 * r + 0.7152 * g + 0.0722 * b;
            chroma = [chroma[0] + (b - *grey) / 1.8556, chroma[1] + (r - *grey) / 1.5748];
        }
        let area = grey.len() as f32;
        let mean = grey.iter().sum::<f32>() / area;
        let variance = grey.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / area;
        if variance < BLANK_DEVIATION * BLANK_DEVIATION {
            return None;
        }
        let has_colour = !matches!(image, image::DynamicImage::ImageLuma8(_));
        let chroma = has_colour.then(|| chroma.map(|sum| 128.0 + sum / area));
        Some(Self { hash: dct_hash(&grey), small: halved(&grey), chroma })
    }

    /// Pearson's correlation of the small pictures, in [-1, 1]: brightness and contrast do not count.
    pub(super) fn correlation(&self, other: &Self) -> f32 {
        let (mut sums, mut products) = ([0_u32; 2], [0_u32; 3]);
        for (&a, &b) in self.small.iter().zip(&other.small) {
            let (a, b) = (u32::from(a), u32::from(b));
            sums = [sums[0] + a, sums[1] + b];
            products = [products[0] + a * a, products[1] + b * b, products[2] + a * b];
        }
        let n = self.small.len() as f64;
        let [a, b] = sums.map(f64::from);
        let [aa, bb, ab] = products.map(f64::from);
        let spread = ((n * aa - a * a) * (n * bb - b * b)).sqrt();
        if spread > 0.0 { ((n * ab - a * b) / spread) as f32 } else { 0.0 }
    }

    /// Largest difference of the mean colours, in levels of 255; 0 when one of them has no colour, because a grey copy
    /// of a coloured image is a copy.
    pub(super) fn chroma_difference(&self, other: &Self) -> f32 {
        match (self.chroma, other.chroma) {
            (Some(a), Some(b)) => (a[0] - b[0]).abs().max((a[1] - b[1]).abs()),
            _ => 0.0,
        }
    }
}

/// Means of 2×2 pixels.
fn halved(grey: &[f32; SIDE_PX * SIDE_PX]) -> [u8; SMALL_PX * SMALL_PX] {
    std::array::from_fn(|at| {
        let (x, y) = (at % SMALL_PX * 2, at / SMALL_PX * 2);
        let of = |dx: usize, dy: usize| grey.get((y + dy) * SIDE_PX + x + dx).copied().unwrap_or(0.0);
        ((of(0, 0) + of(1, 0) + of(0, 1) + of(1, 1)) / 4.0).round() as u8
    })
}
