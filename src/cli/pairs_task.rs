//! Scores a list of pairs: each image is embedded once.

use crate::data::{
    Catalog, DataError, HostBatch, VerificationSet, Warnings, decode_file, fit, read_pairs, resolve_pairs,
};
use crate::eval::{EmbeddingTable, Pair, ScoredPairs, score_pairs};
use crate::train::{Control, TrainedModel};
use anyhow::Context as _;
use image::DynamicImage;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Images decoded and embedded at once.
const BATCH: usize = 64;

/// Pairs of a list with their scores, in the order of the list.
pub struct ScoredList {
    /// Scores and truth.
    pub scored: ScoredPairs,
    /// The list is divided into folds already.
    pub has_folds: bool,
    /// What was left out.
    pub warnings: Warnings,
}

/// Reads, embeds and scores a list.
pub fn score_list(
    model: &TrainedModel,
    list: &Path,
    images: Option<&Path>,
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<ScoredList> {
    let pairs = read_pairs(list)?;
    let folder = images.or_else(|| list.parent()).unwrap_or(Path::new("."));
    let (files, listed, mut warnings) = resolve_pairs(&pairs, folder)?;
    let load = |index: usize| decode_file(files.get(index).map_or(Path::new(""), PathBuf::as_path));
    let embedded = embed(model, files.len(), &load, progress)?;
    for (index, error) in &embedded.failed {
        let name = files.get(*index).map(|path| path.display().to_string()).unwrap_or_default();
        warnings.left_out(&name, error);
    }
    let scored = embedded.score(&listed)?;
    Ok(ScoredList { scored, has_folds: pairs.folds.is_some_and(|folds| folds > 1), warnings })
}

/// Embeds and scores a verification set, whose pairs are divided into contiguous folds.
pub fn score_set(
    model: &TrainedModel,
    set: &VerificationSet,
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<ScoredList> {
    let embedded = embed(model, set.n_images(), &|index| set.load(index), progress)?;
    let mut warnings = Warnings::default();
    for (index, error) in &embedded.failed {
        warnings.left_out(&set.name(*index), error);
    }
    let pairs: Vec<(u32, u32, bool)> =
        (0..).zip(set.same()).map(|(pair, same)| (2 * pair, 2 * pair + 1, *same)).collect();
    Ok(ScoredList { scored: embedded.score(&pairs)?, has_folds: true, warnings })
}

/// Embeds image files; row i belongs to `files[i]`.
pub fn embed_files(
    model: &TrainedModel,
    files: &[PathBuf],
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<EmbeddingTable> {
    let load = |index: usize| decode_file(files.get(index).map_or(Path::new(""), PathBuf::as_path));
    let embedded = embed(model, files.len(), &load, progress)?;
    match embedded.failed.into_iter().next() {
        Some((_, error)) => Err(error.into()),
        None => Ok(embedded.table),
    }
}

/// Images that could be read, and the others.
struct Embedded {
    table: EmbeddingTable,
    /// Row of each image.
    row_of: Vec<Option<u32>>,
    failed: Vec<(usize, DataError)>,
}

impl Embedded {
    /// Scores pairs of images; those with an unreadable one are left out.
    fn score(&self, pairs: &[(u32, u32, bool)]) -> anyhow::Result<ScoredPairs> {
        let row = |image: u32| self.row_of.get(image as usize).copied().flatten();
        let pair = |&(a, b, same): &(u32, u32, bool)| Some(Pair { a: row(a)?, b: row(b)?, same });
        let pairs: Vec<Pair> = pairs.iter().filter_map(pair).collect();
        Ok(score_pairs(&self.table, &pairs)?)
    }
}

type Load<'a> = &'a (dyn Fn(usize) -> Result<DynamicImage, DataError> + Sync);

fn embed(
    model: &TrainedModel,
    count: usize,
    load: Load<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<Embedded> {
    let preprocess = &model.info().preprocess;
    let length = preprocess.sample_len();
    let mut data = Vec::with_capacity(count * model.info().embedder.embedding_dim);
    let (mut row_of, mut failed, mut rows) = (Vec::with_capacity(count), Vec::new(), 0_u32);
    for start in (0..count).step_by(BATCH) {
        let end = (start + BATCH).min(count);
        let decoded: Vec<Result<Vec<u8>, DataError>> =
            (start..end).into_par_iter().map(|index| Ok(fit(&load(index)?, preprocess))).collect();
        let mut images = Vec::with_capacity(decoded.len() * length);
        for (index, pixels) in (start..).zip(decoded) {
            match pixels {
                Ok(pixels) => {
                    let from = images.len();
                    images.resize(from + length, 0_f32);
                    preprocess.normalise(&pixels, images.get_mut(from..).unwrap_or_default());
                    row_of.push(Some(rows));
                    rows += 1;
                }
                Err(error) => {
                    row_of.push(None);
                    failed.push((index, error));
                }
            }
        }
        let n = images.len() / length.max(1);
        if n > 0 {
            let (labels, items) = (vec![0; n], vec![0; n]);
            let (channels, px) = (preprocess.channels as usize, preprocess.image_px as usize);
            data.extend(model.embed(&HostBatch { images, labels, items, channels, px })?);
        }
        progress(end, count);
    }
    if rows == 0 && !failed.is_empty() {
        let first = failed.swap_remove(0).1;
        return Err(anyhow::Error::from(first).context("none of the images could be read"));
    }
    let rows: Vec<u32> = (0..rows).collect();
    let table = EmbeddingTable::new(model.info().embedder.embedding_dim, data, rows.clone(), rows)
        .context("an image has no usable embedding")?;
    Ok(Embedded { table, row_of, failed })
}

/// The data set a run was trained with, from the place it remembers.
pub fn own_catalog(run: &Path, control: &Control) -> anyhow::Result<Arc<Catalog>> {
    let info = crate::train::read_config(run)?.run.unwrap_or_default();
    anyhow::ensure!(
        !info.is_imported(),
        "the weights of this run were imported, so it has no images of its own; name some with --data"
    );
    let catalog = Catalog::open(Path::new(&info.data), &|_| {}, &|| control.is_cancelled())
        .context("the images this run was trained with cannot be opened; give their new place with --data")?;
    let catalog = Arc::new(catalog);
    Ok(catalog.with_fingerprint(&info.data_fingerprint).unwrap_or(catalog))
}
