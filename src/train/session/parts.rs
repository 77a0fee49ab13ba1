//! The state of a session as one block of bytes: its parts, with their lengths in front, little-endian.

/// Appends a part.
pub(super) fn add(bytes: &mut Vec<u8>, part: &[u8]) {
    // Room for twice as much, as vectors take it, would be more memory than a step needs.
    bytes.reserve_exact(part.len() + 8);
    bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
    bytes.extend_from_slice(part);
}

/// The parts; `None` where there are others, or not all of them.
pub(super) fn split<const N: usize>(mut bytes: &[u8]) -> Option<[&[u8]; N]> {
    let mut parts = [&[][..]; N];
    for part in &mut parts {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        (*part, bytes) = rest.split_at_checked(length)?;
    }
    bytes.is_empty().then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_and_what_is_cut_off_does_not() {
        let mut bytes = Vec::new();
        [&b"net"[..], &[], &[7; 20]].into_iter().for_each(|part| add(&mut bytes, part));
        assert_eq!(bytes.len(), 3 * 8 + 23);
        assert_eq!(split::<3>(&bytes), Some([&b"net"[..], &[], &[7; 20]]));
        assert_eq!(split::<2>(&bytes), None, "one is left");
        assert_eq!(split::<4>(&bytes), None, "one is missing");
        assert_eq!(split::<3>(&bytes[..bytes.len() - 1]), None);
    }
}
