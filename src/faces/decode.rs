//! The numbers a YuNet network answers with, as faces.
//!
//! As OpenCV's `FaceDetectorYN` reads them (`modules/objdetect/src/face_detect.cpp`): at each of three strides the
//! network gives for every cell of its grid a class score, an object score, a box and five points. The score is their
//! geometric mean; positions count from the cell, in strides; sides are exponentials, in strides.

use super::Face;

/// Pixels from one cell to the next in the three answers.
pub(super) const STRIDES: [usize; 3] = [8, 16, 32];
/// Of two boxes that share more than this of their union, the one with the lower score is the same face again. OpenCV's
/// default.
const SAME_FACE: f32 = 0.3;
/// Boxes looked at; OpenCV's default.
const MOST_BOXES: usize = 5000;

/// The answer at one stride: `columns` · `rows` cells, row by row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level<'a> {
    pub(super) stride: usize,
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// One number per cell, in [0, 1].
    pub(super) class: &'a [f32],
    /// One number per cell, in [0, 1].
    pub(super) object: &'a [f32],
    /// Four numbers per cell: shift of the centre, logarithm of width and height, in strides.
    pub(super) boxes: &'a [f32],
    /// Ten numbers per cell: shifts of the five points, in strides.
    pub(super) points: &'a [f32],
}

/// Every cell with at least `min_score`, in pixels of the network's input. Numbers that are not finite are no face.
pub(super) fn decode(level: &Level, min_score: f32) -> Vec<Face> {
    let scores = level.class.iter().zip(level.object);
    let places = level.boxes.as_chunks::<4>().0.iter().zip(level.points.as_chunks::<10>().0);
    let cells = (0..level.rows).flat_map(|row| (0..level.columns).map(move |column| (column, row)));
    let mut faces = Vec::new();
    for (((column, row), (class, object)), (place, points)) in cells.zip(scores).zip(places) {
        let score = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
        // A NaN is not at least anything.
        if score >= min_score {
            faces.extend(face(level.stride as f32, [column as f32, row as f32], score, place, points));
        }
    }
    faces
}

fn face(stride: f32, [column, row]: [f32; 2], score: f32, place: &[f32; 4], points: &[f32; 10]) -> Option<Face> {
    let [dx, dy, log_width, log_height] = *place;
    let (width, height) = (log_width.exp() * stride, log_height.exp() * stride);
    let mut landmarks = [[0.0; 2]; 5];
    for (landmark, [x, y]) in landmarks.iter_mut().zip(points.as_chunks::<2>().0) {
        *landmark = [f64::from((x + column) * stride), f64::from((y + row) * stride)];
    }
    let (left, top) = ((column + dx) * stride - width / 2.0, (row + dy) * stride - height / 2.0);
    let finite = [left, top, width, height].iter().all(|value| value.is_finite())
        && landmarks.as_flattened().iter().all(|value| value.is_finite());
    finite.then_some(Face { score, left, top, width, height, landmarks })
}

/// One of every group of boxes that lie on one face, best score first (greedy non-maximum suppression).
pub(super) fn suppress(mut faces: Vec<Face>) -> Vec<Face> {
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
    faces.truncate(MOST_BOXES);
    let mut kept: Vec<Face> = Vec::new();
    for face in faces {
        if kept.iter().all(|other| face.overlap(other) <= SAME_FACE) {
            kept.push(face);
        }
    }
    kept
}
