//! One face being marked in a picture: loaded, found or clicked, corrected, previewed. Verify's dialog and the marking of
//! a whole folder both show one; what is done with the points is theirs.

use super::FacesView;
use crate::app::action::Effect;
use crate::app::notice::{Notice, Severity};
use crate::app::state::State;
use crate::app::update::start;
use crate::data::Thumb;
use crate::faces::{CROP_PX, Face, Landmarks, Point, align};
use crate::worker::protocol::{FoundFace, ImageSource, JobId, Request};
use std::sync::Arc;

/// Points on one spot make no face: a click this close to the first eye, in shares of the picture's width, is not another.
const LEAST_DISTANCE: f64 = 0.005;

/// A face being marked.
#[derive(Clone, Debug)]
pub struct MarkView {
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
    /// Why there is no picture.
    pub error: Option<Notice>,
}

impl MarkView {
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

    /// The picture is there with enough points for a crop.
    pub fn is_ready(&self) -> bool {
        self.landmarks().is_some() && self.found.is_some()
    }

    /// An eye is here.
    pub(super) fn place(&mut self, point: Point) {
        let limit = self.limits();
        let point = within(point, limit);
        match *self.points.as_slice() {
            [] => self.points = vec![point],
            [first] if (first[0] - point[0]).hypot(first[1] - point[1]) > LEAST_DISTANCE * limit[0] => {
                // The left one comes first, in whatever order they were clicked.
                self.points = if point[0] < first[0] { vec![point, first] } else { vec![first, point] };
            }
            _ => {}
        }
    }

    /// This point belongs here.
    pub(super) fn move_point(&mut self, index: usize, point: Point) {
        let limit = self.limits();
        if let Some(place) = self.points.get_mut(index) {
            *place = within(point, limit);
        }
    }

    /// Back to the points that were found.
    pub(super) fn reset(&mut self) {
        self.points = self.face().map(|face| face.landmarks.to_vec()).unwrap_or_default();
    }

    /// The picture came. Points that are there already stay.
    pub(super) fn take(&mut self, found: Arc<FoundFace>, revision: u64) {
        self.found = Some(found);
        self.picture = revision;
        if self.points.is_empty() {
            self.reset();
        }
        self.redraw(revision);
    }

    /// The points are other ones now.
    pub(super) fn redraw(&mut self, revision: u64) {
        self.revision = revision;
        self.preview = self.cut();
    }

    /// Loading is over; `notice` when it failed.
    pub(super) fn ended(&mut self, notice: Option<Notice>) {
        self.job = None;
        let unloaded = || {
            let notice = Notice::new(Severity::Warning, "The picture was not loaded");
            notice.hint("Try again when there is less going on.")
        };
        self.error = notice.or_else(|| self.found.is_none().then(unloaded));
    }

    /// The largest coordinates a point may have.
    fn limits(&self) -> Point {
        let (width, height) = self.found.as_ref().map_or((1, 1), |found| (found.width_px, found.height_px));
        // A picture from the clipboard may have no pixels at all.
        [width, height].map(|side| f64::from(side.max(1)) - 1.0)
    }

    /// The crop as the picture on the screen gives it; a fraction of a millisecond.
    fn cut(&self) -> Option<Thumb> {
        let found = self.found.as_ref()?;
        let mut landmarks = self.landmarks()?;
        let share = |small: u32, whole: u32| f64::from(small) / f64::from(whole.max(1));
        let (x, y) = (share(found.small.width(), found.width_px), share(found.small.height(), found.height_px));
        for point in landmarks.points_mut() {
            *point = [(point[0] + 0.5) * x - 0.5, (point[1] + 0.5) * y - 0.5];
        }
        let crop = align(&found.small, &landmarks, CROP_PX)?;
        let rgba = crop.to_rgba8().into_raw();
        Some(Thumb { width: CROP_PX, height: CROP_PX, rgba })
    }
}

fn within(point: Point, limit: Point) -> Point {
    [point[0].clamp(0.0, limit[0]), point[1].clamp(0.0, limit[1])]
}

/// Begins to mark the face of `source`; `points` are what is known of it, `min_score` is as for [`load`]. The view is for
/// whoever shows it.
pub(super) fn begin(
    state: &mut State,
    source: ImageSource,
    points: Vec<Point>,
    min_score: f32,
) -> (MarkView, Vec<Effect>) {
    let (job, effects) = load(state, source.clone(), min_score);
    let revision = state.next_id();
    let view = MarkView {
        source,
        job: Some(job),
        found: None,
        points,
        preview: None,
        picture: revision,
        revision,
        error: None,
    };
    (view, effects)
}

/// Asks for the picture, and for the face in it where there is a detector; faces it is less sure of than `min_score`, in
/// [0, 1], are passed over.
fn load(state: &mut State, source: ImageSource, min_score: f32) -> (JobId, Vec<Effect>) {
    let detector = state.faces.detector.clone();
    start(state, Request::FindFace { source, detector, min_score })
}

/// Asks for the picture of a mark again; `which` finds it among those that are shown. What was asked for before is no
/// longer wanted.
pub(super) fn reload(
    state: &mut State,
    min_score: f32,
    which: fn(&mut FacesView) -> Option<&mut MarkView>,
) -> Vec<Effect> {
    let Some(mark) = which(&mut state.faces) else { return Vec::new() };
    mark.error = None;
    let (before, source) = (mark.job, mark.source.clone());
    state.cancel(before);
    let (job, effects) = load(state, source, min_score);
    if let Some(mark) = which(&mut state.faces) {
        mark.job = Some(job);
    }
    effects
}

/// The points give a crop of this side; if not, the person is told.
pub(super) fn gives_crop(state: &mut State, landmarks: &Landmarks, size_px: u32) -> bool {
    let is_possible = landmarks.to_crop(size_px).is_some();
    if !is_possible {
        let notice = Notice::new(Severity::Warning, "The points lie on one spot");
        state.notify(notice.hint("Mark the two eyes apart from each other."));
    }
    is_possible
}
