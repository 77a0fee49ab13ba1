//! Bytes as they were before Python wrote them down.

use super::input::bad;
use super::value::{Blob, Coding};
use crate::data::DataError;
use crate::data::packed::PackFile;

/// Reads the bytes of a blob.
///
/// # Errors
/// When the file cannot be read, or holds something that is no byte.
pub(super) fn read(file: &PackFile, blob: Blob) -> Result<Vec<u8>, DataError> {
    let bytes = file.bytes(blob.start, blob.len.into()).map_err(|source| DataError::reading(file.path(), source))?;
    let decoded = match blob.coding {
        Coding::Raw => return Ok(bytes),
        Coding::Latin1 => std::str::from_utf8(&bytes).ok().and_then(|text| latin1(text.chars())),
        Coding::Quoted => unquote(&bytes),
        Coding::RawUnicode => raw_unicode(&bytes),
    };
    decoded.ok_or_else(|| bad(file, blob.start, "expected bytes written as text, found other characters"))
}

fn latin1(chars: impl Iterator<Item = char>) -> Option<Vec<u8>> {
    chars.map(|char| u8::try_from(char).ok()).collect()
}

/// Python's `repr` of a string: `'…'` or `"…"` with backslashes.
fn unquote(bytes: &[u8]) -> Option<Vec<u8>> {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let inner = match bytes {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        _ => return None,
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match rest.next()? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => 16 * hex(rest.next()?)? + hex(rest.next()?)?,
            same @ (b'\\' | b'\'' | b'"') => same,
            _ => return None,
        });
    }
    Some(out)
}

/// Latin-1 with `\uXXXX` for what would end the line or is none.
fn raw_unicode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let digits = match (byte, tail.first()) {
            (b'\\', Some(b'u')) => tail.get(1..5)?,
            _ => {
                out.push(byte);
                continue;
            }
        };
        let code = digits.iter().try_fold(0_u32, |code, &digit| Some(16 * code + u32::from(hex(digit)?)))?;
        out.push(u8::try_from(code).ok()?);
        rest = tail.get(5..)?;
    }
    Some(out)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_bytes_is_undone() {
        assert_eq!(unquote(br#"'\xff\xd8a\n\\\'"'"#).unwrap(), b"\xFF\xD8a\n\\'\"");
        assert_eq!(unquote(br#""it's\t\x00""#).unwrap(), b"it's\t\0");
        assert_eq!(raw_unicode(b"\xFF\xD8\\u000a\\u005cx").unwrap(), b"\xFF\xD8\n\\x");
        assert_eq!(latin1("ÿØ".chars()).unwrap(), b"\xFF\xD8");
    }

    #[test]
    fn what_is_no_byte_is_refused() {
        for text in [r"'\x'", r"'\xg0'", "'", "", r"'\", r"'\0'", "x"] {
            assert_eq!(unquote(text.as_bytes()), None, "{text}");
        }
        for text in [r"\u12", r"\u1234", r"\u00g0"] {
            assert_eq!(raw_unicode(text.as_bytes()), None, "{text}");
        }
        assert_eq!(latin1("€".chars()), None);
    }
}
