//! Everything that can be invoked by name: the one table behind menus, palette and shortcuts.
//!
//! A command is a question to the state: it answers with the action it would send now, or with nothing when it makes
//! no sense now. That keeps "disabled" and "what it does" from drifting apart. Not here: the palette itself (Ctrl+P)
//! and the theme, which are the window's own business.

use super::{Action, CheckAction, Dialog, State, TrainPhase, Workspace};

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shortcut {
    /// Control, or Command on a Mac.
    pub ctrl: bool,
    /// Shift.
    pub shift: bool,
    /// The key by its egui name: `O`, `1`, `Space`, `Enter`, `Escape`.
    pub key: &'static str,
}

impl Shortcut {
    /// As menus write it: `Ctrl+Shift+Z`.
    pub fn text(self) -> String {
        let ctrl = if self.ctrl { "Ctrl+" } else { "" };
        let shift = if self.shift { "Shift+" } else { "" };
        let key = if self.key == "Escape" { "Esc" } else { self.key };
        format!("{ctrl}{shift}{key}")
    }
}

/// What measuring on the open images does, wherever it is offered.
pub const OPEN_IMAGES_HELP: &str =
    "Measures the run on all images that are open; of its own, on those that it held out";

/// Something that can be invoked.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Unique name.
    pub id: &'static str,
    /// Name on screen.
    pub label: &'static str,
    /// One sentence for the tooltip.
    pub help: &'static str,
    /// Its key, if it has one.
    pub shortcut: Option<Shortcut>,
    /// What it does now; `None` = not possible now.
    pub action: fn(&State) -> Option<Action>,
}

impl Command {
    /// Tooltip with the shortcut.
    pub fn tooltip(&self) -> String {
        self.shortcut.map_or_else(|| self.help.to_owned(), |shortcut| format!("{} ({})", self.help, shortcut.text()))
    }
}

/// The command with this name.
pub fn command(id: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.id == id)
}

#[expect(clippy::unnecessary_wraps, reason = "the table reads better without Some in every row")]
const fn plain(key: &'static str) -> Option<Shortcut> {
    Some(Shortcut { ctrl: false, shift: false, key })
}

#[expect(clippy::unnecessary_wraps, reason = "the table reads better without Some in every row")]
const fn ctrl(key: &'static str) -> Option<Shortcut> {
    Some(Shortcut { ctrl: true, shift: false, key })
}

#[expect(clippy::unnecessary_wraps, reason = "the table reads better without Some in every row")]
const fn ctrl_shift(key: &'static str) -> Option<Shortcut> {
    Some(Shortcut { ctrl: true, shift: true, key })
}

const fn row(
    id: &'static str,
    label: &'static str,
    help: &'static str,
    shortcut: Option<Shortcut>,
    action: fn(&State) -> Option<Action>,
) -> Command {
    Command { id, label, help, shortcut, action }
}

