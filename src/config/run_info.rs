//! The facts a run writes beside its settings, so that it can be understood and repeated.

use serde::{Deserialize, Serialize};

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
    /// When the run began (local time, RFC 3339).
    pub started: String,
    /// Classes trained on.
    pub classes: u32,
    /// Images trained on.
    pub images: u32,
    /// Keys of the settings that were left to the program; above stands what it chose.
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

    /// The run has begun: every run that has says by which version.
    pub fn has_begun(&self) -> bool {
        !self.version.is_empty()
    }

    /// What is known of a run of a series before it begins.
    pub fn before(series: SeriesInfo) -> Self {
        Self { series: Some(series), ..Self::default() }
    }

    /// What is known of a further run of the same series before it begins: the series, and the weights that all of its runs
    /// start from. `None` for a run by itself.
    pub fn further(&self) -> Option<Self> {
        let before = Self::before(self.series.clone()?);
        Some(Self { start_sha256: self.start_sha256.clone(), ..before })
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
    /// Runs that were asked for, from 2 to [`SeriesInfo::MOST_SEEDS`].
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
    use super::*;

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
