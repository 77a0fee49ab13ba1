//! The file formats of the field, end to end: built here byte by byte or with our own writers, opened as a person would.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;
#[path = "data_formats/forms.rs"]
mod forms;
#[path = "common/packed.rs"]
mod packed;
#[path = "data_formats/written.rs"]
mod written;

use arclens::config::DataConfig;
use arclens::data::{Catalog, ImageStore, Layout, Part, Preprocess, RecWriter, WarningKind, split};
use common::{fails, folder, open, put};
use image::{ImageFormat, RgbImage};
use packed::gzip;
use std::fs;
use std::io::Cursor;
use std::sync::Arc;

/// A picture that differs for every `seed`, as an encoded file.
fn picture(seed: u32, format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(16, 16, |x, y| image::Rgb([(x * 9 + seed) as u8, (y * 5) as u8, (seed * 31) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(seed: u32) -> Vec<u8> {
    picture(seed, ImageFormat::Png)
}

/// Decodes everything, as a training does; the pixels of each image.
fn pixels(catalog: Catalog) -> Vec<Vec<u8>> {
    let items: Vec<u32> = (0..catalog.items.len() as u32).collect();
    let pre = Preprocess::new(16, 3);
    let (store, warnings) = ImageStore::build(Arc::new(catalog), &items, pre, 1 << 20, &|_| (), &|| false).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let read = |&item: &u32| {
        let mut out = Vec::new();
        store.read(item, &mut out).unwrap();
        out
    };
    items.iter().map(read).collect()
}

fn raw(seed: u32) -> Vec<u8> {
    image::load_from_memory(&png(seed)).unwrap().into_rgb8().into_raw()
}

// ---- RecordIO ----

/// Three identities with 2, 1 and 3 images: the `.rec` and its index.
fn records() -> (Vec<u8>, Vec<u8>) {
    let mut writer = RecWriter::new(Vec::new(), Vec::new());
    for (identity, count) in [(0, 2), (1, 1), (2, 3)] {
        if identity > 0 {
            writer.next_identity();
        }
        (0..count).for_each(|image| writer.image(&png(identity * 10 + image)).unwrap());
    }
    writer.finish().unwrap()
}

/// A record without InsightFace's additions, whole.
fn record(flag: u32, label: f32, labels: &[f32], image: &[u8]) -> Vec<u8> {
    let mut payload = [flag.to_le_bytes().as_slice(), &label.to_le_bytes(), &[0; 16]].concat();
    labels.iter().for_each(|label| payload.extend(label.to_le_bytes()));
    payload.extend(image);
    let mut bytes = [0xCED7_230A_u32.to_le_bytes(), (payload.len() as u32).to_le_bytes()].concat();
    bytes.extend(&payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

#[test]
fn an_insightface_folder_opens_by_folder_by_rec_and_by_index() {
    let dir = folder();
    let (rec, idx) = records();
    put(dir.path(), "train.rec", &rec);
    put(dir.path(), "train.idx", &idx);
    put(dir.path(), "property", b"3,16,16\n");
    let catalog = open(dir.path()).unwrap();
    assert_eq!((catalog.layout.clone(), catalog.class_counts()), (Layout::Records, vec![2, 1, 3]));
    assert_eq!(catalog.classes, ["0", "1", "2"]);
    assert_eq!((catalog.typical_px(), catalog.all_grey(), catalog.has_parts()), (16, false, false));
    assert_eq!(catalog.warnings.total(), catalog.warnings.count(WarningKind::TinyClass));
    assert_eq!(catalog.name(0), "train.rec@0");
    for file in ["train.rec", "train.idx"] {
        let one = open(&dir.path().join(file)).unwrap();
        assert_eq!((one.items.len(), one.fingerprint), (6, catalog.fingerprint.clone()));
    }
    let split = split(&catalog, &DataConfig { min_images: 1, ..DataConfig::default() }, 1).unwrap();
    assert_eq!(split.all_items().len(), 6);
    assert_eq!(pixels(catalog), [0, 1, 10, 20, 21, 22].map(raw));
}

#[test]
fn without_its_index_the_same_images_are_found() {
    let dir = folder();
    let (rec, idx) = records();
    put(dir.path(), "with/train.rec", &rec);
    put(dir.path(), "with/train.idx", &idx);
    put(dir.path(), "without/train.rec", &rec);
    let (with, without) = (open(&dir.path().join("with")).unwrap(), open(&dir.path().join("without")).unwrap());
    assert_eq!((with.items, with.fingerprint), (without.items, without.fingerprint));
}

#[test]
fn an_index_that_leads_to_no_image_is_told_and_the_file_is_read_without_it() {
    let dir = folder();
    let (rec, idx) = records();
    let beyond = format!("1\t{}\n", rec.len() + 4);
    let told = |index: &[u8]| {
        put(dir.path(), "train.rec", &rec);
        put(dir.path(), "train.idx", index);
        let catalog = open(dir.path()).unwrap();
        let count = catalog.warnings.count(WarningKind::UnusedIndex);
        let others = catalog.warnings.total() - catalog.warnings.count(WarningKind::TinyClass) - count;
        (catalog.items.len(), catalog.fingerprint, count, others)
    };
    let (images, fingerprint, unused, others) = told(&idx);
    assert_eq!((images, unused, others), (6, 0, 0));
    // Empty, of a longer file, and of records that begin elsewhere.
    for index in [b"".as_slice(), beyond.as_bytes(), b"1\t2\n2\t6\n"] {
        assert_eq!(told(index), (6, fingerprint.clone(), 1, 0));
    }
    put(dir.path(), "train.rec", b"");
    assert!(!fails(dir.path()).contains("()"));
}

#[test]
fn lists_of_labels_count_by_their_first_and_no_class_is_a_warning() {
    let dir = folder();
    let rec = [
        record(0, 7.0, &[], &png(1)),
        record(1, 0.0, &[3.0], &png(2)),
        record(2, 0.0, &[3.0, 0.5], &png(3)),
        record(0, 0.5, &[], &png(4)),
        record(0, f32::NAN, &[], &png(5)),
        record(0, -1.0, &[], &png(6)),
        record(0, 7.0, &[], b"no image"),
        record(0, 7.0, &[], b""),
    ];
    put(dir.path(), "faces.rec", &rec.concat());
    put(dir.path(), "property", b"5,16,20");
    let catalog = open(dir.path()).unwrap();
    assert_eq!(
        (catalog.classes.as_slice(), catalog.class_counts()),
        (["3", "7"].map(String::from).as_slice(), vec![2, 1])
    );
    assert_eq!(catalog.warnings.count(WarningKind::BadLabel), 3);
    assert_eq!(catalog.warnings.count(WarningKind::NotAnImage), 1);
    assert_eq!(catalog.warnings.count(WarningKind::Empty), 1);
    assert_eq!(catalog.warnings.count(WarningKind::Mismatch), 2, "{:?}", catalog.warnings);
}

#[test]
fn ranges_that_are_rounded_do_not_cut_images_off() {
    let dir = folder();
    // 42,474,558 as InsightFace wrote it reads back as 42,474,560: a header that points beyond every key of the index.
    let parts = [
        record(0, 0.0, &[], &png(1)),
        record(0, 1.0, &[], &png(2)),
        record(2, 0.0, &[1.0, 2.0], b""),
        record(2, 0.0, &[42_474_558.0, 42_474_560.0], b""),
    ];
    let ends = parts.iter().scan(0, |at, part| {
        let start = *at;
        *at += part.len();
        Some(start)
    });
    let idx: String = [1, 2, 42_474_558_u64, 0].iter().zip(ends).map(|(key, at)| format!("{key}\t{at}\n")).collect();
    put(dir.path(), "train.rec", &parts.concat());
    put(dir.path(), "train.idx", idx.as_bytes());
    let catalog = open(dir.path()).unwrap();
    assert_eq!((catalog.class_counts(), catalog.warnings.count(WarningKind::Empty)), (vec![1, 1], 0));
}

#[test]
fn a_validation_file_beside_the_training_file_is_the_held_out_part() {
    let dir = folder();
    put(dir.path(), "train.rec", &records().0);
    put(dir.path(), "val.rec", &[record(0, 2.0, &[], &png(9)), record(0, 5.0, &[], &png(8))].concat());
    let catalog = open(dir.path()).unwrap();
    assert!(catalog.has_parts());
    let held: Vec<&str> =
        (0..8).filter(|&i| catalog.items[i].part == Part::HeldOut).map(|i| catalog.class_name(i)).collect();
    assert_eq!(held, ["2", "5"]);
    fs::rename(dir.path().join("train.rec"), dir.path().join("a.rec")).unwrap();
    assert!(fails(dir.path()).contains("several RecordIO files (a.rec, val.rec)"));
}

#[test]
fn boxes_around_objects_are_refused_with_the_reason() {
    let dir = folder();
    let boxes = |n: usize| {
        let mut labels = vec![2.0, 5.0];
        (0..n).for_each(|_| labels.extend([1.0, 0.1, 0.2, 0.5, 0.6]));
        record(labels.len() as u32, 0.0, &labels, &png(1))
    };
    // Without an object, and with a label that is none: neither hides what the file is.
    let empty = record(2, 0.0, &[2.0, 5.0], &png(2));
    let broken = record(0, 0.5, &[], &png(3));
    for records in [[boxes(1), boxes(3)].concat(), [broken, empty.clone(), empty.clone(), boxes(2)].concat()] {
        put(dir.path(), "train.rec", &records);
        let message = fails(dir.path());
        assert!(message.contains("detection") && message.contains("one folder per class"), "{message}");
    }
    // A few among images are left out wherever they stand, and told as what they are.
    let image = |seed: u32| record(0, (seed % 2) as f32, &[], &png(seed));
    let first: Vec<u8> = (10..20).flat_map(image).collect();
    put(dir.path(), "train.rec", &[boxes(1), first, boxes(3), image(20), empty.clone()].concat());
    let catalog = open(dir.path()).unwrap();
    assert_eq!((catalog.items.len(), catalog.warnings.count(WarningKind::DetectionRecord)), (11, 3));
    assert_eq!(catalog.classes, ["0", "1"]);
    let told = catalog.warnings.groups();
    let told = told.iter().find(|group| group.kind == WarningKind::DetectionRecord).unwrap();
    assert!(told.headline.contains("for detection") && told.hint.contains("Cut the objects out"), "{told:?}");
    assert!(told.examples[1].contains("3 boxes around objects"), "{told:?}");
    // Two numbers alone are a class and one more.
    put(dir.path(), "train.rec", &[image(1), empty].concat());
    assert_eq!(open(dir.path()).unwrap().classes, ["1", "2"]);
}

#[test]
fn a_cut_off_file_gives_what_is_whole_and_garbage_is_refused() {
    let dir = folder();
    let whole = record(0, 1.0, &[], &png(1));
    let cut = &whole[..whole.len() - 5];
    put(dir.path(), "cut/x.rec", &[&whole, cut].concat());
    let catalog = open(&dir.path().join("cut/x.rec")).unwrap();
    assert_eq!((catalog.items.len(), catalog.warnings.count(WarningKind::Truncated)), (1, 1));
    put(dir.path(), "bad/x.rec", b"this is a letter, not records");
    assert!(fails(&dir.path().join("bad")).contains("not valid at byte 0"));
    put(dir.path(), "none/x.rec", &record(0, 1.0, &[], b"junk"));
    assert!(fails(&dir.path().join("none")).contains("its one record holds no usable image"));
    put(dir.path(), "empty/x.rec", b"");
    assert!(fails(&dir.path().join("empty")).contains("no records with images"));
}

#[test]
fn a_file_that_changes_after_opening_is_an_error_of_that_image() {
    let dir = folder();
    let path = dir.path().join("train.rec");
    fs::write(&path, records().0).unwrap();
    let catalog = open(&path).unwrap();
    fs::write(&path, b"short").unwrap();
    assert!(catalog.load(5).is_err());
}

// ---- lists ----

#[test]
fn a_list_of_labels_is_a_data_set_that_opens_again_by_its_path() {
    let dir = folder();
    for seed in 0..3 {
        put(dir.path(), &format!("pool/{seed}.png"), &png(seed));
    }
    let list = dir.path().join("train.csv");
    fs::write(&list, "path,label\npool/0.png,10\npool/1.png,9\npool/2.png,10\npool/gone.png,9\n../x.png,9\n").unwrap();
    let catalog = open(&list).unwrap();
    assert_eq!((catalog.layout.clone(), catalog.root.clone()), (Layout::List, list.clone()));
    assert_eq!(
        (catalog.classes.as_slice(), catalog.class_counts()),
        (["9", "10"].map(String::from).as_slice(), vec![1, 2])
    );
    assert_eq!(catalog.warnings.count(WarningKind::MissingListed), 2);
    assert_eq!(catalog.path(0).unwrap(), dir.path().join("pool/1.png"));
    assert_eq!(pixels(catalog), [1, 0, 2].map(raw));
    let lst = dir.path().join("train.lst");
    fs::write(&lst, "0\t0.000000\tpool/0.png\n1\t1.000000\tpool/1.png\n").unwrap();
    assert_eq!(open(&lst).unwrap().classes, ["0", "1"]);
    fs::write(&lst, "0\t0\tgone/0.png\n").unwrap();
    assert!(fails(&lst).contains("gone/0.png"));
}

#[test]
fn lists_of_pairs_and_verification_sets_are_told_from_data_sets() {
    let dir = folder();
    put(dir.path(), "pairs.txt", b"a.jpg 1\nb.jpg 1\n");
    put(dir.path(), "p.csv", b"image1_path,image2_path,label\na.jpg,b.jpg,1\n");
    put(dir.path(), "lfw.bin", b"\x80\x04N.");
    // Images on one side only, labels that are 0 and 1: still no pairs.
    put(dir.path(), "a.png", &png(1));
    put(dir.path(), "two.csv", b"id,path,label\n7,a.png,0\n8,a.png,1\n");
    put(dir.path(), "mag.list", b"a.png 0 5 0\n");
    assert_eq!(open(&dir.path().join("two.csv")).unwrap().classes, ["0", "1"]);
    assert_eq!(open(&dir.path().join("mag.list")).unwrap().classes, ["5"]);
    for name in ["pairs.txt", "p.csv"] {
        assert!(fails(&dir.path().join(name)).contains("--pairs"), "{name}");
    }
    assert!(fails(&dir.path().join("lfw.bin")).contains("--bin"));
}

// ---- EMNIST ----

#[test]
fn images_of_emnist_are_turned_upright_by_their_name() {
    let dir = folder();
    // One image of 4 rows and 5 columns, numbered as they lie in the file.
    let images: Vec<u8> = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 5].into_iter().chain(0..20).collect();
    let labels = [0, 0, 8, 1, 0, 0, 0, 1, 7];
    for name in ["emnist-letters-train", "train"] {
        put(dir.path(), &format!("{name}/{name}-images-idx3-ubyte"), &images);
        put(dir.path(), &format!("{name}/{name}-labels-idx1-ubyte"), &labels);
    }
    let (as_stored, turned) =
        (open(&dir.path().join("train")).unwrap(), open(&dir.path().join("emnist-letters-train")).unwrap());
    assert_eq!(as_stored.warnings.count(WarningKind::Turned), 0);
    let told = turned.warnings.groups().into_iter().find(|group| group.kind == WarningKind::Turned).unwrap();
    assert!(told.examples[0].contains("its name says") && told.hint.contains("upright"), "{told:?}");
    let (as_stored, upright) = (as_stored.load(0).unwrap(), turned.load(0).unwrap());
    assert_eq!((as_stored.width(), upright.width()), (5, 4));
    let (stored, upright) = (as_stored.into_luma8(), upright.into_luma8());
    assert!(upright.enumerate_pixels().all(|(x, y, pixel)| pixel == stored.get_pixel(y, x)));
}

#[test]
fn renamed_files_of_emnist_are_turned_upright_by_their_counts() {
    let dir = folder();
    // The 18,800 images to test EMNIST Balanced with; a stroke in the first row of the first image.
    let (n, classes) = (18_800_u32, 47_u8);
    let mut images = [0x803_u32, n, 28, 28].map(u32::to_be_bytes).concat();
    images.extend([255; 28]);
    images.resize(16 + n as usize * 28 * 28, 0);
    let mut labels = [0x801_u32, n].map(u32::to_be_bytes).concat();
    labels.extend((0..classes).flat_map(|class| [class; 400]));
    put(dir.path(), "lying/train-images-idx3-ubyte.gz", &gzip(&images));
    put(dir.path(), "lying/train-labels-idx1-ubyte", &labels);
    let catalog = open(&dir.path().join("lying")).unwrap();
    let first = catalog.load(0).unwrap().into_luma8();
    assert_eq!((first.get_pixel(0, 27).0, first.get_pixel(27, 0).0), ([255], [0]));
    let told = catalog.warnings.groups().into_iter().find(|group| group.kind == WarningKind::Turned).unwrap();
    assert!(told.examples[0].contains("EMNIST Balanced"), "{told:?}");
    // One image of another class: another set.
    labels[8] = 1;
    put(dir.path(), "other/train-images-idx3-ubyte.gz", &gzip(&images));
    put(dir.path(), "other/train-labels-idx1-ubyte", &labels);
    let catalog = open(&dir.path().join("other")).unwrap();
    assert_eq!(catalog.warnings.count(WarningKind::Turned), 0);
    assert_eq!(catalog.load(0).unwrap().into_luma8().get_pixel(27, 0).0, [255]);
}

// ---- archives ----

/// Two classes of two images each below `prefix`, as (name, bytes).
fn tree(prefix: &str) -> Vec<(String, Vec<u8>)> {
    let name = |class: &str, image: u32| format!("{prefix}{class}/{image}.png");
    ["a", "b"]
        .iter()
        .zip([0, 10])
        .flat_map(|(class, seed)| (0..2).map(move |i| (name(class, i), png(seed + i))))
        .collect()
}

fn zip(files: &[(String, Vec<u8>)], method: zip::CompressionMethod) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in files {
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        writer.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    writer.into_inner().unwrap()
}

#[test]
fn every_archive_gives_what_its_folder_gives() {
    let dir = folder();
    let files = tree("set/");
    for (name, bytes) in &files {
        put(&dir.path().join("plain"), name, bytes);
    }
    let plain = open(&dir.path().join("plain")).unwrap();
    let archives = [
        ("stored.zip", zip(&files, zip::CompressionMethod::Stored)),
        ("deflated.zip", zip(&files, zip::CompressionMethod::Deflated)),
        ("set.tar", tar(&files)),
        ("set.tar.gz", gzip(&tar(&files))),
        // Known by its content, not by its name.
        ("set.download", gzip(&tar(&files))),
    ];
    for (name, bytes) in archives {
        put(dir.path(), name, &bytes);
        let catalog = open(&dir.path().join(name)).unwrap();
        assert!(
            matches!(&catalog.layout, Layout::Archive { inner, .. } if **inner == Layout::IdentityFolder),
            "{name}"
        );
        assert_eq!((&catalog.classes, &catalog.fingerprint), (&plain.classes, &plain.fingerprint), "{name}");
        assert_eq!((catalog.name(0), catalog.path(0)), ("set/a/0.png".to_owned(), None), "{name}");
        assert_eq!((catalog.warnings.total(), catalog.root.clone()), (0, dir.path().join(name)), "{name}");
        assert_eq!(pixels(catalog), [0, 1, 10, 11].map(raw), "{name}");
    }
}

#[test]
fn train_and_validation_trees_and_long_names_open_from_archives() {
    let dir = folder();
    let long = "x".repeat(150);
    let files = [tree("set/train/"), tree("set/val/"), tree(&format!("set/train/{long}/")), tree("set/raw/")].concat();
    for (name, bytes) in [("s.tar", tar(&files)), ("s.zip", zip(&files, zip::CompressionMethod::Deflated))] {
        put(dir.path(), name, &bytes);
        let catalog = open(&dir.path().join(name)).unwrap();
        assert!(catalog.has_parts(), "{name}");
        assert_eq!((catalog.classes.len(), catalog.items.len()), (3, 12), "{name}");
        assert_eq!(catalog.classes[2], long, "{name}");
        assert_eq!(catalog.warnings.count(WarningKind::IgnoredFolder), 1, "{name}");
        assert_eq!(catalog.warnings.count(WarningKind::NestedFolder), 1, "{name}");
        assert!(catalog.warnings.count(WarningKind::DuplicateOtherClass) > 0, "{name}");
    }
}

#[test]
fn names_that_climb_out_hidden_files_and_loose_images_are_left_out() {
    let dir = folder();
    let mut files = tree("");
    for name in ["../../evil/1.png", "/abs/1.png", "__MACOSX/a/._0.png", "a/.hidden.png", "loose.png"] {
        files.push((name.to_owned(), png(99)));
    }
    files.push(("a/notes.txt".to_owned(), b"notes".to_vec()));
    files.push(("a/cut.png".to_owned(), b"\x89PNG\r\n\x1a\n".to_vec()));
    put(dir.path(), "set.zip", &zip(&files, zip::CompressionMethod::Stored));
    let before = fs::read_dir(dir.path()).unwrap().count();
    let catalog = open(&dir.path().join("set.zip")).unwrap();
    assert_eq!((catalog.classes.as_slice(), catalog.items.len()), (["a", "b"].map(String::from).as_slice(), 4));
    assert_eq!(catalog.warnings.count(WarningKind::Unreadable), 2, "{:?}", catalog.warnings);
    assert_eq!(catalog.warnings.count(WarningKind::Truncated), 1, "{:?}", catalog.warnings);
    assert_eq!(catalog.warnings.count(WarningKind::LooseImage), 1, "{:?}", catalog.warnings);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), before);
}

#[test]
fn bombs_cut_archives_and_wrong_sizes_are_refused() {
    let dir = folder();
    // 100 MiB of zeros in a tar.gz of 100 KiB.
    let header = tar(&[("a/1.png".to_owned(), Vec::new())]);
    let bomb = gzip(&[header.as_slice(), &vec![0; 100 << 20]].concat());
    put(dir.path(), "bomb.tar.gz", &bomb);
    assert!(fails(&dir.path().join("bomb.tar.gz")).contains("which no images do"));
    let sound = zip(&tree(""), zip::CompressionMethod::Deflated);
    put(dir.path(), "cut.zip", &sound[..sound.len() / 2]);
    assert!(fails(&dir.path().join("cut.zip")).contains("copied to the end"));
    let whole = gzip(&tar(&tree("")));
    put(dir.path(), "cut.tar.gz", &whole[..whole.len() / 2]);
    assert!(fails(&dir.path().join("cut.tar.gz")).contains("cannot be unpacked"));
    // In the middle of the header of the third member.
    let files = tree("");
    let third: usize = files[..2].iter().map(|(_, bytes)| 512 + bytes.len().next_multiple_of(512)).sum();
    put(dir.path(), "cut.tar", &tar(&files)[..third + 100]);
    let message = fails(&dir.path().join("cut.tar"));
    assert!(message.contains("the tar archive cannot be read") && message.contains("copied to the end"), "{message}");
    // A damaged byte in the middle of a member is that image's problem.
    let mut damaged = zip(&files, zip::CompressionMethod::Deflated);
    let second = damaged.windows(4).skip(1).position(|four| four == b"PK\x03\x04").unwrap();
    damaged[second - 20] ^= 0x55;
    put(dir.path(), "damaged.zip", &damaged);
    let catalog = open(&dir.path().join("damaged.zip")).unwrap();
    // Found when its header is unpacked, or when its sum is compared.
    let lost = catalog.warnings.count(WarningKind::Unreadable) + catalog.warnings.count(WarningKind::Truncated);
    let failing = (0..catalog.items.len()).filter(|&item| catalog.load(item).is_err()).count();
    assert_eq!((lost + failing, catalog.items.len() - failing), (1, 3), "{:?}", catalog.warnings);
}

#[test]
fn archives_of_other_things_are_called_what_they_are() {
    let dir = folder();
    let named = |name: &str| vec![(name.to_owned(), b"0123".to_vec())];
    put(dir.path(), "rec.zip", &zip(&named("faces/train.rec"), zip::CompressionMethod::Stored));
    assert!(fails(&dir.path().join("rec.zip")).contains("unpack it and open the folder"));
    put(dir.path(), "text.zip", &zip(&named("a/b.txt"), zip::CompressionMethod::Stored));
    assert!(fails(&dir.path().join("text.zip")).contains("no usable image"));
    put(dir.path(), "one.zip", &zip(&[("x.png".to_owned(), png(1))], zip::CompressionMethod::Stored));
    assert!(fails(&dir.path().join("one.zip")).contains("1 image lies directly"));
}
