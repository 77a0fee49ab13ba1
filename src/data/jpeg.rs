//! The segments of a JPEG: size, channels, orientation and whether the end is there, without decoding.
//!
//! The decoder library reads the whole file for a header and fills missing pixels with grey without a word, so both
//! questions are answered here. Not a decoder.

use image::metadata::Orientation;
use std::io::{self, Read, Seek, SeekFrom};

/// More segments than any camera writes.
const MAX_SEGMENTS: usize = 4096;

/// What stands before the pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct JpegHeader {
    /// Pixels across, as stored.
    pub(super) width: u32,
    /// Pixels down, as stored.
    pub(super) height: u32,
    /// 1 grey, 3 colour, 4 CMYK.
    pub(super) components: u8,
    /// How to turn it.
    pub(super) orientation: Orientation,
    /// First byte of the first scan.
    pub(super) scan_offset: u64,
}

/// Reads segments up to the first scan. `None`: the structure is not that of a JPEG.
///
/// # Errors
/// When reading fails; `UnexpectedEof` when the file ends before the first scan.
pub(super) fn read_header(reader: &mut (impl Read + Seek)) -> io::Result<Option<JpegHeader>> {
    let mut frame = None;
    let mut orientation = Orientation::NoTransforms;
    if read_array::<2>(reader)? != [0xFF, 0xD8] {
        return Ok(None);
    }
    for _ in 0..MAX_SEGMENTS {
        let Some(marker) = next_marker(reader)? else { return Ok(None) };
        if marker == 0xD9 {
            return Ok(None);
        }
        if marker == 0x01 || (0xD0..=0xD8).contains(&marker) {
            continue;
        }
        let Some(length) = u16::from_be_bytes(read_array(reader)?).checked_sub(2) else { return Ok(None) };
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF if length >= 6 => {
                let [_, h1, h0, w1, w0, components] = read_array::<6>(reader)?;
                frame = Some((u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]), components));
                reader.seek(SeekFrom::Current(i64::from(length) - 6))?;
            }
            0xE1 => {
                let mut segment = vec![0; usize::from(length)];
                reader.read_exact(&mut segment)?;
                let exif = segment.strip_prefix(b"Exif\0\0").and_then(Orientation::from_exif_chunk);
                orientation = exif.unwrap_or(orientation);
            }
            0xDA => {
                let scan_offset = reader.stream_position()? + u64::from(length);
                return Ok(frame.map(|(width, height, components)| JpegHeader {
                    width: width.into(),
                    height: height.into(),
                    components,
                    orientation,
                    scan_offset,
                }));
            }
            _ => {
                reader.seek(SeekFrom::Current(length.into()))?;
            }
        }
    }
    Ok(None)
}

/// Whether the end marker follows the first scan. In a scan 0xFF is always followed by 0, so this cannot be data;
/// starting at the scan skips the end marker of an embedded preview.
pub(super) fn has_end(bytes: &[u8]) -> bool {
    match read_header(&mut io::Cursor::new(bytes)) {
        Ok(Some(header)) => {
            let scan = bytes.get(header.scan_offset as usize..).unwrap_or_default();
            // From the back, where it nearly always is.
            scan.windows(2).rev().any(|pair| pair == [0xFF, 0xD9])
        }
        // The decoder finds the better words for this.
        Ok(None) => true,
        Err(_) => false,
    }
}

fn next_marker(reader: &mut impl Read) -> io::Result<Option<u8>> {
    let [first] = read_array::<1>(reader)?;
    if first != 0xFF {
        return Ok(None);
    }
    // Any number of fill bytes may precede a marker.
    for _ in 0..MAX_SEGMENTS {
        let [byte] = read_array::<1>(reader)?;
        if byte != 0xFF {
            return Ok(Some(byte));
        }
    }
    Ok(None)
}

fn read_array<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut array = [0; N];
    reader.read_exact(&mut array)?;
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded() -> Vec<u8> {
        let mut bytes = io::Cursor::new(Vec::new());
        image::RgbImage::from_fn(40, 24, |x, y| image::Rgb([x as u8 * 6, y as u8 * 10, 9]))
            .write_to(&mut bytes, image::ImageFormat::Jpeg)
            .unwrap();
        bytes.into_inner()
    }

    #[test]
    fn size_and_channels_are_read_from_the_segments() {
        let header = read_header(&mut io::Cursor::new(encoded())).unwrap().unwrap();
        assert_eq!((header.width, header.height, header.components), (40, 24, 3));
    }

    #[test]
    fn a_jpeg_without_its_end_is_noticed_wherever_it_is_cut() {
        let bytes = encoded();
        assert!(has_end(&bytes));
        for cut in [4, 30, bytes.len() / 2, bytes.len() - 2] {
            assert!(!has_end(&bytes[..cut]), "cut at {cut}");
        }
    }

    #[test]
    fn no_prefix_and_no_flipped_byte_makes_the_walker_panic() {
        let bytes = encoded();
        for i in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[i] ^= 0xFF;
            let _ = read_header(&mut io::Cursor::new(&broken));
            let _ = has_end(&broken[..i]);
        }
        assert!(read_header(&mut io::Cursor::new([0xFF, 0xD8, 0xFF, 0xD9])).unwrap().is_none());
    }
}
