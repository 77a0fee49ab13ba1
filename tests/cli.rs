//! The program as scripts see it: exit codes, the JSON line, the files it writes, one sentence per error.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "common/program.rs"]
mod program;

use arclens::config::Auto;
use program::{arclens, json, ok, stderr};
use serde_json::Value;
use std::path::PathBuf;

/// One small trained run for all the tests that need one.
fn trained() -> &'static (tempfile::TempDir, PathBuf) {
    static RUN: std::sync::OnceLock<(tempfile::TempDir, PathBuf)> = std::sync::OnceLock::new();
    RUN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        ok(folder.path(), &["sample", "data", "--identities", "24", "--images", "8", "--size", "32", "--json"]);
        let words = [
            "train", "data", "--out", "run", "--epochs", "4", "--batch", "16", "--dim", "32", "--image", "24",
            "--device", "cpu", "--json",
        ];
        let summary = ok(folder.path(), &words);
        for key in [
            "run",
            "epochs",
            "best_epoch",
            "images_per_second",
            "train_loss",
            "train_accuracy",
            "val_loss",
            "val_accuracy",
            "eer",
            "seconds",
        ] {
            assert!(summary.get(key).is_some(), "train --json lacks {key}: {summary}");
        }
        assert_eq!(summary["epochs"], 4);
        assert!((1..=4).contains(&summary["best_epoch"].as_u64().unwrap()), "{summary}");
        let run = folder.path().join("run");
        (folder, run)
    })
}

#[test]
fn a_run_folder_holds_what_the_readme_says() {
    let (_, run) = trained();
    for name in [
        "run.toml",
        "metrics.jsonl",
        "best/model.safetensors",
        "best/head.safetensors",
        "best/model.json",
        "best/state.json",
        "evaluation/report.json",
    ] {
        assert!(run.join(name).is_file(), "{name}");
    }
    let lines = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let config = arclens::config::load(&run.join("run.toml")).unwrap();
    assert_eq!((config.train.epochs, config.model.embedding_dim), (4, Auto::Set(32)));
    assert!(config.run.is_some_and(|info| info.classes == 16 && info.data_fingerprint.len() == 64));
}

#[test]
fn evaluate_prints_every_key_scripts_rely_on() {
    let (folder, _) = trained();
    let report = ok(folder.path(), &["evaluate", "run", "--json"]);
    for key in [
        "pairs",
        "eer",
        "eer_threshold",
        "auc",
        "accuracy_10fold",
        "accuracy_10fold_se",
        "tar_at_far",
        "d_prime",
        "accuracy",
    ] {
        assert!(report.get(key).is_some(), "evaluate --json lacks {key}: {report}");
    }
    assert!(report["eer"].as_f64().unwrap() < 0.5 && report["pairs"].as_u64().unwrap() > 100);
    let tar = report["tar_at_far"].as_object().unwrap();
    assert_eq!(tar.len(), 4);
    assert!(tar["1e-1"].is_number() && tar["1e-4"].is_null(), "{tar:?}");
}

