//! The faces of a folder marked by hand, one image after the other.
//!
//! Every mark is written before the next image is shown, so what is lost with the program is the image in hand. There is
//! one step under way at most, because every step reads and writes the same table; an image can be taken back for as
//! long as the dialog is open.

use super::FaceAction;
use super::mark::{self, MarkView};
use crate::app::action::{Action, Effect};
use crate::app::notice::Notice;
use crate::app::state::State;
use crate::app::update::start;
use crate::faces::{FolderImage, FormerRow, HandSpec, Point};
use crate::worker::protocol::{HandDone, HandStep, ImageSource, JobId, Request};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a person does with the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueAction {
    /// Look which images have no aligned crop, and show the first.
    Open,
    /// Write the crop and go on.
    Next,
    /// Leave this image and go on.
    Skip,
    /// Take the last image back.
    Back,
    /// Load the picture in hand again.
    Reload,
    /// Leave off; what was marked is kept.
    Close,
}

impl From<QueueAction> for Action {
    fn from(action: QueueAction) -> Self {
        FaceAction::Queue(action).into()
    }
}

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueuePhase {
    /// The images are being looked for.
    Listing(JobId),
    /// They could not be listed.
    Unlisted,
    /// An image is in hand, or all are through.
    Marking,
    /// Its crop is being written.
    Writing(JobId),
    /// The last mark is being taken back.
    TakingBack(JobId),
}

/// Images without an aligned crop, and the one in hand.
#[derive(Clone, Debug)]
pub struct QueueView {
    /// The folder.
    pub spec: Arc<HandSpec>,
    /// The images, in order.
    pub images: Arc<[FolderImage]>,
    /// Position of the image in hand; the number of images when all are through.
    pub at: usize,
    /// What is going on.
    pub phase: QueuePhase,
    /// The image in hand.
    pub mark: Option<MarkView>,
    /// Why the last step failed.
    pub error: Option<Notice>,
    /// What was done, oldest first.
    steps: Vec<Step>,
    /// Where faces were marked, by the position of the image: whoever comes back to it finds them.
    points: BTreeMap<usize, Vec<Point>>,
    /// The person has left; a last crop is being written.
    is_closing: bool,
}

/// An image that is through.
#[derive(Clone, Debug)]
struct Step {
    at: usize,
    /// What was known of it before; nothing of an image that was skipped.
    former: Option<FormerRow>,
}

impl QueueView {
    fn new(spec: Arc<HandSpec>, job: JobId) -> Self {
        Self {
            spec,
            images: Arc::from([]),
            at: 0,
            phase: QueuePhase::Listing(job),
            mark: None,
            error: None,
            steps: Vec::new(),
            points: BTreeMap::new(),
            is_closing: false,
        }
    }

    /// The image in hand.
    pub fn image(&self) -> Option<&FolderImage> {
        self.images.get(self.at)
    }

    /// The step under way.
    pub fn job(&self) -> Option<JobId> {
        match self.phase {
            QueuePhase::Listing(job) | QueuePhase::Writing(job) | QueuePhase::TakingBack(job) => Some(job),
            QueuePhase::Unlisted | QueuePhase::Marking => None,
        }
    }

    /// This job loads the image in hand.
    pub(super) fn is_loading(&self, job: JobId) -> bool {
        self.mark.as_ref().is_some_and(|mark| mark.job == Some(job))
    }

    /// The image in hand can be written.
    pub fn can_write(&self) -> bool {
        self.phase == QueuePhase::Marking && self.mark.as_ref().is_some_and(MarkView::is_ready)
    }

    /// The image in hand can be left.
    pub fn can_skip(&self) -> bool {
        self.phase == QueuePhase::Marking && self.image().is_some()
    }

    /// The picture in hand could not be loaded.
    pub fn can_reload(&self) -> bool {
        let is_missing = |mark: &MarkView| mark.job.is_none() && mark.found.is_none();
        self.phase == QueuePhase::Marking && self.mark.as_ref().is_some_and(is_missing)
    }

    /// There is an image to take back.
    pub fn can_go_back(&self) -> bool {
        self.phase == QueuePhase::Marking && !self.steps.is_empty()
    }

    /// Images marked since the dialog was opened.
    pub fn marked(&self) -> usize {
        self.steps.iter().filter(|step| step.former.is_some()).count()
    }

    /// Images skipped since then.
    pub fn skipped(&self) -> usize {
        self.steps.len() - self.marked()
    }
}

/// Does what a person asked for.
pub(super) fn update(state: &mut State, action: QueueAction) -> Vec<Effect> {
    match action {
        QueueAction::Open => open(state),
        QueueAction::Next => write(state),
        QueueAction::Skip => skip(state),
        QueueAction::Back => go_back(state),
        QueueAction::Reload => reload(state),
        QueueAction::Close => {
            close(state);
            Vec::new()
        }
    }
}

fn open(state: &mut State) -> Vec<Effect> {
    if state.faces.queue.as_ref().is_some_and(|queue| queue.phase != QueuePhase::Unlisted) {
        return Vec::new();
    }
    // A pass writes the same table.
    let Some(folder) = state.faces.folder.as_ref().filter(|folder| folder.job.is_none()) else { return Vec::new() };
    let spec = Arc::new(HandSpec { root: folder.root.clone(), out: folder.out.clone(), options: folder.options });
    let (job, effects) = ask(state, &spec, HandStep::List);
    state.faces.queue = Some(QueueView::new(spec, job));
    effects
}

