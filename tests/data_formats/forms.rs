//! The less common forms of records: without a header, indexed in another order, in parts, and with many labels.

use super::*;
use std::path::Path;

/// Records one after the other, and for each the line of the index.
fn indexed(records: &[(u64, Vec<u8>)]) -> (Vec<u8>, Vec<String>) {
    let (mut rec, mut lines) = (Vec::new(), Vec::new());
    for (key, record) in records {
        lines.push(format!("{key}\t{}\n", rec.len()));
        rec.extend(record);
    }
    (rec, lines)
}

fn put_records(root: &Path, rec: &[u8], index: &str) {
    put(root, "train.rec", rec);
    put(root, "train.idx", index.as_bytes());
}

#[test]
fn without_a_header_record_every_key_of_the_index_is_an_image() {
    let dir = folder();
    // As the Python package counts: from 0, and in no order of the labels.
    let images =
        [(0, 1.0), (1, 0.0), (2, 1.0), (3, 0.0)].map(|(key, label)| (key, record(0, label, &[], &png(key as u32))));
    let (rec, lines) = indexed(&images);
    put_records(dir.path(), &rec, &lines.concat());
    let catalog = open(dir.path()).unwrap();
    let classes: Vec<u32> = catalog.items.iter().map(|item| item.class).collect();
    assert_eq!((classes, catalog.warnings.total()), (vec![1, 0, 1, 0], 0));
    assert_eq!(pixels(catalog), [0, 1, 2, 3].map(raw));
}

#[test]
fn an_index_in_any_order_gives_the_same_images() {
    let dir = folder();
    let (rec, idx) = records();
    let idx = String::from_utf8(idx).unwrap();
    let backwards: Vec<String> = idx.lines().rev().map(|line| format!("{line}\n")).collect();
    put_records(&dir.path().join("sorted"), &rec, &idx);
    put_records(&dir.path().join("backwards"), &rec, &backwards.concat());
    let [sorted, backwards] = ["sorted", "backwards"].map(|name| open(&dir.path().join(name)).unwrap());
    assert_eq!((sorted.items, sorted.fingerprint), (backwards.items, backwards.fingerprint));
    assert_eq!(sorted.warnings, backwards.warnings);
}

#[test]
fn keys_from_where_the_identities_begin_are_no_images() {
    let dir = folder();
    let image = |key: u32| record(0, key as f32, &[], &png(key));
    let header = record(2, 0.0, &[3.0, 4.0], b"");
    let (rec, lines) = indexed(&[(1, image(1)), (2, image(2)), (3, image(3)), (0, header)]);
    put_records(dir.path(), &rec, &lines.concat());
    assert_eq!(open(dir.path()).unwrap().classes, ["1", "2"]);
    // Only the index says which keys the records have.
    fs::remove_file(dir.path().join("train.idx")).unwrap();
    assert_eq!(open(dir.path()).unwrap().classes, ["1", "2", "3"]);
}

/// A picture in whose comment the word stands that begins every record, at every remainder of four bytes.
fn png_with_magic(seed: u32) -> Vec<u8> {
    let word: String = 0xCED7_230A_u32.to_le_bytes().map(char::from).iter().collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 16, 16);
    encoder.set_color(png::ColorType::Rgb);
    encoder.add_text_chunk("Comment".to_owned(), format!("{word}.").repeat(8)).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&raw(seed)).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn an_image_that_was_written_in_parts_is_put_together() {
    let dir = folder();
    let mut writer = RecWriter::new(Vec::new(), Vec::new());
    writer.image(&png_with_magic(3)).unwrap();
    writer.next_identity();
    writer.image(&png(5)).unwrap();
    let (rec, idx) = writer.finish().unwrap();
    let kind_of_first = u32::from_le_bytes([rec[4], rec[5], rec[6], rec[7]]) >> 29;
    assert_eq!(kind_of_first, 1, "the first of several parts");
    for name in ["with", "without"] {
        put(dir.path(), &format!("{name}/train.rec"), &rec);
    }
    put(dir.path(), "with/train.idx", &idx);
    for name in ["with", "without"] {
        let catalog = open(&dir.path().join(name)).unwrap();
        assert_eq!(catalog.class_counts(), [1, 1], "{name}");
        assert_eq!(pixels(catalog), [3, 5].map(raw), "{name}");
    }
}

#[test]
fn of_more_labels_than_are_looked_at_the_image_behind_them_is_found() {
    let dir = folder();
    let labels: Vec<f32> = std::iter::once(4.0).chain((0..99).map(|number| number as f32 / 100.0)).collect();
    put(dir.path(), "train.rec", &[record(100, 0.0, &labels, &png(1)), record(0, 2.0, &[], &png(2))].concat());
    let catalog = open(dir.path()).unwrap();
    assert_eq!(catalog.classes, ["2", "4"]);
    assert_eq!(pixels(catalog), [1, 2].map(raw));
}
