//! The open data set written for other trainers: from the form over the request to the notice.

use super::*;
use crate::convert::{ConvertForm, ConvertRequest};
use crate::data::testing::draw_classes;
use crate::data::{Exported, Part, WarningKind};

/// 6 classes of 4 images to train on and as many held out.
fn divided() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    draw_classes(&folder.path().join("train"), 6, 4);
    draw_classes(&folder.path().join("test"), 6, 4);
    folder
}

fn opened(folder: &Path) -> State {
    let mut state = state();
    open(&mut state, folder);
    state.notices.clear();
    state
}

fn act(state: &mut State, action: ExportAction) -> Vec<Effect> {
    update(state, action.into())
}

fn with_form(state: &State, form: ConvertForm) -> ExportAction {
    ExportAction::Set(ConvertRequest { form, ..state.export.request })
}

/// A place is asked for.
fn asked(state: &mut State) -> Dialog {
    let effects = act(state, ExportAction::Choose);
    let [Effect::Ask(dialog)] = &effects[..] else { panic!("{effects:?}") };
    dialog.clone()
}

/// It is chosen.
fn answer(state: &mut State, dialog: &Dialog, out: &str) -> Vec<Effect> {
    update(state, dialog_answer(dialog.clone(), out.into()))
}

/// The dialog is open and a place was chosen.
fn begun(state: &mut State, out: &str) -> Job {
    act(state, ExportAction::Open);
    let dialog = asked(state);
    job(&answer(state, &dialog, out)).clone()
}

/// Images are excluded, as the worker would do it.
fn exclude(state: &mut State, images: &[u32]) {
    let effects = update(state, Action::Check(CheckAction::Exclude(images.to_vec())));
    excluded(state, job(&effects));
}

fn excluded(state: &mut State, sent: &Job) {
    let Request::Exclude { examination, excluded } = &sent.request else { panic!("{:?}", sent.request) };
    let change = crate::worker::protocol::ExclusionChange {
        catalog: Arc::new(examination.catalog().without(excluded).unwrap()),
        diagnosis: Arc::new(examination.diagnose(excluded)),
    };
    on_event(state, Event::Excluded { job: sent.id, change: Box::new(change) });
    on_event(state, Event::Ended { job: sent.id, outcome: Outcome::Finished });
}

fn done(file: &str) -> Box<Exported> {
    Box::new(Exported { files: vec![file.into()], images: 48, groups: 6, ..Exported::default() })
}

#[test]
fn the_form_becomes_a_request_and_the_result_a_notice() {
    let folder = divided();
    let mut state = opened(folder.path());
    state.workspace = Workspace::Train;
    let command = command("data.export").unwrap();
    let action = (command.action)(&state).unwrap();
    update(&mut state, action);
    assert!(state.shows_export() && state.workspace == Workspace::Data);
    assert_eq!(state.export.request, ConvertRequest::default());
    let dialog = asked(&mut state);
    let sent = job(&answer(&mut state, &dialog, "/out/train.rec")).clone();
    let Request::ExportData { catalog, request, out } = &sent.request else { panic!("{:?}", sent.request) };
    assert_eq!((*request, out.as_path()), (ConvertRequest::default(), Path::new("/out/train.rec")));
    assert!(Arc::ptr_eq(catalog, &state.open_data().unwrap().catalog));
    assert!(answer(&mut state, &dialog, "/out/2.rec").is_empty(), "one at a time");
    assert!(state.notices.last().unwrap().headline.ends_with("another export is running"), "{:?}", state.notices);
    act(&mut state, ExportAction::Close);
    assert!(!state.shows_export());
    on_event(&mut state, Event::DataExported { job: sent.id, done: done("/out/train.rec") });
    on_event(&mut state, Event::Ended { job: sent.id, outcome: Outcome::Finished });
    let notice = state.notices.last().unwrap();
    assert_eq!(notice.headline, "48 images of 6 classes written to train.rec");
    assert!(notice.severity == Severity::Success && notice.hint.as_deref() == Some("It is in /out."), "{notice:?}");
    assert!(
        matches!(&act(&mut state, ExportAction::ShowFolder)[..], [Effect::ShowFolder(at)] if at == Path::new("/out"))
    );
    act(&mut state, ExportAction::Open);
    assert!(state.export.done.is_none() && state.export.job.is_none());
}

#[test]
fn a_file_with_a_bare_name_lies_in_the_folder_one_is_in() {
    let folder = divided();
    let mut state = opened(folder.path());
    let sent = begun(&mut state, "train.rec");
    on_event(&mut state, Event::DataExported { job: sent.id, done: done("train.rec") });
    let effects = act(&mut state, ExportAction::ShowFolder);
    assert!(matches!(&effects[..], [Effect::ShowFolder(at)] if at == Path::new(".")), "{effects:?}");
}