#[test]
fn evaluate_tells_that_the_images_changed_and_leaves_what_was_measured_before() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    ok(folder, &["sample", "data", "--identities", "9", "--images", "4", "--size", "32", "--json"]);
    let words = [
        "train", "data", "--out", "run", "--epochs", "1", "--batch", "8", "--dim", "8", "--image", "16", "--device",
        "cpu", "--json",
    ];
    ok(folder, &words);
    let evaluate = |words: &[&str]| {
        let output = arclens(folder, &[&["evaluate", "run", "--device", "cpu", "--json"][..], words].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        output
    };
    // The threshold is chosen as it was the last time, unless something else is asked for.
    let threshold = |words: &[&str]| json(&evaluate(words))["threshold"].clone();
    let (usual, chosen) = (threshold(&[]), threshold(&["--far", "0.05"]));
    assert_ne!(usual, chosen, "this test needs two thresholds");
    assert_eq!((threshold(&[]), threshold(&["--far", "auto"]), threshold(&[])), (chosen, usual.clone(), usual));
    let on = |output: &std::process::Output| json(output)["on"].as_str().unwrap().to_owned();
    // In another place they are the same images.
    std::fs::rename(folder.join("data"), folder.join("moved")).unwrap();
    let moved = evaluate(&["--data", "moved"]);
    assert!(on(&moved).contains("held-out images of moved") && !stderr(&moved).contains("not those"));

    std::fs::rename(folder.join("moved"), folder.join("data")).unwrap();
    let first = folder.join("data/train/p001");
    std::fs::copy(first.join("p001_0001.png"), first.join("p001_0009.png")).unwrap();
    let report = || std::fs::read(folder.join("run/evaluation/report.json")).unwrap();
    let before = report();
    for words in [&[] as &[&str], &["--data", "data"]] {
        let output = evaluate(words);
        let (told, text) = (stderr(&output), String::from_utf8_lossy(&output.stdout).into_owned());
        let sentence = "the images are not those that the run was trained with (24 images of 6 classes were learned from \
                        then, up to 25 of 6 would be now)";
        assert!(told.contains(sentence), "{told}");
        assert!(on(&output).ends_with(", changed since training") && on(&output).starts_with("37 images"), "{text}");
        assert!(text.contains("what was measured before stays with the run"), "{text}");
        assert!(report() == before, "what was measured on its own images was replaced");
    }
    // Others are asked for: they need no warning.
    let other = evaluate(&["--data", "data/test"]);
    assert!(!stderr(&other).contains("not those") && report() == before, "{}", stderr(&other));
}

