//! MNIST-style IDX files that promise too much, end too soon, or belong to something else.

use super::packed::gzip;
use super::*;

fn idx(magic: u32, dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_be_bytes().to_vec();
    for dim in dims {
        bytes.extend(dim.to_be_bytes());
    }
    bytes.extend(data);
    bytes
}

const IMAGES: &str = "train-images-idx3-ubyte";
const LABELS: &str = "train-labels-idx1-ubyte";

fn idx_set(root: &Path, images: &[u8], labels: &[u8]) {
    put(root, IMAGES, images);
    put(root, LABELS, labels);
}

#[test]
fn idx_files_open_by_folder_by_images_and_by_labels_packed_or_not() {
    let dir = folder();
    let pixels: Vec<u8> = (0..4 * 25).collect();
    let (images, labels) = (idx(0x803, &[4, 5, 5], &pixels), idx(0x801, &[4], &[7, 1, 7, 10]));
    idx_set(dir.path(), &images, &labels);
    put(dir.path(), "t10k-images-idx3-ubyte.gz", &gzip(&idx(0x803, &[1, 5, 5], &pixels[..25])));
    put(dir.path(), "t10k-labels-idx1-ubyte.gz", &gzip(&idx(0x801, &[1], &[1])));
    for path in ["", IMAGES, LABELS, "t10k-images-idx3-ubyte.gz"] {
        let catalog = open(&dir.path().join(path)).unwrap();
        assert_eq!((catalog.classes.clone(), catalog.items.len()), (vec!["1".into(), "7".into(), "10".into()], 5));
        assert_eq!((catalog.name(3), catalog.name(4)), ("train#3".to_owned(), "t10k#0".to_owned()));
        assert_eq!(catalog.load(1).unwrap().into_luma8().into_raw(), pixels[25..50]);
        assert!(catalog.has_parts() && catalog.all_grey() && catalog.path(0).is_none());
    }
}

#[test]
fn idx_headers_that_promise_too_much_are_refused_without_allocating() {
    let labels = idx(0x801, &[1], &[0]);
    let cases: [(Vec<u8>, &str); 6] = [
        (idx(0x803, &[u32::MAX, u32::MAX, u32::MAX], &[0; 8]), "the header promises"),
        (idx(0x803, &[1000, 28, 28], &[0; 784]), "the header promises"),
        (idx(0x803, &[1, 28, 28], &[0; 800]), "found more"),
        (idx(0x803, &[1, 28, 28], &[0; 784])[..10].to_vec(), "the header has 16 bytes, found 10"),
        (idx(0xD03, &[1, 28, 28], &[0; 784 * 4]), "expected [00, 00, 08, 03]"),
        (idx(0x803, &[0, 28, 28], &[]), "found dimensions [0, 28, 28]"),
    ];
    for (images, expected) in cases {
        let dir = folder();
        idx_set(dir.path(), &images, &labels);
        let message = fails(dir.path());
        assert!(message.contains(expected) && message.contains(IMAGES), "{expected}: {message}");
    }
}

#[test]
fn idx_files_of_several_data_sets_in_one_folder_are_named() {
    let dir = folder();
    idx_set(dir.path(), &idx(0x803, &[1, 5, 5], &[0; 25]), &idx(0x801, &[1], &[0]));
    put(dir.path(), &format!("{IMAGES}.gz"), &gzip(&idx(0x803, &[1, 5, 5], &[0; 25])));
    assert_eq!(open(dir.path()).unwrap().items.len(), 1, "packed and unpacked are one");
    put(dir.path(), "letters-images-idx3-ubyte", &idx(0x803, &[1, 5, 5], &[0; 25]));
    assert!(fails(dir.path()).contains("letters-images-idx3-ubyte"));
    assert!(fails(&dir.path().join("letters-images-idx3-ubyte")).contains("letters-labels-idx1-ubyte"));
    assert_eq!(open(&dir.path().join(IMAGES)).unwrap().items.len(), 1);
}

#[test]
fn a_gzip_bomb_and_a_cut_gzip_are_refused() {
    let labels = idx(0x801, &[1], &[0]);
    // 64 MiB of zeros in 64 KiB, behind a header that promises one image.
    let bomb = gzip(&idx(0x803, &[1, 28, 28], &vec![0; 64 << 20]));
    let sound = gzip(&idx(0x803, &[1, 28, 28], &[7; 784]));
    // A header that promises more than these bytes can hold.
    let promise = gzip(&idx(0x803, &[60_000, 28, 28], &[0; 784]));
    for (images, expected) in
        [(bomb.as_slice(), "found more"), (&sound[..sound.len() / 2], "header"), (&promise, "packed")]
    {
        let dir = folder();
        idx_set(dir.path(), images, &labels);
        let message = fails(dir.path());
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn labels_that_are_missing_or_of_another_count_are_named() {
    let dir = folder();
    let images = idx(0x803, &[2, 8, 8], &[0; 128]);
    put(dir.path(), IMAGES, &images);
    assert!(fails(dir.path()).contains(LABELS));
    put(dir.path(), LABELS, &idx(0x801, &[3], &[0, 1, 2]));
    let message = fails(dir.path());
    assert!(message.contains("expected 2 labels") && message.contains("found 3"), "{message}");
}

#[test]
fn idx_bytes_written_by_an_independent_program_are_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/format_golden.json");
    let golden: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let bytes = |row: &str| {
        let hex = golden[row]["hex"].as_str().unwrap().as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        hex.chunks(2).map(byte).collect::<Vec<u8>>()
    };
    let dir = folder();
    idx_set(dir.path(), &bytes("idx_images"), &bytes("idx_labels"));
    // Images of 2 × 3 are understood and then refused for their size alone.
    let message = fails(dir.path());
    assert!(message.contains("found dimensions [2, 2, 3]"), "{message}");
    let larger = idx(0x803, &[2, 4, 4], &[5; 32]);
    put(dir.path(), IMAGES, &larger);
    assert_eq!(open(dir.path()).unwrap().classes, ["1", "7"]);
}
