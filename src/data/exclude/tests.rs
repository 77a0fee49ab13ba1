use super::*;
use crate::data::packed::Pack;
use crate::data::testing::{draw_classes, draw_idx};
use crate::data::warnings::LEFT_OUT;
use crate::data::{DataError, MAX_STORED, RecWriter, Warnings, export_records};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

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
fn what_is_excluded_is_kept_and_what_could_not_be_opened_again_is_not() {
    let folder = drawn();
    let whole = Arc::new(open(folder.path()).unwrap());
    let rest = exclude(&whole, &[1, 5]).unwrap();
    let opened = open(folder.path()).unwrap();
    assert_eq!((opened.excluded(), &opened.fingerprint), (rest.excluded(), &rest.fingerprint));
    let all: Vec<u32> = (0..12).collect();
    assert!(exclude(&whole, &all).is_err());
    assert_eq!(open(folder.path()).unwrap().excluded(), [1, 5]);
    assert!(Arc::ptr_eq(&exclude(&whole, &[]).unwrap(), &whole) && !folder.path().join(EXCLUDE_FILE).exists());
}

#[test]
fn the_list_beside_numbered_images_is_no_file_of_images() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("wrapper");
    std::fs::create_dir(&inner).unwrap();
    draw_idx(&inner, &[3, 3, 7, 7, 7]);
    let whole = Arc::new(open(&inner).unwrap());
    exclude(&whole, &[2]).unwrap();
    assert!(whole.exclude_path().file_name().unwrap().to_string_lossy().contains("images-idx3"));
    for path in [folder.path(), inner.as_path(), inner.join("train-images-idx3-ubyte").as_path()] {
        assert_eq!(open(path).unwrap().excluded(), [2], "{}", path.display());
    }
    // Named as the list, it is told what it is.
    let error = open(&whole.exclude_path()).unwrap_err().to_string();
    assert!(error.contains("what is left out"), "{error}");
    exclude(&Arc::new(open(&inner).unwrap()).whole(), &[]).unwrap();
    assert_eq!(open(folder.path()).unwrap().fingerprint, whole.fingerprint);
}

/// A file that counts how often it is asked for a name.
#[derive(Debug)]
struct Counting {
    inner: Arc<dyn Pack>,
    asked: Arc<AtomicUsize>,
}

impl Pack for Counting {
    fn bytes(&self, at: u64) -> Result<Vec<u8>, DataError> {
        self.inner.bytes(at)
    }

    fn name(&self, at: u64) -> String {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.name(at)
    }
}

