use super::*;
use crate::data::testing::draw_classes;
use crate::data::{DataError, Warnings};

fn open(path: &Path) -> Result<Catalog, DataError> {
    Catalog::open(path, &|_| (), &|| false)
}

fn drawn() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    draw_classes(folder.path(), 4, 3);
    folder
}

fn position(catalog: &Catalog, name: &str) -> u32 {
    (0..catalog.items.len()).find(|item| catalog.name(*item) == name).unwrap() as u32
}

fn has(warnings: &Warnings, kind: WarningKind) -> usize {
    warnings.count(kind)
}

#[test]
fn excluded_images_are_left_out_when_the_data_set_is_opened_again() {
    let folder = drawn();
    let whole = Arc::new(open(folder.path()).unwrap());
    let excluded = [position(&whole, "p01/0.png"), position(&whole, "p03/2.png")];
    write_exclusions(&whole, &excluded).unwrap();
    let text = std::fs::read_to_string(folder.path().join(EXCLUDE_FILE)).unwrap();
    assert!(text.contains("\"p01/0.png\"") && text.starts_with('#'), "{text}");
    let opened = Arc::new(open(folder.path()).unwrap());
    assert_eq!((opened.items.len(), opened.whole().items.len()), (10, 12));
    assert_eq!(opened.excluded(), excluded);
    assert_eq!(has(&opened.warnings, WarningKind::Excluded), 2);
    assert_eq!(opened.warnings.total(), opened.warnings.count(WarningKind::Excluded));
    assert!((0..10).all(|item| !["p01/0.png", "p03/2.png"].contains(&opened.name(item).as_str())));
    assert_ne!(opened.fingerprint, whole.fingerprint);
    assert_eq!(opened.fingerprint, whole.without(&excluded).unwrap().fingerprint);
    let found = opened.with_fingerprint(&whole.fingerprint).unwrap();
    assert_eq!(found.items.len(), 12);
    assert!(opened.with_fingerprint("other").is_none());
}

#[test]
fn including_everything_again_removes_the_file_and_gives_the_old_fingerprint() {
    let folder = drawn();
    let whole = open(folder.path()).unwrap();
    write_exclusions(&whole, &[0, 1]).unwrap();
    write_exclusions(&whole, &[]).unwrap();
    write_exclusions(&whole, &[]).unwrap();
    assert!(!folder.path().join(EXCLUDE_FILE).exists());
    assert_eq!(open(folder.path()).unwrap().fingerprint, whole.fingerprint);
}

#[test]
fn a_class_without_images_goes_and_the_others_move_up() {
    let folder = drawn();
    let whole = Arc::new(open(folder.path()).unwrap());
    let rest = whole.without(&[3, 4, 5, 5, 99]).unwrap();
    assert_eq!(rest.classes, ["p00", "p02", "p03"]);
    assert_eq!(rest.class_counts(), [3, 3, 3]);
    assert!(rest.items.is_sorted_by_key(|item| item.class));
    let lonely = whole.without(&[0, 1]).unwrap();
    assert_eq!(has(&lonely.warnings, WarningKind::TinyClass), 1);
}

#[test]
fn excluding_everything_is_refused() {
    let folder = drawn();
    let whole = Arc::new(open(folder.path()).unwrap());
    let all: Vec<u32> = (0..12).collect();
    assert!(matches!(whole.without(&all), Err(DataError::Refused { .. })));
}

#[test]
fn names_that_no_image_has_are_a_warning_and_are_kept() {
    let folder = drawn();
    let path = folder.path().join(EXCLUDE_FILE);
    std::fs::write(&path, "version = 1\nimages = [\"gone/1.png\", \"../../etc/passwd\", \"p00/1.png\"]\n").unwrap();
    let opened = Arc::new(open(folder.path()).unwrap());
    assert_eq!((opened.items.len(), has(&opened.warnings, WarningKind::UnknownExclusion)), (11, 2));
    write_exclusions(&opened.whole(), &[0]).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("gone/1.png") && text.contains("p00/0.png") && !text.contains("p00/1.png"), "{text}");
}

#[test]
fn a_hostile_file_costs_a_warning_and_is_not_written_over() {
    let folder = drawn();
    let path = folder.path().join(EXCLUDE_FILE);
    let hostile: [&[u8]; 7] = [
        b"",
        b"version = 2\nimages = []",
        b"version = 1\nimages = \"p00/0.png\"",
        b"version = 1\nimages = [1, 2]",
        b"version = 1\nimages = []\nother = true",
        b"\xff\xfe\x00",
        b"version = 1\nimages = [[[[[[[[[[[[[[[[[[[[",
    ];
    for bytes in hostile {
        std::fs::write(&path, bytes).unwrap();
        let opened = open(folder.path()).unwrap();
        assert_eq!(opened.items.len(), 12);
        assert_eq!(has(&opened.warnings, WarningKind::BadExclusions), 1, "{:?}", String::from_utf8_lossy(bytes));
        assert!(write_exclusions(&opened, &[0]).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    let huge = std::fs::File::create(&path).unwrap();
    huge.set_len(MAX_BYTES + 1).unwrap();
    assert_eq!(has(&open(folder.path()).unwrap().warnings, WarningKind::BadExclusions), 1);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(open(folder.path()).unwrap().items.len(), 12);
}

#[test]
fn a_list_that_names_a_file_twice_excludes_one_of_the_lines() {
    let folder = drawn();
    let list = folder.path().join("all.csv");
    let text = "path,label\np00/0.png,7\np00/0.png,8\np00/1.png,7\np01/0.png,8\np00/1.png,7\n";
    std::fs::write(&list, text).unwrap();
    let whole = Arc::new(open(&list).unwrap());
    assert_eq!(whole.items.len(), 5);
    for excluded in 0..5 {
        write_exclusions(&whole, &[excluded]).unwrap();
        assert_eq!(open(&list).unwrap().excluded(), [excluded]);
    }
    assert!(folder.path().join("all.csv.arclens-exclude.toml").is_file());
    assert_eq!(open(folder.path()).unwrap().items.len(), 12);
}