#[test]
fn evaluate_takes_a_list_of_pairs() {
    let (folder, _) = trained();
    let report =
        ok(folder.path(), &["evaluate", "run", "--pairs", "data/pairs.txt", "--images", "data/test", "--json"]);
    assert!(report["pairs"].as_u64().unwrap() >= 100, "{report}");
    let output = arclens(folder.path(), &["evaluate", "run", "--pairs", "data/sample.json"]);
    assert_eq!(output.status.code(), Some(2));
    for (words, said) in [
        (&["--pairs", "gone.txt"][..], "there is no such file: gone.txt"),
        (&["--bin", "gone.bin"], "there is no such file: gone.bin"),
        (&["--pairs", "data/pairs.txt", "--images", "gone"], "there is no such folder of images: gone"),
    ] {
        let output = arclens(folder.path(), &[&["evaluate", "run"][..], words].concat());
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn verify_answers_with_its_exit_code() {
    let (folder, _) = trained();
    let image = "data/train/p001/p001_0001.png";
    let output = arclens(folder.path(), &["verify", "run", image, image, "--json"]);
    let verdict = json(&output);
    assert_eq!((output.status.code(), verdict["decision"].as_str()), (Some(0), Some("same")));
    for key in ["decision", "similarity", "angle_deg", "length", "threshold", "far", "frr"] {
        assert!(!verdict[key].is_null(), "verify --json lacks {key}: {verdict}");
    }
    let lengths: Vec<f64> =
        verdict["length"].as_array().unwrap().iter().map(|length| length.as_f64().unwrap()).collect();
    assert!(lengths.len() == 2 && lengths[0] > 0.0 && lengths[0] == lengths[1], "one image, twice: {lengths:?}");
    for other in ["data/train/p002/p002_0001.png", "data/train/p003/p003_0001.png", "data/train/p004/p004_0001.png"] {
        let output = arclens(folder.path(), &["verify", "run", image, other, "--json"]);
        let expected = match json(&output)["decision"].as_str() {
            Some("same") => 0,
            Some("different") => 1,
            Some("undecided") => 3,
            word => panic!("{word:?}"),
        };
        assert_eq!(output.status.code(), Some(expected));
    }
    let output = arclens(folder.path(), &["verify", "run", image, "gone.png"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no such file: gone.png"), "{}", stderr(&output));
}

#[test]
fn embed_writes_unit_rows_and_their_names_in_the_same_order() {
    let (folder, _) = trained();
    ok(folder.path(), &["embed", "run", "data/test", "--out", "e.npy", "--json"]);
    let bytes = std::fs::read(folder.path().join("e.npy")).unwrap();
    let array = <ndarray::Array2<f32> as ndarray_npy::ReadNpyExt>::read_npy(&bytes[..]).unwrap();
    let table = std::fs::read_to_string(folder.path().join("e.csv")).unwrap();
    assert_eq!(array.dim(), (64, 32));
    assert_eq!(table.lines().next(), Some("path,label,length"));
    assert_eq!(table.lines().count(), 65);
    let length = |line: &str| line.rsplit(',').next().unwrap().parse::<f64>().unwrap();
    let lengths: Vec<f64> = table.lines().skip(1).map(length).collect();
    assert!(lengths.iter().all(|length| *length > 0.0) && lengths[0] != lengths[1], "{lengths:?}");
    for row in array.rows() {
        assert!((row.dot(&row) - 1.0).abs() < 1e-4);
    }
    ok(folder.path(), &["map", "e.npy", "--method", "pca", "--out", "of-file.csv", "--json"]);
    let single = ok(folder.path(), &["embed", "run", "data/test/p017/p017_0001.png", "--out", "one.npy", "--json"]);
    assert_eq!(single["embeddings"], 1);
}

#[test]
fn a_broken_image_among_those_named_is_left_out_and_a_list_is_never_written_over() {
    let (folder, _) = trained();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("broken.png"), "no picture").unwrap();
    let good = "data/test/p017/p017_0001.png";
    let output = arclens(folder.path(), &["embed", "run", good, "broken.png", good, "--out", "some.npy", "--json"]);
    assert!(output.status.success() && stderr(&output).contains("broken.png"), "{}", stderr(&output));
    assert_eq!(json(&output)["embeddings"], 2);
    assert_eq!(std::fs::read_to_string(at("some.csv")).unwrap().matches(good).count(), 2);
    let refused = |words: &[&str]| {
        let output = arclens(folder.path(), words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        stderr(&output)
    };
    assert!(refused(&["embed", "run", good, "gone.png", "--out", "some.npy"]).contains("no such file: gone.png"));
    assert!(refused(&["embed", "run", good, "data", "--out", "some.npy"]).contains("one data set by itself"));
    // The names of embeddings, which a map of them needs.
    let names = std::fs::read(at("some.csv")).unwrap();
    assert!(refused(&["map", "some.npy", "--method", "pca", "--out", "some.csv"]).contains("is read here"));
    assert_eq!(std::fs::read(at("some.csv")).unwrap(), names);
    assert!(refused(&["map", "gone.npy", "--out", "map.gif"]).contains("as .csv or .png"), "before anything is read");
    let both = ["map", "some.npy", "--data", "data", "--method", "pca", "--out", "map.png"];
    assert!(refused(&both).contains("leave one of them out"));
}

#[test]
fn map_writes_a_table_and_a_picture() {
    let (folder, _) = trained();
    ok(folder.path(), &["map", "run", "--method", "pca", "--out", "map.csv", "--json"]);
    let text = std::fs::read_to_string(folder.path().join("map.csv")).unwrap();
    assert_eq!(text.lines().next(), Some("x,y,path,label"));
    assert_eq!(text.lines().count(), 65);
    ok(folder.path(), &["map", "run", "--method", "sphere", "--out", "sphere.csv", "--json"]);
    let text = std::fs::read_to_string(folder.path().join("sphere.csv")).unwrap();
    assert_eq!(text.lines().next(), Some("x,y,z,path,label"));
    ok(folder.path(), &["map", "run", "--method", "tsne", "--perplexity", "10", "--out", "map.png", "--json"]);
    let picture = image::open(folder.path().join("map.png")).unwrap();
    assert!(picture.width() >= 600);
}

#[test]
fn an_exported_network_comes_back_as_a_run_that_does_all_that_a_run_does() {
    let (folder, _) = trained();
    ok(folder.path(), &["export", "run", "--format", "safetensors", "--out", "net.safetensors", "--json"]);
    let onnx = ok(folder.path(), &["export", "run", "--out", "net.onnx", "--json"]);
    assert_eq!(std::fs::metadata(folder.path().join("net.onnx")).unwrap().len(), onnx["bytes"].as_u64().unwrap());
    let again = ["export", "run", "--out", "net.onnx", "--json"];
    let output = arclens(folder.path(), &again);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("--force"), "{}", stderr(&output));
    assert_eq!(ok(folder.path(), &[&again[..], &["--force"]].concat())["bytes"], onnx["bytes"]);
    assert_eq!(ok(folder.path(), &["inspect", "net.safetensors", "--json"])["kind"], "weights");
    let imported = ok(folder.path(), &["import", "net.safetensors", "--out", "back", "--json"]);
    assert_eq!((imported["net"].as_str(), imported["embedding_dim"].as_u64()), (Some("small"), Some(32)));
    let image = "data/train/p001/p001_0001.png";
    let output = arclens(folder.path(), &["verify", "back", image, image]);
    assert_eq!(output.status.code(), Some(3), "how alike is known, what that means is not");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("similarity 1.0000") && told.contains("no threshold yet"), "{told}");
    let output = arclens(folder.path(), &["evaluate", "back"]);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("--data"), "{}", stderr(&output));
    let report = ok(folder.path(), &["evaluate", "back", "--data", "data/test", "--json"]);
    assert!(report["eer"].as_f64().unwrap() < 0.5);
    assert_eq!(arclens(folder.path(), &["verify", "back", image, image]).status.code(), Some(0));
    for run in ["run", "back"] {
        ok(folder.path(), &["embed", run, "data/test", "--out", &format!("{run}.npy"), "--json"]);
    }
    let bytes = |run: &str| std::fs::read(folder.path().join(format!("{run}.npy"))).unwrap();
    assert_eq!(bytes("run"), bytes("back"));
    ok(folder.path(), &["map", "back", "--data", "data/test", "--method", "pca", "--out", "back.csv", "--json"]);
    assert_eq!(ok(folder.path(), &["inspect", "back", "--json"])["imported"], true);
    let output = arclens(folder.path(), &["import", image, "--out", "never"]);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("neither a PyTorch file"));
    // The network in the file embeds one image: what else a run does is the reader's to do.
    for (word, run, is_told) in [("--mirror", "mirrored", true), ("--mirror=false", "plain", false)] {
        ok(folder.path(), &["import", "net.safetensors", "--out", run, word, "--json"]);
        let output = arclens(folder.path(), &["export", run, "--out", &format!("{run}.onnx")]);
        assert!(output.status.success(), "{}", stderr(&output));
        let told = String::from_utf8_lossy(&output.stdout);
        assert_eq!(told.contains("its mirror image"), is_told, "{told}");
        assert_eq!(told.contains("add the two embeddings"), is_told, "{told}");
    }
}

