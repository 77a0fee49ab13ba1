//! A whole folder of faces: the choices of its dialog, the pass over it, and what came of it.

use super::FacesView;
use crate::app::action::{Dialog, Effect};
use crate::app::count_text::{count_text, counted_spaced};
use crate::app::notice::{Notice, Severity};
use crate::app::state::{State, Workspace};
use crate::app::update::start;
use crate::data::{Layout, Location};
use crate::faces::{AlignOptions, Aligned, FinderFile};
use crate::worker::protocol::{JobId, Request};
use std::path::{Path, PathBuf};

/// Who says where the faces are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FinderKind {
    /// The detector the person chose.
    #[default]
    Detector,
    /// A list of points.
    List,
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
    /// Who says where the faces are.
    pub finder: FinderKind,
    /// The list of points the person chose.
    pub list: Option<PathBuf>,
    /// Size and kind of the crops, and what is done without a face.
    pub options: AlignOptions,
    /// The work.
    pub job: Option<JobId>,
    /// What became of it.
    pub done: Option<Box<Aligned>>,
    /// Faces marked by hand since the last pass began.
    pub marked: u64,
    /// Why it failed.
    pub error: Option<Notice>,
}

impl FolderView {
    fn new(root: PathBuf) -> Self {
        Self {
            out: out_beside(&root),
            root,
            is_open: true,
            finder: FinderKind::default(),
            list: None,
            options: AlignOptions::default(),
            job: None,
            done: None,
            marked: 0,
            error: None,
        }
    }
}

impl FacesView {
    /// The file the folder's faces would be found with; none while it is still to be chosen.
    pub fn finder_file(&self) -> Option<FinderFile> {
        let folder = self.folder.as_ref()?;
        match folder.finder {
            FinderKind::Detector => self.detector.clone().map(FinderFile::Detector),
            FinderKind::List => folder.list.clone().map(FinderFile::List),
        }
    }
}

/// Images of the open data set lie in a folder as files.
pub(in crate::app) fn can_align_folder(state: &State) -> bool {
    state.open_data().is_some_and(|data| {
        let catalog = &data.catalog;
        let is_folder = matches!(catalog.layout, Layout::IdentityFolder | Layout::TrainAndHeldOut { .. });
        is_folder && catalog.items.first().is_some_and(|item| matches!(item.location, Location::File(_)))
    })
}

/// Changes the dialog's choices, unless the work goes on by them.
pub(super) fn choose(state: &mut State, change: impl FnOnce(&mut FolderView)) -> Vec<Effect> {
    if let Some(folder) = state.faces.folder.as_mut().filter(|folder| folder.job.is_none()) {
        change(folder);
        folder.error = None;
    }
    Vec::new()
}

pub(super) fn open(state: &mut State) -> Vec<Effect> {
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
    match state.faces.folder.as_mut().filter(|folder| folder.root == root) {
        Some(folder) => folder.is_open = true,
        None => state.faces.folder = Some(FolderView::new(root)),
    }
    Vec::new()
}

fn out_beside(root: &Path) -> PathBuf {
    let mut name = root.file_name().unwrap_or_default().to_os_string();
    name.push("-aligned");
    root.with_file_name(name)
}

/// Begins the pass; asks for the detector or the list where it is still to be chosen.
pub(super) fn begin(state: &mut State) -> Vec<Effect> {
    // Marking by hand writes the same table.
    let is_free = |faces: &FacesView| faces.queue.is_none() && faces.folder.as_ref().is_some_and(|it| it.job.is_none());
    if !is_free(&state.faces) {
        return Vec::new();
    }
    let Some(folder) = &state.faces.folder else { return Vec::new() };
    let Some(finder) = state.faces.finder_file() else {
        return vec![Effect::Ask(match folder.finder {
            FinderKind::Detector => Dialog::PickDetector,
            FinderKind::List => Dialog::PickLandmarks,
        })];
    };
    let (root, out, options) = (folder.root.clone(), folder.out.clone(), folder.options);
    let (job, effects) = start(state, Request::AlignFolder { root, out, finder, options });
    if let Some(folder) = &mut state.faces.folder {
        folder.job = Some(job);
        folder.done = None;
        folder.marked = 0;
        folder.error = None;
    }
    effects
}

/// A folder is done, or stopped.
pub(super) fn aligned(state: &mut State, job: JobId, done: Box<Aligned>) {
    let Some(folder) = state.faces.folder.as_mut().filter(|folder| folder.job == Some(job)) else { return };
    let there = done.aligned + done.already;
    let text = format!("{} of {} aligned", count_text(there as usize), counted_spaced(done.images as usize, "face"));
    let (stopped, root, out) = (done.stopped, folder.root.clone(), folder.out.clone());
    folder.done = Some(done);
    let notice = if stopped {
        Notice::new(Severity::Info, format!("Stopped; {text}")).hint("Starting again goes on where it stopped.")
    } else if state.open_data().is_some_and(|data| data.catalog.root == root) {
        Notice::new(Severity::Success, text).hint("Data, Align faces… opens them.")
    } else {
        // The dialog is that of the images that are open now.
        Notice::new(Severity::Success, text).hint(format!("They are in {}: open that folder in Data.", out.display()))
    };
    state.notify(notice);
}

/// The pass is over; `notice` when it failed.
pub(super) fn ended(state: &mut State, job: JobId, notice: Option<Notice>) {
    let Some(folder) = state.faces.folder.as_mut().filter(|folder| folder.job == Some(job)) else { return };
    folder.job = None;
    folder.error.clone_from(&notice);
    let is_open = folder.is_open;
    if let Some(notice) = notice.filter(|_| !is_open) {
        state.notify(notice);
    }
}
