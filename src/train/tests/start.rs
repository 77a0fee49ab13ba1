//! What a fine-tuned run begins with: class weights at the means of their classes, and a measure of the network that it
//! started from.

use super::super::checkpoint::{HEAD_FILE, MODEL_FILE};
use super::super::imprint::{self, MOST_IMAGES, TrainingPart};
use super::super::run::Run;
use super::faults::checkpoints;
use super::fine_tune::{first_run, second_config, weights};
use super::*;
use crate::data::{ImageStore, Preprocess, Split, plain_batches, split};
use crate::loss::HeadSpec;
use crate::model::weights::weights_from_bytes;

/// Classes as [`draw`] has them, under names that no other run knows.
fn draw_strangers(folder: &Path, classes: u8, images: u8) -> Arc<Catalog> {
    draw_classes(folder, classes, images);
    for class in 0..classes {
        std::fs::rename(folder.join(format!("p{class:02}")), folder.join(format!("stranger{class:02}"))).unwrap();
    }
    Arc::new(Catalog::open(folder, &|_| {}, &|| false).unwrap())
}

/// A run that learned for a while, and a request for one that starts from it and knows none of its classes.
pub(super) fn request(folder: &Path, images: u8, out: &str) -> TrainRequest {
    let mut config = config();
    config.data.split = SplitBy::Image;
    // It draws from burn's one generator per process, and so what is learnt would depend on the tests beside these.
    config.model.dropout = 0.0;
    config.train.epochs = 6;
    let Trained { path: first, .. } = Trained::below(folder, [6, 8], &config);
    let mut config = second_config(&first);
    config.model.dropout = 0.0;
    config.augment.colour = 0.0;
    let catalog = draw_strangers(&folder.join("strangers"), 6, images);
    TrainRequest { catalog, config, place: Place::NewAt(folder.join(out)) }
}

fn prepare(request: &TrainRequest, observer: &mut Watcher) -> Run {
    Run::prepare(request, &Control::default(), observer).unwrap()
}

/// Network and head of a session, by name.
fn tensors(run: &Run) -> [std::collections::BTreeMap<String, Vec<f32>>; 2] {
    let saved = run.session.save().unwrap();
    [saved.model, saved.head].map(|bytes| {
        let tensors = weights_from_bytes(&bytes).unwrap().tensors.into_iter();
        tensors.map(|(name, weight)| (name, weight.data)).collect()
    })
}

