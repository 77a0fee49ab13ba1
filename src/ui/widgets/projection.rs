//! From positions of a map to places on the screen: fitting, zooming and moving in two dimensions, turning in three.
//!
//! Not drawing. Orthographic rather than perspective for the sphere: angles near the rim stay comparable, and depth is
//! told by size and fog instead. Turning is kept as two angles, so that "up" stays up and a drag is undone by dragging back.

use eframe::egui::{Pos2, Rect, Vec2, vec2};

/// Largest tilt towards the poles, in radians: beyond it left and right would swap.
const MAX_TILT_RAD: f32 = 1.5;
/// Radians turned per point dragged.
const TURN_PER_PT: f32 = 0.01;
const ZOOM_RANGE: std::ops::RangeInclusive<f32> = 0.5..=80.0;
/// Share of the area that a fitted map fills.
const FILL: f32 = 0.92;

/// How the person looks at the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewpoint {
    /// 1 shows all.
    pub zoom: f32,
    /// How far the map was moved, in points at zoom 1.
    pub moved: Vec2,
    /// Turn around the upright axis, in radians.
    pub turn_rad: f32,
    /// Tilt towards the viewer, in radians.
    pub tilt_rad: f32,
}

impl Default for Viewpoint {
    fn default() -> Self {
        Self { zoom: 1.0, moved: Vec2::ZERO, turn_rad: 0.5, tilt_rad: 0.35 }
    }
}

impl Viewpoint {
    /// Moves the map with the pointer, or turns it.
    pub fn drag(&mut self, delta: Vec2, turns: bool) {
        if turns {
            self.turn_rad += delta.x * TURN_PER_PT / self.zoom.sqrt();
            self.tilt_rad =
                (self.tilt_rad + delta.y * TURN_PER_PT / self.zoom.sqrt()).clamp(-MAX_TILT_RAD, MAX_TILT_RAD);
        } else {
            self.moved += delta / self.zoom;
        }
    }

    /// Zooms by a factor and leaves what is under `around` (relative to the middle of the area) where it is.
    pub fn zoom_by(&mut self, factor: f32, around: Vec2) {
        let before = self.zoom;
        self.zoom = (before * factor).clamp(*ZOOM_RANGE.start(), *ZOOM_RANGE.end());
        self.moved += around * (1.0 / self.zoom - 1.0 / before);
    }
}

/// A point on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projected {
    /// Place on the screen.
    pub at: Pos2,
    /// From -1 (far) to 1 (near); 1 everywhere in two dimensions.
    pub depth: f32,
}

/// Positions of one map to the screen.
#[derive(Clone, Copy, Debug)]
pub struct Projection {
    centre: [f32; 3],
    scale: f32,
    middle: Pos2,
    turn: (f32, f32),
    tilt: (f32, f32),
    solid: bool,
}

/// The box around all positions: lowest and highest value per dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    low: [f32; 3],
    high: [f32; 3],
    /// 2 or 3.
    pub dims: usize,
}

impl Bounds {
    /// The box around `xy`, row by row with `dims` numbers; numbers that are not finite are left out.
    pub fn of(xy: &[f32], dims: usize) -> Self {
        let dims = dims.clamp(1, 3);
        let (mut low, mut high) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
        for position in xy.chunks_exact(dims) {
            for ((low, high), value) in low.iter_mut().zip(&mut high).zip(position) {
                if value.is_finite() {
                    (*low, *high) = (low.min(*value), high.max(*value));
                }
            }
        }
        for (low, high) in low.iter_mut().zip(&mut high) {
            if *low > *high {
                (*low, *high) = (0.0, 0.0);
            }
        }
        Self { low, high, dims }
    }
}

impl Projection {
    /// Fits the box into `area` as the viewpoint asks. Three dimensions turn around the origin, because that is the
    /// centre of the sphere.
    pub fn new(bounds: &Bounds, area: Rect, view: &Viewpoint) -> Self {
        let solid = bounds.dims == 3;
        let size = |axis: usize| bounds.high.get(axis).zip(bounds.low.get(axis)).map_or(0.0, |(high, low)| high - low);
        let middle_of = |axis: usize| {
            bounds.high.get(axis).zip(bounds.low.get(axis)).map_or(0.0, |(high, low)| f32::midpoint(*high, *low))
        };
        let reach = bounds.low.iter().chain(&bounds.high).fold(0.0_f32, |reach, value| reach.max(value.abs()));
        let fit = if solid {
            area.width().min(area.height()) / (2.0 * reach).max(1e-6)
        } else {
            (area.width() / size(0).max(1e-6)).min(area.height() / size(1).max(1e-6))
        };
        Self {
            centre: if solid { [0.0; 3] } else { [middle_of(0), middle_of(1), 0.0] },
            scale: fit * FILL * view.zoom,
            middle: area.center() + view.moved * view.zoom,
            turn: view.turn_rad.sin_cos(),
            tilt: view.tilt_rad.sin_cos(),
            solid,
        }
    }

