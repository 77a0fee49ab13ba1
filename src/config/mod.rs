//! What a run is: the one definition behind the window, the command line and the run file.
//!
//! Every default is written once, in the `Default` implementations here; everything a person reads about a setting
//! (label, help, unit, range) is written once, in [`PARAMS`]. The layer knows no images, tensors or windows.

mod asked;
mod auto;
mod changes;
mod choices;
mod count_text;
mod disk;
mod error;
mod file;
mod head;
mod labels;
mod margins;
mod natural_order;
mod params;
mod presets;
mod resolve;
mod run_info;
mod scale;
mod sections;

pub use auto::Auto;
pub use choices::{Best, Colour, MapKind, Net, Optimizer, Pooling, Precision, Sampler, Schedule, SplitBy};
pub use count_text::{classes_text, counted, counted_as, noun};
pub use disk::{
    TEMPORARY_PREFIX, atomic_write, atomic_write_new, folder_of, open_file, read_at_most, read_text_at_most, temporary,
};
pub use error::{ConfigError, Problem};
pub use file::{load, load_over, save, to_toml};
pub use head::{Head, MarginUse};
pub use labels::{capitalised, window_text, with_labels};
pub use margins::Margins;
pub use natural_order::natural_order;
pub use params::{Applies, Group, Kind, PARAMS, ParamSpec, Value, markdown_table, spec};
pub use presets::Preset;
pub use resolve::{DataFacts, Reason, Resolved, resolve};
pub use run_info::{NETWORK_KEYS, RunInfo, SeriesInfo};
pub use sections::{AugmentConfig, DataConfig, EvalConfig, LossConfig, MapConfig, ModelConfig, TrainConfig};

use serde::{Deserialize, Serialize};

/// Everything that decides what a run computes. Order of precedence: defaults < run file < flags < edits in the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// How images are found, resized and split.
    pub data: DataConfig,
    /// Random changes to the training images.
    pub augment: AugmentConfig,
    /// The network.
    pub model: ModelConfig,
    /// The margin head.
    pub loss: LossConfig,
    /// Optimiser, schedule, device, seed.
    pub train: TrainConfig,
    /// Verification pairs and the operating point.
    pub eval: EvalConfig,
    /// The two-dimensional map.
    pub map: MapConfig,
    /// Facts written into a run's own `run.toml`; left out when the file is used as the settings of a new run, of which
    /// nothing is known before it begins but the series that it is one of, and what its runs have in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunInfo>,
}

impl RunConfig {
    /// The value of a setting, by its key (`train.epochs`).
    ///
    /// # Errors
    /// [`ConfigError::UnknownKey`] when no setting has this key.
    pub fn get(&self, key: &str) -> Result<Value, ConfigError> {
        let spec = spec(key).ok_or_else(|| ConfigError::unknown_key(key))?;
        let tree = serde_json::to_value(self).map_err(ConfigError::internal)?;
        let leaf = tree.pointer(&spec.pointer()).cloned().unwrap_or_default();
        Ok(Value::from_json(&leaf))
    }

    /// Sets one setting by its key; the type and the range are checked against its [`ParamSpec`].
    ///
    /// # Errors
    /// Names the key, the value, and what would be valid.
    pub fn set(&mut self, key: &str, value: Value) -> Result<(), ConfigError> {
        let spec = spec(key).ok_or_else(|| ConfigError::unknown_key(key))?;
        spec.check(&value).map_err(ConfigError::Invalid)?;
        let mut tree = serde_json::to_value(&*self).map_err(ConfigError::internal)?;
        if let Some(leaf) = tree.pointer_mut(&spec.pointer()) {
            *leaf = value.to_json();
        }
        *self = serde_json::from_value(tree).map_err(ConfigError::internal)?;
        Ok(())
    }

    /// Sets a setting from what a person typed (`--train.epochs 20`).
    ///
    /// # Errors
    /// As [`RunConfig::set`].
    pub fn set_text(&mut self, key: &str, text: &str) -> Result<(), ConfigError> {
        let spec = spec(key).ok_or_else(|| ConfigError::unknown_key(key))?;
        let value = spec.parse(text).map_err(ConfigError::Invalid)?;
        self.set(key, value)
    }

    /// The values of all settings, in the order of [`PARAMS`].
    pub fn values(&self) -> Vec<Value> {
        let tree = serde_json::to_value(self).unwrap_or_default();
        let leaf = |spec: &ParamSpec| tree.pointer(&spec.pointer()).cloned().unwrap_or_default();
        PARAMS.iter().map(|spec| Value::from_json(&leaf(spec))).collect()
    }

    /// Every setting whose value lies outside its range. Empty when all is well.
    pub fn problems(&self) -> Vec<Problem> {
        PARAMS.iter().zip(self.values()).filter_map(|(spec, value)| spec.check(&value).err()).collect()
    }
}

#[cfg(test)]
mod tests;
