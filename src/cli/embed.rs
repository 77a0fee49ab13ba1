//! `arclens embed`: embeddings as `.npy` (f32, N×D, rows of length 1) with a `.csv` of path, label and the length that the
//! embedding had before, in the same order.

use super::model::open_model;
use super::output::{self, Meter};
use super::{Answer, args};
use crate::config::{atomic_write, counted};
use crate::data::{Catalog, DataError, HostBatch, decode_named_file, fit};
use crate::eval::EmbeddingTable;
use crate::train::{self, Control, TrainedModel};
use anyhow::Context as _;
use clap::ArgMatches;
use ndarray::ArrayView2;
use ndarray_npy::WriteNpyExt as _;
use rayon::prelude::*;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Embeds and writes.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let model = open_model(args::get_path(matches, "run")?, matches)?;
    let sources: Vec<PathBuf> = matches.get_many("images").into_iter().flatten().cloned().collect();
    let mut meter = Meter::new("embed");
    let mut progress = |done: usize, total: usize| meter.report(done as u64, total as u64, "images");
    let data_set = sources.first().filter(|path| sources.len() == 1 && (path.is_dir() || decode_fails(path)));
    let (table, names) = match data_set {
        Some(path) => of_data_set(&model, path, &mut progress)?,
        None => (
            embed_files(&model, &sources, &mut progress)?,
            sources.iter().map(|path| (path.display().to_string(), String::new())).collect(),
        ),
    };
    meter.finish();
    let out = args::get_path(matches, "out")?;
    let csv = write(out, &table, &names)?;
    output::line(format!(
        "{} of {}: {} and {}",
        counted(table.len(), "embedding"),
        counted(table.dim(), "number"),
        out.display(),
        csv.display()
    ));
    if matches.get_flag("json") {
        output::json(&json!({ "embeddings": table.len(), "dim": table.dim(), "npy": out, "csv": csv }));
    }
    Ok(Answer::Yes)
}

/// A single path that is no image is taken for a data set (an IDX file), whose reader then explains what is wrong.
fn decode_fails(path: &Path) -> bool {
    decode_named_file(path).is_err()
}

/// Embeds image files; row i belongs to `files[i]`.
fn embed_files(
    model: &TrainedModel,
    files: &[PathBuf],
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<EmbeddingTable> {
    let preprocess = &model.info().network.preprocess;
    let (channels, px) = (preprocess.channels as usize, preprocess.image_px as usize);
    let mut data = Vec::with_capacity(files.len() * model.info().network.embedder.embedding_dim);
    let mut done = 0;
    for batch in files.chunks(model.at_once()) {
        let decode = |file: &PathBuf| -> Result<Vec<u8>, DataError> { Ok(fit(&decode_named_file(file)?, preprocess)) };
        let decoded: Vec<Vec<u8>> = batch.par_iter().map(decode).collect::<Result<_, DataError>>()?;
        let mut images = vec![0_f32; batch.len() * preprocess.sample_len()];
        for (pixels, place) in decoded.iter().zip(images.chunks_exact_mut(preprocess.sample_len())) {
            preprocess.normalise(pixels, place);
        }
        let (labels, items) = (vec![0; batch.len()], vec![0; batch.len()]);
        data.extend(model.embed(&HostBatch { images, labels, items, channels, px })?);
        done += batch.len();
        progress(done, files.len());
    }
    let rows: Vec<u32> = (0..files.len() as u32).collect();
    EmbeddingTable::new(model.info().network.embedder.embedding_dim, data, rows.clone(), rows)
        .context("an image has no usable embedding")
}

/// (path, label) of every row.
pub type Names = Vec<(String, String)>;

fn of_data_set(
    model: &TrainedModel,
    path: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<(EmbeddingTable, Names)> {
    let catalog = Arc::new(Catalog::open(path, &|_| {}, &|| false)?);
    let items: Vec<u32> = (0..catalog.items.len() as u32).collect();
    embed_items(model, &catalog, &items, progress)
}

/// Embeds images of a data set; unreadable ones are left out with a warning.
pub fn embed_items(
    model: &TrainedModel,
    catalog: &Arc<Catalog>,
    items: &[u32],
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<(EmbeddingTable, Names)> {
    let (table, left_out) = train::embed_items(model, catalog, items, &Control::default(), progress)?;
    output::left_out(&left_out);
    let names = table
        .items()
        .iter()
        .map(|item| (catalog.name(*item as usize), catalog.class_name(*item as usize).to_owned()))
        .collect();
    Ok((table, names))
}

fn write(out: &Path, table: &EmbeddingTable, names: &Names) -> anyhow::Result<PathBuf> {
    let view = ArrayView2::from_shape((table.len(), table.dim()), table.data())?;
    let mut bytes = Vec::new();
    view.write_npy(&mut bytes).context("the embeddings cannot be written as .npy")?;
    atomic_write(out, &bytes).with_context(|| format!("could not write {}", out.display()))?;
    let csv = out.with_extension("csv");
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["path", "label", "length"])?;
    for ((path, label), length) in names.iter().zip(table.lengths()) {
        writer.write_record([path, label, &length.to_string()])?;
    }
    let text = writer.into_inner().map_err(|error| error.into_error())?;
    atomic_write(&csv, &text).with_context(|| format!("could not write {}", csv.display()))?;
    Ok(csv)
}
