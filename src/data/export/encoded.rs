//! An image as the bytes of a JPEG or PNG.

use crate::data::{Catalog, DataError, Preprocess, decode_bytes, fit};
use image::{DynamicImage, ImageFormat, RgbImage};
use rayon::prelude::*;
use std::io::Cursor;
use std::path::Path;

/// Images encoded at once: what is held in memory.
pub(super) const AT_ONCE: usize = 64;

/// Encodes images in parallel, in the order of `items`; `px` makes each a square of that side.
pub(super) fn encode_all(catalog: &Catalog, items: &[u32], px: Option<u32>) -> Vec<Result<Vec<u8>, DataError>> {
    items.par_iter().map(|&item| encode(catalog, item as usize, px)).collect()
}

fn encode(catalog: &Catalog, item: usize, px: Option<u32>) -> Result<Vec<u8>, DataError> {
    let stored = catalog.stored(item)?;
    let name = catalog.name(item);
    let image = match &stored {
        Some(bytes) => decode_bytes(bytes, Path::new(&name))?,
        None => catalog.load(item)?,
    };
    match (stored, px) {
        (Some(bytes), None) if is_common(&bytes) => Ok(bytes),
        (_, None) => png(&image, &name),
        (_, Some(px)) => {
            let pixels = fit(&image, &Preprocess::new(px, 3));
            let missing = || DataError::NoSuchItem { item, count: catalog.items.len() };
            png(&DynamicImage::ImageRgb8(RgbImage::from_raw(px, px, pixels).ok_or_else(missing)?), &name)
        }
    }
}

fn is_common(bytes: &[u8]) -> bool {
    matches!(image::guess_format(bytes), Ok(ImageFormat::Jpeg | ImageFormat::Png))
}

fn png(image: &DynamicImage, name: &str) -> Result<Vec<u8>, DataError> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).map_err(|error| DataError::Refused {
        reason: format!("the image cannot be written as PNG ({error})"),
        path: name.into(),
    })?;
    Ok(bytes.into_inner())
}
