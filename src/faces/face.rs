//! A face that was found, and which of several is the one meant.

/// x and y in pixels of an image; whole numbers are centres of pixels.
pub type Point = [f64; 2];

/// A face in an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// How sure the detector is, in [0, 1].
    pub score: f32,
    /// Left edge of the box in pixels; may lie outside the image.
    pub left: f32,
    /// Top edge in pixels.
    pub top: f32,
    /// Width in pixels.
    pub width: f32,
    /// Height in pixels.
    pub height: f32,
    /// Left eye, right eye, tip of the nose, left and right corner of the mouth; left and right as the viewer sees them.
    pub landmarks: [Point; 5],
}

impl Face {
    /// Area of the box in square pixels.
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// The same face in an image scaled by `x` and `y`.
    #[must_use]
    pub(super) fn scaled(&self, x: f64, y: f64) -> Self {
        // Edges scale; centres of pixels lie half a pixel inside them.
        let centre = |value: f64, factor: f64| (value + 0.5) * factor - 0.5;
        let edge = |value: f32, factor: f64| centre(f64::from(value), factor) as f32;
        Self {
            score: self.score,
            left: edge(self.left, x),
            top: edge(self.top, y),
            width: (f64::from(self.width) * x) as f32,
            height: (f64::from(self.height) * y) as f32,
            landmarks: self.landmarks.map(|[px, py]| [centre(px, x), centre(py, y)]),
        }
    }

    /// Area of the overlap over the area of the union, in [0, 1].
    pub(super) fn overlap(&self, other: &Self) -> f32 {
        let side =
            |a: f32, a_length: f32, b: f32, b_length: f32| ((a + a_length).min(b + b_length) - a.max(b)).max(0.0);
        let shared =
            side(self.left, self.width, other.left, other.width) * side(self.top, self.height, other.top, other.height);
        let union = self.area() + other.area() - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }
}

/// The face a portrait is of: large and near the middle. insightface's rule: the most of
/// area − 2 · (distance of the box's centre to the image's)², in square pixels.
pub fn main_face(faces: &[Face], width_px: u32, height_px: u32) -> Option<&Face> {
    let weight = |face: &Face| {
        let dx = face.left + face.width / 2.0 - width_px as f32 / 2.0;
        let dy = face.top + face.height / 2.0 - height_px as f32 / 2.0;
        face.area() - 2.0 * (dx * dx + dy * dy)
    };
    faces.iter().max_by(|a, b| weight(a).total_cmp(&weight(b)))
}
