//! `arclens bench embed`: from files to embeddings.

use super::timing::{Timing, peak_mib, peak_words, report, rounded};
use crate::cli::args::get_path;
use crate::cli::model::open_model;
use crate::data::{Catalog, ImageStore};
use crate::train::{Control, InBatches, for_batches};
use clap::ArgMatches;
use serde_json::{Map, json};
use std::sync::Arc;
use std::time::Instant;

/// Times and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let model = open_model(get_path(matches, "run")?, matches)?;
    let catalog = Arc::new(Catalog::open(get_path(matches, "data")?, &|_| {}, &|| false)?);
    let items: Vec<u32> = (0..catalog.items.len() as u32).collect();
    let store = ImageStore::on_demand(Arc::clone(&catalog), model.info().network.preprocess.clone());
    let (mut seconds, mut images, mut began) = (Vec::new(), 0, Instant::now());
    let all = InBatches { store: &store, items: &items, at_once: model.at_once() };
    for_batches(all, &Control::default(), &mut |_, _| {}, &mut |batch| {
        model.embed(batch)?;
        // Every batch is a time of its own, decoding included.
        seconds.push(began.elapsed().as_secs_f64() / batch.len().max(1) as f64);
        began = Instant::now();
        images += batch.len();
        Ok(())
    })?;
    let timing = Timing::new(seconds);
    let rate = 1.0 / timing.median();
    let memory = peak_mib();
    let rows = [("image", timing.words()), ("images/s", format!("{rate:.1}")), ("peak memory", peak_words(memory))];
    let mut object = Map::new();
    object.insert("images".into(), json!(images));
    timing.put("image", &mut object);
    object.insert("images_per_second".into(), json!(rounded(rate)));
    object.insert("threads".into(), json!(rayon::current_num_threads()));
    object.insert("peak_mib".into(), json!(memory));
    report(&format!("{images} images of {}", catalog.root.display()), &rows, object, matches.get_flag("json"));
    Ok(())
}