#[test]
fn pairs_are_made_of_what_is_held_out_unless_chosen_otherwise() {
    let folder = divided();
    let mut state = opened(folder.path());
    act(&mut state, ExportAction::Open);
    let subject = state.export.subject.as_ref().unwrap();
    let counts = [Part::All, Part::Train, Part::HeldOut].map(|part| subject.images(part));
    assert!(subject.is_divided && subject.has_names && counts == [48, 24, 24]);
    let action = with_form(&state, ConvertForm::PairList);
    act(&mut state, action);
    assert_eq!((state.export.request.form, state.export.request.part), (ConvertForm::PairList, Part::HeldOut));
    let all = ConvertRequest { part: Part::All, ..state.export.request };
    act(&mut state, ExportAction::Set(all));
    assert_eq!(state.export.request, all);
    let action = with_form(&state, ConvertForm::Records);
    act(&mut state, action);
    assert_eq!(state.export.request.part, Part::All);
}

#[test]
fn a_name_without_the_ending_gets_it() {
    let folder = folder();
    for (form, typed, written) in [
        (ConvertForm::Records, "/out/ms1m.v2", "/out/ms1m.v2.rec"),
        (ConvertForm::VerificationSet, "/out/DEV.BIN", "/out/DEV.BIN"),
        (ConvertForm::PairList, "/out/pairs", "/out/pairs.txt"),
        (ConvertForm::PairList, "/out/pairs.csv", "/out/pairs.csv"),
    ] {
        let mut state = opened(folder.path());
        state.export.request.form = form;
        let sent = begun(&mut state, typed);
        let Request::ExportData { out, .. } = &sent.request else { panic!("{:?}", sent.request) };
        assert_eq!(out.as_path(), Path::new(written));
    }
}

#[test]
fn what_was_left_out_is_said_with_its_reasons() {
    let folder = folder();
    let mut state = opened(folder.path());
    state.export.request.form = ConvertForm::VerificationSet;
    let sent = begun(&mut state, "/out/dev.bin");
    let mut done = done("/out/dev.bin");
    done.warnings.push(WarningKind::Truncated, "p00/1.png", "its end is missing");
    done.other_sizes = 2;
    on_event(&mut state, Event::DataExported { job: sent.id, done });
    let notice = state.notices.last().unwrap();
    assert_eq!(notice.severity, Severity::Warning);
    assert_eq!(notice.headline, "6 pairs written to dev.bin; 1 image left out with its pairs");
    assert_eq!(notice.causes, ["p00/1.png: its end is missing"]);
    let hint = notice.hint.as_deref().unwrap();
    assert!(hint.contains("1 image is cut off") && hint.contains("2 images have another size"), "{hint}");
}

#[test]
fn labels_that_are_other_classes_in_the_other_part_are_a_warning() {
    let folder = folder();
    let mut state = opened(folder.path());
    let sent = begun(&mut state, "/out/train.rec");
    let mut done = done("/out/train.rec");
    done.own_labels = true;
    on_event(&mut state, Event::DataExported { job: sent.id, done });
    let notice = state.notices.last().unwrap();
    let hint = notice.hint.as_deref().unwrap();
    assert!(notice.severity == Severity::Warning && hint.contains("Labels count from 0 in each part"), "{hint}");
}

#[test]
fn a_stopped_export_says_that_nothing_was_written_and_a_failed_one_why() {
    let folder = folder();
    let mut state = opened(folder.path());
    let sent = begun(&mut state, "/out/train.rec");
    update(&mut state, Action::CancelJob(sent.id));
    assert!(sent.control.is_cancelled());
    on_event(&mut state, Event::Ended { job: sent.id, outcome: Outcome::Cancelled });
    assert!(state.notices.last().unwrap().headline.contains("nothing was written"), "{:?}", state.notices);
    for is_seen in [true, false] {
        state.notices.clear();
        let sent = begun(&mut state, "/out/train.rec");
        state.workspace = if is_seen { Workspace::Data } else { Workspace::Train };
        on_event(&mut state, Event::Ended { job: sent.id, outcome: failure() });
        assert!(state.export.error.is_some() && state.export.job.is_none());
        assert_eq!(state.notices.is_empty(), is_seen);
    }
    let sent = begun(&mut state, "/out/train.rec");
    state.notices.clear();
    on_refused(&mut state, &sent);
    assert!(state.export.job.is_none() && state.notices.len() == 1, "{:?}", state.notices);
}

#[test]
fn an_answer_about_images_that_are_no_longer_open_writes_nothing() {
    let (folder, other) = (folder(), divided());
    let mut state = opened(folder.path());
    act(&mut state, ExportAction::Open);
    assert!(state.shows_export());
    let dialog = asked(&mut state);
    open(&mut state, other.path());
    assert!(!state.shows_export());
    // Not even of the images whose dialog is shown by then.
    act(&mut state, ExportAction::Open);
    assert!(answer(&mut state, &dialog, "/out/train.rec").is_empty());
    assert_eq!(
        state.notices.last().unwrap().headline,
        "Nothing was exported: the images are no longer open as they were"
    );
}

