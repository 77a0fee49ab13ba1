//! Faces: one being marked in a picture of Verify, a folder being aligned, and the faces of a folder marked by hand.

mod folder;
mod mark;
mod queue;

pub use folder::{FinderKind, FolderView};
pub use mark::MarkView;
pub use queue::{QueueAction, QueuePhase, QueueView};

pub(super) use folder::can_align_folder;

use super::action::{Action, Dialog, Effect};
use super::notice::Notice;
use super::state::{State, Workspace};
use super::update::{open_data, set_slot};
use crate::faces::{AlignOptions, Aligned, CROP_PX, MIN_SCORE, Point};
use crate::worker::protocol::{FoundFace, HandDone, ImageSource, JobId};
use std::path::PathBuf;
use std::sync::Arc;

/// Everything about faces.
#[derive(Clone, Debug, Default)]
pub struct FacesView {
    /// The detector the person chose; kept between starts.
    pub detector: Option<PathBuf>,
    /// The dialog in which a face of Verify is marked.
    pub align: Option<AlignView>,
    /// The folder being aligned, or the last one.
    pub folder: Option<FolderView>,
    /// Its faces being marked by hand, in front of the folder's dialog.
    pub queue: Option<QueueView>,
}

impl FacesView {
    /// The faces being marked.
    fn marks_mut(&mut self) -> impl Iterator<Item = &mut MarkView> {
        let of_queue = self.queue.as_mut().and_then(|queue| queue.mark.as_mut());
        self.align.as_mut().map(|view| &mut view.mark).into_iter().chain(of_queue)
    }
}

impl State {
    /// A dialog about faces is in front: each is, as long as its workspace is shown.
    pub fn shows_faces(&self) -> bool {
        let FacesView { align, folder, queue, .. } = &self.faces;
        match self.workspace {
            Workspace::Verify => align.is_some(),
            Workspace::Data => queue.is_some() || folder.as_ref().is_some_and(|folder| folder.is_open),
            _ => false,
        }
    }
}

/// A face of Verify being marked.
#[derive(Clone, Debug)]
pub struct AlignView {
    /// The slot of Verify it is for.
    pub slot: usize,
    /// The slot shows an aligned face already.
    pub is_aligned: bool,
    /// The face.
    pub mark: MarkView,
}

/// What can be asked for about faces.
#[derive(Clone, Debug, PartialEq)]
pub enum FaceAction {
    /// Mark the face of the picture in this slot of Verify.
    Open(usize),
    /// An eye is here, in pixels of the image.
    Place(Point),
    /// A point belongs here.
    Move(usize, Point),
    /// Forget the points and mark the eyes by hand.
    ByHand,
    /// Back to the points that were found.
    Reset,
    /// Use the crop.
    Apply,
    /// Use the whole picture after all.
    UseWhole,
    /// Leave the picture as it is.
    Cancel,
    /// Choose a detector.
    AskDetector,
    /// Use this detector.
    UseDetector(PathBuf),
    /// Use none.
    ForgetDetector,
    /// Show the dialog for a whole folder.
    OpenFolder,
    /// Put it away; the work goes on.
    CloseFolder,
    /// Who says where the faces of the folder are.
    FindBy(FinderKind),
    /// Choose a list of points.
    AskList,
    /// Take the points from this list.
    UseList(PathBuf),
    /// How the crops of the folder are made.
    SetOptions(AlignOptions),
    /// Align the folder.
    StartFolder,
    /// Back from what was done to the choices.
    ReviseFolder,
    /// Something about marking the folder by hand.
    Queue(QueueAction),
    /// Open the crops as a data set.
    OpenAligned,
    /// Show them in the system's file manager.
    ShowAligned,
}

impl From<FaceAction> for Action {
    fn from(action: FaceAction) -> Self {
        Self::Faces(action)
    }
}

/// Does what a person asked for.
pub(super) fn update(state: &mut State, action: FaceAction) -> Vec<Effect> {
    match action {
        FaceAction::Open(slot) => open(state, slot),
        FaceAction::Place(point) => edit(state, |mark| mark.place(point)),
        FaceAction::Move(index, point) => edit(state, |mark| mark.move_point(index, point)),
        FaceAction::ByHand => edit(state, |mark| mark.points.clear()),
        FaceAction::Reset => edit(state, MarkView::reset),
        FaceAction::Apply => apply(state),
        FaceAction::UseWhole => {
            let Some(view) = take_align(state) else { return Vec::new() };
            set_slot(state, view.slot, view.mark.source)
        }
        FaceAction::Cancel => {
            take_align(state);
            Vec::new()
        }
        FaceAction::AskDetector => vec![Effect::Ask(Dialog::PickDetector)],
        FaceAction::UseDetector(path) => use_detector(state, Some(path)),
        FaceAction::ForgetDetector => use_detector(state, None),
        FaceAction::OpenFolder => folder::open(state),
        FaceAction::CloseFolder => {
            if let Some(folder) = &mut state.faces.folder {
                folder.is_open = false;
            }
            Vec::new()
        }
        FaceAction::AskList => vec![Effect::Ask(Dialog::PickLandmarks)],
        FaceAction::FindBy(kind) => folder::choose(state, |folder| folder.finder = kind),
        FaceAction::UseList(list) => folder::choose(state, |folder| {
            folder.finder = FinderKind::List;
            folder.list = Some(list);
        }),
        FaceAction::SetOptions(options) => folder::choose(state, |folder| folder.options = options),
        FaceAction::ReviseFolder => folder::choose(state, |folder| folder.done = None),
        FaceAction::StartFolder => folder::begin(state),
        FaceAction::Queue(action) => queue::update(state, action),
        FaceAction::OpenAligned => open_aligned(state),
        FaceAction::ShowAligned => {
            state.faces.folder.as_ref().map(|folder| Effect::ShowFolder(folder.out.clone())).into_iter().collect()
        }
    }
}

