//! Scores a list of pairs: each image is embedded once.

use crate::data::{Catalog, HostBatch, decode_file, fit, read_pairs, resolve_pairs};
use crate::eval::{EmbeddingTable, Pair, ScoredPairs, score_pairs};
use crate::train::{Control, TrainedModel};
use anyhow::Context as _;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Images decoded and embedded at once.
const BATCH: usize = 64;

/// Pairs of a list with their scores, in the order of the list.
pub struct ScoredList {
    /// Scores and truth.
    pub scored: ScoredPairs,
    /// The list is divided into folds already.
    pub has_folds: bool,
    /// What was left out.
    pub warnings: Vec<String>,
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
    let (files, listed, left_out) = resolve_pairs(&pairs, folder)?;
    let table = embed_files(model, &files, progress)?;
    let pairs_of: Vec<Pair> = listed.iter().map(|(a, b, same)| Pair { a: *a, b: *b, same: *same }).collect();
    let warnings = left_out.groups().iter().map(|group| group.headline.clone()).collect();
    Ok(ScoredList {
        scored: score_pairs(&table, &pairs_of)?,
        has_folds: pairs.folds.is_some_and(|folds| folds > 1),
        warnings,
    })
}

/// Embeds image files; row i belongs to `files[i]`.
pub fn embed_files(
    model: &TrainedModel,
    files: &[PathBuf],
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<EmbeddingTable> {
    let preprocess = &model.info().preprocess;
    let length = preprocess.sample_len();
    let mut data = Vec::with_capacity(files.len() * model.info().embedder.embedding_dim);
    for (index, chunk) in files.chunks(BATCH).enumerate() {
        let decoded: Vec<Vec<u8>> = chunk
            .par_iter()
            .map(|path| Ok(fit(&decode_file(path)?, preprocess)))
            .collect::<Result<_, crate::data::DataError>>()?;
        let mut images = vec![0f32; chunk.len() * length];
        for (pixels, planes) in decoded.iter().zip(images.chunks_exact_mut(length)) {
            preprocess.normalise(pixels, planes);
        }
        let batch = HostBatch {
            images,
            labels: vec![0; chunk.len()],
            items: vec![0; chunk.len()],
            channels: preprocess.channels as usize,
            px: preprocess.image_px as usize,
        };
        data.extend(model.embed(&batch)?);
        progress(index * BATCH + chunk.len(), files.len());
    }
    let rows: Vec<u32> = (0..files.len() as u32).collect();
    EmbeddingTable::new(model.info().embedder.embedding_dim, data, rows.clone(), rows)
        .context("an image has no usable embedding")
}

/// The data set a run was trained with, from the place it remembers.
pub fn own_catalog(run: &Path, control: &Control) -> anyhow::Result<Catalog> {
    let info = crate::train::read_config(run)?.run.unwrap_or_default();
    anyhow::ensure!(
        info.imported.is_empty(),
        "the weights of this run were imported, so it has no images of its own; name some with --data"
    );
    Catalog::open(Path::new(&info.data), &|_| {}, &|| control.is_cancelled())
        .context("the images this run was trained with cannot be opened; give their new place with --data")
}
