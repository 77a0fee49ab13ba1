//! From the settings of a run back to those that were asked for.
//!
//! A run writes down what it used, every automatic value replaced. As the settings of another run, on other data or with
//! another loss, those values would be wrong, and nobody asked for them.

use super::{Kind, PARAMS, ParamSpec, RunConfig, Value};

impl RunConfig {
    /// Keys of the settings that are left to the program.
    pub fn automatic_keys(&self) -> Vec<String> {
        let is_open = |spec: &ParamSpec| spec.auto || matches!(spec.kind, Kind::Choice(_));
        let left = PARAMS.iter().zip(self.values()).filter(|(spec, value)| is_open(spec) && *value == automatic());
        left.map(|(spec, _)| spec.key.to_owned()).collect()
    }

    /// The settings for a new run after the one that wrote these: what it chose by itself is automatic again, and its facts
    /// are gone.
    pub fn as_asked(&self) -> Self {
        let mut config = Self { run: None, ..self.clone() };
        for key in self.run.iter().flat_map(|run| &run.automatic) {
            // A setting that this version does not know, or that is not automatic in it, keeps what was written.
            config.set(key, automatic()).ok();
        }
        config
    }
}

/// As it is written.
fn automatic() -> Value {
    Value::Text("auto".to_owned())
}
