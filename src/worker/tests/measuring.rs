//! On which images a run is measured, what becomes of its threshold, and what a comparison tells beside the verdict.

use super::*;
use crate::config::Head;
use crate::eval::{OperatingRule, operating_point};
use crate::train::{ExportFormat, KeptPoint, PreprocessChange, kept_rule, load_operating_point, read_config};
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
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let run = folder.path().join("run");
    let mut bench = Bench::new();
    let catalog = open(&mut bench, &data);
    train(&mut bench, &catalog, &run, |config| config.eval.far_target = Auto::Set(0.25));
    let eval = read_config(&run).unwrap().eval;
    let own = || EvaluateOn::OwnSplit { open: None };
    let again = measure(&mut bench, &run, own()).unwrap();
    assert_eq!((again.rule, kept_rule(&run, &eval)), (OperatingRule::Far(0.25), OperatingRule::Far(0.25)));
    assert_eq!(again.report.operating, operating_point(&again.rates, OperatingRule::Far(0.25)));
    assert_eq!(load_operating_point(&run).as_ref(), Some(&again.report.operating));

    let choose = |bench: &mut Bench, rule: OperatingRule, on_other_images: bool| {
        let point = operating_point(&again.rates, rule);
        let kept = KeptPoint { point: point.clone(), rule: Some(rule), on_other_images };
        let (_, outcome) = bench.run(Request::SaveOperatingPoint { run: run.clone(), kept });
        assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
        point
    };
    choose(&mut bench, OperatingRule::Eer, false);
    assert_eq!(measure(&mut bench, &run, own()).unwrap().rule, OperatingRule::Eer);
    // On a list of pairs, say: looking at the run again does not move it.
    let chosen = choose(&mut bench, OperatingRule::Far(0.5), true);
    assert_eq!(measure(&mut bench, &run, own()).unwrap().rule, OperatingRule::Far(0.5));
    assert_eq!(load_operating_point(&run), Some(chosen));
    assert_eq!(crate::train::load_evaluation(&run).unwrap().rule, OperatingRule::Far(0.5));
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
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let (run, file) = (folder.path().join("run"), folder.path().join("net.safetensors"));
    let mut bench = Bench::new();
    let catalog = open(&mut bench, &data);
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
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let mut bench = Bench::new();
    let catalog = open(&mut bench, &data);
    for (head, is_told) in [(Head::MagFace, true), (Head::ArcFace, false)] {
        let run = folder.path().join(head.label());
        train(&mut bench, &catalog, &run, |config| config.loss.head = head);
        let images = [data.join("p00/0.png"), data.join("p01/1.png")].map(ImageSource::File);
        let (events, _) = bench.run(Request::Verify { run, images: Box::new(images), gallery: None, operating: None });
        let Some(Event::Verified { result, .. }) = events.first() else { panic!("{events:?}") };
        assert_eq!(result.lengths.is_some(), is_told, "{head:?}");
        assert!(result.lengths.into_iter().flatten().all(|length| length.is_finite() && length > 0.0));
    }
}
