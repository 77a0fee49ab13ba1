//! Faces: one being marked in a picture of Verify, and a folder being aligned.

use super::action::{Action, Dialog, Effect};
use super::notice::{Notice, Severity};
use super::state::{State, Workspace};
use super::update::{open_data, set_slot, start, supersede};
use crate::data::{Layout, Location, Thumb};
use crate::faces::{Aligned, CROP_PX, Face, Landmarks, Point, align};
use crate::worker::protocol::{FoundFace, ImageSource, JobId, JobKind, Request};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Points on one spot make no face: a click this close to the first eye, in shares of the picture's width, is not another.
const LEAST_DISTANCE: f64 = 0.005;

/// Everything about faces.
#[derive(Clone, Debug, Default)]
pub struct FacesView {
    /// The detector the person chose; kept between starts.
    pub detector: Option<PathBuf>,
    /// The dialog in which a face is marked.
    pub align: Option<AlignView>,
    /// The folder being aligned, or the last one.
    pub folder: Option<FolderView>,
}

impl FacesView {
    /// A dialog is in front.
    pub fn has_dialog(&self) -> bool {
        self.align.is_some() || self.folder.as_ref().is_some_and(|folder| folder.is_open)
    }
}

/// A face being marked.
#[derive(Clone, Debug)]
pub struct AlignView {
    /// The slot of Verify it is for.
    pub slot: usize,
    /// The whole picture.
    pub source: ImageSource,
    /// The picture being loaded.
    pub job: Option<JobId>,
    /// The picture, once it is there.
    pub found: Option<Arc<FoundFace>>,
    /// Two eyes or five points, in pixels of the image; fewer while they are being marked.
    pub points: Vec<Point>,
    /// What the points give.
    pub preview: Option<Thumb>,
    /// Changes with the picture, so that it is drawn anew.
    pub picture: u64,
    /// Changes with the preview.
    pub revision: u64,
    /// The slot shows an aligned face already.
    pub is_aligned: bool,
    /// Why there is no picture.
    pub error: Option<Notice>,
}

impl AlignView {
    /// The face the detector found.
    pub fn face(&self) -> Option<&Face> {
        self.found.as_ref()?.face.as_ref().ok()?.as_ref()
    }

    /// The points, when they are enough for a crop.
    pub fn landmarks(&self) -> Option<Landmarks> {
        match *self.points.as_slice() {
            [left, right] => Some(Landmarks::Eyes([left, right])),
            [a, b, c, d, e] => Some(Landmarks::Five([a, b, c, d, e])),
            _ => None,
        }
    }
}

/// A folder being aligned.
#[derive(Clone, Debug)]
pub struct FolderView {
    /// Folder of the images.
    pub root: PathBuf,
    /// Folder of the crops.
    pub out: PathBuf,
    /// The dialog is shown.
    pub is_open: bool,
    /// The work.
    pub job: Option<JobId>,
    /// What became of it.
    pub done: Option<Box<Aligned>>,
    /// Why it failed.
    pub error: Option<Notice>,
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
    /// Align the folder.
    StartFolder,
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
        FaceAction::Place(point) => edit(state, |view| place(view, point)),
        FaceAction::Move(index, point) => edit(state, |view| {
            let limit = limits(view);
            if let Some(place) = view.points.get_mut(index) {
                *place = [point[0].clamp(0.0, limit[0]), point[1].clamp(0.0, limit[1])];
            }
        }),
        FaceAction::ByHand => edit(state, |view| view.points.clear()),
        FaceAction::Reset => edit(state, |view| {
            view.points = view.face().map(|face| face.landmarks.to_vec()).unwrap_or_default();
        }),
        FaceAction::Apply => apply(state),
        FaceAction::UseWhole => {
            let Some(view) = state.faces.align.take() else { return Vec::new() };
            set_slot(state, view.slot, view.source)
        }
        FaceAction::Cancel => {
            supersede(state, JobKind::FindFace);
            state.faces.align = None;
            Vec::new()
        }
        FaceAction::AskDetector => vec![Effect::Ask(Dialog::PickDetector)],
        FaceAction::UseDetector(path) => use_detector(state, Some(path)),
        FaceAction::ForgetDetector => use_detector(state, None),
        FaceAction::OpenFolder => open_folder(state),
        FaceAction::CloseFolder => {
            if let Some(folder) = &mut state.faces.folder {
                folder.is_open = false;
            }
            Vec::new()
        }
        FaceAction::StartFolder => start_folder(state),
        FaceAction::OpenAligned => {
            let Some(folder) = &mut state.faces.folder else { return Vec::new() };
            folder.is_open = false;
            let out = folder.out.clone();
            open_data(state, out)
        }
        FaceAction::ShowAligned => {
            state.faces.folder.as_ref().map(|folder| Effect::ShowFolder(folder.out.clone())).into_iter().collect()
        }
    }
}

