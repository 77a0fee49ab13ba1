//! The facts a run writes beside its settings, so that it can be understood and repeated.

use super::{Group, ParamSpec, RunConfig};
use serde::{Deserialize, Serialize};

/// Settings that say what the network is and what images it takes: a run that starts from a network takes them over. Left
/// to the program, where they can be, they follow the images that a run learns from, which differ with its seed.
pub const NETWORK_KEYS: [&str; 5] =
    ["model.net", "model.pooling", "model.embedding_dim", "data.image_px", "data.colour"];

/// Table `[run]` of a run folder's `run.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunInfo {
    /// Version of this program.
    pub version: String,
    /// Where imported weights came from, and whose they are; empty for a run that was trained here.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub imported: String,
    /// SHA-256 of the weights that it started from; empty for a run from scratch.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub start_sha256: String,
    /// The device in words.
    pub device: String,
    /// The data set's path.
    pub data: String,
    /// SHA-256 over the names, sizes and classes of the images.
    pub data_fingerprint: String,
    /// The same images as earlier versions noted them, where that was otherwise: runs from then are known by it. Empty where
    /// it was not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub earlier_fingerprint: String,
    /// When the run began (local time, RFC 3339).
    pub started: String,
    /// Classes trained on.
    pub classes: u32,
    /// Images trained on.
    pub images: u32,
    /// Epochs that it was begun with; `None` while it has no more. The ramp of its margin keeps to them. A run that joins a series
    /// whose runs were made longer has those of the first run, so that all have the same ramp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begun_epochs: Option<u32>,
    /// Epochs that it had done when it was last made longer; `None` while it was not. The patience of `train.stop_after` and of
    /// the plateau schedule counts from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longer_from: Option<u32>,
    /// Keys of the settings that were left to the program; above stands what it chose. Before a run of a series begins, those
    /// that were chosen for its first run already ([`RunConfig::follow`]).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub automatic: Vec<String>,
    /// The series that it is one of; `None` for a run by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesInfo>,
}

impl RunInfo {
    /// The weights were made elsewhere: the run has no images and no training of its own.
    pub fn is_imported(&self) -> bool {
        !self.imported.is_empty()
    }

    /// What stands in the settings of the run is what it was made with. How imported weights were trained is not known: their
    /// settings tell the network and the images that it takes, and else what the program would choose by itself.
    pub fn is_known(&self, spec: &ParamSpec) -> bool {
        let is_of_training = matches!(spec.group, Group::Data | Group::Augment | Group::Loss | Group::Train);
        !self.is_imported() || !is_of_training || NETWORK_KEYS.contains(&spec.key)
    }

    /// The run has begun: every run that has says by which version.
    pub fn has_begun(&self) -> bool {
        !self.version.is_empty()
    }

    /// Both runs are on the same images, as far as is known. Of two that noted them otherwise, a third may know it.
    pub fn has_images_of(&self, other: &Self) -> bool {
        let noted = [&other.data_fingerprint, &other.earlier_fingerprint];
        let is_noted = |own: &String| !own.is_empty() && noted.contains(&own);
        self.data_fingerprint == other.data_fingerprint
            || is_noted(&self.data_fingerprint)
            || is_noted(&self.earlier_fingerprint)
    }

    /// What is known of a run of a series before it begins.
    pub fn before(series: SeriesInfo) -> Self {
        Self { series: Some(series), ..Self::default() }
    }

    /// What is known of a further run of the same series before it begins: the series, the weights that all of its runs
    /// start from, and of one that has not begun itself, what was chosen for its network and the epochs that its ramp keeps to.
    /// `None` for a run by itself.
    pub fn further(&self) -> Option<Self> {
        let before = Self::before(self.series.clone()?);
        let is_chosen = |key: &&str| !self.has_begun() && self.is_automatic(key);
        let automatic = NETWORK_KEYS.into_iter().filter(is_chosen).map(str::to_owned).collect();
        let begun_epochs = self.begun_epochs.filter(|_| !self.has_begun());
        Some(Self { start_sha256: self.start_sha256.clone(), begun_epochs, automatic, ..before })
    }

