//! `arclens embed`: embeddings as `.npy` (f32, N×D, rows of length 1) with a `.csv` of path, label and the length that the
//! embedding had before, in the same order.

use super::model::open_model;
use super::output::{self, Meter};
use super::{Answer, args, place};
use crate::config::{atomic_write, counted};
use crate::data::{Catalog, DataError, HostBatch, Warnings, decode_named_file, fit, path_text};
use crate::eval::EmbeddingTable;
use crate::train::{self, Control, TrainedModel};
use anyhow::{Context as _, bail, ensure};
use clap::ArgMatches;
use ndarray::ArrayView2;
use ndarray_npy::WriteNpyExt as _;
use rayon::prelude::*;
use serde_json::json;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Columns of the table beside the embeddings.
const COLUMNS: [&str; 3] = ["path", "label", "length"];

/// Embeds and writes.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let sources: Vec<PathBuf> = matches.get_many("images").into_iter().flatten().cloned().collect();
    let out = args::get_path(matches, "out")?;
    check_place(out, &sources)?;
    let model = open_model(args::get_path(matches, "run")?, matches)?;
    let mut meter = Meter::new("embed");
    let mut progress = |done: usize, total: usize| meter.report(done as u64, total as u64, "images");
    let data_set = sources.first().filter(|path| sources.len() == 1 && (path.is_dir() || decode_fails(path)));
    let (table, names) = match data_set {
        Some(path) => of_data_set(&model, path, &mut progress)?,
        None => embed_files(&model, &sources, &mut progress)?,
    };
    meter.finish();
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

/// The name says that it holds embeddings.
pub fn is_embeddings(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy"))
}

/// The table of names that lies beside embeddings.
pub fn names_beside(embeddings: &Path) -> PathBuf {
    embeddings.with_extension("csv")
}

/// Both files can be written, and nothing is lost by it but what an earlier `embed` wrote. Asked before anything is embedded.
fn check_place(out: &Path, sources: &[PathBuf]) -> anyhow::Result<()> {
    ensure!(
        is_embeddings(out),
        "embeddings are written as .npy, with a .csv of their names beside it; name an .npy file with --out, not {}",
        out.display()
    );
    let (names, sources) = (names_beside(out), sources.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    place::check(out, &sources)?;
    place::check(&names, &sources)?;
    ensure!(
        !names.exists() || is_of_embed(&names),
        "the names of the embeddings are written into a .csv beside them, and another file is there, which was left as it is; \
         name another file with --out: {}",
        names.display()
    );
    Ok(())
}

/// It begins as the tables that are written here.
fn is_of_embed(table: &Path) -> bool {
    let begins_with = COLUMNS.join(",");
    let mut start = Vec::new();
    let read = File::open(table).and_then(|file| file.take(begins_with.len() as u64).read_to_end(&mut start));
    read.is_ok() && start == begins_with.as_bytes()
}

/// Embeds image files. Those that are no usable images are left out with a warning; one that is not there is an error before
/// anything is embedded, for it is a slip of the hand.
fn embed_files(
    model: &TrainedModel,
    files: &[PathBuf],
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<(EmbeddingTable, Names)> {
    if let Some(gone) = files.iter().find(|file| !file.exists()) {
        return Err(DataError::NoFile(gone.clone()).into());
    }
    if let Some(folder) = files.iter().find(|file| file.is_dir()) {
        bail!(
            "give images, or one data set by itself; this is a folder among {} paths: {}",
            files.len(),
            folder.display()
        );
    }
    let preprocess = &model.info().network.preprocess;
    let (channels, px) = (preprocess.channels as usize, preprocess.image_px as usize);
    let dim = model.info().network.embedder.embedding_dim;
    let (mut data, mut names, mut left_out) =
        (Vec::with_capacity(files.len() * dim), Names::new(), Warnings::default());
    for (done, batch) in files.chunks(model.at_once()).enumerate() {
        let decode = |file: &PathBuf| -> Result<Vec<u8>, DataError> { Ok(fit(&decode_named_file(file)?, preprocess)) };
        let decoded: Vec<Result<Vec<u8>, DataError>> = batch.par_iter().map(decode).collect();
        let (mut images, before) = (Vec::with_capacity(batch.len() * preprocess.sample_len()), names.len());
        for (file, pixels) in batch.iter().zip(decoded) {
            match pixels {
                Ok(pixels) => {
                    let start = images.len();
                    images.resize(start + preprocess.sample_len(), 0_f32);
                    preprocess.normalise(&pixels, &mut images[start..]);
                    names.push((path_text(file), String::new()));
                }
                Err(error) => left_out.left_out(&path_text(file), &error),
            }
        }
        let read = names.len() - before;
        if read > 0 {
            data.extend(model.embed(&HostBatch {
                images,
                labels: vec![0; read],
                items: vec![0; read],
                channels,
                px,
            })?);
        }
        progress(done * model.at_once() + batch.len(), files.len());
    }
    if names.is_empty() {
        return Err(DataError::all_unreadable(files.len(), &left_out).into());
    }
    output::left_out(&left_out);
    let rows: Vec<u32> = (0..names.len() as u32).collect();
    let table = EmbeddingTable::new(dim, data, rows.clone(), rows).context("an image has no usable embedding")?;
    Ok((table, names))
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
    let csv = names_beside(out);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for ((path, label), length) in names.iter().zip(table.lengths()) {
        writer.write_record([path, label, &length.to_string()])?;
    }
    let text = writer.into_inner().map_err(|error| error.into_error())?;
    atomic_write(&csv, &text).with_context(|| format!("could not write {}", csv.display()))?;
    Ok(csv)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_lost_to_the_names_of_embeddings() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let told = |out: &str, source: &str| check_place(&path(out), &[path(source)]).unwrap_err().to_string();
        check_place(&path("e.npy"), &[path("images")]).unwrap();
        for out in ["e.csv", "e", "e.npz"] {
            assert!(told(out, "images").contains("name an .npy file"), "{out}");
        }
        assert!(told("gone/e.npy", "images").contains("no folder"));
        // A list of a person, which may be what is embedded.
        std::fs::write(path("list.csv"), "path,label\na.png,a\n").unwrap();
        assert!(told("list.npy", "list.csv").contains("is read here"));
        assert!(told("list.npy", "images").contains("another file is there"));
        // What was written here gives way to what is written again, unless it is what is read.
        std::fs::write(path("e.csv"), "path,label,length\na.png,a,1\n").unwrap();
        check_place(&path("e.npy"), &[path("images")]).unwrap();
        assert!(told("e.npy", "e.csv").contains("is read here"));
    }
}
