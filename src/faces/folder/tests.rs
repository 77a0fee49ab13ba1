//! A folder of drawn photographs with listed eyes: structure, resume, cancel, and files that are not ours.

use super::*;
use crate::faces::template;
use image::{GrayImage, Luma, RgbImage};
use std::sync::atomic::AtomicBool;

mod again;

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// Photos of 96 px: `a/one.png`, `a/two.jpg`, `b/deep/three.png`, all listed but `b/none.png`; `b/broken.png` is none.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let photos = folder.path().join("photos");
        for name in ["a/one.png", "a/two.jpg", "b/deep/three.png", "b/none.png"] {
            let path = photos.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            RgbImage::from_fn(96, 96, |x, y| image::Rgb([x as u8, y as u8, 90])).save(path).unwrap();
        }
        std::fs::write(photos.join("b/broken.png"), b"\x89PNG\r\n\x1a\nno more").unwrap();
        std::fs::write(photos.join("b/readme.txt"), b"not an image").unwrap();
        let bench = Self { folder };
        bench.list("a/one.png,30,40,60,40\na/two.jpg,30,40,60,42\nb/deep/three.png,30,40,60,40,46,55,34,70,58,70\n");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn list(&self, text: &str) {
        std::fs::write(self.path("eyes.csv"), text).unwrap();
    }

    fn spec(&self) -> AlignSpec {
        AlignSpec {
            inputs: vec![self.path("photos")],
            out: self.path("out"),
            finder: Finder::Listed(LandmarkList::read(&self.path("eyes.csv")).unwrap()),
            options: AlignOptions { size_px: 56, ..AlignOptions::default() },
        }
    }

    /// The same folder and crops, by hand.
    fn by_hand(&self) -> HandSpec {
        let AlignSpec { out, options, .. } = self.spec();
        HandSpec { root: self.path("photos"), out, options }
    }

    fn run(&self, spec: &AlignSpec) -> Result<Aligned, FaceError> {
        align_folder(spec, &|_| {}, &|| false)
    }

    fn rows(&self) -> Vec<csv::StringRecord> {
        let mut reader = csv::Reader::from_path(self.path("out").join(RECORD_NAME)).unwrap();
        reader.records().map(Result::unwrap).collect()
    }
}

fn counts(done: &Aligned) -> [u64; 5] {
    [done.images, done.aligned, done.already, done.unfound, done.left_out]
}

#[test]
fn a_folder_keeps_its_structure_and_says_what_became_of_each_image() {
    let bench = Bench::new();
    let done = bench.run(&bench.spec()).unwrap();
    assert_eq!(counts(&done), [5, 3, 0, 1, 1]);
    for name in ["a/one.png", "a/two.png", "b/deep/three.png"] {
        let crop = crate::data::decode_file(&bench.path("out").join(name)).unwrap();
        assert_eq!((crop.width(), crop.height()), (56, 56), "{name}");
    }
    assert!(!bench.path("out/b/none.png").exists() && !bench.path("out/b/broken.png").exists());
    let rows = bench.rows();
    let reasons: Vec<(&str, &str)> = rows.iter().map(|row| (&row[0], &row[18])).collect();
    assert_eq!(reasons[0], ("a/one.png", ""));
    assert_eq!(reasons[4], ("b/none.png", "no points are listed for it"));
    assert!(reasons[2].0 == "b/broken.png" && reasons[2].1.contains("image"), "{reasons:?}");
    assert_eq!((&rows[3][8], &rows[3][17]), ("30.000", "70.000"));
    // The eyes are where the template has them.
    let crop = crate::data::decode_file(&bench.path("out/a/one.png")).unwrap().to_rgb8();
    let [x, y] = template(56)[0];
    let pixel = crop.get_pixel(x.round() as u32, y.round() as u32).0;
    assert!(pixel[0].abs_diff(30) <= 2 && pixel[1].abs_diff(40) <= 2, "{pixel:?}");
}

