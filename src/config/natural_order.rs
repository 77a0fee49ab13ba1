//! Names in the order in which people count: `seed-2` before `seed-10`.

use std::cmp::Ordering;

/// A piece of a name. A number comes before a letter, as its digits do.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    /// How many digits, without zeros in front, and which: a number may be longer than any that can be computed with.
    Number(usize, &'a [u8]),
    Other(&'a [u8]),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    text.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).map(|piece| {
        if piece.first().is_some_and(u8::is_ascii_digit) {
            let zeros = piece.iter().take_while(|digit| **digit == b'0').count();
            let number = piece.get(zeros..).unwrap_or_default();
            Piece::Number(number.len(), number)
        } else {
            Piece::Other(piece)
        }
    })
}

/// Compares two names: numbers in them by their size, letters whether large or small. Names that differ are never equal.
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (small_a, small_b) = (a.to_lowercase(), b.to_lowercase());
    pieces(&small_a).cmp(pieces(&small_b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_ordered_by_their_size() {
        let ordered = [
            "2026-11-25-faces",
            "a",
            "B",
            "b2",
            "b10",
            "seed-1",
            "seed-02",
            "seed-10",
            "seed-10 again",
            "seed-99999999999999999999999",
            "seed-100000000000000000000000",
            "softmax/seed-2",
            "softmax/seed-11",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(natural_order(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(natural_order(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(natural_order("seed-1", "seed-1"), Ordering::Equal);
        // Names that count the same stay apart.
        assert_ne!(natural_order("seed-1", "seed-01"), Ordering::Equal);
        assert_ne!(natural_order("A", "a"), Ordering::Equal);
    }
}
