//! What changes between two passes, or between a pass and a mark: images that come and go, folders, names.

use super::*;

impl Bench {
    /// Another photo, like the others.
    fn photo(&self, name: &str) {
        let path = self.path("photos").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(self.path("photos/a/one.png"), path).unwrap();
    }
}

#[test]
fn an_image_that_comes_later_takes_no_other_ones_name() {
    let bench = Bench::new();
    bench.run(&bench.spec()).unwrap();
    let before = std::fs::read(bench.path("out/a/one.png")).unwrap();
    // Its name comes before that of the image which has the crop.
    bench.photo("a/one.bmp");
    bench.list("a/one.bmp,20,40,66,40\na/one.png,30,40,60,40\na/two.jpg,30,40,60,42\n");
    let done = bench.run(&bench.spec()).unwrap();
    assert_eq!(counts(&done), [6, 1, 3, 1, 1], "{:?}", done.warnings);
    assert_eq!(bench.row("a/one.bmp").0, "a/one_bmp.png");
    assert_eq!(
        (bench.row("a/one.png").0.as_str(), std::fs::read(bench.path("out/a/one.png")).unwrap()),
        ("a/one.png", before)
    );
    assert_eq!(counts(&bench.run(&bench.spec()).unwrap()), [6, 0, 4, 1, 1]);
}

#[test]
fn the_crop_of_an_image_that_is_gone_is_in_nobodys_way() {
    let bench = Bench::new();
    bench.photo("a/one.webp");
    bench.run(&bench.spec()).unwrap();
    std::fs::remove_file(bench.path("photos/a/one.png")).unwrap();
    let spec = bench.by_hand();
    let image = listed(&spec).remove(0);
    assert_eq!(image.name, "a/one.webp");
    spec.mark(&image, &EYES).unwrap();
    assert_eq!(bench.row("a/one.webp").0, "a/one_webp.png");
    assert!(bench.path("out/a/one.png").is_file());
}

#[test]
fn a_file_in_the_place_of_a_folder_costs_its_crops_only() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("out/b")).unwrap();
    std::fs::write(bench.path("out/b/deep"), b"mine").unwrap();
    assert_eq!(counts(&bench.run(&bench.spec()).unwrap()), [5, 2, 0, 1, 2]);
    assert!(bench.row("b/deep/three.png").1.contains("a file is where the folder"));
    let spec = bench.by_hand();
    let image = listed(&spec).into_iter().find(|image| image.name == "b/deep/three.png").unwrap();
    let said = spec.mark(&image, &EYES).unwrap_err().to_string();
    assert!(said.contains("b/deep"), "{said}");
    assert_eq!(std::fs::read(bench.path("out/b/deep")).unwrap(), b"mine");
}

#[test]
fn a_name_that_becomes_too_long_costs_its_crop_only() {
    let bench = Bench::new();
    // Of two images of one name the second crop is named after the ending, too: more than most disks take.
    let long = "x".repeat(250);
    let [first, second] = ["a", "b"].map(|folder| format!("{folder}/{long}"));
    for name in [format!("{first}.png"), format!("{first}.tif"), format!("{second}.png")] {
        bench.photo(&name);
    }
    bench.list(&format!("{first}.png,30,40,60,40\n{first}.tif,30,40,60,40\n{second}.png,30,40,60,40\n"));
    let done = bench.run(&bench.spec()).unwrap();
    assert_eq!(counts(&done), [8, 2, 0, 4, 2]);
    assert!(bench.row(&format!("{first}.tif")).1.contains("too long"), "{:?}", done.warnings);
}

/// Other systems have no such names.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_unicode_are_done_once_and_found_in_the_table() {
    use std::os::unix::ffi::OsStrExt as _;
    let bench = Bench::new();
    let odd = bench.path("photos/a").join(std::ffi::OsStr::from_bytes(b"odd\xff.png"));
    std::fs::copy(bench.path("photos/a/one.png"), &odd).unwrap();
    let spec = bench.by_hand();
    let image = listed(&spec).into_iter().find(|image| image.path == odd).unwrap();
    spec.mark(&image, &EYES).unwrap();
    assert!(!listed(&spec).contains(&image));
    assert_eq!(counts(&bench.run(&bench.spec()).unwrap()), [6, 3, 1, 1, 1]);
    let table = LandmarkList::read(&bench.path("out").join(RECORD_NAME)).unwrap();
    assert!(table.get(&image.name).is_some(), "{}", image.name);
}

