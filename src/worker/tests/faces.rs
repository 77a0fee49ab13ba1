//! Faces: found in one picture, marked by hand in a folder, and cut out.

use super::super::protocol::{HandDone, HandStep};
use super::*;
use crate::faces::{AlignOptions, FinderFile, FolderImage, HandSpec, Landmarks};

#[test]
fn a_picture_comes_for_marking_even_when_the_detector_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let data = draw(folder.path());
    let mut bench = Bench::new();
    let source = ImageSource::File(data.join("p00/0.png"));
    for detector in [None, Some(data.join("p00/1.png"))] {
        let fails = detector.is_some();
        let (events, outcome) = bench.run(Request::FindFace { source: source.clone(), detector, min_score: 0.6 });
        assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
        let Some(Event::FaceFound { found, .. }) = events.first() else { panic!("{events:?}") };
        assert_eq!((found.width_px, found.small.width(), found.picture.rgba.len()), (16, 16, 16 * 16 * 4));
        assert_eq!(found.face.is_err(), fails, "{:?}", found.face);
    }
    let gone = Request::FindFace { source: ImageSource::File("/gone.png".into()), detector: None, min_score: 0.6 };
    assert!(matches!(bench.run(gone).1, Outcome::Failed(_)));
    let out = folder.path().join("out");
    let options = AlignOptions::default();
    for finder in [FinderFile::Detector(data.join("p00/0.png")), FinderFile::List(data.join("p00/0.png"))] {
        let wrong = Request::AlignFolder { root: data.clone(), out: out.clone(), finder, options };
        let (_, outcome) = bench.run(wrong);
        assert!(matches!(outcome, Outcome::Failed(_)) && !out.exists(), "{outcome:?}");
    }
}

/// What a step of marking faces by hand came to.
fn by_hand(bench: &mut Bench, spec: &Arc<HandSpec>, step: HandStep) -> HandDone {
    let (events, outcome) = bench.run(Request::MarkFaces { spec: Arc::clone(spec), step });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let done = events
        .into_iter()
        .find_map(|event| if let Event::FacesMarked { done, .. } = event { Some(done) } else { None });
    done.unwrap()
}

fn left(bench: &mut Bench, spec: &Arc<HandSpec>) -> Arc<[FolderImage]> {
    let HandDone::Listed(images) = by_hand(bench, spec, HandStep::List) else { panic!("no list") };
    images
}

#[test]
fn two_faces_of_a_folder_are_marked_by_hand_and_one_mark_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    draw_classes(&data, 2, 2);
    let mut bench = Bench::new();
    let options = AlignOptions { size_px: 32, ..AlignOptions::default() };
    let spec = Arc::new(HandSpec { root: data.clone(), out: folder.path().join("out"), options });
    let images = left(&mut bench, &spec);
    let names: Vec<&str> = images.iter().map(|image| image.name.as_str()).collect();
    assert_eq!(names, ["p00/0.png", "p00/1.png", "p01/0.png", "p01/1.png"]);
    let landmarks = Landmarks::Eyes([[5.0, 8.0], [11.0, 8.5]]);
    let mut formers = Vec::new();
    for image in &images[..2] {
        let mark = HandStep::Mark { image: image.clone(), landmarks };
        let HandDone::Marked(former) = by_hand(&mut bench, &spec, mark) else { panic!("not marked") };
        formers.push(former);
        let crop = load_source(&ImageSource::File(spec.out.join(&image.name))).unwrap();
        assert_eq!((crop.width(), crop.height()), (32, 32));
    }
    assert_eq!(*left(&mut bench, &spec), images[2..]);
    let table = || std::fs::read_to_string(spec.out.join(crate::faces::RECORD_NAME)).unwrap();
    let text = table();
    let rows: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(rows[0].starts_with("p00/0.png,p00/0.png,32,,,,,,5.000,8.000,11.000,8.500,"), "{text}");
    let back = HandStep::Unmark { image: images[1].clone(), former: formers.remove(1) };
    assert!(matches!(by_hand(&mut bench, &spec, back), HandDone::Unmarked));
    assert!(!spec.out.join("p00/1.png").exists() && table().lines().count() == 2);
    // A pass over the folder, with the table as its list, keeps what was marked.
    let finder = FinderFile::List(spec.out.join(crate::faces::RECORD_NAME));
    let (events, outcome) = bench.run(Request::AlignFolder { root: data, out: spec.out.clone(), finder, options });
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    let counts = events.iter().find_map(|event| {
        if let Event::FolderAligned { done, .. } = event {
            Some((done.already, done.aligned, done.unfound))
        } else {
            None
        }
    });
    assert_eq!(counts, Some((1, 0, 3)));
    let gone = HandStep::Mark { image: images[3].clone(), landmarks };
    std::fs::remove_file(&images[3].path).unwrap();
    let (_, outcome) = bench.run(Request::MarkFaces { spec: Arc::clone(&spec), step: gone });
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.headline.contains("1.png"), "{error:?}");
}

#[test]
fn an_aligned_picture_is_cut_out_when_it_is_loaded() {
    let eyes = |left: f64| crate::faces::Landmarks::Eyes([[left, 8.0], [11.0, 8.0]]);
    let whole = ImageSource::Pixels { width: 16, height: 16, rgba: Arc::from([200_u8; 1024]) };
    let aligned = |left| ImageSource::Aligned { of: Arc::new(whole.clone()), landmarks: eyes(left), size_px: 56 };
    let crop = load_source(&aligned(5.0)).unwrap();
    assert_eq!((crop.width(), crop.height()), (56, 56));
    assert!(load_source(&aligned(11.0)).unwrap_err().to_string().contains("one spot"));
    assert!(aligned(5.0) != aligned(6.0) && aligned(5.0).whole() == &whole);
}
