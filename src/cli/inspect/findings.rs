//! What the data doctor found, for the terminal and as JSON.

use super::EXAMPLES;
use crate::cli::output;
use crate::data::{Catalog, Diagnosis, Examination, Finding, FindingKind, Group, WarningKind};
use serde_json::{Value, json};

/// Images and files listed in the JSON object per finding; an object of more is none that a program could read.
const LISTED: usize = 1_000_000;
/// Images named per group on the terminal.
const NAMED: usize = 4;

/// Warnings of opening that the findings repeat.
pub fn said(diagnosis: &Diagnosis) -> Vec<WarningKind> {
    diagnosis.findings.iter().flat_map(|finding| finding.kind.covers()).copied().collect()
}

/// Prints every finding with examples; as JSON with all of its images and files.
pub fn print(diagnosis: &Diagnosis) -> Vec<Value> {
    for line in lines(diagnosis) {
        output::line(line);
    }
    diagnosis.findings.iter().map(|finding| to_json(&diagnosis.examination, finding, LISTED)).collect()
}

fn lines(diagnosis: &Diagnosis) -> Vec<String> {
    let catalog = diagnosis.examination.catalog();
    let (mut lines, mut is_shortened) = (Vec::new(), false);
    for finding in &diagnosis.findings {
        let cut = if finding.is_cut { " at least" } else { "" };
        lines.push(format!("found    {}{cut}", finding.headline));
        let groups = finding.groups.iter().map(|group| in_words(catalog, group));
        let examples: Vec<String> = groups.chain(finding.files.iter().cloned()).take(EXAMPLES).collect();
        let more = (finding.groups.len() + finding.files_total).saturating_sub(examples.len());
        lines.extend(examples.into_iter().map(|example| format!("         {example}")));
        if more > 0 {
            lines.push(format!("         and {more} more"));
        }
        is_shortened |= more > 0 || finding.groups.iter().take(EXAMPLES).any(|group| group.items.len() > NAMED);
    }
    lines.extend(check_line(diagnosis));
    if is_shortened {
        lines.push("more     --json lists every image and file of these".to_owned());
    }
    lines
}

/// What was not looked for, or that nothing was found.
fn check_line(diagnosis: &Diagnosis) -> Option<String> {
    let missed = "the images are too many, or too many of them alike, to compare all by their looks: near copies across \
                  classes may have been missed";
    let has_problem = diagnosis.findings.iter().any(|finding| finding.kind != FindingKind::Excluded);
    let examination = &diagnosis.examination;
    let words = match (examination.has_looked(), examination.has_compared_all(), has_problem) {
        (false, ..) => "images were not read and compared (--quick)".to_owned(),
        (true, false, false) => format!("nothing wrong was found, but {missed}"),
        (true, false, true) => missed.to_owned(),
        (true, true, false) => "nothing wrong was found".to_owned(),
        (true, true, true) => return None,
    };
    Some(format!("check    {words}"))
}

fn in_words(catalog: &Catalog, group: &Group) -> String {
    let names: Vec<String> = group.items.iter().take(NAMED).map(|item| catalog.name(*item as usize)).collect();
    let more = group.items.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}: {}{more}", group.title, names.join(", "))
}

/// At most `most` images and files are listed.
fn to_json(examination: &Examination, finding: &Finding, most: usize) -> Value {
    let name = |item: &u32| examination.catalog().name(*item as usize);
    let (mut groups, mut room) = (Vec::new(), most);
    for group in &finding.groups {
        if room == 0 {
            break;
        }
        let images: Vec<String> = group.items.iter().take(room).map(name).collect();
        room -= images.len();
        groups.push(json!({ "title": group.title, "count": group.items.len(), "images": images }));
    }
    let files = finding.file_positions.iter().take(room);
    let files: Vec<String> = files.filter_map(|position| examination.file_in_words(*position)).collect();
    let listed = most - room + files.len();
    let is_complete = !finding.is_cut && listed == finding.images() + finding.files_total;
    json!({
        "kind": finding.kind.word(), "weight": format!("{:?}", finding.kind.weight()).to_lowercase(),
        "count": finding.count, "headline": finding.headline, "images": finding.images(),
        "groups": groups, "files": files, "files_total": finding.files_total, "complete": is_complete,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::draw_classes;
    use std::path::Path;
    use std::sync::Arc;

    fn opened(folder: &Path) -> Arc<Catalog> {
        Arc::new(Catalog::open(folder, &|_| {}, &|| false).unwrap())
    }

    /// What is listed of a finding: images, files, and whether that is all.
    fn listed(diagnosis: &Diagnosis, kind: FindingKind, most: usize) -> (usize, usize, bool) {
        let finding = diagnosis.findings.iter().find(|finding| finding.kind == kind).unwrap();
        let value = to_json(&diagnosis.examination, finding, most);
        let length = |value: &Value| value.as_array().unwrap().len();
        let images = value["groups"].as_array().unwrap().iter().map(|group| length(&group["images"])).sum();
        (images, length(&value["files"]), value["complete"].as_bool().unwrap())
    }

    #[test]
    fn everything_is_listed_or_said_to_be_incomplete() {
        let folder = tempfile::tempdir().unwrap();
        draw_classes(folder.path(), 3, 1);
        for name in ["p00/a.png", "p01/b.png"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        let diagnosis = Arc::new(Examination::none(&opened(folder.path()))).diagnose(&[]);
        for (most, expected) in [(2, (2, 0, false)), (3, (3, 0, true)), (LISTED, (3, 0, true))] {
            assert_eq!(listed(&diagnosis, FindingKind::TinyClasses, most), expected);
        }
        for (most, expected) in [(1, (0, 1, false)), (2, (0, 2, true))] {
            assert_eq!(listed(&diagnosis, FindingKind::Unreadable, most), expected);
        }
    }

    #[test]
    fn what_the_terminal_leaves_out_is_counted_with_the_word_that_shows_it() {
        let folder = tempfile::tempdir().unwrap();
        draw_classes(folder.path(), 7, 1);
        let told = |classes: u8| {
            draw_classes(folder.path(), classes, 2);
            lines(&Arc::new(Examination::none(&opened(folder.path()))).diagnose(&[]))
        };
        let all = told(0);
        assert!(all.contains(&"         and 2 more".to_owned()), "{all:?}");
        assert!(all.iter().any(|line| line.starts_with("more     --json")), "{all:?}");
        let few = told(2);
        assert!(few.iter().all(|line| !line.contains("more")), "{few:?}");
    }
}
