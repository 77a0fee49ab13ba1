//! Tests of hashes, of the search, and of the findings on small folders.

use super::hash::{SIDE_PX, dct_hash, distance};
use super::look::Print;
use super::near::{BandIndex, MAX_DISTANCE};
use super::*;
use crate::data::testing::{draw_alike, draw_classes, draw_idx};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use std::collections::BTreeSet;
use std::path::Path;

/// A smooth picture of `seed`: blobs of light on a slope, `px` wide and high.
fn picture(seed: u64, px: u32) -> RgbImage {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut unit = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
    let blobs: Vec<[f64; 4]> = (0..6).map(|_| [unit(), unit(), 0.05 + 0.2 * unit(), unit()]).collect();
    let slope = [unit(), unit()];
    let tint = [0.6 + 0.4 * unit(), 0.6 + 0.4 * unit(), 0.6 + 0.4 * unit()];
    RgbImage::from_fn(px, px, |x, y| {
        let (x, y) = ((f64::from(x) + 0.5) / f64::from(px), (f64::from(y) + 0.5) / f64::from(px));
        let blob = |b: &[f64; 4]| b[3] * (-((x - b[0]).powi(2) + (y - b[1]).powi(2)) / (2.0 * b[2] * b[2])).exp();
        let light = 0.2 * (slope[0] * x + slope[1] * y) + 0.5 * blobs.iter().map(blob).sum::<f64>();
        Rgb(tint.map(|tint| (30.0 + 190.0 * light * tint).clamp(0.0, 255.0) as u8))
    })
}

fn jpeg(image: &RgbImage, quality: u8) -> DynamicImage {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(image).unwrap();
    image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).unwrap()
}

fn print(image: &DynamicImage) -> Print {
    Print::of(image).expect("not blank")
}

fn are_near(a: &DynamicImage, b: &DynamicImage) -> bool {
    let prints = [Some(Box::new(print(a))), Some(Box::new(print(b)))];
    let watch = Watch { progress: &|_| (), cancelled: &|| false };
    !near_pairs(&prints, &|_, _| true, &watch).unwrap().pairs.is_empty()
}

fn brighter(image: &RgbImage, factor: f32, offset: f32) -> DynamicImage {
    let mut image = image.clone();
    image.iter_mut().for_each(|byte| *byte = (f32::from(*byte) * factor + offset).clamp(0.0, 255.0) as u8);
    DynamicImage::ImageRgb8(image)
}

/// In pictures as smooth as these many coefficients are next to nothing, and compression turns their signs: one in five is
/// missed. Of photographs none was (40 copies of faces at 64 to 160 pixels and quality 30 to 90).
#[test]
fn copies_that_were_resized_compressed_or_made_brighter_are_near() {
    type Change = fn(&RgbImage, u64) -> DynamicImage;
    let changes: [(&str, Change); 4] = [
        ("smaller", |_, seed| DynamicImage::ImageRgb8(picture(seed, 70))),
        ("compressed", |original, _| jpeg(original, 60)),
        ("brighter", |original, _| brighter(original, 0.8, 25.0)),
        ("grey", |original, _| DynamicImage::ImageLuma8(DynamicImage::ImageRgb8(original.clone()).to_luma8())),
    ];
    for (name, change) in changes {
        let found = (0..20).filter(|&seed| {
            let original = picture(seed, 160);
            are_near(&DynamicImage::ImageRgb8(original.clone()), &change(&original, seed))
        });
        let found = found.count();
        assert!(found >= 15, "{name}: {found} of 20");
    }
}

