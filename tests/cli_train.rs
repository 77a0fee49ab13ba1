//! `arclens train` as scripts see it: series over seeds, runs that go on, and what is said of flags without effect.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "common/program.rs"]
mod program;
#[cfg(unix)]
#[path = "common/running.rs"]
mod running;

use arclens::config::{Head, RunConfig, load};
use program::{arclens, json, ok, stderr};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

/// A network and a run that take no time.
const SMALL: [&str; 10] = ["--epochs", "1", "--batch", "8", "--dim", "8", "--image", "16", "--device", "cpu"];

/// A folder with a few portraits in `data`.
fn drawn() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["sample", "data", "--identities", "9", "--images", "4", "--size", "32", "--json"]);
    folder
}

/// `arclens train data` with more words, in groups.
fn train(folder: &Path, groups: &[&[&str]]) -> Output {
    let words = groups.concat();
    arclens(folder, &[&["train", "data"][..], &words[..]].concat())
}

/// As [`train`], which has to succeed.
fn trained(folder: &Path, groups: &[&[&str]]) -> Output {
    let output = train(folder, groups);
    assert!(output.status.success(), "{groups:?}: {}", stderr(&output));
    output
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// One key of every run that a series reports.
fn of_runs(summary: &Value, key: &str) -> Vec<Value> {
    summary["runs"].as_array().unwrap().iter().map(|run| run[key].clone()).collect()
}

fn settings(run: &Path) -> RunConfig {
    load(&run.join("run.toml")).unwrap()
}

/// The flags that the program says it ignored.
fn ignored(output: &Output) -> Vec<String> {
    let text = stderr(output);
    let line = text.lines().find_map(|line| line.strip_prefix("warning: ignored "));
    let flags = line.and_then(|line| line.split_once(':')).map_or("", |(flags, _)| flags);
    flags.split(", ").filter(|flag| !flag.is_empty()).map(str::to_owned).collect()
}

#[test]
fn a_series_reports_its_runs_and_their_mean() {
    let folder = drawn();
    let output = trained(folder.path(), &[&SMALL, &["--out", "series", "--seeds", "2", "--json"]]);
    let summary = json(&output);
    let rates: Vec<f64> = of_runs(&summary, "eer").iter().map(|rate| rate.as_f64().unwrap()).collect();
    assert_eq!(rates.len(), 2, "{summary}");
    let eer = &summary["measures"]["eer"];
    assert!((eer["mean"].as_f64().unwrap() - (rates[0] + rates[1]) / 2.0).abs() < 1e-9, "{summary}");
    assert!(eer["sd"].is_number() && eer["runs"] == 2, "{summary}");
    let text = stdout(&output);
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("eer: ").contains(" ± ") && line("eer: ").ends_with(" % over 2 runs"), "{text}");
    assert!(line("train_loss: ").contains(" ± ") && !line("train_loss: ").contains('%'), "{text}");
    // What papers table, of each run and over all.
    for key in ["auc", "accuracy_10fold", "d_prime"] {
        let values: Vec<f64> = of_runs(&summary, key).iter().map(|value| value.as_f64().unwrap()).collect();
        let mean = summary["measures"][key]["mean"].as_f64().unwrap();
        assert!((mean - values.iter().sum::<f64>() / 2.0).abs() < 1e-9, "{key}: {summary}");
        assert!(line(&format!("{key}: ")).ends_with(" over 2 runs"), "{text}");
    }
    let tar: Vec<f64> = of_runs(&summary, "tar_at_far").iter().map(|tar| tar["1e-1"].as_f64().unwrap()).collect();
    let mean = summary["measures"]["tar_at_far_1e-1"]["mean"].as_f64().unwrap();
    assert!((mean - (tar[0] + tar[1]) / 2.0).abs() < 1e-9, "{summary}");
    // A handful of held-out images has too few pairs for one false accept in ten thousand.
    assert!(summary["measures"].get("tar_at_far_1e-4").is_none() && !text.contains("tar_at_far_1e-4"), "{text}");
}