/// Every command, in the order of the palette.
pub const COMMANDS: &[Command] = &[
    row("data.open_folder", "Open a folder…", "Opens a folder of images as a data set", ctrl("O"), |_| {
        Some(Action::Ask(Dialog::OpenFolder))
    }),
    row(
        "data.open_file",
        "Open a file…",
        "Opens a file that holds or lists images as a data set: .rec, zip, tar, .lst, CSV, IDX",
        ctrl_shift("O"),
        |_| Some(Action::Ask(Dialog::OpenFile)),
    ),
    row("data.sample", "Open the sample data", "Opens the drawn portraits that come with the program", None, |_| {
        Some(Action::OpenSample)
    }),
    row("data.close", "Close the data set", "Closes the data set; nothing is deleted", None, |state| {
        (state.open_data().is_some() && !state.is_training()).then_some(Action::CloseData)
    }),
    row(
        "data.check",
        "Check the images",
        "Reads and compares every image: unreadable files, copies, near copies across classes",
        ctrl("D"),
        |state| {
            state.open_data().filter(|data| data.check.job.is_none())?;
            Some(Action::Check(CheckAction::Start))
        },
    ),
    row(
        "data.align",
        "Align faces…",
        "Writes the face of every image of the open folder, upright and of one size, into a new folder",
        None,
        |state| super::faces::can_align_folder(state).then(|| super::FaceAction::OpenFolder.into()),
    ),
    row(
        "data.export",
        "Export the images…",
        "Writes the open data set for other trainers: RecordIO, a verification set or a list of pairs",
        None,
        |state| state.open_data().map(|_| super::ExportAction::Open.into()),
    ),
    row("train.start", "Start training", "Trains on the open data set with the present settings", ctrl("Enter"), start),
    row("train.pause", "Pause or resume training", "Pauses the run; nothing is lost", plain("Space"), pause),
    row(
        "train.stop",
        "Stop training",
        "Stops the run and keeps its checkpoint, so that it can be continued",
        ctrl("T"),
        |state| {
            matches!(phase(state), Some(TrainPhase::Preparing | TrainPhase::Running | TrainPhase::Paused))
                .then_some(Action::StopTraining)
        },
    ),
    row("train.continue", "Continue the stopped run", "Goes on from the last checkpoint", None, resume),
    row("edit.undo", "Undo", "Takes the last change of settings or excluded images back", ctrl("Z"), |state| {
        state.history.can_undo().then_some(Action::Undo)
    }),
    row("edit.redo", "Redo", "Makes the change again", ctrl_shift("Z"), |state| {
        state.history.can_redo().then_some(Action::Redo)
    }),
    row(
        "edit.reset_all",
        "Put all settings back",
        "Gives every setting its default value; can be undone",
        None,
        |_| Some(Action::ResetAll),
    ),
    row("run.open", "Open a run…", "Uses the model of a run folder", ctrl("R"), |_| {
        Some(Action::Ask(Dialog::OpenRun))
    }),
    row("run.evaluate", "Measure error rates", "Measures the error rates of the model in use", ctrl("E"), |state| {
        (state.has_model() && state.evaluate.job.is_none())
            .then(|| state.active_run.clone().map(Action::Evaluate))
            .flatten()
    }),
    row("run.evaluate_open", "Measure on the open images", OPEN_IMAGES_HELP, None, |state| {
        state.open_data().filter(|_| state.has_model() && state.evaluate.job.is_none())?;
        state.active_run.clone().map(Action::EvaluateOpen)
    }),
    row(
        "run.evaluate_pairs",
        "Measure on pairs…",
        "Shows what a list of pairs or a verification set is (pairs.txt, .bin), and measures the model in use on it",
        None,
        |_| Some(Action::Ask(Dialog::PickPairs)),
    ),
    row(
        "evaluate.picture",
        "Save a picture of the DET curves…",
        "Writes the measured DET curves in sight as a figure for papers (SVG) or as a table of points (CSV)",
        None,
        |state| state.evaluate.picture_obstacle().is_none().then(|| super::PictureAction::Choose.into()),
    ),
    row("runs.refresh", "Look for runs again", "Reads the folder of runs again", plain("F5"), |_| {
        Some(Action::RefreshRuns)
    }),
    row("map.redo", "Compute the map again", "Lays the embeddings out again", ctrl("M"), |state| {
        (state.explore.table.is_some() && state.explore.job.is_none()).then_some(Action::RedoMap)
    }),
    row(
        "map.clear",
        "Clear the selection",
        "Deselects the point and shows all classes",
        plain("Escape"),
        clear_selection,
    ),
    row("verify.first", "Choose the first image…", "Chooses the left image of Verify", None, |_| {
        Some(Action::Ask(Dialog::PickImage(0)))
    }),
    row("verify.second", "Choose the second image…", "Chooses the right image of Verify", None, |_| {
        Some(Action::Ask(Dialog::PickImage(1)))
    }),
    row("verify.swap", "Swap the two images", "Exchanges left and right in Verify", None, |state| {
        state.verify.slots.iter().any(Option::is_some).then_some(Action::SwapSlots)
    }),
    row(
        "verify.paste",
        "Paste a picture",
        "Puts the picture on the clipboard into Verify's free slot",
        ctrl("V"),
        |_| Some(Action::Paste),
    ),
    row("go.data", "Go to Data", "What was found in the folder", plain("1"), |_| Some(Action::Go(Workspace::Data))),
    row("go.train", "Go to Train", "Settings and live curves", plain("2"), |_| Some(Action::Go(Workspace::Train))),
    row("go.explore", "Go to Explore", "The map of the embeddings", plain("3"), |_| {
        Some(Action::Go(Workspace::Explore))
    }),
    row("go.evaluate", "Go to Evaluate", "Error rates and the threshold", plain("4"), |_| {
        Some(Action::Go(Workspace::Evaluate))
    }),
    row("go.verify", "Go to Verify", "Compares two images", plain("5"), |_| Some(Action::Go(Workspace::Verify))),
    row("go.runs", "Go to Runs", "The runs on disk", plain("6"), |_| Some(Action::Go(Workspace::Runs))),
    row("app.quit", "Quit", "Closes the window; a run in progress keeps its checkpoint", ctrl("Q"), |_| {
        Some(Action::RequestClose)
    }),
];