fn open(state: &mut State, slot: usize) -> Vec<Effect> {
    let Some(source) = state.verify.slots.get(slot).cloned().flatten() else { return Vec::new() };
    let points = match &source {
        ImageSource::Aligned { landmarks, .. } => landmarks.points().to_vec(),
        _ => Vec::new(),
    };
    let revision = state.next_id();
    state.faces.align = Some(AlignView {
        slot,
        is_aligned: !points.is_empty(),
        source: source.whole().clone(),
        job: None,
        found: None,
        points,
        preview: None,
        picture: revision,
        revision,
        error: None,
    });
    look(state)
}

/// Loads the picture of the dialog and looks for a face.
fn look(state: &mut State) -> Vec<Effect> {
    supersede(state, JobKind::FindFace);
    let detector = state.faces.detector.clone();
    let Some(view) = &state.faces.align else { return Vec::new() };
    let (job, effects) = start(state, Request::FindFace { source: view.source.clone(), detector });
    if let Some(view) = &mut state.faces.align {
        view.job = Some(job);
        view.error = None;
    }
    effects
}

fn use_detector(state: &mut State, detector: Option<PathBuf>) -> Vec<Effect> {
    state.faces.detector = detector;
    // Points of before came from elsewhere: those of the new detector are what was asked for.
    if let Some(view) = &mut state.faces.align {
        view.points.clear();
        view.preview = None;
    }
    look(state)
}

/// The largest coordinates a point may have.
fn limits(view: &AlignView) -> [f64; 2] {
    let (width, height) = view.found.as_ref().map_or((1, 1), |found| (found.width_px, found.height_px));
    [f64::from(width) - 1.0, f64::from(height) - 1.0]
}

fn place(view: &mut AlignView, point: Point) {
    let limit = limits(view);
    let point = [point[0].clamp(0.0, limit[0]), point[1].clamp(0.0, limit[1])];
    match *view.points.as_slice() {
        [] => view.points = vec![point],
        [first] if (first[0] - point[0]).hypot(first[1] - point[1]) > LEAST_DISTANCE * limit[0] => {
            // The left one comes first, in whatever order they were clicked.
            view.points = if point[0] < first[0] { vec![point, first] } else { vec![first, point] };
        }
        _ => {}
    }
}

fn edit(state: &mut State, change: impl FnOnce(&mut AlignView)) -> Vec<Effect> {
    let revision = state.next_id();
    if let Some(view) = &mut state.faces.align {
        change(view);
        view.revision = revision;
        view.preview = preview(view);
    }
    Vec::new()
}

/// The crop as the picture on the screen gives it; a fraction of a millisecond.
fn preview(view: &AlignView) -> Option<Thumb> {
    let found = view.found.as_ref()?;
    let mut landmarks = view.landmarks()?;
    let share = |small: u32, whole: u32| f64::from(small) / f64::from(whole.max(1));
    let (x, y) = (share(found.small.width(), found.width_px), share(found.small.height(), found.height_px));
    for point in landmarks.points_mut() {
        *point = [(point[0] + 0.5) * x - 0.5, (point[1] + 0.5) * y - 0.5];
    }
    let crop = align(&found.small, &landmarks, CROP_PX)?;
    let rgba = crop.to_rgba8().into_raw();
    Some(Thumb { width: CROP_PX, height: CROP_PX, rgba })
}

