//! Against files that mxnet 1.9.1 wrote; images, ranges and broken files end to end are in `tests/data_formats.rs`.

use super::record::{self, MAGIC};
use super::write::{RecWriter, frame};
use super::{PackFile, index};
use crate::data::open::hex_digest;
use crate::data::testing::draw_classes;
use crate::data::{Catalog, WarningKind, Warnings, exclude, export_records};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn golden(row: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/format_golden.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all[row].clone()
}

fn hex(value: &Value) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    value.as_str().unwrap().as_bytes().chunks(2).map(byte).collect()
}

fn file_of(bytes: &[u8]) -> (tempfile::TempDir, PackFile) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.rec");
    std::fs::write(&path, bytes).unwrap();
    let file = PackFile::open(&path).unwrap();
    (folder, file)
}

fn open(path: &Path) -> Arc<Catalog> {
    Arc::new(Catalog::open(path, &|_| {}, &|| false).unwrap())
}

/// The folder `records` with three classes of two drawn images, and around it the one that goes with the test.
fn records() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (images, records) = (folder.path().join("images"), folder.path().join("records"));
    draw_classes(&images, 3, 2);
    export_records(&open(&images), &[0, 1, 2, 3, 4, 5], None, &records, &|_| {}, &|| false).unwrap();
    (folder, records)
}

#[test]
fn records_of_mxnet_are_read_with_their_labels_and_joined_where_they_were_split() {
    let golden = golden("rec_insightface_indexed");
    let (_folder, file) = file_of(&hex(&golden["train_rec_hex"]));
    let mut next = 0;
    for expected in golden["records"].as_array().unwrap() {
        let offset = expected["offset"].as_u64().unwrap();
        assert_eq!(offset, next);
        let record = record::record(&file, offset).unwrap();
        let header = record.header(&file).unwrap();
        assert_eq!(header.id, expected["id"].as_u64().unwrap());
        let labels: Vec<f64> = header.labels.iter().map(|&label| f64::from(label)).collect();
        match expected["labels"].as_array() {
            Some(list) => assert_eq!(labels, list.iter().map(|l| l.as_f64().unwrap()).collect::<Vec<_>>()),
            None => assert_eq!(labels, [expected["scalar_label"].as_f64().unwrap()]),
        }
        assert_eq!(record.bytes(&file, header.image_start).unwrap(), hex(&expected["payload_hex"]));
        next = record.next;
    }
    assert_eq!(next, file.len());
}

#[test]
fn records_without_a_file_header_keep_every_byte() {
    let golden = golden("rec_plain_no_header");
    let (_folder, file) = file_of(&hex(&golden["train_rec_hex"]));
    for expected in golden["records"].as_array().unwrap() {
        let record = record::record(&file, expected["offset"].as_u64().unwrap()).unwrap();
        let bytes = hex(&expected["record_hex"]);
        assert_eq!((record.bytes(&file, 0).unwrap(), record.len()), (bytes.clone(), bytes.len() as u64));
    }
}

#[test]
fn the_writer_gives_the_bytes_of_insightfaces_builder() {
    let golden = golden("rec_insightface_indexed");
    let mut writer = RecWriter::new(Vec::new(), Vec::new());
    writer.image(b"AAAA").unwrap();
    writer.image(b"BBBBB").unwrap();
    writer.next_identity();
    writer.image(b"cc").unwrap();
    writer.next_identity();
    writer.image(&[b"12345678".as_slice(), &MAGIC, b"tail"].concat()).unwrap();
    let (rec, idx) = writer.finish().unwrap();
    assert_eq!(rec, hex(&golden["train_rec_hex"]));
    assert_eq!(String::from_utf8(idx).unwrap(), golden["train_idx"].as_str().unwrap());
}

#[test]
fn magic_words_anywhere_come_back() {
    for payload in [vec![], MAGIC.to_vec(), MAGIC.repeat(3), [b"abc".as_slice(), &MAGIC, b"abcde", &MAGIC].concat()] {
        let mut bytes = Vec::new();
        let written = frame(&mut bytes, &payload).unwrap();
        let (_folder, file) = file_of(&bytes);
        let record = record::record(&file, 0).unwrap();
        assert_eq!((record.bytes(&file, 0).unwrap(), record.next, written), (payload, file.len(), file.len()));
    }
}

