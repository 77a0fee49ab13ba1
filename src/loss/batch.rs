//! What a head is told of a batch beside its embeddings.

use super::{HeadSpec, batch_negatives, elastic, partial_fc};
use crate::config::{Head, Margins};
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorData};

/// Where in a run a batch is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Share of the margin in force, in [0, 1].
    pub share: f64,
    /// Number of the step, from 0.
    pub step: u64,
    /// Steps at the start of the run in which the network rests.
    pub frozen_steps: u64,
    /// Steps of the whole run, as it was begun.
    pub run_steps: u64,
    /// Seed of what is drawn in this step.
    pub seed: u64,
}

impl Moment {
    /// The whole margin, long after the start of a long run.
    pub const LATE: Self = Self { share: 1.0, step: 1_000_000, frozen_steps: 0, run_steps: 1_000_001, seed: 0 };

    /// As a part of the batch sees it, counted from 0: each part draws for itself, the first as the whole batch would.
    pub fn of_part(self, part: usize) -> Self {
        Self { seed: self.seed ^ (part as u64).wrapping_mul(0xD1B5_4A32_D192_ED03), ..self }
    }
}

/// Labels, margins, and everything drawn for one batch of `n` samples; made on the host, so that a GPU need not wait.
#[derive(Clone, Debug)]
pub struct HeadBatch<B: Backend> {
    /// `[n]`, places among the classes that take part.
    pub labels: Tensor<B, 1, Int>,
    /// Rows of the class weight that take part; `None` for all.
    pub rows: Option<Tensor<B, 1, Int>>,
    /// Share of the margins in force.
    pub share: f64,
    /// Margins in force.
    pub margins: Margins,
    /// ElasticFace's margins, `[n]`: of each sample, or rising when they go by rank.
    pub drawn: Option<Tensor<B, 1>>,
    /// Places of the pairs of different classes in an `n × n` matrix.
    pub pairs: Option<Tensor<B, 1, Int>>,
    /// Number of the step, from 0.
    pub step: u64,
    /// Steps at the start of the run in which the network rests.
    pub frozen_steps: u64,
    /// Steps of the whole run, as it was begun.
    pub run_steps: u64,
}

impl<B: Backend> HeadBatch<B> {
    /// For samples of these classes.
    pub fn new(spec: &HeadSpec, labels: &[u32], moment: Moment, device: &B::Device) -> Self {
        let Moment { share, step, frozen_steps, run_steps, seed } = moment;
        let share = if spec.head.ramps() { share } else { 1.0 };
        let margins = spec.margins.share(share);
        let ints = |values: Vec<i64>| {
            let count = values.len();
            Tensor::from_data(TensorData::new(values, [count]), device)
        };
        let options = &spec.options;
        let kept =
            (options.class_share < 1.0).then(|| partial_fc::draw(labels, spec.classes, options.class_share, seed));
        let places = match &kept {
            Some(kept) => partial_fc::places(labels, kept),
            None => labels.iter().map(|label| i64::from(*label)).collect(),
        };
        let centers = options.subcenters as i64;
        let rows = |kept: Vec<u32>| {
            kept.into_iter().flat_map(|class| (0..centers).map(move |k| i64::from(class) * centers + k)).collect()
        };
        let pairs = if options.batch_negatives { batch_negatives::pairs(labels) } else { Vec::new() };
        Self {
            labels: ints(places),
            rows: kept.map(|kept| ints(rows(kept))),
            share,
            margins,
            drawn: drawn(spec, margins, share, labels.len(), seed)
                .map(|values| Tensor::from_data(TensorData::new(values, [labels.len()]), device)),
            pairs: (!pairs.is_empty()).then(|| ints(pairs)),
            step,
            frozen_steps,
            run_steps,
        }
    }

    /// The rows of class weights, or of what belongs to them, that take part.
    pub(super) fn taking_part<const D: usize>(&self, all: Tensor<B, D>) -> Tensor<B, D> {
        match &self.rows {
            Some(rows) => all.select(0, rows.clone()),
            None => all,
        }
    }
}

fn drawn(spec: &HeadSpec, margins: Margins, share: f64, count: usize, seed: u64) -> Option<Vec<f32>> {
    let mean = match spec.head {
        Head::ElasticArcFace => margins.rad,
        Head::ElasticCosFace => margins.cos,
        _ => return None,
    };
    let mut drawn = elastic::draw(count, mean, spec.options.margin_std * share, seed);
    if spec.options.margin_by_rank {
        drawn.sort_by(f32::total_cmp);
    }
    Some(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Cpu;

    #[test]
    fn each_part_of_a_batch_draws_for_itself_and_the_first_as_the_whole() {
        let head = Head::ElasticArcFace;
        let mut spec = HeadSpec::plain(head, [40, 5], 16.0, head.published_margins());
        spec.options.class_share = 0.5;
        let moment = Moment { seed: 7, ..Moment::LATE };
        assert_eq!(moment.of_part(0), moment);
        let drawn = |part| {
            let batch = HeadBatch::<Cpu>::new(&spec, &[3, 1, 4], moment.of_part(part), &Default::default());
            let margins: Vec<f32> = batch.drawn.unwrap().into_data().iter().collect();
            let rows: Vec<i64> = batch.rows.unwrap().into_data().iter().collect();
            (margins, rows)
        };
        let parts = [0, 1, 2].map(drawn);
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            assert!(parts[a].0 != parts[b].0 && parts[a].1 != parts[b].1, "{parts:?}");
        }
    }
}
