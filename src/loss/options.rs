//! What can be added to a loss, and the numbers that only some losses have.

use crate::config::LossConfig;
use serde::{Deserialize, Serialize};

/// See the settings of the same names in the section `[loss]` of a run file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeadOptions {
    /// The margin counts in the loss but not in its gradient.
    pub detached: bool,
    /// Standard deviation of ElasticFace's margins, in the unit of the margin.
    pub margin_std: f64,
    /// ElasticFace+: margins by rank.
    pub margin_by_rank: bool,
    /// MagFace: length with the smallest margin.
    pub length_low: f64,
    /// MagFace: length with the largest margin.
    pub length_high: f64,
    /// MagFace: the largest margin, in radians.
    pub length_margin_rad: f64,
    /// MagFace: weight of the pull towards length.
    pub length_weight: f64,
    /// Share of a batch in running statistics, in (0, 1].
    pub statistics_share: f64,
    /// Centres per class, at least 1.
    pub subcenters: usize,
    /// Other classes with a larger cosine are ignored; 1 ignores none.
    pub filter_above: f64,
    /// Share of the classes in a step, in (0, 1].
    pub class_share: f64,
    /// Focal power, at least 0.
    pub focal_gamma: f64,
    /// Pairs within the batch are impostors too.
    pub batch_negatives: bool,
}

impl HeadOptions {
    /// The options of settings; `detached` is the setting resolved.
    pub fn of(config: &LossConfig, detached: bool) -> Self {
        Self {
            detached,
            margin_std: config
                .margin_std
                .set()
                .unwrap_or_else(|| config.head.published_margin_std(config.margin_by_rank)),
            margin_by_rank: config.margin_by_rank,
            length_low: config.length_low,
            length_high: config.length_high,
            length_margin_rad: config.length_margin_rad,
            length_weight: config.length_weight,
            statistics_share: config.statistics_share,
            subcenters: if config.head.is_cosine() { config.subcenters.max(1) as usize } else { 1 },
            filter_above: config.filter_above,
            class_share: config.class_share,
            focal_gamma: config.focal_gamma,
            batch_negatives: config.batch_negatives && config.head.takes_batch_negatives(),
        }
    }
}

impl Default for HeadOptions {
    fn default() -> Self {
        Self::of(&LossConfig::default(), false)
    }
}
