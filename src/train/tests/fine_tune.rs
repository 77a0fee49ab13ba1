//! Runs that start from other runs.

use super::super::checkpoint::{HEAD_FILE, MODEL_FILE};
use super::super::origin::{NewRun, Origin};
use super::super::run::Run;
use super::faults::checkpoints;
use super::*;
use crate::config::{Net, Pooling};
use crate::loss::HeadSpec;
use crate::model::weights::{Weight, Weights, weights_from_bytes};

pub(super) fn weights(checkpoint: &Checkpoint, file: &str) -> Weights {
    weights_from_bytes(&checkpoint.read(file).unwrap()).unwrap()
}

/// Six classes, told apart by plain softmax for two epochs.
pub(super) fn first_run(folder: &Path) -> (Arc<Catalog>, PathBuf) {
    let mut config = config();
    config.loss.head = Head::Softmax;
    config.data.split = SplitBy::Image;
    config.train.epochs = 2;
    let Trained { catalog, path, .. } = Trained::below(folder, [6, 8], &config);
    (catalog, path)
}

/// Another network and size by the settings, which the first run decides.
pub(super) fn second_config(first: &Path) -> RunConfig {
    let mut config = config();
    config.data.split = SplitBy::Image;
    config.data.image_px = Auto::Set(32);
    config.model.net = Net::Resnet18;
    config.model.pooling = Pooling::Flatten;
    config.train.start_from = first.to_string_lossy().into_owned();
    config.train.freeze_epochs = Auto::Set(1);
    config.train.epochs = 2;
    config
}

#[test]
fn the_network_rests_while_it_is_frozen_and_learns_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    let mut watcher = Watcher::default();
    let path = folder.path().join("second");
    let request = TrainRequest { catalog, config: second_config(&first), place: Place::NewAt(path.clone()) };
    train(&request, &Control::default(), &mut watcher).unwrap();

    let found = best_checkpoint(&first).unwrap();
    let (last, _) = latest_checkpoint(&path).unwrap();
    let frozen = Checkpoint::open(&last.path.with_file_name(format!("{:06}", last.state.step / 2))).unwrap();
    assert_eq!(frozen.state.epoch, 1);
    assert_eq!(weights(&frozen, MODEL_FILE).tensors, weights(&found, MODEL_FILE).tensors);
    assert_ne!(weights(&last, MODEL_FILE).tensors, weights(&found, MODEL_FILE).tensors);
    assert_ne!(weights(&last, HEAD_FILE).tensors["weight"], weights(&frozen, HEAD_FILE).tensors["weight"]);

    let written = read_config(&path).unwrap();
    assert_eq!((written.model.net, written.data.image_px), (Net::Small, Auto::Set(16)));
    let facts = written.run.unwrap();
    assert_eq!(facts.start_sha256, found.digest(MODEL_FILE));
    let said = |words: &str| {
        watcher.events.iter().any(|event| matches!(event, TrainEvent::Note(text) if text.contains(words)))
    };
    assert!(said("6 of 6 classes"), "{:?}", watcher.events);
    let reasons = watcher.events.iter().find_map(|event| match event {
        TrainEvent::Started(started) => Some(&started.reasons),
        _ => None,
    });
    assert!(reasons.unwrap().iter().any(|reason| reason.key == "model.net"), "{reasons:?}");
}

#[test]
fn normalisations_keep_the_statistics_of_the_start_when_told_to_and_a_stop_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    let mut config = second_config(&first);
    config.model.dropout = 0.0;
    config.train.freeze_norm = true;
    let [whole, stopped] = ["whole", "stopped"].map(|name| folder.path().join(name));
    run(&catalog, &config, Place::NewAt(whole.clone()), None).unwrap();
    let newest = |path: &Path| latest_checkpoint(path).unwrap().0;
    let (start, end) = (best_checkpoint(&first).unwrap(), newest(&whole));
    let (start, tensors) = (weights(&start, MODEL_FILE).tensors, weights(&end, MODEL_FILE).tensors);
    let mut statistics = start.keys().filter(|name| name.contains("running_")).peekable();
    assert!(statistics.peek().is_some(), "{:?}", start.keys());
    statistics.for_each(|name| assert_eq!(tensors[name], start[name], "{name}"));
    assert_ne!(tensors, start, "the network learns on");

    run(&catalog, &config, Place::NewAt(stopped.clone()), Some(end.state.step - 1)).unwrap();
    assert_eq!(newest(&stopped).state.step, end.state.step - 1);
    run(&catalog, &config, Place::Resume(stopped.clone()), None).unwrap();
    assert_eq!(weights(&newest(&stopped), MODEL_FILE).tensors, tensors);
    // From scratch there are no statistics worth keeping.
    config.train.start_from.clear();
    assert!(!config.train.keeps_norm());
}

