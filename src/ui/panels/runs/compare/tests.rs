//! What the table of the compared runs says.

use super::super::tests::{entry, epoch, listing};
use super::*;
use crate::app::on_event;
use crate::config::{Auto, Head, RunInfo, SeriesInfo};
use crate::train::Verification;
use crate::worker::protocol::{Event, JobId};

/// The rows of the table, were these all the runs there are.
fn rows_of(runs: &[RunEntry]) -> Vec<Row> {
    let mut state = State::new("runs".into());
    state.runs = runs.to_vec();
    Table::of(&state, &runs.iter().collect::<Vec<_>>()).measures
}

/// Four runs over the seeds 1 to 4, all of them finished.
fn of_one_series() -> Vec<RunEntry> {
    let series = SeriesInfo { id: "one".into(), first_seed: 1, seeds: 4 };
    let run = |seed: u32| {
        let mut run = entry(&seed.to_string(), seed, Some(0.01 * f64::from(seed)));
        run.config.run = Some(RunInfo::before(series.clone()));
        run
    };
    (1..=4).map(run).collect()
}

fn spread_of(runs: &[RunEntry]) -> Option<String> {
    rows_of(runs).into_iter().find(|row| row.label == "EER")?.spread
}

#[test]
fn only_settings_that_differ_are_told_each_with_the_value_of_every_run() {
    let mut runs = [entry("a", 1, Some(0.02)), entry("b", 1, None)];
    (runs[0].config.train.epochs, runs[1].config.train.epochs) = (24, 40);
    (runs[0].config.loss.head, runs[1].config.loss.head) = (Head::ArcFace, Head::Softmax);
    let differing = |runs: &[RunEntry]| {
        let state = State::new("runs".into());
        Table::of(&state, &runs.iter().collect::<Vec<_>>()).differing
    };
    let row = |label: &'static str, values: [&str; 2]| (label, values.map(str::to_owned).to_vec());
    let expected = [row("Loss", ["ArcFace", "plain softmax"]), row("Epochs", ["24", "40"])];
    assert_eq!(differing(&runs), expected);
    runs.reverse();
    let reversed = [row("Loss", ["plain softmax", "ArcFace"]), row("Epochs", ["40", "24"])];
    assert_eq!(differing(&runs), reversed, "in the order of the runs");
    assert!(differing(&runs[..1]).is_empty());
    // Without an effect on softmax: the margin is nothing there, and the plateau's patience is nothing in either.
    runs[1].config.loss.margin_rad = Auto::Set(0.4);
    (runs[0].config.loss.margin_rad, runs[0].config.train.plateau_epochs) = (Auto::Set(0.3), 7);
    let with_margin = row(spec("loss.margin_rad").unwrap().label, ["–", "0.4 rad"]);
    assert_eq!(differing(&runs), [&reversed[..1], &[with_margin], &reversed[1..]].concat());
}

#[test]
fn of_an_imported_run_only_its_network_is_told() {
    let mut runs = [entry("trained", 1, Some(0.02)), entry("imported", 1, None)];
    runs[1].config.run.as_mut().unwrap().imported = "net.pth, somebody's".into();
    let told = |runs: &[RunEntry]| {
        let state = State::new("runs".into());
        let runs: Vec<&RunEntry> = runs.iter().collect();
        let table = Table::of(&state, &runs);
        let words = what_is_known(&runs, &table).unwrap_or_default();
        (table.differing, words)
    };
    let (differing, words) = told(&runs);
    assert!(differing.is_empty() && words.contains("as far as is known"), "{differing:?}: {words}");
    for run in &mut runs {
        run.config.model.embedding_dim = Auto::Set(if run.name == "trained" { 64 } else { 512 });
        run.config.data.image_px = Auto::Set(if run.name == "trained" { 96 } else { 112 });
    }
    let config = &mut runs[0].config;
    (config.loss.head, config.train.epochs, config.data.validation_fraction) = (Head::Softmax, 30, 0.3);
    let (differing, words) = told(&runs);
    let of = |key: &str| {
        let label = spec(key).unwrap().label;
        differing.iter().find(|(known, _)| *known == label).unwrap().1.clone()
    };
    assert_eq!((of("loss.head"), of("train.epochs")), (cells(["plain softmax", "–"]), cells(["30", "–"])));
    assert_eq!(of("data.validation_fraction")[1], "–");
    assert_eq!(of("model.embedding_dim"), cells(["64", "512"]));
    assert!(of("data.image_px")[1].starts_with("112"), "{differing:?}");
    assert_eq!(words, "How imported weights were trained is not known.");
}

