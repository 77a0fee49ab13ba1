//! Synthetic numbers for snapshots, screenshots and tests of panels: score sets and maps that look like trained ones.
//!
//! Not results: nothing here was measured, and nothing outside tests and `screenshot` uses it. Embeddings are drawn around
//! random class centres and then go through the real evaluation, so that every figure on a panel fits every other one.

use crate::data::{Catalog, Thumb, Warnings, thumbnail};
use crate::eval::{
    EmbeddingTable, ErrorRates, EvalError, OperatingRule, angle_deg, cosine_similarity, make_pairs, named_stream,
    nearest, operating_point, score_pairs, verification_report,
};
use crate::map::{Layout, MapMethod, pca, sphere};
use crate::train::Threshold;
use crate::worker::protocol::{Classification, Evaluation, VerifyResult};
use rand::Rng;
use std::f32::consts::TAU;
use std::path::PathBuf;
use std::sync::Arc;

const SEED: u64 = 7;
/// Numbers per embedding: enough that random classes are nearly orthogonal, as trained ones are.
const DIM: usize = 64;
/// Pairs of either kind, at most.
const MAX_PAIRS: usize = 20_000;
/// Neighbours listed per image.
const NEIGHBOURS: usize = 6;

/// One embedding per image, around a centre per class. `separation` is the length of the centre in units of the noise:
/// 0.6 is a poor model, 1.2 a good one, 2 a nearly perfect one.
///
/// # Errors
/// Never for a data set that was opened; the table's own checks are passed on.
pub fn demo_table(separation: f32, catalog: &Catalog) -> Result<EmbeddingTable, EvalError> {
    let mut rng = named_stream(SEED, "ui/demo embeddings");
    let centres: Vec<Vec<f32>> = catalog.classes.iter().map(|_| direction(&mut rng)).collect();
    let mut data = Vec::with_capacity(catalog.items.len() * DIM);
    for item in &catalog.items {
        let noise = direction(&mut rng);
        // Images are not equally hard: some lie far from their class, and these make the tails of the curves.
        let hardness = 0.55 + 0.9 * rng.r#gen::<f32>();
        let centre = centres.get(item.class as usize).into_iter().flatten().copied().chain(std::iter::repeat(0.0));
        data.extend(noise.iter().zip(centre).map(|(noise, centre)| centre * separation + noise * hardness));
    }
    let items = (0..catalog.items.len() as u32).collect();
    EmbeddingTable::new(DIM, data, items, catalog.items.iter().map(|item| item.class).collect())
}

/// A random unit vector.
fn direction(rng: &mut impl Rng) -> Vec<f32> {
    let values: Vec<f32> = (0..DIM).map(|_| normal(rng)).collect();
    let length = values.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-6);
    values.into_iter().map(|v| v / length).collect()
}

/// A standard normal number (Box and Muller).
fn normal(rng: &mut impl Rng) -> f32 {
    let (radius, angle): (f32, f32) = (1.0 - rng.r#gen::<f32>(), rng.r#gen());
    (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
}

/// Error rates of a run called `name` in `runs/name`, on all images of the data set.
///
/// # Errors
/// A data set without two images of one class, or without two classes.
pub fn demo_evaluation(name: &str, separation: f32, catalog: Arc<Catalog>) -> Result<Evaluation, EvalError> {
    let table = demo_table(separation, &catalog)?;
    let pairs = make_pairs(table.classes(), MAX_PAIRS, MAX_PAIRS, SEED);
    let scored = score_pairs(&table, &pairs)?;
    let report = verification_report(&scored, OperatingRule::Eer, false, SEED)?;
    Ok(Evaluation {
        protocol: None,
        run: PathBuf::from("runs").join(name),
        name: name.to_owned(),
        on: format!("{} held-out images of the sample data", catalog.items.len()),
        is_own: true,
        changed: None,
        doubt: None,
        kept_elsewhere: None,
        warnings: Warnings::default(),
        rule: OperatingRule::Eer,
        rates: Arc::new(ErrorRates::from_scored(&scored)?),
        classification: Some(Classification { loss: 0.31, accuracy: 1.0 - 1.5 * report.eer.min(0.5) }),
        report,
        table: Arc::new(table),
        catalog,
        model_sha256: String::new(),
        epoch: 24,
    })
}

/// A map of the table: the real projection for PCA and the sphere; for t-SNE islands of classes, which is what it would
/// show and takes no time.
pub fn demo_layout(table: &EmbeddingTable, method: MapMethod) -> Layout {
    let real = match method {
        MapMethod::Pca => pca(table, 2, SEED).ok(),
        MapMethod::Sphere => sphere(table, SEED).ok(),
        MapMethod::Tsne => None,
    };
    real.unwrap_or_else(|| islands(table))
}

fn islands(table: &EmbeddingTable) -> Layout {
    let mut rng = named_stream(SEED, "ui/demo islands");
    let classes = table.classes().iter().max().map_or(0, |class| class + 1);
    let golden_rad = TAU * 0.381_966;
    let xy = table.classes().iter().flat_map(|&class| {
        // A sunflower: islands at even distances, however many there are.
        let (radius, angle) = ((class as f32 + 0.5).sqrt(), class as f32 * golden_rad);
        [radius * angle.cos() + 0.2 * normal(&mut rng), radius * angle.sin() + 0.2 * normal(&mut rng)]
    });
    let xy: Vec<f32> = xy.map(|value| value / (classes as f32).sqrt().max(1.0)).collect();
    Layout { dims: 2, xy, method: MapMethod::Tsne, note: None, rows: (0..table.len() as u32).collect() }
}

/// The comparison of two rows of an evaluation's table under a rule.
pub fn demo_verify_result(evaluation: &Evaluation, rows: [usize; 2], rule: OperatingRule) -> VerifyResult {
    let table = &evaluation.table;
    let similarity = cosine_similarity(table.row(rows[0]), table.row(rows[1]));
    VerifyResult {
        similarity,
        angle_deg: angle_deg(similarity),
        model_sha256: evaluation.model_sha256.clone(),
        threshold: Threshold::Known(operating_point(&evaluation.rates, rule)),
        measured: Some(Arc::new(evaluation.clone())),
        crops: rows.map(|row| crop(evaluation, row)),
        lengths: None,
        neighbours: rows.map(|row| nearest(table, table.row(row), NEIGHBOURS, Some(row))),
    }
}

/// The image of a row at the size of a network's input; a grey square when it cannot be read.
fn crop(evaluation: &Evaluation, row: usize) -> Thumb {
    let item = evaluation.table.items().get(row).copied().unwrap_or_default();
    let image = evaluation.catalog.load(item as usize);
    image.map_or_else(|_| Thumb { width: 1, height: 1, rgba: vec![128, 128, 128, 255] }, |image| thumbnail(&image, 48))
}
