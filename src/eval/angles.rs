//! The angle statistics of the `ArcFace` paper (arXiv:1801.07698, table 3): how tight classes are and how far
//! apart, in degrees.
//!
//! Not error rates: these say where the vectors lie, not what mistakes follow. In the paper's names 1 is
//! the training set and 2 another set; the training ones need the training embeddings, and the W ones the
//! class weights, which is why all but Intra2 and Inter2 are optional.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::EmbeddingTable;

/// Mean angles in degrees; `None` where the data for one is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AngleStatistics {
    /// W-EC: between a class weight and the centre of that class's training embeddings.
    pub w_ec_deg: Option<f64>,
    /// W-Inter: between a class weight and the nearest other class weight.
    pub w_inter_deg: Option<f64>,
    /// Intra1: between a training embedding and its class's centre.
    pub intra1_deg: Option<f64>,
    /// Inter1: between a training class's centre and the nearest other centre.
    pub inter1_deg: Option<f64>,
    /// Intra2: as Intra1 on the held-out embeddings.
    pub intra2_deg: Option<f64>,
    /// Inter2: as Inter1 on the held-out embeddings.
    pub inter2_deg: Option<f64>,
}

/// Intra2 and Inter2 of held-out embeddings; the rest is `None`.
pub fn embedding_angles(table: &EmbeddingTable) -> AngleStatistics {
    let (intra2_deg, inter2_deg) = class_angles_deg(table);
    AngleStatistics { intra2_deg, inter2_deg, ..AngleStatistics::default() }
}

/// All six. `weights` holds one row of the table's size per class, in the order of the class numbers, and
/// need not be normalised; without a usable row for every training class the two W figures are `None`.
pub fn embedding_angles_with_weights(
    held_out: &EmbeddingTable,
    training: &EmbeddingTable,
    weights: &[f32],
) -> AngleStatistics {
    let (intra1_deg, inter1_deg) = class_angles_deg(training);
    let rows: Option<Vec<Vec<f64>>> =
        weights.chunks(training.dim()).map(|row| unit(row.iter().map(|&v| f64::from(v)).collect())).collect();
    let rows = rows.filter(|rows| rows.iter().all(|row| row.len() == training.dim()));
    let to_centres = |rows: &Vec<Vec<f64>>| {
        let centres = class_centres(training);
        let angles = centres.iter().map(|(class, centre)| Some(angle(rows.get(*class as usize)?, centre)));
        mean(&angles.collect::<Option<Vec<_>>>()?)
    };
    AngleStatistics {
        w_ec_deg: rows.as_ref().and_then(to_centres),
        w_inter_deg: rows.as_ref().and_then(|rows| nearest_other(&rows.iter().collect::<Vec<_>>())),
        intra1_deg,
        inter1_deg,
        ..embedding_angles(held_out)
    }
}

/// (mean angle of an embedding to its class's centre, mean angle of a centre to the nearest other centre).
///
/// A centre is the normalised mean of the class's embeddings. The second needs two classes.
pub fn class_angles_deg(table: &EmbeddingTable) -> (Option<f64>, Option<f64>) {
    let centres = class_centres(table);
    let angles: Vec<f64> = (0..table.len())
        .filter_map(|i| {
            let centre = centres.get(&table.classes()[i])?;
            Some(angle(&table.row(i).iter().map(|&v| f64::from(v)).collect::<Vec<_>>(), centre))
        })
        .collect();
    (mean(&angles), nearest_other(&centres.values().collect::<Vec<_>>()))
}

/// Unit centre of each class; a class whose embeddings cancel out exactly has none.
fn class_centres(table: &EmbeddingTable) -> BTreeMap<u32, Vec<f64>> {
    let mut sums = BTreeMap::<u32, Vec<f64>>::new();
    for (i, &class) in table.classes().iter().enumerate() {
        let sum = sums.entry(class).or_insert_with(|| vec![0.0; table.dim()]);
        sum.iter_mut().zip(table.row(i)).for_each(|(s, &v)| *s += f64::from(v));
    }
    sums.into_iter().filter_map(|(class, sum)| Some((class, unit(sum)?))).collect()
}

/// Mean over vectors of the angle to the nearest other; `None` for fewer than two.
fn nearest_other(vectors: &[&Vec<f64>]) -> Option<f64> {
    if vectors.len() < 2 {
        return None;
    }
    let nearest: Vec<f64> = (0..vectors.len())
        .into_par_iter()
        .map(|i| {
            let others = vectors.iter().enumerate().filter(|&(j, _)| j != i);
            others.map(|(_, other)| angle(vectors[i], other)).fold(f64::INFINITY, f64::min)
        })
        .collect();
    mean(&nearest)
}

fn unit(mut vector: Vec<f64>) -> Option<Vec<f64>> {
    let length = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
    (length.is_finite() && length > 1e-12).then(|| {
        for value in &mut vector {
            *value /= length;
        }
        vector
    })
}

fn angle(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>().clamp(-1.0, 1.0).acos().to_degrees()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_angles(degrees: &[f64], classes: &[u32]) -> EmbeddingTable {
        let data = degrees.iter().flat_map(|d| [d.to_radians().cos() as f32, d.to_radians().sin() as f32]).collect();
        EmbeddingTable::new(2, data, (0..degrees.len() as u32).collect(), classes.to_vec()).expect("valid")
    }

    fn close(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|f| (f - expected).abs() < 1e-3), "{found:?} is not {expected}");
    }

    #[test]
    fn angles_on_the_circle_are_what_geometry_says() {
        // Centres at 10°, 60° and 180°, spread ±10° and ±20°.
        let training = at_angles(&[0.0, 20.0, 40.0, 80.0, 180.0], &[0, 0, 1, 1, 2]);
        let weights = [0.0_f64, 60.0, 150.0]
            .iter()
            .flat_map(|d| [3.0 * d.to_radians().cos() as f32, 3.0 * d.to_radians().sin() as f32]);
        let weights: Vec<f32> = weights.collect();
        let all = embedding_angles_with_weights(&at_angles(&[0.0, 90.0], &[4, 5]), &training, &weights);
        close(all.intra1_deg, (10.0 + 10.0 + 20.0 + 20.0 + 0.0) / 5.0);
        close(all.inter1_deg, (50.0 + 50.0 + 120.0) / 3.0);
        close(all.w_ec_deg, (10.0 + 0.0 + 30.0) / 3.0);
        close(all.w_inter_deg, (60.0 + 60.0 + 90.0) / 3.0);
        close(all.intra2_deg, 0.0);
        close(all.inter2_deg, 90.0);
    }

    #[test]
    fn what_is_missing_is_none() {
        let one_class = embedding_angles(&at_angles(&[0.0, 20.0], &[3, 3]));
        close(one_class.intra2_deg, 10.0);
        assert_eq!((one_class.inter2_deg, one_class.w_ec_deg), (None, None));
        let training = at_angles(&[0.0, 90.0], &[0, 1]);
        let too_few = embedding_angles_with_weights(&training, &training, &[1.0, 0.0]);
        assert_eq!((too_few.w_ec_deg, too_few.w_inter_deg), (None, None));
        let cancelled = embedding_angles(&at_angles(&[0.0, 90.0, 30.0], &[0, 0, 1]));
        close(cancelled.inter2_deg, 15.0);
    }
}
