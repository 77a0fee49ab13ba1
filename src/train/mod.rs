//! Learning: from a data set and a [`crate::config::RunConfig`] to a run folder with checkpoints.
//!
//! It knows no channel and no window: it reports to an [`Observer`] and obeys a [`Control`]. Whoever calls
//! [`train`] owns the thread on which every tensor lives.

mod announce;
mod average;
mod bench;
mod checkpoint;
mod clock;
mod control;
#[cfg(feature = "cuda")]
mod cuda_cache;
mod device;
mod doubt;
mod epoch_end;
mod error;
mod evaluate;
mod evaluate_protocol;
mod events;
mod export;
mod find_checkpoint;
mod footprint;
mod gradients;
mod guard;
mod import;
mod imprint;
mod kept_point;
mod loss_scale;
mod measured;
mod measures;
mod memory;
mod metrics_log;
mod model_info;
mod net;
mod optimizer;
mod origin;
mod patience;
mod prepare;
mod record;
mod repeat;
mod rewind;
mod run;
mod run_change;
mod run_folder;
mod run_list;
mod schedule;
mod session;
mod sgd;
mod tensorboard;
mod trained;
mod validate;

pub use announce::plan_warnings;
pub use bench::{StepBench, peak_gflops};
pub use checkpoint::{BestSoFar, Checkpoint, CheckpointState, Sums};
pub use control::Control;
pub use device::{Device, DeviceInfo, choose, devices, find_device};
pub use doubt::Doubt;
pub use error::TrainError;
pub use evaluate::{
    EvaluationResult, StoredEvaluation, changed_images, embed_items, evaluate_all, evaluate_split, load_evaluation,
    reopen, rule_of, store_evaluation, store_first_evaluation, store_own_evaluation,
};
pub use evaluate_protocol::evaluate_protocol;
pub use events::{
    ANGLE_BINS, AngleHistogram, EpochMetrics, RunStarted, RunSummary, StepMetrics, TrainEvent, ValidationSnapshot,
};
pub use export::{ExportFormat, Exported, export};
pub use find_checkpoint::{best_sha256, checkpoint_problems, described_network};
pub use footprint::Footprint;
pub use import::{
    FoundNetwork, ImportRequest, Imported, PreprocessChange, PreprocessPreset, Refusal, WeightsLook, import,
    look_at_weights, look_into,
};
#[cfg(test)]
pub use kept_point::load_operating_point;
pub use kept_point::{KeptPoint, Threshold, kept_rule, save_operating_point, threshold_of};
pub use measures::{Measure, Verification, different_lengths, measures};
pub use model_info::{ModelInfo, Network};
pub use origin::is_same_place;
pub use prepare::{data_facts, data_of};
pub use repeat::{BegunRun, MeanSd, begun_run, begun_runs, data_of_series, free_place, run_of_seed};
pub use run::{Observer, TrainRequest, train};
pub use run_change::{delete_run, describe_run, read_note};
pub use run_folder::{Place, RunFolder, is_run, read_config};
pub use run_list::{RunOnDisk, list_runs, read_run};
pub use schedule::{Plan, lr_at, margin_at, margin_share_at};
pub use session::{Fate, Saved, Session, StepOutcome, open_session};
pub use trained::TrainedModel;
pub use validate::{InBatches, for_batches};

#[cfg(test)]
mod tests;