fn cells(values: [&str; 2]) -> Vec<String> {
    values.map(str::to_owned).to_vec()
}

/// What was measured beside the error rate, with a true accept rate at one false accept in ten, and maybe in a hundred.
fn verification(auc: f64, tar: f64, tar_at_1e2: Option<f64>) -> Option<Verification> {
    let tar_at_far = vec![(1e-1, Some(tar)), (1e-2, tar_at_1e2), (1e-3, None), (1e-4, None)];
    Some(Verification { auc, accuracy_10fold: None, tar_at_far, d_prime: 2.5 })
}

#[test]
fn every_measure_has_a_row_with_the_value_of_each_run_and_their_mean() {
    let mut runs =
        [entry("a", 1, Some(0.02)), entry("b", 2, Some(0.04)), entry("c", 3, Some(0.03)), entry("d", 4, None)];
    let measured =
        [verification(0.98, 0.9, Some(0.8)), verification(0.96, 0.7, Some(0.6)), verification(0.97, 0.8, None)];
    for (run, verification) in runs.iter_mut().zip(measured) {
        run.finished.as_mut().unwrap().verification = verification;
    }
    let row = |label: &str, values: [&str; 4], spread: &str| Row {
        label: label.into(),
        values: values.map(str::to_owned).to_vec(),
        spread: Some(spread.into()),
    };
    let expected = [
        row("EER", ["2.00 %", "4.00 %", "3.00 %", "–"], "3.0 ± 1.0 %"),
        row("TAR at FAR 10 %", ["90.00 %", "70.00 %", "80.00 %", "–"], "80.0 ± 10.0 %"),
        row("TAR at FAR 1 %", ["80.00 %", "60.00 %", "–", "–"], "70.0 ± 14.1 % (of 2)"),
        row("AUC", ["0.98000", "0.96000", "0.97000", "–"], "0.97000 ± 0.01000"),
        row("d'", ["2.500", "2.500", "2.500", "–"], "2.500 ± 0.000"),
    ];
    assert_eq!(rows_of(&runs), expected);
    // One run has nothing to spread.
    assert!(rows_of(&runs[..1]).iter().all(|row| row.spread.is_none() && row.values.len() == 1));
    assert!(rows_of(&runs[3..]).is_empty());
}

#[test]
fn the_mean_of_a_series_is_that_of_all_its_runs_however_few_are_compared() {
    let mut state = listing(of_one_series());
    let rows = |state: &State| Table::of(state, &state.runs.iter().take(2).collect::<Vec<_>>()).measures;
    let found = rows(&state);
    assert_eq!((found.len(), found[0].values.len()), (1, 2), "only the EER was measured: {found:?}");
    assert_eq!(found[0].spread.as_deref(), Some("2.5 ± 1.3 %"));
    // By themselves they are compared with each other.
    state.runs.iter_mut().for_each(|run| run.config.run = Some(RunInfo::default()));
    assert_eq!(rows(&state)[0].spread.as_deref(), Some("1.50 ± 0.71 %"));
}

#[test]
fn runs_of_a_series_that_lies_elsewhere_are_compared_with_each_other() {
    let mut runs = of_one_series();
    runs.iter_mut().for_each(|run| run.is_elsewhere = true);
    let state = listing(runs);
    let table = Table::of(&state, &state.runs.iter().take(2).collect::<Vec<_>>());
    assert_eq!(table.measures[0].spread.as_deref(), Some("1.50 ± 0.71 %"));
    assert_eq!((table.n_repeated, &table.series), (2, &None), "of the series, no more is known");
}

