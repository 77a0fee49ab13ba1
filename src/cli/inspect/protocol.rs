//! What is inspected besides data sets: verification sets and lists of pairs.

use super::EXAMPLES;
use crate::cli::output;
use crate::data::{PairList, VerificationSet, WarningKind, Warnings, resolve_pairs};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

/// A verification `.bin`: every image is decoded, because that is the question people have.
pub fn set(path: &Path) -> anyhow::Result<Value> {
    let set = VerificationSet::open(path)?;
    let sizes: Vec<_> = (0..set.n_images())
        .into_par_iter()
        .map(|image| set.load(image).map(|image| image.width().min(image.height())))
        .collect();
    let mut warnings = Warnings::default();
    let mut sides: Vec<u32> = Vec::with_capacity(sizes.len());
    for (image, size) in sizes.into_iter().enumerate() {
        match size {
            Ok(side) => sides.push(side),
            Err(error) => warnings.left_out(&set.name(image), &error),
        }
    }
    sides.sort_unstable();
    let typical = sides.get(sides.len() / 2).copied().unwrap_or(0);
    let genuine = set.same().iter().filter(|same| **same).count();
    output::line(format!("verification set: {}", path.display()));
    pairs_line(set.same().len(), genuine);
    output::line(format!("images   {}, about {typical} px", set.n_images()));
    output::line(format!("folds    {} contiguous blocks", VerificationSet::FOLDS));
    let problems = problems(&warnings);
    Ok(json!({
        "kind": "verification", "pairs": set.same().len(), "genuine": genuine, "impostor": set.same().len() - genuine,
        "images": set.n_images(), "typical_px": typical, "folds": VerificationSet::FOLDS, "problems": problems,
    }))
}

/// A list of pairs; its images are looked for beside it.
pub fn list(path: &Path, list: &PairList) -> anyhow::Result<Value> {
    let genuine = list.pairs.iter().filter(|pair| pair.2).count();
    output::line(format!("list of pairs: {}", path.display()));
    pairs_line(list.pairs.len(), genuine);
    output::line(match list.folds {
        Some(folds) => format!("folds    {folds} contiguous blocks"),
        None => "folds    none given; drawn with the run's seed".to_owned(),
    });
    let folder = path.parent().unwrap_or(Path::new("."));
    let (complete, problems) = match resolve_pairs(list, folder) {
        Ok((images, pairs, warnings)) => {
            output::line(format!("images   {} beside the list, {} pairs complete", images.len(), pairs.len()));
            (pairs.len(), problems(&warnings))
        }
        Err(error) => {
            output::line(format!("problem  {error}"));
            (0, vec![json!({ "kind": "NoPairs", "count": list.pairs.len(), "headline": error.to_string() })])
        }
    };
    Ok(json!({
        "kind": "pairs", "pairs": list.pairs.len(), "genuine": genuine, "impostor": list.pairs.len() - genuine,
        "folds": list.folds, "complete": complete, "problems": problems,
    }))
}

fn pairs_line(pairs: usize, genuine: usize) {
    output::line(format!("pairs    {pairs}: {genuine} genuine, {} impostor", pairs - genuine));
}

/// Prints every kind of problem with examples; the same as JSON.
pub fn problems(warnings: &Warnings) -> Vec<Value> {
    problems_but(warnings, &[])
}

/// As [`problems`], without printing those that are said elsewhere.
pub fn problems_but(warnings: &Warnings, said: &[WarningKind]) -> Vec<Value> {
    let groups = warnings.groups();
    for group in groups.iter().filter(|group| !said.contains(&group.kind)) {
        output::line(format!("problem  {}", group.headline));
        for example in group.examples.iter().take(EXAMPLES) {
            output::line(format!("         {example}"));
        }
    }
    groups
        .iter()
        .map(|group| json!({ "kind": format!("{:?}", group.kind), "count": group.count, "headline": group.headline }))
        .collect()
}
