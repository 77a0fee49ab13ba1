//! Writes a picture of few colours as an indexed PNG.
//!
//! Not a general PNG writer: the `image` crate writes true colour only, three times as large for these portraits. The
//! palette is sorted by brightness, which helps deflate because neighbouring pixels get neighbouring numbers.

use std::collections::BTreeSet;

use image::RgbImage;
use png::{BitDepth, ColorType, DeflateCompression, EncodingError, Filter};

/// The PNG file of `picture`; true colour only when it holds more than 256 colours.
///
/// # Errors
/// When the encoder refuses, which for pictures of this module it has no reason to.
pub(super) fn encode(picture: &RgbImage) -> Result<Vec<u8>, EncodingError> {
    let distinct: BTreeSet<[u8; 3]> = picture.pixels().map(|pixel| pixel.0).collect();
    let mut palette: Vec<[u8; 3]> = distinct.into_iter().collect();
    palette.sort_by_key(|&[red, green, blue]| (u32::from(red) * 3 + u32::from(green) * 6 + u32::from(blue), red, blue));
    let indices: Option<Vec<u8>> = picture.pixels().map(|pixel| index_of(&palette, pixel.0)).collect();

    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width(), picture.height());
    encoder.set_depth(BitDepth::Eight);
    encoder.set_deflate_compression(DeflateCompression::Level(9));
    encoder.set_filter(Filter::NoFilter);
    let data = match &indices {
        Some(indices) if palette.len() <= 256 => {
            encoder.set_color(ColorType::Indexed);
            encoder.set_palette(palette.concat());
            indices.as_slice()
        }
        _ => {
            encoder.set_color(ColorType::Rgb);
            picture.as_raw().as_slice()
        }
    };
    let mut writer = encoder.write_header()?;
    writer.write_image_data(data)?;
    writer.finish()?;
    Ok(file)
}

fn index_of(palette: &[[u8; 3]], colour: [u8; 3]) -> Option<u8> {
    let brightness =
        |&[red, green, blue]: &[u8; 3]| (u32::from(red) * 3 + u32::from(green) * 6 + u32::from(blue), red, blue);
    let index = palette.binary_search_by_key(&brightness(&colour), brightness).ok()?;
    u8::try_from(index).ok()
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn decoded(picture: &RgbImage) -> RgbImage {
        let file = encode(picture).expect("encodes");
        image::load_from_memory(&file).expect("decodes").to_rgb8()
    }

    #[test]
    fn indexed_picture_decodes_to_the_same_pixels() {
        let picture = RgbImage::from_fn(33, 17, |x, y| Rgb([(x * 7 % 11) as u8 * 20, (y % 5) as u8 * 50, 9]));
        assert_eq!(decoded(&picture), picture);
    }

    #[test]
    fn picture_of_more_than_256_colours_is_written_in_true_colour() {
        let picture = RgbImage::from_fn(32, 32, |x, y| Rgb([(x * 8) as u8, (y * 8) as u8, 0]));
        assert_eq!(decoded(&picture), picture);
    }
}
