//! What the runs of a series came to, as their folders tell: which of them are done, and by which measurement.

use super::faults::{change_state, copy};
use super::*;
use crate::config::Colour;

/// What a run that is asked to go on came to before.
fn finished(catalog: &Arc<Catalog>, run: &Path) -> Option<RunSummary> {
    let place = Place::Resume(run.to_owned());
    let request = TrainRequest { catalog: Arc::clone(catalog), config: read_config(run).unwrap(), place };
    RunSummary::of_finished(&request).unwrap()
}

#[test]
fn a_run_came_to_what_its_own_held_out_images_say_and_to_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let Trained { catalog, path, .. } = Trained::below(folder.path(), [12, 4], &one_epoch());
    let own = load_evaluation(&path).unwrap();
    assert_eq!(own.own, Some(true));
    let rate = finished(&catalog, &path).unwrap().eer;
    assert_eq!((rate, read_run(&path).unwrap().finished.unwrap().eer), (Some(own.report.eer), Some(own.report.eer)));

    // It could not be measured at its end, and a list of pairs is the first that it is measured on.
    std::fs::remove_dir_all(path.join("evaluation")).unwrap();
    let pairs = StoredEvaluation { on: "6000 pairs of lfw".into(), own: Some(false), ..own.clone() };
    assert!(store_first_evaluation(&path, &pairs).unwrap());
    assert_eq!(load_evaluation(&path).unwrap().own, Some(false));
    assert!(finished(&catalog, &path).is_none() && read_run(&path).unwrap().finished.is_none());

    // Older files tell it by their words only.
    let words = ["12 held-out images", "12 held-out images of data", "48 images of data", "6000 pairs of lfw.bin"];
    for (on, is_own) in words.into_iter().zip([true, true, false, false]) {
        let older = StoredEvaluation { on: on.into(), own: None, ..own.clone() };
        store_evaluation(&path, &older).unwrap();
        let told = load_evaluation(&path).unwrap();
        assert_eq!((told.own, told.is_own()), (None, is_own), "{on}");
        assert_eq!(finished(&catalog, &path).is_some(), is_own, "{on}");
        assert_eq!(read_run(&path).unwrap().finished.is_some(), is_own, "{on}");
    }
}

#[test]
fn a_run_that_goes_on_has_its_threshold_chosen_as_a_person_chose_it_before() {
    use crate::eval::OperatingRule;
    let folder = tempfile::tempdir().unwrap();
    let Trained { catalog, path, .. } = Trained::below(folder.path(), [12, 4], &one_epoch());
    let stored = load_evaluation(&path).unwrap();
    assert_eq!(stored.rule, OperatingRule::Eer);
    let rule = OperatingRule::Far(0.5);
    let point = stored.report.operating;
    let kept = KeptPoint { point, rule: Some(rule), on_other_images: false, model_sha256: stored.model_sha256 };
    save_operating_point(&path, &kept).unwrap();
    assert_eq!(run(&catalog, &config(), Place::Resume(path.clone()), None).unwrap().epochs, 3);
    assert_eq!((load_evaluation(&path).unwrap().rule, kept_rule(&path, &config().eval)), (rule, rule));
}

#[test]
fn a_threshold_that_was_chosen_on_other_images_gives_way_when_the_run_has_learned_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let Trained { catalog, path, .. } = Trained::below(folder.path(), [12, 4], &one_epoch());
    let measured = load_operating_point(&path).unwrap();
    let point = crate::eval::OperatingPoint { threshold: 0.125, ..measured };
    let rule = Some(crate::eval::OperatingRule::Eer);
    let kept = KeptPoint { point: point.clone(), rule, on_other_images: true, model_sha256: None };
    save_operating_point(&path, &kept).unwrap();
    // There is nothing left to learn: it is merely measured.
    run(&catalog, &one_epoch(), Place::Resume(path.clone()), None).unwrap();
    assert_eq!(load_operating_point(&path), Some(point.clone()));
    run(&catalog, &config(), Place::Resume(path.clone()), None).unwrap();
    assert_ne!(load_operating_point(&path), Some(point));
    assert_eq!(load_operating_point(&path), load_evaluation(&path).map(|stored| stored.report.operating));
}

