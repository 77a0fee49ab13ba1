//! The map as a globe: the three directions of largest variance, every point moved to the unit sphere.
//!
//! Not a faithful picture of angles: D dimensions do not fit into three. It is the picture that explains
//! what a margin does, because class centres spread over the globe while it trains.

use super::{Layout, MapError, MapMethod, pca};
use crate::config::counted_as;
use crate::eval::EmbeddingTable;

/// Positions on the unit sphere in three dimensions. A point without a direction (all embeddings equal,
/// or exactly in the middle) is put at the north pole and counted in the note.
///
/// # Errors
/// An empty table, or one too large for PCA.
pub fn sphere(table: &EmbeddingTable, seed: u64) -> Result<Layout, MapError> {
    let mut layout = Layout { method: MapMethod::Sphere, ..pca(table, 3, seed)? };
    let mut without_direction = 0_usize;
    for position in layout.xy.chunks_exact_mut(3) {
        let length = position.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
        if length > 1e-9 {
            for value in position {
                *value = (f64::from(*value) / length) as f32;
            }
        } else {
            position.copy_from_slice(&[0.0, 0.0, 1.0]);
            without_direction += 1;
        }
    }
    if without_direction > 0 {
        let (one, many) =
            ("point has no direction and is shown at the pole", "points have no direction and are shown at the pole");
        layout.add_note(counted_as(without_direction, one, many));
    }
    Ok(layout)
}