#[test]
fn other_pictures_and_the_same_picture_in_another_colour_are_not_near() {
    let images: Vec<DynamicImage> = (0..60).map(|seed| DynamicImage::ImageRgb8(picture(seed, 96))).collect();
    for (index, a) in images.iter().enumerate() {
        assert!(images.iter().skip(index + 1).all(|b| !are_near(a, b)), "{index}");
    }
    let swapped = RgbImage::from_fn(96, 96, |x, y| {
        let Rgb([r, g, b]) = *picture(3, 96).get_pixel(x, y);
        Rgb([b / 2, g, r])
    });
    assert!(!are_near(&images[3], &DynamicImage::ImageRgb8(swapped)));
}

#[test]
fn a_blank_image_has_no_print() {
    let nearly = GrayImage::from_fn(40, 40, |x, _| Luma([250 + (x % 2) as u8]));
    assert!(Print::of(&DynamicImage::ImageLuma8(nearly)).is_none());
    assert!(Print::of(&DynamicImage::ImageLuma8(GrayImage::new(8, 8))).is_none());
}

#[test]
fn the_hash_has_as_many_ones_as_zeros_and_ignores_light_and_contrast() {
    let grey: [f32; SIDE_PX * SIDE_PX] = std::array::from_fn(|at| ((at * 37) % 101) as f32 + (at % SIDE_PX) as f32);
    let hash = dct_hash(&grey);
    assert_eq!(hash.count_ones(), 32);
    assert_eq!(distance(hash, dct_hash(&grey.map(|value| 0.5 * value + 40.0))), 0);
}

#[test]
fn the_search_finds_exactly_what_comparing_all_with_all_finds() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut hashes = BTreeSet::new();
    for _ in 0..300 {
        let base = rng.next_u64();
        hashes.insert(base);
        for _ in 0..6 {
            let bits = rng.next_u32() % 12;
            hashes.insert((0..bits).fold(base, |hash, _| hash ^ (1 << (rng.next_u32() % 64))));
        }
    }
    let hashes: Vec<u64> = hashes.into_iter().collect();
    let index = BandIndex::new(&hashes);
    let mut found = 0;
    for own in 0..hashes.len() {
        let slow: Vec<(usize, u32)> = (own + 1..hashes.len())
            .map(|other| (other, distance(hashes[own], hashes[other])))
            .filter(|(_, distance)| *distance <= MAX_DISTANCE)
            .collect();
        assert_eq!(index.close_after(own), (slow.clone(), false));
        found += slow.len();
    }
    assert!(found > 500, "{found}");
}

fn opened(folder: &Path) -> Arc<Catalog> {
    Arc::new(Catalog::open(folder, &|_| (), &|| false).unwrap())
}

fn examined(catalog: &Arc<Catalog>) -> Arc<Examination> {
    Arc::new(examine(catalog, &|_| (), &|| false).unwrap())
}

fn of(diagnosis: &Diagnosis, kind: FindingKind) -> Option<&Finding> {
    diagnosis.findings.iter().find(|finding| finding.kind == kind)
}

/// Six classes of three pictures each, and one thing wrong of every kind.
fn sick() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for class in 0..6_u64 {
        std::fs::create_dir(path(&format!("c{class}"))).unwrap();
        for image in 0..3 {
            picture(100 + class * 10 + image, 64).save(path(&format!("c{class}/{image}.png"))).unwrap();
        }
    }
    std::fs::copy(path("c0/0.png"), path("c1/stray.png")).unwrap();
    std::fs::copy(path("c2/1.png"), path("c2/twice.png")).unwrap();
    jpeg(&picture(130, 64), 40).to_rgb8().save(path("c4/near.png")).unwrap();
    picture(900, 20).save(path("c5/small.png")).unwrap();
    DynamicImage::ImageRgb8(picture(901, 64)).to_luma8().save(path("c5/grey.png")).unwrap();
    std::fs::create_dir(path("c6")).unwrap();
    picture(902, 64).save(path("c6/only.png")).unwrap();
    // The header is whole, the pixels are not.
    let bytes = std::fs::read(path("c3/2.png")).unwrap();
    std::fs::write(path("c3/cut.png"), &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(path("c3/empty.png"), b"").unwrap();
    folder
}

