//! Learning: from a data set and a [`crate::config::RunConfig`] to a run folder with checkpoints.
//!
//! It knows no channel and no window: it reports to an [`Observer`] and obeys a [`Control`]. Whoever calls
//! [`train`] owns the thread on which every tensor lives.

mod bench;
mod checkpoint;
mod control;
#[cfg(feature = "cuda")]
mod cuda_cache;
mod device;
mod error;
mod evaluate;
mod events;
mod export;
mod gradients;
mod import;
mod loss_scale;
mod measured;
mod metrics_log;
mod model_info;
mod net;
mod optimizer;
mod prepare;
mod run;
mod run_folder;
mod run_list;
mod schedule;
mod session;
mod sgd;
mod trained;
mod validate;

pub use bench::StepBench;
pub use checkpoint::{BestSoFar, Checkpoint, CheckpointState, Sums};
pub use control::Control;
pub use device::{Device, DeviceInfo, choose, devices};
pub use error::TrainError;
pub use evaluate::{
    EvaluationResult, StoredEvaluation, evaluate_all, evaluate_split, load_evaluation, load_operating_point, rule_of,
    save_operating_point, store_evaluation,
};
pub use events::{
    ANGLE_BINS, AngleHistogram, EpochMetrics, RunStarted, RunSummary, StepMetrics, TrainEvent, ValidationSnapshot,
};
pub use export::{ExportFormat, export};
pub use import::{ImportRequest, Imported, PreprocessChange, import};
pub use model_info::ModelInfo;
pub use prepare::data_facts;
pub use run::{Observer, TrainRequest, train};
pub use run_folder::{Place, RunFolder, read_config};
pub use run_list::{RunOnDisk, list_runs, read_run};
pub use schedule::{Plan, lr_at, margin_at};
pub use session::{Saved, Session, StepOutcome, open_session};
pub use trained::TrainedModel;
pub use validate::{TableBuilder, for_batches, rates_of};

#[cfg(test)]
mod tests;
