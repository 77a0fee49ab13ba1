//! What training will cost, known before anything is built.

use super::validate::at_once;
use crate::config::{Optimizer, Resolved};
use crate::data::largest_part;
use crate::loss::{HeadOptions, HeadSpec};
use crate::model::{EmbedderSpec, Form};

/// The program with its thread pool, and what its allocator keeps back.
const PROGRAM_BYTES: u64 = 110_000_000;

/// Size, work and memory of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Weights of network and head.
    pub parameters: usize,
    /// Multiply-adds of the network for one image, forward; a training step costs about three times as many.
    pub multiply_adds: u64,
    /// Memory of a training step in bytes, ± 30 %: weights, gradients, the optimiser's state, what the backward pass keeps of
    /// a part of a batch, and the program itself.
    pub step_bytes: u64,
    /// Memory of a whole run in bytes: the most that a step, the look at the held-out images or the writing of a checkpoint
    /// takes. The images in memory come on top of it.
    pub training_bytes: u64,
}

impl Footprint {
    /// Of settings that fit `classes` classes.
    pub fn of(resolved: &Resolved, classes: usize, form: Form) -> Self {
        let (embedder, head) = specs(resolved, classes, form);
        let train = &resolved.config.train;
        let part = largest_part(train.batch as usize, train.micro_batches as usize);
        let parameters = embedder.parameter_count() + head.parameter_count();
        let optimizer = if train.optimizer == Optimizer::Sgd { 1 } else { 2 };
        // Copies of the weights that are there from the first step to the last.
        let held = (1 + optimizer + u64::from(train.weight_average > 0.0)) * parameters as u64;
        // The cosines, and their gradient. Classes that take no part in a step have none; their weights have gradients all the
        // same, which are zeros.
        let logits = 2 * (part * head.rows_per_step(part)) as u64;
        let step = held + parameters as u64 + logits + embedder.step_numbers(part, train.recompute);
        let embedding = held + embedder.inference_numbers(at_once(train));
        // All that is held as bytes, and the weights once more while they become a file. Reading them back takes less.
        let saving = 2 * held + 2 * parameters as u64;
        let bytes = |numbers: u64| PROGRAM_BYTES + 4 * numbers;
        Self {
            parameters,
            multiply_adds: embedder.multiply_adds(),
            step_bytes: bytes(step),
            training_bytes: bytes(step.max(embedding).max(saving)),
        }
    }
}

