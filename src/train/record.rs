//! burn's records as bytes: what of a checkpoint keeps parameter ids and full precision.

use super::TrainError;
use burn::record::{BinBytesRecorder, FullPrecisionSettings, Record, Recorder};
use burn::tensor::backend::Backend;

/// A record's bytes; `what` names it in an error ("the network's state").
///
/// # Errors
/// When the device fails.
pub(super) fn to_bytes<B: Backend>(record: impl Record<B>, what: &str) -> Result<Vec<u8>, TrainError> {
    let recorder = BinBytesRecorder::<FullPrecisionSettings>::default();
    Recorder::<B>::record(&recorder, record, ())
        .map_err(|error| TrainError::Compute(format!("{what} could not be read: {error}")))
}

/// The record of such bytes.
///
/// # Errors
/// When they hold none of this kind.
pub(super) fn from_bytes<B: Backend, R: Record<B>>(
    bytes: &[u8],
    what: &str,
    device: &B::Device,
) -> Result<R, TrainError> {
    let recorder = BinBytesRecorder::<FullPrecisionSettings>::default();
    Recorder::<B>::load(&recorder, bytes.to_vec(), device)
        .map_err(|error| TrainError::CannotResume(format!("{what} cannot be read ({error})")))
}
