//! Tests of the store and of the batches made from it.

use super::*;
use crate::config::DataConfig;
use crate::data::{Catalog, Preprocess, plain_batches, split};
use std::path::Path;

/// Four classes of six images; the red of an image is its class times 60.
fn write_set(root: &Path) {
    for class in 0..4_u8 {
        let folder = root.join(format!("c{class}"));
        std::fs::create_dir(&folder).unwrap();
        for i in 0..6_u8 {
            let image = image::RgbImage::from_fn(12, 12, |x, _| image::Rgb([class * 60, i * 40, x as u8 * 20]));
            image.save(folder.join(format!("{i}.png"))).unwrap();
        }
    }
}

struct Set {
    dir: tempfile::TempDir,
    split: Arc<Split>,
    catalog: Arc<Catalog>,
}

fn set() -> Set {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path());
    let catalog = Arc::new(Catalog::open(dir.path(), &|_| (), &|| false).unwrap());
    let split = Arc::new(split(&catalog, &DataConfig::default(), 1).unwrap());
    Set { dir, split, catalog }
}

fn store(set: &Set, cache_bytes: u64) -> Arc<ImageStore> {
    let items = set.split.all_items();
    let pre = Preprocess::new(12, 3);
    let built = ImageStore::build(Arc::clone(&set.catalog), &items, pre, cache_bytes, &|_| (), &|| false);
    let (store, warnings) = built.unwrap();
    assert!(warnings.is_empty());
    Arc::new(store)
}

fn epoch(store: &Arc<ImageStore>, set: &Set, augment: Augment, first_step: usize) -> Vec<HostBatch> {
    let plan = EpochPlan { seed: 9, epoch: 2, first_step, sampling: Sampling::shuffled(6) };
    let loader = Loader::start(Arc::clone(store), Arc::clone(&set.split), augment, plan).unwrap();
    loader.map(Result::unwrap).collect()
}

fn strong() -> Augment {
    Augment { flip: true, shift: 0.1, scale: 0.1, rotate_rad: 0.2, colour: 0.3, ..Augment::default() }
}

#[test]
fn an_epoch_is_the_same_from_memory_from_disk_with_one_thread_and_when_resumed() {
    let set = set();
    let (cached, on_demand) = (store(&set, 1 << 20), store(&set, 0));
    assert!(cached.is_cached() && !on_demand.is_cached());
    let batches = epoch(&cached, &set, strong(), 0);
    // 20 training images, 6 per batch: the 2 left over are dropped.
    assert_eq!((set.split.train.len(), batches.len(), batches[0].images.len()), (20, 3, 6 * 3 * 144));
    assert_eq!(batches, epoch(&on_demand, &set, strong(), 0));
    assert_eq!(batches[1..], epoch(&cached, &set, strong(), 1)[..]);
    // Inside a pool of one thread the maker still uses the global pool, so the maker itself is run here.
    let plan = EpochPlan { seed: 9, epoch: 2, first_step: 0, sampling: Sampling::shuffled(6) };
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let alone = single.install(|| {
        let (sender, receiver) = sync_channel(8);
        let maker = Maker {
            store: Arc::clone(&cached),
            split: Arc::clone(&set.split),
            augment: strong(),
            plan,
            stop: Arc::default(),
        };
        maker.run(&sender);
        drop(sender);
        receiver.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    });
    assert_eq!(batches, alone);
}

#[test]
fn labels_belong_to_their_images() {
    let set = set();
    let store = store(&set, 1 << 20);
    let batches = epoch(&store, &set, Augment::identity(), 0);
    assert_eq!(batches.iter().map(|batch| batch.labels.len()).sum::<usize>(), 18);
    for batch in batches {
        for (i, (&label, &item)) in batch.labels.iter().zip(&batch.items).enumerate() {
            let red = (batch.images[i * 3 * 144] * 0.5 + 0.5) * 255.0;
            assert!((red - label as f32 * 60.0).abs() < 0.1, "{label}: {red}");
            assert_eq!(set.catalog.class_name(item as usize), format!("c{label}"));
        }
    }
}