fn open_aligned(state: &mut State) -> Vec<Effect> {
    let FacesView { folder, queue, .. } = &state.faces;
    let Some(folder) = folder else { return Vec::new() };
    // What is being written is not all there yet.
    if folder.job.is_some() || queue.as_ref().is_some_and(|queue| queue.job().is_some()) {
        return Vec::new();
    }
    let out = folder.out.clone();
    open_data(state, out)
}

/// Other images are opened, or these are closed: the dialogs about their folder go. A pass goes on behind them, and what is
/// being written by hand is written.
pub(super) fn put_away(state: &mut State) {
    queue::close(state);
    if let Some(folder) = &mut state.faces.folder {
        folder.is_open = false;
    }
}

/// Takes the dialog of Verify away; what is being loaded for it is no longer wanted.
fn take_align(state: &mut State) -> Option<AlignView> {
    let view = state.faces.align.take()?;
    state.cancel(view.mark.job);
    Some(view)
}

fn open(state: &mut State, slot: usize) -> Vec<Effect> {
    let Some(source) = state.verify.slots.get(slot).cloned().flatten() else { return Vec::new() };
    let points = match &source {
        ImageSource::Aligned { landmarks, .. } => landmarks.points().to_vec(),
        _ => Vec::new(),
    };
    take_align(state);
    let is_aligned = !points.is_empty();
    let (mark, effects) = mark::begin(state, source.whole().clone(), points, MIN_SCORE);
    state.faces.align = Some(AlignView { slot, is_aligned, mark });
    effects
}

fn use_detector(state: &mut State, detector: Option<PathBuf>) -> Vec<Effect> {
    state.faces.detector = detector;
    if let Some(view) = &mut state.faces.align {
        // Points of before came from elsewhere: those of the new detector are what was asked for.
        view.mark.points.clear();
        view.mark.preview = None;
    }
    mark::reload(state, MIN_SCORE, |faces| faces.align.as_mut().map(|view| &mut view.mark))
}

/// Changes the points of the face in front: of the folder in Data, else that of Verify. While a crop is being written its
/// points stay.
fn edit(state: &mut State, change: impl FnOnce(&mut MarkView)) -> Vec<Effect> {
    let revision = state.next_id();
    let faces = &mut state.faces;
    let mark = match &mut faces.queue {
        Some(queue) if state.workspace == Workspace::Data => {
            queue.mark.as_mut().filter(|_| queue.phase == QueuePhase::Marking)
        }
        _ => faces.align.as_mut().map(|view| &mut view.mark),
    };
    if let Some(mark) = mark {
        change(mark);
        mark.redraw(revision);
    }
    Vec::new()
}

fn apply(state: &mut State) -> Vec<Effect> {
    let size_px = crop_px(state);
    let landmarks = state.faces.align.as_ref().and_then(|view| view.mark.landmarks());
    let Some(landmarks) = landmarks else { return Vec::new() };
    if !mark::gives_crop(state, &landmarks, size_px) {
        return Vec::new();
    }
    let Some(view) = take_align(state) else { return Vec::new() };
    let source = ImageSource::Aligned { of: Arc::new(view.mark.source), landmarks, size_px };
    set_slot(state, view.slot, source)
}

/// The side the model in use takes, so that the crop need not be scaled again.
fn crop_px(state: &State) -> u32 {
    let run = state.active_run.as_deref().and_then(|run| state.run_entry(run));
    let px = run.and_then(|run| run.config.data.image_px.set());
    px.filter(|px| (CROP_PX..=4 * CROP_PX).contains(px)).unwrap_or(CROP_PX)
}

/// A picture came.
pub(super) fn found(state: &mut State, job: JobId, found: Arc<FoundFace>) -> Vec<Effect> {
    let revision = state.next_id();
    if let Some(mark) = state.faces.marks_mut().find(|mark| mark.job == Some(job)) {
        mark.take(found, revision);
    }
    Vec::new()
}

/// A folder is done, or stopped.
pub(super) fn folder_aligned(state: &mut State, job: JobId, done: Box<Aligned>) -> Vec<Effect> {
    folder::aligned(state, job, done);
    Vec::new()
}

/// A step of marking a folder by hand is done.
pub(super) fn marked(state: &mut State, job: JobId, done: HandDone) -> Vec<Effect> {
    queue::done(state, job, done)
}

/// A job about faces is over.
pub(super) fn ended(state: &mut State, job: JobId, notice: Option<Notice>) {
    // In Verify another picture can be chosen instead; here the folder has many more.
    let is_of_folder = state.faces.queue.as_ref().is_some_and(|queue| queue.is_loading(job));
    let notice = match notice {
        Some(notice) if is_of_folder => {
            Some(notice.hint("Skip it, or try again; what is skipped comes up the next time."))
        }
        other => other,
    };
    if let Some(mark) = state.faces.marks_mut().find(|mark| mark.job == Some(job)) {
        mark.ended(notice);
    } else if !queue::ended(state, job, notice.as_ref()) {
        folder::ended(state, job, notice);
    }
}
