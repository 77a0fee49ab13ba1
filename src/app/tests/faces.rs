//! A folder of faces: the choices of its dialog, and its images marked by hand one after the other.

use super::*;
use crate::faces::{AlignOptions, CropFormat, FinderFile, FormerRow, HandSpec};
use crate::worker::protocol::{HandDone, HandStep, ImageSource};

/// The dialog of the folder in front.
fn with_dialog(folder: &Path) -> State {
    let mut state = state();
    open(&mut state, folder);
    update(&mut state, FaceAction::OpenFolder.into());
    state.notices.clear();
    state
}

fn end(state: &mut State, job: JobId, outcome: Outcome) {
    on_event(state, Event::Ended { job, outcome });
}

fn report(state: &mut State, job: JobId, done: HandDone) -> Vec<Effect> {
    let effects = on_event(state, Event::FacesMarked { job, done });
    end(state, job, Outcome::Finished);
    effects
}

fn queue(state: &State) -> &QueueView {
    state.faces.queue.as_ref().unwrap()
}

/// Takes the picture that was asked for in, without a face.
fn show(state: &mut State, effects: &[Effect]) {
    let id = job(effects).id;
    assert_eq!(job(effects).request.kind(), JobKind::FindFace);
    on_event(state, Event::FaceFound { job: id, found: picture(false) });
    end(state, id, Outcome::Finished);
}

/// The first image of the folder in hand.
fn with_queue(folder: &Path) -> State {
    let mut state = with_dialog(folder);
    let effects = update(&mut state, QueueAction::Open.into());
    let Request::MarkFaces { spec, step: HandStep::List } = &job(&effects).request else { panic!("{effects:?}") };
    let images = spec.images(&|| false).unwrap();
    let effects = report(&mut state, job(&effects).id, HandDone::Listed(images.into()));
    show(&mut state, &effects);
    state
}

fn mark(state: &mut State) {
    for x in [90.0, 120.0] {
        update(state, FaceAction::Place([x, 40.0]).into());
    }
}

/// Marks the image in hand; the job that writes it.
fn write(state: &mut State) -> JobId {
    mark(state);
    let effects = update(state, QueueAction::Next.into());
    assert!(matches!(job(&effects).request, Request::MarkFaces { step: HandStep::Mark { .. }, .. }), "{effects:?}");
    job(&effects).id
}

fn written(state: &mut State, job: JobId) -> Vec<Effect> {
    report(state, job, HandDone::Marked(FormerRow::default()))
}

#[test]
fn the_points_come_from_a_list_and_the_choices_go_along() {
    let folder = folder();
    let mut state = with_dialog(folder.path());
    assert_eq!(state.faces.folder.as_ref().unwrap().options, AlignOptions::default());
    update(&mut state, FaceAction::FindBy(FinderKind::List).into());
    let asked = update(&mut state, FaceAction::StartFolder.into());
    assert!(matches!(asked[..], [Effect::Ask(Dialog::PickLandmarks)]), "{asked:?}");
    update(&mut state, dialog_answer(Dialog::PickLandmarks, "eyes.csv".into()));
    let options = AlignOptions { size_px: 128, min_score: 0.8, keep_unfound: true, format: CropFormat::Jpeg };
    update(&mut state, FaceAction::SetOptions(options).into());
    let effects = update(&mut state, FaceAction::StartFolder.into());
    let Request::AlignFolder { finder, options: sent, .. } = &job(&effects).request else { panic!("{effects:?}") };
    assert_eq!((finder, *sent), (&FinderFile::List("eyes.csv".into()), options));
    // What runs goes on as it was asked for, and nothing else writes its table.
    update(&mut state, FaceAction::SetOptions(AlignOptions::default()).into());
    update(&mut state, FaceAction::FindBy(FinderKind::Detector).into());
    assert_eq!(state.faces.folder.as_ref().unwrap().options, options);
    assert!(update(&mut state, QueueAction::Open.into()).is_empty() && state.faces.queue.is_none());
    end(&mut state, job(&effects).id, failure());
    assert!(state.faces.folder.as_ref().unwrap().error.is_some());
    update(&mut state, FaceAction::FindBy(FinderKind::Detector).into());
    let view = state.faces.folder.as_ref().unwrap();
    assert!(view.error.is_none() && view.list.is_some(), "the list is still known");
}

