//! What the program does without a run, as scripts see it: help, errors, devices, and files that are drawn or aligned.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may stop, and says why it skips")]

#[path = "common/program.rs"]
mod program;

use program::{arclens, ok, stderr};
use serde_json::Value;

#[test]
fn photographs_are_aligned_by_a_list_of_eyes_and_open_as_a_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ok(folder, &["sample", "photos", "--identities", "3", "--images", "4", "--size", "64", "--json"]);
    let mut list = String::new();
    for entry in std::fs::read_dir(folder.join("photos/train")).unwrap().flatten() {
        let class = entry.file_name().into_string().unwrap();
        for image in std::fs::read_dir(entry.path()).unwrap().flatten() {
            list += &format!("{class}/{},22,28,42,28\n", image.file_name().into_string().unwrap());
        }
    }
    std::fs::write(folder.join("eyes.csv"), &list).unwrap();
    std::fs::write(folder.join("photos/train/broken.jpg"), b"no image").unwrap();
    let words = ["align", "photos/train", "--landmarks", "eyes.csv", "--out", "faces", "--size", "56", "--json"];
    let done = ok(folder, &words);
    let images = list.lines().count() as u64;
    let counts = |done: &Value| ["images", "aligned", "already", "unfound", "left_out"].map(|key| done[key].as_u64());
    assert_eq!(counts(&done), [Some(images + 1), Some(images), Some(0), Some(0), Some(1)], "{done}");
    let seen = ok(folder, &["inspect", "faces", "--json"]);
    assert_eq!((seen["images"].as_u64(), seen["typical_px"].as_u64()), (Some(images), Some(56)), "{seen}");
    // The same again has nothing to do, and its own table is a list of points too.
    assert_eq!(counts(&ok(folder, &words))[1..3], [Some(0), Some(images)]);
    let words =
        ["align", "photos/train", "--landmarks", "faces/align.csv", "--out", "again", "--format", "jpeg", "--json"];
    assert_eq!(ok(folder, &words)["aligned"].as_u64(), Some(images));

    std::fs::write(folder.join("empty.csv"), "").unwrap();
    let none = arclens(folder, &["align", "photos/train", "--landmarks", "empty.csv", "--out", "none"]);
    assert_eq!(none.status.code(), Some(1), "{}", stderr(&none));
    std::fs::write(folder.join("wrong.onnx"), b"no network").unwrap();
    for words in [
        &["align", "photos/train", "--detector", "wrong.onnx", "--out", "x"][..],
        &["align", "photos/train", "--out", "x"],
        &["align", "nothing-here", "--landmarks", "eyes.csv", "--out", "x"],
        &["align", "photos/train", "--landmarks", "eyes.csv", "--out", "photos/train"],
    ] {
        let output = arclens(folder, words);
        let text = stderr(&output);
        assert!(output.status.code() == Some(2) && !text.contains("panicked"), "{words:?}: {text}");
        assert_eq!(text.matches("error:").count(), 1, "{words:?}: {text}");
    }
}

#[test]
fn the_name_of_a_folder_is_printed_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    // With a thin space, which the window puts between thousands.
    let name = "7\u{2009}000";
    let output = arclens(folder.path(), &["sample", name, "--identities", "3", "--images", "2", "--size", "16"]);
    let printed = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(printed.trim_end().ends_with(name), "{printed}{}", stderr(&output));
}

#[test]
fn the_sample_is_the_same_for_the_same_seed() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        ok(folder.path(), &["sample", name, "--identities", "3", "--images", "2", "--seed", "5", "--json"]);
    }
    let read = |name: &str| std::fs::read(folder.path().join(name).join("train/p001/p001_0001.png")).unwrap();
    assert_eq!(read("a"), read("b"));
}

#[test]
fn half_precision_is_refused_on_the_cpu_and_an_unknown_one_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |precision: &str| {
        let words =
            ["bench", "step", "--image", "12", "--batch", "2", "--device", "cpu", "--precision", precision, "--json"];
        let output = arclens(folder.path(), &words);
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    for precision in ["bf16", "f16"] {
        assert!(refused(precision).contains("the CPU computes in f32"), "{}", refused(precision));
    }
    assert!(refused("f8").contains("bf16"), "{}", refused("f8"));
}

#[test]
fn devices_always_lists_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let list = ok(folder.path(), &["devices", "--json"]);
    let devices = list["devices"].as_array().unwrap();
    assert!(devices.iter().any(|device| device["id"] == "cpu" && device["usable"] == true));
    assert!(devices.iter().all(|device| device["usable"] == true || device["reason"].is_string()));
}

#[test]
fn errors_are_one_message_with_exit_code_two() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for words in [
        &["train", "nothing-here"][..],
        &["train", "empty"],
        &["train", "empty", "--epochs", "0"],
        &["evaluate", "empty"],
        &["verify", "empty", "a.png", "b.png"],
        &["embed", "empty", "a.png", "--out", "e.npy"],
        &["map", "empty", "--out", "m.csv"],
        &["inspect", "nothing-here"],
        &["train", "empty", "--device", "abacus"],
    ] {
        let output = arclens(folder.path(), words);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {text}");
        assert_eq!(text.matches("error:").count(), 1, "{words:?}: {text}");
        assert!(!text.contains("panicked"), "{words:?}: {text}");
    }
    let output = arclens(folder.path(), &["train", "empty", "--epochs", "0"]);
    assert!(stderr(&output).contains("train.epochs"), "{}", stderr(&output));
}

#[test]
fn without_a_display_the_window_names_the_command_that_does_the_same() {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: only Linux has programs without a display");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = arclens(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("arclens train"), "{}", stderr(&output));
}

#[test]
fn help_lists_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let output = arclens(folder.path(), &["--help"]);
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for command in ["train", "evaluate", "embed", "map", "verify", "inspect", "convert", "align", "sample", "devices"] {
        assert!(text.contains(command), "{command}");
    }
}