/// Means of the unit embeddings of the first `most` training images of each class, one long, in the order of the labels.
fn means(run: &Run, most: usize) -> Vec<f32> {
    let (split, catalog) = (&run.split, run.store.catalog());
    let of_class = |class: &u32| -> Vec<u32> {
        let is_of = |item: &&u32| catalog.items[**item as usize].class == *class;
        split.train.iter().filter(is_of).take(most).copied().collect()
    };
    let unit = |row: Vec<f64>| {
        let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        row.into_iter().map(|value| value / length).collect::<Vec<f64>>()
    };
    let dim = run.info.head.embedding_dim;
    let mean = |class: &u32| {
        let mut sum = vec![0.0; dim];
        for (batch, _) in plain_batches(&run.store, &of_class(class), 64, false) {
            for row in run.session.embed(&batch).unwrap().chunks(dim) {
                let row = unit(row.iter().map(|value| f64::from(*value)).collect());
                sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
        }
        unit(sum).into_iter().map(|value| value as f32).collect::<Vec<f32>>()
    };
    split.train_classes.iter().flat_map(mean).collect()
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn new_classes_begin_at_the_means_of_their_first_images() {
    let folder = tempfile::tempdir().unwrap();
    let observer = &mut Watcher::default();
    let run = prepare(&request(folder.path(), 22, "tuned"), observer);
    let [_, head] = tensors(&run);
    // Batches of other images round otherwise.
    let (first, all) =
        (furthest(&head["weight"], &means(&run, MOST_IMAGES)), furthest(&head["weight"], &means(&run, 99)));
    assert!(first < 1e-4 && all > 2.0 * first, "{first} and {all}");
    let said = |words: &str| {
        observer.events.iter().any(|event| matches!(event, TrainEvent::Note(text) if text.contains(words)))
    };
    assert!(said("0 of 6 classes; 6 others begin at the mean of their images"), "{:?}", observer.events);
    let images = 6 * MOST_IMAGES;
    let is_progress = |event: &TrainEvent| matches!(event, TrainEvent::Preparing(_, total) if *total == images);
    assert!(observer.events.iter().any(is_progress), "{:?}", observer.events);
}

#[test]
fn plain_softmax_and_sub_centres_begin_there_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request(folder.path(), 8, "softmax");
    request.config.loss.head = Head::Softmax;
    let run = prepare(&request, &mut Watcher::default());
    let ([_, head], expected) = (tensors(&run), means(&run, MOST_IMAGES));
    assert!(furthest(&head["weight"], &expected) < 1e-4 && head["bias"].iter().all(|bias| *bias == 0.0));

    request.config.loss.head = Head::ArcFace;
    request.config.loss.subcenters = 3;
    request.place = Place::NewAt(folder.path().join("sub-centres"));
    let run = prepare(&request, &mut Watcher::default());
    let ([_, head], dim) = (tensors(&run), run.info.head.embedding_dim);
    for (centres, mean) in head["weight"].chunks(3 * dim).zip(expected.chunks(dim)) {
        let rows: Vec<&[f32]> = centres.chunks(dim).collect();
        for row in &rows {
            let cosine: f32 = row.iter().zip(mean).map(|(a, b)| a * b).sum();
            assert!(cosine > 0.9, "{cosine}");
        }
        assert!(furthest(rows[0], mean) < 1e-4 && rows[0] != rows[1] && rows[1] != rows[2]);
    }
}

#[test]
fn classes_of_known_names_keep_their_weights_beside_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (_, first) = first_run(folder.path());
    let mut config = second_config(&first);
    config.loss.head = Head::Softmax;
    let catalog = draw(&folder.path().join("more"), 7, 6);
    let request = TrainRequest { catalog, config, place: Place::NewAt(folder.path().join("second")) };
    let observer = &mut Watcher::default();
    let run = prepare(&request, observer);
    let ([_, head], means) = (tensors(&run), means(&run, MOST_IMAGES));
    let known = weights(&best_checkpoint(&first).unwrap(), HEAD_FILE).tensors["weight"].data.clone();
    let (old, new) = head["weight"].split_at(known.len());
    assert_eq!(old, known);
    assert!(furthest(new, &means[known.len()..]) < 1e-4);
    let told = "the weights of 6 of 7 classes; 1 other begins at the mean of its images";
    let is_told = |event: &TrainEvent| matches!(event, TrainEvent::Note(text) if text.ends_with(told));
    assert!(observer.events.iter().any(is_told), "{:?}", observer.events);
}

/// What is said of the class weights that a run begins with.
fn told(events: &[TrainEvent]) -> &str {
    let note = events.iter().find_map(|event| match event {
        TrainEvent::Note(text) if text.starts_with("the network is that of") => Some(text.as_str()),
        _ => None,
    });
    note.unwrap()
}

#[test]
fn classes_with_fewer_centres_than_before_begin_at_their_means_and_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = one_epoch();
    config.data.split = SplitBy::Image;
    config.loss.head = Head::ArcFace;
    config.loss.subcenters = 3;
    let Trained { catalog, path: first, .. } = Trained::below(folder.path(), [6, 8], &config);
    let place = Place::NewAt(folder.path().join("second"));
    let observer = &mut Watcher::default();
    let run = prepare(&TrainRequest { catalog, config: second_config(&first), place }, observer);
    let ([_, head], means) = (tensors(&run), means(&run, MOST_IMAGES));
    assert!(furthest(&head["weight"], &means) < 1e-4);
    let wanted = "0 of 6 classes; 6 others begin at the mean of their images, because a class has 3 centres in the run it \
                  starts from and 1 in this one";
    assert!(told(&observer.events).ends_with(wanted), "{}", told(&observer.events));
}