#[test]
fn frames_that_lie_are_refused_with_their_byte() {
    let say = |bytes: &[u8]| {
        let (_folder, file) = file_of(bytes);
        let error = record::record(&file, 0).and_then(|record| record.header(&file).map(|_| ()));
        error.unwrap_err().to_string()
    };
    let with = |word: u32, rest: &[u8]| [MAGIC.as_slice(), &word.to_le_bytes(), rest].concat();
    assert!(say(b"0123456789").contains("expected [0a, 23, d7, ce]"));
    assert!(say(&MAGIC).contains("cut off"));
    assert!(say(&with(100, b"short")).contains("100 bytes is cut off"));
    assert!(say(&with(2 << 29, b"")).contains("found its middle"));
    assert!(say(&with(7 << 29, b"")).contains("kind 0 to 3, found 7"));
    assert!(say(&[with(1 << 29, b""), with(0, b"")].concat()).contains("beginning of another"));
    assert!(say(&[with(1 << 29, b""), with(2 << 29, b"").repeat(5000)].concat()).contains("more than 4096 parts"));
    assert!(say(&with(4, b"1234")).contains("needs 24 bytes"));
    let head = |flag: u32| [flag.to_le_bytes().as_slice(), &[0; 20]].concat();
    assert!(say(&with(24, &head(u32::MAX))).contains("this one has 24"));
}

#[test]
fn an_index_names_its_bad_line_and_leaves_out_what_lies_outside() {
    let (folder, file) = file_of(&[0; 100]);
    let path = folder.path().join("train.idx");
    let read = |text: &[u8]| {
        std::fs::write(&path, text).unwrap();
        let mut warnings = Warnings::default();
        index::read_index(&path, &file, &mut warnings).map(|entries| (entries, warnings.total()))
    };
    let (entries, outside) = read(b"2\t40\n\n1\t0\r\n3\t100\n").unwrap();
    assert_eq!((entries.iter().map(|e| (e.key, e.offset)).collect::<Vec<_>>(), outside), (vec![(1, 0), (2, 40)], 1));
    assert!(read(b"1\t0\n2 x\n").unwrap_err().to_string().contains("line 2"));
    assert!(read(b"1 2 3\n").unwrap_err().to_string().contains("\"1 2 3\""));
    assert!(read(&[0xFF; 10]).unwrap_err().to_string().contains("no text"));
    assert!(read(&[b'7'; 100_000]).is_err());
}

#[test]
fn any_byte_may_be_wrong_without_a_panic() {
    let bytes = hex(&golden("rec_insightface_indexed")["train_rec_hex"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.rec");
    for index in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut broken = bytes.clone();
            broken[index] ^= flip;
            std::fs::write(&path, &broken).unwrap();
            // The payloads are no images, so that nothing can be opened; what counts is that it ends with a word.
            assert!(crate::data::Catalog::open(&path, &|_| (), &|| false).is_err());
        }
    }
}

#[test]
fn verification_sets_beside_the_records_are_listed() {
    let (folder, records) = records();
    let write = |name: &str, bytes: &[u8]| std::fs::write(records.join(name), bytes).unwrap();
    // Two pickles; what torch.save writes is an archive, and hidden files are left alone.
    write("lfw.bin", b"\x80\x02].");
    write("agedb_30.BIN", b"\x80\x03].");
    write("net.bin", b"PK\x03\x04");
    write(".x.bin", b"\x80\x02].");
    let sets = ["agedb_30.BIN", "lfw.bin"].map(|name| records.join(name));
    let found = open(&records);
    assert_eq!(found.verification_sets, sets);
    assert_eq!(open(&records.join("train.rec")).verification_sets, sets);
    assert_eq!(exclude(&found, &[0]).unwrap().verification_sets, sets);
    assert!(open(&folder.path().join("images")).verification_sets.is_empty());
}

