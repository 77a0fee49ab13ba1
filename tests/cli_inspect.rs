//! `arclens inspect` as scripts see it: what is found in a data set, what is left out of it by kind, and used again.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "common/program.rs"]
mod program;

use program::{arclens, ok, stderr};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Every kind that can be left out.
const KINDS: [&str; 7] = [
    "unreadable",
    "copies_in_class",
    "copies_across_classes",
    "near_copies_across_classes",
    "tiny_classes",
    "mixed_sizes",
    "mixed_modes",
];

/// A few portraits in `data`, and the folders of the classes to train on.
fn drawn() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["sample", "data", "--identities", "8", "--images", "4", "--size", "32", "--json"]);
    let classes = listed(&folder.path().join("data/train"));
    (folder, classes)
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// What `inspect data` says, with more words.
fn inspect(folder: &Path, words: &[&str]) -> Value {
    ok(folder, &[&["inspect", "data", "--json"][..], words].concat())
}

fn counts(report: &Value) -> [u64; 3] {
    ["newly_excluded", "newly_included", "excluded"].map(|key| report[key].as_u64().unwrap())
}

fn has(report: &Value, kind: &str) -> bool {
    report["findings"].as_array().unwrap().iter().any(|finding| finding["kind"] == kind)
}

#[test]
fn what_the_doctor_finds_is_told_and_left_out() {
    let (folder, classes) = drawn();
    let folder = folder.path();
    let image = &listed(&classes[0])[0];
    std::fs::copy(image, classes[1].join("stray.png")).unwrap();
    std::fs::copy(image, classes[0].join("twice.png")).unwrap();
    std::fs::write(classes[1].join("broken.png"), b"not a picture").unwrap();
    let report = inspect(folder, &[]);
    let worst = &report["findings"][0];
    assert_eq!((report["checked"].as_bool(), &worst["kind"]), (Some(true), &Value::from("copies_across_classes")));
    assert_eq!((worst["count"].as_u64(), worst["groups"][0]["count"].as_u64()), (Some(1), Some(3)));
    assert!(has(&report, "unreadable"), "{report}");
    let quick = inspect(folder, &["--quick"]);
    assert!(quick["checked"] == false && !has(&quick, "copies_across_classes"), "{quick}");
    let report = inspect(folder, &["--exclude", "copies_across_classes"]);
    assert_eq!(report["excluded"], 2);
    assert!(folder.join("data/arclens-exclude.toml").is_file());
    let again = inspect(folder, &["--quick"]);
    for key in ["excluded", "images", "fingerprint"] {
        assert_eq!(again[key], report[key], "{key}");
    }
    let text = String::from_utf8_lossy(&arclens(folder, &["inspect", "data"]).stdout).into_owned();
    assert!(text.contains("found    2 images are excluded"), "{text}");
    assert!(text.contains("found    1 file cannot be read"), "{text}");
}

#[test]
fn a_description_beside_records_that_says_another_count_is_told() {
    let (folder, _) = drawn();
    let folder = folder.path();
    ok(folder, &["convert", "data", "--to", "rec", "--out", "rec", "--json"]);
    let property = folder.join("rec/property");
    let line = std::fs::read_to_string(&property).unwrap();
    std::fs::write(&property, format!("{line}99\n")).unwrap();
    let text = String::from_utf8_lossy(&arclens(folder, &["inspect", "rec", "--quick"]).stdout).into_owned();
    assert!(text.contains("problem  1 number differs from the description"), "{text}");
    assert!(text.contains("property: it says 99 images, the file has "), "{text}");
}