    /// The setting was left to the program, which has chosen.
    pub fn is_automatic(&self, key: &str) -> bool {
        self.automatic.iter().any(|chosen| chosen == key)
    }
}

impl RunConfig {
    /// Makes these settings of a further run of a series follow those of its first one, `begun`: it starts from the same
    /// weights, and where the network is left to the program, it is the one chosen for that run. Without it, the runs would
    /// not be of one network: each seed holds out other images. Where it has more epochs than that run was begun with, the ramp
    /// of its margin is as long as there: else their mean would be over different margins. What is known already stays, and a
    /// run by itself is left as it is.
    pub fn follow(&mut self, begun: &Self) {
        let Some(first) = &begun.run else { return };
        let Some(mut before) = self.run.take() else { return };
        if before.start_sha256.is_empty() {
            before.start_sha256.clone_from(&first.start_sha256);
        }
        let planned = first.begun_epochs.unwrap_or(begun.train.epochs);
        if before.begun_epochs.is_none() && planned < self.train.epochs {
            before.begun_epochs = Some(planned);
        }
        let open = self.automatic_keys();
        for key in NETWORK_KEYS {
            let is_open = open.iter().any(|known| known == key) && !before.is_automatic(key);
            if is_open
                && first.is_automatic(key)
                && let Ok(value) = begun.get(key)
                && self.set(key, value).is_ok()
            {
                before.automatic.push(key.to_owned());
            }
        }
        self.run = Some(before);
    }
}

/// Table `[run.series]`: what every run of a series says of it. A series is the same settings over several seeds in a
/// row; it lies nowhere but in its runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeriesInfo {
    /// Tells it from every other series: when it was begun (local time, RFC 3339).
    pub id: String,
    /// Seed of its first run.
    pub first_seed: u32,
    /// Runs that were asked for, from 1 to [`SeriesInfo::MOST_SEEDS`].
    pub seeds: u32,
}

impl SeriesInfo {
    /// Runs of a series at most; a file that asks for more is taken to ask for so many.
    pub const MOST_SEEDS: u32 = 1000;

    /// A series that begins now.
    pub fn begun_now(first_seed: u32, seeds: u32) -> Self {
        Self { id: chrono::Local::now().to_rfc3339(), first_seed, seeds }
    }