#[test]
fn what_the_description_beside_the_records_says_is_compared_with_them() {
    let (_folder, records) = records();
    // As InsightFace's Python package writes it beside; it is not read.
    std::fs::write(records.join("train.meta"), b"\x80\x04].").unwrap();
    let told = |property: &str| {
        std::fs::write(records.join("property"), property).unwrap();
        let found = open(&records);
        assert_eq!(found.warnings.total(), found.warnings.count(WarningKind::Mismatch), "{property:?}");
        found.warnings.stored().iter().map(|warning| warning.detail.clone()).collect::<Vec<_>>()
    };
    for fine in ["3,16,16\n", "3,16,16\n6\n", "3,16,16\r\n6\r\n", "3, 16, 16\n\n", "3,16,16\nsix\n", "three\n7\n"] {
        assert!(told(fine).is_empty(), "{fine:?}");
    }
    assert_eq!(told("3,16,16\n7\n"), ["it says 7 images, the file has 6 usable images"]);
    assert_eq!(told("4,16,16\n6\n"), ["it says 4 classes, the records have 3"]);
    assert_eq!(told("3,16,20\n6\n"), ["it says 20×16 px, 6 images have another size"]);
    // It is that of this file alone.
    std::fs::copy(records.join("train.rec"), records.join("val.rec")).unwrap();
    assert!(told("3,16,16\n6\n").is_empty());
}

#[test]
fn records_are_known_under_another_name_and_by_what_earlier_versions_noted() {
    let (_folder, records) = records();
    let before = open(&records);
    let noted = before.earlier_fingerprint().unwrap().to_owned();
    assert!(noted != before.fingerprint && before.with_fingerprint(&noted).is_some());
    let fewer = before.without(&[0]).unwrap();
    assert!(fewer.earlier_fingerprint().is_some_and(|earlier| earlier != fewer.fingerprint && earlier != noted));
    exclude(&before, &[0]).unwrap();
    // The list of those excluded may name the data as an earlier version did.
    let list = before.exclude_path();
    let text = std::fs::read_to_string(&list).unwrap().replace(&before.fingerprint, &noted);
    assert!(text.contains(&noted), "{text}");
    std::fs::write(&list, text).unwrap();
    assert_eq!(open(&records).excluded(), [0]);
    std::fs::remove_file(list).unwrap();

    for ending in ["rec", "idx"] {
        let file = |name: &str| records.join(name).with_extension(ending);
        std::fs::rename(file("train"), file("casia")).unwrap();
    }
    let renamed = open(&records.join("casia.rec"));
    assert!(renamed.has_fingerprint(&before.fingerprint), "the images are the same");
    assert!(!renamed.has_fingerprint(&noted), "which name was meant is not known");
}

#[test]
fn how_earlier_versions_noted_records_is_found_out_when_it_is_asked_for() {
    let (_folder, records) = records();
    let (whole, again) = (open(&records), open(&records));
    let fewer = exclude(&whole, &[0]).unwrap();
    let is_taken = |catalog: &Catalog| catalog.earlier_fingerprint.as_ref().unwrap().is_taken();
    for catalog in [&whole, &fewer] {
        assert!(catalog.has_fingerprint(&catalog.fingerprint) && !catalog.has_fingerprint(""));
    }
    let opened = open(&records);
    assert_eq!(opened.excluded(), [0], "the list names the data as it is now");
    assert!([&whole, &fewer, &again, &opened, &opened.whole()].into_iter().all(|catalog| !is_taken(catalog)));
    let noted = fewer.earlier_fingerprint().unwrap();
    assert!(is_taken(&fewer) && is_taken(&whole) && !is_taken(&again));
    assert_eq!(again.without(&[0]).unwrap().earlier_fingerprint(), Some(noted));
    // With the names of the files and without: of the whole, and of what it is without.
    let [earlier, now] = [again.earlier_fingerprint().unwrap(), again.fingerprint.as_str()];
    assert_eq!(noted, hex_digest([earlier, "without", "train.rec@0"].into_iter()));
    assert_eq!(fewer.fingerprint, hex_digest([now, "without", "train@0"].into_iter()));
    // The place, label and length of every image, with the name of its file.
    let lines = again.items.iter().enumerate().map(|(item, one)| {
        let label = &again.classes[one.class as usize];
        let label = label.strip_prefix("p0").unwrap();
        format!("{}\t{label}\t{}", again.name(item), again.stored(item).unwrap().unwrap().len())
    });
    assert_eq!(again.earlier_fingerprint(), Some(hex_digest(lines).as_str()));
}

