//! What the program is, without pixels: state, actions, and [`update`], a pure function from both to the next state and
//! the effects it wants. The window draws the state and reports actions; everything decided is decided (and tested) here.

mod action;
mod check;
mod closing;
mod commands;
mod count_text;
mod drop;
mod evaluate;
mod events;
mod explore;
mod export;
mod faces;
mod history;
mod import;
mod listing;
mod longer;
mod notice;
mod pairs;
mod picture;
mod run_edit;
mod runs;
mod series;
mod start_from;
mod state;
mod training;
mod update;

pub use action::{Action, Dialog, Effect};
pub use check::{Change, CheckAction, CheckView};
pub use closing::Unfinished;
pub use commands::{COMMANDS, Command, OPEN_IMAGES_HELP, Shortcut, command};
pub use count_text::{classes_spaced, count_text, counted_spaced};
pub use drop::{DropTarget, drop_target};
pub use events::on_event;
pub use explore::{ExploreView, MapJob};
pub use export::{ExportAction, ExportOrder, ExportSubject, ExportView, NAMELESS};
pub use faces::{
    AlignView, FaceAction, FacesView, FinderKind, FolderView, MarkView, QueueAction, QueuePhase, QueueView,
};
pub use history::{History, Step};
pub use import::{ImportAction, ImportPhase, ImportView, PreprocessChoice, PreprocessForm};
pub use longer::{LongerView, RunSoFar, most_epochs};
pub use notice::{Notice, NoticeId, Severity};
pub use pairs::{PairsAction, PairsPhase, PairsView};
pub use picture::{PictureAction, PictureView};
pub use run_edit::RunEdit;
pub use runs::{MOST_COMPARED, RunAction, RunOrder, RunsView};
pub use series::{MOST_SEEDS, Series, SeriesFacts};
pub use state::{
    DataState, EvaluateView, JobView, OpenData, Overlay, State, TrainPhase, TrainView, VerifyView, Workspace,
};
pub use update::{dialog_answer, on_refused, on_start, update};

#[cfg(all(test, feature = "gui"))]
pub(crate) use import::look_of;

#[cfg(test)]
mod tests;
