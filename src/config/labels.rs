//! Sentences as the window shows them: settings are named by their keys where keys are typed, and by their labels in the
//! window, where nobody sees a key; what goes on a line of the terminal in small letters begins with a capital there.

use super::spec;

/// The sentence with the label of every setting, between quotation marks, in place of its key.
pub fn with_labels(sentence: &str) -> String {
    // A key within a path or a flag is not the name of a setting.
    let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || "._-/\\".contains(letter);
    let mut text = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.find(|letter: char| !is_of_word(letter)).unwrap_or(rest.len()));
        let key = word.trim_end_matches('.');
        match spec(key) {
            Some(spec) => text.extend(["\"", spec.label, "\"", word.strip_prefix(key).unwrap_or_default()]),
            None => text.push_str(word),
        }
        let (between, next) = after.split_at(after.find(is_of_word).unwrap_or(after.len()));
        text.push_str(between);
        rest = next;
    }
    text
}

/// A sentence that the terminal prints as well, as the window shows it: with a capital and with labels.
pub fn window_text(sentence: &str) -> String {
    capitalised(&with_labels(sentence))
}

/// With a capital letter at its beginning.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letter_is_a_capital_and_the_others_stay() {
        assert_eq!(["", "cosFace", "élan", "7 seeds"].map(capitalised), ["", "CosFace", "Élan", "7 seeds"]);
    }

    #[test]
    fn keys_become_labels_and_everything_else_stays() {
        let told =
            "2 settings cannot be used: train.batch is 1, but no; train.warmup_epochs is 9, but at most train.epochs.";
        let expected =
            "2 settings cannot be used: \"Batch size\" is 1, but no; \"Warm-up\" is 9, but at most \"Epochs\".";
        assert_eq!(with_labels(told), expected);
        for other in ["", "no key – nowhere.", "--train.batch 3", "in /runs/train.batch", "train.batches, train"] {
            assert_eq!(with_labels(other), other);
        }
    }
}
