//! Tests of the whole set: drawn twice, at any size, as a folder, against the bundled copy, and how hard it is.
//!
//! Tests of single parts are in their files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use image::RgbImage;
use sha2::{Digest, Sha256};

use super::*;

fn small(identities: u32, images_per_identity: u32) -> SampleSpec {
    SampleSpec { identities, images_per_identity, size_px: 16, ..SampleSpec::default() }
}

fn write(dir: &Path, spec: &SampleSpec) -> Result<SampleSummary, SampleError> {
    write_sample(dir, spec, &|_, _| {}, &|| false)
}

fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data")
}

fn decoded(path: &Path) -> RgbImage {
    image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).to_rgb8()
}

/// Every path below `dir`, relative to it, sorted.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut folders = vec![dir.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("readable folder") {
            let path = entry.expect("readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(dir).expect("inside").to_owned());
            }
        }
    }
    files.sort();
    files
}

/// The rate at which genuine and impostor errors are equal (their mean at the nearest threshold), from all scores.
fn equal_error_rate(mut scores: Vec<(f64, bool)>) -> f64 {
    scores.sort_by(|left, right| right.0.total_cmp(&left.0));
    let genuine = scores.iter().filter(|score| score.1).count() as f64;
    let impostor = scores.len() as f64 - genuine;
    let (mut accepted_genuine, mut accepted_impostor) = (0.0, 0.0);
    let mut best = (1.0, 1.0);
    for (_, same) in scores {
        if same {
            accepted_genuine += 1.0;
        } else {
            accepted_impostor += 1.0;
        }
        let fmr: f64 = accepted_impostor / impostor;
        let missed: f64 = 1.0 - accepted_genuine / genuine;
        if (fmr - missed).abs() < best.0 {
            best = ((fmr - missed).abs(), f64::midpoint(fmr, missed));
        }
    }
    best.1
}

/// The test part of the default set as vectors with their identity, drawn at 32 pixels to be quick.
fn test_vectors() -> Vec<(u32, Vec<f64>)> {
    let spec = SampleSpec::default();
    let first = spec.identities * 2 / 3;
    let mut vectors = Vec::new();
    for identity in first..spec.identities {
        for image in 0..spec.images_per_identity {
            let picture = draw_portrait(spec.seed, identity, image, 32);
            vectors.push((identity, picture.as_raw().iter().map(|&value| f64::from(value) / 255.0).collect()));
        }
    }
    vectors
}

fn all_pairs(vectors: &[(u32, Vec<f64>)], similarity: fn(&[f64], &[f64]) -> f64) -> Vec<(f64, bool)> {
    let mut scores = Vec::new();
    for (index, (own, left)) in vectors.iter().enumerate() {
        for (other, right) in &vectors[..index] {
            scores.push((similarity(left, right), own == other));
        }
    }
    scores
}

#[test]
fn same_numbers_draw_the_same_pixels_twice() {
    assert_eq!(draw_portrait(7, 3, 5, 64), draw_portrait(7, 3, 5, 64));
    assert_ne!(draw_portrait(7, 3, 5, 64), draw_portrait(8, 3, 5, 64));
}

#[test]
fn pixels_have_not_drifted_since_the_bundled_set_was_drawn() {
    let pixels = draw_portrait(7, 1, 2, 64).into_raw();
    assert_eq!(
        format!("{:x}", Sha256::digest(&pixels)),
        "ae31d34cbce173a8e30ef4ab2b445c5f0256c97e7ff8041b10ff09e04c853592"
    );
}

#[test]
fn identities_and_images_all_differ() {
    let pictures: Vec<RgbImage> =
        (0..14).flat_map(|who| (0..3).map(move |image| draw_portrait(1, who, image, 32))).collect();
    for (index, left) in pictures.iter().enumerate() {
        assert!(pictures[..index].iter().all(|right| right != left), "picture {index} is drawn twice");
    }
    let people: Vec<_> = (0..72).map(|who| identity::Identity::new(1, who)).collect();
    for (index, left) in people.iter().enumerate() {
        assert!(people[..index].iter().all(|right| right != left), "identity {index} exists twice");
    }
}

