//! A session that does not begin from scratch, and one whose network rests.

use super::{BurnSession, StartRow, floats, images};
use crate::data::HostBatch;
use crate::kernels::Engine;
use crate::model::{Inference, load_weights};
use crate::train::TrainError;
use crate::train::optimizer::ParamGroups;
use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

impl<B: Engine> BurnSession<B> {
    /// Replaces the network and the given class weights.
    pub(super) fn take_over(&mut self, network: &[u8], rows: &[StartRow]) -> Result<(), TrainError> {
        let unfit = |error: crate::model::ModelError| {
            TrainError::CannotResume(format!("the network it should start from does not fit its description: {error}"))
        };
        load_weights(&mut self.net.embedder, network).map_err(unfit)?;
        self.take_rows(rows)
    }

    /// Replaces the given class weights.
    pub(super) fn take_rows(&mut self, rows: &[StartRow]) -> Result<(), TrainError> {
        let head = &mut self.net.head;
        let weights = rows.iter().map(|row| (row.row, row.weight.as_slice()));
        head.weight = replaced(&head.weight, weights, &self.device)?;
        if let Some(bias) = head.bias.take() {
            let values =
                rows.iter().filter_map(|row| row.bias.as_ref().map(|bias| (row.row, std::slice::from_ref(bias))));
            head.bias = Some(replaced(&bias, values, &self.device)?);
        }
        // Loading may have given the weights new names.
        self.groups = ParamGroups::of(&self.net, self.head_lr_factor);
        if let Some(average) = &mut self.average {
            average.restart(&self.net);
        }
        self.frozen.take();
        Ok(())
    }

    /// Embeddings as inference has them, for a head that learns alone.
    pub(super) fn without_gradient(&self, held: &Inference<B::InnerBackend>, part: &HostBatch) -> Tensor<B, 2> {
        Tensor::from_inner(held.forward(images::<B::InnerBackend>(part, &self.device)))
    }
}

/// A parameter with some of its rows (all axes but the first) replaced; rows that it does not have are passed over.
fn replaced<'a, B: Engine, const D: usize>(
    param: &Param<Tensor<B, D>>,
    rows: impl Iterator<Item = (usize, &'a [f32])>,
    device: &B::Device,
) -> Result<Param<Tensor<B, D>>, TrainError> {
    let old = param.val();
    let shape = old.dims();
    let width: usize = shape.iter().skip(1).product();
    let mut values = floats(old.inner())?;
    for (row, new) in rows {
        let place = values.get_mut(row * width..(row + 1) * width).filter(|place| place.len() == new.len());
        place.into_iter().for_each(|place| place.copy_from_slice(new));
    }
    let new = Tensor::from_data(TensorData::new(values, shape), device);
    // A tensor made here takes no gradient of its own accord, and the parameter would never learn again.
    Ok(param.clone().map(|_| new.require_grad()))
}
