//! On which images a run is measured, what becomes of its threshold, and what a comparison tells beside the verdict.

use super::*;
use crate::config::Head;
use crate::eval::{OperatingPoint, OperatingRule, operating_point};
use crate::train::{
    Doubt, ExportFormat, KeptPoint, PreprocessChange, Threshold, kept_rule, load_operating_point, read_config,
};
use crate::worker::protocol::{EvaluateOn, Evaluation, JobError};

/// A run of one epoch on these images.
fn train(bench: &mut Bench, catalog: &Arc<Catalog>, run: &Path, change: impl FnOnce(&mut RunConfig)) {
    let mut config = config();
    config.train.epochs = 1;
    change(&mut config);
    let place = Place::NewAt(run.to_owned());
    let (_, outcome) = bench.run(Request::Train { catalog: Arc::clone(catalog), config: Box::new(config), place });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
}

/// What a run comes to.
fn measure(bench: &mut Bench, run: &Path, on: EvaluateOn) -> Result<Arc<Evaluation>, JobError> {
    let (events, outcome) = bench.run(Request::Evaluate { run: run.to_owned(), on });
    if let Outcome::Failed(error) = outcome {
        return Err(error);
    }
    let of_event = |event| if let Event::Evaluated { evaluation, .. } = event { Some(evaluation) } else { None };
    Ok(events.into_iter().find_map(of_event).expect("it was measured"))
}

#[test]
fn measuring_a_run_again_chooses_its_threshold_as_it_was_chosen_before() {
    let Opened { folder, mut bench, catalog, .. } = opened();
    let run = folder.path().join("run");
    train(&mut bench, &catalog, &run, |config| config.eval.far_target = Auto::Set(0.25));
    let eval = read_config(&run).unwrap().eval;
    let own = || EvaluateOn::OwnSplit { open: None };
    let again = measure(&mut bench, &run, own()).unwrap();
    assert_eq!((again.rule, kept_rule(&run, &eval)), (OperatingRule::Far(0.25), OperatingRule::Far(0.25)));
    assert_eq!(again.epoch, 1, "of the network after its only epoch");
    assert_eq!(again.report.operating, operating_point(&again.rates, OperatingRule::Far(0.25)));
    assert_eq!(load_operating_point(&run).as_ref(), Some(&again.report.operating));

    let choose = |bench: &mut Bench, rule: OperatingRule| {
        let point = operating_point(&again.rates, rule);
        let model_sha256 = Some(again.model_sha256.clone());
        save(bench, &run, &KeptPoint { point, rule: Some(rule), on_other_images: false, model_sha256 }).unwrap();
    };
    choose(&mut bench, OperatingRule::Eer);
    assert_eq!(measure(&mut bench, &run, own()).unwrap().rule, OperatingRule::Eer);
    choose(&mut bench, OperatingRule::Far(0.5));
    let again = measure(&mut bench, &run, own()).unwrap();
    assert_eq!((again.rule, &again.kept_elsewhere), (OperatingRule::Far(0.5), &None));
    // On a list of pairs, say: looking at the run again does not move it.
    let kept = KeptPoint {
        point: OperatingPoint { threshold: 0.75, ..again.threshold() },
        rule: Some(OperatingRule::Far(0.5)),
        on_other_images: true,
        model_sha256: Some(again.model_sha256.clone()),
    };
    save(&mut bench, &run, &kept).unwrap();
    let again = measure(&mut bench, &run, own()).unwrap();
    assert_eq!((again.rule, again.threshold()), (OperatingRule::Far(0.5), kept.point.clone()));
    assert_ne!(again.report.operating, kept.point);
    assert_eq!(load_operating_point(&run), Some(kept.point));
    assert_eq!(crate::train::load_evaluation(&run).unwrap().rule, OperatingRule::Far(0.5));
}

#[test]
fn copies_of_one_image_among_the_pairs_make_the_rates_doubtful() {
    let Opened { folder, mut bench, catalog, .. } = opened();
    let run = folder.path().join("run");
    train(&mut bench, &catalog, &run, |_| {});
    let copies = folder.path().join("copies");
    crate::data::testing::draw_classes(&copies, 4, 2);
    for class in ["p00", "p01", "p02", "p03"] {
        std::fs::copy(copies.join(class).join("0.png"), copies.join(class).join("1.png")).unwrap();
    }
    let copies = open(&mut bench, &copies);
    let measured = measure(&mut bench, &run, EvaluateOn::Whole(copies)).unwrap();
    assert_eq!(measured.doubt, Some(Doubt::Copies { genuine: 4, impostor: 0 }));
}