#[test]
fn image_does_not_depend_on_how_many_there_are() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (few, many) = (folder.path().join("few"), folder.path().join("many"));
    write(&few, &small(3, 2)).expect("written");
    write(&many, &small(9, 4)).expect("written");
    let path = "train/p001/p001_0002.png";
    assert_eq!(decoded(&few.join(path)), decoded(&many.join(path)));
    assert_eq!(decoded(&few.join("test/p003/p003_0001.png")), decoded(&many.join("train/p003/p003_0001.png")));
}

#[test]
fn every_size_from_16_to_512_is_drawn_and_others_are_refused() {
    for size_px in [16, 17, 32, 63, 64, 65, 112, 128, 512] {
        assert_eq!(draw_portrait(7, 0, 0, size_px).dimensions(), (size_px, size_px));
    }
    let folder = tempfile::tempdir().expect("temporary folder");
    for size_px in [0, 15, 513, u32::MAX] {
        let refused = write(folder.path(), &SampleSpec { size_px, ..small(2, 1) });
        assert!(matches!(refused, Err(SampleError::OutOfRange { got, .. }) if got == size_px));
    }
    let refused = write(folder.path(), &small(1, 1)).expect_err("one identity");
    assert_eq!(refused.to_string(), "the number of identities is 1, but must be between 2 and 10000");
    assert!(files_below(folder.path()).is_empty());
}

#[test]
fn larger_portrait_is_the_same_picture_in_more_detail() {
    let (large, small) = (draw_portrait(7, 4, 1, 128), draw_portrait(7, 4, 1, 64));
    let shrunk = image::imageops::thumbnail(&large, 64, 64);
    let difference: u64 = shrunk.as_raw().iter().zip(small.as_raw()).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
    assert!(difference / (64 * 64 * 3) < 8, "mean difference {}", difference / (64 * 64 * 3));
}

#[test]
fn folder_is_split_by_identity_and_counted() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let last = AtomicU32::new(0);
    let progress = |done: u32, total: u32| {
        assert_eq!(total, 24);
        last.fetch_max(done, Ordering::Relaxed);
    };
    let summary = write_sample(folder.path(), &small(6, 4), &progress, &|| false).expect("written");
    assert_eq!((summary.identities, summary.train_identities, summary.images), (6, 4, 24));
    assert_eq!(last.into_inner(), 24);
    let files = files_below(folder.path());
    let portraits: Vec<_> = files.iter().filter(|path| path.extension().is_some_and(|e| e == "png")).collect();
    let bytes: u64 = portraits.iter().map(|path| fs::metadata(folder.path().join(path)).expect("file").len()).sum();
    assert_eq!((portraits.len(), bytes), (24, summary.bytes));
    assert!(folder.path().join("train/p004/p004_0004.png").is_file());
    assert!(folder.path().join("test/p005/p005_0001.png").is_file());
    assert_eq!(files.len(), 24 + 3);
}

#[test]
fn smaller_set_over_a_larger_one_leaves_nothing_of_it_but_foreign_files() {
    let folder = tempfile::tempdir().expect("temporary folder");
    write(folder.path(), &small(9, 4)).expect("written");
    fs::write(folder.path().join("train/p001/mine.txt"), "kept").expect("written");
    write(folder.path(), &small(3, 2)).expect("written again");
    let portraits = files_below(folder.path()).into_iter().filter(|path| path.extension().is_some_and(|e| e == "png"));
    assert_eq!(portraits.count(), 6);
    assert!(folder.path().join("train/p001/mine.txt").is_file());
}

#[test]
fn folder_with_other_content_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("holiday.jpg"), "x").expect("written");
    let refused = write(folder.path(), &small(2, 1));
    assert!(matches!(refused, Err(SampleError::NotASampleFolder { .. })));
    fs::write(folder.path().join("sample.json"), "{\"kind\":\"something else\"}").expect("written");
    assert!(matches!(write(folder.path(), &small(2, 1)), Err(SampleError::NotASampleFolder { .. })));
    assert_eq!(files_below(folder.path()).len(), 2);
}

