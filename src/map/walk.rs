//! Over a map by keyboard: from one point to the next in a direction.
//!
//! Not over the positions of a [`super::Layout`]: a direction is what a person sees, so places are those on the screen.

/// A direction on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To smaller x.
    Left,
    /// To larger x.
    Right,
    /// To smaller y: on a screen y grows downwards.
    Up,
    /// To larger y.
    Down,
}

/// The nearest of the points, each a row and its place (x, y), that lie in a direction: within 45° of it, so that each point
/// lies in one of the four and can be come to. `None` where no point does; of points equally near it is the first row.
pub fn next_towards(points: &[(u32, [f32; 2])], from: [f32; 2], direction: Direction) -> Option<u32> {
    let distance = |[x, y]: [f32; 2]| {
        let (right, down) = (x - from[0], y - from[1]);
        let (ahead, aside) = match direction {
            Direction::Left => (-right, down),
            Direction::Right => (right, down),
            Direction::Up => (-down, right),
            Direction::Down => (down, right),
        };
        (ahead > 0.0 && aside.abs() <= ahead).then(|| ahead.hypot(aside))
    };
    let near = points.iter().filter_map(|(row, at)| Some((distance(*at)?, *row)));
    near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, row)| row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const ALL: [Direction; 4] = [Direction::Left, Direction::Right, Direction::Up, Direction::Down];

    #[test]
    fn each_arrow_leads_to_the_nearest_point_on_its_side() {
        let points = [(0, [0.0, 0.0]), (1, [-2.0, 1.0]), (2, [3.0, 0.0]), (3, [9.0, 0.0]), (4, [1.0, -4.0])];
        let led = ALL.map(|direction| next_towards(&points, [0.0, 0.0], direction));
        assert_eq!(led, [Some(1), Some(2), Some(4), None]);
        assert_eq!(next_towards(&points, [3.0, 0.0], Direction::Right), Some(3));
    }

    #[test]
    fn the_first_of_equally_near_points_is_taken_and_what_has_no_place_is_not() {
        let points = [(7, [1.0, 0.5]), (5, [1.0, -0.5]), (1, [f32::NAN, 0.0]), (2, [0.0, 0.0])];
        assert_eq!(next_towards(&points, [0.0, 0.0], Direction::Right), Some(5));
        assert_eq!(next_towards(&points[2..], [0.0, 0.0], Direction::Right), None);
    }

    #[test]
    fn every_point_can_be_come_to() {
        // Scattered by the golden ratio: no two in a line.
        let place = |row: u32| [(row as f32 * 0.618_034).fract(), (row as f32 * 0.381_966 * 1.7).fract()];
        let points: Vec<(u32, [f32; 2])> = (0..60).map(|row| (row, place(row))).collect();
        let (mut seen, mut open) = (BTreeSet::from([0]), vec![0]);
        while let Some(row) = open.pop() {
            for next in ALL.iter().filter_map(|direction| next_towards(&points, place(row), *direction)) {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        assert_eq!(seen.len(), points.len());
    }
}
