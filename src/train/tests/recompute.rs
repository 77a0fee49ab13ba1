//! Maps that are computed again for the gradients.

use super::*;
use crate::config::{Margins, Net, Pooling, TrainConfig};
use crate::data::HostBatch;
use crate::loss::{HeadSpec, Moment};
use crate::model::weights::weights_from_bytes;
use crate::model::{EmbedderSpec, Form};

fn batch(n: usize, spec: &EmbedderSpec, seed: usize) -> HostBatch {
    let value = |i: usize| ((i * 7919 + seed * 104_729) % 1000) as f32 / 500.0 - 1.0;
    HostBatch {
        images: (0..n * spec.channels * spec.image_px * spec.image_px).map(value).collect(),
        labels: (0..n as u32).map(|i| i % 3).collect(),
        items: (0..n as u32).collect(),
        channels: spec.channels,
        px: spec.image_px,
    }
}

/// Without dropout, whose generator belongs to the whole process and so to the tests beside this one, too.
#[test]
fn recomputing_changes_no_weight_by_a_single_bit() {
    for (net, form, pooling) in [
        (Net::Small, Form::Usual, Pooling::Depthwise),
        (Net::Resnet50, Form::Usual, Pooling::Average),
        (Net::Vgg16, Form::Usual, Pooling::Average),
        (Net::Iresnet18, Form::Usual, Pooling::Depthwise),
        (Net::Iresnet18, Form::Usual, Pooling::AveragePrelu),
        (Net::Iresnet18, Form::EvolveSe, Pooling::Flatten),
        (Net::MobileFaceNet, Form::Usual, Pooling::Auto),
        (Net::MobileFaceNetClassic, Form::Usual, Pooling::Auto),
        (Net::MobileFaceNetClassic, Form::Relu6, Pooling::Auto),
    ] {
        let spec = EmbedderSpec { net, form, pooling, channels: 3, image_px: 18, embedding_dim: 8, dropout: 0.0 };
        check(&spec, &config().train);
    }
}

/// The first pass goes the fast way of inference then, the second that with gradients.
#[test]
fn nor_does_it_where_the_normalisations_keep_their_statistics() {
    for (net, form, pooling) in
        [(Net::Small, Form::Usual, Pooling::Depthwise), (Net::Iresnet18, Form::EvolveSe, Pooling::Flatten)]
    {
        let spec = EmbedderSpec { net, form, pooling, channels: 3, image_px: 18, embedding_dim: 8, dropout: 0.0 };
        let train = TrainConfig { start_from: "another run".to_owned(), freeze_norm: true, ..config().train };
        assert!(train.keeps_norm());
        check(&spec, &train);
    }
}

/// Two steps come to the same, whether maps are kept or computed again.
fn check(spec: &EmbedderSpec, train: &TrainConfig) {
    let head = HeadSpec::plain(Head::ArcFace, [3, 8], 16.0, Margins { rad: 0.3, ..Margins::NONE });
    let trained = |recompute: bool| {
        let train = TrainConfig { recompute, micro_batches: 2, ..train.clone() };
        let mut session = open_session(Device::Cpu, spec, &head, &train).unwrap();
        let mut losses = Vec::new();
        for step in 0..2_u64 {
            let moment = Moment { step, seed: step, ..Moment::LATE };
            let outcome = session.step(&batch(6, spec, step as usize), 0.05, moment).unwrap();
            losses.extend(outcome.iter().map(|outcome| outcome.loss.to_bits()));
        }
        let saved = session.save().unwrap();
        let tensors = |bytes: &[u8]| weights_from_bytes(bytes).unwrap().tensors;
        (losses, tensors(&saved.model), tensors(&saved.head))
    };
    let (plain, again) = (trained(false), trained(true));
    assert_eq!(plain.0, again.0, "{spec:?}: losses");
    assert!(plain.1 == again.1, "{spec:?}: weights or running statistics");
    assert!(plain.2 == again.2, "{spec:?}: head");
}