#[test]
fn the_same_again_does_nothing_and_what_is_missing_is_made_again() {
    let bench = Bench::new();
    bench.run(&bench.spec()).unwrap();
    let before = std::fs::read(bench.path("out").join(RECORD_NAME)).unwrap();
    assert_eq!(counts(&bench.run(&bench.spec()).unwrap()), [5, 0, 3, 1, 1]);
    assert_eq!(std::fs::read(bench.path("out").join(RECORD_NAME)).unwrap(), before);
    std::fs::remove_file(bench.path("out/a/two.png")).unwrap();
    assert_eq!(counts(&bench.run(&bench.spec()).unwrap()), [5, 1, 2, 1, 1]);
    // Listed later, an image that had no points gets its crop.
    bench.list("a/one.png,30,40,60,40\nb/none.png,30,40,60,40\n");
    assert_eq!(counts(&bench.run(&bench.spec()).unwrap()), [5, 1, 3, 0, 1]);
}

#[test]
fn a_killed_job_leaves_a_cut_row_and_goes_on() {
    let bench = Bench::new();
    bench.run(&bench.spec()).unwrap();
    let record = bench.path("out").join(RECORD_NAME);
    let text = std::fs::read_to_string(&record).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    // The row of the second crop is gone, that of the third is cut off; both crops are there.
    std::fs::write(&record, format!("{}\n{}\n{}", lines[0], lines[1], &lines[4][..20])).unwrap();
    assert_eq!(counts(&bench.run(&bench.spec()).unwrap()), [5, 2, 1, 1, 1]);
    assert_eq!(std::fs::read_to_string(&record).unwrap(), text);
}

#[test]
fn a_cancelled_job_keeps_what_it_did() {
    let bench = Bench::new();
    let stop = AtomicBool::new(false);
    let progress = |_| stop.store(true, Ordering::SeqCst);
    let spec = bench.spec();
    let done = align_folder(&spec, &progress, &|| stop.load(Ordering::SeqCst)).unwrap();
    assert!(done.stopped && done.images == 5);
    let again = bench.run(&spec).unwrap();
    assert!(!again.stopped && again.aligned + again.already == 3, "{again:?}");
    assert_eq!(again.already, done.aligned);
}

#[test]
fn files_that_are_not_ours_stay_as_they_are() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("out/a")).unwrap();
    std::fs::write(bench.path("out/a/one.png"), b"mine").unwrap();
    let done = bench.run(&bench.spec()).unwrap();
    assert_eq!(counts(&done), [5, 2, 0, 1, 2]);
    assert_eq!(std::fs::read(bench.path("out/a/one.png")).unwrap(), b"mine");
    std::fs::write(bench.path("out").join(RECORD_NAME), b"my,own,table\n1,2,3\n").unwrap();
    let said = bench.run(&bench.spec()).unwrap_err().to_string();
    assert!(said.contains("did not write"), "{said}");
}

#[test]
fn another_size_and_the_folder_of_the_images_are_refused() {
    let bench = Bench::new();
    bench.run(&bench.spec()).unwrap();
    let said = |spec: AlignSpec| bench.run(&spec).unwrap_err().to_string();
    let sized = |size_px| AlignSpec { options: AlignOptions { size_px, ..bench.spec().options }, ..bench.spec() };
    let text = said(sized(112));
    assert!(text.contains("crops of 56 px"), "{text}");
    let text = said(AlignSpec { out: bench.path("photos"), ..bench.spec() });
    assert!(text.contains("folder of the images"), "{text}");
    for inside in ["photos/aligned", "photos/a/of/mine", "photos/b"] {
        let text = said(AlignSpec { out: bench.path(inside), ..bench.spec() });
        assert!(text.contains("within that of the images") && text.contains("choose"), "{inside}: {text}");
    }
    assert!(!bench.path("photos/aligned").exists());
    assert!(said(sized(4)).contains("16 to 1024"));
    assert!(said(AlignSpec { inputs: vec![bench.path("gone")], ..bench.spec() }).contains("gone"));
    assert!(said(AlignSpec { inputs: vec![bench.path("eyes.csv")], ..bench.spec() }).contains("this is no image"));
}

