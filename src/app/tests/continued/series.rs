//! Series that are continued: what the list of runs tells of them, and what is left to do.

use super::*;
use crate::config::{Auto, RunConfig, SeriesInfo};
use crate::worker::protocol::RunEntry;

/// What a training job is asked to write of its series.
fn series_of(effects: &[Effect]) -> Option<SeriesInfo> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Job { request: Request::Train { config, .. }, .. }) => config.run.as_ref()?.series.clone(),
        _ => None,
    })
}

#[test]
fn every_run_of_a_series_says_so_and_a_single_run_does_not() {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    let effects = update(&mut state, Action::StartTraining);
    let (single, seed) = train_job(&effects).unwrap();
    assert_eq!(series_of(&effects), None);
    on_event(&mut state, Event::Trained { job: single, summary: Box::new(summary("/runs/a", 0.1)) });
    update(&mut state, Action::SetSeeds(2));
    let effects = update(&mut state, Action::StartTraining);
    let first = series_of(&effects).expect("it is of a series");
    assert_eq!((first.first_seed, first.seeds, first.id.is_empty()), (seed, 2, false));
    let (id, _) = train_job(&effects).unwrap();
    let effects = on_event(&mut state, Event::Trained { job: id, summary: Box::new(summary("/runs/b", 0.1)) });
    assert_eq!(series_of(&effects), Some(first));
    assert!(state.config.run.is_none(), "the settings of the next run know of no series");
}

/// A run of a series over the seeds 7 to 9, finished where it has a rate.
fn one_of_three(name: &str, seed: u32, data: &Catalog, eer: Option<f64>) -> RunEntry {
    let mut run = entry(name, "x", None);
    run.config.train.seed = seed;
    run.config.run = Some(RunInfo {
        data: data.root.to_string_lossy().into_owned(),
        data_fingerprint: data.fingerprint.clone(),
        series: Some(SeriesInfo { id: "one".into(), first_seed: 7, seeds: 3 }),
        ..RunInfo::default()
    });
    run.finished = eer.map(|eer| summary(&format!("/runs/{name}"), eer));
    run
}

/// Asks for a series to go on, from the page of runs; what follows from the list that is read for it.
fn go_on_with_series(state: &mut State, run: &str, runs: Vec<RunEntry>) -> Vec<Effect> {
    state.workspace = Workspace::Runs;
    let asked = job(&update(state, RunAction::ContinueSeries(run.into()).into())).clone();
    assert!(matches!(asked.request, Request::ListRuns { .. }) && !state.is_training(), "{asked:?}");
    let effects = on_event(state, Event::Runs { job: asked.id, runs });
    on_event(state, Event::Ended { job: asked.id, outcome: Outcome::Finished });
    effects
}

/// As after a restart: the list of runs, in an order of its own, and nothing else.
fn with_series(state: &mut State, data: &Catalog, rates: [Option<f64>; 2]) {
    let [first, second] = rates;
    let mut other = one_of_three("other", 8, data, Some(0.5));
    other.config.run.as_mut().unwrap().series.as_mut().unwrap().id = "another".into();
    let runs = vec![one_of_three("b", 8, data, second), other, one_of_three("a", 7, data, first)];
    on_event(state, Event::Runs { job: JobId(0), runs });
}

#[test]
fn the_list_of_runs_tells_what_a_series_came_to() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    let facts = |state: &State, run: &str| {
        let facts = state.series_facts(state.run_entry(Path::new(run)).unwrap()).unwrap();
        (facts.words.clone(), facts.left, facts.finished.iter().map(|run| run.eer.unwrap()).collect::<Vec<f64>>())
    };
    with_series(&mut state, &catalog, [None, None]);
    assert_eq!(facts(&state, "/runs/a"), (None, 3, vec![]));
    with_series(&mut state, &catalog, [Some(0.02), None]);
    assert_eq!(facts(&state, "/runs/b"), (Some("1 of 3 runs, seed 7: EER 2.00 %".into()), 2, vec![0.02]));
    with_series(&mut state, &catalog, [Some(0.02), Some(0.04)]);
    let words = "2 of 3 runs, seeds 7 to 8: EER 3.0 ± 1.4 %";
    assert_eq!(facts(&state, "/runs/a"), (Some(words.into()), 1, vec![0.02, 0.04]));
    assert_eq!(facts(&state, "/runs/other").1, 2, "each series by itself");
    assert!(state.series_facts(&entry("a", "x", None)).is_none());
    // All of them: there is nothing to go on with, but something to tell.
    let mut runs = state.runs.clone();
    runs.push(one_of_three("c", 9, &catalog, Some(0.03)));
    assert!(go_on_with_series(&mut state, "/runs/a", runs).is_empty());
    assert_eq!(state.notices.last().unwrap().headline, "3 runs, seeds 7 to 9: EER 3.0 ± 1.0 %");
    assert_eq!(state.runs_view.compared, ["/runs/a", "/runs/b", "/runs/c"].map(PathBuf::from));
}

