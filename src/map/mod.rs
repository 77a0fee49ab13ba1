//! Embeddings to positions on a map: PCA, t-SNE and the sphere.
//!
//! Not for drawing and not for judging: a map shows neighbourhoods, while distances that matter are always
//! measured on the embeddings. Every method returns the same [`Layout`], says in `note` what it had to
//! change about the request, and can be laid over an earlier map with [`align`], so that the maps of
//! successive epochs do not spin.

mod eigen;
mod error;
mod layout;
mod pca;
mod sphere;
mod tsne;
mod walk;

#[cfg(test)]
mod tests;

use crate::eval::EmbeddingTable;

pub use error::MapError;
pub use layout::{Layout, MapMethod, align};
pub use pca::pca;
pub use sphere::sphere;
pub use tsne::{TsneSpec, tsne};
pub use walk::{Direction, next_towards};

/// The map of a method: flat for PCA and t-SNE, solid for the sphere.
///
/// # Errors
/// When the table is too small, a setting is out of range, t-SNE fails, or it is cancelled.
pub fn lay_out(
    table: &EmbeddingTable,
    method: MapMethod,
    spec: &TsneSpec,
    cancelled: &dyn Fn() -> bool,
) -> Result<Layout, MapError> {
    match method {
        MapMethod::Pca => pca(table, 2, spec.seed),
        MapMethod::Tsne => tsne(table, spec, cancelled),
        MapMethod::Sphere => sphere(table, spec.seed),
    }
}