#[test]
fn a_series_that_goes_on_keeps_its_settings_and_what_is_finished() {
    let folder = drawn();
    let series_folder = folder.path().join("series");
    let begun = ["--loss", "cosface", "--seed", "3", "--out", "series", "--seeds", "2", "--json"];
    trained(folder.path(), &[&SMALL, &begun]);
    let (first, second) = (series_folder.join("seed-3"), series_folder.join("seed-4"));
    let files = || ["run.toml", "metrics.jsonl"].map(|name| std::fs::read(first.join(name)).unwrap());
    let before = files();
    std::fs::remove_dir_all(&second).unwrap();

    let output = trained(folder.path(), &[&["--resume", "series", "--seeds", "2", "--json"]]);
    assert!(files() == before, "a finished run stays as it is");
    assert!(stderr(&output).contains("was finished before"), "{}", stderr(&output));
    let summary = json(&output);
    assert_eq!(of_runs(&summary, "epochs"), [1, 1], "{summary}");
    assert_eq!(summary["measures"]["eer"]["runs"], 2, "{summary}");
    let (mut first, mut second) = (settings(&first), settings(&second));
    assert_eq!((first.train.seed, second.train.seed), (3, 4));
    let series = [&first, &second].map(|config| config.run.clone().unwrap().series.unwrap());
    assert_eq!((&series[0], series[0].first_seed, series[0].seeds), (&series[1], 3, 2));
    second.train.seed = first.train.seed;
    (first.run, second.run) = (None, None);
    assert_eq!(first, second);

    // One that got another name since is still one of them.
    std::fs::rename(series_folder.join("seed-3"), series_folder.join("the first")).unwrap();
    let longer = ["--resume", "series", "--seeds", "2", "--epochs", "2", "--json"];
    let output = trained(folder.path(), &[&longer]);
    let summary = json(&output);
    assert_eq!(of_runs(&summary, "epochs"), [2, 2], "{summary}");
    assert!(ignored(&output).is_empty(), "{}", stderr(&output));
    assert!(!series_folder.join("seed-3").exists() && settings(&series_folder.join("the first")).train.epochs == 2);
}

#[test]
fn a_series_that_goes_on_starts_from_the_weights_of_its_first_run_or_not_at_all() {
    let folder = drawn();
    trained(folder.path(), &[&SMALL, &["--out", "first", "--json"]]);
    let begun = ["--start-from", "first", "--out", "series", "--seeds", "2", "--json"];
    trained(folder.path(), &[&SMALL, &begun]);
    let runs = ["seed-1", "seed-2"].map(|name| folder.path().join("series").join(name));
    let starts = runs.each_ref().map(|run| settings(run).run.unwrap().start_sha256);
    assert!(!starts[0].is_empty() && starts[0] == starts[1], "{starts:?}");

    // The second is missing, and the run that it would start from lies elsewhere.
    std::fs::remove_dir_all(&runs[1]).unwrap();
    let elsewhere = folder.path().join("elsewhere/first");
    std::fs::create_dir(folder.path().join("elsewhere")).unwrap();
    std::fs::rename(folder.path().join("first"), &elsewhere).unwrap();
    let named = ["--resume", "series", "--seeds", "2", "--start-from", "elsewhere/first", "--json"];
    assert!(ignored(&trained(folder.path(), &[&named])).is_empty());
    assert_eq!(Path::new(&settings(&runs[1]).train.start_from), elsewhere.canonicalize().unwrap());

    // It is missing again, and the run that it would start from is another one now.
    std::fs::remove_dir_all(&runs[1]).unwrap();
    std::fs::remove_dir_all(folder.path().join("elsewhere")).unwrap();
    trained(folder.path(), &[&SMALL, &["--seed", "2", "--out", "first", "--json"]]);
    let output = train(folder.path(), &[&["--resume", "series", "--seeds", "2", "--json"]]);
    let error = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("the run with seed 2 failed: ") && error.contains("start a new series"), "{error}");
    assert!(!runs[1].exists(), "a folder was made for a run that cannot begin");
}