#[test]
fn classes_that_are_numbers_are_the_same_only_in_the_same_images() {
    let folder = tempfile::tempdir().unwrap();
    let numbered = |name: &str, images: u8| {
        let place = folder.path().join(name);
        draw_classes(&place, 6, images);
        for class in 0..6 {
            std::fs::rename(place.join(format!("p{class:02}")), place.join(class.to_string())).unwrap();
        }
        Arc::new(Catalog::open(&place, &|_| {}, &|| false).unwrap())
    };
    let (catalog, first) = (numbered("data", 8), folder.path().join("first"));
    let mut config = one_epoch();
    config.data.split = SplitBy::Image;
    super::run(&catalog, &config, Place::NewAt(first.clone()), None).unwrap();
    let said = |catalog: Arc<Catalog>, out: &str| {
        let observer = &mut Watcher::default();
        let place = Place::NewAt(folder.path().join(out));
        prepare(&TrainRequest { catalog, config: second_config(&first), place }, observer);
        told(&observer.events).to_owned()
    };
    let same = said(catalog, "same");
    assert!(same.ends_with("the weights of 6 of 6 classes"), "{same}");
    let other = said(numbered("other", 7), "elsewhere");
    assert!(
        other.contains("of 0 of 6 classes; 6 others begin at the mean of their images, because classes have numbers")
    );
}

/// The images of new classes are read for the second time, of each no more than [`MOST_IMAGES`].
fn is_imprinting(event: &TrainEvent) -> bool {
    matches!(event, TrainEvent::Preparing(_, total) if *total == 6 * MOST_IMAGES)
}

#[test]
fn a_new_run_that_was_stopped_while_its_classes_were_prepared_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request(folder.path(), 22, "begun");
    let [begun, made, own, runs] = ["begun", "made", "own", "runs"].map(|name| folder.path().join(name));
    drop(prepare(&request, &mut Watcher::default()));
    std::fs::create_dir(&own).unwrap();
    let mut stop = |place| {
        request.place = place;
        let (stopped, _) = run_until(&request, is_imprinting);
        assert!(matches!(stopped, Err(TrainError::Cancelled)), "{stopped:?}");
    };
    stop(Place::NewAt(made.clone()));
    stop(Place::NewAt(own.clone()));
    stop(Place::NewIn(runs.clone()));
    stop(Place::Resume(begun.clone()));
    assert!(!made.exists());
    let is_empty = |folder: &Path| std::fs::read_dir(folder).unwrap().next().is_none();
    assert!(is_empty(&own) && is_empty(&runs), "only what was made is removed, and all of that");
    assert!(is_run(&begun) && begun.join("checkpoints").is_dir(), "this one had begun before");
}

#[test]
fn going_back_to_the_start_can_be_stopped_while_classes_are_prepared() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request(folder.path(), 8, "tuned");
    let path = folder.path().join("tuned");
    let (stopped, _) = run_until(&request, |event| matches!(event, TrainEvent::Step(step) if step.step == 3));
    assert!(stopped.unwrap().stopped);
    // A full disk may have kept it from being written.
    std::fs::remove_dir_all(path.join("checkpoints/000000")).unwrap();
    request.place = Place::Resume(path.clone());
    let observer = &mut Watcher::default();
    let mut run = prepare(&request, observer);
    let before = checkpoints(&path);
    assert_eq!((run.state.step, run.state.epoch, before.len()), (3, 0, 1), "this test needs a stop in the first epoch");
    run.must_go_back = true;
    let control = Control::default();
    control.cancel();
    assert!(!run.epochs(&control, observer).unwrap(), "it was not stopped");
    assert_eq!((checkpoints(&path), run.state.step, run.state.rewinds), (before.clone(), 3, 0));
    // With nothing on disk, it has come no further than one that was stopped before its first step.
    std::fs::remove_dir_all(&before[0]).unwrap();
    assert!(matches!(run.epochs(&control, observer), Err(TrainError::Cancelled)));
}

