//! `arclens bench pairs`: every pair of a set of embeddings scored, up to EER, AUC and TAR.

use super::args::get;
use super::timing::{Timing, peak_mib, report, rounded};
use crate::eval::{EmbeddingTable, all_pairs};
use clap::ArgMatches;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, json};
use std::time::Instant;

/// Spread of the made-up embeddings around their identity's centre, in centre lengths.
const SPREAD: f32 = 1.5;

/// Times and prints.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let (images, dim) = (get(matches, "images", 4)?, get(matches, "dim", 2)?);
    let table = made_up(images, dim, get(matches, "identities", 2)?)?;
    let (warmup, steps) = (get(matches, "warmup", 0)?, get(matches, "steps", 1)?);
    let before = peak_mib();
    let (mut seconds, mut found) = (Vec::new(), None);
    for step in 0..warmup + steps {
        let began = Instant::now();
        let rates = all_pairs(&table, &|| false)?;
        let result = (rates.eer().rate, rates.auc(), rates.tar_at_far(1e-4));
        if step >= warmup {
            seconds.push(began.elapsed().as_secs_f64());
        }
        found = Some((rates.n_genuine() + rates.n_impostor(), result));
    }
    let timing = Timing::new(seconds);
    let (pairs, (eer, auc, tar)) = found.unwrap_or_default();
    let rate = pairs as f64 / timing.median();
    let beyond = before.zip(peak_mib()).map(|(before, after)| after.saturating_sub(before));
    let rows = [
        ("all", timing.words()),
        ("pairs/s", format!("{:.1} million", rate / 1e6)),
        ("EER", format!("{eer:.6}, AUC {auc:.6}")),
        ("memory", beyond.map_or("unknown".to_owned(), |mib| format!("{mib} MiB beyond the embeddings"))),
    ];
    let mut object = Map::new();
    object.insert("pairs".into(), json!(pairs));
    timing.put("all", &mut object);
    object.insert("seconds".into(), json!(rounded(timing.median())));
    object.insert("eer".into(), json!(eer));
    object.insert("auc".into(), json!(auc));
    object.insert("tar_at_far_1e-4".into(), json!(tar));
    object.insert("threads".into(), json!(rayon::current_num_threads()));
    object.insert("mib_beyond_embeddings".into(), json!(beyond));
    report(&format!("{pairs} pairs of {images} embeddings of {dim} numbers"), &rows, object, matches.get_flag("json"));
    Ok(())
}

/// Unit vectors around random centres.
///
/// # Errors
/// Never in practice: no vector is zero.
pub fn made_up(images: usize, dim: usize, identities: usize) -> anyhow::Result<EmbeddingTable> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut normal = |count: usize| -> Vec<f32> { (0..count).map(|_| standard_normal(&mut rng)).collect() };
    let centres = normal(identities * dim);
    let mut data = normal(images * dim);
    let classes: Vec<u32> = (0..images).map(|i| (i % identities) as u32).collect();
    for (row, class) in data.chunks_exact_mut(dim).zip(&classes) {
        let centre = centres.chunks_exact(dim).nth(*class as usize).unwrap_or_default();
        row.iter_mut().zip(centre).for_each(|(value, centre)| *value = centre + SPREAD * *value);
    }
    Ok(EmbeddingTable::new(dim, data, (0..images as u32).collect(), classes)?)
}

/// Box and Muller 1958.
fn standard_normal(rng: &mut ChaCha8Rng) -> f32 {
    use rand::Rng as _;
    let (a, b): (f32, f32) = (rng.r#gen(), rng.r#gen());
    (-2.0 * (1.0 - a).ln()).sqrt() * (std::f32::consts::TAU * b).cos()
}
