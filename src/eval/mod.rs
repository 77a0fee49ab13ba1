//! Scores to error rates: everything that is measured about embeddings once they are plain numbers.
//!
//! Not for images, tensors or windows: input is an [`EmbeddingTable`] or a list of scores, output is plain
//! data with `serde`, or the text of a figure. One convention holds throughout the folder, because mixing
//! conventions is how tools come to disagree: a pair is accepted if and only if `similarity >= threshold`, a
//! similarity is a cosine in [-1, 1], and a rate is a share of counted pairs, never a fitted curve.

mod all_pairs;
mod angles;
mod det;
mod det_axes;
mod embeddings;
mod error;
mod error_rates;
mod figure;
mod folds;
mod histogram;
mod interval;
mod normal;
mod operating_point;
mod pairs;
mod random;
mod report;
mod retrieval;
mod separation;
mod similarity;
mod text;
mod thresholds;

pub use all_pairs::{AllPairs, all_pairs};
pub use angles::{AngleStatistics, class_angles_deg, embedding_angles, embedding_angles_with_weights};
pub use det::{DetPoint, det_curve};
pub use det_axes::{DET_LOWEST_RATE, DET_TICKS, det_axis_start, det_band, labels_with_room};
pub use embeddings::EmbeddingTable;
pub use error::EvalError;
pub use error_rates::{Eer, ErrorRates, RatePoint, Rates};
pub use figure::{
    DetFigure, FigureCurve, FigureForm, LegendRun, RUN_COLOURS_DARK, RUN_COLOURS_LIGHT, USUAL_WIDTH_MM, WIDTH_MM_RANGE,
    folder_names, legend_names,
};
pub use folds::{FoldAccuracy, fold_order, ten_fold, ten_fold_insightface};
pub use histogram::{Histogram, histogram};
pub use interval::{wilson95, wilson95_rate};
pub use normal::{inverse_probit, probit};
pub use operating_point::{Decision, OperatingPoint, OperatingRule, operating_point};
pub use pairs::{Pair, ScoredPairs, make_pairs, score_pairs};
pub(crate) use random::named_stream;
pub use report::{FAR_TARGETS, VerificationReport, verification_report};
pub use retrieval::{
    Identification, OpenSetPoint, RetrievalMetrics, map_at_r, precision_at_1, rank_k, retrieval_metrics,
};
pub use separation::d_prime;
pub use similarity::{Neighbour, angle_deg, cosine_similarity, nearest, vector_length};
pub use text::{interval_text, percent_digits, rate_text, tick_text};
pub use thresholds::TarAtFar;
