//! Which curve a pointer means.
//!
//! Not `egui_plot`'s own answer, which is the curve drawn last among all within reach: where many lie close together that is
//! often the wrong one.

use eframe::egui::Pos2;

/// A curve this far from the pointer can still be read, in points.
const REACH_PT: f32 = 8.0;
/// Curves whose distances differ by less lie on each other, in points; the one on top is meant.
const TOGETHER_PT: f32 = 0.5;

/// The line that is meant, and which of its vertices is next to the pointer: what is read is a value that was given, none
/// in between. Later lines lie on top of earlier ones.
pub(super) fn pointed_line(lines: &[Vec<Pos2>], pointer: Pos2) -> Option<(usize, usize)> {
    let near: Vec<(usize, f32, usize)> = lines
        .iter()
        .enumerate()
        .filter_map(|(line, vertices)| nearest_vertex(vertices, pointer).map(|(distance, at)| (line, distance, at)))
        .filter(|(_, distance, _)| *distance <= REACH_PT)
        .collect();
    let least = near.iter().map(|(_, distance, _)| *distance).fold(f32::INFINITY, f32::min);
    let on_top = near.iter().rev().find(|(_, distance, _)| *distance <= least + TOGETHER_PT);
    on_top.map(|(line, _, at)| (*line, *at))
}

/// Distance of a line from the pointer, and the vertex at the nearer end of its nearest piece.
fn nearest_vertex(vertices: &[Pos2], pointer: Pos2) -> Option<(f32, usize)> {
    let ends = vertices.iter().skip(1).chain(vertices.last());
    let pieces = vertices.iter().zip(ends).enumerate().map(|(start, (a, b))| {
        let is_nearer_to_end = pointer.distance_sq(*b) < pointer.distance_sq(*a);
        (distance(pointer, *a, *b), start + usize::from(is_nearer_to_end))
    });
    pieces.min_by(|(a, _), (b, _)| a.total_cmp(b))
}

/// From a point to the straight piece between `a` and `b`.
fn distance(point: Pos2, a: Pos2, b: Pos2) -> f32 {
    let along = b - a;
    let share = ((point - a).dot(along) / along.length_sq().max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
    point.distance(a + along * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::pos2;

    fn level(y: f32) -> Vec<Pos2> {
        (0..=10).map(|i| pos2(i as f32 * 10.0, y)).collect()
    }

    #[test]
    fn the_nearest_line_is_meant_and_not_the_last_within_reach() {
        let lines = [level(0.0), level(5.0), level(9.0)];
        assert_eq!(pointed_line(&lines, pos2(52.0, 1.0)), Some((0, 5)));
        assert_eq!(pointed_line(&lines, pos2(57.0, 5.5)), Some((1, 6)));
        assert_eq!(pointed_line(&lines, pos2(57.0, 30.0)), None);
        assert_eq!(pointed_line(&lines, pos2(-40.0, 5.0)), None);
        assert_eq!(pointed_line(&[], pos2(0.0, 0.0)), None);
    }

    #[test]
    fn of_lines_on_each_other_the_one_on_top_is_meant() {
        let lines = [level(5.0), level(5.1), Vec::new()];
        assert_eq!(pointed_line(&lines, pos2(50.0, 4.0)), Some((1, 5)));
    }

    #[test]
    fn a_steep_piece_is_as_near_as_it_looks_and_a_single_point_can_be_read() {
        let jump = [vec![pos2(0.0, 0.0), pos2(10.0, 0.0), pos2(10.0, 100.0), pos2(20.0, 100.0)]];
        assert_eq!(pointed_line(&jump, pos2(13.0, 40.0)), Some((0, 1)));
        assert_eq!(pointed_line(&[vec![pos2(3.0, 3.0)]], pos2(5.0, 3.0)), Some((0, 0)));
        let broken = [vec![pos2(f32::NAN, 0.0), pos2(f32::NAN, f32::NAN)]];
        assert_eq!(pointed_line(&broken, pos2(0.0, 0.0)), None);
    }
}
