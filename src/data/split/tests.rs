//! Tests of the divisions, on catalogues without files.

use super::*;
use crate::data::{Item, Layout, Location, Mode, Warnings};
use std::path::Path;

/// Classes with this many images in each part: (undivided, train, held out).
fn catalog(classes: &[(&str, u32, u32, u32)]) -> Catalog {
    let mut items = Vec::new();
    for (class, &(name, all, train, held)) in (0..).zip(classes) {
        for (part, count) in [(Part::All, all), (Part::Train, train), (Part::HeldOut, held)] {
            let location = |i| Location::File(Path::new(name).join(format!("{part:?}{i}.png")).into_boxed_path());
            items.extend((0..count).map(|i| Item {
                class,
                part,
                location: location(i),
                width: 8,
                height: 8,
                mode: Mode::GREY,
            }));
        }
    }
    Catalog {
        root: "set".into(),
        base: "set".into(),
        beside: "set".into(),
        layout: Layout::IdentityFolder,
        classes: classes.iter().map(|class| class.0.to_owned()).collect(),
        items,
        warnings: Warnings::default(),
        fingerprint: String::new(),
        earlier_fingerprint: None,
        idx: Vec::new(),
        packs: Vec::new(),
        excluded: Vec::new(),
        whole: None,
        verification_sets: Vec::new(),
    }
}

fn undivided(classes: u32, images: u32) -> Catalog {
    let names: Vec<String> = (0..classes).map(|i| format!("c{i:02}")).collect();
    catalog(&names.iter().map(|name| (name.as_str(), images, 0, 0)).collect::<Vec<_>>())
}

fn config(split: SplitBy) -> DataConfig {
    DataConfig { split, ..DataConfig::default() }
}

fn class_of(catalog: &Catalog, item: u32) -> u32 {
    catalog.items[item as usize].class
}

#[test]
fn by_identity_no_class_is_on_both_sides_and_nothing_is_lost() {
    let catalog = undivided(20, 5);
    let split = split(&catalog, &config(SplitBy::Identity), 1).unwrap();
    assert_eq!((split.kind, split.train_classes.len(), split.validation_classes.len()), (SplitKind::ByIdentity, 16, 4));
    assert_eq!((split.train.len(), split.validation.len(), split.all_items().len()), (80, 20, 100));
    assert!(split.train.iter().all(|&item| split.label(class_of(&catalog, item)).is_some()));
    assert!(split.validation.iter().all(|&item| split.label(class_of(&catalog, item)).is_none()));
}

#[test]
fn by_image_every_class_keeps_images_on_both_sides() {
    let catalog = undivided(3, 5);
    let split = split(&catalog, &config(SplitBy::Image), 1).unwrap();
    assert_eq!((split.kind, split.train.len(), split.validation.len()), (SplitKind::ByImage, 12, 3));
    for class in 0..3 {
        let on = |side: &[u32]| side.iter().filter(|&&item| class_of(&catalog, item) == class).count();
        assert_eq!((on(&split.train), on(&split.validation)), (4, 1));
    }
    assert_eq!((split.label(2), split.label(3)), (Some(2), None));
}

#[test]
fn the_seed_decides_and_decides_alone() {
    let catalog = undivided(20, 5);
    for kind in [SplitBy::Identity, SplitBy::Image] {
        let of = |seed| split(&catalog, &config(kind), seed).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1).validation, of(2).validation);
    }
}

#[test]
fn a_new_class_does_not_change_how_the_others_are_divided() {
    let of = |classes| {
        let catalog = undivided(classes, 10);
        let split = split(&catalog, &config(SplitBy::Image), 7).unwrap();
        split.validation.into_iter().filter(|&item| item < 50).collect::<Vec<_>>()
    };
    assert_eq!(of(5), of(6));
}

#[test]
fn the_automatic_choice_is_by_identity_when_there_are_enough_classes() {
    let kind = |classes, images| split(&undivided(classes, images), &config(SplitBy::Auto), 1).unwrap().kind;
    assert_eq!(kind(9, 4), SplitKind::ByImage);
    assert_eq!(kind(10, 4), SplitKind::ByIdentity);
    let mut idx = undivided(10, 4);
    idx.layout = Layout::Idx;
    assert_eq!(split(&idx, &config(SplitBy::Auto), 1).unwrap().kind, SplitKind::ByImage);
}

#[test]
fn the_folders_own_division_is_used_when_it_is_of_the_kind_asked_for() {
    let shared = catalog(&[("ants", 0, 8, 4), ("bees", 0, 8, 4), ("new", 0, 0, 3)]);
    let own = split(&shared, &config(SplitBy::Auto), 1).unwrap();
    assert_eq!((own.kind, own.train.len(), own.validation.len()), (SplitKind::ByImage, 16, 8));
    assert_eq!(own.validation_classes, [0, 1]);
    let disjoint = catalog(&[("a", 0, 5, 0), ("b", 0, 5, 1), ("c", 0, 0, 3), ("d", 0, 0, 1), ("e", 0, 0, 2)]);
    let own = split(&disjoint, &config(SplitBy::Identity), 1).unwrap();
    assert_eq!(
        (own.kind, own.train_classes.clone(), own.validation_classes.clone()),
        (SplitKind::ByIdentity, vec![0, 1], vec![2, 3, 4])
    );
    assert_eq!(own.validation.len(), 6, "b's held-out image is of a class that is trained on");
    // Asked for the other kind, both parts are pooled.
    let pooled = split(&disjoint, &config(SplitBy::Image), 1).unwrap();
    assert_eq!((pooled.kind, pooled.train_classes.len()), (SplitKind::ByImage, 4), "d has one image");
}