#[test]
fn a_copy_of_a_run_that_lies_elsewhere_is_none_of_the_series() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    open(&mut state, folder.path());
    let copy = RunEntry { path: "/backup/c".into(), is_elsewhere: true, ..one_of_three("c", 9, &catalog, Some(0.5)) };
    let runs =
        || vec![one_of_three("a", 7, &catalog, Some(0.02)), one_of_three("b", 8, &catalog, Some(0.04)), copy.clone()];
    on_event(&mut state, Event::Runs { job: JobId(0), runs: runs() });
    let facts = state.series_facts(state.run_entry(Path::new("/runs/a")).unwrap()).unwrap();
    assert_eq!((facts.finished.len(), facts.left), (2, 1));
    assert!(state.series_facts(state.run_entry(Path::new("/backup/c")).unwrap()).is_none());
    // The others of its series are not here: nothing is known of it but itself.
    on_event(&mut state, Event::Runs { job: JobId(0), runs: vec![copy.clone()] });
    assert!(state.runs_view.series.is_empty());
    let effects = go_on_with_series(&mut state, "/runs/a", runs());
    assert_eq!(train_job(&effects).map(|(_, seed)| seed), Some(9), "it is made here");
}

#[test]
fn a_series_of_one_run_is_told_in_the_singular() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    let mut only = one_of_three("a", 7, &catalog, Some(0.02));
    only.config.run.as_mut().unwrap().series.as_mut().unwrap().seeds = 1;
    on_event(&mut state, Event::Runs { job: JobId(0), runs: vec![only] });
    let facts = state.series_facts(&state.runs[0]).unwrap();
    assert_eq!((facts.words.as_deref(), facts.left), (Some("1 run, seed 7: EER 2.00 %"), 0));
}

#[test]
fn runs_of_different_lengths_are_told_with_their_mean() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    with_series(&mut state, &catalog, [Some(0.02), Some(0.04)]);
    let mut runs = state.runs.clone();
    let longer = runs.iter_mut().find(|run| run.name == "b").unwrap();
    longer.finished.as_mut().unwrap().epochs = 60;
    on_event(&mut state, Event::Runs { job: JobId(0), runs });
    let facts = state.series_facts(state.run_entry(Path::new("/runs/a")).unwrap()).unwrap();
    assert_eq!(facts.words.as_deref(), Some("2 of 3 runs of 1 to 60 epochs, seeds 7 to 8: EER 3.0 ± 1.4 %"));
}

#[test]
fn a_series_that_could_not_be_measured_is_over_and_tells_no_rates() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    let done = |name, seed| {
        let mut run = one_of_three(name, seed, &catalog, Some(0.5));
        run.finished.as_mut().unwrap().eer = None;
        run
    };
    let runs = vec![done("a", 7), done("b", 8), done("c", 9)];
    on_event(&mut state, Event::Runs { job: JobId(0), runs: runs.clone() });
    let facts = state.series_facts(&runs[0]).unwrap();
    assert_eq!((facts.words.as_deref(), facts.left, facts.finished.len()), (None, 0, 3));
    assert!(go_on_with_series(&mut state, "/runs/a", runs).is_empty() && state.series.is_none());
    let notice = state.notices.last().unwrap();
    assert_eq!(notice.headline, "3 runs, seeds 7 to 9");
    assert!(notice.hint.as_deref().unwrap().starts_with("Nothing could be measured"), "{notice:?}");
}