#[test]
fn what_headers_and_counts_show_is_left_out_and_used_again_without_reading_the_images() {
    let (folder, classes) = drawn();
    let folder = folder.path();
    let portrait = image::open(&listed(&classes[0])[0]).unwrap();
    portrait.thumbnail(12, 12).to_rgb8().save(classes[0].join("small.png")).unwrap();
    portrait.to_luma8().save(classes[0].join("grey.png")).unwrap();
    let alone = folder.join("data/train/zzz");
    std::fs::create_dir(&alone).unwrap();
    std::fs::rename(&listed(&classes[1])[0], alone.join("only.png")).unwrap();
    let quick = |words: &[&str]| inspect(folder, &[&["--quick"][..], words].concat());
    let before = quick(&[]);
    assert!(["mixed_sizes", "mixed_modes", "tiny_classes"].iter().all(|kind| has(&before, kind)), "{before}");
    assert_eq!(counts(&before), [0, 0, 0]);
    // The small one is in colour as the portraits are, though these have palettes.
    let report = quick(&["--exclude", "mixed_sizes,mixed_modes"]);
    assert_eq!(counts(&report), [2, 0, 2]);
    assert!(!has(&report, "mixed_sizes") && !has(&report, "mixed_modes") && has(&report, "excluded"), "{report}");
    assert_eq!(counts(&quick(&["--include", "mixed_sizes"])), [0, 1, 1]);
    // Included first, so that what is excluded now is what was asked for last.
    let report = quick(&["--exclude", "tiny_classes", "--include", "all"]);
    assert_eq!(counts(&report), [1, 1, 1]);
    assert_eq!(report["classes"].as_u64().map(|classes| classes + 1), before["classes"].as_u64());
    let sidecar = folder.join("data/arclens-exclude.toml");
    assert!(std::fs::read_to_string(&sidecar).unwrap().contains("zzz/only.png"));
    let after = quick(&["--include", "all"]);
    assert_eq!((counts(&after), &after["fingerprint"]), ([0, 1, 0], &before["fingerprint"]));
    assert!(!sidecar.exists());
    assert_eq!(counts(&quick(&["--include", "all"])), [0, 0, 0]);
}

