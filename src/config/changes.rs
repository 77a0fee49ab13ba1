//! The random changes of the training images one by one, so that a person can see what each does.

use super::{AugmentConfig, ParamSpec, RunConfig, Value, spec};

/// What the strength of a change is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    /// How far it goes.
    Reach,
    /// How often it happens; how far it goes is another setting.
    Chance,
}

const CHANGES: [(&str, Strength); 11] = [
    ("augment.shift", Strength::Reach),
    ("augment.scale", Strength::Reach),
    ("augment.rotate_deg", Strength::Reach),
    ("augment.colour", Strength::Reach),
    ("augment.hue_deg", Strength::Reach),
    ("augment.crop", Strength::Chance),
    ("augment.low_resolution", Strength::Chance),
    ("augment.blur", Strength::Chance),
    ("augment.grey", Strength::Chance),
    ("augment.jpeg", Strength::Chance),
    ("augment.cutout", Strength::Chance),
];

/// Changes that do nothing to grey images.
const OF_COLOUR: [&str; 2] = ["augment.hue_deg", "augment.grey"];

impl RunConfig {
    /// The changes that are switched on, each by itself and certain to happen, with its setting. Mirroring is none of them:
    /// it has no strength.
    pub fn single_changes(&self, channels: u32) -> Vec<(&'static ParamSpec, AugmentConfig)> {
        let seen = CHANGES.iter().filter(|(key, _)| channels > 1 || !OF_COLOUR.contains(key));
        seen.filter_map(|(key, strength)| Some((spec(key)?, self.only(key, *strength)?))).collect()
    }

    fn only(&self, key: &str, strength: Strength) -> Option<AugmentConfig> {
        let value = self.get(key).ok()?.as_f64().filter(|value| *value > 0.0)?;
        let mut config = Self { augment: none(&self.augment), ..self.clone() };
        let certain = if strength == Strength::Chance { 1.0 } else { value };
        config.set(key, Value::Float(certain)).ok()?;
        Some(config.augment)
    }
}

/// The same reaches of changes that never happen.
fn none(config: &AugmentConfig) -> AugmentConfig {
    AugmentConfig {
        shift: 0.0,
        scale: 0.0,
        rotate_deg: 0.0,
        colour: 0.0,
        hue_deg: 0.0,
        crop: 0.0,
        low_resolution: 0.0,
        blur: 0.0,
        grey: 0.0,
        jpeg: 0.0,
        cutout: 0.0,
        ..config.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_stands_alone_and_is_certain() {
        let mut config = RunConfig::default();
        config.augment = none(&config.augment);
        assert!(config.single_changes(3).is_empty());
        config.augment.blur = 0.1;
        config.augment.blur_largest = 0.07;
        config.augment.grey = 0.2;
        config.augment.rotate_deg = 12.0;
        let changes = config.single_changes(3);
        let labels: Vec<&str> = changes.iter().map(|(spec, _)| spec.label).collect();
        assert_eq!(labels, ["Rotation", "Blur", "Without colours"]);
        let blur = &changes[1].1;
        assert_eq!((blur.blur, blur.blur_largest, blur.grey, blur.rotate_deg), (1.0, 0.07, 0.0, 0.0));
        assert_eq!(changes[0].1.rotate_deg, 12.0);
        assert_eq!(config.single_changes(1).len(), 2, "a grey image loses no colours");
    }

    #[test]
    fn no_change_is_forgotten() {
        let strengths = ["chance", "largest"];
        let of_strength = |spec: &&ParamSpec| {
            let help = spec.help.to_lowercase();
            spec.key.starts_with("augment.") && strengths.iter().any(|word| help.starts_with(word))
        };
        for spec in super::super::PARAMS.iter().filter(of_strength) {
            let is_reach = spec.key.ends_with("_largest");
            assert!(is_reach || CHANGES.iter().any(|(key, _)| *key == spec.key), "{}", spec.key);
        }
    }
}