#[test]
fn dropping_the_loader_in_the_middle_ends_its_thread() {
    let set = set();
    let store = store(&set, 0);
    let plan = EpochPlan { seed: 1, epoch: 0, first_step: 0, sampling: Sampling::shuffled(1) };
    let mut loader = Loader::start(Arc::clone(&store), Arc::clone(&set.split), strong(), plan).unwrap();
    assert!(loader.next().unwrap().is_ok());
    drop(loader);
    assert_eq!(Arc::strong_count(&store), 1, "the thread has let go of the images");
}

#[test]
fn an_image_that_vanishes_ends_the_epoch_with_its_path() {
    let set = set();
    let (on_demand, cached) = (store(&set, 0), store(&set, 1 << 20));
    std::fs::remove_dir_all(set.dir.path().join("c2")).unwrap();
    assert_eq!(epoch(&cached, &set, strong(), 0).len(), 3, "images in memory are safe");
    let plan = EpochPlan { seed: 1, epoch: 0, first_step: 0, sampling: Sampling::shuffled(20) };
    let loader = Loader::start(on_demand, Arc::clone(&set.split), strong(), plan).unwrap();
    let results: Vec<_> = loader.collect();
    assert_eq!(results.len(), 1);
    assert!(matches!(&results[0], Err(DataError::Vanished(path)) if path.starts_with(set.dir.path().join("c2"))));
}

#[test]
fn evaluation_batches_keep_the_order_and_the_short_end_and_mirror_on_request() {
    let set = set();
    let store = store(&set, 1 << 20);
    let items = [5, 0, 23, 7];
    let all: Vec<u32> = (0..24).collect();
    let (full, _) =
        ImageStore::build(Arc::clone(&set.catalog), &all, store.preprocess().clone(), 1 << 20, &|_| (), &|| false)
            .unwrap();
    let plain: Vec<HostBatch> = plain_batches(&full, &items, 3, false).map(|(batch, _)| batch).collect();
    assert_eq!(plain.iter().map(HostBatch::len).collect::<Vec<_>>(), [3, 1]);
    assert_eq!((plain[0].items.as_slice(), plain[0].labels.as_slice()), ([5, 0, 23].as_slice(), [0, 0, 3].as_slice()));
    let mirrored: Vec<HostBatch> = plain_batches(&full, &items, 3, true).map(|(batch, _)| batch).collect();
    // The third plane is a ramp from left to right.
    let row = |batch: &HostBatch| batch.images[2 * 144..2 * 144 + 12].to_vec();
    assert_eq!(row(&plain[0]).into_iter().rev().collect::<Vec<_>>(), row(&mirrored[0]));
    assert_ne!(row(&plain[0]), row(&mirrored[0]));
}

#[test]
fn building_reports_every_image_and_stops_when_cancelled() {
    let set = set();
    let last = std::sync::Mutex::new(None);
    let progress = |p| *last.lock().unwrap() = Some(p);
    let items = [3, 3, 1];
    let pre = Preprocess::new(8, 1);
    ImageStore::build(Arc::clone(&set.catalog), &items, pre.clone(), 0, &progress, &|| false).unwrap();
    assert_eq!(*last.lock().unwrap(), Some(crate::data::Progress { done: 2, total: 2 }));
    let cancelled = ImageStore::build(Arc::clone(&set.catalog), &items, pre.clone(), 0, &progress, &|| true);
    assert!(matches!(cancelled, Err(DataError::Cancelled)));
    let beyond = ImageStore::build(Arc::clone(&set.catalog), &[24], pre, 0, &progress, &|| false);
    assert!(matches!(beyond, Err(DataError::NoSuchItem { item: 24, count: 24 })));
}