#[test]
fn of_records_only_those_left_out_are_asked_for_their_names() {
    let (images, records) = (drawn(), tempfile::tempdir().unwrap());
    let items: Vec<u32> = (0..12).collect();
    let drawn = open(images.path()).unwrap();
    export_records(&drawn, &items, None, records.path(), &|_| {}, &|| false).unwrap();
    let mut whole = open(records.path()).unwrap();
    exclude(&Arc::new(open(records.path()).unwrap()), &[2, 7]).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let packs = std::mem::take(&mut whole.packs).into_iter();
    let counting = |inner| -> Arc<dyn Pack> { Arc::new(Counting { inner, asked: Arc::clone(&asked) }) };
    whole.packs = packs.map(counting).collect();
    let opened = Exclusions::beside(&whole.beside).apply(whole).unwrap();
    assert_eq!((opened.items.len(), opened.excluded()), (10, [2, 7].as_slice()));
    // There may be millions of the others.
    assert!((1..12).contains(&asked.load(Ordering::Relaxed)), "{asked:?}");
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
        b"version = 3\nimages = []",
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

#[test]
fn unreadable_files_are_excluded_by_name_and_not_tried_again() {
    let folder = drawn();
    let (bad, sidecar) = (folder.path().join("p01/empty.png"), folder.path().join(EXCLUDE_FILE));
    std::fs::write(&bad, b"").unwrap();
    std::fs::write(folder.path().join("p02/text.png"), b"no image").unwrap();
    let whole = Arc::new(open(folder.path()).unwrap());
    assert_eq!((whole.items.len(), whole.left_out()), (12, 12..14));
    assert_eq!([12, 13].map(|file| whole.name(file)), ["p01/empty.png", "p02/text.png"]);
    let rest = whole.without(&[12]).unwrap();
    assert_eq!((rest.items.len(), rest.excluded(), rest.excluded_images()), (12, [12].as_slice(), 0));
    assert_eq!(rest.fingerprint, whole.fingerprint, "the images are the same");
    write_exclusions(&whole, &[0, 12]).unwrap();
    let text = std::fs::read_to_string(&sidecar).unwrap();
    assert!(text.contains("version = 2") && text.contains("p01/empty.png") && !text.contains("p02"), "{text}");
    // It is an image by now, which is not known of a file that is not tried.
    std::fs::copy(folder.path().join("p00/1.png"), &bad).unwrap();
    let opened = Arc::new(open(folder.path()).unwrap());
    assert_eq!((opened.items.len(), opened.whole().items.len()), (11, 12));
    assert_eq!((opened.excluded(), opened.excluded_images()), ([0, 12].as_slice(), 1));
    let kinds = [WarningKind::Excluded, WarningKind::ExcludedFile, WarningKind::NotTried, WarningKind::NotAnImage];
    assert_eq!(kinds.map(|kind| has(&opened.warnings, kind)), [1, 1, 0, 1]);
    write_exclusions(&opened.whole(), &[0]).unwrap();
    assert!(std::fs::read_to_string(&sidecar).unwrap().contains("version = 1"), "as earlier programs read it");
    assert_eq!(open(folder.path()).unwrap().items.len(), 12);
    write_exclusions(&opened.whole(), &[]).unwrap();
    assert!(!sidecar.exists());
    assert_eq!(open(folder.path()).unwrap().items.len(), 13);
}

/// A tar, a list and records, each with four images of two classes and one that is none.
fn packed(folder: &Path) -> [PathBuf; 3] {
    let at = |name: &str| folder.join(name);
    std::fs::write(at("p00/empty.png"), b"").unwrap();
    std::fs::write(at("all.txt"), "p00/0.png 7\np00/1.png 7\np00/empty.png 7\np01/0.png 8\np01/1.png 8\n").unwrap();
    let mut archive = tar::Builder::new(std::fs::File::create(at("all.tar")).unwrap());
    let mut records = RecWriter::new(std::fs::File::create(at("all.rec")).unwrap(), Vec::new());
    for class in ["p00", "p01"] {
        for image in ["0.png", "1.png", "empty.png"] {
            let name = format!("{class}/{image}");
            let Ok(bytes) = std::fs::read(at(&name)) else { continue };
            archive.append_path_with_name(at(&name), &name).unwrap();
            records.image(&bytes).unwrap();
        }
        if class == "p00" {
            records.next_identity();
        }
    }
    archive.finish().unwrap();
    records.finish().unwrap();
    ["all.tar", "all.txt", "all.rec"].map(at)
}

/// Every file and folder below one, with its bytes and the time of its last change; the list of what is left out is not
/// among them.
fn contents(folder: &Path, list: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name() == list.file_name() {
            continue;
        }
        let facts = std::fs::metadata(&path).unwrap();
        let bytes = if facts.is_dir() {
            found.append(&mut contents(&path, list));
            Vec::new()
        } else {
            std::fs::read(&path).unwrap()
        };
        found.insert(path, (bytes, facts.modified().unwrap()));
    }
    found
}

#[test]
fn whatever_is_left_out_and_taken_back_no_file_of_the_data_set_is_touched() {
    let (folder, plain) = (drawn(), drawn());
    std::fs::write(plain.path().join("p00/empty.png"), b"").unwrap();
    for path in packed(folder.path()).into_iter().chain([plain.path().to_owned()]) {
        let root = if path.is_dir() { path.as_path() } else { folder.path() };
        let whole = Arc::new(open(&path).unwrap());
        let list = whole.exclude_path();
        let before = contents(root, &list);
        assert!(before.len() > 12 && !list.exists(), "{}", path.display());
        // An image, and a file that is none.
        exclude(&whole, &[1, whole.left_out().start]).unwrap();
        open(&path).unwrap();
        assert!(list.is_file() && contents(root, &list) == before, "{}", path.display());
        exclude(&whole, &[]).unwrap();
        open(&path).unwrap();
        assert!(!list.exists() && contents(root, &list) == before, "{}", path.display());
    }
}

