//! The images a run was trained with.

use crate::data::Catalog;
use crate::train::{Control, read_config, reopen};
use anyhow::Context as _;
use std::path::Path;
use std::sync::Arc;

/// From the place the run remembers.
pub fn own_catalog(run: &Path, control: &Control) -> anyhow::Result<Arc<Catalog>> {
    let info = read_config(run)?.run.unwrap_or_default();
    anyhow::ensure!(
        !info.is_imported(),
        "the weights of this run were imported, so it has no images of its own; name some with --data"
    );
    reopen(&info, &|_| {}, control)
        .context("the images this run was trained with cannot be opened; give their new place with --data")
}
