//! Turning, scaling and shifting: the map between two sets of points that fits them best.

use super::Point;

/// Points closer together than this (root mean square, in pixels) show no direction.
const MIN_SPREAD_PX: f64 = 1e-3;

/// x' = a·x − b·y + tx, y' = b·x + a·y + ty: a rotation by atan2(b, a), a scale of √(a² + b²) and a shift in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// Scale · cos(angle).
    pub a: f64,
    /// Scale · sin(angle).
    pub b: f64,
    /// Shift to the right, in pixels.
    pub tx: f64,
    /// Shift down, in pixels.
    pub ty: f64,
}

impl Similarity {
    /// The map without reflection that brings `from` to `to` with the least sum of squared distances, pair by pair.
    /// `None` when there are fewer than two pairs, a number is not finite, or all points of a side are one.
    ///
    /// Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991, whose singular
    /// value decomposition comes down to these sums in the plane. Two pairs are met exactly.
    pub fn fit(from: &[Point], to: &[Point]) -> Option<Self> {
        let count = from.len();
        if count < 2 || count != to.len() {
            return None;
        }
        let n = count as f64;
        let mean = |points: &[Point]| {
            let sum = points.iter().fold([0.0, 0.0], |sum, point| [sum[0] + point[0], sum[1] + point[1]]);
            [sum[0] / n, sum[1] / n]
        };
        let (from_mean, to_mean) = (mean(from), mean(to));
        let (mut dot, mut cross, mut spread) = (0.0, 0.0, 0.0_f64);
        for (p, q) in from.iter().zip(to) {
            let (x, y) = (p[0] - from_mean[0], p[1] - from_mean[1]);
            let (u, v) = (q[0] - to_mean[0], q[1] - to_mean[1]);
            dot += x * u + y * v;
            cross += x * v - y * u;
            spread += x * x + y * y;
        }
        let spread_px = (spread / n).sqrt();
        if spread_px.is_nan() || spread_px <= MIN_SPREAD_PX {
            return None;
        }
        let (a, b) = (dot / spread, cross / spread);
        let map = Self {
            a,
            b,
            tx: to_mean[0] - (a * from_mean[0] - b * from_mean[1]),
            ty: to_mean[1] - (b * from_mean[0] + a * from_mean[1]),
        };
        let usable = a.hypot(b) > 1e-9 && [map.a, map.b, map.tx, map.ty].iter().all(|value| value.is_finite());
        usable.then_some(map)
    }

    /// Where a point goes.
    pub fn apply(&self, [x, y]: Point) -> Point {
        [self.a * x - self.b * y + self.tx, self.b * x + self.a * y + self.ty]
    }

    /// The way back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        Self { a, b, tx: -(a * self.tx - b * self.ty), ty: -(b * self.tx + a * self.ty) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::template;
    use super::*;

    fn near(a: Point, b: Point) -> bool {
        (a[0] - b[0]).abs() < 1e-6 && (a[1] - b[1]).abs() < 1e-6
    }

    #[test]
    fn a_known_map_is_found_again_from_five_points_and_from_two() {
        for degrees in [-170.0_f64, -31.0, 0.0, 12.5, 90.0] {
            for scale in [0.02, 0.7, 13.0] {
                let (sin, cos) = degrees.to_radians().sin_cos();
                let map = Similarity { a: scale * cos, b: scale * sin, tx: -40.0, ty: 917.5 };
                let photo = template(112).map(|point| map.apply(point));
                for points in [2, 5] {
                    let found = Similarity::fit(&photo[..points], &template(112)[..points]).unwrap();
                    for (point, wanted) in photo.iter().zip(template(112)) {
                        assert!(near(found.apply(*point), wanted), "{degrees}° × {scale}, {points} points");
                        assert!(near(found.inverse().apply(wanted), *point));
                    }
                }
            }
        }
    }

    #[test]
    fn the_template_maps_to_itself() {
        let map = Similarity::fit(&template(112), &template(112)).unwrap();
        assert!((map.a - 1.0).abs() < 1e-12 && map.b.abs() < 1e-12 && map.tx.abs() < 1e-9 && map.ty.abs() < 1e-9);
    }

    /// Values of scikit-image's `SimilarityTransform.estimate` (Umeyama with a singular value decomposition).
    #[test]
    fn noisy_points_give_the_least_squares_map_of_an_independent_program() {
        let points = [[105.3, 112.6], [146.9, 111.1], [122.8, 135.8], [110.1, 159.2], [143.6, 158.2]];
        let found = Similarity::fit(&points, &template(112)).unwrap();
        let wanted = EXPECTED;
        assert!((found.a - wanted[0]).abs() < 1e-6 && (found.b - wanted[1]).abs() < 1e-6, "{found:?}");
        assert!((found.tx - wanted[2]).abs() < 1e-4 && (found.ty - wanted[3]).abs() < 1e-4, "{found:?}");
    }

    /// a, b, tx, ty.
    const EXPECTED: [f64; 4] = [0.860675512, 0.015069945, -50.155010, -46.512366];

    #[test]
    fn a_mirrored_face_is_turned_not_mirrored() {
        let mirrored = template(112).map(|[x, y]| [112.0 - x, y]);
        let map = Similarity::fit(&mirrored, &template(112)).unwrap();
        let eyes = [map.apply(mirrored[0]), map.apply(mirrored[1])];
        assert!(eyes[0][0] > eyes[1][0], "the left eye stays on the right: {eyes:?}");
    }

    #[test]
    fn points_that_show_no_direction_give_no_map() {
        let one = [[3.0, 4.0]; 5];
        assert_eq!(Similarity::fit(&one, &template(112)), None);
        assert_eq!(Similarity::fit(&template(112), &one), None);
        assert_eq!(Similarity::fit(&[[f64::NAN, 0.0], [1.0, 1.0]], &template(112)[..2]), None);
        assert_eq!(Similarity::fit(&[[f64::INFINITY, 0.0], [1.0, 1.0]], &template(112)[..2]), None);
        assert_eq!(Similarity::fit(&template(112)[..1], &template(112)[..1]), None);
        assert_eq!(Similarity::fit(&template(112), &template(112)[..2]), None);
    }
}