/// Network and head of a run.
pub(super) fn specs(resolved: &Resolved, classes: usize, form: Form) -> (EmbedderSpec, HeadSpec) {
    let model = &resolved.config.model;
    let embedder = EmbedderSpec {
        net: model.net,
        form,
        pooling: resolved.pooling,
        channels: resolved.channels as usize,
        image_px: resolved.image_px as usize,
        embedding_dim: resolved.embedding_dim as usize,
        dropout: model.dropout,
    };
    let head = HeadSpec {
        head: resolved.config.loss.head,
        classes,
        embedding_dim: resolved.embedding_dim as usize,
        scale: resolved.scale,
        margins: resolved.margins,
        options: HeadOptions::of(&resolved.config.loss, resolved.margin_detached),
    };
    (embedder, head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Auto, DataFacts, Head, LossConfig, Margins, Net, Pooling, RunConfig, resolve};

    fn footprint(change: impl FnOnce(&mut RunConfig)) -> Footprint {
        footprint_of(10, change)
    }

    fn footprint_of(classes: usize, change: impl FnOnce(&mut RunConfig)) -> Footprint {
        let mut config = RunConfig::default();
        config.model.net = Net::Resnet18;
        config.model.embedding_dim = Auto::Set(512);
        change(&mut config);
        Footprint::of(&resolve(&config, &facts(classes)).unwrap(), classes, Form::default())
    }

    fn facts(train_classes: usize) -> DataFacts {
        DataFacts { train_classes, train_images: 60_000, validation_images: 10_000, typical_px: 28, all_grey: true }
    }

    fn specs_of(config: &RunConfig) -> (EmbedderSpec, HeadSpec) {
        specs(&resolve(config, &facts(10)).unwrap(), 10, Form::default())
    }

    #[test]
    fn every_margin_has_its_gradient_as_published_until_a_person_decides() {
        for head in Head::every() {
            let mut config = RunConfig::default();
            config.loss.head = head;
            assert_eq!(specs_of(&config).1.options.detached, head.detached_as_published(), "{head:?}");
            for detached in [false, true] {
                config.loss.margin_detached = Auto::Set(detached);
                assert_eq!(specs_of(&config).1.options.detached, detached, "{head:?}");
            }
        }
    }

    #[test]
    fn every_setting_of_the_loss_reaches_the_head_and_the_dropout_the_network() {
        let mut config = RunConfig::default();
        config.model.dropout = 0.3;
        config.model.embedding_dim = Auto::Set(96);
        config.loss = LossConfig {
            head: Head::ElasticCosFace,
            scale: Auto::Set(20.0),
            margin_factor: Auto::Set(2.0),
            margin_rad: Auto::Set(0.6),
            margin_cos: Auto::Set(0.25),
            margin_ramp: Auto::Set(0.4),
            margin_detached: Auto::Set(true),
            margin_std: Auto::Set(0.03),
            margin_by_rank: true,
            length_low: 5.0,
            length_high: 90.0,
            length_margin_rad: 0.7,
            length_weight: 22.0,
            statistics_share: 0.02,
            subcenters: 3,
            filter_above: 0.65,
            class_share: 0.5,
            focal_gamma: 1.5,
            batch_negatives: true,
        };
        let expected = HeadSpec {
            head: Head::ElasticCosFace,
            classes: 10,
            embedding_dim: 96,
            scale: 20.0,
            // The other two margins are not this loss's.
            margins: Margins { factor: 1.0, rad: 0.0, cos: 0.25 },
            options: HeadOptions {
                detached: true,
                margin_std: 0.03,
                margin_by_rank: true,
                length_low: 5.0,
                length_high: 90.0,
                length_margin_rad: 0.7,
                length_weight: 22.0,
                statistics_share: 0.02,
                subcenters: 3,
                filter_above: 0.65,
                class_share: 0.5,
                focal_gamma: 1.5,
                batch_negatives: true,
            },
        };
        let (embedder, head) = specs_of(&config);
        assert_eq!((head, embedder.dropout, embedder.embedding_dim), (expected, 0.3, 96));
        config.loss.head = Head::Combined;
        assert_eq!(specs_of(&config).1.margins, Margins { factor: 2.0, rad: 0.6, cos: 0.25 });
    }

    /// The settings cannot see networks; what they weigh the head by is what the networks have.
    #[test]
    fn the_layer_that_the_settings_weigh_is_that_of_the_networks() {
        for net in Net::every() {
            for (image_px, embedding_dim) in [(112, 512), (96, 128), (28, 64), (250, 512)] {
                let count = |pooling| {
                    let (image_px, embedding_dim) = (image_px as usize, embedding_dim as usize);
                    let form = Form::default();
                    let spec = EmbedderSpec { net, form, pooling, channels: 3, image_px, embedding_dim, dropout: 0.0 };
                    spec.parameter_count()
                };
                // Both layers have the same biases.
                let surplus = count(Pooling::Flatten) - count(Pooling::Average);
                let averaged = Net::FACE_CHANNELS * embedding_dim as usize;
                let weights = net.face_layer_weights(image_px, embedding_dim);
                assert_eq!(weights.is_some(), net.is_made_for_faces(), "{net:?}");
                if let Some(weights) = weights {
                    assert_eq!(weights as usize, surplus + averaged, "{net:?} at {image_px} px");
                }
            }
        }
        assert_eq!(Net::Iresnet50.face_layer_weights(112, 512), Some(12_845_056));
    }

    #[test]
    fn the_head_counts_and_so_do_optimiser_average_and_parts() {
        let plain = footprint(|_| ());
        assert_eq!(plain.parameters, 11_431_360 + 10 * 512);
        let weights = 4 * plain.parameters as u64;
        let adam = footprint(|config| config.train.optimizer = Optimizer::Adam);
        assert_eq!(adam.step_bytes - plain.step_bytes, weights);
        let averaged = footprint(|config| config.train.weight_average = 0.999);
        assert_eq!(averaged.step_bytes - plain.step_bytes, weights);
        let fixed = PROGRAM_BYTES + 3 * weights;
        let parts = footprint(|config| config.train.micro_batches = 4);
        assert_eq!(4 * (parts.step_bytes - fixed), plain.step_bytes - fixed);
        let [pairs, more] = [16, 200].map(|count| footprint(|config| config.train.micro_batches = count));
        assert_eq!(16 * (pairs.step_bytes - fixed), plain.step_bytes - fixed);
        assert_eq!(more, pairs, "a part has two images at least");
    }

    #[test]
    fn classes_that_take_no_part_in_a_step_have_no_cosines() {
        let bytes = |class_share, batch| {
            let change = |config: &mut RunConfig| {
                (config.loss.class_share, config.train.batch) = (class_share, batch);
            };
            footprint_of(100_000, change).step_bytes
        };
        // The cosines and their gradient, 4 bytes each.
        let cosines = |batch: u64, classes: u64| 2 * 4 * batch * classes;
        assert_eq!(bytes(1.0, 32) - bytes(0.25, 32), cosines(32, 75_000));
        // Those of the batch always take part: 256 at most, where 100 are asked for.
        assert_eq!(bytes(1.0, 256) - bytes(0.001, 256), cosines(256, 100_000 - 256));
    }

    #[test]
    fn a_run_takes_as_much_as_the_largest_of_its_works() {
        let face = |config: &mut RunConfig| {
            (config.model.net, config.data.image_px) = (Net::Resnet50, Auto::Set(112));
        };
        let usual = footprint(face);
        assert_eq!(usual.training_bytes, usual.step_bytes);
        // A step of few images is less than writing down what was learned.
        let small = footprint(|config| {
            face(config);
            (config.train.batch, config.train.recompute) = (4, true);
        });
        assert!(small.step_bytes < usual.step_bytes);
        // Weights and momentum, both as bytes, and twice the weights.
        assert_eq!(small.training_bytes, PROGRAM_BYTES + 4 * 6 * small.parameters as u64);
        assert!(small.training_bytes > small.step_bytes);
        // A network of few weights is not much to write, but eight images are embedded at once where two are learned from.
        let pairs = footprint(|config| {
            (config.model.net, config.data.image_px) = (Net::Small, Auto::Set(112));
            (config.train.batch, config.train.recompute) = (2, true);
            config.model.embedding_dim = Auto::Set(128);
        });
        let numbers = (pairs.training_bytes - PROGRAM_BYTES) / 4;
        assert!(pairs.training_bytes > pairs.step_bytes && numbers > 6 * pairs.parameters as u64, "{pairs:?}");
    }
}