#[test]
fn what_is_unreadable_in_archives_lists_and_records_is_excluded_too() {
    let folder = drawn();
    for path in packed(folder.path()) {
        let whole = Arc::new(open(&path).unwrap());
        assert_eq!((whole.items.len(), whole.left_out()), (4, 4..5), "{}", path.display());
        write_exclusions(&whole, &[1, 4]).unwrap();
        let opened = open(&path).unwrap();
        assert_eq!((opened.items.len(), opened.excluded()), (3, [1, 4].as_slice()), "{}", path.display());
        assert_eq!(LEFT_OUT.map(|kind| has(&opened.warnings, kind)).iter().sum::<usize>(), 0, "{}", path.display());
        assert_eq!(has(&opened.warnings, WarningKind::ExcludedFile), 1);
        write_exclusions(&whole, &[]).unwrap();
        assert_eq!(open(&path).unwrap().warnings, whole.warnings);
    }
}

#[test]
fn more_unreadable_files_than_warnings_are_stored_are_excluded_at_once() {
    let folder = drawn();
    let count = MAX_STORED + 5;
    (0..count).for_each(|number| std::fs::write(folder.path().join(format!("p00/{number}x.png")), b"").unwrap());
    let whole = Arc::new(open(folder.path()).unwrap());
    assert_eq!(whole.left_out().len(), count);
    let all: Vec<u32> = whole.left_out().collect();
    write_exclusions(&whole, &all).unwrap();
    let opened = open(folder.path()).unwrap();
    assert_eq!((opened.items.len(), opened.excluded().len(), opened.excluded_images()), (12, count, 0));
    assert_eq!(opened.warnings.total(), has(&opened.warnings, WarningKind::ExcludedFile));
}

#[test]
fn an_excluded_image_that_is_damaged_stays_excluded_and_missing_names_are_kept() {
    let folder = drawn();
    let whole = Arc::new(open(folder.path()).unwrap());
    write_exclusions(&whole, &[0]).unwrap();
    std::fs::write(folder.path().join("p00/0.png"), b"").unwrap();
    let opened = Arc::new(open(folder.path()).unwrap());
    assert_eq!((opened.items.len(), opened.excluded()), (11, [11].as_slice()));
    let kinds = [WarningKind::UnknownExclusion, WarningKind::Empty, WarningKind::ExcludedFile];
    assert_eq!(kinds.map(|kind| has(&opened.warnings, kind)), [0, 0, 1]);
    let sidecar = folder.path().join(EXCLUDE_FILE);
    std::fs::write(&sidecar, "version = 2\nimages = []\nunreadable = [\"gone.png\", \"p01\"]\n").unwrap();
    // A folder that is named is not listed.
    let opened = Arc::new(open(folder.path()).unwrap());
    assert_eq!((opened.classes.len(), has(&opened.warnings, WarningKind::UnknownExclusion)), (3, 1));
    write_exclusions(&opened.whole(), &[]).unwrap();
    assert!(std::fs::read_to_string(&sidecar).unwrap().contains("gone.png"));
}

#[test]
fn a_list_that_could_not_be_read_again_is_not_written() {
    let folder = drawn();
    let whole = Arc::new(open(folder.path()).unwrap());
    let sidecar = folder.path().join(EXCLUDE_FILE);
    let text = format!("version = 1\nimages = [\"{}\"]\n", "x".repeat(MAX_BYTES as usize - 64));
    std::fs::write(&sidecar, &text).unwrap();
    assert_eq!(has(&open(folder.path()).unwrap().warnings, WarningKind::UnknownExclusion), 1, "it can be read");
    let error = write_exclusions(&whole, &[0]).unwrap_err().to_string();
    assert!(error.contains("more than 64 MiB"), "{error}");
    assert_eq!(std::fs::metadata(&sidecar).unwrap().len(), text.len() as u64);
}