#[test]
fn what_only_the_pixels_show_is_left_out_and_used_again() {
    let (folder, classes) = drawn();
    let folder = folder.path();
    let image = &listed(&classes[0])[0];
    std::fs::copy(image, classes[0].join("twice.png")).unwrap();
    std::fs::copy(image, classes[1].join("stray.png")).unwrap();
    // The header is whole, the pixels are not.
    let noise = image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([(x * 57 + y * 91) as u8, (x * y) as u8, 9]));
    let broken = classes[2].join("broken.png");
    noise.save(&broken).unwrap();
    let bytes = std::fs::read(&broken).unwrap();
    std::fs::write(&broken, &bytes[..bytes.len() * 2 / 3]).unwrap();
    assert_eq!(counts(&inspect(folder, &["--exclude", "unreadable,copies_across_classes"])), [3, 0, 3]);
    assert_eq!(counts(&inspect(folder, &["--include", "unreadable"])), [0, 1, 2]);
    assert_eq!(counts(&inspect(folder, &["--include", "copies_across_classes"])), [0, 2, 0]);
    let text = arclens(folder, &["inspect", "data", "--exclude", "unreadable"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("excluded 1 more, kept in "));
    let text = arclens(folder, &["inspect", "data", "--include", "all"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("included 1 again"));
    for flag in ["--exclude", "--include"] {
        let output = arclens(folder, &["inspect", "data", "--quick", flag, "copies_in_class"]);
        assert!(
            output.status.code() == Some(2) && stderr(&output).contains("leave --quick out"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn files_that_are_rejected_at_opening_are_left_out_by_name_and_tried_again() {
    let (folder, classes) = drawn();
    let folder = folder.path();
    let empty = classes[0].join("empty.png");
    std::fs::write(&empty, b"").unwrap();
    std::fs::write(classes[1].join("text.png"), b"no image").unwrap();
    let before = inspect(folder, &[]);
    let report = inspect(folder, &["--exclude", "unreadable"]);
    assert_eq!((counts(&report), &report["fingerprint"]), ([2, 0, 2], &before["fingerprint"]));
    assert!(!has(&report, "unreadable") && has(&report, "excluded"), "{report}");
    let sidecar = folder.join("data/arclens-exclude.toml");
    assert!(std::fs::read_to_string(&sidecar).unwrap().contains("/empty.png"));
    let report = inspect(folder, &["--quick"]);
    assert_eq!((counts(&report), has(&report, "unreadable")), ([0, 0, 2], false));
    let is_told = |kind: &str| report["problems"].as_array().unwrap().iter().any(|problem| problem["kind"] == kind);
    assert!(is_told("ExcludedFile") && !is_told("Empty") && !is_told("NotAnImage"), "{report}");
    // By now it is an image.
    std::fs::copy(listed(&classes[0]).last().unwrap(), &empty).unwrap();
    assert_eq!(inspect(folder, &["--quick"])["images"], before["images"], "it is not tried");
    let text = arclens(folder, &["inspect", "data", "--include", "unreadable"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("included 2 again") && text.contains("opened next"), "{text}");
    assert!(!sidecar.exists());
    let report = inspect(folder, &["--quick"]);
    assert_eq!(report["images"].as_u64(), before["images"].as_u64().map(|images| images + 1));
    assert!(has(&report, "unreadable"), "the text is still there");
}

#[test]
fn everything_that_is_found_is_listed_and_the_terminal_says_where() {
    let (folder, classes) = drawn();
    let image = listed(&classes[0]).remove(0);
    for number in 0..205 {
        std::fs::write(classes[0].join(format!("empty{number}.png")), b"").unwrap();
        let alone = folder.path().join(format!("data/train/alone{number}"));
        std::fs::create_dir(&alone).unwrap();
        std::fs::copy(&image, alone.join("only.png")).unwrap();
    }
    let report = inspect(folder.path(), &["--quick"]);
    let findings = report["findings"].as_array().unwrap();
    let finding = |kind: &str| findings.iter().find(|finding| finding["kind"] == kind).unwrap();
    let length = |value: &Value| value.as_array().unwrap().len();
    let (unreadable, tiny) = (finding("unreadable"), finding("tiny_classes"));
    assert_eq!((unreadable["files_total"].as_u64(), unreadable["count"].as_u64()), (Some(205), Some(205)));
    assert_eq!((length(&unreadable["files"]), length(&tiny["groups"])), (205, 205));
    assert!(unreadable["complete"] == true && tiny["complete"] == true);
    let text = arclens(folder.path(), &["inspect", "data", "--quick"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("and 200 more\n") && text.contains("--json lists every image"), "{text}");
}

#[test]
fn that_not_all_were_compared_is_said_where_nothing_was_found() {
    let (folder, classes) = drawn();
    let alike = folder.path().join("alike/a");
    std::fs::create_dir_all(&alike).unwrap();
    let bytes = std::fs::read(&listed(&classes[0])[0]).unwrap();
    for number in 0..66_u8 {
        // What follows the end of a PNG is no part of its picture.
        std::fs::write(alike.join(format!("{number}.png")), [&bytes[..], &[number]].concat()).unwrap();
    }
    let report = ok(folder.path(), &["inspect", "alike", "--json"]);
    assert_eq!((report["findings"].as_array().map(Vec::len), &report["checked"]), (Some(0), &Value::Bool(true)));
    assert_eq!(report["compared_all"], false);
    assert_eq!(inspect(folder.path(), &[])["compared_all"], true);
    let text = arclens(folder.path(), &["inspect", "alike"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("nothing wrong was found, but") && text.contains("may have been missed"), "{text}");
}

#[test]
fn the_kinds_are_listed_and_what_is_no_data_set_has_none() {
    let (folder, classes) = drawn();
    let folder = folder.path();
    let help = arclens(folder, &["inspect", "--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for word in KINDS.iter().chain(&["all", "Every excluded image", "Tiny classes", "--include", "--exclude"]) {
        assert!(help.contains(word), "{word}: {help}");
    }
    for words in [["--exclude", "imbalance"], ["--exclude", "all"], ["--include", "everything"]] {
        let output = arclens(folder, &[&["inspect", "data"][..], &words].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}");
    }
    let image = listed(&classes[0])[0].display().to_string();
    let output = arclens(folder, &["inspect", &image, "--include", "all"]);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("data sets"), "{}", stderr(&output));
}

#[test]
fn lists_of_pairs_are_looked_at_in_the_folder_one_is_in_and_their_bad_line_is_named() {
    let (folder, classes) = drawn();
    let folder = folder.path();
    for (image, name) in listed(&classes[0]).iter().zip(["a.png", "b.png"]) {
        std::fs::copy(image, folder.join(name)).unwrap();
    }
    std::fs::write(folder.join("pairs.txt"), "a.png b.png 1\na.png gone.png 0\n").unwrap();
    let list = ok(folder, &["inspect", "pairs.txt", "--json"]);
    assert_eq!((&list["kind"], list["pairs"].as_u64(), list["complete"].as_u64()), (&"pairs".into(), Some(2), Some(1)));
    std::fs::write(folder.join("pairs.txt"), "a.png b.png 1\na.png b.png maybe\n").unwrap();
    let output = arclens(folder, &["inspect", "pairs.txt"]);
    assert!(stderr(&output).contains("line 2 of the pair list"), "{}", stderr(&output));
}

#[test]
fn the_images_of_a_list_of_pairs_may_lie_elsewhere_and_some_of_them_are_read() {
    let (folder, classes) = drawn();
    let folder = folder.path();
    let photos = folder.join("photos");
    std::fs::create_dir(&photos).unwrap();
    let drawn = listed(&classes[0]);
    std::fs::copy(&drawn[0], classes[0].join("twice.png")).unwrap();
    std::fs::copy(&drawn[0], photos.join("a.png")).unwrap();
    std::fs::copy(&drawn[1], photos.join("b.png")).unwrap();
    let whole = std::fs::read(&drawn[2]).unwrap();
    std::fs::write(photos.join("cut.png"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(folder.join("pairs.txt"), "a.png b.png 1\na.png cut.png 0\n").unwrap();
    let inspected = |words: &[&str]| {
        let report = ok(folder, &[&["inspect", "pairs.txt", "--json"][..], words].concat());
        let problems = report["problems"].as_array().unwrap().len();
        (report["complete"].as_u64().unwrap(), report["images_read"].as_u64().unwrap(), problems)
    };
    assert_eq!(inspected(&[]), (0, 0, 1), "they do not lie beside the list");
    assert_eq!(inspected(&["--images", "photos"]), (2, 3, 1), "one of them is cut off");
    assert_eq!(inspected(&["--images", "photos", "--quick"]), (2, 0, 0));
    // CALFW's form, which a data set of two classes has as well: the folder of images says what it is.
    std::fs::write(folder.join("photos/test_calfw.txt"), "a.png 1\nb.png 1\na.png 0\ncut.png 0\n").unwrap();
    let seen = |words: &[&str]| ok(folder, &[&["inspect", "photos/test_calfw.txt", "--json"][..], words].concat());
    assert_eq!(seen(&[])["kind"], "data");
    let list = seen(&["--images", "photos", "--quick"]);
    assert_eq!((&list["kind"], list["complete"].as_u64()), (&"pairs".into(), Some(2)), "{list}");
    for (words, expected) in [
        (["inspect", "pairs.txt", "--images", "gone"], "no such folder of images"),
        (["inspect", "data", "--exclude=copies_in_class", "--images=photos"], "lists of pairs"),
    ] {
        let output = arclens(folder, &words);
        assert!(output.status.code() == Some(2) && stderr(&output).contains(expected), "{}", stderr(&output));
    }
    assert!(!folder.join("data/arclens-exclude.toml").exists(), "what is refused changes nothing");
}

#[test]
fn of_a_verification_set_it_is_told_how_many_pairs_can_be_used() {
    let (folder, classes) = drawn();
    let folder = folder.path();
    let image = std::fs::read(&listed(&classes[0])[0]).unwrap();
    let write = |name: &str, second: &[u8]| {
        let mut set = arclens::data::BinWriter::new(Vec::new(), 2).unwrap();
        for bytes in [&image[..], second, &image[..], &image[..]] {
            set.image(bytes).unwrap();
        }
        std::fs::write(folder.join(name), set.finish(&[true, false]).unwrap()).unwrap();
    };
    write("whole.bin", &image);
    write("broken.bin", b"no picture");
    for (name, complete) in [("whole.bin", 2), ("broken.bin", 1)] {
        let seen = ok(folder, &["inspect", name, "--json"]);
        let counts = ["pairs", "complete", "images"].map(|key| seen[key].as_u64().unwrap());
        assert_eq!(counts, [2, complete, 4], "{seen}");
        let said = String::from_utf8_lossy(&arclens(folder, &["inspect", name]).stdout).into_owned();
        assert_eq!(said.contains("1 pair complete"), complete == 1, "{said}");
    }
}

#[test]
fn a_broken_file_is_called_what_it_is_and_what_is_wrong_with_it() {
    let (folder, classes) = drawn();
    let folder = folder.path();
    let whole = std::fs::read(&listed(&classes[0])[0]).unwrap();
    let says = |name: &str, bytes: &[u8], expected: &str| {
        std::fs::write(folder.join(name), bytes).unwrap();
        let output = arclens(folder, &["inspect", name]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(stderr(&output).contains(expected), "{name}: {}", stderr(&output));
    };
    says("cut.png", &whole[..whole.len() / 2], "the image ");
    says("text.png", b"no image", "not an image of a known format");
    says("phone.heic", b"\0\0\0\x18ftypheic", "convert it to JPEG or PNG");
    says("model.pth", b"no weights", "neither a PyTorch file");
    says("letter.txt", b"hello", "no list of images");
    says("lfw.bin", b"\x80\x02]]\x86.", "expected pairs, found none");
}