fn apply(state: &mut State) -> Vec<Effect> {
    let size_px = crop_px(state);
    let Some(landmarks) = state.faces.align.as_ref().and_then(AlignView::landmarks) else { return Vec::new() };
    if landmarks.to_crop(size_px).is_none() {
        let notice = Notice::new(Severity::Warning, "The points lie on one spot");
        state.notify(notice.hint("Mark the two eyes apart from each other."));
        return Vec::new();
    }
    let Some(view) = state.faces.align.take() else { return Vec::new() };
    let source = ImageSource::Aligned { of: Arc::new(view.source), landmarks, size_px };
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
    let Some(view) = state.faces.align.as_mut().filter(|view| view.job == Some(job)) else { return Vec::new() };
    view.found = Some(found);
    (view.picture, view.revision) = (revision, revision);
    if view.points.is_empty() {
        view.points = view.face().map(|face| face.landmarks.to_vec()).unwrap_or_default();
    }
    view.preview = preview(view);
    Vec::new()
}

/// Images of the open data set lie in a folder as files.
pub(super) fn can_align_folder(state: &State) -> bool {
    state.open_data().is_some_and(|data| {
        let catalog = &data.catalog;
        let is_folder = matches!(catalog.layout, Layout::IdentityFolder | Layout::TrainAndHeldOut { .. });
        is_folder && catalog.items.first().is_some_and(|item| matches!(item.location, Location::File(_)))
    })
}

fn open_folder(state: &mut State) -> Vec<Effect> {
    // One at a time: the dialog of the running one comes back.
    if let Some(folder) = state.faces.folder.as_mut().filter(|folder| folder.job.is_some()) {
        folder.is_open = true;
        state.workspace = Workspace::Data;
        return Vec::new();
    }
    if !can_align_folder(state) {
        let notice = Notice::new(Severity::Warning, "Only images in a folder can be aligned");
        state.notify(notice.hint("Unpack the archive, or open a folder with one sub-folder per class."));
        return Vec::new();
    }
    let Some(root) = state.open_data().map(|data| data.catalog.root.clone()) else { return Vec::new() };
    // The dialog is in front of the images.
    state.workspace = Workspace::Data;
    if let Some(folder) = state.faces.folder.as_mut().filter(|folder| folder.root == root) {
        folder.is_open = true;
        return Vec::new();
    }
    let out = out_beside(&root);
    state.faces.folder = Some(FolderView { root, out, is_open: true, job: None, done: None, error: None });
    Vec::new()
}

fn out_beside(root: &Path) -> PathBuf {
    let mut name = root.file_name().unwrap_or_default().to_os_string();
    name.push("-aligned");
    root.with_file_name(name)
}

fn start_folder(state: &mut State) -> Vec<Effect> {
    let Some(detector) = state.faces.detector.clone() else { return vec![Effect::Ask(Dialog::PickDetector)] };
    let Some(folder) = state.faces.folder.as_ref().filter(|folder| folder.job.is_none()) else { return Vec::new() };
    let request = Request::AlignFolder { root: folder.root.clone(), out: folder.out.clone(), detector };
    let (job, effects) = start(state, request);
    if let Some(folder) = &mut state.faces.folder {
        folder.job = Some(job);
        folder.done = None;
        folder.error = None;
    }
    effects
}

/// A folder is done, or stopped.
pub(super) fn folder_aligned(state: &mut State, job: JobId, done: Box<Aligned>) -> Vec<Effect> {
    let Some(folder) = state.faces.folder.as_mut().filter(|folder| folder.job == Some(job)) else { return Vec::new() };
    let there = done.aligned + done.already;
    let text = format!("{there} of {} faces aligned", done.images);
    let stopped = done.stopped;
    folder.done = Some(done);
    let notice = if stopped {
        Notice::new(Severity::Info, format!("Stopped; {text}")).hint("Starting again goes on where it stopped.")
    } else {
        Notice::new(Severity::Success, text).hint("Data, Align faces… opens them.")
    };
    state.notify(notice);
    Vec::new()
}

/// A job about faces is over.
pub(super) fn ended(state: &mut State, job: JobId, notice: Option<Notice>) {
    if let Some(view) = state.faces.align.as_mut().filter(|view| view.job == Some(job)) {
        view.job = None;
        view.error = notice;
        return;
    }
    let Some(folder) = state.faces.folder.as_mut().filter(|folder| folder.job == Some(job)) else { return };
    folder.job = None;
    folder.error.clone_from(&notice);
    let is_open = folder.is_open;
    if let Some(notice) = notice.filter(|_| !is_open) {
        state.notify(notice);
    }
}