#[test]
fn what_is_excluded_of_records_stays_excluded_under_other_names_of_the_files() {
    let (_folder, records) = records();
    std::fs::copy(records.join("train.rec"), records.join("val.rec")).unwrap();
    let rename = |from: &str, to: &str| std::fs::rename(records.join(from), records.join(to)).unwrap();

    let single = records.join("train.rec");
    let fewer = exclude(&open(&single), &[0, 3]).unwrap();
    let list = std::fs::read_to_string(fewer.exclude_path()).unwrap();
    assert!(list.contains("\"train.rec@"), "as it is called everywhere else: {list}");
    rename("train.rec", "casia.rec");
    rename("train.idx", "casia.idx");
    rename("train.rec.arclens-exclude.toml", "casia.rec.arclens-exclude.toml");
    let renamed = open(&records.join("casia.rec"));
    assert_eq!((renamed.excluded(), &renamed.fingerprint), ([0, 3].as_slice(), &fewer.fingerprint));
    assert_eq!(renamed.warnings.count(WarningKind::UnknownExclusion), 0);
    exclude(&renamed.whole(), &[]).unwrap();

    // Of two files, the part counts.
    rename("casia.rec", "train.rec");
    rename("casia.idx", "train.idx");
    let fewer = exclude(&open(&records), &[1, 7]).unwrap();
    rename("train.rec", "training.rec");
    rename("train.idx", "training.idx");
    rename("val.rec", "TEST.rec");
    rename("train.rec.arclens-exclude.toml", "training.rec.arclens-exclude.toml");
    let renamed = open(&records);
    assert_eq!((renamed.items.len(), renamed.excluded()), (10, [1, 7].as_slice()));
    assert_eq!(renamed.fingerprint, fewer.fingerprint);
    assert_ne!(renamed.fingerprint, exclude(&renamed.whole(), &[1]).unwrap().fingerprint);
}

#[test]
fn what_lies_behind_a_damaged_place_is_read() {
    let (_folder, records) = records();
    let path = records.join("train.rec");
    std::fs::remove_file(records.join("train.idx")).unwrap();
    let sound = std::fs::read(&path).unwrap();
    let starts: Vec<usize> = (0..sound.len()).step_by(4).filter(|at| sound[*at..].starts_with(&MAGIC)).collect();
    // The beginning of a record, its length as one that leads elsewhere in the file and as one that leads out of it.
    let third = starts[2];
    for (at, bytes) in [(third, [0; 4]), (third + 4, 40_u32.to_le_bytes()), (third + 4, [0xFF, 0xFF, 0xFF, 0x1F])] {
        let mut broken = sound.clone();
        broken[at..at + 4].copy_from_slice(&bytes);
        std::fs::write(&path, &broken).unwrap();
        let found = open(&path);
        assert_eq!(found.class_counts(), [2, 1, 2], "{bytes:?}");
        assert!(found.warnings.total() > 0, "{bytes:?}");
        let told = format!("{:?}", found.warnings.stored());
        assert!(told.contains("up to the next record are passed over"), "{told}");
    }
    // Words that look like records, and none behind them.
    let mut damage = super::Damage::default();
    let watch = super::Watch { progress: &|_| {}, cancelled: &|| false };
    let (_folder, file) = file_of(&MAGIC.repeat(20_000));
    assert_eq!(damage.next_record(&file, 0, &watch).unwrap(), None);
    let (_folder, file) = file_of(&sound);
    assert_eq!(super::Damage::default().next_record(&file, 0, &watch).unwrap(), Some(starts[1] as u64));
}
