//! Records, verification sets and pair lists that we write, read back.

use super::*;
use arclens::data::{VerificationSet, export_pairs, export_records, export_verification, read_pairs, resolve_pairs};
use std::path::Path;

fn quiet(_: arclens::data::Progress) {}

#[test]
fn records_written_from_a_folder_open_with_the_same_pixels() {
    let dir = folder();
    for (name, bytes) in tree("") {
        put(&dir.path().join("in"), &name, &bytes);
    }
    // A form that other trainers do not read becomes PNG; a broken image is left out.
    put(dir.path(), "in/c/0.bmp", &picture(30, ImageFormat::Bmp));
    let jpeg = picture(40, ImageFormat::Jpeg);
    put(dir.path(), "in/b/9.jpg", &jpeg[..jpeg.len() - 20]);
    let catalog = open(&dir.path().join("in")).unwrap();
    let items: Vec<u32> = (0..catalog.items.len() as u32).collect();
    let out = dir.path().join("out");
    let done = export_records(&catalog, &items, None, &out, &quiet, &|| false).unwrap();
    assert_eq!((done.images, done.groups, done.warnings.total()), (5, 3, 1));
    assert_eq!(fs::read_to_string(out.join("property")).unwrap(), "3,16,16\n");
    assert_eq!(fs::read_to_string(out.join("classes.txt")).unwrap(), "a\nb\nc\n");
    // Other programs may read it, as any file the person writes.
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions();
    assert_eq!(mode(&out.join("train.rec")), mode(&dir.path().join("in/c/0.bmp")));
    let back = open(&out).unwrap();
    assert_eq!((back.class_counts(), back.warnings.count(WarningKind::Mismatch)), (vec![2, 2, 1], 0));
    assert_eq!(back.classes, ["a", "b", "c"]);
    for odd in ["a\nb\n", "a\nb\nb\n", "a\n\nc\n"] {
        fs::write(out.join("classes.txt"), odd).unwrap();
        assert_eq!(open(&out).unwrap().classes, ["0", "1", "2"], "names that do not fit are no names: {odd:?}");
    }
    assert_eq!(pixels(back), [0, 1, 10, 11, 30].map(raw));
    assert!(fs::read(out.join("train.rec")).unwrap().windows(png(0).len()).any(|bytes| bytes == png(0)));
    let again = export_records(&catalog, &items, None, &out, &quiet, &|| false).unwrap_err().to_string();
    assert!(again.contains("already"), "{again}");
    let other = dir.path().join("other");
    assert!(export_records(&catalog, &items, None, &other, &quiet, &|| true).is_err());
    assert_eq!(fs::read_dir(&other).unwrap().count(), 0, "a cancelled export leaves nothing behind");
}

#[test]
fn a_verification_set_written_from_an_archive_is_read_with_its_pairs() {
    let dir = folder();
    put(dir.path(), "set.zip", &zip(&tree(""), zip::CompressionMethod::Deflated));
    let catalog = open(&dir.path().join("set.zip")).unwrap();
    let pairs = [(0, 1, true), (2, 3, true), (0, 2, false)];
    let out = dir.path().join("dev.bin");
    export_verification(&catalog, &pairs, Some(8), &out, &quiet, &|| false).unwrap();
    let set = VerificationSet::open(&out).unwrap();
    assert_eq!((set.n_images(), set.same()), (6, [true, true, false].as_slice()));
    assert_eq!(set.bytes(0).unwrap(), set.bytes(4).unwrap());
    assert_eq!(set.load(5).unwrap().width(), 8);
    // Members of an archive have no place a list could name for other programs.
    let refused = export_pairs(&catalog, &pairs, 10, &dir.path().join("p.txt")).unwrap_err().to_string();
    assert!(refused.contains("verification set (.bin)"), "{refused}");
}

#[test]
fn pairs_are_written_as_lfw_writes_them_or_as_paths() {
    let dir = folder();
    for (class, image) in [("Al_Gore", 1), ("Al_Gore", 2), ("Bo", 12)] {
        put(dir.path(), &format!("lfw/{class}/{class}_{image:04}.png"), &png(image));
        put(dir.path(), &format!("own/{class}/{image}.png"), &png(image));
    }
    let text = |name: &str, pairs: &[(u32, u32, bool)]| {
        let catalog = open(&dir.path().join(name)).unwrap();
        let out = dir.path().join(name).join("pairs.txt");
        export_pairs(&catalog, pairs, 1, &out).unwrap();
        let list = read_pairs(&out).unwrap();
        let (images, pairs, warnings) = resolve_pairs(&list, out.parent().unwrap()).unwrap();
        assert_eq!((images.len(), pairs.len(), warnings.total()), (3, 2, 0));
        fs::read_to_string(&out).unwrap()
    };
    let pairs = [(0, 1, true), (0, 2, false)];
    assert_eq!(text("lfw", &pairs), "1\t1\nAl_Gore\t1\t2\nAl_Gore\t1\tBo\t12\n");
    assert_eq!(text("own", &pairs), "Al_Gore/1.png\tAl_Gore/2.png\t1\nAl_Gore/1.png\tBo/12.png\t0\n");
}