#[test]
fn inspect_says_what_things_are() {
    let (folder, _) = trained();
    assert_eq!(ok(folder.path(), &["inspect", "run", "--json"])["kind"], "run");
    let data = ok(folder.path(), &["inspect", "data", "--json"]);
    assert_eq!(
        (data["kind"].as_str(), data["images"].as_u64(), data["classes"].as_u64()),
        (Some("data"), Some(192), Some(24))
    );
    assert_eq!(ok(folder.path(), &["inspect", "data/test/p017/p017_0001.png", "--json"])["kind"], "image");
    ok(folder.path(), &["export", "run", "--out", "seen.onnx", "--json"]);
    let net = ok(folder.path(), &["inspect", "seen.onnx", "--json"]);
    assert_eq!(
        (net["kind"].as_str(), net["opset"].as_u64(), net["face_detector"].as_bool()),
        (Some("onnx"), Some(17), Some(false))
    );
    assert_eq!(
        (net["inputs"][0]["name"].as_str(), net["outputs"][0]["sizes"][0].as_str()),
        (Some("images"), Some("batch"))
    );
    std::fs::write(folder.path().join("no.onnx"), "nothing of the kind").unwrap();
    let output = arclens(folder.path(), &["inspect", "no.onnx"]);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("no ONNX file"), "{}", stderr(&output));
}