#[test]
fn what_was_measured_before_a_run_went_on_neither_decides_nor_is_searched() {
    let Opened { folder, data, mut bench, catalog } = opened();
    let run = folder.path().join("run");
    train(&mut bench, &catalog, &run, |_| {});
    let measured = measure(&mut bench, &run, EvaluateOn::OwnSplit { open: None }).unwrap();
    let verify = |bench: &mut Bench, measured: Arc<Evaluation>| {
        let images = Box::new([data.join("p00/0.png"), data.join("p01/1.png")].map(ImageSource::File));
        let (events, outcome) = bench.run(Request::Verify { run: run.clone(), images, measured: Some(measured) });
        assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
        let of_event = |event| if let Event::Verified { result, .. } = event { Some(result) } else { None };
        events.into_iter().find_map(of_event).expect("they were compared")
    };
    let now = verify(&mut bench, Arc::clone(&measured));
    assert_eq!(now.threshold, Threshold::Known(measured.threshold()));
    assert!(now.measured.is_some() && now.neighbours.iter().all(|found| !found.is_empty()));
    assert_eq!(now.model_sha256, measured.model_sha256);

    // As if these were measured with an earlier network; what is kept with the run is of the one now.
    let earlier = Arc::new(Evaluation { model_sha256: "earlier".into(), ..(*measured).clone() });
    let kept = verify(&mut bench, Arc::clone(&earlier));
    assert_eq!(kept.threshold.point(), load_operating_point(&run).as_ref());
    assert!(kept.measured.is_none() && kept.neighbours.iter().all(Vec::is_empty));
    let point = measured.threshold();
    let model_sha256 = Some("earlier".to_owned());
    let older = KeptPoint { point, rule: Some(measured.rule), on_other_images: false, model_sha256 };
    save(&mut bench, &run, &older).unwrap();
    let none = verify(&mut bench, earlier);
    assert_eq!((none.threshold.clone(), none.decision()), (Threshold::Outdated, None));
}

#[test]
fn a_damaged_best_checkpoint_is_told_when_another_is_used_in_its_place() {
    let Opened { folder, mut bench, catalog, .. } = opened();
    let run = folder.path().join("run");
    train(&mut bench, &catalog, &run, |config| config.train.epochs = 2);
    // Of two epochs, both checkpoints are there; the mark is put where no checkpoint is.
    std::fs::remove_file(run.join("best")).unwrap();
    std::fs::write(run.join("best"), "checkpoints/000000").unwrap();
    let (events, outcome) = bench.run(Request::Export {
        run: run.clone(),
        format: ExportFormat::Safetensors,
        out: folder.path().join("net.safetensors"),
    });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let told = events.iter().find_map(|event| if let Event::Warned { text, .. } = event { Some(text) } else { None });
    assert!(told.unwrap().starts_with("the best checkpoint of the run cannot be used"), "{told:?}");
}

/// Keeps a threshold with a run.
fn save(bench: &mut Bench, run: &Path, kept: &KeptPoint) -> Result<(), JobError> {
    let request = Request::SaveOperatingPoint { run: run.to_owned(), kept: kept.clone() };
    match bench.run(request).1 {
        Outcome::Finished => Ok(()),
        Outcome::Failed(error) => Err(error),
        Outcome::Cancelled => panic!("nobody stopped it"),
    }
}

#[test]
fn no_folder_is_made_for_the_threshold_of_a_run_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("gone");
    let point = OperatingPoint {
        threshold: 0.5,
        far: 0.0,
        far_low: 0.0,
        far_high: 0.1,
        frr: 0.0,
        frr_low: 0.0,
        frr_high: 0.1,
        undecided_low: 0.4,
        undecided_high: 0.6,
        limited: false,
    };
    let kept = KeptPoint { point, rule: Some(OperatingRule::Eer), on_other_images: false, model_sha256: None };
    let error = save(&mut Bench::new(), &run, &kept).unwrap_err();
    assert!(error.headline.contains("not a run folder") && !run.exists(), "{error:?}");
}

