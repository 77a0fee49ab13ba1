//! Faces marked in the dialog of one picture, and a folder of them aligned in the background.

use super::*;
use crate::worker::protocol::ImageSource;

/// A state with a picture in the first slot whose dialog is open and loaded.
fn marking(face: bool) -> State {
    let mut state = state();
    state.verify.slots[0] = Some(ImageSource::File("a.jpg".into()));
    let effects = update(&mut state, FaceAction::Open(0).into());
    let id = job(&effects).id;
    assert_eq!(job(&effects).request.kind(), JobKind::FindFace);
    assert!(state.faces.align.is_some());
    on_event(&mut state, Event::FaceFound { job: id, found: picture(face) });
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
    state
}

fn aligned_slot(state: &State) -> Option<crate::faces::Landmarks> {
    match &state.verify.slots[0] {
        Some(ImageSource::Aligned { landmarks, .. }) => Some(*landmarks),
        _ => None,
    }
}

#[test]
fn two_clicks_on_the_eyes_in_any_order_give_a_crop() {
    let mut state = marking(false);
    update(&mut state, FaceAction::Place([120.0, 40.0]).into());
    update(&mut state, FaceAction::Apply.into());
    assert!(state.faces.align.is_some() && aligned_slot(&state).is_none(), "one eye is not enough");
    // A second click on the same spot is no second eye.
    update(&mut state, FaceAction::Place([120.0, 40.0]).into());
    update(&mut state, FaceAction::Place([90.0, 44.0]).into());
    update(&mut state, FaceAction::Place([10.0, 10.0]).into());
    let view = &state.faces.align.as_ref().unwrap().mark;
    assert_eq!(view.points, [[90.0, 44.0], [120.0, 40.0]]);
    assert!(view.preview.as_ref().is_some_and(|preview| preview.width == 112));
    let before = view.revision;
    update(&mut state, FaceAction::Move(0, [-50.0, 500.0]).into());
    let view = &state.faces.align.as_ref().unwrap().mark;
    assert_eq!(view.points[0], [0.0, 99.0], "a point stays on the picture");
    assert!(view.revision != before);
    update(&mut state, FaceAction::Apply.into());
    assert!(matches!(aligned_slot(&state), Some(crate::faces::Landmarks::Eyes(_))) && state.faces.align.is_none());
}

#[test]
fn a_found_face_is_proposed_can_be_corrected_and_comes_back_with_reset() {
    let mut state = marking(true);
    let proposed = state.faces.align.as_ref().unwrap().mark.points.clone();
    assert_eq!(proposed.len(), 5);
    update(&mut state, FaceAction::Move(2, [100.0, 60.0]).into());
    update(&mut state, FaceAction::ByHand.into());
    assert!(state.faces.align.as_ref().unwrap().mark.preview.is_none());
    update(&mut state, FaceAction::Reset.into());
    assert_eq!(state.faces.align.as_ref().unwrap().mark.points, proposed);
    update(&mut state, FaceAction::Apply.into());
    assert!(matches!(aligned_slot(&state), Some(crate::faces::Landmarks::Five(_))));
    // Opened again, the points are those that were applied, and the whole picture can come back.
    let effects = update(&mut state, FaceAction::Open(0).into());
    let Request::FindFace { source, .. } = &job(&effects).request else { panic!("{effects:?}") };
    assert_eq!(source, &ImageSource::File("a.jpg".into()));
    assert_eq!(state.faces.align.as_ref().unwrap().mark.points, proposed);
    update(&mut state, FaceAction::UseWhole.into());
    assert_eq!(state.verify.slots[0], Some(ImageSource::File("a.jpg".into())));
}

#[test]
fn a_detector_chosen_while_marking_is_asked_at_once_and_a_late_picture_is_ignored() {
    let mut state = marking(false);
    let effects = update(&mut state, FaceAction::UseDetector("yunet.onnx".into()).into());
    let first = job(&effects).id;
    let Request::FindFace { detector, .. } = &job(&effects).request else { panic!("{effects:?}") };
    assert_eq!(detector.as_deref(), Some(Path::new("yunet.onnx")));
    update(&mut state, FaceAction::ForgetDetector.into());
    on_event(&mut state, Event::FaceFound { job: first, found: picture(true) });
    assert!(state.faces.align.as_ref().unwrap().mark.points.is_empty() && state.faces.detector.is_none());
    update(&mut state, FaceAction::Cancel.into());
    assert!(state.faces.align.is_none() && aligned_slot(&state).is_none());
    let effects = update(&mut state, FaceAction::AskDetector.into());
    assert!(matches!(effects[..], [Effect::Ask(Dialog::PickDetector)]));
}