#[test]
fn the_time_left_is_not_told_from_the_measure_of_the_start_and_the_time_taken_is() {
    let folder = tempfile::tempdir().unwrap();
    let observer = &mut Watcher::default();
    let mut run = prepare(&request(folder.path(), 8, "tuned"), observer);
    let began = run.clock.began;
    run.measure_start(&Control::default(), observer).unwrap();
    assert!(run.state.last_measured() == Some(0) && run.clock.began == began);
    assert!(run.clock.before_steps > std::time::Duration::ZERO);
}

#[test]
fn a_run_that_was_killed_before_its_first_checkpoint_begins_with_the_same_weights_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request(folder.path(), 8, "tuned");
    request.config.loss.subcenters = 2;
    let first = tensors(&prepare(&request, &mut Watcher::default()));
    request.place = Place::Resume(folder.path().join("tuned"));
    let again = prepare(&request, &mut Watcher::default());
    assert_eq!(
        (again.state.step, again.state.last_measured()),
        (0, None),
        "this test needs a run without a checkpoint"
    );
    assert!(first == tensors(&again), "the weights differ");
}

fn steps_and_epochs(events: &[TrainEvent]) -> (Vec<&StepMetrics>, Vec<&EpochMetrics>) {
    let steps = events.iter().filter_map(|event| if let TrainEvent::Step(step) = event { Some(step) } else { None });
    let epochs =
        events.iter().filter_map(|event| if let TrainEvent::Epoch(epoch) = event { Some(epoch) } else { None });
    (steps.collect(), epochs.collect())
}

#[test]
fn the_network_that_a_run_starts_from_is_its_epoch_0_and_it_knows_new_classes_from_the_first_step_on() {
    let folder = tempfile::tempdir().unwrap();
    let request = request(folder.path(), 8, "tuned");
    let (summary, events) = run_until(&request, |_| false);
    assert_eq!(summary.unwrap().epochs, 2);
    let (steps, epochs) = steps_and_epochs(&events);
    assert_eq!(epochs.iter().map(|epoch| epoch.epoch).collect::<Vec<_>>(), [0, 1, 2]);
    let start = epochs[0];
    assert!(start.step == 0 && start.best && start.train_loss.is_nan() && start.eer.is_some(), "{start:?}");
    // One in six is chance.
    assert!(start.val_accuracy.unwrap() >= 0.5 && steps[0].accuracy >= 0.5, "{start:?}, {:?}", steps[0]);
    // Frozen, the network is as good as it was, and its class weights have learned more.
    assert!(epochs[1].eer == start.eer && epochs[1].best, "{epochs:?}");
    let listed = read_run(&folder.path().join("tuned")).unwrap();
    assert_eq!(listed.epochs.iter().map(|epoch| epoch.epoch).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(listed.best_eer() <= start.eer && !listed.is_unfinished());
}

#[test]
fn a_run_that_was_stopped_before_its_first_step_goes_on_from_its_start_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request(folder.path(), 8, "whole");
    run_until(&request, |_| false).0.unwrap();
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    request.place = Place::NewAt(parts.clone());
    let mark = parts.join("checkpoints/000000/mark");
    let (stopped, _) = run_until(&request, |event| {
        let is_measured = matches!(event, TrainEvent::Epoch(_));
        if is_measured {
            std::fs::write(&mark, "").unwrap();
        }
        is_measured
    });
    assert!(matches!(stopped, Err(TrainError::Cancelled)), "{stopped:?}");
    // It is stopped there once more. Nothing is new, and this checkpoint is all that the run has.
    request.place = Place::Resume(parts.clone());
    let (stopped, _) = run_until(&request, |event| matches!(event, TrainEvent::Started(_)));
    assert!(matches!(stopped, Err(TrainError::Cancelled)), "{stopped:?}");
    assert!(mark.is_file(), "a checkpoint with nothing new in it was written over the one that is there");
    let best = best_checkpoint(&parts).unwrap();
    assert_eq!((best.state.step, best.state.best.unwrap().epoch), (0, 0));
    let (summary, events) = run_until(&request, |_| false);
    assert_eq!(summary.unwrap().epochs, 2);
    assert_eq!(steps_and_epochs(&events).1[0].epoch, 1, "it was measured again");
    let metrics = |run: &Path| std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics(&whole), metrics(&parts), "the metrics differ");
    let [whole, parts] = [&whole, &parts].map(|run| latest_checkpoint(run).unwrap().0);
    for file in [MODEL_FILE, HEAD_FILE] {
        assert!(weights(&whole, file).tensors == weights(&parts, file).tensors, "{file} differs");
    }
}

