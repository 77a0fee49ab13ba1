//! The result every map method returns, and laying one map over another.
//!
//! A map has no natural orientation: the same embeddings may come out turned or mirrored. [`align`] removes
//! exactly that freedom (orthogonal Procrustes) and nothing else: it never stretches a map, because the
//! growing of clusters over epochs is something a person wants to see.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{MapError, eigen::jacobi};
use crate::config::MapKind;
use crate::eval::{EmbeddingTable, named_stream};
use ndarray::Array2;

/// How a map was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MapMethod {
    /// The directions of largest variance.
    Pca,
    /// t-distributed stochastic neighbour embedding.
    Tsne,
    /// The three directions of largest variance, on the unit sphere.
    Sphere,
}

impl From<MapKind> for MapMethod {
    fn from(kind: MapKind) -> Self {
        match kind {
            MapKind::Pca => Self::Pca,
            MapKind::Tsne => Self::Tsne,
            MapKind::Sphere => Self::Sphere,
        }
    }
}

/// Positions of rows of a table on a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// 2 or 3.
    pub dims: usize,
    /// Positions, `rows.len()`×`dims`, row by row.
    pub xy: Vec<f32>,
    /// How the map was made: what is really shown, which may be simpler than what was asked for.
    pub method: MapMethod,
    /// What was changed about the request, for a person to read.
    pub note: Option<String>,
    /// Rows of the table that are shown, ascending: all of them unless the map was capped.
    pub rows: Vec<u32>,
}

impl Layout {
    /// Position of the `i`-th shown row. Empty if there is no such row.
    pub fn position(&self, i: usize) -> &[f32] {
        let start = i.saturating_mul(self.dims);
        self.xy.get(start..start.saturating_add(self.dims)).unwrap_or(&[])
    }

    /// Moves the centroid to the origin and scales to a root mean square radius of 1 (a map whose points
    /// all coincide stays at the origin).
    pub(crate) fn normalise(&mut self) {
        let centre = centroid(&self.xy, self.dims);
        for position in self.xy.chunks_exact_mut(self.dims) {
            position.iter_mut().zip(&centre).for_each(|(v, c)| *v = (f64::from(*v) - c) as f32);
        }
        let squares: f64 = self.xy.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        let radius = (squares / self.rows.len().max(1) as f64).sqrt();
        if radius > 0.0 {
            self.xy.iter_mut().for_each(|v| *v = (f64::from(*v) / radius) as f32);
        }
    }

    /// Adds a sentence to the note.
    pub(crate) fn add_note(&mut self, sentence: String) {
        match &mut self.note {
            Some(note) => {
                note.push_str("; ");
                note.push_str(&sentence);
            }
            None => self.note = Some(sentence),
        }
    }
}

/// Turns, mirrors and moves `layout` so that the rows it shares with `reference` lie as near to theirs as
/// possible in the least-squares sense (orthogonal Procrustes, Schönemann 1966). Sizes are not changed.
///
/// A layout of other dimensions, or one that shares no row, is left as it is; a sphere is only turned,
/// never moved off its centre.
pub fn align(layout: &mut Layout, reference: &Layout) {
    let dims = layout.dims;
    if dims != reference.dims || dims == 0 {
        return;
    }
    let shared = shared_rows(&layout.rows, &reference.rows);
    if shared.is_empty() {
        return;
    }
    let gather = |from: &Layout, pick: fn(&(usize, usize)) -> usize| -> Vec<f32> {
        shared.iter().flat_map(|pair| from.position(pick(pair)).iter().copied()).collect()
    };
    let (ours, theirs) = (gather(layout, |p| p.0), gather(reference, |p| p.1));
    let fixed = layout.method == MapMethod::Sphere;
    let centre_of = |xy: &[f32]| {
        if fixed { vec![0.0; dims] } else { centroid(xy, dims) }
    };
    let (our_centre, their_centre) = (centre_of(&ours), centre_of(&theirs));
    let mut cross = Array2::<f64>::zeros((dims, dims));
    for (a, b) in ours.chunks_exact(dims).zip(theirs.chunks_exact(dims)) {
        for (i, j) in (0..dims).flat_map(|i| (0..dims).map(move |j| (i, j))) {
            cross[[i, j]] += (f64::from(a[i]) - our_centre[i]) * (f64::from(b[j]) - their_centre[j]);
        }
    }
    let turn = nearest_orthogonal(&cross);
    for position in layout.xy.chunks_exact_mut(dims) {
        let from: Vec<f64> = position.iter().zip(&our_centre).map(|(&v, c)| f64::from(v) - c).collect();
        for (j, value) in position.iter_mut().enumerate() {
            let turned: f64 = from.iter().enumerate().map(|(i, v)| v * turn[[i, j]]).sum();
            *value = (turned + their_centre[j]) as f32;
        }
    }
}