#[test]
fn images_are_marked_one_after_the_other_and_taken_back_in_reverse() {
    let folder = folder();
    let mut state = with_queue(folder.path());
    assert!(state.shows_faces());
    assert_eq!((queue(&state).images.len(), queue(&state).at), (48, 0));
    assert!(update(&mut state, QueueAction::Next.into()).is_empty(), "no eye is marked");
    assert!(update(&mut state, QueueAction::Back.into()).is_empty(), "nothing was done");
    let first = write(&mut state);
    // While it is being written, nothing changes and nothing else begins.
    update(&mut state, FaceAction::Move(0, [1.0, 1.0]).into());
    update(&mut state, FaceAction::ByHand.into());
    for action in [QueueAction::Next, QueueAction::Skip, QueueAction::Back, QueueAction::Open] {
        assert!(update(&mut state, action.into()).is_empty(), "{action:?}");
    }
    state.faces.detector = Some("yunet.onnx".into());
    assert!(update(&mut state, FaceAction::StartFolder.into()).is_empty());
    assert!(update(&mut state, FaceAction::OpenAligned.into()).is_empty());
    let points = queue(&state).mark.as_ref().unwrap().points.clone();
    assert_eq!(points, [[90.0, 40.0], [120.0, 40.0]]);
    let effects = written(&mut state, first);
    let second = queue(&state).images[1].path.clone();
    let Request::FindFace { source, detector, .. } = &job(&effects).request else { panic!("{effects:?}") };
    assert!(*source == ImageSource::File(second) && detector.is_some());
    show(&mut state, &effects);
    let effects = update(&mut state, QueueAction::Skip.into());
    show(&mut state, &effects);
    assert_eq!((queue(&state).at, queue(&state).marked(), queue(&state).skipped()), (2, 1, 1));
    assert_eq!(state.faces.folder.as_ref().unwrap().marked, 1);
    let effects = update(&mut state, QueueAction::Back.into());
    assert_eq!((job(&effects).request.kind(), queue(&state).at), (JobKind::FindFace, 1));
    let effects = update(&mut state, QueueAction::Back.into());
    let Request::MarkFaces { step: HandStep::Unmark { image, .. }, .. } = &job(&effects).request else {
        panic!("{effects:?}")
    };
    assert_eq!(*image, queue(&state).images[0]);
    let effects = report(&mut state, job(&effects).id, HandDone::Unmarked);
    show(&mut state, &effects);
    assert_eq!((queue(&state).at, queue(&state).mark.as_ref().unwrap().points.clone()), (0, points));
    assert_eq!(state.faces.folder.as_ref().unwrap().marked, 0);
    assert!(!queue(&state).can_go_back() && queue(&state).can_write());
}

#[test]
fn a_late_picture_of_an_image_that_was_left_is_ignored() {
    let folder = folder();
    let mut state = with_queue(folder.path());
    let late = update(&mut state, QueueAction::Skip.into());
    update(&mut state, QueueAction::Skip.into());
    assert!(job(&late).control.is_cancelled());
    on_event(&mut state, Event::FaceFound { job: job(&late).id, found: picture(true) });
    assert!(queue(&state).mark.as_ref().unwrap().found.is_none());
    // One that cannot be read is told in its place, and can be left.
    let broken = queue(&state).mark.as_ref().unwrap().job.unwrap();
    end(&mut state, broken, failure());
    let told = queue(&state).mark.as_ref().unwrap().error.clone().unwrap();
    assert!(told.hint.unwrap().contains("Skip") && state.notices.is_empty());
    assert!(queue(&state).can_skip() && !queue(&state).can_write());
}

#[test]
fn leaving_waits_for_the_crop_that_is_being_written_and_stops_what_is_only_looked_at() {
    let folder = folder();
    let mut state = with_queue(folder.path());
    let id = write(&mut state);
    update(&mut state, QueueAction::Close.into());
    assert!(state.faces.queue.is_some());
    assert!(written(&mut state, id).is_empty() && state.faces.queue.is_none());
    let view = state.faces.folder.as_ref().unwrap();
    assert!(view.is_open && view.marked == 1);
    let effects = update(&mut state, QueueAction::Open.into());
    update(&mut state, QueueAction::Close.into());
    assert!(job(&effects).control.is_cancelled() && state.faces.queue.is_none());
    end(&mut state, job(&effects).id, Outcome::Cancelled);
    assert!(state.notices.is_empty());
}