#[test]
fn a_mark_that_is_taken_back_leaves_no_empty_folder_of_its_own() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("out/a")).unwrap();
    let spec = bench.by_hand();
    let images = listed(&spec);
    let named = |name: &str| images.iter().find(|image| image.name == name).unwrap();
    let mark = |name: &str| spec.mark(named(name), &EYES).unwrap();
    let in_a = mark("a/one.png");
    let [deep, none] = ["b/deep/three.png", "b/none.png"].map(mark);
    spec.unmark(named("b/none.png"), &none).unwrap();
    assert!(bench.path("out/b/deep/three.png").is_file());
    spec.unmark(named("b/deep/three.png"), &deep).unwrap();
    assert!(!bench.path("out/b").exists());
    spec.unmark(named("a/one.png"), &in_a).unwrap();
    assert!(bench.path("out/a").is_dir(), "it was there before");
    // What somebody put into it is kept with it.
    let none = mark("b/none.png");
    std::fs::write(bench.path("out/b/note.txt"), b"mine").unwrap();
    spec.unmark(named("b/none.png"), &none).unwrap();
    assert!(bench.path("out/b/note.txt").is_file() && !bench.path("out/b/none.png").exists());
}

#[test]
fn lists_know_names_with_backslashes_by_both_readings() {
    let bench = Bench::new();
    bench.list("a\\one.png,30,40,60,40\na/two.jpg,31,40,60,40\na\\two.jpg,32,40,60,40\n");
    let list = LandmarkList::read(&bench.path("eyes.csv")).unwrap();
    let left = |name: &str| list.get(name).map(|landmarks| landmarks.points()[0][0]);
    assert_eq!((left("a/one.png"), left("a\\one.png")), (Some(30.0), Some(30.0)));
    assert_eq!((left("a/two.jpg"), left("a\\two.jpg")), (Some(31.0), Some(32.0)));
    assert_eq!((left("a/three.png"), list.len()), (None, 3));
}

#[test]
fn a_list_with_left_and_right_exchanged_is_refused_where_that_is_certain_and_else_doubted() {
    let bench = Bench::new();
    let read = |text: &str| {
        bench.list(text);
        LandmarkList::read(&bench.path("eyes.csv")).map(|list| (list.len(), list.doubt().is_some()))
    };
    let upright = "x.png,30,40,60,40\n";
    let turned = "y.png,60,80,30,80,46,65,58,50,34,50\n";
    let mirrored = "z.png,60,40,30,40,46,55,58,70,34,70\n";
    // Marks of a face on its head and of one on its side.
    let on_its_head = "w.png,60,40,30,40\n";
    let on_its_side = "v.png,41,30,40,60\n";
    for (text, expected) in [
        (format!("{upright}{turned}"), (2, false)),
        (format!("{upright}{on_its_head}"), (2, false)),
        (on_its_side.to_owned(), (1, false)),
        (on_its_head.to_owned(), (1, true)),
        (format!("{upright}{mirrored}{on_its_head}"), (3, true)),
        (String::new(), (0, false)),
    ] {
        assert_eq!(read(&text).unwrap(), expected, "{text}");
    }
    for text in [mirrored.to_owned(), format!("{upright}{mirrored}{}", mirrored.replace('z', "u"))] {
        let said = read(&text).unwrap_err().to_string();
        assert!(said.contains("left and right are exchanged"), "{text}: {said}");
    }
}

#[test]
fn a_doubtful_list_is_told_of_and_used() {
    let bench = Bench::new();
    assert_eq!(bench.run(&bench.spec()).unwrap().doubt, None);
    bench.list("b/none.png,60,40,30,40\n");
    let done = bench.run(&bench.spec()).unwrap();
    assert!(done.aligned == 1 && done.doubt.is_some_and(|doubt| doubt.contains("left eye")), "{done:?}");
}