#[test]
fn a_run_without_pairs_to_be_measured_on_is_done_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    // One image of each class is held out: none can be compared with another of its class.
    let mut config = one_epoch();
    config.data.split = SplitBy::Image;
    config.data.validation_fraction = 0.2;
    let Trained { catalog, path, summary } = Trained::below(folder.path(), [6, 3], &config);
    assert!(summary.eer.is_none() && load_evaluation(&path).is_none(), "this test needs images without pairs");
    for known in [finished(&catalog, &path), read_run(&path).unwrap().finished] {
        let known = known.expect("nothing is left to do");
        assert_eq!((known.epochs, known.eer, known.val_accuracy), (1, None, summary.val_accuracy));
        assert!(known.verification.is_none() && known.val_accuracy.is_some());
    }
    let measured = measures([&read_run(&path).unwrap().finished.unwrap()]);
    assert!(measured.iter().any(|measure| measure.key == "val_accuracy"), "{measured:?}");
    assert!(measured.iter().all(|measure| measure.key != "eer"), "{measured:?}");

    // Of other weights it says nothing: where a run that is longer now was not measured anew, it is not done.
    let file = path.join("evaluation/no_pairs.json");
    let at = std::fs::metadata(&file).unwrap().modified().unwrap();
    config.train.epochs = 2;
    run(&catalog, &config, Place::Resume(path.clone()), None).unwrap();
    assert!(finished(&catalog, &path).is_some(), "it was measured anew");
    let is_done = || [finished(&catalog, &path).is_some(), read_run(&path).unwrap().finished.is_some()];
    std::fs::write(&file, r#"{"reason": "only one class is held out", "model_sha256": "of others"}"#).unwrap();
    assert_eq!(is_done(), [false; 2]);
    // As older versions wrote it: it has to be newer than what the run learned.
    std::fs::write(&file, r#"{"reason": "only one class is held out"}"#).unwrap();
    assert_eq!(is_done(), [true; 2]);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(at).unwrap();
    assert_eq!(is_done(), [false; 2]);
}

#[test]
fn what_was_measured_before_a_run_went_on_says_nothing_of_its_best_network_now() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = one_epoch();
    let Trained { catalog, path, .. } = Trained::below(folder.path(), [12, 4], &config);
    let before = TrainedModel::open(&path, Device::Cpu).unwrap();
    assert!(matches!(threshold_of(&before), Threshold::Known(_)));
    let (evaluation, aside) = (path.join("evaluation"), folder.path().join("aside"));
    copy(&evaluation, &aside);
    // Every later epoch is better.
    change_state(&latest_checkpoint(&path).unwrap().0, |state| state.best.as_mut().unwrap().value = 1e9);
    config.train.epochs = 2;
    run(&catalog, &config, Place::Resume(path.clone()), None).unwrap();
    assert!(finished(&catalog, &path).is_some());

    // As when it is killed before it is measured anew; whichever file is newer.
    std::fs::remove_dir_all(&evaluation).unwrap();
    copy(&aside, &evaluation);
    let model = TrainedModel::open(&path, Device::Cpu).unwrap();
    assert_ne!(model.sha256(), before.sha256());
    assert_eq!(threshold_of(&model), Threshold::Outdated);
    assert!(finished(&catalog, &path).is_none() && read_run(&path).unwrap().finished.is_none());
    let again = load_evaluation(&path).unwrap();
    assert_eq!(again.model_sha256.as_deref(), Some(before.sha256()));
}

/// Asks for one epoch, as the first run of a series of two.
fn first_of_two() -> RunConfig {
    let series = SeriesInfo { id: "one".into(), first_seed: 1, seeds: 2 };
    RunConfig { run: Some(RunInfo::before(series)), ..one_epoch() }
}

#[test]
fn a_run_that_joins_a_series_made_longer_keeps_its_margin_to_the_epochs_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 4);
    let mut asked = first_of_two();
    let [first, second] = ["seed-1", "seed-2"].map(|name| folder.path().join(name));
    run(&catalog, &asked, Place::NewAt(first.clone()), None).unwrap();
    asked.train.epochs = 2;
    run(&catalog, &asked, Place::Resume(first.clone()), None).unwrap();
    asked.train.seed = 2;
    asked.follow(&read_config(&first).unwrap());
    run(&catalog, &asked, Place::NewAt(second.clone()), None).unwrap();
    let [first, second] = [first, second].map(|path| read_config(&path).unwrap().run.unwrap());
    assert_eq!((first.begun_epochs, second.begun_epochs), (Some(1), Some(1)), "the same ramp");
    assert_eq!((first.longer_from, second.longer_from), (Some(1), None), "it was not made longer itself");
}

#[test]
fn what_was_chosen_for_the_first_run_of_a_series_is_known_as_chosen_in_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = draw(&folder.path().join("data"), 12, 4);
    let asked = first_of_two();
    let [first, second] = ["seed-1", "seed-2"].map(|name| folder.path().join(name));
    run(&catalog, &asked, Place::NewAt(first.clone()), None).unwrap();
    let begun = read_config(&first).unwrap();
    assert_eq!(asked.data.colour, Colour::Auto, "this test needs something to be chosen");
    let mut further = asked.clone();
    further.train.seed = 2;
    further.follow(&begun);
    assert_ne!(further.data.colour, Colour::Auto);
    run(&catalog, &further, Place::NewAt(second.clone()), None).unwrap();
    let other = read_config(&second).unwrap();
    let network = |of: &RunConfig| (of.model.clone(), of.data.image_px, of.data.colour);
    assert_eq!(network(&other), network(&begun));
    let mut again = other.as_asked();
    again.train.seed = 1;
    assert_eq!(again, begun.as_asked(), "nobody asked for what was chosen");
}