#[test]
fn the_command_of_a_run_or_a_series_goes_on_with_resume_at_its_end() {
    let folder = drawn();
    let run = ["--out", "run", "--json"];
    trained(folder.path(), &[&SMALL, &run]);
    let longer = ["--epochs", "2", "--out", "run", "--json", "--resume"];
    assert_eq!(json(&trained(folder.path(), &[&SMALL[2..], &longer]))["epochs"], 2);
    let series = ["--out", "series", "--seeds", "2", "--json"];
    trained(folder.path(), &[&SMALL, &series]);
    let output = trained(folder.path(), &[&SMALL, &series, &["--resume"]]);
    assert_eq!(stderr(&output).matches("was finished before").count(), 2, "{}", stderr(&output));
}

#[test]
fn a_series_of_one_run_can_be_made_longer() {
    let folder = drawn();
    let output = trained(folder.path(), &[&SMALL, &["--out", "series", "--seeds", "1", "--json"]]);
    assert!(stdout(&output).contains(" over 1 run\n"), "{}", stdout(&output));
    let first = settings(&folder.path().join("series/seed-1")).run.unwrap().series.unwrap();
    let output = trained(folder.path(), &[&["--resume", "series", "--seeds", "2", "--json"]]);
    assert_eq!(of_runs(&json(&output), "epochs"), [1, 1]);
    let second = settings(&folder.path().join("series/seed-2")).run.unwrap().series.unwrap();
    assert_eq!((second.id, second.first_seed, second.seeds), (first.id, 1, 2));
    // Neither is a run a series, nor a series a run.
    let output = train(folder.path(), &[&["--resume", "series/seed-1", "--seeds", "2"]]);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("--seeds"), "{}", stderr(&output));
    let output = train(folder.path(), &[&["--resume", "series"]]);
    assert!(stderr(&output).contains("it holds the runs seed-1, seed-2"), "{}", stderr(&output));
}

#[test]
fn flags_that_a_run_going_on_cannot_follow_are_named() {
    let folder = drawn();
    trained(folder.path(), &[&SMALL, &["--out", "run", "--json"]]);
    let asked = ["--resume", "run", "--epochs", "2", "--lr", "0.5", "--loss", "softmax", "--batch", "8", "--seed", "9"];
    let output = trained(folder.path(), &[&asked]);
    assert_eq!(ignored(&output), ["--loss", "--lr", "--seed"], "{}", stderr(&output));
    let config = settings(&folder.path().join("run"));
    assert_eq!((config.train.epochs, config.loss.head, config.train.seed), (2, Head::ArcFace, 1));
    assert_eq!(config.train.device, "cpu", "the device stays");
    // The command that the run was begun with, once more: what it repeats is no news, but the run is longer now.
    let output = trained(folder.path(), &[&SMALL, &["--resume", "run"]]);
    assert_eq!(ignored(&output), ["--epochs"], "{}", stderr(&output));
    assert!(stderr(&output).contains("more than the 2 it has"), "{}", stderr(&output));
}

#[test]
fn a_run_that_fails_leaves_the_report_of_those_that_are_finished() {
    let folder = drawn();
    std::fs::create_dir_all(folder.path().join("series/seed-2/taken")).unwrap();
    let output = train(folder.path(), &[&SMALL, &["--out", "series", "--seeds", "2", "--json"]]);
    assert_eq!(output.status.code(), Some(2));
    let (text, error) = (stdout(&output), stderr(&output));
    assert!(error.contains("error: the run with seed 2 failed: ") && error.matches("error:").count() == 1, "{error}");
    assert!(text.contains(" over 1 of 2 runs"), "{text}");
    let summary = json(&output);
    assert_eq!(of_runs(&summary, "stopped"), [false], "{text}");
    let failed = summary["failed"].as_array().unwrap();
    assert!(failed.len() == 1 && failed[0]["seed"] == 2, "{summary}");
    assert!(failed[0]["reason"].as_str().unwrap().contains("not empty"), "{summary}");
}

