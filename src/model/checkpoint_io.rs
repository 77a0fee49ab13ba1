//! Weights to and from safetensors bytes, in PyTorch's names and layouts. The caller writes the file.
//!
//! Everything is checked before the first weight is replaced: a file that does not fit leaves the network as it was.

use super::fit::Found;
use super::weights::in_order;
use super::{Misfit, ModelError};
use burn::tensor::backend::Backend;
use burn::tensor::{DType, TensorData};
use burn_store::{BurnToPyTorchAdapter, ModuleSnapshot, ModuleStore, PyTorchToBurnAdapter, SafetensorsStore};
use std::collections::BTreeMap;

/// What loading did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Names of the weights replaced.
    pub loaded: Vec<String>,
    /// Names in the file that the network does not have (`num_batches_tracked` is not listed).
    pub unexpected: Vec<String>,
}

/// The weights and running statistics of a module as a safetensors file with `metadata` in its header. The same weights are the
/// same bytes.
///
/// # Errors
/// [`ModelError::Save`] with the library's reason.
pub fn save_weights<B: Backend, M: ModuleSnapshot<B>>(
    module: &M,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>, ModelError> {
    let mut store = SafetensorsStore::from_bytes(None).with_to_adapter(BurnToPyTorchAdapter).skip_enum_variants(true);
    for (key, value) in metadata {
        store = store.metadata(key, value);
    }
    let failed = |e: burn_store::SafetensorsStoreError| ModelError::Save(e.to_string());
    module.save_into(&mut store).map_err(failed)?;
    in_order(store.get_bytes().map_err(failed)?).map_err(|problem| ModelError::Save(problem.to_string()))
}

/// Replaces the weights and running statistics of a module by those of a safetensors file.
///
/// # Errors
/// [`ModelError::Format`] when the bytes are not safetensors, [`ModelError::Mismatch`] when a weight is missing or has
/// another shape or type, [`ModelError::NotFinite`] when one is NaN or infinite; the module is unchanged then.
pub fn load_weights<B: Backend, M: ModuleSnapshot<B>>(module: &mut M, bytes: &[u8]) -> Result<LoadReport, ModelError> {
    let format = |e: burn_store::SafetensorsStoreError| ModelError::Format(e.to_string());
    let mut store = SafetensorsStore::from_bytes(Some(bytes.to_vec()))
        .with_from_adapter(PyTorchToBurnAdapter)
        .skip_enum_variants(true);
    let found: BTreeMap<String, (Vec<usize>, DType)> = store
        .get_all_snapshots()
        .map_err(format)?
        .iter()
        .map(|(name, snapshot)| (name.clone(), (snapshot.shape.to_vec(), snapshot.dtype)))
        .collect();
    let report = compare(shapes(module), &found)?;
    for name in &report.loaded {
        check_finite(&mut store, name)?;
    }
    module.load_from(&mut store).map_err(format)?;
    Ok(report)
}

/// Names and shapes of a module's weights and running statistics as its file has them, no number read.
pub(super) fn shapes<B: Backend, M: ModuleSnapshot<B>>(module: &M) -> BTreeMap<String, Vec<usize>> {
    let snapshots = module.collect(None, Some(Box::new(BurnToPyTorchAdapter)), true);
    snapshots.iter().map(|snapshot| (snapshot.full_path(), snapshot.shape.to_vec())).collect()
}

fn compare(
    expected: BTreeMap<String, Vec<usize>>,
    found: &BTreeMap<String, (Vec<usize>, DType)>,
) -> Result<LoadReport, ModelError> {
    let found = found.iter().map(|(name, (shape, dtype))| {
        let other_type = (*dtype != DType::F32).then(|| format!("{dtype:?}"));
        (name.as_str(), Found { shape, other_type })
    });
    let misfit = Misfit::between(&expected, found);
    if misfit.has_all() {
        Ok(LoadReport { loaded: expected.into_keys().collect(), unexpected: misfit.unexpected })
    } else {
        Err(ModelError::Mismatch(misfit))
    }
}

fn check_finite(store: &mut SafetensorsStore, name: &str) -> Result<(), ModelError> {
    let snapshot = store.get_snapshot(name).map_err(|e| ModelError::Format(e.to_string()))?;
    let data: Option<TensorData> = match snapshot {
        Some(snapshot) => Some(snapshot.to_data().map_err(|e| ModelError::Format(format!("{e:?}")))?),
        None => None,
    };
    let finite = data.is_none_or(|data| data.iter::<f32>().all(f32::is_finite));
    if finite { Ok(()) } else { Err(ModelError::NotFinite { name: name.to_owned() }) }
}
