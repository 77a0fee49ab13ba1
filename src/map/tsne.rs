//! t-SNE through `linfa-tsne`; the only file that names it.
//!
//! Not the t-SNE library itself. That library panics or returns NaN on input a person can easily produce
//! (equal rows, too few rows, a perplexity too large for the rows), so this file prepares what it is given
//! and checks what comes back. Facts a reader would stumble over:
//! - Neighbours are those of the cosine: rows are unit vectors, and on the sphere the Euclidean distance
//!   grows with the angle.
//! - PCA shortens rows to 50 numbers only where these hold 95 % of the variance. Class centres of a trained
//!   model are close to orthogonal, so with many classes 50 directions cannot tell them apart.
//! - It cannot be interrupted inside: `cancelled` is asked before each stage and before the result is
//!   returned. Run it on a thread that can be left alone.
//! - Up to 300 points the repulsion is computed exactly and the same seed gives the same map. Above, the
//!   library's Barnes–Hut tree draws from the system's random numbers, so maps agree in shape only.

use std::panic::{AssertUnwindSafe, catch_unwind};

use linfa::traits::Transformer;
use linfa_tsne::TSneParams;
use ndarray::{Array2, s};
use rand::Rng;

use super::layout::{check, stratified_rows};
use super::pca::{VARIANCE_FLOOR, components};
use super::{Layout, MapError, MapMethod, align};
use crate::config::{MapConfig, counted};
use crate::eval::{EmbeddingTable, named_stream};

/// Numbers per row that the neighbour search is given, if they hold enough of the variance.
const PCA_DIMS: usize = 50;
const PCA_VARIANCE: f64 = 0.95;
/// Up to here all pairs are computed, 1 to 3 ms a step; the cost grows with the square.
const EXACT_POINTS: usize = 300;
/// Barnes–Hut's opening angle, the usual compromise.
const THETA: f64 = 0.5;
/// Moves equal rows apart without moving them among other neighbours: rows have length 1.
const JITTER: f64 = 1e-6;
/// Fewer points than this have no neighbourhoods.
const MIN_POINTS: usize = 4;

/// Settings of t-SNE.
#[derive(Clone, Debug, PartialEq)]
pub struct TsneSpec {
    /// Effective number of neighbours, above 0; lowered to a third of the points if there are too few.
    pub perplexity: f64,
    /// Gradient steps, at least 1; 1,000 is usual, and below 300 the map is not unfolded.
    pub iterations: usize,
    /// Points drawn at most, at least 1; more are sampled class by class.
    pub max_points: usize,
    /// Seed of the start positions and of the sample.
    pub seed: u64,
}

impl TsneSpec {
    /// The settings of a run.
    pub fn new(config: &MapConfig, seed: u64) -> Self {
        Self {
            perplexity: config.perplexity,
            iterations: config.iterations as usize,
            max_points: config.max_points as usize,
            seed,
        }
    }
}

/// The 2-D t-SNE map: centred, root mean square radius 1, turned to agree with the PCA map of the same
/// rows so that the maps of successive epochs stay the same way up.
///
/// Fewer than 4 points, or points that all coincide, give the PCA map with a note.
///
/// # Errors
/// An empty table, a setting out of range, cancellation, or a failure inside the library.
pub fn tsne(table: &EmbeddingTable, spec: &TsneSpec, cancelled: &dyn Fn() -> bool) -> Result<Layout, MapError> {
    check(table, 2)?;
    check_spec(spec)?;
    stop_if(cancelled)?;
    let rows = stratified_rows(table.classes(), spec.max_points, spec.seed);
    let sampled = select(table, &rows)?;
    let reference = components(&sampled, PCA_DIMS.min(sampled.dim()).max(2), spec.seed)?;
    let mut pca_map = Layout {
        dims: 2,
        xy: reference.scores.slice(s![.., ..2]).iter().map(|&v| v as f32).collect(),
        method: MapMethod::Pca,
        note: None,
        rows,
    };
    pca_map.normalise();
    if pca_map.rows.len() < table.len() {
        pca_map.add_note(format!("{} of {} points, sampled class by class", pca_map.rows.len(), table.len()));
    }
    let n = pca_map.rows.len();
    if n < MIN_POINTS || reference.variance <= VARIANCE_FLOOR {
        let why =
            if n < MIN_POINTS { format!("only {}", counted(n, "point")) } else { "all points coincide".to_owned() };
        pca_map.add_note(format!("PCA instead of t-SNE: {why}"));
        return Ok(pca_map);
    }
    stop_if(cancelled)?;
    let perplexity = spec.perplexity.min((n - 1) as f64 / 3.0);
    let points = if reference.variance_kept >= PCA_VARIANCE { reference.scores } else { full_rows(&sampled) };
    let xy = run(separate_duplicates(points, spec.seed), perplexity, spec)?;
    stop_if(cancelled)?;
    let mut layout = Layout { xy, method: MapMethod::Tsne, ..pca_map.clone() };
    layout.normalise();
    align(&mut layout, &pca_map);
    if perplexity < spec.perplexity {
        layout.add_note(format!("perplexity lowered from {} to {perplexity:.1}: only {n} points", spec.perplexity));
    }
    Ok(layout)
}