#[test]
fn a_picture_that_cannot_be_read_says_so_in_the_dialog() {
    let mut state = state();
    state.verify.slots[1] = Some(ImageSource::File("gone.jpg".into()));
    let id = job(&update(&mut state, FaceAction::Open(1).into())).id;
    on_event(&mut state, Event::Ended { job: id, outcome: failure() });
    assert!(state.faces.align.as_ref().unwrap().mark.error.is_some() && state.notices.is_empty());
    assert!(update(&mut state, FaceAction::Open(0).into()).is_empty(), "an empty slot has nothing to align");
}

#[test]
fn a_folder_is_aligned_in_the_background_and_opened_from_its_dialog() {
    let folder = folder();
    let mut state = state();
    open(&mut state, folder.path());
    state.notices.clear();
    // The palette asks for it from any workspace.
    update(&mut state, Action::Go(Workspace::Runs));
    update(&mut state, FaceAction::OpenFolder.into());
    assert_eq!(state.workspace, Workspace::Data);
    let view = state.faces.folder.as_ref().unwrap();
    assert!(
        view.is_open && view.out.to_string_lossy().ends_with("-aligned") && view.out.parent() == folder.path().parent()
    );
    assert!(matches!(update(&mut state, FaceAction::StartFolder.into())[..], [Effect::Ask(Dialog::PickDetector)]));
    state.faces.detector = Some("yunet.onnx".into());
    let effects = update(&mut state, FaceAction::StartFolder.into());
    let id = job(&effects).id;
    assert_eq!(job(&effects).request.kind(), JobKind::AlignFolder);
    assert!(update(&mut state, FaceAction::StartFolder.into()).is_empty(), "one at a time");
    update(&mut state, FaceAction::CloseFolder.into());
    assert!(!state.shows_faces());
    update(&mut state, Action::CancelJob(id));
    assert!(job(&effects).control.is_cancelled());
    let done = crate::faces::Aligned { images: 48, aligned: 20, stopped: true, ..crate::faces::Aligned::default() };
    on_event(&mut state, Event::FolderAligned { job: id, done: Box::new(done) });
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Cancelled });
    assert!(state.notices[0].headline.contains("20 of 48"), "{:?}", state.notices);
    // Started again, it ends, and its crops are opened.
    update(&mut state, FaceAction::OpenFolder.into());
    let id = job(&update(&mut state, FaceAction::StartFolder.into())).id;
    let done = crate::faces::Aligned { images: 48, aligned: 28, already: 20, ..crate::faces::Aligned::default() };
    on_event(&mut state, Event::FolderAligned { job: id, done: Box::new(done) });
    on_event(&mut state, Event::Ended { job: id, outcome: Outcome::Finished });
    let out = state.faces.folder.as_ref().unwrap().out.clone();
    let effects = update(&mut state, FaceAction::OpenAligned.into());
    let Request::OpenData { path } = &job(&effects).request else { panic!("{effects:?}") };
    assert!(*path == out && !state.shows_faces());
}

#[test]
fn a_folder_job_that_fails_tells_it_where_the_person_is() {
    let folder = folder();
    for is_open in [true, false] {
        let mut state = state();
        open(&mut state, folder.path());
        state.notices.clear();
        state.faces.detector = Some("wrong.onnx".into());
        update(&mut state, FaceAction::OpenFolder.into());
        let id = job(&update(&mut state, FaceAction::StartFolder.into())).id;
        if !is_open {
            update(&mut state, FaceAction::CloseFolder.into());
        }
        on_event(&mut state, Event::Ended { job: id, outcome: failure() });
        assert!(state.faces.folder.as_ref().unwrap().error.is_some());
        assert_eq!(state.notices.is_empty(), is_open);
    }
}

#[test]
fn without_a_folder_of_files_there_is_nothing_to_align() {
    let mut state = state();
    assert_eq!((command("data.align").unwrap().action)(&state), None);
    update(&mut state, FaceAction::OpenFolder.into());
    assert!(state.faces.folder.is_none() && state.notices.len() == 1);
}
