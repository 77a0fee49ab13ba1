//! The DET curves as a file: from the button over the request to the notice.

use super::*;
use crate::eval::DetFigure;

/// Two measured runs and one of them on pairs; the second of the three is on the page.
fn with_curves() -> State {
    let folder = folder();
    let mut state = with_runs();
    open(&mut state, folder.path());
    let catalog = Arc::clone(&state.open_data().unwrap().catalog);
    let [first, second] = [0, 1].map(|index: usize| measured(&state.runs[index].path, Arc::clone(&catalog)));
    let on_pairs = Evaluation {
        protocol: Some("lfw.bin".into()),
        on: "6000 pairs of lfw.bin".into(),
        is_own: false,
        ..first.clone()
    };
    for evaluation in [first, second, on_pairs] {
        state.evaluate.overlays.push(Overlay { evaluation: Arc::new(evaluation), visible: true, is_outdated: false });
    }
    state.evaluate.current = 1;
    state.notices.clear();
    state
}

fn act(state: &mut State, action: PictureAction) -> Vec<Effect> {
    update(state, action.into())
}

fn figure(job: &Job) -> (&DetFigure, &Path, bool) {
    let Request::SaveFigure { figure, out, replace } = &job.request else { panic!("{:?}", job.request) };
    (figure, out, *replace)
}

#[test]
fn the_curves_in_sight_become_a_file_and_the_file_a_notice() {
    let mut state = with_curves();
    let action = (command("evaluate.picture").unwrap().action)(&state).unwrap();
    assert!(matches!(update(&mut state, action)[..], [Effect::Ask(Dialog::SavePicture)]));
    let effects = update(&mut state, dialog_answer(Dialog::SavePicture, "/out/det.csv".into()));
    let sent = job(&effects);
    let (drawn, out, replace) = figure(sent);
    let told: Vec<(&str, usize)> = drawn.curves.iter().map(|curve| (curve.name.as_str(), curve.series)).collect();
    assert_eq!(told, [("C, all images", 0), ("b, all images", 1), ("C, 6000 pairs of lfw.bin", 2)]);
    assert_eq!(drawn.curves[1].points, state.evaluate.overlays[1].evaluation.report.det);
    assert_eq!((out, replace), (Path::new("/out/det.csv"), true));
    assert!(state.evaluate.picture_obstacle().unwrap().contains("being written"));
    assert!(act(&mut state, PictureAction::Choose).is_empty(), "one at a time");
    on_event(&mut state, Event::FigureSaved { job: sent.id, out: "/out/det.csv".into() });
    on_event(&mut state, Event::Ended { job: sent.id, outcome: Outcome::Finished });
    let notice = state.notices.last().unwrap();
    assert_eq!((notice.severity, notice.headline.as_str()), (Severity::Success, "det.csv was written"));
    assert_eq!(notice.hint.as_deref(), Some("It is in /out."));
    assert!(state.evaluate.picture_obstacle().is_none());
    assert!(
        matches!(&act(&mut state, PictureAction::ShowFolder)[..], [Effect::ShowFolder(at)] if at == Path::new("/out"))
    );
}

#[test]
fn runs_of_one_name_are_told_apart_by_the_folder_above() {
    let mut state = with_curves();
    update(&mut state, Action::RemoveOverlay(2));
    for (overlay, series) in state.evaluate.overlays.iter_mut().zip(["arcface", "softmax"]) {
        let evaluation = Arc::make_mut(&mut overlay.evaluation);
        evaluation.run = Path::new("/runs").join(series).join("seed-1");
        evaluation.name = "seed-1".into();
    }
    let effects = act(&mut state, PictureAction::SaveTo("/out/det.csv".into()));
    let (drawn, ..) = figure(job(&effects));
    let told: Vec<&str> = drawn.curves.iter().map(|curve| curve.name.as_str()).collect();
    assert_eq!(told, ["arcface/seed-1", "softmax/seed-1"]);
}

#[test]
fn hidden_runs_are_left_out_and_the_others_keep_their_colours() {
    let mut state = with_curves();
    update(&mut state, Action::ToggleOverlay(0));
    update(&mut state, Action::ToggleOverlay(1));
    let effects = act(&mut state, PictureAction::SaveTo("/out/det.svg".into()));
    let (drawn, ..) = figure(job(&effects));
    let series: Vec<usize> = drawn.curves.iter().map(|curve| curve.series).collect();
    assert_eq!(series, [1, 2], "the current run is always drawn");
}

#[test]
fn a_name_without_an_ending_becomes_a_picture_that_replaces_nothing() {
    for (typed, written, may_replace) in [
        ("/out/det", "/out/det.svg", false),
        ("/out/fig.v2", "/out/fig.v2.svg", false),
        ("/out/DET.SVG", "/out/DET.SVG", true),
    ] {
        let mut state = with_curves();
        let effects = act(&mut state, PictureAction::SaveTo(typed.into()));
        let (_, out, replace) = figure(job(&effects));
        assert_eq!((out, replace), (Path::new(written), may_replace));
    }
}

#[test]
fn without_curves_or_room_or_a_disk_nothing_is_written_and_it_is_said() {
    let mut empty = state();
    assert!(act(&mut empty, PictureAction::Choose).is_empty());
    assert!(act(&mut empty, PictureAction::ShowFolder).is_empty());
    assert!(act(&mut empty, PictureAction::SaveTo("/out/det.svg".into())).is_empty());
    assert!(empty.notices.last().unwrap().hint.as_deref().unwrap().contains("until error rates are measured"));
    let mut state = with_curves();
    for is_refused in [false, true] {
        state.notices.clear();
        let effects = act(&mut state, PictureAction::SaveTo("/out/det.svg".into()));
        let sent = job(&effects);
        if is_refused {
            on_refused(&mut state, sent);
        } else {
            on_event(&mut state, Event::Ended { job: sent.id, outcome: failure() });
        }
        assert_eq!(state.notices.len(), 1);
        assert!(state.evaluate.picture_obstacle().is_none() && state.evaluate.picture.saved.is_none());
    }
}