fn check_spec(spec: &TsneSpec) -> Result<(), MapError> {
    let setting = |key, value: String, expected| Err(MapError::Setting { key, value, expected });
    if !(spec.perplexity > 0.0 && spec.perplexity.is_finite()) {
        return setting("perplexity", spec.perplexity.to_string(), "a number above 0, usually 5 to 50");
    }
    if spec.iterations == 0 {
        return setting("iterations", "0".to_owned(), "at least 1, usually 1000");
    }
    if spec.max_points == 0 {
        return setting("max_points", "0".to_owned(), "at least 1");
    }
    Ok(())
}

fn stop_if(cancelled: &dyn Fn() -> bool) -> Result<(), MapError> {
    if cancelled() { Err(MapError::Cancelled) } else { Ok(()) }
}

/// The rows of a table that are on the map.
fn select(table: &EmbeddingTable, rows: &[u32]) -> Result<EmbeddingTable, MapError> {
    let data = rows.iter().flat_map(|&row| table.row(row as usize).iter().copied()).collect();
    let classes = rows.iter().map(|&row| table.classes()[row as usize]).collect();
    EmbeddingTable::new(table.dim(), data, rows.to_vec(), classes)
        .map_err(|e| MapError::Tsne { points: rows.len(), reason: e.to_string() })
}

fn full_rows(table: &EmbeddingTable) -> Array2<f64> {
    Array2::from_shape_fn((table.len(), table.dim()), |(i, j)| f64::from(table.row(i)[j]))
}

/// Moves every exact copy of an earlier row a little: with more copies than neighbours, all distances in a
/// neighbourhood are 0 and its width is undefined.
fn separate_duplicates(mut points: Array2<f64>, seed: u64) -> Array2<f64> {
    let mut order: Vec<usize> = (0..points.nrows()).collect();
    let compare = |points: &Array2<f64>, a: usize, b: usize| {
        let pairs = points.row(a).into_iter().zip(points.row(b)).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne());
        pairs.unwrap_or(std::cmp::Ordering::Equal)
    };
    order.sort_by(|&a, &b| compare(&points, a, b).then(a.cmp(&b)));
    let mut copies: Vec<usize> =
        order.windows(2).filter(|w| compare(&points, w[0], w[1]).is_eq()).map(|w| w[1]).collect();
    copies.sort_unstable();
    let mut rng = named_stream(seed, "map/tsne jitter");
    for row in copies {
        points.row_mut(row).iter_mut().for_each(|v| *v += JITTER * rng.gen_range(-1.0..1.0));
    }
    points
}

/// Runs the library; its panics become errors. Rows must be finite and not all equal.
fn run(points: Array2<f64>, perplexity: f64, spec: &TsneSpec) -> Result<Vec<f32>, MapError> {
    let n = points.nrows();
    let failed = |reason: String| MapError::Tsne { points: n, reason };
    let params = TSneParams::embedding_size_with_rng(2, named_stream(spec.seed, "map/tsne start"))
        .perplexity(perplexity)
        .approx_threshold(if n <= EXACT_POINTS { 0.0 } else { THETA })
        .max_iter(spec.iterations);
    let outcome = catch_unwind(AssertUnwindSafe(|| params.transform(points))).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        failed(text.unwrap_or_else(|| "the library stopped without saying why".to_owned()))
    })?;
    let map = outcome.map_err(|e| failed(e.to_string()))?;
    if map.iter().any(|v| !v.is_finite()) {
        return Err(failed("positions are not finite".to_owned()));
    }
    Ok(map.iter().map(|&v| v as f32).collect())
}