#[test]
fn what_fails_is_told_in_the_dialog_and_loses_no_mark() {
    let folder = folder();
    let mut state = with_dialog(folder.path());
    let effects = update(&mut state, QueueAction::Open.into());
    end(&mut state, job(&effects).id, failure());
    assert_eq!(queue(&state).phase, QueuePhase::Unlisted);
    assert!(queue(&state).error.is_some());
    let effects = update(&mut state, QueueAction::Open.into());
    assert!(queue(&state).error.is_none() && job(&effects).request.kind() == JobKind::MarkFaces);
    let mut state = with_queue(folder.path());
    let id = write(&mut state);
    update(&mut state, QueueAction::Close.into());
    end(&mut state, id, failure());
    let view = queue(&state);
    assert!(view.error.is_some() && view.at == 0 && view.can_write(), "{view:?}");
    // The queue of jobs was full: the same.
    let effects = update(&mut state, QueueAction::Next.into());
    on_refused(&mut state, job(&effects));
    assert!(queue(&state).can_write() && state.faces.folder.as_ref().unwrap().marked == 0);
    let id = job(&update(&mut state, QueueAction::Next.into())).id;
    let effects = written(&mut state, id);
    assert!(queue(&state).error.is_none());
    show(&mut state, &effects);
    let back = update(&mut state, QueueAction::Back.into());
    end(&mut state, job(&back).id, failure());
    assert!(queue(&state).error.is_some() && queue(&state).at == 1 && queue(&state).can_go_back());
}

#[test]
fn the_marks_of_a_folder_do_not_touch_those_of_verify() {
    let folder = folder();
    let mut state = with_queue(folder.path());
    state.verify.slots[0] = Some(ImageSource::File("a.jpg".into()));
    update(&mut state, Action::Go(Workspace::Verify));
    let effects = update(&mut state, FaceAction::Open(0).into());
    show(&mut state, &effects);
    mark(&mut state);
    assert_eq!(state.faces.align.as_ref().unwrap().mark.points.len(), 2);
    assert!(queue(&state).mark.as_ref().unwrap().points.is_empty());
    update(&mut state, Action::Go(Workspace::Data));
    mark(&mut state);
    let spec: &HandSpec = &queue(&state).spec;
    assert!(queue(&state).can_write() && spec.options == AlignOptions::default());
}

/// The points of the image in hand.
fn points(state: &State) -> Vec<crate::faces::Point> {
    queue(state).mark.as_ref().unwrap().points.clone()
}

#[test]
fn what_was_marked_is_there_again_after_skip_and_back() {
    let folder = folder();
    let mut state = with_queue(folder.path());
    mark(&mut state);
    let first = points(&state);
    let effects = update(&mut state, QueueAction::Skip.into());
    show(&mut state, &effects);
    assert!(points(&state).is_empty());
    update(&mut state, FaceAction::Place([60.0, 30.0]).into());
    let second = points(&state);
    let effects = update(&mut state, QueueAction::Back.into());
    show(&mut state, &effects);
    assert_eq!((queue(&state).at, points(&state)), (0, first));
    let effects = update(&mut state, QueueAction::Skip.into());
    show(&mut state, &effects);
    assert_eq!((second.len(), points(&state)), (1, second));
}