#[test]
fn every_kind_of_finding_is_found_with_its_images() {
    let folder = sick();
    let catalog = opened(folder.path());
    let diagnosis = examined(&catalog).diagnose(&[]);
    let names = |kind| {
        let finding = of(&diagnosis, kind).unwrap_or_else(|| panic!("{kind:?} in {:?}", diagnosis.findings));
        let groups = finding.groups.iter();
        groups
            .map(|group| group.items.iter().map(|item| catalog.name(*item as usize)).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(FindingKind::CopiesAcrossClasses), ["c0/0.png c1/stray.png"]);
    assert_eq!(names(FindingKind::CopiesInClass), ["c2/1.png c2/twice.png"]);
    assert_eq!(names(FindingKind::NearAcrossClasses), ["c3/0.png c4/near.png"]);
    assert_eq!(names(FindingKind::Unreadable), ["c3/cut.png"]);
    assert_eq!(names(FindingKind::TinyClasses), ["c6/only.png"]);
    assert_eq!(names(FindingKind::MixedSizes), ["c5/small.png"]);
    assert_eq!(names(FindingKind::MixedModes), ["c5/grey.png"]);
    let unreadable = of(&diagnosis, FindingKind::Unreadable).unwrap();
    assert_eq!((unreadable.count, unreadable.files.len(), unreadable.files_total), (2, 1, 1));
    assert!(of(&diagnosis, FindingKind::Excluded).is_none());
    assert!(diagnosis.findings.is_sorted_by_key(|finding| finding.kind.weight()));
}

/// One class of pictures of 64 px, saved as `save` says.
fn one_class(count: u64, save: impl Fn(&RgbImage, u64, &Path)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("a")).unwrap();
    for seed in 0..count {
        save(&picture(300 + seed, 64), seed, &folder.path().join(format!("a/{seed}.png")));
    }
    folder
}

#[test]
fn images_of_other_sizes_are_grouped_by_how_they_differ_from_the_usual_one() {
    let folder = one_class(9, |picture, seed, path| {
        let part = |width, height| image::imageops::crop_imm(picture, 0, 0, width, height).to_image();
        match seed {
            0 => part(20, 20).save(path).unwrap(),
            1 | 2 => {
                image::imageops::resize(picture, 200, 200, image::imageops::FilterType::Triangle).save(path).unwrap()
            }
            3 => part(33, 64).save(path).unwrap(),
            _ => picture.save(path).unwrap(),
        }
    });
    let examination = Arc::new(Examination::none(&opened(folder.path())));
    let diagnosis = examination.diagnose(&[]);
    let finding = of(&diagnosis, FindingKind::MixedSizes).unwrap();
    let headline = "3 of 9 images differ much from the usual 64×64 px: 1 much smaller, 2 much larger";
    assert_eq!((finding.headline.as_str(), finding.count), (headline, 3));
    let groups: Vec<(&str, &[u32])> =
        finding.groups.iter().map(|group| (group.title.as_str(), group.items.as_slice())).collect();
    let expected: [(&str, &[u32]); 2] = [("much smaller: 20×20 px", &[0]), ("much larger: 200×200 px", &[1, 2])];
    assert_eq!(groups, expected);
    let rest = examination.diagnose(&finding.items());
    assert!(of(&rest, FindingKind::MixedSizes).is_none(), "33×64 px is not much beside 64×64 px");
}