#[test]
fn a_run_in_which_nothing_was_better_than_its_start_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    let place = Place::NewAt(folder.path().join("second"));
    let observer = &mut Watcher::default();
    let mut run = prepare(&TrainRequest { catalog, config: second_config(&first), place }, observer);
    let mut told = |after, epoch| {
        run.state.epoch = after;
        run.state.best = Some(BestSoFar { epoch, step: 0, value: 0.1, by: None });
        let mut watcher = Watcher::default();
        run.say_if_start_is_best(&mut watcher);
        watcher
            .events
            .iter()
            .any(|event| matches!(event, TrainEvent::Note(text) if text.contains("no epoch was better")))
    };
    // In the first epoch the network is frozen.
    assert!(told(2, 0) && told(2, 1) && !told(2, 2));
    assert!(!told(1, 0) && !told(1, 1), "it has not learned yet");
}

/// Images that are read when they are asked for, and a session whose network has never seen them.
struct Strangers {
    store: ImageStore,
    split: Split,
    session: Box<dyn Session>,
    head: HeadSpec,
}

impl Strangers {
    fn below(folder: &Path) -> Self {
        let catalog = draw(folder, 3, 5);
        let mut config = config();
        config.data.split = SplitBy::Image;
        let split = split(&catalog, &config.data, 1).unwrap();
        let (embedder, head) = tiny_specs(crate::config::Net::Small);
        let session = open_session(Device::Cpu, &embedder, &head, &config.train).unwrap();
        Self { store: ImageStore::on_demand(catalog, Preprocess::new(16, 1)), split, session, head }
    }

    /// The classes that get rows, and how many problems there were.
    fn rows(&mut self, control: &Control) -> Result<(Vec<usize>, usize), TrainError> {
        let part = TrainingPart { store: &self.store, split: &self.split, seed: 1, at_once: 64, control };
        let (begun, left_out) =
            imprint::set_rows(self.session.as_mut(), &part, &self.head, &[false; 3], &mut |_, _| {})?;
        Ok((begun, left_out.groups().len()))
    }
}

#[test]
fn a_class_whose_images_cannot_be_read_keeps_its_random_weights() {
    let folder = tempfile::tempdir().unwrap();
    let mut strangers = Strangers::below(folder.path());
    let control = Control::default();
    assert_eq!(strangers.rows(&control).unwrap(), (vec![0, 1, 2], 0));
    std::fs::remove_dir_all(folder.path().join("p01")).unwrap();
    let (rows, problems) = strangers.rows(&control).unwrap();
    assert!(rows == [0, 2] && problems > 0, "{rows:?}, {problems}");
    control.cancel();
    assert!(matches!(strangers.rows(&control), Err(TrainError::Cancelled)));
}