#[test]
fn a_data_set_goes_out_as_records_and_pairs_and_comes_back() {
    let (folder, _) = trained();
    let folder = folder.path();
    let rec =
        ok(folder, &["convert", "data", "--to", "rec", "--out", "rec", "--part", "train", "--px", "24", "--json"]);
    assert_eq!((rec["images"].as_u64(), rec["classes"].as_u64()), (Some(128), Some(16)), "{rec}");
    let seen = ok(folder, &["inspect", "rec", "--json"]);
    assert_eq!(
        (seen["images"].as_u64(), seen["classes"].as_u64(), seen["typical_px"].as_u64()),
        (Some(128), Some(16), Some(24))
    );
    assert_eq!(seen["problems"].as_array().map(Vec::len), Some(0), "{seen}");
    let words = [
        "train",
        "rec/train.rec",
        "--out",
        "of-rec",
        "--epochs",
        "1",
        "--batch",
        "16",
        "--dim",
        "8",
        "--device",
        "cpu",
        "--json",
    ];
    assert_eq!(ok(folder, &words)["epochs"], 1);
    // The run finds its data again by itself.
    assert!(ok(folder, &["evaluate", "of-rec", "--device", "cpu", "--json"])["eer"].is_number());

    let bin = ok(folder, &["convert", "data", "--to", "bin", "--out", "dev.bin", "--pairs", "100", "--json"]);
    assert_eq!((bin["images"].as_u64(), bin["pairs"].as_u64()), (Some(400), Some(200)), "{bin}");
    let seen = ok(folder, &["inspect", "dev.bin", "--json"]);
    assert_eq!(
        (seen["kind"].as_str(), seen["genuine"].as_u64(), seen["images"].as_u64()),
        (Some("verification"), Some(100), Some(400))
    );
    let of_bin = ok(folder, &["evaluate", "run", "--bin", "dev.bin", "--device", "cpu", "--json"]);
    assert_eq!((of_bin["genuine"].as_u64(), of_bin["impostor"].as_u64()), (Some(100), Some(100)));
    assert!(of_bin["accuracy_10fold"].is_number());

    let list =
        ok(folder, &["convert", "data", "--to", "pairs", "--out", "data/dev.pairs.txt", "--pairs", "100", "--json"]);
    assert_eq!(list["pairs"], 200);
    let seen = ok(folder, &["inspect", "data/dev.pairs.txt", "--json"]);
    assert_eq!((seen["kind"].as_str(), seen["complete"].as_u64()), (Some("pairs"), Some(200)));
    // The same pairs of the same images: the same rates.
    let of_list = ok(folder, &["evaluate", "run", "--pairs", "data/dev.pairs.txt", "--device", "cpu", "--json"]);
    assert_eq!((&of_list["eer"], &of_list["auc"]), (&of_bin["eer"], &of_bin["auc"]));

    let again = arclens(folder, &["convert", "data", "--to", "bin", "--out", "dev.bin"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("already"), "{}", stderr(&again));
    let both = arclens(folder, &["evaluate", "run", "--bin", "dev.bin", "--data", "data", "--device", "cpu"]);
    assert!(stderr(&both).contains("give one of them"), "{}", stderr(&both));
}

#[test]
fn a_finished_run_can_be_lengthened() {
    let (folder, _) = trained();
    let words = [
        "train", "data", "--out", "longer", "--epochs", "1", "--batch", "16", "--dim", "8", "--image", "16",
        "--device", "cpu", "--json",
    ];
    ok(folder.path(), &words);
    let summary =
        ok(folder.path(), &["train", "data", "--resume", "longer", "--epochs", "2", "--device", "cpu", "--json"]);
    assert_eq!(summary["epochs"], 2);
    let summary = ok(folder.path(), &["train", "data", "--resume", "longer", "--device", "cpu", "--json"]);
    assert_eq!(summary["epochs"], 2, "continued without --epochs, a finished run stays finished");
}

#[test]
fn a_run_goes_on_with_the_network_of_another() {
    let (folder, _) = trained();
    ok(folder.path(), &["export", "run", "--out", "start.safetensors", "--json"]);
    ok(folder.path(), &["import", "start.safetensors", "--out", "start", "--json"]);
    let output = arclens(folder.path(), &["train", "data", "--resume", "start", "--device", "cpu"]);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("train.start_from"), "{}", stderr(&output));
    // The network and its size are those of the imported run, whatever is asked for.
    let words = [
        "train",
        "data",
        "--out",
        "tuned",
        "--start-from",
        "start",
        "--train.freeze_epochs",
        "1",
        "--epochs",
        "2",
        "--net",
        "resnet18",
        "--image",
        "64",
        "--batch",
        "16",
        "--device",
        "cpu",
        "--json",
    ];
    let output = arclens(folder.path(), &words);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("as in the network that the run starts from"), "{}", stderr(&output));
    assert!(json(&output)["eer"].as_f64().unwrap() < 0.5);
    let tuned = ok(folder.path(), &["inspect", "tuned", "--json"]);
    assert_eq!(tuned["kind"], "run");
    // A run that is there to start from must be one.
    let output =
        arclens(folder.path(), &["train", "data", "--out", "never", "--start-from", "data", "--device", "cpu"]);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("not a run folder"), "{}", stderr(&output));
}