#[test]
fn an_image_is_known_however_its_path_is_spelled() {
    let bench = Bench::new();
    let spelled = ["photos/a/one.png", "photos/b/../a/one.png", "photos/a/../../photos/a/one.png"];
    let spelled = spelled.map(|path| bench.path(path));
    let line = |path: &PathBuf| format!("{},30,40,60,40\n", crate::data::path_text(path));
    bench.list(&spelled.iter().map(line).collect::<String>());
    let align = |inputs: &[PathBuf]| bench.run(&AlignSpec { inputs: inputs.to_vec(), ..bench.spec() }).unwrap();
    assert_eq!(counts(&align(&spelled[..1])), [1, 1, 0, 0, 0]);
    for path in &spelled {
        assert_eq!(counts(&align(std::slice::from_ref(path))), [1, 0, 1, 0, 0], "{}", path.display());
    }
    assert_eq!(counts(&align(&spelled)), [1, 0, 1, 0, 0]);
    assert_eq!(std::fs::read_dir(bench.path("out")).unwrap().count(), 2, "one crop and the table");
    let finder = FinderFile::List(bench.path("out").join(RECORD_NAME)).open().unwrap();
    let again = AlignSpec { inputs: spelled[1..2].to_vec(), out: bench.path("again"), finder, ..bench.spec() };
    assert_eq!(counts(&bench.run(&again).unwrap()), [1, 1, 0, 0, 0]);
    // Images of several folders.
    let folders = |a: &str| align(&[bench.path(a), bench.path("photos/b/deep")]);
    bench.list(&line(&bench.path("photos/b/../a/two.jpg")));
    assert_eq!(counts(&folders("photos/b/../a")), [3, 1, 0, 2, 0]);
    assert_eq!(counts(&folders("photos/a")), [3, 0, 1, 2, 0]);
}

#[cfg(unix)]
#[test]
fn links_to_one_image_are_images_of_their_own() {
    let bench = Bench::new();
    let links = ["first.png", "second.png"].map(|name| bench.path(name));
    for link in &links {
        std::os::unix::fs::symlink(bench.path("photos/a/one.png"), link).unwrap();
    }
    let done = bench.run(&AlignSpec { inputs: links.to_vec(), ..bench.spec() }).unwrap();
    assert_eq!(counts(&done), [2, 0, 0, 2, 0]);
}

#[test]
fn a_mark_that_is_made_while_the_folder_is_listed_stays() {
    let bench = Bench::new();
    bench.run(&bench.spec()).unwrap();
    let spec = bench.by_hand();
    let image = listed(&spec).pop().unwrap();
    let is_first_look = AtomicBool::new(true);
    let mark_meanwhile = || {
        if is_first_look.swap(false, Ordering::SeqCst) {
            spec.mark(&image, &EYES).unwrap();
        }
        false
    };
    let done = align_folder(&bench.spec(), &|_| {}, &mark_meanwhile).unwrap();
    assert_eq!(counts(&done), [5, 0, 4, 0, 1]);
    assert_eq!(bench.row("b/none.png"), ("b/none.png".to_owned(), String::new()));
}

#[test]
fn a_list_that_is_too_large_is_refused_and_not_cut_off() {
    let bench = Bench::new();
    let path = bench.path("eyes.csv");
    std::fs::File::options().write(true).open(&path).unwrap().set_len((1 << 30) + 1).unwrap();
    let said = LandmarkList::read(&path).unwrap_err().to_string();
    assert!(said.contains("1024 MiB"), "{said}");
}

#[test]
fn what_is_excluded_has_no_crop_until_it_is_included_again() {
    let bench = Bench::new();
    bench.run(&bench.spec()).unwrap();
    let list = bench.path("photos").join(crate::data::EXCLUDE_FILE);
    std::fs::write(&list, "version = 2\nimages = [\"a/two.jpg\"]\nunreadable = [\"b/broken.png\"]\n").unwrap();
    let done = bench.run(&bench.spec()).unwrap();
    assert_eq!((counts(&done), done.excluded), ([3, 0, 2, 1, 0], 2));
    assert_eq!(bench.row("a/two.jpg"), (String::new(), "excluded".to_owned()));
    assert_eq!(bench.row("b/broken.png"), (String::new(), "excluded".to_owned()));
    assert!(!bench.path("out/a/two.png").exists(), "the crops would bring it back");
    assert_eq!(names(&listed(&bench.by_hand())), ["b/none.png"]);
    let table = LandmarkList::read(&bench.path("out").join(RECORD_NAME)).unwrap();
    assert!(table.get("a/two.jpg").is_some(), "its points are not lost");
    // The images of a sub-folder are those of the data set, too; a file that is named by itself is asked for.
    bench.list("one.png,30,40,60,40\ntwo.jpg,30,40,60,42\n");
    let align = |input: &str, out: &str| {
        bench.run(&AlignSpec { inputs: vec![bench.path(input)], out: bench.path(out), ..bench.spec() }).unwrap()
    };
    let part = align("photos/a", "part");
    assert_eq!((counts(&part), part.excluded), ([1, 1, 0, 0, 0], 1));
    let named = align("photos/a/two.jpg", "named");
    assert_eq!((named.images, named.excluded), (1, 0));
    std::fs::remove_file(&list).unwrap();
    bench.list("a/two.jpg,30,40,60,42\n");
    assert_eq!(counts(&bench.run(&bench.spec()).unwrap()), [5, 1, 2, 1, 1]);
    assert_eq!(bench.row("a/two.jpg"), ("a/two.png".to_owned(), String::new()));
}

