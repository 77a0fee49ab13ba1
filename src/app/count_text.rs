//! Counts as the window shows them, with thin spaces between thousands. Sentences that the terminal prints as well have the
//! plain digits of `config`, whose functions have other names, so that neither is taken for the other.

use crate::config::noun;

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
pub fn counted_spaced(count: usize, singular: &str) -> String {
    format!("{} {}", count_text(count), noun(count, singular, &format!("{singular}s")))
}

/// `1 class`, `12 classes`.
pub fn classes_spaced(count: usize) -> String {
    format!("{} {}", count_text(count), noun(count, "class", "classes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_and_one_is_singular() {
        assert_eq!(
            [count_text(999), count_text(1234), count_text(1_234_567)],
            ["999", "1234", "1\u{2009}234\u{2009}567"]
        );
        assert_eq!([counted_spaced(1, "image"), counted_spaced(20_000, "pair")], ["1 image", "20\u{2009}000 pairs"]);
        assert_eq!([classes_spaced(1), classes_spaced(12_000)], ["1 class", "12\u{2009}000 classes"]);
    }
}