#[test]
fn images_without_a_face_can_be_kept_and_are_replaced_once_there_is_one() {
    let bench = Bench::new();
    let keeping = |bench: &Bench| {
        let options = AlignOptions { keep_unfound: true, format: CropFormat::Jpeg, ..bench.spec().options };
        AlignSpec { options, ..bench.spec() }
    };
    let done = bench.run(&keeping(&bench)).unwrap();
    assert_eq!((done.unfound, done.kept), (1, 1));
    let middle = std::fs::read(bench.path("out/b/none.jpg")).unwrap();
    assert!(bench.rows()[4][18].contains("middle"));
    bench.list("b/none.png,30,40,60,40\n");
    let done = bench.run(&keeping(&bench)).unwrap();
    assert_eq!(counts(&done), [5, 1, 3, 0, 1]);
    assert_ne!(std::fs::read(bench.path("out/b/none.jpg")).unwrap(), middle);
}

#[test]
fn single_images_and_several_folders_keep_apart() {
    let bench = Bench::new();
    let grey = bench.path("grey.png");
    GrayImage::from_fn(96, 96, |x, _| Luma([x as u8])).save(&grey).unwrap();
    let name = crate::data::path_text(&grey);
    bench.list(&format!("{name}\t30\t40\t60\t40\n"));
    let spec = AlignSpec { inputs: vec![grey, bench.path("photos")], ..bench.spec() };
    let done = bench.run(&spec).unwrap();
    assert_eq!(counts(&done), [6, 1, 0, 4, 1]);
    let crop = image::open(bench.path("out/grey.png")).unwrap();
    assert_eq!(crop.color(), image::ColorType::L8);
}

#[test]
fn lists_come_in_every_form_and_mistakes_have_their_line() {
    let bench = Bench::new();
    let read = |text: &str| {
        bench.list(text);
        LandmarkList::read(&bench.path("eyes.csv"))
    };
    let five = read(
        "path,score,left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,mouth_left_x,mouth_left_y,\
                     mouth_right_x,mouth_right_y\nx.png,0.9,1,2,3,4,5,6,7,8,9,10\ny.png,,,,,,,,,,,\nz.png,1,1,2,3,4\n",
    )
    .unwrap();
    assert!(matches!(five.get("x.png"), Some(super::super::Landmarks::Five(_))));
    assert!(matches!(five.get("z.png"), Some(super::super::Landmarks::Eyes([[1.0, 2.0], [3.0, 4.0]]))));
    assert!(five.get("y.png").is_none() && five.len() == 2);
    for (text, words) in [
        ("x.png,1,2,3,4\ny.png,1,2,3\n", "line 2"),
        ("x.png,1,2,3,4\ny.png,1,2,three,4\n", "line 2"),
        ("x.png,1,2,3,inf\n", "\"inf\" is no number"),
        ("path,left\nx,1\n", "left_eye_x"),
        ("name,left_eye_x\nx,1\n", "called path"),
        ("x.png,1,2,3,4\n\u{0}\u{1},\"\n", "line 2"),
        // Blank lines count, of whatever kind and wherever they stand.
        ("x.png,1,2,3,4\n\n\ny.png,1,2,3\n", "line 4"),
        ("\n\nx.png\t1\t2\t3\t4\n \ny.png\t1\t2\t3\n", "line 5"),
        ("x.png,1,2,3,4\r\ny.png,1,2,3,4\r\n\r\nz.png,1,2,3\r\n", "line 4"),
        ("\u{feff}\nx.png,1,2,3\n", "line 2"),
        ("\"a\nb.png\",1,2,3,4\n\ny.png,1,2\n", "line 4"),
    ] {
        let said = read(text).unwrap_err().to_string();
        assert!(said.contains(words), "{text:?}: {said}");
    }
    assert!(read("").unwrap().is_empty());
    let spaced = read("\n  \npath\tleft_eye_x\tleft_eye_y\tright_eye_x\tright_eye_y\n\nx.png\t1\t2\t3\t4\n\n").unwrap();
    assert!(spaced.len() == 1 && spaced.get("x.png").is_some());
}

const EYES: crate::faces::Landmarks = crate::faces::Landmarks::Eyes([[30.0, 40.0], [60.0, 44.0]]);

