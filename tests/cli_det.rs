//! `arclens det` as scripts see it: measured runs become one figure or one table.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "common/program.rs"]
mod program;

use arclens::config::{RunConfig, save};
use arclens::eval::{OperatingRule, ScoredPairs, VerificationReport, verification_report};
use arclens::train::{StoredEvaluation, store_evaluation};
use program::{arclens, ok, stderr};
use std::path::{Path, PathBuf};

fn report(quality: f32) -> VerificationReport {
    let genuine = (0..200).map(|i| (0.1 + 0.3 * quality + 0.003 * i as f32, true));
    let impostor = (0..1000).map(|i| (-0.5 + 0.001 * i as f32, false));
    let (scores, same) = genuine.chain(impostor).unzip();
    verification_report(&ScoredPairs { scores, same }, OperatingRule::Eer, false, 1).unwrap()
}

/// A run folder without a network, as far as this command looks into one.
fn run(root: &Path, name: &str) -> PathBuf {
    let run = root.join(name);
    std::fs::create_dir_all(&run).unwrap();
    save(&RunConfig::default(), &run.join("run.toml")).unwrap();
    run
}

fn measured(root: &Path, name: &str, quality: f32) {
    measured_on(root, name, quality, ("200 held-out images of faces", true));
}

fn measured_on(root: &Path, name: &str, quality: f32, on: (&str, bool)) {
    measured_with(root, name, quality, on, None);
}

/// Of the weights of this checksum.
fn measured_with(root: &Path, name: &str, quality: f32, (on, is_own): (&str, bool), model_sha256: Option<&str>) {
    let stored = StoredEvaluation {
        on: on.to_owned(),
        own: Some(is_own),
        rule: OperatingRule::Eer,
        report: report(quality),
        classification: None,
        model_sha256: model_sha256.map(str::to_owned),
    };
    store_evaluation(&run(root, name), &stored).unwrap();
}

fn two_runs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    measured(folder.path(), "arcface", 1.0);
    measured(folder.path(), "softmax", 0.5);
    folder
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The message of a command that must fail, and fail as errors do.
fn refused(folder: &Path, words: &[&str]) -> String {
    let output = arclens(folder, words);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{words:?}: {text}");
    assert_eq!(text.matches("error:").count(), 1, "{words:?}: {text}");
    text
}

#[test]
fn two_runs_become_one_figure_and_one_object() {
    let folder = two_runs();
    let folder = folder.path();
    let words = ["det", "arcface", "softmax", "--out", "det.svg", "--title", "LFW & more", "--width", "88", "--json"];
    let done = ok(folder, &words);
    let svg = read(folder, "det.svg");
    assert!(svg.contains("width=\"88.00mm\"") && svg.contains(">LFW &amp; more</text>"), "{svg}");
    assert_eq!(svg.matches("class=\"curve\"").count(), 2);
    assert_eq!((done["out"].as_str(), done["bytes"].as_u64()), (Some("det.svg"), Some(svg.len() as u64)));
    let runs = done["runs"].as_array().unwrap();
    for (run, (name, quality)) in runs.iter().zip([("arcface", 1.0), ("softmax", 0.5)]) {
        assert!(svg.contains(&format!(">{name}</text>")));
        let report = report(quality);
        assert_eq!((run["run"].as_str(), run["name"].as_str()), (Some(name), Some(name)));
        assert_eq!(run["on"].as_str(), Some("200 held-out images of faces"));
        assert_eq!((run["eer"].as_f64(), run["points"].as_u64()), (Some(report.eer), Some(report.det.len() as u64)));
        assert_eq!(run["eer_interval"][1].as_f64(), Some(report.eer_high));
    }
    let light = svg.contains("#ffffff");
    ok(folder, &["det", "arcface", "--out", "dark.svg", "--dark", "--json"]);
    assert!(light && !read(folder, "dark.svg").contains("#ffffff"));
    let text = arclens(folder, &["det", "arcface", "--out", "other.svg"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("arcface: EER "), "{}", stderr(&text));
}

#[test]
fn a_table_holds_the_points_of_every_run() {
    let folder = two_runs();
    ok(folder.path(), &["det", "softmax", "arcface", "--out", "det.csv", "--json"]);
    let table = read(folder.path(), "det.csv");
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("run,threshold,fmr,fnmr,fnmr_low,fnmr_high"));
    let count = |name: &str| table.lines().filter(|line| line.starts_with(&format!("{name},"))).count();
    assert_eq!([count("arcface"), count("softmax")], [1.0, 0.5].map(|quality| report(quality).det.len()));
    assert!(lines.next().is_some_and(|line| line.starts_with("softmax,")), "in the order they were named");
    let text = refused(folder.path(), &["det", "arcface", "--out", "other.csv", "--dark"]);
    assert!(text.contains("--dark") && !folder.path().join("other.csv").exists(), "{text}");
}

#[test]
fn a_file_that_is_there_stays_unless_it_may_be_replaced() {
    let folder = two_runs();
    std::fs::write(folder.path().join("det.svg"), "mine").unwrap();
    let text = refused(folder.path(), &["det", "arcface", "--out", "det.svg"]);
    assert!(text.contains("--force") && read(folder.path(), "det.svg") == "mine", "{text}");
    ok(folder.path(), &["det", "arcface", "--out", "det.svg", "--force", "--json"]);
    assert!(read(folder.path(), "det.svg").ends_with("</svg>\n"));
}