#[test]
fn cancelled_set_can_be_completed() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let asked = AtomicU32::new(0);
    let stop_soon = || asked.fetch_add(1, Ordering::Relaxed) > 3;
    let stopped = write_sample(folder.path(), &small(6, 4), &|_, _| {}, &stop_soon);
    assert!(matches!(stopped, Err(SampleError::Cancelled)));
    let marker = fs::read_to_string(folder.path().join("sample.json")).expect("marker");
    assert!(marker.contains("\"complete\": false"), "{marker}");
    assert_eq!(write(folder.path(), &small(6, 4)).expect("completed").images, 24);
}

#[test]
fn bundled_set_is_what_the_default_specification_draws() {
    let folder = tempfile::tempdir().expect("temporary folder");
    write(folder.path(), &SampleSpec::default()).expect("written");
    let (bundled, fresh) = (files_below(&bundled()), files_below(folder.path()));
    assert_eq!(bundled, fresh, "redraw it: arclens sample sample-data");
    for path in fresh {
        let (stored, drawn) = (self::bundled().join(&path), folder.path().join(&path));
        if path.extension().is_some_and(|extension| extension == "png") {
            assert_eq!(decoded(&stored), decoded(&drawn), "{}", path.display());
        } else {
            assert_eq!(fs::read(&stored).ok(), fs::read(&drawn).ok(), "{}", path.display());
        }
    }
}

#[test]
fn bundled_set_is_large_enough_and_below_three_megabytes() {
    let spec = SampleSpec::default();
    assert!(spec.identities >= 48 && spec.images_per_identity >= 20 && spec.size_px == 64);
    let dir = bundled();
    let bytes: u64 = files_below(&dir).iter().map(|path| fs::metadata(dir.join(path)).expect("file").len()).sum();
    assert!(bytes < 3_000_000, "{bytes} bytes");
}

#[test]
fn bundled_pairs_are_well_formed_and_name_test_images() {
    let dir = bundled();
    let text = fs::read_to_string(dir.join("pairs.txt")).expect("pairs.txt");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("10\t30"));
    let image = |name: &str, number: &str| {
        let number: u32 = number.parse().expect("image number");
        dir.join("test").join(name).join(format!("{name}_{number:04}.png"))
    };
    for (index, line) in lines.clone().enumerate() {
        let fields: Vec<&str> = line.split('\t').collect();
        let genuine = index % 60 < 30;
        let (left, right) = match fields.as_slice() {
            [name, i, j] if genuine => (image(name, i), image(name, j)),
            [one, i, other, j] if !genuine && one != other => (image(one, i), image(other, j)),
            _ => panic!("line {}: {line}", index + 2),
        };
        assert!(left.is_file() && right.is_file() && left != right, "line {}: {line}", index + 2);
    }
    assert_eq!(lines.count(), 600);
}

#[test]
fn raw_pixels_verify_badly() {
    let vectors = test_vectors();
    let nearness = |a: &[f64], b: &[f64]| -a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
    let by_distance = equal_error_rate(all_pairs(&vectors, nearness));
    let centred: Vec<(u32, Vec<f64>)> =
        vectors.into_iter().map(|(who, vector)| (who, unit_contrast(&vector))).collect();
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum();
    let by_cosine = equal_error_rate(all_pairs(&centred, product));
    assert!(by_distance > 0.20 && by_cosine > 0.20, "L2 {by_distance:.4}, cosine {by_cosine:.4}");
}

/// A vector without its mean, at length 1, so that a product is the cosine.
fn unit_contrast(vector: &[f64]) -> Vec<f64> {
    let mean = vector.iter().sum::<f64>() / vector.len() as f64;
    let length = vector.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>().sqrt();
    vector.iter().map(|value| (value - mean) / length).collect()
}

#[test]
fn equal_error_rate_of_known_scores_is_exact() {
    let separated = vec![(0.9, true), (0.8, true), (0.2, false), (0.1, false)];
    assert!(equal_error_rate(separated).abs() < 1e-12);
    let one_in_four = vec![
        (9.0, true),
        (8.0, true),
        (7.0, true),
        (6.0, false),
        (5.0, true),
        (4.0, false),
        (3.0, false),
        (2.0, false),
    ];
    assert!((equal_error_rate(one_in_four) - 0.25).abs() < 1e-12);
}