/// What scripts that compare machines read. Times are only checked for being there: a busy machine is not an error.
#[test]
fn every_benchmark_prints_its_figures() {
    let (folder, run) = trained();
    let run = run.to_str().unwrap();
    let step =
        ["step", "--net", "small", "--image", "12", "--channels", "1", "--batch", "4", "--dim", "8", "--classes", "6"];
    let one = ["--steps", "1", "--warmup", "0"];
    let cpu = ["--device", "cpu"];
    let cases: [(Vec<&str>, &[&str]); 7] = [
        ([&step[..], &one, &cpu].concat(), &["images_per_second", "step_ms_median", "gflops", "peak_mib", "threads"]),
        ([&step[..], &one, &cpu, &["--forward-only"]].concat(), &["images_per_second", "step_ms_median"]),
        (
            [&step[..], &one, &cpu, &["--precision", "f32", "--micro-batches", "2"]].concat(),
            &["images_per_second", "step_ms_median"],
        ),
        (
            [&["input", "data", "--image", "24"], &one[..]].concat(),
            &["images_per_second", "images_per_second_per_thread"],
        ),
        ([&["embed", run, "data"], &cpu[..]].concat(), &["images_per_second", "image_ms_median"]),
        (
            [&["pairs", "--images", "60", "--identities", "12", "--dim", "8"], &one[..]].concat(),
            &["all_ms_median", "eer", "mib_beyond_embeddings"],
        ),
        (
            [&["map", "--method", "pca", "--points", "40", "--identities", "4", "--dim", "8"], &one[..]].concat(),
            &["map_ms_median"],
        ),
    ];
    for (words, keys) in cases {
        let words = [&["bench"], &words[..], &["--threads", "1", "--json"]].concat();
        let found = ok(folder.path(), &words);
        for key in keys {
            let value = found[*key].as_f64().unwrap_or_else(|| panic!("{words:?} prints no {key}: {found}"));
            assert!(value.is_finite() && value >= 0.0, "{words:?}: {key} is {value}");
        }
    }
}