#[test]
fn a_mark_is_not_lost_while_its_image_is_excluded() {
    let bench = Bench::new();
    bench.run(&bench.spec()).unwrap();
    let spec = bench.by_hand();
    let image = listed(&spec).pop().unwrap();
    assert_eq!(image.name, "b/none.png");
    spec.mark(&image, &EYES).unwrap();
    let (crop, table) = (bench.path("out/b/none.png"), bench.path("out").join(RECORD_NAME));
    let marked = std::fs::read(&crop).unwrap();
    let list = bench.path("photos").join(crate::data::EXCLUDE_FILE);
    let exclude = || {
        std::fs::write(&list, "version = 1\nimages = [\"b/none.png\"]\n").unwrap();
        bench.run(&bench.spec()).unwrap();
        std::fs::remove_file(&list).unwrap();
    };
    exclude();
    assert!(!crop.exists());
    let given = |table: &Table| table.given_points(&image);
    assert_eq!(given(&Table::open(&spec.out, 56).unwrap()), Some(EYES));
    // The list, as a detector, does not find it.
    assert_eq!(counts(&bench.run(&bench.spec()).unwrap()), [5, 1, 3, 0, 1]);
    assert_eq!(bench.row("b/none.png"), ("b/none.png".to_owned(), String::new()));
    assert_eq!(std::fs::read(&crop).unwrap(), marked);
    assert_eq!(given(&Table::open(&spec.out, 56).unwrap()), None, "only what was excluded is taken up again");
    // What a detector found, which has a score, is looked for anew.
    exclude();
    let text = std::fs::read_to_string(&table).unwrap();
    let found = text.replace("b/none.png,,56,,", "b/none.png,,56,0.9000,");
    assert_ne!(found, text);
    std::fs::write(&table, found).unwrap();
    assert_eq!(counts(&bench.run(&bench.spec()).unwrap()), [5, 0, 3, 1, 1]);
}

#[test]
fn a_folder_of_which_everything_is_excluded_is_no_error() {
    let bench = Bench::new();
    let list = bench.path("photos").join(crate::data::EXCLUDE_FILE);
    std::fs::write(&list, "version = 1\nimages = [\"a/one.png\", \"a/two.jpg\"]\n").unwrap();
    let done = bench.run(&AlignSpec { inputs: vec![bench.path("photos/a")], ..bench.spec() }).unwrap();
    assert_eq!((counts(&done), done.excluded), ([0; 5], 2));
}

#[test]
fn crops_that_would_come_out_otherwise_stay_and_are_counted() {
    let bench = Bench::new();
    bench.run(&bench.spec()).unwrap();
    assert_eq!(bench.pass(false, CropFormat::Png).otherwise, 0);
    let done = bench.pass(false, CropFormat::Jpeg);
    assert_eq!((done.already, done.otherwise), (3, 3));
    assert!(bench.path("out/a/one.png").is_file() && !bench.path("out/a/one.jpg").exists());
    // As a detector would have left it.
    let record = bench.path("out").join(RECORD_NAME);
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replace("a/one.png,a/one.png,56,,", "a/one.png,a/one.png,56,0.7000,")).unwrap();
    let options = bench.spec().options;
    let (inputs, out) = ([bench.path("photos")], bench.path("out"));
    let found = find_images(&inputs, &out, options, &mut Warnings::default(), &|| false).unwrap();
    let image = &found.images[0];
    assert_eq!(image.name, "a/one.png");
    for (min_score, is_detected, expected) in [(0.8, true, true), (0.7, true, false), (0.8, false, false)] {
        let options = AlignOptions { min_score, ..options };
        assert_eq!(found.table.is_otherwise(image, options, is_detected), expected, "{min_score} {is_detected}");
    }
}
