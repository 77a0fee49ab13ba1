//! Bytes to an upright image of 8 bits, grey or RGB, with bounded memory. Not for resizing (`fit.rs`).
//!
//! The format is guessed from the content, because extensions lie. Transparent pixels are laid on white: cut-out
//! products and glyphs are made for white paper, and black would swallow dark strokes. A cut-off JPEG is refused,
//! although the decoder would fill the rest with grey, because a network would learn the grey.

use super::endings::is_unsupported_image;
use super::{DataError, ImageProblem, jpeg};
use crate::config::read_at_most;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use std::io::{Cursor, ErrorKind};
use std::path::Path;

/// Images with a shorter side are left out.
pub const MIN_SIDE_PX: u32 = 4;
/// Images with a longer side are left out.
pub const MAX_SIDE_PX: u32 = 16_384;
/// Images with more pixels are left out: a 128-megapixel photograph takes 384 MB as RGB.
pub const MAX_PIXELS: u64 = 128_000_000;
/// Most a decoder may allocate: [`MAX_PIXELS`] with four channels of 16 bits.
const MAX_ALLOC_BYTES: u64 = 1 << 30;
/// Larger files are not read: an uncompressed image of [`MAX_PIXELS`] still fits.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Decodes an image file of a data set.
///
/// # Errors
/// [`DataError::Vanished`] when it is not there, [`DataError::Image`] when it is no usable image.
pub fn decode_file(path: &Path) -> Result<DynamicImage, DataError> {
    decode_bytes(&read_bounded(path)?, path).map_err(|error| match error {
        DataError::Image { problem: ImageProblem::NotAnImage, .. } if is_unsupported_image(path) => {
            DataError::image(path, ImageProblem::Unsupported("this format".to_owned()))
        }
        other => other,
    })
}

/// Decodes an image file that a person named.
///
/// # Errors
/// [`DataError::NoFile`] when it is not there, [`DataError::Image`] when it is no usable image.
pub fn decode_named_file(path: &Path) -> Result<DynamicImage, DataError> {
    decode_file(path).map_err(DataError::of_named_file)
}

/// The bytes of an image file.
///
/// # Errors
/// When it is gone, no file, or too large.
pub(super) fn read_bounded(path: &Path) -> Result<Vec<u8>, DataError> {
    read_at_most(path, MAX_FILE_BYTES).map_err(|source| match source.kind() {
        ErrorKind::InvalidInput => DataError::image(path, ImageProblem::NotAnImage),
        ErrorKind::FileTooLarge => DataError::image(path, ImageProblem::Broken(format!("the file has {source}"))),
        _ => DataError::reading(path, source),
    })
}

/// Decodes an image in memory; `name` is only for messages.
///
/// # Errors
/// [`DataError::Image`] when it is no usable image.
pub fn decode_bytes(bytes: &[u8], name: &Path) -> Result<DynamicImage, DataError> {
    decode(bytes).map_err(|problem| DataError::image(name, problem))
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, ImageProblem> {
    if bytes.is_empty() {
        return Err(ImageProblem::Empty);
    }
    let Ok(format) = image::guess_format(bytes) else { return Err(ImageProblem::NotAnImage) };
    if format == ImageFormat::Jpeg && !jpeg::has_end(bytes) {
        return Err(ImageProblem::Truncated);
    }
    let image = guarded(|| {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits());
        let mut decoder = reader.into_decoder()?;
        let (width, height) = decoder.dimensions();
        if let Err(problem) = check_size(width, height) {
            return Ok(Err(problem));
        }
        // A broken EXIF block must not cost the image.
        let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(Ok(flatten(image)))
    })?;
    image.and_then(|image| check_size(image.width(), image.height()).map(|()| image))
}

/// Runs a decoder so that neither its error nor a panic inside it (a fault of the library, met with hostile files)
/// can cost more than this one image.
pub(super) fn guarded<T>(work: impl FnOnce() -> image::ImageResult<T>) -> Result<T, ImageProblem> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| problem_of(&error)),
        Err(_) => Err(ImageProblem::Broken("the decoder stopped unexpectedly".to_owned())),
    }
}

fn problem_of(error: &image::ImageError) -> ImageProblem {
    use image::ImageError;
    match error {
        ImageError::Unsupported(error) => ImageProblem::Unsupported(match error.format_hint() {
            image::error::ImageFormatHint::Exact(format) => format!("this kind of {format:?}"),
            _ => "this format".to_owned(),
        }),
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => ImageProblem::Truncated,
        ImageError::Limits(_) => ImageProblem::Broken("it would need more memory than is allowed".to_owned()),
        error => {
            let words: String = error.to_string().chars().take(200).collect();
            // The decoders have no common word for it.
            let cut = ["unexpected end", "unexpected EOF", "failed to fill", "EndOfFile", "is too short", "exhausted"];
            if cut.iter().any(|word| words.to_lowercase().contains(&word.to_lowercase())) {
                ImageProblem::Truncated
            } else {
                ImageProblem::Broken(words)
            }
        }
    }
}

pub(super) fn limits() -> Limits {
    let mut limits = Limits::default();
    // Size is checked by us, with better words.
    limits.max_alloc = Some(MAX_ALLOC_BYTES);
    limits
}

pub(super) fn check_size(width: u32, height: u32) -> Result<(), ImageProblem> {
    if width.max(height) > MAX_SIDE_PX || u64::from(width) * u64::from(height) > MAX_PIXELS {
        Err(ImageProblem::TooLarge { width, height })
    } else if width.min(height) < MIN_SIDE_PX {
        Err(ImageProblem::TooSmall { width, height })
    } else {
        Ok(())
    }
}

