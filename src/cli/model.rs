//! The network that a command uses.

use super::{args, output};
use crate::train::TrainedModel;
use clap::ArgMatches;
use std::path::Path;

/// Loads the best checkpoint of a run, and says what had to be passed over for it.
pub fn open_model(run: &Path, matches: &ArgMatches) -> anyhow::Result<TrainedModel> {
    let model = TrainedModel::open(run, args::get_device(matches)?)?;
    model.told().iter().for_each(output::warning);
    Ok(model)
}
