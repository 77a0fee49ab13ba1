//! The public data sets this program is measured on. Each test is skipped, with a word, when its set is not there.

use super::testing::shared_data;
use super::*;
use crate::config::{DataConfig, SplitBy};
use std::sync::Arc;

fn open(path: &Path) -> Catalog {
    Catalog::open(path, &|_| (), &|| false).unwrap()
}

#[test]
fn fashion_mnist_opens_from_its_folder_and_from_one_file() {
    let Some(path) = shared_data("fashion-mnist") else { return };
    let catalog = open(&path);
    assert_eq!((catalog.layout.clone(), catalog.items.len(), catalog.typical_px()), (Layout::Idx, 70_000, 28));
    assert_eq!(catalog.class_counts(), [7000; 10]);
    let split = split(&catalog, &DataConfig::default(), 1).unwrap();
    assert_eq!((split.kind, split.train.len(), split.validation.len()), (SplitKind::ByImage, 60_000, 10_000));
    // The first training image is an ankle boot, class 9; its ink sums to 76,247 (counted with another reader).
    assert_eq!((catalog.class_name(0), catalog.name(60_000).as_str()), ("9", "t10k#0"));
    let ink: u64 = catalog.load(0).unwrap().as_bytes().iter().map(|&v| u64::from(v)).sum();
    assert_eq!(ink, 76_247);
    let one = open(&path.join("t10k-labels-idx1-ubyte.gz"));
    assert_eq!((one.items.len(), one.fingerprint), (70_000, catalog.fingerprint));
}

#[test]
fn orl_is_forty_people_and_can_be_divided_by_name() {
    let Some(path) = shared_data("orl") else { return };
    let catalog = open(&path);
    assert_eq!((catalog.classes.len(), catalog.class_counts()), (40, vec![10; 40]));
    assert_eq!(catalog.classes[..3], ["s1", "s10", "s11"]);
    assert!(catalog.all_grey() && catalog.warnings.is_empty() && catalog.typical_px() == 92);
    let config = DataConfig { held_out: "s31..s40".to_owned(), ..DataConfig::default() };
    let split = split(&catalog, &config, 1).unwrap();
    assert_eq!((split.train.len(), split.validation.len()), (300, 100));
    assert!(split.validation.iter().all(|&item| {
        let number: u32 = catalog.class_name(item as usize)[1..].parse().unwrap();
        (31..=40).contains(&number)
    }));
}

#[test]
fn omniglot_holds_out_other_alphabets() {
    let Some(path) = shared_data("omniglot") else { return };
    let catalog = open(&path);
    assert_eq!(catalog.layout, Layout::TrainAndHeldOut { held_out_name: "test".to_owned() });
    assert!(catalog.all_grey() && catalog.typical_px() == 105);
    let split = split(&catalog, &DataConfig::default(), 1).unwrap();
    assert_eq!(
        (split.kind, split.train_classes.len(), split.validation_classes.len()),
        (SplitKind::ByIdentity, 110, 26)
    );
    assert_eq!((split.train.len(), split.validation.len()), (2200, 520));
}

#[test]
fn hymenoptera_is_a_closed_set_of_photos_of_any_size() {
    let Some(path) = shared_data("hymenoptera256") else { return };
    let catalog = open(&path);
    assert_eq!(
        (catalog.classes.as_slice(), catalog.items.len()),
        (["ants".to_owned(), "bees".to_owned()].as_slice(), 397)
    );
    assert_eq!((catalog.typical_px(), catalog.all_grey()), (256, false));
    let split = split(&catalog, &DataConfig::default(), 1).unwrap();
    assert_eq!((split.kind, split.train.len() + split.validation.len()), (SplitKind::ByImage, 397));
    let by_identity = DataConfig { split: SplitBy::Identity, ..DataConfig::default() };
    assert!(super::split(&catalog, &by_identity, 1).unwrap_err().to_string().contains("at least 4 classes"));
    let all = split.all_items();
    let pre = Preprocess::new(64, 3);
    let (store, warnings) = ImageStore::build(Arc::new(catalog), &all, pre, 1 << 30, &|_| (), &|| false).unwrap();
    assert!(warnings.is_empty() && store.failed().is_empty() && store.is_cached());
}

#[test]
fn lfw_opens_with_disjoint_people_and_its_pairs_are_found() {
    let Some(path) = shared_data("lfw112") else { return };
    let catalog = open(&path);
    let split = split(&catalog, &DataConfig::default(), 1).unwrap();
    assert_eq!(
        (split.kind, split.train_classes.len(), split.validation_classes.len()),
        (SplitKind::ByIdentity, 298, 963)
    );
    assert_eq!((split.train.len(), split.validation.len()), (3303, 1549));
    let list = read_pairs(&path.join("pairsDevTest.txt")).unwrap();
    assert_eq!((list.pairs.len(), list.folds), (1000, None));
    let (images, pairs, warnings) = resolve_pairs(&list, &path).unwrap();
    assert_eq!((pairs.len(), warnings.total()), (1000, 0));
    assert_eq!(pairs.iter().filter(|pair| pair.2).count(), 500);
    assert!(images.iter().all(|image| image.is_file()));
    assert!(read_pairs(&path.join("peopleDevTest.txt")).is_err());
}

/// Not a matter of one public set, but of all of them: a million images must stay a small list.
#[test]
fn an_image_of_the_catalogue_takes_at_most_two_hundred_bytes() {
    let folder = tempfile::tempdir().unwrap();
    // Names as long as those of the public sets ("Aaron_Eckhart/Aaron_Eckhart_0001.jpg").
    for class in ["Aaron_Eckhart", "Jean-Francois_Pontal"] {
        testing::draw_classes(&folder.path().join("drawn"), 1, 3);
        let place = folder.path().join("set").join(class);
        std::fs::create_dir_all(&place).unwrap();
        for image in 0..3 {
            let from = folder.path().join(format!("drawn/p00/{image}.png"));
            std::fs::copy(from, place.join(format!("{class}_{image:04}.png"))).unwrap();
        }
    }
    let catalog = open(&folder.path().join("set"));
    assert_eq!(catalog.items.len(), 6);
    for item in &catalog.items {
        let Location::File(path) = &item.location else { panic!("{item:?}") };
        // The path, the allocator's own bytes and rounding, the entry, its slot in the store, its place in the split.
        let bytes = path.as_os_str().len() + 32 + size_of::<Item>() + 2 * size_of::<u32>();
        assert!(bytes <= 200, "{item:?}: {bytes} bytes");
    }
}