#[test]
fn runs_on_other_images_or_with_other_settings_have_no_spread() {
    let mut runs = [entry("a", 1, Some(0.02)), entry("b", 2, Some(0.04))];
    assert!(spread_of(&runs).is_some());
    runs[1].config.run.as_mut().unwrap().data_fingerprint = "of others".into();
    assert_eq!(spread_of(&runs), None);
    runs[0].config.run.as_mut().unwrap().data_fingerprint = "of others".into();
    runs[1].config.train.epochs += 1;
    assert_eq!(spread_of(&runs), None);
    assert_eq!(rows_of(&runs)[0].values, ["2.00 %", "4.00 %"], "the values are there all the same");
}

#[test]
fn runs_that_noted_the_same_images_otherwise_are_repeated_while_one_of_them_knows() {
    let mut runs = [1, 2, 3].map(|seed| entry(&seed.to_string(), seed, Some(0.01 * f64::from(seed))));
    let noted = [("with names", ""), ("without names", ""), ("without names", "with names")];
    for (run, (now, earlier)) in runs.iter_mut().zip(noted) {
        let facts = run.config.run.as_mut().unwrap();
        (facts.data_fingerprint, facts.earlier_fingerprint) = (now.into(), earlier.into());
    }
    assert!(spread_of(&runs).is_some());
    assert_eq!(spread_of(&runs[..2]), None, "neither knows of the other");
}

#[test]
fn a_series_is_told_as_a_whole_however_few_of_it_are_compared() {
    let mut state = listing(of_one_series());
    let words = |state: &State| Table::of(state, &state.runs.iter().take(2).collect::<Vec<_>>()).series;
    assert_eq!(words(&state).as_deref(), Some("4 runs, seeds 1 to 4: EER 2.5 ± 1.3 %"));
    state.runs[1].config.run = None;
    assert_eq!(words(&state), None);
}

#[test]
fn the_table_is_kept_until_other_runs_are_compared_or_the_list_is_read_anew() {
    let entries = || [("a", 0.02), ("b", 0.04), ("c", 0.03)].map(|(name, eer)| entry(name, 1, Some(eer)));
    let mut state = listing(entries().to_vec());
    state.runs_view.compared = vec!["runs/a".into(), "runs/b".into()];
    let mut comparison = Comparison::default();
    let mut eer = |state: &State| comparison.table(state, &compared(state)).measures[0].values.clone();
    assert_eq!(eer(&state), ["2.00 %", "4.00 %"]);
    // Not a change that happens: it shows that nothing was computed.
    state.runs[0].finished.as_mut().unwrap().eer = Some(0.5);
    assert_eq!(eer(&state), ["2.00 %", "4.00 %"]);
    state.runs_view.compared.remove(0);
    state.runs_view.compared.push("runs/c".into());
    assert_eq!(eer(&state), ["4.00 %", "3.00 %"]);
    let mut read = entries();
    read[2].finished.as_mut().unwrap().eer = Some(0.25);
    on_event(&mut state, Event::Runs { job: JobId(0), runs: read.to_vec() });
    assert_eq!(eer(&state), ["4.00 %", "25.00 %"]);
}

#[test]
fn every_run_has_the_colour_of_its_box_though_one_before_it_is_not_listed_yet() {
    let mut runs = [entry("a", 1, Some(0.02)), entry("c", 1, None)];
    runs[1].epochs = vec![epoch(1, 0.3)].into();
    let mut state = listing(runs.to_vec());
    state.runs_view.compared = ["runs/a", "runs/b", "runs/c"].map(PathBuf::from).to_vec();
    let mut comparison = Comparison::default();
    let table = comparison.table(&state, &compared(&state));
    assert_eq!(table.places, [0, 2]);
    assert_eq!(table.drawn[0].places, [2], "the other one has no epochs yet");
    // Not a change that happens: it shows that the points are not made anew.
    state.runs[1].epochs = vec![epoch(1, 0.3), epoch(2, 0.2)].into();
    assert_eq!(comparison.table(&state, &compared(&state)).drawn[0].curves[0].points, [[1.0, 0.3]]);
}
