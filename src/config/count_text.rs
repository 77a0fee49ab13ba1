//! Counts as people read them.

/// A count with thin spaces between thousands; four digits are read at a glance and stay together.
pub fn count_text(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && digits.len() > 4 && (digits.len() - position).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// `1 image`, `12 images`.
pub fn counted(count: usize, singular: &str) -> String {
    counted_as(count, singular, &format!("{singular}s"))
}

/// `1 class`, `12 classes`.
pub fn classes_text(count: usize) -> String {
    counted_as(count, "class", "classes")
}

/// A count with the words behind it, those for one and those for several: `1 image is`, `12 images are`.
pub fn counted_as(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", count_text(count), if count == 1 { one } else { many })
}

/// A count in a sentence, where no more than three digits of millions matter: `12.8 million`, otherwise as [`count_text`].
pub(super) fn amount(count: usize) -> String {
    if count < 1_000_000 { count_text(count) } else { format!("{:.1} million", count as f64 / 1e6) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!(
            [count_text(999), count_text(1234), count_text(1_234_567)],
            ["999", "1234", "1\u{2009}234\u{2009}567"]
        );
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(
            [counted(1, "image"), counted(0, "image"), counted(20_000, "pair")],
            ["1 image", "0 images", "20\u{2009}000 pairs"]
        );
        assert_eq!([classes_text(1), classes_text(12_000)], ["1 class", "12\u{2009}000 classes"]);
        let differ = |count| counted_as(count, "image differs", "images differ");
        assert_eq!([differ(1), differ(20_000)], ["1 image differs", "20\u{2009}000 images differ"]);
    }

    #[test]
    fn millions_in_a_sentence_are_rounded() {
        assert_eq!([amount(624), amount(20_000), amount(12_845_056)], ["624", "20\u{2009}000", "12.8 million"]);
    }
}