#[test]
fn images_stored_in_another_way_are_grouped_by_that_way() {
    let folder = one_class(6, |picture, seed, path| {
        let image = DynamicImage::ImageRgb8(picture.clone());
        match seed {
            0 => image.to_luma8().save(path).unwrap(),
            1 => image.to_rgba8().save(path).unwrap(),
            2 => image.to_luma16().save(path).unwrap(),
            _ => picture.save(path).unwrap(),
        }
    });
    let diagnosis = Arc::new(Examination::none(&opened(folder.path()))).diagnose(&[]);
    let finding = of(&diagnosis, FindingKind::MixedModes).unwrap();
    let headline = "3 of 6 images are stored in another way than the usual colour: 1 grey, 1 grey of more than 8 bits, \
                    1 colour with transparency";
    assert_eq!((finding.headline.as_str(), finding.count), (headline, 3));
    let groups: Vec<(&str, &[u32])> =
        finding.groups.iter().map(|group| (group.title.as_str(), group.items.as_slice())).collect();
    let expected: [(&str, &[u32]); 3] =
        [("grey", &[0]), ("grey of more than 8 bits", &[2]), ("colour with transparency", &[1])];
    assert_eq!(groups, expected);
}

#[test]
fn files_that_cannot_be_read_are_all_counted_though_only_some_are_named() {
    let folder = one_class(2, |picture, _, path| picture.save(path).unwrap());
    for number in 0..230 {
        std::fs::write(folder.path().join(format!("a/empty{number}.png")), b"").unwrap();
    }
    let diagnosis = Arc::new(Examination::none(&opened(folder.path()))).diagnose(&[]);
    let finding = of(&diagnosis, FindingKind::Unreadable).unwrap();
    assert_eq!((finding.count, finding.files_total, finding.files.len()), (230, 230, 200));
    assert_eq!(finding.file_positions.len(), 230, "those that are not named too");
}

#[test]
fn files_that_are_too_many_to_be_excluded_are_said_to_be() {
    let folder = one_class(2, |picture, _, path| picture.save(path).unwrap());
    let mut catalog = Catalog::open(folder.path(), &|_| {}, &|| false).unwrap();
    // Names so long that there is room for three of them.
    let name = "x".repeat(20 << 20);
    (0..5).for_each(|_| catalog.warnings.push(crate::data::WarningKind::Empty, name.as_str(), ""));
    let examination = Arc::new(Examination::none(&Arc::new(catalog)));
    let before = examination.diagnose(&[]);
    let unreadable = of(&before, FindingKind::Unreadable).unwrap();
    assert_eq!((unreadable.count, unreadable.file_positions.as_slice()), (5, [2, 3, 4].as_slice()));
    assert!(
        unreadable.headline.contains("5 files cannot be read; 3 of them can be excluded"),
        "{}",
        unreadable.headline
    );
    let after = examination.diagnose(&[2, 3, 4]);
    let rest = of(&after, FindingKind::Unreadable).unwrap();
    assert!(rest.headline.starts_with("2 files cannot be read; they are too many"), "{}", rest.headline);
}

#[test]
fn what_is_excluded_leaves_the_findings_and_is_listed() {
    let folder = sick();
    let examination = examined(&opened(folder.path()));
    let before = examination.diagnose(&[]);
    let mut excluded = of(&before, FindingKind::CopiesAcrossClasses).unwrap().all_but_first();
    excluded.extend(of(&before, FindingKind::Unreadable).unwrap().items());
    excluded.sort_unstable();
    let after = examination.diagnose(&excluded);
    assert!(of(&after, FindingKind::CopiesAcrossClasses).is_none());
    assert!(of(&after, FindingKind::Unreadable).is_none());
    assert_eq!(of(&after, FindingKind::Excluded).unwrap().items(), excluded);
}

