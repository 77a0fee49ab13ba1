//! `arclens bench input`: decode, resize, augment, normalise.

use super::args::get;
use super::timing::{Timing, peak_mib, peak_words, report, rounded};
use crate::cli::args::get_path;
use crate::config::RunConfig;
use crate::data::{Augment, Catalog, EpochPlan, ImageStore, Loader, Preprocess, Sampling, split};
use clap::ArgMatches;
use serde_json::{Map, json};
use std::sync::Arc;
use std::time::Instant;

/// Times and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let (px, batch) = (get(matches, "image", 8)?, get(matches, "batch", 1)?);
    let (warmup, passes) = (get(matches, "warmup", 0)?, get(matches, "steps", 1)?);
    let catalog = Arc::new(Catalog::open(get_path(matches, "data")?, &|_| {}, &|| false)?);
    let channels = if catalog.all_grey() { 1 } else { 3 };
    let split = Arc::new(split(&catalog, &RunConfig::default().data, 1)?);
    let store = Arc::new(ImageStore::on_demand(Arc::clone(&catalog), Preprocess::new(px as u32, channels)));
    let augment = Augment { flip: true, shift: 0.05, scale: 0.05, rotate_rad: 0.0, colour: 0.1, ..Augment::default() };
    let mut seconds = Vec::new();
    let mut images = 0;
    for epoch in 0..(warmup + passes) as u32 {
        let plan = EpochPlan { seed: 1, epoch, first_step: 0, sampling: Sampling::shuffled(batch) };
        let began = Instant::now();
        images = 0;
        for batch in Loader::start(Arc::clone(&store), Arc::clone(&split), augment, plan)? {
            images += batch?.len();
        }
        if epoch as usize >= warmup {
            seconds.push(began.elapsed().as_secs_f64());
        }
    }
    let timing = Timing::new(seconds);
    let rate = images as f64 / timing.median();
    let threads = rayon::current_num_threads();
    let title = format!("{images} images of {} to {px}×{px}×{channels}, {threads} threads", catalog.root.display());
    let memory = peak_mib();
    let rows = [
        ("pass", timing.words()),
        ("images/s", format!("{rate:.1}, {:.1} per thread", rate / threads as f64)),
        ("peak memory", peak_words(memory)),
    ];
    let mut object = Map::new();
    object.insert("images".into(), json!(images));
    object.insert("image".into(), json!(px));
    object.insert("threads".into(), json!(threads));
    timing.put("pass", &mut object);
    object.insert("images_per_second".into(), json!(rounded(rate)));
    object.insert("images_per_second_per_thread".into(), json!(rounded(rate / threads as f64)));
    object.insert("peak_mib".into(), json!(memory));
    report(&title, &rows, object, matches.get_flag("json"));
    Ok(())
}