#[test]
fn a_series_goes_on_from_the_list_that_is_read_for_it_and_not_from_the_one_at_hand() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    open(&mut state, folder.path());
    with_series(&mut state, &catalog, [Some(0.02), None]);
    let at_hand = state.runs.clone();
    // Since then the second was finished, and the third was made.
    let rates = [("a", 7, 0.02), ("b", 8, 0.04), ("c", 9, 0.03)];
    let now = rates.map(|(name, seed, eer)| one_of_three(name, seed, &catalog, Some(eer))).to_vec();
    // The list was being read when the person asked: this one is from before, too.
    let older = job(&update(&mut state, Action::RefreshRuns)).id;
    assert!(update(&mut state, RunAction::ContinueSeries("/runs/a".into()).into()).is_empty());
    assert!(on_event(&mut state, Event::Runs { job: older, runs: at_hand.clone() }).is_empty());
    assert!(!state.is_training() && state.series.is_none());
    let newer = job(&on_event(&mut state, Event::Ended { job: older, outcome: Outcome::Finished })).clone();
    assert!(matches!(newer.request, Request::ListRuns { .. }), "{newer:?}");
    assert!(on_event(&mut state, Event::Runs { job: newer.id, runs: now }).is_empty());
    on_event(&mut state, Event::Ended { job: newer.id, outcome: Outcome::Finished });
    assert!(!state.is_training() && state.series.is_none() && state.continuing.is_none());
    assert_eq!(state.notices.last().unwrap().headline, "3 runs, seeds 7 to 9: EER 3.0 ± 1.0 %");

    // Where the list does not come, or no longer has the run, nothing goes on then or later.
    let asked = job(&update(&mut state, RunAction::ContinueSeries("/runs/a".into()).into())).id;
    on_event(&mut state, Event::Ended { job: asked, outcome: failure() });
    assert!(state.continuing.is_none());
    let refused = job(&update(&mut state, RunAction::ContinueSeries("/runs/a".into()).into())).clone();
    on_refused(&mut state, &refused);
    assert!(state.continuing.is_none());
    assert!(on_event(&mut state, Event::Runs { job: JobId(0), runs: at_hand }).is_empty() && !state.is_training());
    assert!(go_on_with_series(&mut state, "/runs/a", Vec::new()).is_empty());
    assert!(state.notices.last().unwrap().headline.contains("is gone"), "{:?}", state.notices.last());
}

#[test]
fn a_series_of_which_nothing_is_left_when_its_images_are_open_is_told_and_over() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    with_series(&mut state, &catalog, [Some(0.02), None]);
    let runs = state.runs.clone();
    let opening = job(&go_on_with_series(&mut state, "/runs/a", runs)).id;
    let rates = [("a", 7, 0.02), ("b", 8, 0.04), ("c", 9, 0.03)];
    let runs = rates.map(|(name, seed, eer)| one_of_three(name, seed, &catalog, Some(eer))).to_vec();
    on_event(&mut state, Event::Runs { job: JobId(0), runs });
    assert!(opened(&mut state, opening, &catalog).is_empty());
    assert!(state.series.is_none() && !state.is_training());
    assert_eq!(state.notices.last().unwrap().headline, "3 runs, seeds 7 to 9: EER 3.0 ± 1.0 %");
}

/// The weights that a training job is told to start from, by their checksum, and the length of its embeddings.
fn start_of(effects: &[Effect]) -> Option<(String, Auto<u32>)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Job { request: Request::Train { config, .. }, .. }) => {
            Some((config.run.clone()?.start_sha256, config.model.embedding_dim))
        }
        _ => None,
    })
}

/// Makes settings those of a run that has begun: what it started from, and what was chosen for its network.
fn begun(config: &mut RunConfig, start_sha256: &str, embedding_dim: u32) {
    config.model.embedding_dim = Auto::Set(embedding_dim);
    let facts = config.run.as_mut().unwrap();
    (facts.version, facts.start_sha256) = ("1.0.0".into(), start_sha256.into());
    facts.automatic = vec!["model.embedding_dim".into()];
}

#[test]
fn the_runs_of_a_series_are_told_which_weights_the_first_started_from_and_its_network() {
    // After a restart, from what a run of it wrote.
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    open(&mut state, folder.path());
    let mut first = one_of_three("a", 7, &catalog, Some(0.02));
    begun(&mut first.config, "abc", 64);
    let mut second = one_of_three("b", 8, &catalog, Some(0.03));
    begun(&mut second.config, "abc", 128);
    on_event(&mut state, Event::Runs { job: JobId(0), runs: vec![second.clone(), first.clone()] });
    let effects = go_on_with_series(&mut state, "/runs/b", vec![second, first]);
    assert_eq!((train_job(&effects).unwrap().1, start_of(&effects)), (9, Some(("abc".into(), Auto::Set(64)))));

    // In one go, from what the first one said when it began.
    let mut state = self::state();
    open(&mut state, folder.path());
    update(&mut state, Action::SetSeeds(3));
    let effects = update(&mut state, Action::StartTraining);
    assert_eq!(start_of(&effects), Some((String::new(), Auto::Auto)));
    let (mut id, _) = train_job(&effects).unwrap();
    for (said, embedding_dim) in [("abc", 64), ("def", 128)] {
        let mut told = started(Path::new("/runs/a"));
        told.config.run = Some(RunInfo::default());
        begun(&mut told.config, said, embedding_dim);
        report(&mut state, id, TrainEvent::Started(Box::new(told)));
        let effects = on_event(&mut state, Event::Trained { job: id, summary: Box::new(summary("/runs/a", 0.1)) });
        assert_eq!(start_of(&effects), Some(("abc".into(), Auto::Set(64))), "those of the first");
        id = train_job(&effects).unwrap().0;
    }
}