#[test]
fn named_classes_are_held_out() {
    let names: Vec<String> = (1..=40).map(|i| format!("s{i}")).collect();
    let catalog = catalog(&names.iter().map(|name| (name.as_str(), 10, 0, 0)).collect::<Vec<_>>());
    let config = DataConfig { held_out: "s31..s40".to_owned(), ..config(SplitBy::Image) };
    let split = super::split(&catalog, &config, 1).unwrap();
    assert_eq!((split.kind, split.train.len(), split.validation.len()), (SplitKind::ByIdentity, 300, 100));
    let names: Vec<&str> = split.validation_classes.iter().map(|&class| names[class as usize].as_str()).collect();
    assert_eq!((names[0], names[9]), ("s31", "s40"));
    let everything = DataConfig { held_out: "*".to_owned(), ..config };
    assert!(super::split(&catalog, &everything, 1).unwrap_err().to_string().contains("hold out less"));
}

#[test]
fn what_cannot_be_divided_says_why_and_what_helps() {
    let message = |catalog: &Catalog, config: &DataConfig| split(catalog, config, 1).unwrap_err().to_string();
    let one_class = message(&undivided(1, 9), &config(SplitBy::Auto));
    assert!(one_class.contains("at least 2 classes") && one_class.contains("1 of 1"), "{one_class}");
    let single = DataConfig { min_images: 1, ..config(SplitBy::Image) };
    let one_each = message(&undivided(5, 1), &single);
    assert!(one_each.contains("every class has one image") && one_each.contains("add images"), "{one_each}");
    let filtered = message(&undivided(5, 1), &config(SplitBy::Image));
    assert!(filtered.contains("2 images (data.min_images)") && filtered.contains("the largest has 1"), "{filtered}");
    let three = message(&undivided(3, 9), &config(SplitBy::Identity));
    assert!(three.contains("at least 4 classes") && three.contains("data.split"), "{three}");
    let of_one = message(&undivided(3, 9), &DataConfig { min_images: 1, ..config(SplitBy::Identity) });
    assert!(of_one.contains("with 1 image (data.min_images)"), "{of_one}");
}

#[test]
fn by_identity_pairs_are_kept_for_validation_when_most_classes_have_one_image() {
    let mut classes: Vec<(String, u32)> = (0..30).map(|i| (format!("one{i:02}"), 1)).collect();
    classes.extend([("two".to_owned(), 2), ("three".to_owned(), 3)]);
    let catalog = catalog(&classes.iter().map(|(name, n)| (name.as_str(), *n, 0, 0)).collect::<Vec<_>>());
    let config = DataConfig { min_images: 1, ..config(SplitBy::Identity) };
    let split = split(&catalog, &config, 3).unwrap();
    assert_eq!(split.validation.len(), 5);
}

#[test]
fn any_shape_of_data_gives_a_sound_division_or_an_error() {
    for classes in 0..14 {
        for images in 0..5 {
            for kind in [SplitBy::Auto, SplitBy::Identity, SplitBy::Image] {
                for fraction in [0.01, 0.5, 0.99] {
                    let config = DataConfig { validation_fraction: fraction, min_images: 1, ..config(kind) };
                    let split = match split(&undivided(classes, images), &config, 5) {
                        Ok(split) => split,
                        Err(error) => {
                            assert!(classes < 4 || images < 2, "{classes} classes of {images} images: {error}");
                            continue;
                        }
                    };
                    assert!(split.train_classes.len() >= 2 && split.train.len() >= 2 && !split.validation.is_empty());
                    assert_eq!(split.all_items(), (0..classes * images).collect::<Vec<_>>());
                }
            }
        }
    }
}

#[test]
fn removing_broken_images_keeps_the_labels() {
    let catalog = undivided(3, 4);
    let mut split = split(&catalog, &config(SplitBy::Image), 1).unwrap();
    let gone: Vec<u32> = (0..4).collect();
    split.remove(&gone);
    assert_eq!((split.train.len() + split.validation.len(), split.label(2)), (8, Some(2)));
}

#[test]
fn a_held_out_part_of_one_image_is_counted_as_one() {
    let catalog = catalog(&[("a", 0, 4, 0), ("b", 0, 4, 0), ("c", 0, 0, 1)]);
    let error = split(&catalog, &config(SplitBy::Identity), 1).unwrap_err().to_string();
    assert!(error.starts_with("the held-out part has 1 class and 1 image; "), "{error}");
}
