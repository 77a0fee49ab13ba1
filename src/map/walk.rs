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

/// The point to go to from another one, each a row and its place (x, y): the nearest of those that lie in a direction, within
/// 45° of it, so that each point lies in one of the four and can be come to; of points equally near the first row. `None`
/// where no point does.
///
/// Points that lie exactly on one another, as copies of an image do, are gone through first, in the order of their rows:
/// forwards to the right and down, backwards to the left and up.
pub fn next_towards(points: &[(u32, [f32; 2])], from: (u32, [f32; 2]), direction: Direction) -> Option<u32> {
    let (own, [from_x, from_y]) = from;
    let twins = points.iter().filter(|(_, at)| *at == [from_x, from_y]).map(|(row, _)| *row);
    let twin = match direction {
        Direction::Right | Direction::Down => twins.filter(|row| *row > own).min(),
        Direction::Left | Direction::Up => twins.filter(|row| *row < own).max(),
    };
    if twin.is_some() {
        return twin;
    }
    let distance = |[x, y]: [f32; 2]| {
        let (right, down) = (x - from_x, y - from_y);
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
        let led = ALL.map(|direction| next_towards(&points, points[0], direction));
        assert_eq!(led, [Some(1), Some(2), Some(4), None]);
        assert_eq!(next_towards(&points, points[2], Direction::Right), Some(3));
    }

    #[test]
    fn the_first_of_equally_near_points_is_taken_and_what_has_no_place_is_not() {
        let points = [(7, [1.0, 0.5]), (5, [1.0, -0.5]), (1, [f32::NAN, 0.0]), (2, [0.0, 0.0])];
        assert_eq!(next_towards(&points, points[3], Direction::Right), Some(5));
        assert_eq!(next_towards(&points[2..], points[3], Direction::Right), None);
    }

    #[test]
    fn every_point_can_be_come_to() {
        // Scattered by the golden ratio: no two in a line.
        let place = |row: u32| [(row as f32 * 0.618_034).fract(), (row as f32 * 0.381_966 * 1.7).fract()];
        let mut points: Vec<(u32, [f32; 2])> = (0..60).map(|row| (row, place(row))).collect();
        // Copies of some of them, which lie where those do.
        points.extend([(60, 3), (61, 3), (62, 59)].map(|(row, of)| (row, place(of))));
        let (mut seen, mut open) = (BTreeSet::from([0]), vec![0]);
        while let Some(row) = open.pop() {
            for next in ALL.iter().filter_map(|direction| next_towards(&points, points[row as usize], *direction)) {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        assert_eq!(seen.len(), points.len());
    }

    #[test]
    fn points_on_one_another_are_gone_through_there_and_back() {
        let points = [(4, [1.0, 0.0]), (0, [0.0, 0.0]), (9, [1.0, 0.0]), (6, [1.0, 0.0]), (5, [2.0, 0.0])];
        let walk = |from: usize, direction| {
            let mut at = points[from];
            std::iter::from_fn(|| {
                let row = next_towards(&points, at, direction)?;
                at = *points.iter().find(|(known, _)| *known == row).expect("one of them");
                Some(row)
            })
            .collect::<Vec<u32>>()
        };
        assert_eq!(walk(1, Direction::Right), [4, 6, 9, 5]);
        assert_eq!(walk(2, Direction::Left), [6, 4, 0]);
        assert_eq!((walk(3, Direction::Up), walk(3, Direction::Down)), (vec![4], vec![9]));
    }
}
