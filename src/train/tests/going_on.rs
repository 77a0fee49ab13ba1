//! Runs that go on after something around them has changed: images are excluded now, the run should have more epochs, the run
//! that it started from lies elsewhere.

use super::super::prepare::run_info;
use super::fine_tune::{first_run, second_config};
use super::*;

fn open(folder: &Path) -> Arc<Catalog> {
    Arc::new(Catalog::open(folder, &|_| {}, &|| false).unwrap())
}

/// Goes on with a run until its end, or until the first step from now; what happened.
fn go_on(catalog: &Arc<Catalog>, config: &RunConfig, run: &Path, to_the_end: bool) -> Vec<TrainEvent> {
    let place = Place::Resume(run.to_owned());
    let request = TrainRequest { catalog: Arc::clone(catalog), config: config.clone(), place };
    let (result, events) = run_until(&request, |event| !to_the_end && matches!(event, TrainEvent::Step(_)));
    result.unwrap();
    events
}

fn notes(events: &[TrainEvent]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| if let TrainEvent::Note(text) = event { Some(text.as_str()) } else { None })
        .collect()
}

#[test]
fn a_run_goes_on_with_its_own_images_after_some_were_excluded() {
    let folder = tempfile::tempdir().unwrap();
    let Trained { catalog, path, .. } = Trained::below(folder.path(), [12, 4], &one_epoch());
    crate::data::exclude(&catalog, &[0, 5]).unwrap();
    let fewer = open(&folder.path().join("data"));
    assert_ne!(fewer.fingerprint, catalog.fingerprint);
    let mut longer = one_epoch();
    longer.train.epochs = 2;
    let events = go_on(&fewer, &longer, &path, true);
    assert!(notes(&events).iter().any(|text| text.contains("whatever is excluded now")), "{events:?}");
    assert_eq!(read_config(&path).unwrap().run.unwrap().data_fingerprint, catalog.fingerprint);
    let finished = TrainRequest { catalog: Arc::clone(&fewer), config: longer, place: Place::Resume(path) };
    assert!(RunSummary::of_finished(&finished).unwrap().is_some(), "a series finds it finished");

    // Which were excluded then is not known any more.
    let other = folder.path().join("fewer");
    run(&fewer, &one_epoch(), Place::NewAt(other.clone()), None).unwrap();
    let error = run(&catalog, &one_epoch(), Place::Resume(other), None).unwrap_err().to_string();
    assert!(error.contains("excluded now than then") && error.contains("arclens-exclude.toml"), "{error}");
}

#[test]
fn a_run_whose_settings_were_cut_off_does_not_go_on_with_others() {
    let folder = tempfile::tempdir().unwrap();
    let Trained { catalog, path, .. } = Trained::below(folder.path(), [12, 4], &one_epoch());
    let file = path.join("run.toml");
    let whole = std::fs::read_to_string(&file).unwrap();
    let mut longer = one_epoch();
    longer.train.epochs = 2;
    let checkpoint = latest_checkpoint(&path).unwrap().0.state;
    for kept in [0, whole.find("[train]").unwrap(), whole.find("[run]").unwrap()] {
        std::fs::write(&file, &whole[..kept]).unwrap();
        let error = run(&catalog, &longer, Place::Resume(path.clone()), None).unwrap_err().to_string();
        assert!(error.contains("run.toml") && error.contains("backup"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), whole[..kept], "it was written over");
    }
    assert_eq!(latest_checkpoint(&path).unwrap().0.state, checkpoint);
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(run(&catalog, &longer, Place::Resume(path), None).unwrap().epochs, 2);
}

#[test]
fn a_run_that_is_made_longer_keeps_its_margin_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let Trained { catalog, path, .. } = Trained::below(folder.path(), [12, 4], &one_epoch());
    let begun = |path: &Path| read_config(path).unwrap().run.unwrap().begun_epochs;
    assert_eq!(begun(&path), None);
    let whole = resolved_margin(&path);
    // As a share of these, the ramp would begin anew.
    for epochs in [60, 90] {
        let mut longer = one_epoch();
        longer.train.epochs = epochs;
        let events = go_on(&catalog, &longer, &path, false);
        let told = notes(&events);
        assert!(told.iter().any(|text| text.contains("made longer") && text.contains("the margin stays")), "{told:?}");
        let margins: Vec<f64> = events
            .iter()
            .filter_map(|event| if let TrainEvent::Step(step) = event { Some(step.margin) } else { None })
            .collect();
        assert!(!margins.is_empty() && margins.iter().all(|margin| *margin == whole), "{margins:?}, not {whole}");
        assert_eq!(begun(&path), Some(1));
    }
    // As long as before, nothing is said.
    let events = go_on(&catalog, &one_epoch(), &path, false);
    assert!(notes(&events).iter().all(|text| !text.contains("longer")) && begun(&path) == Some(1), "{events:?}");
}