/// The orthogonal R that maximises trace(Rᵀ·M): U·Vᵀ of the singular value decomposition M = U·S·Vᵀ.
fn nearest_orthogonal(cross: &Array2<f64>) -> Array2<f64> {
    let n = cross.nrows();
    let (squares, v) = jacobi(cross.t().dot(cross));
    let tolerance = 1e-9 * squares.first().map_or(0.0, |s| s.max(0.0).sqrt());
    let mut u = Array2::<f64>::zeros((n, n));
    for k in 0..n {
        let image = cross.dot(&v.column(k));
        let length = image.dot(&image).sqrt();
        // A direction in which the maps do not vary is free: try its own axis first, then the others.
        let from_data = (length > tolerance && length > 0.0).then(|| image / length);
        let own_axes =
            (0..=n).map(|i| if i == 0 { v.column(k).to_owned() } else { Array2::eye(n).column(i - 1).to_owned() });
        for mut candidate in from_data.into_iter().chain(own_axes) {
            for _ in 0..2 {
                for done in 0..k {
                    let along = u.column(done).dot(&candidate);
                    candidate.scaled_add(-along, &u.column(done));
                }
            }
            let length = candidate.dot(&candidate).sqrt();
            if length > 1e-6 {
                u.column_mut(k).assign(&(candidate / length));
                break;
            }
        }
    }
    u.dot(&v.t())
}

/// Positions in both lists of the rows they share; both lists ascend.
fn shared_rows(ours: &[u32], theirs: &[u32]) -> Vec<(usize, usize)> {
    let found = ours.iter().enumerate();
    found.filter_map(|(i, row)| Some((i, theirs.binary_search(row).ok()?))).collect()
}

fn centroid(xy: &[f32], dims: usize) -> Vec<f64> {
    let mut sum = vec![0.0; dims];
    for position in xy.chunks_exact(dims) {
        sum.iter_mut().zip(position).for_each(|(s, &v)| *s += f64::from(v));
    }
    let n = (xy.len() / dims.max(1)).max(1) as f64;
    sum.into_iter().map(|s| s / n).collect()
}

/// Refuses an empty table and maps that cannot be shown.
pub(crate) fn check(table: &EmbeddingTable, dims: usize) -> Result<(), MapError> {
    if !(2..=3).contains(&dims) {
        return Err(MapError::Dimensions { dims });
    }
    if table.is_empty() { Err(MapError::Empty) } else { Ok(()) }
}

/// At most `max` rows, ascending, every class keeping its proportion (largest remainder) and, while there
/// is room, at least one row.
pub(crate) fn stratified_rows(classes: &[u32], max: usize, seed: u64) -> Vec<u32> {
    if classes.len() <= max {
        return (0..classes.len() as u32).collect();
    }
    let mut rng = named_stream(seed, "map/sample");
    let mut rows_of = BTreeMap::<u32, Vec<u32>>::new();
    for (row, &class) in classes.iter().enumerate() {
        rows_of.entry(class).or_default().push(row as u32);
    }
    let mut groups: Vec<Vec<u32>> = rows_of.into_values().collect();
    for rows in &mut groups {
        rows.shuffle(&mut rng);
    }
    // Which classes go without, if there are more classes than places, is drawn and not alphabetical.
    groups.shuffle(&mut rng);
    let share = |rows: usize| rows as f64 * max as f64 / classes.len() as f64;
    let mut counts: Vec<usize> = groups.iter().map(|rows| (share(rows.len()) as usize).max(1)).collect();
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by(|&a, &b| {
        let owed = |i: usize| share(groups[i].len()) - counts[i] as f64;
        owed(b).total_cmp(&owed(a))
    });
    let mut total: usize = counts.iter().sum();
    for &i in order.iter().cycle().take(2 * groups.len()) {
        if total < max && counts[i] < groups[i].len() {
            counts[i] += 1;
            total += 1;
        }
    }
    // The ones given to small classes may be too many: the most over-served classes give back.
    for floor in [1, 0] {
        for &i in order.iter().rev().cycle().take(groups.len() * 64) {
            if total > max && counts[i] > floor {
                counts[i] -= 1;
                total -= 1;
            }
        }
    }
    let mut rows: Vec<u32> = groups.iter().zip(counts).flat_map(|(rows, n)| rows[..n].iter().copied()).collect();
    rows.sort_unstable();
    rows.truncate(max);
    rows
}
