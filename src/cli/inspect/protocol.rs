//! What is inspected besides data sets: verification sets and lists of pairs. Counting is the data's; here images are read,
//! and it is printed.

use super::EXAMPLES;
use crate::cli::output;
use crate::config::{counted, folder_of};
use crate::data::{
    DataError, PairList, ProtocolLook, VerificationSet, WarningKind, Warnings, decode_file, median_short_px, path_text,
};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A verification `.bin`: every image is decoded, because that is the question people have.
pub fn set(path: &Path) -> anyhow::Result<Value> {
    let set = VerificationSet::open(path)?;
    let mut look = ProtocolLook::of_set(&set);
    let sizes: Vec<_> = (0..set.n_images())
        .into_par_iter()
        .map(|image| set.load(image).map(|image| [image.width(), image.height()]))
        .collect();
    let mut read: Vec<[u32; 2]> = Vec::with_capacity(sizes.len());
    // Images 2i and 2i + 1 are pair i.
    let is_complete = |pair: &&[Result<[u32; 2], DataError>]| pair.iter().all(Result::is_ok);
    look.complete = sizes.chunks_exact(2).filter(is_complete).count();
    for (image, size) in sizes.into_iter().enumerate() {
        match size {
            Ok(size) => read.push(size),
            Err(error) => look.warnings.left_out(&set.name(image), &error),
        }
    }
    look.typical_px = median_short_px(read.into_iter());
    output::line(format!("verification set: {}", path.display()));
    pairs_line(&look);
    output::line(match look.typical_px {
        Some(px) if look.complete < look.pairs => {
            format!("images   {}, about {px} px, {} complete", look.images, counted(look.complete, "pair"))
        }
        Some(px) => format!("images   {}, about {px} px", look.images),
        None => format!("images   {}, none of which can be read", look.images),
    });
    folds_line(&look);
    let problems = problems(&look.warnings);
    Ok(json!({
        "kind": "verification", "pairs": look.pairs, "genuine": look.genuine, "impostor": look.impostor(),
        "complete": look.complete, "images": look.images, "typical_px": look.typical_px.unwrap_or_default(),
        "folds": look.folds, "problems": problems,
    }))
}

/// Images of a list that are read, spread over it: enough to see that something is wrong with them, in a few seconds.
const SAMPLE: usize = 500;

/// A list of pairs; its images are looked for in `images`, or else beside it. Some of them are read, unless `quick`.
pub fn list(path: &Path, list: &PairList, images: Option<&Path>, quick: bool) -> anyhow::Result<Value> {
    let mut look = ProtocolLook::of_list(list);
    output::line(format!("list of pairs: {}", path.display()));
    pairs_line(&look);
    folds_line(&look);
    let folder = images.unwrap_or(folder_of(path));
    if !folder.is_dir() {
        return Err(DataError::NoImagesFolder(folder.to_owned()).into());
    }
    let files = look.find_images(list, folder);
    let (read, problems) = if let Some(obstacle) = &look.obstacle {
        output::line(format!("problem  {obstacle}"));
        (0, vec![json!({ "kind": "NoPairs", "count": look.pairs, "headline": obstacle })])
    } else {
        let place = images.map_or("beside the list".to_owned(), |folder| format!("in {}", folder.display()));
        output::line(format!("images   {} {place}, {} complete", look.images, counted(look.complete, "pair")));
        let read = if quick { 0 } else { read_some(&files, folder, &mut look.warnings) };
        output::line(match read {
            0 => "check    images were not read (--quick)".to_owned(),
            read if read < files.len() => format!("check    {read} of the images were read, spread over the list"),
            _ => "check    every image was read".to_owned(),
        });
        (read, problems(&look.warnings))
    };
    Ok(json!({
        "kind": "pairs", "pairs": look.pairs, "genuine": look.genuine, "impostor": look.impostor(),
        "folds": look.folds, "complete": look.complete, "images_read": read, "problems": problems,
    }))
}

/// Reads images of a list and adds what cannot be read; how many were tried.
fn read_some(files: &[PathBuf], folder: &Path, warnings: &mut Warnings) -> usize {
    let sample: Vec<&PathBuf> = files.iter().step_by(files.len().div_ceil(SAMPLE).max(1)).collect();
    let found: Vec<Result<(), DataError>> = sample.par_iter().map(|file| decode_file(file).map(drop)).collect();
    for (file, found) in sample.iter().zip(&found) {
        if let Err(error) = found {
            warnings.left_out(&path_text(file.strip_prefix(folder).unwrap_or(file)), error);
        }
    }
    sample.len()
}

fn pairs_line(look: &ProtocolLook) {
    output::line(format!("pairs    {}: {} genuine, {} impostor", look.pairs, look.genuine, look.impostor()));
}

fn folds_line(look: &ProtocolLook) {
    output::line(match look.folds {
        Some(VerificationSet::FOLDS) => format!("folds    {} contiguous blocks", VerificationSet::FOLDS),
        Some(folds) => {
            format!("folds    {folds} contiguous blocks; the ten of the accuracy are drawn with the run's seed")
        }
        None => "folds    none given; drawn with the run's seed".to_owned(),
    });
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
