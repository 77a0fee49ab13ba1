//! Steps of a session on images that are drawn, without a run around them: outcomes, precision, averages, resuming.

use super::super::session::{BurnSession, Mode};
use super::*;
use crate::config::{Net, Precision, TrainConfig};
use crate::data::HostBatch;
use crate::kernels::Cpu;
use crate::loss::HeadSpec;

/// A session on the CPU whose network has random weights.
fn session(net: Net, precision: Precision, read_every: usize) -> BurnSession<Cpu> {
    let (embedder, head) = tiny_specs(net);
    let device = Default::default();
    BurnSession::new(&embedder, &head, &RunConfig::default().train, device, Mode { precision, read_every })
}

/// The class weights of [`tiny_specs`] in a session, row by row; the file of the head ends with them.
fn rows(session: &dyn Session) -> Vec<f32> {
    let bytes = session.save().unwrap().head;
    let weights = &bytes[bytes.len() - 3 * 8 * 4..];
    weights.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

/// The path a GPU takes, on the CPU: burn's run-time dispatch.
#[cfg(feature = "cuda")]
fn dispatched(
    (embedder, head): &(crate::model::EmbedderSpec, HeadSpec),
    config: &TrainConfig,
    mode: Mode,
) -> BurnSession<crate::kernels::Gpu> {
    BurnSession::new(embedder, head, config, burn::DispatchDevice::Flex(Default::default()), mode)
}

/// Another one that goes on where the first one is.
#[cfg(feature = "cuda")]
fn resumed(
    specs: &(crate::model::EmbedderSpec, HeadSpec),
    config: &TrainConfig,
    mode: Mode,
    first: &BurnSession<crate::kernels::Gpu>,
) -> BurnSession<crate::kernels::Gpu> {
    let mut second = dispatched(specs, &TrainConfig { seed: config.seed + 1, ..config.clone() }, mode);
    second.restore(&first.save().unwrap().resume).unwrap();
    second
}

/// It must compute the same steps, with outcomes read at once or only after several steps, and go on after a checkpoint.
#[cfg(feature = "cuda")]
#[test]
fn the_dispatched_backend_takes_the_same_steps_as_the_direct_one() {
    let config = RunConfig::default().train;
    let batch = tiny_batch();
    for (net, read_every) in [(Net::Small, 1), (Net::Small, 3), (Net::Iresnet18, 3), (Net::MobileFaceNet, 1)] {
        let specs = tiny_specs(net);
        let mode = Mode { precision: Precision::F32, read_every };
        let mut dispatched = dispatched(&specs, &config, mode);
        let mut direct = open_session(Device::Cpu, &specs.0, &specs.1, &config).unwrap();
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for step in 0..4 {
            a.extend(direct.step(&batch, 0.01, moment(step)).unwrap());
            b.extend(Session::step(&mut dispatched, &batch, 0.01, moment(step)).unwrap());
        }
        b.extend(dispatched.settle().unwrap());
        assert_eq!((a.len(), b.len()), (4, 4));
        let first = a[0].loss;
        for (step, (a, b)) in a.iter().zip(&b).enumerate() {
            assert!((a.loss - b.loss).abs() < 2e-3 * first, "{net:?}, {step}: {} and {}", a.loss, b.loss);
            assert!(a.fate == Fate::Applied && b.fate == Fate::Applied);
            assert_eq!(a.target_cosines.len(), b.target_cosines.len());
        }
        let (a, b) = (direct.embed(&batch).unwrap(), dispatched.embed(&batch).unwrap());
        let cosine = crate::eval::cosine_similarity(&a[..8], &b[..8]);
        assert!(cosine > 0.99, "{net:?}: {cosine}");
        let mut second = resumed(&specs, &config, mode, &dispatched);
        assert_eq!(second.embed(&batch).unwrap(), b);
        assert_eq!(losses(&mut second, &batch, 3), losses(&mut dispatched, &batch, 3), "{net:?} after a checkpoint");
    }
}

/// With two optimisers and what they keep, and with everything that a head can be asked for.
#[cfg(feature = "cuda")]
#[test]
fn the_dispatched_backend_knows_every_loss() {
    let batch = tiny_batch();
    let optimizers = [crate::config::Optimizer::Sgd, crate::config::Optimizer::AdamW];
    let mode = Mode { precision: Precision::F32, read_every: 1 };
    for (head, optimizer) in Head::every().zip(optimizers.into_iter().cycle()) {
        let (embedder, _) = tiny_specs(Net::Small);
        let mut spec = HeadSpec::plain(head, [3, 8], 16.0, head.published_margins());
        spec.options.batch_negatives = head.takes_batch_negatives();
        let config = TrainConfig { optimizer, ..RunConfig::default().train };
        let mut direct = open_session(Device::Cpu, &embedder, &spec, &config).unwrap();
        let specs = (embedder, spec);
        let mut dispatched = dispatched(&specs, &config, mode);
        let [a, b] = [direct.as_mut(), &mut dispatched].map(|session| losses(session, &batch, 2));
        for (a, b) in a.iter().zip(&b) {
            // Rounding, after a step that Adam makes large.
            assert!((a - b).abs() < 5e-3 * a.abs().max(1.0), "{head:?}: {a} and {b}");
        }
        let mut second = resumed(&specs, &config, mode, &dispatched);
        assert_eq!(losses(&mut second, &batch, 2), losses(&mut dispatched, &batch, 2), "{head:?} after a checkpoint");
    }
}

/// Losses of some steps.
fn losses(session: &mut dyn Session, batch: &HostBatch, steps: u64) -> Vec<f64> {
    let mut outcomes = Vec::new();
    for step in 0..steps {
        outcomes.extend(session.step(batch, 0.01, moment(step)).unwrap());
    }
    outcomes.extend(session.settle().unwrap());
    assert_eq!(outcomes.len() as u64, steps);
    assert!(outcomes.iter().all(|outcome| outcome.fate == Fate::Applied));
    outcomes.iter().map(|outcome| outcome.loss).collect()
}

#[test]
fn outcomes_read_late_are_those_read_at_once() {
    let [at_once, late] =
        [1, 3].map(|read_every| losses(&mut session(Net::Small, Precision::F32, read_every), &tiny_batch(), 7));
    for (a, b) in at_once.iter().zip(&late) {
        // The norm is taken in f32 here and in f64 there.
        assert!((a - b).abs() < 1e-3 * at_once[0], "{at_once:?} and {late:?}");
    }
}

#[test]
fn an_unusable_step_on_the_device_leaves_the_weights_finite() {
    let mut session = session(Net::Small, Precision::F32, 4);
    let mut broken = tiny_batch();
    broken.images[3] = f32::NAN;
    let before = rows(&session);
    session.step(&broken, 0.01, moment(0)).unwrap();
    session.step(&broken, 0.01, moment(1)).unwrap();
    let outcomes = session.settle().unwrap();
    assert!(outcomes.len() == 2 && outcomes.iter().all(|step| step.fate == Fate::Unusable && step.loss.is_nan()));
    let embedded = session.embed(&tiny_batch()).unwrap();
    assert!(embedded.iter().all(|value| value.is_finite()), "the running statistics were lost");
    // Only the decay moved them.
    for (a, b) in before.iter().zip(rows(&session)) {
        assert!((a - b).abs() < 1e-4, "{a} became {b}");
    }
}

#[test]
fn parts_of_a_batch_add_up_to_the_step_of_the_whole_where_nothing_is_normalised_over_the_batch() {
    let (embedder, head) = tiny_specs(Net::Small);
    // Every part holds the same images, so that the normalisation sees the same numbers.
    let mut batch = tiny_batch();
    batch.images.copy_within(..3 * 256, 3 * 256);
    let run = |micro_batches| {
        let config = TrainConfig { micro_batches, ..RunConfig::default().train };
        losses(open_session(Device::Cpu, &embedder, &head, &config).unwrap().as_mut(), &batch, 4)
    };
    for (whole, parts) in run(1).iter().zip(run(2)) {
        assert!((whole - parts).abs() < 2e-3 * whole.abs(), "{whole} and {parts}");
    }
}

#[test]
fn the_parts_of_a_batch_draw_margins_of_their_own() {
    let (embedder, _) = tiny_specs(Net::Small);
    let mut batch = tiny_batch();
    batch.images.copy_within(..3 * 256, 3 * 256);
    let half = batch.parts(2).next().unwrap().into_owned();
    for (kind, draws) in [(Head::ArcFace, false), (Head::ElasticArcFace, true)] {
        let head = HeadSpec::plain(kind, [3, 8], 16.0, kind.published_margins());
        let loss = |batch, micro_batches| {
            let config = TrainConfig { micro_batches, ..RunConfig::default().train };
            losses(open_session(Device::Cpu, &embedder, &head, &config).unwrap().as_mut(), batch, 1)[0]
        };
        // Both parts hold the same images of the same classes: only what is drawn for them can make a difference.
        let (once, twice) = (loss(&half, 1), loss(&batch, 2));
        assert_eq!((once - twice).abs() > 1e-3, draws, "{kind:?}: {once} and {twice}");
    }
}

#[test]
fn half_precision_follows_full_precision() {
    for net in [Net::Small, Net::Iresnet18, Net::MobileFaceNet] {
        let run = |precision| {
            let mut session = session(net, precision, 1);
            let steps = 0..16;
            steps.flat_map(|step| session.step(&tiny_batch(), 0.01, moment(step)).unwrap()).collect::<Vec<_>>()
        };
        let full = run(Precision::F32)[0].loss;
        for precision in [Precision::Bf16, Precision::F16] {
            let half = run(precision);
            let first = half[0].loss;
            // Its last maps have one pixel here: a normalisation over six numbers makes much of their rounding.
            let tolerance = if net == Net::MobileFaceNet { 0.1 } else { 0.03 };
            assert!((full - first).abs() < tolerance * full, "{net:?}, {precision:?}: {full} and {first}");
            // The first factors of f16 may be too large for a network of random weights.
            assert!(
                precision == Precision::F16 || half.iter().all(|step| step.fate == Fate::Applied),
                "{net:?}: {half:?}"
            );
            let last = half.last().unwrap();
            assert!(last.fate == Fate::Applied && last.loss < 0.8 * first, "{net:?}, {precision:?}: {half:?}");
        }
    }
}

/// The first factors are too large for this network: the fitting one is found step by step, and the run goes on.
#[test]
fn overflows_of_half_precision_that_are_read_late_are_not_taken_for_divergence() {
    let mut session = session(Net::Iresnet18, Precision::F16, 8);
    let mut steps: Vec<_> = (0..40).flat_map(|step| session.step(&tiny_batch(), 0.01, moment(step)).unwrap()).collect();
    steps.extend(session.settle().unwrap());
    assert_eq!(steps.len(), 40);
    assert!(steps.iter().all(|step| step.fate != Fate::Unusable), "{steps:?}");
    assert!(steps[0].fate == Fate::Overflowed, "this test needs a factor that is too large at first: {steps:?}");
    let lost = steps.iter().filter(|step| step.fate == Fate::Overflowed).count();
    assert!(lost < 16, "{lost} of 40 steps");
    assert!(steps.last().unwrap().fate == Fate::Applied, "{steps:?}");
}

#[test]
fn averaged_weights_follow_and_are_what_is_shown_and_saved() {
    let (embedder, head) = tiny_specs(Net::Small);
    let open = |weight_average| {
        let config = TrainConfig { weight_average, ..RunConfig::default().train };
        open_session(Device::Cpu, &embedder, &head, &config).unwrap()
    };
    let (mut plain, mut averaged) = (open(0.0), open(0.9));
    let batch = tiny_batch();
    let start = plain.embed(&batch).unwrap();
    assert_eq!(averaged.embed(&batch).unwrap(), start);
    for step in 0..6 {
        let [a, b] = [&mut plain, &mut averaged].map(|session| session.step(&batch, 0.05, moment(step)).unwrap());
        assert_eq!(a, b, "the average must not change the training");
    }
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
    let (last, mean) = (plain.embed(&batch).unwrap(), averaged.embed(&batch).unwrap());
    assert!(distance(&mean, &start) > 0.0 && distance(&mean, &last) > 0.0);
    let saved = averaged.save().unwrap();
    let mut resumed = open(0.9);
    resumed.restore(&saved.resume).unwrap();
    assert_eq!(resumed.embed(&batch).unwrap(), mean);
    // The next steps are the same too.
    for session in [&mut averaged, &mut resumed] {
        session.step(&batch, 0.05, moment(6)).unwrap();
    }
    assert_eq!(resumed.embed(&batch).unwrap(), averaged.embed(&batch).unwrap());
}

#[test]
fn the_head_can_learn_at_a_rate_of_its_own() {
    let (embedder, head) = tiny_specs(Net::Small);
    let moved = |head_lr_factor| {
        let head_lr_factor = Auto::Set(head_lr_factor);
        let config = TrainConfig { head_lr_factor, weight_decay: 0.0, grad_clip: 0.0, ..RunConfig::default().train };
        let mut session = open_session(Device::Cpu, &embedder, &head, &config).unwrap();
        let before = rows(session.as_ref());
        session.step(&tiny_batch(), 0.05, moment(0)).unwrap();
        rows(session.as_ref()).iter().zip(before).map(|(after, before)| after - before).collect::<Vec<f32>>()
    };
    for (once, tenfold) in moved(1.0).iter().zip(moved(10.0)) {
        assert!((10.0 * once - tenfold).abs() < 1e-4 + 1e-3 * tenfold.abs(), "{once} and {tenfold}");
    }
}

/// Losses that keep statistics, and everything that can be added, go through a whole run, a kill and a resume.
#[test]
fn every_loss_trains_and_resumes_bit_for_bit() {
    let (embedder, _) = tiny_specs(Net::Small);
    let config = RunConfig::default().train;
    for kind in Head::every() {
        // Of nine classes six take part in a step: the three of the batch, and three that are drawn for it.
        let mut head = HeadSpec::plain(kind, [9, 8], 8.0, kind.published_margins());
        head.options.class_share = 0.7;
        head.options.filter_above = 0.6;
        if kind.is_cosine() {
            head.options.subcenters = 2;
            head.options.batch_negatives = true;
        }
        let open = || open_session(Device::Cpu, &embedder, &head, &config).unwrap();
        let mut whole = open();
        let first: Vec<f64> = (0..3)
            .flat_map(|step| whole.step(&tiny_batch(), 0.01, moment(step)).unwrap())
            .map(|step| step.loss)
            .collect();
        let saved = whole.save().unwrap();
        let mut resumed = open();
        resumed.restore(&saved.resume).unwrap();
        for step in 3..6 {
            let [a, b] =
                [&mut whole, &mut resumed].map(|session| session.step(&tiny_batch(), 0.01, moment(step)).unwrap());
            assert_eq!(a, b, "{kind:?} after a resume");
            assert!(a[0].loss.is_finite() && a[0].fate == Fate::Applied, "{kind:?}: {first:?}, {a:?}");
        }
        let [a, b] = [&whole, &resumed].map(|session| {
            let embeddings = session.embed(&tiny_batch()).unwrap();
            (session.logits(embeddings.clone()).unwrap(), embeddings)
        });
        assert_eq!(a, b, "{kind:?}: the weights differ");
    }
}