#[test]
fn a_series_goes_on_with_what_is_unfinished_and_what_is_missing() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    open(&mut state, folder.path());
    with_series(&mut state, &catalog, [Some(0.02), None]);
    let runs = state.runs.clone();
    let effects = go_on_with_series(&mut state, "/runs/a", runs);
    let (id, run, _) = continued(&effects).expect("the second goes on");
    assert_eq!((run, state.workspace), (PathBuf::from("/runs/b"), Workspace::Train));
    let series = state.series.as_ref().unwrap();
    assert_eq!((series.number(), series.seeds), (2, 3));
    assert!(update(&mut state, RunAction::ContinueSeries("/runs/a".into()).into()).is_empty(), "it is at work");
    // Meanwhile the first gets another name.
    let (before, after) = (PathBuf::from("/runs/a"), PathBuf::from("/runs/better"));
    on_event(&mut state, Event::RunChanged { job: JobId(0), before, after: Some(after) });
    let effects = on_event(&mut state, Event::Trained { job: id, summary: Box::new(summary("/runs/b", 0.04)) });
    let (id, seed) = train_job(&effects).expect("the third is made");
    assert_eq!((seed, series_of(&effects).unwrap().id.as_str()), (9, "one"));
    assert!(continued(&effects).is_none(), "it is a new run");
    on_event(&mut state, Event::Trained { job: id, summary: Box::new(summary("/runs/c", 0.03)) });
    assert!(state.series.is_none());
    assert_eq!(state.notices.last().unwrap().headline, "3 runs, seeds 7 to 9: EER 3.0 ± 1.0 %");
    assert_eq!(state.runs_view.compared, ["/runs/better", "/runs/b", "/runs/c"].map(PathBuf::from));
}

#[test]
fn a_series_with_a_folder_of_its_own_goes_on_in_it() {
    let folder = folder();
    let catalog = whole(folder.path());
    let mut state = state();
    open(&mut state, folder.path());
    let place = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Send(Job { request: Request::Train { place, .. }, .. }) => Some(place.clone()),
            _ => None,
        })
    };
    let first = one_of_three("softmax/seed-7", 7, &catalog, Some(0.02));
    // Its folder holds a run of an earlier series, too.
    let mut earlier = one_of_three("softmax/seed-9", 9, &catalog, Some(0.5));
    earlier.config.run.as_mut().unwrap().series.as_mut().unwrap().id = "another".into();
    let effects = go_on_with_series(&mut state, "/runs/softmax/seed-7", vec![first, earlier]);
    assert_eq!(place(&effects), Some(Place::NewAt("/runs/softmax/seed-8".into())), "as the command line does it");
    let (id, _) = train_job(&effects).unwrap();
    let summary = Box::new(summary("/runs/softmax/seed-8", 0.04));
    let effects = on_event(&mut state, Event::Trained { job: id, summary });
    assert_eq!(place(&effects), Some(Place::NewIn("/runs/softmax".into())));
    assert_eq!(train_job(&effects).unwrap().1, 9);
}

#[test]
fn a_series_waits_for_its_images_and_goes_on_with_no_others() {
    let folder = folder();
    let catalog = whole(folder.path());
    for is_same in [true, false] {
        let mut state = state();
        with_series(&mut state, &catalog, [Some(0.02), None]);
        let runs = state.runs.clone();
        let opening = job(&go_on_with_series(&mut state, "/runs/a", runs)).id;
        assert!(!state.is_training() && state.workspace == Workspace::Data);
        if !is_same {
            let facts = state.runs.iter_mut().filter_map(|run| run.config.run.as_mut());
            facts.for_each(|facts| facts.data_fingerprint = "of other images".into());
        }
        let effects = opened(&mut state, opening, &catalog);
        assert_eq!(continued(&effects).is_some(), is_same);
        assert_eq!((state.is_training(), state.series.is_some()), (is_same, is_same));
        if !is_same {
            assert!(state.notices.last().unwrap().headline.contains("differ"), "{:?}", state.notices.last());
        }
    }
}
