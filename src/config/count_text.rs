//! Counts with their nouns, in sentences that the window and the terminal share: digits stand together, because programs
//! read what the terminal prints. Numbers that only the window shows have thin spaces (`app`).

/// The word for one, or that for several and for none.
pub fn noun<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
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
    format!("{count} {}", noun(count, one, many))
}

/// A count in a sentence, where no more than three digits of millions matter: `12.8 million`, otherwise every digit.
pub(super) fn amount(count: usize) -> String {
    if count < 1_000_000 { count.to_string() } else { format!("{:.1} million", count as f64 / 1e6) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        assert_eq!(
            [counted(1, "image"), counted(0, "image"), counted(20_000, "pair")],
            ["1 image", "0 images", "20000 pairs"]
        );
        assert_eq!([classes_text(1), classes_text(12_000)], ["1 class", "12000 classes"]);
        let differ = |count| counted_as(count, "image differs", "images differ");
        assert_eq!([differ(1), differ(20_000)], ["1 image differs", "20000 images differ"]);
    }

    #[test]
    fn millions_in_a_sentence_are_rounded() {
        assert_eq!([amount(624), amount(20_000), amount(12_845_056)], ["624", "20000", "12.8 million"]);
    }
}