#[test]
fn what_is_written_is_what_the_form_said_when_the_place_was_asked_for() {
    let folder = divided();
    let mut state = opened(folder.path());
    act(&mut state, ExportAction::Open);
    let asked_for = ConvertRequest { px: Some(112), part: Part::Train, ..ConvertRequest::default() };
    act(&mut state, ExportAction::Set(asked_for));
    let dialog = asked(&mut state);
    let action = with_form(&state, ConvertForm::VerificationSet);
    act(&mut state, action);
    let sent = job(&answer(&mut state, &dialog, "/out/train.rec")).clone();
    let Request::ExportData { request, out, .. } = &sent.request else { panic!("{:?}", sent.request) };
    assert_eq!((*request, out.as_path()), (asked_for, Path::new("/out/train.rec")));
    on_event(&mut state, Event::DataExported { job: sent.id, done: done("/out/train.rec") });
    assert_eq!(state.notices.last().unwrap().headline, "48 images of 6 classes written to train.rec");
}

#[test]
fn after_an_export_of_other_images_the_form_is_about_those_that_are_open() {
    let (folder, other) = (folder(), divided());
    let ends: [fn(&mut State, &Job); 3] = [
        |state, sent| drop(on_event(state, Event::Ended { job: sent.id, outcome: Outcome::Cancelled })),
        |state, sent| drop(on_event(state, Event::Ended { job: sent.id, outcome: failure() })),
        on_refused,
    ];
    for end in ends {
        let mut state = opened(folder.path());
        state.export.request.form = ConvertForm::VerificationSet;
        let sent = begun(&mut state, "/out/dev.bin");
        act(&mut state, ExportAction::Close);
        open(&mut state, other.path());
        act(&mut state, ExportAction::Open);
        assert!(state.shows_export() && state.export.job == Some(sent.id));
        end(&mut state, &sent);
        let subject = state.export.subject.as_ref().unwrap();
        assert_eq!((subject.images(Part::Train), state.export.request.part), (24, Part::HeldOut));
        assert_eq!(state.export.obstacle(state.open_data().unwrap()), None);
        asked(&mut state);
    }
}

#[test]
fn images_excluded_during_an_export_are_left_out_of_the_next_and_the_part_stays() {
    let folder = divided();
    let mut state = opened(folder.path());
    act(&mut state, ExportAction::Open);
    let request = ConvertRequest { part: Part::Train, ..state.export.request };
    act(&mut state, ExportAction::Set(request));
    let dialog = asked(&mut state);
    let sent = job(&answer(&mut state, &dialog, "/out/train.rec")).clone();
    exclude(&mut state, &[0, 1]);
    assert_eq!(state.export.subject.as_ref().unwrap().images(Part::All), 48, "that of the running one");
    on_event(&mut state, Event::Ended { job: sent.id, outcome: Outcome::Cancelled });
    assert_eq!(state.export.subject.as_ref().unwrap().images(Part::All), 46);
    assert_eq!(state.export.request.part, Part::Train);
    asked(&mut state);
}

#[test]
fn a_form_about_other_images_says_so_and_is_asked_nothing() {
    let (folder, other) = (folder(), divided());
    let mut before = opened(folder.path());
    act(&mut before, ExportAction::Open);
    let mut state = opened(other.path());
    act(&mut state, ExportAction::Open);
    state.export.subject = before.export.subject;
    let obstacle = state.export.obstacle(state.open_data().unwrap()).unwrap();
    assert!(obstacle.contains("Other images"), "{obstacle}");
    assert!(act(&mut state, ExportAction::Choose).is_empty());
    // What was counted when it was opened decides; no image is looked at again.
    let action = with_form(&state, ConvertForm::PairList);
    act(&mut state, action);
    assert_eq!(state.export.request.part, Part::All, "the other images are not divided");
}

#[test]
fn excluded_images_are_not_exported_and_a_change_of_them_is_waited_for() {
    let folder = folder();
    let mut state = opened(folder.path());
    act(&mut state, ExportAction::Open);
    let effects = update(&mut state, Action::Check(CheckAction::Exclude(vec![3, 5])));
    assert!(state.export.obstacle(state.open_data().unwrap()).is_some());
    assert!(act(&mut state, ExportAction::Choose).is_empty());
    excluded(&mut state, job(&effects));
    assert!(state.shows_export() && state.export.subject.as_ref().unwrap().images(Part::All) == 46);
    let sent = begun(&mut state, "/out/train.rec");
    let Request::ExportData { catalog, .. } = &sent.request else { panic!("{:?}", sent.request) };
    assert_eq!(catalog.items.len(), 46);
}

#[test]
fn without_images_there_is_nothing_to_export() {
    let mut state = state();
    assert!(act(&mut state, ExportAction::Open).is_empty() && !state.shows_export());
    assert!(state.notices.last().unwrap().hint.as_deref().unwrap().contains("folder"));
    assert!(act(&mut state, ExportAction::Choose).is_empty());
}
