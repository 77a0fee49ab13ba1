//! The map that Explore shows, and the one that is on its way.

use super::action::Effect;
use super::notice::Notice;
use super::state::State;
use super::update::start;
use crate::data::Catalog;
use crate::eval::{EmbeddingTable, Neighbour};
use crate::map::{Layout, MapMethod, TsneSpec};
use crate::worker::protocol::{JobError, JobId, Request};
use std::sync::Arc;

/// The map.
#[derive(Clone, Debug)]
pub struct ExploreView {
    /// Embeddings shown.
    pub table: Option<Arc<EmbeddingTable>>,
    /// The images behind them.
    pub catalog: Option<Arc<Catalog>>,
    /// Where they come from, in words.
    pub source: String,
    /// The projection asked for.
    pub method: MapMethod,
    /// The layout and the table it belongs to.
    pub layout: Option<Arc<Layout>>,
    /// The layout being computed.
    pub job: Option<MapJob>,
    /// Why there is no layout.
    pub error: Option<Notice>,
    /// PCA may do in the place of the one that failed.
    pub may_pca_do: bool,
    /// Selected row of the table.
    pub selected: Option<u32>,
    /// Nearest rows to it by true cosine.
    pub neighbours: Vec<Neighbour>,
    /// Classes shown; empty = all.
    pub isolated: Vec<u32>,
}

impl Default for ExploreView {
    fn default() -> Self {
        Self {
            table: None,
            catalog: None,
            source: String::new(),
            method: MapMethod::Tsne,
            layout: None,
            job: None,
            error: None,
            may_pca_do: false,
            selected: None,
            neighbours: Vec::new(),
            isolated: Vec::new(),
        }
    }
}

/// A map on its way, as it was sent: what is set meanwhile is of the next one.
#[derive(Clone, Copy, Debug)]
pub struct MapJob {
    /// Its name.
    pub id: JobId,
    /// How the images are laid out.
    pub method: MapMethod,
    /// Images of the table.
    pub images: usize,
    /// Most of them that t-SNE draws.
    pub max_points: usize,
}

impl ExploreView {
    /// The map that is shown next comes of this job.
    pub(super) fn waits_for(&self, job: JobId) -> bool {
        self.job.is_some_and(|awaited| awaited.id == job)
    }

    /// A map is there, or will not be; `failure` when it could not be computed.
    pub(super) fn ended(&mut self, job: JobId, failure: Option<&JobError>) {
        if self.waits_for(job) {
            self.job = None;
            self.error = failure.map(Notice::from_error);
            self.may_pca_do = failure.is_some_and(|error| error.may_pca_do);
        }
    }
}

/// Begins to lay out a table.
pub(super) fn start_map(state: &mut State, table: Arc<EmbeddingTable>, method: MapMethod) -> Vec<Effect> {
    let tsne = TsneSpec::new(&state.config.map, u64::from(state.config.train.seed));
    let (images, max_points) = (table.len(), tsne.max_points);
    let (id, effects) = start(state, Request::Map { table, method, tsne });
    state.explore.job = Some(MapJob { id, method, images, max_points });
    effects
}
