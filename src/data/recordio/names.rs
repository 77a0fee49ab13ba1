//! The names of classes, where a `classes.txt` beside the records has them: line n names label n, as `export_records`
//! writes it. InsightFace's records have numbers only.

use crate::config::read_text_at_most;
use std::collections::BTreeSet;
use std::path::Path;

/// Longest file of names that is read.
const MAX_BYTES: u64 = 64 << 20;

/// A name for every label; `None` where there is no such file, or it does not fit.
pub(super) fn names_of(rec: &Path, labels: impl Iterator<Item = u32>) -> Option<Vec<String>> {
    let text = read_text_at_most(&rec.with_file_name("classes.txt"), MAX_BYTES).ok()?;
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let names: Vec<String> =
        labels.map(|label| lines.get(label as usize).map(|name| (*name).to_owned())).collect::<Option<_>>()?;
    let is_new: BTreeSet<&String> = names.iter().collect();
    (is_new.len() == names.len() && !names.iter().any(String::is_empty)).then_some(names)
}