    /// One position to the screen; up is up.
    pub fn project(&self, position: &[f32]) -> Projected {
        let value =
            |axis: usize| position.get(axis).copied().unwrap_or(0.0) - self.centre.get(axis).copied().unwrap_or(0.0);
        let (x, y, z) = (value(0), value(1), value(2));
        if !self.solid {
            return Projected { at: self.middle + vec2(x, -y) * self.scale, depth: 1.0 };
        }
        let (across, away) = (x * self.turn.1 + z * self.turn.0, z * self.turn.1 - x * self.turn.0);
        let (up, towards) = (y * self.tilt.1 - away * self.tilt.0, y * self.tilt.0 + away * self.tilt.1);
        Projected { at: self.middle + vec2(across, -up) * self.scale, depth: towards.clamp(-1.0, 1.0) }
    }

    /// Where the origin lies, and how many points one unit is: the outline of the sphere.
    pub fn disc(&self) -> (Pos2, f32) {
        (self.middle, self.scale)
    }
}

/// The point nearest to the pointer within `reach` points; what lies on the far side of the sphere counts as further away,
/// because it is behind something.
pub fn pick(points: impl Iterator<Item = (u32, Projected)>, pointer: Pos2, reach: f32) -> Option<u32> {
    let distance = |point: &Projected| point.at.distance(pointer) + if point.depth < 0.0 { reach * 0.5 } else { 0.0 };
    points
        .map(|(row, point)| (row, distance(&point)))
        .filter(|(_, distance)| *distance <= reach)
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(row, _)| row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::pos2;

    const AREA: Rect = Rect { min: pos2(100.0, 50.0), max: pos2(500.0, 250.0) };

    #[test]
    fn a_flat_map_fills_the_area_with_equal_aspect() {
        let xy = [-2.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0, -1.0];
        let projection = Projection::new(&Bounds::of(&xy, 2), AREA, &Viewpoint::default());
        let (left, right) = (projection.project(&xy[0..2]).at, projection.project(&xy[2..4]).at);
        let (top, bottom) = (projection.project(&xy[4..6]).at, projection.project(&xy[6..8]).at);
        assert!((right.x - left.x - 400.0 * FILL).abs() < 1e-3);
        assert!(
            ((right.x - left.x) / 4.0 - (bottom.y - top.y) / 2.0).abs() < 1e-3,
            "one unit is as long in both directions"
        );
        assert!(top.y < bottom.y && left.x < right.x);
    }

    #[test]
    fn zooming_keeps_what_is_under_the_pointer() {
        let xy = [0.0, 0.0, 3.0, 1.0];
        let bounds = Bounds::of(&xy, 2);
        let mut view = Viewpoint::default();
        let before = Projection::new(&bounds, AREA, &view).project(&[2.5, 0.25]).at;
        view.zoom_by(3.0, before - AREA.center());
        let after = Projection::new(&bounds, AREA, &view).project(&[2.5, 0.25]).at;
        assert!(before.distance(after) < 1e-2, "{before:?} {after:?}");
        view.zoom_by(1e9, Vec2::ZERO);
        assert!(view.zoom <= *ZOOM_RANGE.end());
    }

    #[test]
    fn turning_moves_points_around_the_upright_axis_and_keeps_their_length() {
        let bounds = Bounds::of(&[1.0, 1.0, 1.0, -1.0, -1.0, -1.0], 3);
        let level = Viewpoint { turn_rad: 0.0, tilt_rad: 0.0, ..Viewpoint::default() };
        let front = Projection::new(&bounds, AREA, &level).project(&[0.0, 0.0, 1.0]);
        assert!((front.depth - 1.0).abs() < 1e-6 && front.at.distance(AREA.center()) < 1e-3);
        let quarter = Viewpoint { turn_rad: std::f32::consts::FRAC_PI_2, ..level };
        let side = Projection::new(&bounds, AREA, &quarter).project(&[0.0, 0.0, 1.0]);
        let (_, unit) = Projection::new(&bounds, AREA, &quarter).disc();
        assert!(side.depth.abs() < 1e-6 && (side.at.x - AREA.center().x - unit).abs() < 1e-2);
        let pole = Projection::new(&bounds, AREA, &quarter).project(&[0.0, 1.0, 0.0]);
        assert!((AREA.center().y - pole.at.y - unit).abs() < 1e-2, "the pole stays up");
    }

    #[test]
    fn tilt_stops_before_the_globe_turns_over() {
        let mut view = Viewpoint::default();
        view.drag(vec2(0.0, 1e6), true);
        assert!((view.tilt_rad - MAX_TILT_RAD).abs() < 1e-6);
    }

    #[test]
    fn picking_prefers_what_is_in_front() {
        let point = |x: f32, depth: f32| Projected { at: pos2(x, 0.0), depth };
        let points = [(1, point(0.0, -0.5)), (2, point(4.0, 0.5)), (3, point(90.0, 1.0))];
        assert_eq!(pick(points.into_iter(), pos2(0.5, 0.0), 12.0), Some(2));
        assert_eq!(pick(points.into_iter(), pos2(45.0, 0.0), 12.0), None);
    }

    #[test]
    fn a_map_of_one_point_or_of_nonsense_does_not_break() {
        for xy in [vec![3.0, 4.0], vec![f32::NAN, f32::INFINITY], Vec::new()] {
            let projection = Projection::new(&Bounds::of(&xy, 2), AREA, &Viewpoint::default());
            assert!(projection.project(&[3.0, 4.0]).at.x.is_finite());
        }
    }
}