#[test]
fn a_series_goes_on_after_a_seed_that_diverges() {
    let folder = drawn();
    // The class weights times -999 in every step, at an eighth of the rate still times -124, whatever the images say.
    let words =
        ["--epochs", "6", "--loss", "softmax", "--lr", "10", "--train.head_lr_factor", "100", "--model.dropout", "0"];
    let more = ["--train.weight_decay", "1", "--train.grad_clip", "0.01", "--train.warmup_epochs", "0", "--seeds", "2"];
    let output = train(folder.path(), &[&SMALL[2..], &words, &more, &["--out", "series", "--json"]]);
    let (text, error, summary) = (stdout(&output), stderr(&output), json(&output));
    assert_eq!(output.status.code(), Some(2), "{error}");
    let failed = summary["failed"].as_array().unwrap();
    let seeds: Vec<&Value> = failed.iter().map(|run| &run["seed"]).collect();
    assert_eq!((seeds, of_runs(&summary, "eer").len()), (vec![&Value::from(1), &Value::from(2)], 0), "{error}");
    assert!(text.contains("seed 2 failed: the run diverged at step "), "{text}");
    assert!(text.contains("try again what failed, from its last checkpoint"), "{text}");
    assert!(error.contains("error: 2 of 2 runs failed, those with the seeds 1, 2"), "{error}");
}