#[test]
fn class_weights_are_found_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    let origin = Origin::find(&mut second_config(&first), &Place::NewIn(folder.path().into()), None).unwrap().unwrap();
    let mut classes: Vec<String> = origin.info.classes.iter().rev().cloned().collect();
    classes.insert(2, "nobody knows".to_owned());
    let dim = origin.info.head.embedding_dim;
    let mut head = HeadSpec::plain(Head::Softmax, [classes.len(), dim], 16.0, crate::config::Margins::NONE);
    let check = |head: &HeadSpec, row_of: fn(usize) -> usize| {
        let mut session = open_session(Device::Cpu, &origin.info.network.embedder, head, &config().train).unwrap();
        let fresh = weights_from_bytes(&session.save().unwrap().head).unwrap();
        let new = NewRun { classes: &classes, data: &catalog, seed: 1 };
        let known = origin.give(session.as_mut(), head, &new).unwrap().unwrap().known;
        assert!((0..classes.len()).all(|class| known[class] == (classes[class] != "nobody knows")), "{known:?}");
        let saved = session.save().unwrap();
        assert_eq!(
            weights_from_bytes(&saved.model).unwrap().tensors,
            weights(&best_checkpoint(&first).unwrap(), MODEL_FILE).tensors
        );
        let (old, new) =
            (weights(&best_checkpoint(&first).unwrap(), HEAD_FILE), weights_from_bytes(&saved.head).unwrap());
        let row = |weights: &Weights, row: usize| weights.tensors["weight"].data[row * dim..(row + 1) * dim].to_vec();
        let cosine = |a: &[f32], b: &[f32]| {
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
        };
        for (class, name) in classes.iter().enumerate() {
            let new_row = row(&new, row_of(class));
            match origin.info.classes.iter().position(|known| known == name) {
                Some(known) => assert!(cosine(&row(&old, known), &new_row) > 0.9999, "{name}"),
                None => assert_eq!(new_row, row(&fresh, row_of(class))),
            }
        }
        match head.head {
            Head::Softmax => assert_eq!(new.tensors["bias"].data[0], old.tensors["bias"].data[classes.len() - 2]),
            Head::UniFace => assert_eq!(new.tensors["bias"], fresh.tensors["bias"], "a threshold is no class's bias"),
            _ => {}
        }
    };
    check(&head, |class| class);
    head.head = Head::ArcFace;
    head.options.subcenters = 2;
    check(&head, |class| class * 2);
    (head.head, head.options.subcenters) = (Head::UniFace, 1);
    check(&head, |class| class);
}

#[test]
fn further_centres_of_a_known_class_begin_beside_the_one_that_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    let origin = Origin::find(&mut second_config(&first), &Place::NewIn(folder.path().into()), None).unwrap().unwrap();
    let (classes, dim) = (origin.info.classes.clone(), origin.info.head.embedding_dim);
    let mut head = HeadSpec::plain(Head::ArcFace, [classes.len(), dim], 16.0, crate::config::Margins::NONE);
    head.options.subcenters = 3;
    let given = |seed| {
        let mut session = open_session(Device::Cpu, &origin.info.network.embedder, &head, &config().train).unwrap();
        origin.give(session.as_mut(), &head, &NewRun { classes: &classes, data: &catalog, seed }).unwrap();
        weights_from_bytes(&session.save().unwrap().head).unwrap().tensors["weight"].data.clone()
    };
    let found = given(7);
    assert_eq!(found.len(), classes.len() * 3 * dim);
    for class in found.chunks(3 * dim) {
        let rows: Vec<&[f32]> = class.chunks(dim).collect();
        for row in &rows {
            let cosine: f32 = row.iter().zip(rows[0]).map(|(a, b)| a * b).sum();
            assert!(cosine > 0.9, "{cosine}");
        }
        assert!(rows[0] != rows[1] && rows[1] != rows[2] && rows[0] != rows[2], "{rows:?}");
    }
    assert_eq!(found, given(7));
    assert_ne!(found, given(8));
}