#[test]
fn what_waits_for_the_end_of_a_training_ends_when_it_is_stopped() {
    let Opened { folder, mut bench, catalog, .. } = opened();
    let run = folder.path().join("run");
    train(&mut bench, &catalog, &run, |_| {});
    let mut long = config();
    long.train.epochs = 5000;
    let place = Place::NewAt(folder.path().join("long"));
    let (training, brake) = bench.send(Request::Train { catalog, config: Box::new(long), place });
    let (waiting, control) = bench.send(Request::Evaluate { run, on: EvaluateOn::OwnSplit { open: None } });
    control.cancel();
    let mut is_over = false;
    let outcome = bench.wait(waiting, |event| is_over |= matches!(event, Event::Trained { .. }));
    assert!(matches!(outcome, Outcome::Cancelled) && !is_over, "{outcome:?}");
    brake.cancel();
    assert!(matches!(bench.wait(training, |_| {}), Outcome::Cancelled));
}

#[test]
fn images_that_could_not_be_read_are_told_with_what_was_measured() {
    let Opened { folder, mut bench, catalog, .. } = opened();
    let run = folder.path().join("run");
    train(&mut bench, &catalog, &run, |_| {});
    let other = folder.path().join("other");
    draw_classes(&other, 6, 4);
    let elsewhere = open(&mut bench, &other);
    // Its header was read, its pixels were not.
    std::fs::write(other.join("p00/0.png"), "no picture any more").unwrap();
    let found = measure(&mut bench, &run, EvaluateOn::Whole(elsewhere)).unwrap();
    assert_eq!((found.table.len(), found.warnings.groups().len()), (23, 1), "{:?}", found.warnings);
}

#[test]
fn a_run_is_measured_on_the_open_images_and_of_its_own_on_those_it_held_out() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let other = folder.path().join("other");
    draw_classes(&other, 6, 4);
    let run = folder.path().join("run");
    let mut bench = Bench::new();
    let catalog = open(&mut bench, &data);
    train(&mut bench, &catalog, &run, |_| {});
    let report = std::fs::read(run.join("evaluation/report.json")).unwrap();
    let elsewhere = open(&mut bench, &other);
    let found = measure(&mut bench, &run, EvaluateOn::Whole(elsewhere)).unwrap();
    assert_eq!((found.on.as_str(), found.is_own, &found.changed), ("24 images of other", false, &None));
    std::fs::copy(data.join("p00/0.png"), data.join("p00/9.png")).unwrap();
    let changed = open(&mut bench, &data);
    let found = measure(&mut bench, &run, EvaluateOn::Whole(changed)).unwrap();
    assert!(!found.is_own && found.changed.is_some(), "training images are among them: {}", found.on);
    assert!(std::fs::read(run.join("evaluation/report.json")).unwrap() == report, "it is of its own images");
    let found = measure(&mut bench, &run, EvaluateOn::Whole(catalog)).unwrap();
    assert!(found.is_own && found.on.contains("held-out"), "{}", found.on);
}

/// The window may not know of a run from elsewhere yet that its weights were imported.
#[test]
fn an_imported_run_is_measured_on_what_is_open_whatever_was_asked_for() {
    let Opened { folder, mut bench, catalog, .. } = opened();
    let (run, file) = (folder.path().join("run"), folder.path().join("net.safetensors"));
    train(&mut bench, &catalog, &run, |_| {});
    bench.run(Request::Export { run, format: ExportFormat::Safetensors, out: file.clone() });
    let root = folder.path().join("runs");
    let request = Request::Import { weights: file, root, preprocess: PreprocessChange::default() };
    let (events, outcome) = bench.run(request);
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let Some(Event::Imported { run, .. }) = events.first() else { panic!("{events:?}") };
    let error = measure(&mut bench, run, EvaluateOn::OwnSplit { open: None }).unwrap_err();
    assert_eq!(error, JobError::no_images_to_measure_on());
    let found = measure(&mut bench, run, EvaluateOn::OwnSplit { open: Some(catalog) }).unwrap();
    assert_eq!((found.on.as_str(), found.is_own), ("60 images of data", false));
}

#[test]
fn the_length_of_an_embedding_is_told_where_the_loss_makes_it_mean_something() {
    let Opened { folder, data, mut bench, catalog } = opened();
    for (head, is_told) in [(Head::MagFace, true), (Head::ArcFace, false)] {
        let run = folder.path().join(head.label());
        train(&mut bench, &catalog, &run, |config| config.loss.head = head);
        let images = [data.join("p00/0.png"), data.join("p01/1.png")].map(ImageSource::File);
        let (events, _) = bench.run(Request::Verify { run, images: Box::new(images), measured: None });
        let Some(Event::Verified { result, .. }) = events.first() else { panic!("{events:?}") };
        assert_eq!(result.lengths.is_some(), is_told, "{head:?}");
        assert!(result.lengths.into_iter().flatten().all(|length| length.is_finite() && length > 0.0));
    }
}
