//! Which classes a person means by `s31..s40, test_*`.

use super::DataError;

/// Marks the classes that match one of the comma-separated patterns: a name, a name with `*` (any text) and `?` (one
/// character), or a range `a1..a9` of names that end in a number (both ends included, leading zeros ignored).
///
/// # Errors
/// Names a pattern that matches nothing.
pub(super) fn matching(classes: &[String], patterns: &str) -> Result<Vec<bool>, DataError> {
    let mut chosen = vec![false; classes.len()];
    for pattern in patterns.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()) {
        let mut hit = false;
        for (class, chosen) in classes.iter().zip(&mut chosen) {
            if matches(class, pattern) {
                (*chosen, hit) = (true, true);
            }
        }
        if !hit {
            let examples: Vec<&str> = classes.iter().take(3).map(String::as_str).collect();
            return Err(DataError::split(
                format!("no class is named like \"{pattern}\" (data.held_out)"),
                format!("the classes are named like {}", examples.join(", ")),
            ));
        }
    }
    Ok(chosen)
}

fn matches(name: &str, pattern: &str) -> bool {
    let range = pattern.split_once("..").and_then(|(first, last)| {
        let ((prefix, first), (last_prefix, last)) = (numbered(first)?, numbered(last)?);
        // "s31..40" is as clear as "s31..s40".
        (prefix == last_prefix || last_prefix.is_empty()).then_some((prefix, first..=last))
    });
    match (range, numbered(name)) {
        (Some((prefix, range)), Some((name_prefix, number))) => prefix == name_prefix && range.contains(&number),
        (Some(_), None) => false,
        (None, _) => glob(name, pattern),
    }
}

/// "s31" → ("s", 31).
fn numbered(name: &str) -> Option<(&str, u64)> {
    let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name.get(prefix.len()..)?.parse().ok()?;
    Some((prefix, number))
}

/// Linear in the length of both for a fixed number of stars: after a mismatch only the last star is tried again.
fn glob(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) = (name.chars().collect(), pattern.chars().collect());
    let (mut n, mut p) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&c) = name.get(n) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == c => (n, p) = (n + 1, p + 1),
            _ => match star {
                Some((star_p, star_n)) => {
                    (p, n) = (star_p + 1, star_n + 1);
                    star = Some((star_p, n));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(classes: &[&str], patterns: &str) -> Vec<String> {
        let classes: Vec<String> = classes.iter().map(ToString::to_string).collect();
        let marks = matching(&classes, patterns).unwrap();
        classes.into_iter().zip(marks).filter_map(|(class, mark)| mark.then_some(class)).collect()
    }

    #[test]
    fn a_range_counts_as_numbers_not_as_text() {
        let classes = ["s1", "s10", "s2", "s31", "s4", "s40", "t35"];
        assert_eq!(chosen(&classes, "s31..s40"), ["s31", "s40"]);
        assert_eq!(chosen(&classes, "s2..10"), ["s10", "s2", "s4"]);
        assert_eq!(chosen(&["p007", "p010"], "p7..p9"), ["p007"]);
    }

    #[test]
    fn stars_and_names_are_combined_with_commas() {
        let classes = ["Greek_character01", "Greek_character02", "Latin_character01", "a", "ab"];
        assert_eq!(chosen(&classes, "Latin*, a"), ["Latin_character01", "a"]);
        assert_eq!(chosen(&classes, "*_char*1"), ["Greek_character01", "Latin_character01"]);
        assert_eq!(chosen(&classes, "a?"), ["ab"]);
        assert_eq!(chosen(&classes, "*").len(), 5);
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_named() {
        let error = matching(&["s1".to_owned()], "s1, x*").unwrap_err().to_string();
        assert!(error.contains("\"x*\"") && error.contains("s1"), "{error}");
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        assert!(!glob(&"a".repeat(2000), &format!("{}b", "*a".repeat(500))));
    }
}