#[test]
fn a_fine_tuned_run_goes_on_without_the_run_it_started_from() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    let path = folder.path().join("second");
    run(&catalog, &second_config(&first), Place::NewAt(path.clone()), Some(3)).unwrap();
    std::fs::remove_dir_all(&first).unwrap();
    let summary = run(&catalog, &config(), Place::Resume(path.clone()), None).unwrap();
    assert_eq!(summary.epochs, 3);
    // Before the first checkpoint there is nothing to go on with.
    std::fs::remove_dir_all(path.join("checkpoints")).unwrap();
    let error = run(&catalog, &config(), Place::Resume(path), None).unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
}

/// A fine-tuned run that was stopped in its first epoch, opened again.
fn stopped_early(catalog: &Arc<Catalog>, first: &Path, path: &Path, observer: &mut Watcher) -> Run {
    run(catalog, &second_config(first), Place::NewAt(path.to_owned()), Some(3)).unwrap();
    let (saved, _) = latest_checkpoint(path).unwrap();
    assert_eq!((saved.state.step, saved.state.epoch), (3, 0), "this test needs a stop in the first epoch");
    let place = Place::Resume(path.to_owned());
    let request = TrainRequest { catalog: Arc::clone(catalog), config: config(), place };
    Run::prepare(&request, &Control::default(), observer).unwrap()
}

#[test]
fn a_fine_tuned_run_that_was_interrupted_goes_back_to_the_network_it_started_from() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    let path = folder.path().join("second");
    let observer = &mut Watcher::default();
    let mut interrupted = stopped_early(&catalog, &first, &path, observer);
    interrupted.go_back(&Control::default(), observer).unwrap();
    assert_eq!((interrupted.state.step, interrupted.state.rewinds), (0, 1));
    let start = path.join("checkpoints/000000");
    assert_eq!(checkpoints(&path), [start], "a run that goes on would begin with steps that diverged");

    let place = Place::NewAt(folder.path().join("fresh"));
    let request = TrainRequest { catalog, config: second_config(&first), place };
    let fresh = Run::prepare(&request, &Control::default(), observer).unwrap();
    let [back, fresh] = [&interrupted, &fresh].map(|run| {
        let saved = run.session.save().unwrap();
        [saved.model, saved.head].map(|bytes| weights_from_bytes(&bytes).unwrap().tensors)
    });
    assert_eq!(back, fresh);
    assert_eq!(back[0], weights(&best_checkpoint(&first).unwrap(), MODEL_FILE).tensors);

    // The checkpoint of its start holds nothing that it learned.
    (0..2).for_each(|_| interrupted.go_back(&Control::default(), observer).unwrap());
    let error = interrupted.go_back(&Control::default(), observer).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { rewinds: 3, has_checkpoint: false, .. }), "{error}");
    assert!(error.to_string().contains("nothing of what it learned is left"), "{error}");
    assert_eq!(checkpoints(&path).len(), 1);
}

#[test]
fn a_fine_tuned_run_goes_back_to_its_last_checkpoint_when_the_run_it_started_from_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    let observer = &mut Watcher::default();
    let [whole, older] = ["whole", "older"].map(|name| folder.path().join(name));
    let mut runs = [&whole, &older].map(|path| stopped_early(&catalog, &first, path, observer));
    std::fs::remove_dir_all(&first).unwrap();
    let is_told = |watcher: &Watcher| warnings(&watcher.events).iter().any(|text| text.contains("gone or has changed"));
    // Its start lies in its own folder.
    runs[0].go_back(&Control::default(), observer).unwrap();
    assert_eq!((runs[0].state.step, runs[0].state.rewinds, is_told(&*observer)), (0, 1, false));
    // Older versions wrote no checkpoint of it.
    std::fs::remove_dir_all(older.join("checkpoints/000000")).unwrap();
    runs[1].go_back(&Control::default(), observer).unwrap();
    assert_eq!((runs[1].state.step, runs[1].state.rewinds, is_told(&*observer)), (3, 1, true));
}

#[test]
fn other_weights_than_those_it_started_from_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    let path = folder.path().join("second");
    run(&catalog, &second_config(&first), Place::NewAt(path.clone()), Some(3)).unwrap();
    std::fs::remove_dir_all(path.join("checkpoints")).unwrap();
    std::fs::remove_dir_all(&first).unwrap();
    let mut other = config();
    other.data.split = SplitBy::Image;
    other.train.seed = 2;
    run(&catalog, &other, Place::NewAt(first), None).unwrap();
    let error = run(&catalog, &config(), Place::Resume(path), None).unwrap_err();
    assert!(error.to_string().contains("other weights"), "{error}");
}