/// The margin that a run ends with.
fn resolved_margin(run: &Path) -> f64 {
    let config = read_config(run).unwrap();
    assert_eq!(config.loss.head, Head::ArcFace);
    config.loss.margin_rad.set().unwrap()
}

#[test]
fn a_run_finds_the_one_it_starts_from_under_its_new_name_or_is_told_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, first) = first_run(folder.path());
    let path = folder.path().join("second");
    run(&catalog, &second_config(&first), Place::NewAt(path.clone()), Some(3)).unwrap();
    // As one that was killed before its first checkpoint.
    std::fs::remove_dir_all(path.join("checkpoints")).unwrap();
    let renamed = folder.path().join("better name");
    std::fs::rename(&first, &renamed).unwrap();
    let mut none_named = second_config(&first);
    none_named.train.start_from.clear();
    let request = TrainRequest { catalog, config: none_named, place: Place::Resume(path.clone()) };
    let prepare = |request: &TrainRequest| {
        super::super::run::Run::prepare(request, &Control::default(), &mut Watcher::default()).map(drop)
    };
    prepare(&request).unwrap();
    let start = |path: &Path| PathBuf::from(read_config(path).unwrap().train.start_from);
    assert_eq!(start(&path), renamed.canonicalize().unwrap());

    // Elsewhere it is not looked for.
    let moved = folder.path().join("archive/first");
    std::fs::create_dir(folder.path().join("archive")).unwrap();
    std::fs::rename(&renamed, &moved).unwrap();
    let error = prepare(&request).unwrap_err().to_string();
    assert!(error.contains("does not exist"), "{error}");
    let mut named = request.clone();
    named.config.train.start_from = moved.to_string_lossy().into_owned();
    prepare(&named).unwrap();
    assert_eq!(start(&path), moved.canonicalize().unwrap());

    // Another network is not what it started from.
    let mut other = config();
    (other.data.split, other.train.seed) = (SplitBy::Image, 2);
    let stranger = folder.path().join("stranger");
    run(&named.catalog, &other, Place::NewAt(stranger.clone()), None).unwrap();
    named.config.train.start_from = stranger.to_string_lossy().into_owned();
    let error = prepare(&named).unwrap_err().to_string();
    assert!(error.contains("other weights") && error.contains("train.start_from"), "{error}");
    assert_eq!(start(&path), moved.canonicalize().unwrap(), "the run is as it was");
}

#[test]
fn a_run_on_records_says_how_earlier_versions_noted_its_images() {
    let folder = tempfile::tempdir().unwrap();
    let (drawn, records) = (draw(&folder.path().join("images"), 12, 4), folder.path().join("records"));
    std::fs::create_dir(&records).unwrap();
    let items: Vec<u32> = (0..48).collect();
    crate::data::export_records(&drawn, &items, None, &records, &|_| {}, &|| false).unwrap();
    let catalog = open(&records);
    let split = crate::data::split(&catalog, &config().data, 1).unwrap();
    let noted = |config: &RunConfig| {
        let facts = run_info(&catalog, &split, "CPU", String::new(), config);
        [facts.data_fingerprint, facts.earlier_fingerprint]
    };
    let [now, earlier] = [catalog.fingerprint.as_str(), catalog.earlier_fingerprint().unwrap()];
    assert_eq!(noted(&config()), [now, earlier]);
    // One that goes on from then, and one whose files were renamed since.
    let begun = |data_fingerprint: &str, earlier_fingerprint: &str| {
        let (version, data_fingerprint) = ("0.1.0".into(), data_fingerprint.into());
        let facts = RunInfo { version, data_fingerprint, ..RunInfo::default() };
        let run = Some(RunInfo { earlier_fingerprint: earlier_fingerprint.into(), ..facts });
        RunConfig { run, ..config() }
    };
    assert_eq!(noted(&begun(earlier, "")), [now, earlier]);
    assert_eq!(noted(&begun(now, "under other names")), [now, "under other names"]);
    let facts = |config: &RunConfig| run_info(&catalog, &split, "CPU", String::new(), config);
    assert!(facts(&begun(earlier, "")).has_images_of(&begun(earlier, "").run.unwrap()));
    assert!(run_info(&drawn, &split, "CPU", String::new(), &config()).earlier_fingerprint.is_empty());
}