fn names(images: &[FolderImage]) -> Vec<&str> {
    images.iter().map(|image| image.name.as_str()).collect()
}

fn listed(spec: &HandSpec) -> Vec<FolderImage> {
    spec.images(&|| false).unwrap()
}

#[test]
fn what_a_pass_left_is_marked_by_hand_and_kept_by_the_next_pass() {
    let bench = Bench::new();
    bench.run(&bench.spec()).unwrap();
    let spec = bench.by_hand();
    let images = listed(&spec);
    assert_eq!(names(&images), ["b/broken.png", "b/none.png"]);
    let before = std::fs::read(bench.path("out").join(RECORD_NAME)).unwrap();
    assert!(spec.mark(&images[0], &EYES).is_err(), "it is no image");
    assert_eq!(std::fs::read(bench.path("out").join(RECORD_NAME)).unwrap(), before);
    spec.mark(&images[1], &EYES).unwrap();
    let crop = crate::data::decode_file(&bench.path("out/b/none.png")).unwrap();
    assert_eq!((crop.width(), crop.height()), (56, 56));
    let row = bench.rows().into_iter().find(|row| &row[0] == "b/none.png").unwrap();
    assert_eq!(
        (&row[1], &row[2], &row[8], &row[11], &row[12], &row[18]),
        ("b/none.png", "56", "30.000", "44.000", "", "")
    );
    assert_eq!(names(&listed(&spec)), ["b/broken.png"]);
    assert_eq!(counts(&bench.run(&bench.spec()).unwrap()), [5, 0, 4, 0, 1]);
    // The table is a list from which the same crops are made again.
    let finder = FinderFile::List(bench.path("out").join(RECORD_NAME)).open().unwrap();
    let again = AlignSpec { out: bench.path("again"), finder, ..bench.spec() };
    assert_eq!(counts(&bench.run(&again).unwrap()), [5, 4, 0, 0, 1]);
    let bytes = |folder: &str| std::fs::read(bench.path(folder).join("b/none.png")).unwrap();
    assert_eq!(bytes("again"), bytes("out"));
}

#[test]
fn a_whole_folder_is_marked_without_a_pass_and_a_mark_is_taken_back() {
    let bench = Bench::new();
    let spec = bench.by_hand();
    let images = listed(&spec);
    assert!(images.len() == 5 && !spec.out.exists(), "looking writes nothing");
    let former = spec.mark(&images[0], &EYES).unwrap();
    spec.mark(&images[1], &EYES).unwrap();
    assert_eq!(names(&listed(&spec)), ["b/broken.png", "b/deep/three.png", "b/none.png"]);
    spec.unmark(&images[0], &former).unwrap();
    assert!(!bench.path("out/a/one.png").exists() && bench.path("out/a/two.png").exists());
    assert_eq!(listed(&spec)[0], images[0]);
    assert_eq!(bench.rows().len(), 1);
    let on_one_spot = crate::faces::Landmarks::Eyes([[7.0, 7.0]; 2]);
    let said = spec.mark(&images[0], &on_one_spot).unwrap_err().to_string();
    assert!(said.contains("one spot"), "{said}");
    let refused = |spec: HandSpec| spec.images(&|| false).unwrap_err().to_string();
    let sized = HandSpec { options: AlignOptions { size_px: 64, ..spec.options }, ..spec.clone() };
    assert!(refused(sized).contains("crops of 56 px"));
    assert!(refused(HandSpec { out: spec.root.clone(), ..spec.clone() }).contains("folder of the images"));
    assert!(matches!(spec.images(&|| true), Err(FaceError::Data(DataError::Cancelled))));
}

#[test]
fn a_mark_replaces_the_middle_that_was_kept_and_taken_back_leaves_it_again() {
    let bench = Bench::new();
    let mut pass = bench.spec();
    pass.options.keep_unfound = true;
    bench.run(&pass).unwrap();
    let (table, middle) = (bench.path("out").join(RECORD_NAME), bench.path("out/b/none.png"));
    let before = (std::fs::read(&table).unwrap(), std::fs::read(&middle).unwrap());
    let spec = bench.by_hand();
    let image = listed(&spec).pop().unwrap();
    assert_eq!(image.name, "b/none.png");
    let former = spec.mark(&image, &EYES).unwrap();
    assert_ne!(std::fs::read(&middle).unwrap(), before.1);
    spec.unmark(&image, &former).unwrap();
    assert_eq!((std::fs::read(&table).unwrap(), std::fs::read(&middle).unwrap()), before);
}