#[test]
fn every_run_of_a_series_starts_from_the_weights_of_the_first_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    let series = SeriesInfo { id: "one".into(), first_seed: 1, seeds: 3 };
    let mut config = second_config(&first);
    config.run = Some(RunInfo::before(series));
    let path = folder.path().join("seed-1");
    run(&catalog, &config, Place::NewAt(path.clone()), None).unwrap();
    config.run = read_config(&path).unwrap().run.and_then(|begun| begun.further());
    let digest = best_checkpoint(&first).unwrap().digest(MODEL_FILE).to_owned();
    assert_eq!(config.run.as_ref().unwrap().start_sha256, digest);

    // The same weights are what the second one starts from, whatever their run is called by now.
    let (path, renamed) = (folder.path().join("seed-2"), folder.path().join("renamed"));
    std::fs::rename(&first, &renamed).unwrap();
    run(&catalog, &config, Place::NewAt(path.clone()), None).unwrap();
    let begun = read_config(&path).unwrap();
    assert_eq!(Path::new(&begun.train.start_from), renamed.canonicalize().unwrap());
    assert_eq!(begun.run.unwrap().start_sha256, digest);

    let path = folder.path().join("seed-3");
    std::fs::remove_dir_all(&renamed).unwrap();
    let error = run(&catalog, &config, Place::NewAt(path), None).unwrap_err();
    assert!(matches!(error, TrainError::OriginGone { .. }), "{error}");
    assert!(error.to_string().contains("under whatever name"), "{error}");

    // Another run lies where the first one began.
    let mut other = self::config();
    other.data.split = SplitBy::Image;
    other.train.seed = 2;
    run(&catalog, &other, Place::NewAt(first.clone()), None).unwrap();
    let path = folder.path().join("seed-3");
    let error = run(&catalog, &config, Place::NewAt(path.clone()), None).unwrap_err();
    assert!(matches!(error, TrainError::OriginChanged(_)), "{error}");
    let text = error.to_string();
    let words = ["other weights", "start a new series", first.to_str().unwrap()];
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    assert!(!path.exists(), "a folder was made for a run that cannot begin");
    // By itself, nothing keeps it from starting there.
    config.run = None;
    run(&catalog, &config, Place::NewAt(path), None).unwrap();
}

#[test]
fn a_run_whose_checkpoints_are_all_damaged_says_so_when_the_run_it_started_from_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    let path = folder.path().join("second");
    run(&catalog, &second_config(&first), Place::NewAt(path.clone()), Some(3)).unwrap();
    std::fs::remove_dir_all(&first).unwrap();
    checkpoints(&path).iter().for_each(|checkpoint| damage(checkpoint));
    let error = run(&catalog, &config(), Place::Resume(path.clone()), None).unwrap_err();
    let TrainError::AllDamaged { path: named, .. } = &error else { panic!("{error}") };
    assert_eq!(named, &path, "{error}");
    let text = error.to_string();
    assert!(["checksum", "backup", "start a new run"].iter().all(|word| text.contains(word)), "{text}");
    assert!(!text.contains("does not exist"), "{text}");
}

#[test]
fn a_run_with_damaged_checkpoints_cannot_be_started_from_and_the_advice_is_for_who_starts() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    checkpoints(&first).iter().for_each(|checkpoint| damage(checkpoint));
    let second = folder.path().join("second");
    let error = run(&catalog, &second_config(&first), Place::NewAt(second.clone()), None).unwrap_err();
    assert!(matches!(error, TrainError::OriginDamaged { .. }), "{error}");
    let text = error.to_string();
    let words = ["checksum", "backup", "train.start_from", first.to_str().unwrap()];
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    assert!(!second.exists(), "a folder was made for a run that cannot begin");
}

#[test]
fn who_starts_from_a_file_of_weights_is_told_to_import_it_first() {
    let folder = tempfile::tempdir().unwrap();
    let (file, other) = (folder.path().join("weights.safetensors"), folder.path().join("notes.txt"));
    let tensors = [("fc.weight".to_owned(), Weight { shape: vec![2], data: vec![1.0, 2.0] })].into_iter().collect();
    std::fs::write(&file, Weights { tensors, ..Weights::default() }.to_safetensors().unwrap()).unwrap();
    std::fs::write(&other, "no weights").unwrap();
    let error = |path: &Path| Origin::open(&second_config(path)).unwrap_err();
    let text = error(&file).to_string();
    assert!(text.contains(&format!("arclens import {} --out RUN", file.display())), "{text}");
    assert!(matches!(error(&other), TrainError::NotARun { .. }), "{}", error(&other));
}