#[test]
fn what_cannot_be_drawn_is_said_with_what_to_do() {
    let folder = two_runs();
    let folder = folder.path();
    run(folder, "fresh");
    let damaged = run(folder, "damaged").join("evaluation");
    std::fs::create_dir(&damaged).unwrap();
    std::fs::write(damaged.join("report.json"), "{\"on\": 3").unwrap();
    std::fs::create_dir(folder.join("empty")).unwrap();
    for name in ["fresh", "damaged"] {
        let text = refused(folder, &["det", "arcface", name, "--out", "det.svg"]);
        assert!(text.contains(&format!("`arclens evaluate {name}`")), "{text}");
    }
    run(folder, "not yet");
    let text = refused(folder, &["det", "arcface", "not yet", "--out", "det.svg"]);
    assert!(text.contains("`arclens evaluate \"not yet\"`: not yet"), "{text}");
    for (words, told) in [
        (&["det", "empty", "--out", "det.svg"][..], "run.toml"),
        (&["det", "nothing-here", "--out", "det.svg"][..], "does not exist"),
        (&["det", "arcface", "--out", "det.png"][..], ".csv"),
        (&["det", "arcface", "./arcface", "--out", "det.svg"][..], "twice"),
        (&["det", "arcface", "--out", "missing/det.svg"][..], "missing/det.svg"),
    ] {
        let text = refused(folder, words);
        assert!(text.contains(told), "{words:?}: {text}");
    }
    assert!(!folder.join("det.svg").exists() && !folder.join("det.png").exists());
    for words in
        [&["det", "--out", "det.svg"][..], &["det", "arcface"], &["det", "arcface", "--out", "d.svg", "--width", "5"]]
    {
        assert_eq!(arclens(folder, words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn runs_of_the_same_name_are_told_apart_by_the_folder_above() {
    let folder = tempfile::tempdir().unwrap();
    for series in ["arcface", "softmax"] {
        measured(folder.path(), &format!("{series}/seed-1"), 1.0);
    }
    ok(folder.path(), &["det", "arcface/seed-1", "softmax/seed-1", "--out", "det.svg", "--json"]);
    let svg = read(folder.path(), "det.svg");
    assert!(svg.contains(">arcface/seed-1</text>") && svg.contains(">softmax/seed-1</text>"), "{svg}");
}

#[test]
fn what_was_measured_is_in_the_legend_where_it_is_not_the_runs_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    measured(folder, "arcface", 1.0);
    measured_on(folder, "net", 0.5, ("600 pairs of lfw", false));
    let alone = ok(folder, &["det", "net", "--out", "alone.svg", "--width", "300", "--json"]);
    assert_eq!(alone["runs"][0]["name"].as_str(), Some("net, 600 pairs of lfw"));
    assert!(read(folder, "alone.svg").contains(">net, 600 pairs of lfw</text>"));
    ok(folder, &["det", "arcface", "net", "--out", "det.csv", "--json"]);
    let mut table = csv::Reader::from_path(folder.join("det.csv")).unwrap();
    let mut names: Vec<String> = table.records().map(|record| record.unwrap()[0].to_owned()).collect();
    names.dedup();
    assert_eq!(names, ["arcface, 200 held-out images of faces", "net, 600 pairs of lfw"]);
    let told = arclens(folder, &["det", "net", "--out", "told.svg"]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("net: EER ") && told.matches("600 pairs of lfw").count() == 1, "{told}");
}

#[test]
fn what_an_earlier_network_of_a_run_came_to_is_drawn_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, net) = (folder.path(), run(folder.path(), "net"));
    let newest = net.join("checkpoints/000007");
    std::fs::create_dir_all(&newest).unwrap();
    let sums = serde_json::json!({ "loss_bits": 0, "correct": 0, "seen": 0 });
    let state = serde_json::json!({
        "format": 1, "step": 7, "epoch": 1, "step_in_epoch": 0, "epoch_sums": sums, "window": sums,
        "files": { "model.safetensors": "now" },
    });
    std::fs::write(newest.join("state.json"), state.to_string()).unwrap();
    std::fs::write(net.join("best"), "checkpoints/000007").unwrap();
    for (measured, own, is_told) in [("now", true, false), ("earlier", true, true), ("earlier", false, true)] {
        measured_with(folder, "net", 1.0, ("600 pairs of lfw", own), Some(measured));
        let done = arclens(folder, &["det", "net", "--out", "net.svg", "--force"]);
        let text = stderr(&done);
        assert!(done.status.success(), "{text}");
        let is_said = text.contains("earlier network of it") && text.contains("arclens evaluate net");
        assert_eq!((is_said, text.contains("--pairs")), (is_told, is_told && !own), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn hostile_names_of_runs_stay_text() {
    let folder = tempfile::tempdir().unwrap();
    let name = "<script>&\"'\n,";
    measured(folder.path(), name, 1.0);
    for out in ["det.svg", "det.csv"] {
        ok(folder.path(), &["det", name, "--out", out, "--json"]);
    }
    let svg = read(folder.path(), "det.svg");
    assert!(!svg.contains("<script") && svg.contains(">&lt;script&gt;&amp;&quot;&#39; ,</text>"), "{svg}");
    let mut table = csv::Reader::from_path(folder.path().join("det.csv")).unwrap();
    assert!(table.records().all(|record| record.unwrap().get(0) == Some(name)));
}