#[test]
fn an_unreadable_name_that_may_be_that_of_several_files_is_tried() {
    let folder = drawn();
    let names = "version = 2\nimages = []\nunreadable = [\"p00/\u{FFFD}.png\", \"p00/a.png\"]\n";
    std::fs::write(folder.path().join(EXCLUDE_FILE), names).unwrap();
    for name in ["a.png", "\u{FFFD}.png"] {
        std::fs::copy(folder.path().join("p00/0.png"), folder.path().join("p00").join(name)).unwrap();
    }
    let opened = open(folder.path()).unwrap();
    assert_eq!((opened.items.len(), has(&opened.warnings, WarningKind::ExcludedFile)), (13, 1));
    position(&opened, "p00/\u{FFFD}.png");
}

#[test]
fn rows_of_a_list_that_name_the_same_unreadable_file_are_excluded_together() {
    let folder = drawn();
    let list = folder.path().join("all.csv");
    std::fs::write(folder.path().join("p00/empty.png"), b"").unwrap();
    std::fs::write(&list, "p00/0.png,7\np00/empty.png,7\np00/empty.png,8\np01/0.png,8\np01/1.png,8\n").unwrap();
    let whole = Arc::new(open(&list).unwrap());
    assert_eq!((whole.items.len(), whole.left_out()), (3, 3..5));
    for position in [3, 4] {
        let rest = whole.without(&[position]).unwrap();
        assert_eq!(rest.excluded(), [3, 4]);
        let kinds = [WarningKind::Empty, WarningKind::ExcludedFile];
        assert_eq!(kinds.map(|kind| has(&rest.warnings, kind)), [0, 2]);
        write_exclusions(&whole, &[position]).unwrap();
        let opened = open(&list).unwrap();
        assert_eq!((opened.excluded(), &opened.warnings), (rest.excluded(), &rest.warnings));
    }
}

#[test]
fn an_excluded_image_of_a_list_that_is_damaged_stays_excluded() {
    let folder = drawn();
    let list = folder.path().join("all.csv");
    std::fs::write(&list, "p00/0.png,7\np00/0.png,8\np00/1.png,7\np01/0.png,8\np01/1.png,8\n").unwrap();
    let whole = Arc::new(open(&list).unwrap());
    write_exclusions(&whole, &[0, 3]).unwrap();
    let sidecar = folder.path().join("all.csv.arclens-exclude.toml");
    assert!(std::fs::read_to_string(&sidecar).unwrap().contains("p00/0.png as 7"));
    std::fs::write(folder.path().join("p00/0.png"), b"").unwrap();
    let opened = Arc::new(open(&list).unwrap());
    // What is left of the list: p00/1.png, p01/0.png and p01/1.png, then both rows of the damaged file.
    assert_eq!((opened.items.len(), opened.excluded()), (2, [1, 3, 4].as_slice()));
    let kinds = [WarningKind::UnknownExclusion, WarningKind::Empty, WarningKind::ExcludedFile];
    assert_eq!(kinds.map(|kind| has(&opened.warnings, kind)), [0, 0, 2]);
    write_exclusions(&opened.whole(), opened.excluded()).unwrap();
    let text = std::fs::read_to_string(&sidecar).unwrap();
    assert!(text.contains("\"p00/0.png\"") && !text.contains("p00/0.png as"), "{text}");
}

#[test]
fn a_data_set_of_which_everything_is_named_as_unreadable_says_where_that_is_written() {
    let (folder, plain) = (drawn(), drawn());
    for path in packed(folder.path()).into_iter().take(2).chain([plain.path().to_owned()]) {
        let sidecar = if path.is_dir() { path.join(EXCLUDE_FILE) } else { path_beside(&path) };
        let classes = ["p00", "p01", "p02", "p03"];
        let images = ["0.png", "1.png", "2.png", "empty.png"];
        let all: Vec<String> =
            classes.iter().flat_map(|class| images.iter().map(move |image| format!("{class}/{image}"))).collect();
        std::fs::write(&sidecar, format!("version = 2\nimages = []\nunreadable = {all:?}\n")).unwrap();
        let error = open(&path).unwrap_err().to_string();
        let words = ["not tried", "\"unreadable\"", "remove the lines", sidecar.to_str().unwrap()];
        assert!(words.iter().all(|word| error.contains(word)), "{}: {error}", path.display());
        std::fs::remove_file(&sidecar).unwrap();
        assert!(open(&path).is_ok());
    }
}