    /// The seeds of its runs, in the order in which they are made.
    pub fn all_seeds(&self) -> Vec<u32> {
        (0..self.seeds.min(Self::MOST_SEEDS)).map(|number| self.first_seed.wrapping_add(number)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Auto, Colour, DataFacts, Net, Pooling, resolve};
    use super::*;

    #[test]
    fn the_runs_of_a_series_have_the_network_that_was_chosen_for_the_first() {
        let series = SeriesInfo { id: "a".into(), first_seed: 7, seeds: 3 };
        let mut asked = RunConfig { run: Some(RunInfo::before(series)), ..RunConfig::default() };
        asked.model.net = Net::Iresnet18;
        let facts = |train_images, typical_px, all_grey| DataFacts {
            train_classes: 20,
            train_images,
            validation_images: 20,
            typical_px,
            all_grey,
        };
        let (many, few) = (facts(10_000_000, 40, true), facts(60, 50, false));
        for (first, other) in [(&many, &few), (&few, &many)] {
            let resolved = resolve(&asked, first).unwrap();
            let mut begun = resolved.config.clone();
            let known = asked.run.clone().unwrap();
            begun.run = Some(RunInfo { version: "1.0.0".into(), automatic: asked.automatic_keys(), ..known });
            let mut further = asked.clone();
            further.follow(&begun);
            // It is told once more when the second has begun.
            let once = further.clone();
            further.follow(&begun);
            assert_eq!(further, once);
            // This is what a new run takes of it.
            further.run = further.run.as_ref().and_then(RunInfo::further);
            assert_eq!(further, once);
            let second = resolve(&further, other).unwrap();
            let network = |of: &super::super::Resolved| (of.pooling, of.embedding_dim, of.image_px, of.channels);
            assert_eq!(network(&second), network(&resolved));
            let by_itself = resolve(&asked, other).unwrap();
            assert_ne!(by_itself.pooling, resolved.pooling, "this test needs sets that ask for other networks");
        }

        let mut typed = asked.clone();
        (typed.model.pooling, typed.model.embedding_dim) = (Pooling::Depthwise, Auto::Set(64));
        let mut begun = resolve(&asked, &few).unwrap().config;
        begun.run = Some(RunInfo { automatic: asked.automatic_keys(), ..asked.run.clone().unwrap() });
        typed.follow(&begun);
        assert_eq!((typed.model.pooling, typed.model.embedding_dim), (Pooling::Depthwise, Auto::Set(64)));
        assert_eq!((typed.data.image_px, typed.data.colour), (Auto::Set(50), Colour::Rgb));
        let mut alone = RunConfig::default();
        alone.follow(&begun);
        assert_eq!(alone, RunConfig::default());
    }

    #[test]
    fn a_run_that_joins_a_series_made_longer_has_the_ramp_of_its_first_run() {
        let series = SeriesInfo { id: "a".into(), first_seed: 7, seeds: 3 };
        let with_epochs = |epochs, run: RunInfo| {
            let mut config = RunConfig { run: Some(run), ..RunConfig::default() };
            config.train.epochs = epochs;
            config
        };
        let joined = |epochs, first: &RunConfig| {
            let mut further = with_epochs(epochs, RunInfo::before(series.clone()));
            further.follow(first);
            // It is told once more, and this is what a new run takes of it.
            further.follow(first);
            further.run.as_ref().and_then(RunInfo::further).unwrap().begun_epochs
        };
        let begun = RunInfo { version: "1.0.0".into(), ..RunInfo::before(series.clone()) };
        let as_begun = with_epochs(20, begun.clone());
        let longer = with_epochs(60, RunInfo { begun_epochs: Some(20), longer_from: Some(20), ..begun });
        assert_eq!((joined(20, &as_begun), joined(60, &longer)), (None, Some(20)));
        // The others were made longer, and the first one was not.
        assert_eq!((joined(60, &as_begun), joined(20, &longer)), (Some(20), None));
        // What a run that has begun keeps to is its own.
        assert_eq!(longer.run.as_ref().and_then(RunInfo::further).unwrap(), RunInfo::before(series.clone()));
    }

    #[test]
    fn a_further_run_of_a_series_is_told_the_series_and_the_weights_to_start_from_and_no_more() {
        let series = SeriesInfo { id: "a".into(), first_seed: 7, seeds: 3 };
        let begun = RunInfo {
            version: "1.0.0".into(),
            start_sha256: "abc".into(),
            started: "today".into(),
            ..RunInfo::before(series.clone())
        };
        let further = begun.further().unwrap();
        assert_eq!(further, RunInfo { start_sha256: "abc".into(), ..RunInfo::before(series) });
        assert!(begun.has_begun() && !further.has_begun());
        assert_eq!(RunInfo { series: None, ..begun }.further(), None);
    }

    #[test]
    fn a_file_that_asks_for_too_many_runs_gets_the_most_that_are_made() {
        let series = |first_seed, seeds| SeriesInfo { id: "a".into(), first_seed, seeds };
        assert_eq!(series(7, 3).all_seeds(), [7, 8, 9]);
        assert_eq!(series(u32::MAX, 2).all_seeds(), [u32::MAX, 0]);
        assert_eq!(series(1, u32::MAX).all_seeds().len(), SeriesInfo::MOST_SEEDS as usize);
    }
}
