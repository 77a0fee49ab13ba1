//! What the data doctor found, for the terminal and as JSON.

use super::EXAMPLES;
use crate::cli::output;
use crate::data::{Catalog, Diagnosis, Finding, FindingKind, Group, WarningKind};
use serde_json::{Value, json};

/// Groups and files listed in the JSON object per finding.
const LISTED: usize = 200;
/// Images named per group on the terminal.
const NAMED: usize = 4;

/// Warnings of opening that the findings repeat.
pub fn said(diagnosis: &Diagnosis) -> Vec<WarningKind> {
    diagnosis.findings.iter().flat_map(|finding| finding.kind.covers()).copied().collect()
}

/// Prints every finding with examples; the same as JSON.
pub fn print(diagnosis: &Diagnosis) -> Vec<Value> {
    let catalog = diagnosis.examination.catalog();
    for finding in &diagnosis.findings {
        let cut = if finding.is_cut { " at least; there are too many to compare all" } else { "" };
        output::line(format!("found    {}{cut}", finding.headline));
        let groups = finding.groups.iter().map(|group| in_words(catalog, group));
        for example in groups.chain(finding.files.iter().cloned()).take(EXAMPLES) {
            output::line(format!("         {example}"));
        }
    }
    let has_problem = diagnosis.findings.iter().any(|finding| finding.kind != FindingKind::Excluded);
    match (diagnosis.examination.has_looked(), has_problem) {
        (false, _) => output::line("check    images were not read and compared (--quick)"),
        (true, false) => output::line("check    nothing wrong was found"),
        (true, true) => {}
    }
    diagnosis.findings.iter().map(|finding| to_json(catalog, finding)).collect()
}

fn in_words(catalog: &Catalog, group: &Group) -> String {
    let names: Vec<String> = group.items.iter().take(NAMED).map(|item| catalog.name(*item as usize)).collect();
    let more = group.items.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}: {}{more}", group.title, names.join(", "))
}

fn to_json(catalog: &Catalog, finding: &Finding) -> Value {
    let group = |group: &Group| {
        let images: Vec<String> = group.items.iter().take(LISTED).map(|item| catalog.name(*item as usize)).collect();
        json!({ "title": group.title, "count": group.items.len(), "images": images })
    };
    let groups: Vec<Value> = finding.groups.iter().take(LISTED).map(group).collect();
    json!({
        "kind": finding.kind.word(), "weight": format!("{:?}", finding.kind.weight()).to_lowercase(),
        "count": finding.count, "headline": finding.headline, "images": finding.images(),
        "groups": groups, "files": finding.files, "files_total": finding.files_total, "complete": !finding.is_cut,
    })
}