#[test]
fn a_mark_that_was_killed_half_way_is_made_again_and_files_that_are_not_ours_stay() {
    let bench = Bench::new();
    let spec = bench.by_hand();
    let image = listed(&spec).remove(0);
    spec.mark(&image, &EYES).unwrap();
    // The row that claims the file is there, the file is not.
    std::fs::remove_file(bench.path("out/a/one.png")).unwrap();
    assert_eq!(listed(&spec)[0], image);
    let moved = crate::faces::Landmarks::Eyes([[20.0, 40.0], [66.0, 40.0]]);
    let former = spec.mark(&image, &moved).unwrap();
    spec.unmark(&image, &former).unwrap();
    std::fs::remove_file(bench.path("out").join(RECORD_NAME)).unwrap();
    std::fs::write(bench.path("out/a/one.png"), b"mine").unwrap();
    let said = spec.mark(&image, &EYES).unwrap_err().to_string();
    assert!(said.contains("another file"), "{said}");
    assert_eq!(std::fs::read(bench.path("out/a/one.png")).unwrap(), b"mine");
    assert!(!bench.path("out").join(RECORD_NAME).exists(), "nothing claims it");
}

impl Bench {
    /// One pass with these choices.
    fn pass(&self, keep_unfound: bool, format: CropFormat) -> Aligned {
        let options = AlignOptions { keep_unfound, format, ..self.spec().options };
        self.run(&AlignSpec { options, ..self.spec() }).unwrap()
    }

    /// What the table says of an image: its crop, and why it has no aligned one.
    fn row(&self, name: &str) -> (String, String) {
        let row = self.rows().into_iter().find(|row| &row[0] == name).unwrap();
        (row[1].to_owned(), row[18].to_owned())
    }
}

#[test]
fn a_middle_kept_then_not_kept_is_gone_and_the_image_can_be_marked() {
    let bench = Bench::new();
    bench.pass(true, CropFormat::Png);
    let crop = bench.path("out/b/none.png");
    assert!(crop.is_file());
    assert_eq!(counts(&bench.pass(false, CropFormat::Png)), [5, 0, 3, 1, 1]);
    assert!(!crop.exists(), "it is no longer wanted");
    assert_eq!(bench.row("b/none.png").0, "");
    let spec = bench.by_hand();
    let image = listed(&spec).pop().unwrap();
    let former = spec.mark(&image, &EYES).unwrap();
    assert!(crop.is_file());
    spec.unmark(&image, &former).unwrap();
    assert!(!crop.exists());
}

#[test]
fn a_middle_stays_ours_while_its_image_cannot_be_read() {
    let bench = Bench::new();
    bench.pass(true, CropFormat::Png);
    let (photo, crop) = (bench.path("photos/b/none.png"), bench.path("out/b/none.png"));
    let (bytes, middle) = (std::fs::read(&photo).unwrap(), std::fs::read(&crop).unwrap());
    std::fs::write(&photo, b"no image").unwrap();
    assert_eq!(counts(&bench.pass(true, CropFormat::Png)), [5, 0, 3, 0, 2]);
    assert_eq!((bench.row("b/none.png").0.as_str(), std::fs::read(&crop).unwrap()), ("b/none.png", middle.clone()));
    std::fs::write(&photo, bytes).unwrap();
    let spec = bench.by_hand();
    spec.mark(&listed(&spec)[1], &EYES).unwrap();
    assert_ne!(std::fs::read(&crop).unwrap(), middle);
}