fn ask(state: &mut State, spec: &Arc<HandSpec>, step: HandStep) -> (JobId, Vec<Effect>) {
    start(state, Request::MarkFaces { spec: Arc::clone(spec), step })
}

fn write(state: &mut State) -> Vec<Effect> {
    let Some(queue) = state.faces.queue.as_ref().filter(|queue| queue.can_write()) else { return Vec::new() };
    let landmarks = queue.mark.as_ref().and_then(MarkView::landmarks);
    let (Some(landmarks), Some(image)) = (landmarks, queue.image().cloned()) else { return Vec::new() };
    let spec = Arc::clone(&queue.spec);
    if !mark::gives_crop(state, &landmarks, spec.options.size_px) {
        return Vec::new();
    }
    let (job, effects) = ask(state, &spec, HandStep::Mark { image, landmarks });
    if let Some(queue) = &mut state.faces.queue {
        queue.phase = QueuePhase::Writing(job);
        queue.error = None;
    }
    effects
}

fn skip(state: &mut State) -> Vec<Effect> {
    let Some(queue) = state.faces.queue.as_mut().filter(|queue| queue.can_skip()) else { return Vec::new() };
    let at = queue.at;
    queue.steps.push(Step { at, former: None });
    show(state, at + 1)
}

fn go_back(state: &mut State) -> Vec<Effect> {
    let Some(queue) = state.faces.queue.as_mut().filter(|queue| queue.can_go_back()) else { return Vec::new() };
    let Some(step) = queue.steps.last().cloned() else { return Vec::new() };
    let Some(former) = step.former else {
        queue.steps.pop();
        return show(state, step.at);
    };
    let Some(image) = queue.images.get(step.at).cloned() else { return Vec::new() };
    let spec = Arc::clone(&queue.spec);
    let (job, effects) = ask(state, &spec, HandStep::Unmark { image, former });
    if let Some(queue) = &mut state.faces.queue {
        queue.phase = QueuePhase::TakingBack(job);
        queue.error = None;
    }
    effects
}

fn reload(state: &mut State) -> Vec<Effect> {
    let Some(queue) = state.faces.queue.as_ref().filter(|queue| queue.can_reload()) else { return Vec::new() };
    let min_score = queue.spec.options.min_score;
    mark::reload(state, min_score, |faces| faces.queue.as_mut()?.mark.as_mut())
}

/// Leaves off, as soon as nothing is being written.
pub(super) fn close(state: &mut State) {
    let Some(queue) = &mut state.faces.queue else { return };
    match queue.phase {
        // A moment: a failure must still have somebody to tell.
        QueuePhase::Writing(_) | QueuePhase::TakingBack(_) => queue.is_closing = true,
        QueuePhase::Listing(_) | QueuePhase::Unlisted | QueuePhase::Marking => leave(state),
    }
}

/// Takes the dialog away; what is being listed or loaded for it is no longer wanted.
fn leave(state: &mut State) {
    let Some(queue) = state.faces.queue.take() else { return };
    state.cancel(queue.job());
    state.cancel(queue.mark.and_then(|mark| mark.job));
}

/// Shows the image at this position, with the points that were marked in it; those of the image before it are kept.
fn show(state: &mut State, at: usize) -> Vec<Effect> {
    let Some(queue) = &mut state.faces.queue else { return Vec::new() };
    let mut before = None;
    if let Some(mark) = queue.mark.take() {
        queue.points.insert(queue.at, mark.points);
        before = mark.job;
    }
    queue.at = at;
    queue.error = None;
    let points = queue.points.remove(&at).unwrap_or_default();
    let min_score = queue.spec.options.min_score;
    let source = queue.image().map(|image| ImageSource::File(image.path.clone()));
    state.cancel(before);
    let Some(source) = source else { return Vec::new() };
    let (mark, effects) = mark::begin(state, source, points, min_score);
    if let Some(queue) = &mut state.faces.queue {
        queue.mark = Some(mark);
    }
    effects
}

/// A step is done.
pub(super) fn done(state: &mut State, job: JobId, done: HandDone) -> Vec<Effect> {
    let Some(queue) = state.faces.queue.as_mut().filter(|queue| queue.job() == Some(job)) else { return Vec::new() };
    queue.phase = QueuePhase::Marking;
    let folder = state.faces.folder.as_mut().filter(|folder| folder.root == queue.spec.root);
    let at = match done {
        HandDone::Listed(images) => {
            queue.images = images;
            0
        }
        HandDone::Marked(former) => {
            queue.steps.push(Step { at: queue.at, former: Some(former) });
            if let Some(folder) = folder {
                folder.marked += 1;
            }
            queue.at + 1
        }
        HandDone::Unmarked => {
            let Some(step) = queue.steps.pop() else { return Vec::new() };
            if let Some(folder) = folder {
                folder.marked = folder.marked.saturating_sub(1);
            }
            step.at
        }
    };
    if queue.is_closing {
        leave(state);
        return Vec::new();
    }
    show(state, at)
}

/// A step is over without a result; `notice` says why, unless it was stopped. Tells whether the job was one of these.
pub(super) fn ended(state: &mut State, job: JobId, notice: Option<&Notice>) -> bool {
    let Some(queue) = state.faces.queue.as_mut().filter(|queue| queue.job() == Some(job)) else { return false };
    let was_listing = matches!(queue.phase, QueuePhase::Listing(_));
    queue.phase = if was_listing { QueuePhase::Unlisted } else { QueuePhase::Marking };
    queue.is_closing = false;
    queue.error = notice.cloned();
    if was_listing && notice.is_none() {
        leave(state);
    }
    true
}
