//! The random changes of the training images one by one, so that a person can see what each does.

use super::{AugmentConfig, ParamSpec, RunConfig, spec};

/// What the strength of a change is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    /// How far it goes.
    Reach,
    /// How often it happens; how far it goes is another setting.
    Chance,
}

/// Where the strength of a change is kept.
type Place = fn(&mut AugmentConfig) -> &mut f64;

const CHANGES: [(&str, Strength, Place); 11] = [
    ("augment.shift", Strength::Reach, |augment| &mut augment.shift),
    ("augment.scale", Strength::Reach, |augment| &mut augment.scale),
    ("augment.rotate_deg", Strength::Reach, |augment| &mut augment.rotate_deg),
    ("augment.colour", Strength::Reach, |augment| &mut augment.colour),
    ("augment.hue_deg", Strength::Reach, |augment| &mut augment.hue_deg),
    ("augment.crop", Strength::Chance, |augment| &mut augment.crop),
    ("augment.low_resolution", Strength::Chance, |augment| &mut augment.low_resolution),
    ("augment.blur", Strength::Chance, |augment| &mut augment.blur),
    ("augment.grey", Strength::Chance, |augment| &mut augment.grey),
    ("augment.jpeg", Strength::Chance, |augment| &mut augment.jpeg),
    ("augment.cutout", Strength::Chance, |augment| &mut augment.cutout),
];

/// Changes that do nothing to grey images.
const OF_COLOUR: [&str; 2] = ["augment.hue_deg", "augment.grey"];

impl RunConfig {
    /// The changes that are switched on, each by itself and certain to happen, with its setting. Mirroring is none of them:
    /// it has no strength. `channels` of the images is 1 or 3.
    pub fn single_changes(&self, channels: u32) -> Vec<(&'static ParamSpec, AugmentConfig)> {
        let (mut own, off) = (self.augment.clone(), none(&self.augment));
        let seen = CHANGES.iter().filter(|(key, _, _)| channels > 1 || !OF_COLOUR.contains(key));
        let alone = |(key, strength, place): &(&str, Strength, Place)| {
            let value = *place(&mut own);
            let mut augment = off.clone();
            *place(&mut augment) = if *strength == Strength::Chance { 1.0 } else { value };
            spec(key).filter(|_| value > 0.0).map(|spec| (spec, augment))
        };
        seen.filter_map(alone).collect()
    }
}

/// The same reaches of changes that never happen.
fn none(config: &AugmentConfig) -> AugmentConfig {
    let mut config = config.clone();
    for (_, _, place) in &CHANGES {
        *place(&mut config) = 0.0;
    }
    config
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
            assert!(is_reach || CHANGES.iter().any(|(key, _, _)| *key == spec.key), "{}", spec.key);
        }
    }

    #[test]
    fn every_change_has_the_place_of_its_setting() {
        for (key, _, place) in &CHANGES {
            let mut config = RunConfig::default();
            config.set(key, super::super::Value::Float(0.25)).unwrap();
            assert_eq!(*place(&mut config.augment), 0.25, "{key}");
            *place(&mut config.augment) = 0.5;
            assert_eq!(config.get(key).unwrap().as_f64(), Some(0.5), "{key}");
        }
    }
}