/// 8 bits, grey or RGB, without transparency.
fn flatten(image: DynamicImage) -> DynamicImage {
    let colour = image.color();
    match (colour.has_color(), colour.has_alpha()) {
        (false, false) => DynamicImage::ImageLuma8(image.into_luma8()),
        (true, false) => DynamicImage::ImageRgb8(image.into_rgb8()),
        (false, true) => {
            let source = image.into_luma_alpha8();
            DynamicImage::ImageLuma8(GrayImage::from_fn(source.width(), source.height(), |x, y| {
                let image::LumaA([value, alpha]) = *source.get_pixel(x, y);
                image::Luma([on_white(value, alpha)])
            }))
        }
        (true, true) => {
            let source = image.into_rgba8();
            DynamicImage::ImageRgb8(RgbImage::from_fn(source.width(), source.height(), |x, y| {
                let image::Rgba([r, g, b, alpha]) = *source.get_pixel(x, y);
                image::Rgb([on_white(r, alpha), on_white(g, alpha), on_white(b, alpha)])
            }))
        }
    }
}

fn on_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder as _};

    fn png(pixels: &[u8], width: u32, height: u32, colour: ExtendedColorType) -> Vec<u8> {
        let mut bytes = Vec::new();
        image::codecs::png::PngEncoder::new(&mut bytes).write_image(pixels, width, height, colour).unwrap();
        bytes
    }

    #[test]
    fn transparent_pixels_are_laid_on_white() {
        let mut pixels = vec![0_u8; 4 * 16];
        pixels[..4].copy_from_slice(&[200, 0, 0, 255]);
        pixels[4..8].copy_from_slice(&[0, 0, 0, 128]);
        let image = decode(&png(&pixels, 4, 4, ExtendedColorType::Rgba8)).unwrap();
        let rgb = image.as_rgb8().unwrap();
        assert_eq!(rgb.get_pixel(0, 0).0, [200, 0, 0]);
        assert_eq!(rgb.get_pixel(1, 0).0, [127, 127, 127]);
        assert_eq!(rgb.get_pixel(2, 0).0, [255, 255, 255]);
    }

    #[test]
    fn sixteen_bits_are_scaled_to_eight() {
        let values: Vec<u8> = (0..16_u16).flat_map(|i| (i * 4369).to_ne_bytes()).collect();
        let image = decode(&png(&values, 4, 4, ExtendedColorType::L16)).unwrap();
        let grey = image.as_luma8().unwrap();
        assert_eq!(grey.as_raw(), &(0..16).map(|i| i * 17).collect::<Vec<u8>>());
    }

    #[test]
    fn limits_are_checked_before_pixels_are_allocated() {
        // A BMP header of 30,000 × 30,000 pixels with no pixels behind it.
        let mut bmp = b"BM".to_vec();
        bmp.extend([0; 8]);
        bmp.extend(54_u32.to_le_bytes());
        bmp.extend(40_u32.to_le_bytes());
        bmp.extend(30_000_i32.to_le_bytes());
        bmp.extend(30_000_i32.to_le_bytes());
        bmp.extend([1, 0, 24, 0]);
        bmp.extend([0; 24]);
        assert_eq!(decode(&bmp), Err(ImageProblem::TooLarge { width: 30_000, height: 30_000 }));
    }

    #[test]
    fn every_truncation_of_every_format_is_an_error_or_an_image_but_never_a_panic() {
        let picture = image::RgbImage::from_fn(24, 24, |x, y| image::Rgb([(x * 10) as u8, (y * 10) as u8, 77]));
        let formats = [
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::Bmp,
            ImageFormat::Gif,
            ImageFormat::Tiff,
            ImageFormat::Pnm,
            ImageFormat::WebP,
        ];
        for format in formats {
            let mut bytes = Cursor::new(Vec::new());
            picture.write_to(&mut bytes, format).unwrap();
            let bytes = bytes.into_inner();
            assert!(decode(&bytes).is_ok(), "{format:?}");
            assert!(decode(&bytes[..bytes.len() / 2]).is_err(), "{format:?} cut in half");
            for i in (0..bytes.len()).step_by(3) {
                let mut broken = bytes.clone();
                broken[i] = !broken[i];
                let _ = decode(&broken);
                let _ = decode(&bytes[..i]);
            }
        }
    }

    #[test]
    fn a_file_of_a_format_that_is_not_read_is_told_from_what_is_no_image() {
        let folder = tempfile::tempdir().unwrap();
        let say = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, b"\0\0\0\x18ftypheic").unwrap();
            decode_file(&path).unwrap_err().to_string()
        };
        assert!(say("phone.HEIC").contains("convert it to JPEG or PNG"));
        assert!(say("phone.jpg").contains("not an image of a known format"));
    }

    #[test]
    fn of_a_file_that_a_person_named_nobody_says_that_it_was_there() {
        let gone = Path::new("no-such-folder/gone.png");
        assert!(decode_file(gone).unwrap_err().to_string().contains("gone now"));
        let error = decode_named_file(gone).unwrap_err().to_string();
        assert!(error.starts_with("there is no such file: ") && error.ends_with("gone.png"), "{error}");
    }

    #[test]
    fn text_and_nothing_are_named_as_such() {
        assert_eq!(decode(b""), Err(ImageProblem::Empty));
        assert_eq!(decode(b"hello, this is a letter"), Err(ImageProblem::NotAnImage));
    }
}