#[test]
fn a_run_or_a_series_that_goes_on_knows_where_its_images_are() {
    let folder = drawn();
    let go_on = |words: &[&str]| arclens(folder.path(), &[&["train", "--json"][..], words].concat());
    trained(folder.path(), &[&SMALL, &["--out", "run", "--json"]]);
    let output = go_on(&["--resume", "run", "--epochs", "2"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(json(&output)["epochs"], 2);
    trained(folder.path(), &[&SMALL, &["--out", "series", "--seeds", "1", "--json"]]);
    let output = go_on(&["--resume", "series", "--seeds", "2"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(of_runs(&json(&output), "epochs"), [1, 1]);

    std::fs::rename(folder.path().join("data"), folder.path().join("moved")).unwrap();
    let longer = ["--resume", "run", "--epochs", "3"];
    let output = go_on(&longer);
    let (error, place) = (stderr(&output), folder.path().canonicalize().unwrap().join("data"));
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("as DATA") && error.contains(&place.display().to_string()), "{error}");
    let output = go_on(&[&["moved"][..], &longer].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let output = go_on(&["--resume", "run", "--epochs", "4"]);
    assert_eq!(json(&output)["epochs"], 4, "it knows the new place: {}", stderr(&output));
    // Of a series only the runs that were not finished before do.
    let output = go_on(&["moved", "--resume", "series", "--seeds", "3"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = go_on(&["--resume", "series", "--seeds", "4"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(of_runs(&json(&output), "epochs"), [1; 4]);

    let output = go_on(&["--out", "new"]);
    let error = stderr(&output);
    assert!(output.status.code() == Some(2) && error.contains("required arguments were not provided"), "{error}");
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let output = go_on(&["--resume", "empty", "--seeds", "2"]);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("DATA"), "{}", stderr(&output));
}

#[test]
fn of_several_series_in_a_folder_the_one_that_is_asked_for_goes_on() {
    let folder = drawn();
    let series = ["--out", "series", "--seeds", "1", "--json"];
    trained(folder.path(), &[&SMALL, &series]);
    trained(folder.path(), &[&SMALL, &series, &["--seed", "5", "--loss", "cosface"]]);
    let go_on = ["--resume", "series", "--seeds", "2", "--json"];
    let output = train(folder.path(), &[&go_on]);
    let error = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{error}");
    let said = ["which of the 2 series", "from seed 1 on (1 run, begun ", "from seed 5 on (1 run, begun ", "--seed"];
    assert!(said.iter().all(|words| error.contains(words)), "{error}");

    let run = |name: &str| settings(&folder.path().join("series").join(name));
    trained(folder.path(), &[&go_on, &["--seed", "5"]]);
    assert!(run("seed-6").loss.head == Head::CosFace && !folder.path().join("series/seed-2").exists());
    // What the other one would ignore.
    assert!(ignored(&trained(folder.path(), &[&go_on, &["--loss", "arcface"]])).is_empty());
    assert_eq!(run("seed-2").loss.head, Head::ArcFace);
}

/// Sends signals to the program when it has trained an epoch, one right behind the other, and waits for its end. What it wrote
/// to standard error is not kept.
#[cfg(unix)]
fn stopped_by(signals: &[&str], folder: &Path, words: &[&str]) -> Output {
    use running::Running;
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Command, Stdio};
    let mut command = program::command(folder, words);
    let mut running = Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let child = &mut running.0;
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(told.any(|line| line.starts_with("epoch ")), "it does not train");
    for signal in signals {
        assert!(Command::new("kill").args([*signal, &child.id().to_string()]).status().unwrap().success());
    }
    // Read to the end: a program cannot write to a pipe that nobody reads.
    told.for_each(drop);
    let mut stdout = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
    Output { status: child.wait().unwrap(), stdout, stderr: Vec::new() }
}

/// As job schedulers end a program, and as `timeout` does: twice, once by its number and once with its group.
#[cfg(unix)]
#[test]
fn a_run_that_gets_sigterm_even_twice_stops_with_all_it_has_learned() {
    let folder = drawn();
    let words = ["train", "data", "--epochs", "5000", "--out", "run", "--json"];
    let output = stopped_by(&["-TERM", "-TERM"], folder.path(), &[&words[..], &SMALL[2..]].concat());
    assert_eq!(output.status.code(), Some(0), "a stop is no error: {}", stdout(&output));
    let summary = json(&output);
    assert_eq!(summary["stopped"], true);
    let run = folder.path().canonicalize().unwrap().join("run");
    let advice = format!("continue with: arclens train --resume {}", run.display());
    assert!(stdout(&output).contains(&advice), "{}", stdout(&output));
    let entries = std::fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path());
    let by_step = entries.filter_map(|path| Some((path.file_name()?.to_str()?.parse::<u64>().ok()?, path)));
    let (_, newest) = by_step.max().unwrap();
    let state: Value = serde_json::from_slice(&std::fs::read(newest.join("state.json")).unwrap()).unwrap();
    // So few steps are in an epoch that each has its line.
    let log = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let last = lines.rfind(|line| line["kind"] == "step").unwrap();
    assert_eq!((&state["epoch"], &state["step"]), (&summary["epochs"], &last["step"]), "{summary}");
}

/// Ctrl+C while the second of two runs is at work.
#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_does_not_count_in_the_mean() {
    let folder = drawn();
    trained(folder.path(), &[&SMALL, &["--out", "series", "--seeds", "2", "--json"]]);
    // The second has a long way to go.
    let file = folder.path().join("series/seed-2/run.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\nepochs = 1\n", "\nepochs = 5000\n")).unwrap();

    let words = ["train", "data", "--resume", "series", "--seeds", "2", "--json"];
    let output = stopped_by(&["-INT"], folder.path(), &words);
    let (text, summary) = (stdout(&output), json(&output));
    assert_eq!(output.status.code(), Some(0), "a stop is no error: {text}");
    assert!(text.contains("stopped after 1 of 2 runs") && text.contains(" over 1 of 2 runs"), "{text}");
    assert_eq!(of_runs(&summary, "stopped"), [false, true], "{summary}");
    assert_eq!(summary["measures"]["eer"]["mean"], summary["runs"][0]["eer"], "{summary}");
}

#[test]
fn what_a_run_costs_is_told_before_its_first_step() {
    let folder = drawn();
    let multiply_adds = |px: &str| -> f64 {
        let output = trained(folder.path(), &[&SMALL[..6], &["--image", px, "--device", "cpu", "--out", px]]);
        let text = stderr(&output);
        let place = |begin: &str| text.lines().position(|line| line.starts_with(begin)).expect(&text);
        let told = place("network and head: ");
        assert!(told < place("epoch "), "{text}");
        let line = text.lines().nth(told).expect(&text);
        let (_, cost) = line.split_once(" million weights, ").expect(line);
        let (multiply_adds, memory) = cost.split_once(" GMAC per image; the run takes about ").expect(line);
        let gigabytes = memory.strip_suffix(" GB of memory beside the images").expect(line);
        assert!(gigabytes.parse::<f64>().is_ok_and(|gigabytes| gigabytes > 0.0), "{line}");
        multiply_adds.parse().expect(line)
    };
    let (small, large) = (multiply_adds("16"), multiply_adds("48"));
    assert!(large > small, "{small} and {large}");
}
