use super::*;
use crate::data::testing::draw_classes;
use crate::data::{BinWriter, WarningKind};

fn look(path: &Path, folders: &[PathBuf]) -> Result<ProtocolLook, DataError> {
    ProtocolLook::open(path, folders, &|_| (), &|| false)
}

/// A folder of two classes with a list of pairs beside it, none of whose images are beside the list.
fn drawn(lines: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_classes(&images, 2, 3);
    let list = folder.path().join("pairs.txt");
    std::fs::write(&list, lines).unwrap();
    (folder, list, images)
}

const LINES: &str = "p00/0.png p00/1.png 1\np00/0.png p01/0.png 0\np01/0.png p01/9.png 1\n";

#[test]
fn a_list_is_counted_and_what_it_names_in_vain_is_told() {
    let (_folder, list, images) = drawn(LINES);
    std::fs::write(images.join("p01/0.png"), "no picture").unwrap();
    let found = look(&list, std::slice::from_ref(&images)).unwrap();
    assert_eq!((found.kind, found.pairs, found.genuine, found.impostor()), (ProtocolKind::List, 3, 2, 1));
    assert_eq!((found.folds, found.folder.as_deref()), (None, Some(images.as_path())));
    assert_eq!((found.images, found.missing, found.complete), (3, 1, 1), "{found:?}");
    assert_eq!(found.typical_px, Some(16));
    let count = |kind| found.warnings.count(kind);
    assert_eq!((count(WarningKind::MissingPair), count(WarningKind::NotAnImage)), (1, 1));
    assert!(found.obstacle.as_deref().unwrap().contains("no complete impostor pair"), "{found:?}");
}

#[test]
fn images_are_looked_for_in_the_first_folder_that_has_a_pair() {
    let (folder, list, images) = drawn(LINES);
    let beside = look(&list, &[]).unwrap();
    let obstacle = beside.obstacle.as_deref().unwrap();
    assert!(obstacle.contains("none of the 3 pairs") && beside.folder.is_none(), "{obstacle}");
    assert_eq!((beside.pairs, beside.images, beside.complete), (3, 0, 0), "the pairs are counted all the same");
    let found = look(&list, &[folder.path().to_owned(), images.clone()]).unwrap();
    assert_eq!((found.folder, found.obstacle), (Some(images), None));
    assert_eq!((found.images, found.missing, found.complete), (3, 1, 2));
    let gone = look(&list, &[folder.path().join("gone"), folder.path().to_owned()]).unwrap();
    assert!(gone.obstacle.as_deref().unwrap().starts_with("there is no such folder of images"), "{gone:?}");
}

#[test]
fn folds_are_those_that_the_list_names() {
    let pair = "p00\t0\t1\np00\t0\tp01\t0\n";
    let (folder, list, _images) = drawn(&format!("2\t1\n{pair}{pair}"));
    for (name, image) in [("p00", "0000"), ("p00", "0001"), ("p01", "0000")] {
        let place = folder.path().join(name);
        std::fs::create_dir_all(&place).unwrap();
        let drawn = folder.path().join(format!("images/{name}/0.png"));
        std::fs::copy(drawn, place.join(format!("{name}_{image}.png"))).unwrap();
    }
    let found = look(&list, &[]).unwrap();
    assert_eq!((found.folds, found.images, found.complete, found.obstacle), (Some(2), 3, 4, None));
}

#[test]
fn the_first_line_that_is_no_pair_is_named_and_nothing_is_looked_for() {
    let (_folder, list, images) = drawn("p00/0.png p00/1.png 1\np00/0.png p01/0.png maybe\n");
    let error = look(&list, &[images]).unwrap_err();
    assert!(matches!(error, DataError::Pairs { line: 2, .. }), "{error}");
}

#[test]
fn a_set_is_counted_and_an_image_that_is_none_takes_its_pair_with_it() {
    let folder = tempfile::tempdir().unwrap();
    draw_classes(folder.path(), 2, 2);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let file = folder.path().join("dev.bin");
    let images = [
        read("p00/0.png"),
        read("p00/1.png"),
        b"nothing".to_vec(),
        read("p01/0.png"),
        read("p00/0.png"),
        read("p01/1.png"),
    ];
    let mut writer = BinWriter::new(Vec::new(), 3).unwrap();
    images.iter().for_each(|image| writer.image(image).unwrap());
    std::fs::write(&file, writer.finish(&[true, true, false]).unwrap()).unwrap();
    let found = look(&file, &[PathBuf::from("/nowhere")]).unwrap();
    assert_eq!((found.kind, found.folds, found.folder.as_deref()), (ProtocolKind::Set, Some(10), None));
    assert_eq!((found.pairs, found.genuine, found.images), (3, 2, 6));
    assert_eq!((found.missing, found.complete, found.obstacle.as_deref()), (0, 2, None));
    assert_eq!(found.warnings.count(WarningKind::NotAnImage), 1);
}

#[test]
fn a_look_agrees_with_what_is_measured_then_and_can_be_broken_off() {
    let (_folder, list, images) = drawn(LINES);
    let protocol = Protocol::open(&list, Some(&images), &|_| (), &|| false).unwrap();
    let found = look(&list, std::slice::from_ref(&images)).unwrap();
    assert_eq!((found.complete, found.images), (protocol.pairs.len(), protocol.catalog.items.len()));
    assert_eq!(found.warnings, protocol.catalog.warnings);
    let stopped = ProtocolLook::open(&list, &[images], &|_| (), &|| true);
    assert!(matches!(stopped, Err(DataError::Cancelled)), "{stopped:?}");
}