#[test]
fn files_that_were_left_out_can_be_excluded_and_are_listed_as_such() {
    let folder = sick();
    let catalog = opened(folder.path());
    let examination = examined(&catalog);
    let before = examination.diagnose(&[]);
    let unreadable = of(&before, FindingKind::Unreadable).unwrap();
    let [empty] = unreadable.file_positions[..] else { panic!("{unreadable:?}") };
    assert_eq!((catalog.name(empty as usize).as_str(), unreadable.images()), ("c3/empty.png", 1));
    assert_eq!(unreadable.items().len(), 2, "an image that cannot be decoded, and a file");
    let after = examination.diagnose(&[empty]);
    let rest = of(&after, FindingKind::Unreadable).unwrap();
    assert_eq!((rest.count, rest.files_total, rest.files.len()), (1, 0, 0));
    let excluded = of(&after, FindingKind::Excluded).unwrap();
    assert_eq!((excluded.headline.as_str(), excluded.images()), ("1 unreadable file is excluded", 0));
    assert_eq!((excluded.items(), excluded.files_total), (vec![empty], 1));
    assert!(excluded.files[0].contains("c3/empty.png"), "{:?}", excluded.files);
    let both = examination.diagnose(&[0, 1, empty]);
    let excluded = of(&both, FindingKind::Excluded).unwrap();
    assert_eq!((excluded.headline.as_str(), excluded.count), ("2 images and 1 unreadable file are excluded", 3));
}

#[test]
fn only_what_can_be_mended_by_it_can_be_excluded() {
    let kept: Vec<FindingKind> = FindingKind::ALL.into_iter().filter(|kind| !kind.can_be_excluded()).collect();
    assert_eq!(kept, [FindingKind::Imbalance, FindingKind::Excluded]);
    let words: BTreeSet<&str> = FindingKind::ALL.iter().map(|kind| kind.word()).collect();
    assert_eq!(words.len(), FindingKind::ALL.len());
}

#[test]
fn a_healthy_folder_has_no_finding_and_the_examination_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    draw_classes(folder.path(), 1, 1);
    for class in ["a", "b"] {
        std::fs::create_dir_all(folder.path().join(class)).unwrap();
        for image in 0..4 {
            let seed = 40 + u64::from(class == "a") * 10 + image;
            picture(seed, 48).save(folder.path().join(class).join(format!("{image}.png"))).unwrap();
        }
    }
    std::fs::remove_dir_all(folder.path().join("p00")).unwrap();
    let catalog = opened(folder.path());
    assert_eq!(examined(&catalog).diagnose(&[]).findings, []);
    assert!(matches!(examine(&catalog, &|_| (), &|| true), Err(DataError::Cancelled)));
    let none = Examination::none(&catalog);
    assert!(!none.has_looked() && !none.has_compared_all() && examined(&catalog).has_compared_all());
}

#[test]
fn that_not_all_were_compared_is_told_although_nothing_was_found() {
    let folder = tempfile::tempdir().unwrap();
    draw_alike(folder.path(), 66);
    let examination = examined(&opened(folder.path()));
    assert_eq!(examination.diagnose(&[]).findings, []);
    assert!(examination.has_looked() && !examination.has_compared_all());
}

#[test]
fn excluded_images_are_grouped_by_class_where_the_files_mix_the_classes() {
    let folder = tempfile::tempdir().unwrap();
    draw_idx(folder.path(), &[7, 3, 7, 3, 5]);
    let diagnosis = Arc::new(Examination::none(&opened(folder.path()))).diagnose(&[0, 1, 2]);
    let groups = of(&diagnosis, FindingKind::Excluded).unwrap().groups.iter();
    let groups: Vec<(&str, &[u32])> = groups.map(|group| (group.title.as_str(), group.items.as_slice())).collect();
    let expected: [(&str, &[u32]); 2] = [("3", &[1]), ("7", &[0, 2])];
    assert_eq!(groups, expected);
}

#[test]
fn every_file_that_was_left_out_has_words() {
    let folder = one_class(2, |picture, _, path| picture.save(path).unwrap());
    std::fs::write(folder.path().join("a/empty.png"), b"").unwrap();
    let examination = Examination::none(&opened(folder.path()));
    assert!(examination.file_in_words(2).unwrap().starts_with("a/empty.png: "));
    assert_eq!([1, 3].map(|position| examination.file_in_words(position)), [None, None]);
}