fn phase(state: &State) -> Option<TrainPhase> {
    state.training.as_ref().map(|view| view.phase)
}

fn start(state: &State) -> Option<Action> {
    let ready = state.open_data().is_some_and(|data| data.resolved.is_ok());
    (ready && !state.is_training()).then_some(Action::StartTraining)
}

fn pause(state: &State) -> Option<Action> {
    matches!(phase(state), Some(TrainPhase::Running | TrainPhase::Paused)).then_some(Action::TogglePause)
}

fn resume(state: &State) -> Option<Action> {
    let view = state.training.as_ref().filter(|_| !state.is_watched_run_gone())?;
    let run = view.run()?.to_owned();
    matches!(view.phase, TrainPhase::Stopped | TrainPhase::Failed).then_some(Action::ContinueRun(run))
}

fn clear_selection(state: &State) -> Option<Action> {
    // Escape belongs to the sheet in sight.
    let shows_import = state.workspace == Workspace::Runs && state.import.is_some();
    if shows_import || state.shows_pairs() {
        return None;
    }
    if state.explore.selected.is_some() {
        return Some(Action::Select(None));
    }
    (!state.explore.isolated.is_empty()).then(|| Action::Isolate(Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_labels_and_shortcuts_are_unique() {
        let ids: BTreeSet<_> = COMMANDS.iter().map(|command| command.id).collect();
        assert_eq!(ids.len(), COMMANDS.len());
        let labels: BTreeSet<_> = COMMANDS.iter().map(|command| command.label).collect();
        assert_eq!(labels.len(), COMMANDS.len());
        let shortcuts: Vec<_> = COMMANDS.iter().filter_map(|command| command.shortcut).collect();
        assert_eq!(shortcuts.iter().collect::<BTreeSet<_>>().len(), shortcuts.len());
        let palette = Shortcut { ctrl: true, shift: false, key: "P" };
        assert!(!shortcuts.contains(&palette), "Ctrl+P belongs to the palette");
    }

    #[test]
    fn labels_are_in_sentence_case_and_helps_are_phrases() {
        for command in COMMANDS {
            assert!(!command.label.ends_with('.') && !command.help.ends_with('.'), "{}", command.id);
            assert!(command.label.chars().next().is_some_and(char::is_uppercase), "{}", command.id);
            assert!(command.help.len() > 10, "{}", command.id);
        }
    }

    #[test]
    fn an_empty_program_offers_nothing_that_needs_data_or_a_model() {
        let state = State::new(std::path::PathBuf::from("runs"));
        for id in [
            "train.start",
            "train.pause",
            "train.stop",
            "data.close",
            "data.export",
            "edit.undo",
            "run.evaluate",
            "run.evaluate_open",
            "evaluate.picture",
            "map.redo",
            "map.clear",
        ] {
            let command = command(id).unwrap();
            assert_eq!((command.action)(&state), None, "{id}");
        }
        assert_eq!((command("data.open_folder").unwrap().action)(&state), Some(Action::Ask(Dialog::OpenFolder)));
    }

    #[test]
    fn escape_clears_the_selection_before_the_isolated_classes() {
        let mut state = State::new(std::path::PathBuf::from("runs"));
        state.explore.selected = Some(3);
        state.explore.isolated = vec![1];
        let escape = command("map.clear").unwrap().action;
        assert_eq!(escape(&state), Some(Action::Select(None)));
        state.explore.selected = None;
        assert_eq!(escape(&state), Some(Action::Isolate(Vec::new())));
    }
}
