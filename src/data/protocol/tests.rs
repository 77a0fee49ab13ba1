use super::*;
use crate::data::BinWriter;
use crate::data::testing::draw_classes;

fn open(path: &Path, images: Option<&Path>) -> Result<Protocol, DataError> {
    Protocol::open(path, images, &|_| (), &|| false)
}

fn names(protocol: &Protocol, pair: usize) -> (String, String, bool) {
    let (a, b, same) = protocol.pairs[pair];
    (protocol.catalog.name(a as usize), protocol.catalog.name(b as usize), same)
}

#[test]
fn a_list_is_its_images_and_pairs_of_them_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    draw_classes(folder.path(), 3, 3);
    std::fs::write(folder.path().join("p02/0.png"), "no picture").unwrap();
    let list = folder.path().join("pairs.csv");
    let lines = "p00/0.png,p00/2.png,1\np01/1.png,p00/2.png,0\np00/0.png,p02/0.png,0\np01/9.png,p01/1.png,1\n";
    std::fs::write(&list, lines).unwrap();
    let protocol = open(&list, None).unwrap();
    assert_eq!(protocol.pairs.len(), 2, "one image is broken, one is missing");
    assert_eq!(names(&protocol, 0), ("p00/0.png".into(), "p00/2.png".into(), true));
    assert_eq!(names(&protocol, 1), ("p01/1.png".into(), "p00/2.png".into(), false));
    let catalog = &protocol.catalog;
    assert_eq!((catalog.items.len(), catalog.warnings.total()), (3, 2), "{:?}", catalog.warnings);
    assert_eq!(catalog.layout.to_string(), "list of pairs");
    for item in 0..catalog.items.len() {
        assert_eq!(catalog.load(item).unwrap().width(), catalog.items[item].width);
        assert!(catalog.name(item).starts_with(catalog.class_name(item)));
    }
    // The images elsewhere than the list.
    let away = tempfile::tempdir().unwrap();
    let list = away.path().join("pairs.csv");
    std::fs::write(&list, lines).unwrap();
    assert!(matches!(open(&list, None), Err(DataError::NoPairs { .. })));
    assert_eq!(open(&list, Some(folder.path())).unwrap().pairs, protocol.pairs);
    assert!(matches!(Protocol::open(&list, Some(folder.path()), &|_| (), &|| true), Err(DataError::Cancelled)));
}

#[test]
fn images_in_one_folder_are_named_after_what_stands_before_their_number() {
    assert_eq!(class_of(Path::new("test/Ann_Lee/x.jpg")), "Ann_Lee");
    assert_eq!(class_of(Path::new("Ann_Lee_0012.jpg")), "Ann_Lee");
    assert_eq!(class_of(Path::new("0012.jpg")), "0012");
}

#[test]
fn a_file_that_is_named_as_a_set_and_is_none_is_not_read_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pytorch_model.bin");
    for bytes in [&b"PK\x03\x04\x00\xff\xfe"[..], b""] {
        std::fs::write(&file, bytes).unwrap();
        let error = open(&file, None).unwrap_err().to_string();
        assert!(error.contains("no verification set") && error.contains("pairs.txt"), "{error}");
        assert!(error.chars().all(|letter| !letter.is_control()), "{error:?}");
    }
}

#[test]
fn a_verification_set_keeps_its_pairs_but_those_with_a_broken_image() {
    let folder = tempfile::tempdir().unwrap();
    draw_classes(folder.path(), 2, 2);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let file = folder.path().join("dev.bin");
    let mut writer = BinWriter::new(Vec::new(), 3).unwrap();
    for bytes in [read("p00/0.png"), read("p00/1.png"), b"nothing".to_vec(), read("p01/0.png"), read("p00/0.png")] {
        writer.image(&bytes).unwrap();
    }
    writer.image(&read("p01/1.png")).unwrap();
    std::fs::write(&file, writer.finish(&[true, true, false]).unwrap()).unwrap();
    let protocol = open(&file, None).unwrap();
    assert!(protocol.has_folds);
    assert_eq!(protocol.pairs, [(0, 1, true), (3, 4, false)]);
    let catalog = &protocol.catalog;
    assert_eq!((catalog.items.len(), catalog.warnings.total()), (5, 1));
    assert_eq!((catalog.class_name(0), catalog.class_name(1)), ("pair 1", "pair 1"), "shows who they are together");
    assert_ne!(catalog.class_name(3), catalog.class_name(4));
    assert_eq!(catalog.name(4), "dev.bin#5");
    assert_eq!(catalog.load(4).unwrap(), crate::data::decode_file(&folder.path().join("p01/1.png")).unwrap());
}

#[test]
fn only_a_list_of_ten_folds_says_which_the_ten_are() {
    let folder = tempfile::tempdir().unwrap();
    draw_classes(folder.path(), 2, 2);
    for (name, image) in [("p00", 0), ("p00", 1), ("p01", 0)] {
        let place = folder.path().join(name);
        std::fs::copy(place.join(format!("{image}.png")), place.join(format!("{name}_000{image}.png"))).unwrap();
    }
    let list = folder.path().join("pairs.txt");
    let fold = "p00\t0\t1\np00\t0\tp01\t0\n";
    let has_folds = |folds: usize| {
        std::fs::write(&list, format!("{folds}\t1\n{}", fold.repeat(folds))).unwrap();
        open(&list, None).unwrap().has_folds
    };
    assert_eq!((has_folds(2), has_folds(10)), (false, true));
}
