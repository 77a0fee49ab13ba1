//! Size, colour and frames of an image file from its first bytes, for a quick scan of many files.

use super::decode::{check_size, guarded, limits};
use super::endings::names_image;
use super::{Colours, DataError, ImageProblem, Mode, jpeg};
use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{AnimationDecoder as _, ImageDecoder, ImageFormat, ImageReader};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek};
use std::path::Path;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) format: ImageFormat,
    /// Upright.
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) mode: Mode,
    pub(super) animated: bool,
}

/// Bytes read at once.
pub(super) const WINDOW: usize = 4096;

/// Reads the header; the pixels may still be broken.
///
/// # Errors
/// When the file cannot be read or is no usable image.
pub(super) fn read_header(path: &Path) -> Result<Header, DataError> {
    let file = File::open(path).map_err(|source| DataError::reading(path, source))?;
    header_of(BufReader::with_capacity(WINDOW, file), path)
}

/// Whether a file is an image or named like one, as far as a look at its first bytes tells: decoding it says the rest.
pub fn looks_like_image(path: &Path) -> bool {
    // Asked before opening: opening a pipe would wait for ever.
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file()) && (names_image(path) || read_header(path).is_ok())
}

/// As [`read_header`], of an image wherever it lies; `name` is only for messages.
///
/// # Errors
/// When it cannot be read or is no usable image.
pub(super) fn header_of(mut reader: impl BufRead + Seek, name: &Path) -> Result<Header, DataError> {
    let io = |source| DataError::reading(name, source);
    let mut start = Vec::with_capacity(64);
    reader.by_ref().take(64).read_to_end(&mut start).map_err(io)?;
    reader.rewind().map_err(io)?;
    let header = if start.is_empty() {
        Err(ImageProblem::Empty)
    } else if let Ok(format) = image::guess_format(&start) {
        parse(reader, format)
    } else {
        Err(ImageProblem::NotAnImage)
    };
    header
        .and_then(|header| check_size(header.width, header.height).map(|()| with_palette(header, &start)))
        .map_err(|problem| DataError::image(name, problem))
}

fn parse(reader: impl BufRead + Seek, format: ImageFormat) -> Result<Header, ImageProblem> {
    match format {
        ImageFormat::Jpeg => parse_jpeg(reader),
        ImageFormat::Png => guarded(|| {
            let decoder = PngDecoder::with_limits(reader, limits())?;
            let animated = decoder.is_apng()?;
            Ok(describe(decoder, format, animated))
        }),
        ImageFormat::WebP => guarded(|| {
            let decoder = WebPDecoder::new(reader)?;
            let animated = decoder.has_animation();
            Ok(describe(decoder, format, animated))
        }),
        ImageFormat::Gif => parse_gif(reader),
        _ => guarded(|| {
            let mut reader = ImageReader::with_format(reader, format);
            reader.limits(limits());
            Ok(describe(reader.into_decoder()?, format, false))
        }),
    }
}

fn describe(mut decoder: impl ImageDecoder, format: ImageFormat, animated: bool) -> Header {
    let (width, height) = decoder.dimensions();
    let turned = decoder.orientation().is_ok_and(is_quarter_turn);
    let mode = Mode::of_types(decoder.color_type(), decoder.original_color_type());
    upright(Header { format, width, height, mode, animated }, turned)
}

/// The decoders look colours up in the palette of an image and do not say that there was one.
fn with_palette(header: Header, start: &[u8]) -> Header {
    let has_palette = match header.format {
        ImageFormat::Png => start.get(12..16) == Some(b"IHDR".as_slice()) && start.get(25) == Some(&3),
        ImageFormat::Gif => true,
        ImageFormat::Bmp => bmp_bits(start).is_some_and(|bits| bits <= 8),
        _ => false,
    };
    if !has_palette {
        return header;
    }
    // GIF's decoder always makes room for transparency, whether the file has any or not.
    let has_alpha = header.mode.has_alpha && header.format != ImageFormat::Gif;
    Header { mode: Mode { has_alpha, ..Mode::of_colours(Colours::Palette) }, ..header }
}

/// Bits per pixel of a BMP; its oldest header, of 12 bytes, has them elsewhere.
fn bmp_bits(start: &[u8]) -> Option<u16> {
    let header_bytes = u32::from_le_bytes(*start.get(14..)?.first_chunk()?);
    let at = if header_bytes == 12 { 24 } else { 28 };
    Some(u16::from_le_bytes(*start.get(at..)?.first_chunk()?))
}

fn parse_jpeg(mut reader: impl BufRead + Seek) -> Result<Header, ImageProblem> {
    match jpeg::read_header(&mut reader) {
        Ok(Some(jpeg)) => {
            let (width, height) = (jpeg.width, jpeg.height);
            let mode = Mode::of_colours(match jpeg.components {
                1 => Colours::Grey,
                4 => Colours::Cmyk,
                _ => Colours::Rgb,
            });
            let header = Header { format: ImageFormat::Jpeg, width, height, mode, animated: false };
            Ok(upright(header, is_quarter_turn(jpeg.orientation)))
        }
        Ok(None) => Err(ImageProblem::Broken("its segments are in disorder".to_owned())),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(ImageProblem::Truncated),
        Err(error) => Err(ImageProblem::Broken(error.to_string())),
    }
}

/// The library decodes the first frame to know of a second one, so the size is checked in between.
fn parse_gif(mut reader: impl BufRead + Seek) -> Result<Header, ImageProblem> {
    let header = guarded(|| Ok(describe(GifDecoder::new(&mut reader)?, ImageFormat::Gif, false)))?;
    check_size(header.width, header.height)?;
    let animated = guarded(|| {
        reader.rewind()?;
        let mut decoder = GifDecoder::new(&mut reader)?;
        decoder.set_limits(limits())?;
        Ok(decoder.into_frames().take(2).flatten().count() == 2)
    });
    // Broken frames are found when the image is decoded.
    Ok(Header { animated: animated.unwrap_or(false), ..header })
}

fn is_quarter_turn(orientation: image::metadata::Orientation) -> bool {
    use image::metadata::Orientation as O;
    matches!(orientation, O::Rotate90 | O::Rotate270 | O::Rotate90FlipH | O::Rotate270FlipH)
}

fn upright(header: Header, turned: bool) -> Header {
    if turned { Header { width: header.height, height: header.width, ..header } } else { header }
}