#[test]
fn of_two_kinds_of_file_only_the_newer_stays() {
    let bench = Bench::new();
    let (png, jpg) = (bench.path("out/b/none.png"), bench.path("out/b/none.jpg"));
    bench.pass(true, CropFormat::Png);
    bench.pass(true, CropFormat::Jpeg);
    assert!(jpg.is_file() && !png.exists());
    assert_eq!(bench.row("b/none.png").0, "b/none.jpg");
    // By hand too; taken back, the middle is there under its old name.
    let table = || std::fs::read(bench.path("out").join(RECORD_NAME)).unwrap();
    let before = (table(), std::fs::read(&jpg).unwrap());
    let spec = bench.by_hand();
    let image = listed(&spec).pop().unwrap();
    let former = spec.mark(&image, &EYES).unwrap();
    assert!(png.is_file() && !jpg.exists());
    spec.unmark(&image, &former).unwrap();
    assert!(!png.exists());
    assert_eq!((table(), std::fs::read(&jpg).unwrap()), before);
    // Once the face is listed, the middle gives way.
    bench.list("b/none.png,30,40,60,40\n");
    bench.pass(true, CropFormat::Png);
    assert!(png.is_file() && !jpg.exists());
}

#[test]
fn a_table_that_names_other_files_has_none_of_them_removed() {
    let bench = Bench::new();
    bench.pass(true, CropFormat::Png);
    let record = bench.path("out").join(RECORD_NAME);
    let text = std::fs::read_to_string(&record).unwrap();
    for name in ["../eyes.csv", "a/one.png", "b/none.txt"] {
        std::fs::write(bench.path("out/b/none.txt"), b"mine").unwrap();
        std::fs::write(&record, text.replace("b/none.png,b/none.png", &format!("b/none.png,{name}"))).unwrap();
        bench.pass(false, CropFormat::Jpeg);
        let spec = bench.by_hand();
        let image = listed(&spec).pop().unwrap();
        spec.mark(&image, &EYES).ok();
        assert!(bench.path("out").join(name).is_file(), "{name}");
    }
}

#[test]
fn looking_for_crops_can_be_stopped() {
    let bench = Bench::new();
    bench.run(&bench.spec()).unwrap();
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let (inputs, out) = ([bench.path("photos")], bench.path("out"));
    let count = || {
        calls.fetch_add(1, Ordering::SeqCst);
        false
    };
    sources::list(&inputs, &out, &mut Warnings::default(), &count).unwrap();
    // Listing the files takes as many looks as before; then comes the first image.
    let (looks, limit) = (std::sync::atomic::AtomicUsize::new(0), calls.into_inner());
    let stopped = || looks.fetch_add(1, Ordering::SeqCst) >= limit;
    assert!(matches!(bench.by_hand().images(&stopped), Err(FaceError::Data(DataError::Cancelled))));
    let asked = AtomicBool::new(false);
    let has = |_: &FolderImage| asked.swap(true, Ordering::SeqCst);
    let images = listed(&bench.by_hand());
    let after_one = || asked.load(Ordering::SeqCst);
    assert!(matches!(without_crop(&images, has, &after_one), Err(FaceError::Data(DataError::Cancelled))));
}

#[test]
fn messages_name_no_options_of_the_command() {
    let bench = Bench::new();
    bench.run(&bench.spec()).unwrap();
    let sized = |size_px| AlignSpec { options: AlignOptions { size_px, ..bench.spec().options }, ..bench.spec() };
    let mut said = vec![FaceError::NotBuilt.to_string()];
    for spec in [sized(112), sized(4), AlignSpec { out: bench.path("photos"), ..bench.spec() }] {
        said.push(bench.run(&spec).unwrap_err().to_string());
    }
    assert!(said[1].contains("56 px already") && said[1].contains("remove the folder of crops out"), "{}", said[1]);
    std::fs::write(bench.path("out/b/none.png"), b"mine").unwrap();
    let spec = bench.by_hand();
    said.push(spec.mark(&listed(&spec)[1], &EYES).unwrap_err().to_string());
    std::fs::write(bench.path("out").join(RECORD_NAME), b"mine").unwrap();
    said.push(spec.images(&|| false).unwrap_err().to_string());
    for text in said {
        // The folder of the test may be called anything.
        let text = text.replace(&bench.folder.path().display().to_string(), "");
        assert!(!text.contains("--"), "{text}");
    }
}
