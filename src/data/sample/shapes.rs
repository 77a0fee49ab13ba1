//! Signed distances of the few shapes a portrait is made of, and the trigonometry they need.
//!
//! Not a vector-graphics library: no paths, no strokes, no text. Only `+ - * /`, `sqrt`, comparisons and rounding are used,
//! because IEEE 754 fixes their last bit on every machine and the standard library's `sin` does not; hence the
//! polynomials. A distance is negative inside, in the unit of its arguments, and only needs to be right near the edge.

/// A point or a vector; y grows downwards as in pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Short form of a [`Point`].
pub(super) const fn at(x: f64, y: f64) -> Point {
    Point { x, y }
}

impl Point {
    /// The point seen from `origin`.
    pub(super) fn from(self, origin: Point) -> Point {
        at(self.x - origin.x, self.y - origin.y)
    }

    /// The point with its left half folded onto the right, for symmetric parts.
    pub(super) fn folded(self) -> Point {
        at(self.x.abs(), self.y)
    }

    /// Length of the vector.
    pub(super) fn length(self) -> f64 {
        (self.x * self.x + self.y * self.y).sqrt()
    }

    /// Turned by `angle_rad`.
    pub(super) fn turned(self, angle_rad: f64) -> Point {
        let (sine, cosine) = (sin(angle_rad), cos(angle_rad));
        at(self.x * cosine - self.y * sine, self.x * sine + self.y * cosine)
    }
}

/// Sine of any moderate angle; error below 4e-6 (Taylor to the ninth power after folding into ±π/2).
pub(super) fn sin(angle_rad: f64) -> f64 {
    use std::f64::consts::{FRAC_PI_2, PI, TAU};
    let mut angle = angle_rad - TAU * (angle_rad / TAU + 0.5).floor();
    if angle > FRAC_PI_2 {
        angle = PI - angle;
    } else if angle < -FRAC_PI_2 {
        angle = -PI - angle;
    }
    let square = angle * angle;
    angle * (1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0 * (1.0 - square / 72.0))))
}

/// Cosine, through [`sin`].
pub(super) fn cos(angle_rad: f64) -> f64 {
    sin(angle_rad + std::f64::consts::FRAC_PI_2)
}

/// 0 below `low`, 1 above `high`, a cubic in between.
pub(super) fn smooth_step(low: f64, high: f64, value: f64) -> f64 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A hump of height 1 and half width about `width` around 0; stands in for a Gaussian.
pub(super) fn hump(value: f64, width: f64) -> f64 {
    let ratio = value / width;
    1.0 / (1.0 + ratio * ratio * (1.0 + ratio * ratio))
}

/// Circle around the origin.
pub(super) fn circle(p: Point, radius: f64) -> f64 {
    p.length() - radius
}

/// Ellipse around the origin (first-order distance, exact on the edge).
pub(super) fn ellipse(p: Point, half_width: f64, half_height: f64) -> f64 {
    let scaled = at(p.x / half_width, p.y / half_height);
    let gradient = at(scaled.x / half_width, scaled.y / half_height).length();
    let level = scaled.length();
    if gradient < 1e-9 {
        return -half_width.min(half_height);
    }
    level * (level - 1.0) / gradient
}

/// Rectangle around the origin with rounded corners.
pub(super) fn rounded_box(p: Point, half_width: f64, half_height: f64, corner: f64) -> f64 {
    let over = at(p.x.abs() - half_width + corner, p.y.abs() - half_height + corner);
    let outside = at(over.x.max(0.0), over.y.max(0.0)).length();
    outside + over.x.max(over.y).min(0.0) - corner
}

/// Thick line with round ends.
pub(super) fn segment(p: Point, start: Point, end: Point, half_thickness: f64) -> f64 {
    let (along, offset) = (end.from(start), p.from(start));
    let square = (along.x * along.x + along.y * along.y).max(1e-12);
    let t = ((offset.x * along.x + offset.y * along.y) / square).clamp(0.0, 1.0);
    at(offset.x - along.x * t, offset.y - along.y * t).length() - half_thickness
}

/// Thick parabola `y = rise · (x / half_width)²` cut at ±`half_width`, with round ends.
pub(super) fn arc(p: Point, half_width: f64, rise: f64, half_thickness: f64) -> f64 {
    let x = p.x.clamp(-half_width, half_width);
    let curvature = rise / (half_width * half_width);
    let slope = 2.0 * curvature * x;
    let dy = (p.y - curvature * x * x) / (1.0 + slope * slope).sqrt();
    at(p.x - x, dy).length() - half_thickness
}

/// Union of two shapes with the crease between them rounded over `blend`.
pub(super) fn merge(first: f64, second: f64, blend: f64) -> f64 {
    let overlap = (blend - (first - second).abs()).max(0.0) / blend;
    first.min(second) - overlap * overlap * blend / 4.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomial_sine_follows_the_real_one() {
        for step in -400..400 {
            let angle = f64::from(step) * 0.05;
            assert!((sin(angle) - angle.sin()).abs() < 4e-6, "{angle}");
            assert!((cos(angle) - angle.cos()).abs() < 4e-6, "{angle}");
        }
    }

    #[test]
    fn distances_are_negative_inside_zero_on_the_edge_and_positive_outside() {
        let shapes: [fn(Point) -> f64; 4] = [
            |p| circle(p, 0.5),
            |p| ellipse(p, 0.5, 0.25),
            |p| rounded_box(p, 0.5, 0.3, 0.1),
            |p| segment(p, at(-0.3, 0.0), at(0.3, 0.0), 0.2),
        ];
        for shape in shapes {
            assert!(shape(at(0.0, 0.0)) < -0.1);
            assert!(shape(at(0.5, 0.0)).abs() < 1e-12);
            assert!(shape(at(0.7, 0.0)) > 0.1);
        }
    }
}