#[test]
fn a_picture_that_was_not_loaded_is_loaded_again_and_the_least_score_goes_along() {
    let folder = folder();
    let mut state = with_dialog(folder.path());
    let options = AlignOptions { min_score: 0.85, ..AlignOptions::default() };
    update(&mut state, FaceAction::SetOptions(options).into());
    let effects = update(&mut state, QueueAction::Open.into());
    let Request::MarkFaces { spec, .. } = &job(&effects).request else { panic!("{effects:?}") };
    let images = spec.images(&|| false).unwrap();
    let effects = report(&mut state, job(&effects).id, HandDone::Listed(images.into()));
    let score = |effects: &[Effect]| match job(effects).request {
        Request::FindFace { min_score, .. } => min_score.to_string(),
        ref other => panic!("{other:?}"),
    };
    assert_eq!(score(&effects), "0.85");
    assert!(update(&mut state, QueueAction::Reload.into()).is_empty(), "it is being loaded");
    end(&mut state, job(&effects).id, failure());
    assert!(queue(&state).can_reload());
    let effects = update(&mut state, QueueAction::Reload.into());
    assert_eq!(score(&effects), "0.85");
    assert!(queue(&state).mark.as_ref().unwrap().error.is_none() && !queue(&state).can_reload());
    show(&mut state, &effects);
    mark(&mut state);
    assert!(queue(&state).can_write() && update(&mut state, QueueAction::Reload.into()).is_empty());
}

#[test]
fn other_images_put_the_dialogs_of_the_folder_away_and_what_is_being_written_is_written() {
    let folder = folder();
    let mut state = with_queue(folder.path());
    let loading = update(&mut state, QueueAction::Skip.into());
    update(&mut state, Action::Dropped(vec![folder.path().to_owned()]));
    assert!(state.faces.queue.is_none() && !state.shows_faces(), "they are about a folder that is not open");
    assert!(job(&loading).control.is_cancelled());

    let mut state = with_queue(folder.path());
    let id = write(&mut state);
    open(&mut state, folder.path());
    assert!(state.jobs.iter().any(|job| job.id == id && !job.control.is_cancelled()));
    assert!(written(&mut state, id).is_empty() && !state.shows_faces());
    assert_eq!(state.faces.folder.as_ref().unwrap().marked, 1);

    let mut state = with_queue(folder.path());
    update(&mut state, Action::CloseData);
    assert!(state.faces.queue.is_none() && !state.shows_faces());
}

#[test]
fn what_a_pass_wrote_is_opened_when_it_is_done_and_found_behind_other_images() {
    let folder = folder();
    for other in [false, true] {
        let mut state = with_dialog(folder.path());
        state.faces.detector = Some("yunet.onnx".into());
        let id = job(&update(&mut state, FaceAction::StartFolder.into())).id;
        assert!(update(&mut state, FaceAction::OpenAligned.into()).is_empty(), "it is not all there");
        if other {
            update(&mut state, Action::CloseData);
        }
        let done = crate::faces::Aligned { images: 48, aligned: 48, ..crate::faces::Aligned::default() };
        on_event(&mut state, Event::FolderAligned { job: id, done: Box::new(done) });
        end(&mut state, id, Outcome::Finished);
        let hint = state.notices.last().unwrap().hint.clone().unwrap();
        let out = state.faces.folder.as_ref().unwrap().out.clone();
        let names_out = hint.contains(&out.display().to_string());
        assert_eq!((hint.contains("Align faces…"), names_out), (!other, other), "{hint}");
        let effects = update(&mut state, FaceAction::OpenAligned.into());
        assert!(matches!(&job(&effects).request, Request::OpenData { path } if *path == out), "{effects:?}");
    }
}

#[test]
fn a_picture_without_pixels_can_be_clicked_without_harm() {
    let mut state = state();
    state.verify.slots[0] = Some(ImageSource::Pixels { width: 0, height: 0, rgba: Arc::from([]) });
    let effects = update(&mut state, FaceAction::Open(0).into());
    let found = FoundFace { width_px: 0, height_px: 0, ..(*picture(false)).clone() };
    on_event(&mut state, Event::FaceFound { job: job(&effects).id, found: Arc::new(found) });
    mark(&mut state);
    assert!(state.faces.align.as_ref().unwrap().mark.points.len() < 2);
}

#[test]
fn a_picture_that_is_no_longer_marked_is_no_longer_loaded() {
    for action in [FaceAction::UseWhole, FaceAction::Cancel, FaceAction::Open(0)] {
        let mut state = state();
        state.verify.slots[0] = Some(ImageSource::File("a.jpg".into()));
        let effects = update(&mut state, FaceAction::Open(0).into());
        update(&mut state, action.clone().into());
        assert!(job(&effects).control.is_cancelled(), "{action:?}");
    }
}
