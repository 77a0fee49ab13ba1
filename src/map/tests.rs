//! Maps of shapes whose answer is known, and of the inputs that break map programs.

use std::cell::Cell;

use rand::Rng;

use super::eigen::jacobi;
use super::layout::stratified_rows;
use super::pca::components;
use super::{Layout, MapError, MapMethod, TsneSpec, align, pca, sphere, tsne};
use crate::eval::{EmbeddingTable, named_stream};

const NEVER: &dyn Fn() -> bool = &|| false;

fn table(dim: usize, data: Vec<f32>, classes: Vec<u32>) -> EmbeddingTable {
    EmbeddingTable::new(dim, data, (0..classes.len() as u32).collect(), classes).expect("valid rows")
}

/// `classes` clusters around random directions, rows taking turns.
fn clusters(n: usize, dim: usize, classes: u32, noise: f32) -> EmbeddingTable {
    let mut rng = named_stream(1, "test clusters");
    let centres: Vec<f32> = (0..classes as usize * dim).map(|_| rng.gen_range(-1.0..1.0)).collect();
    let labels: Vec<u32> = (0..n).map(|i| i as u32 % classes).collect();
    let mut data = Vec::with_capacity(n * dim);
    for &label in &labels {
        let centre = &centres[label as usize * dim..][..dim];
        data.extend(centre.iter().map(|c| c + noise * rng.gen_range(-1.0..1.0)));
    }
    table(dim, data, labels)
}

fn spec(perplexity: f64, iterations: usize) -> TsneSpec {
    TsneSpec { perplexity, iterations, max_points: 5_000, seed: 3 }
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// Share of the 5 nearest neighbours on the map that are of the point's class.
fn purity(layout: &Layout, classes: &[u32]) -> f64 {
    let n = layout.rows.len();
    let class = |i: usize| classes[layout.rows[i] as usize];
    let mut same = 0;
    for i in 0..n {
        let mut others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
        others.sort_by(|&a, &b| {
            let to = |j| squared_distance(layout.position(i), layout.position(j));
            to(a).total_cmp(&to(b))
        });
        same += others.iter().take(5).filter(|&&j| class(j) == class(i)).count();
    }
    same as f64 / (5 * n) as f64
}

fn radius(layout: &Layout) -> f64 {
    let squares: f64 = layout.xy.iter().map(|&v| f64::from(v).powi(2)).sum();
    (squares / layout.rows.len() as f64).sqrt()
}

// ---- PCA -------------------------------------------------------------------------------------------

/// Points on an ellipse of half-axes 0.3 and 0.1 around a pole in `dim` dimensions, in two skew directions.
fn ellipse(n: usize, dim: usize) -> EmbeddingTable {
    let mut data = vec![0.0_f32; n * dim];
    for (i, row) in data.chunks_exact_mut(dim).enumerate() {
        let angle = std::f32::consts::TAU * i as f32 / n as f32;
        let (long, short) = (0.3 * angle.cos(), 0.1 * angle.sin());
        row[0] = 0.6 * long - 0.8 * short;
        row[1] = 0.8 * long + 0.6 * short;
        row[2] = (1.0 - row[0] * row[0] - row[1] * row[1]).sqrt();
    }
    table(dim, data, vec![0; n])
}

#[test]
fn pca_finds_the_axes_of_an_ellipse_on_either_side_of_the_table() {
    // 3 dimensions: covariance and Jacobi; 100: covariance and iteration; 300: products of rows.
    for dim in [3, 100, 300] {
        let layout = pca(&ellipse(200, dim), 2, 7).expect("200 points");
        for i in 0..200 {
            let p = layout.position(i);
            let on_ellipse = (p[0] / 0.3).powi(2) + (p[1] / 0.1).powi(2);
            assert!((on_ellipse - 1.0).abs() < 1e-3, "dim {dim}, point {i}: {p:?}");
        }
        // The long axis is (0.6, 0.8): its largest entry is positive, so point 0 lies on the right.
        assert!((layout.position(0)[0] - 0.3).abs() < 1e-3, "dim {dim}");
        assert!(layout.note.is_none() && layout.method == MapMethod::Pca);
    }
}

#[test]
fn pca_does_not_depend_on_the_seed_or_the_call() {
    let data = clusters(300, 96, 5, 0.3);
    let first = pca(&data, 3, 1).expect("valid");
    assert_eq!(first, pca(&data, 3, 1).expect("valid"));
    let other = pca(&data, 3, 2).expect("valid");
    for (a, b) in first.xy.iter().zip(&other.xy) {
        assert!((a - b).abs() < 1e-3, "{a} {b}");
    }
}

#[test]
fn pca_of_one_two_and_equal_points_is_a_map_too() {
    let one = pca(&table(4, vec![1.0, 2.0, 3.0, 4.0], vec![0]), 2, 0).expect("one point");
    assert_eq!(one.xy, [0.0, 0.0]);
    let two = pca(&table(2, vec![1.0, 0.0, 0.0, 1.0], vec![0, 1]), 3, 0).expect("two points");
    let expected = [0.5_f32.sqrt(), 0.0, 0.0, -(0.5_f32.sqrt()), 0.0, 0.0];
    assert!(two.xy.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", two.xy);
    let equal = pca(&table(3, [1.0, 1.0, 0.0].repeat(9), vec![0; 9]), 2, 0).expect("equal points");
    assert!(equal.xy.iter().all(|&v| v.abs() < 1e-6));
    assert_eq!(equal.note.as_deref(), Some("all points coincide"));
}

#[test]
fn an_empty_table_and_other_dimensions_are_refused() {
    let empty = table(3, vec![], vec![]);
    assert_eq!(pca(&empty, 2, 0), Err(MapError::Empty));
    assert_eq!(sphere(&empty, 0), Err(MapError::Empty));
    assert_eq!(tsne(&empty, &spec(5.0, 10), NEVER), Err(MapError::Empty));
    assert_eq!(pca(&clusters(5, 4, 2, 0.1), 4, 0), Err(MapError::Dimensions { dims: 4 }));
}

#[test]
fn many_components_keep_the_distances_of_a_flat_spectrum() {
    // 40 nearly orthogonal classes: eigenvalues almost equal, where iteration settles slowest.
    let data = clusters(160, 128, 40, 0.2);
    let found = components(&data, 50, 0).expect("valid");
    assert!(found.variance_kept > 0.9 && found.variance_kept <= 1.0, "{}", found.variance_kept);
    let all = components(&data, 128, 0).expect("valid");
    assert!((all.variance_kept - 1.0).abs() < 1e-9);
    for (i, j) in [(0, 1), (3, 77), (12, 52)] {
        let here = &all.scores.row(i) - &all.scores.row(j);
        let there = f64::from(squared_distance(data.row(i), data.row(j)));
        assert!((here.dot(&here) - there).abs() < 1e-5);
    }
}

#[test]
fn jacobi_solves_a_matrix_with_known_eigenvalues() {
    let (values, vectors) = jacobi(ndarray::array![[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, -4.0]]);
    for (value, expected) in values.iter().zip([3.0, 1.0, -4.0]) {
        assert!((value - expected).abs() < 1e-12);
    }
    assert!((vectors.column(0)[0].abs() - 0.5_f64.sqrt()).abs() < 1e-12);
}

// ---- sphere ----------------------------------------------------------------------------------------

#[test]
fn every_point_of_a_sphere_map_has_length_one() {
    for data in [clusters(50, 8, 5, 0.3), table(2, [1.0, 0.0].repeat(4), vec![0; 4])] {
        let layout = sphere(&data, 0).expect("valid");
        assert_eq!((layout.dims, layout.method), (3, MapMethod::Sphere));
        for p in layout.xy.chunks(3) {
            assert!((squared_distance(p, &[0.0; 3]) - 1.0).abs() < 1e-5);
        }
    }
}

// ---- t-SNE -----------------------------------------------------------------------------------------

#[test]
fn tsne_puts_neighbours_of_a_class_together_better_than_pca() {
    let data = clusters(300, 32, 12, 0.5);
    let flat = pca(&data, 2, 3).expect("valid");
    let map = tsne(&data, &spec(15.0, 350), NEVER).expect("valid");
    let (before, after) = (purity(&flat, data.classes()), purity(&map, data.classes()));
    assert!(after > 0.95 && after > before + 0.2, "{before} to {after}");
    assert!((radius(&map) - 1.0).abs() < 1e-4);
    assert_eq!((map.method, map.note.as_deref(), map.rows.len()), (MapMethod::Tsne, None, 300));
    assert_eq!(map, tsne(&data, &spec(15.0, 350), NEVER).expect("valid"), "same seed, same map");
}

#[test]
fn the_approximate_path_separates_clusters_too() {
    let data = clusters(450, 80, 9, 0.3);
    let map = tsne(&data, &spec(10.0, 300), NEVER).expect("valid");
    assert!(purity(&map, data.classes()) > 0.95);
}

#[test]
fn fewer_than_four_points_are_shown_by_pca() {
    for n in 1..=3 {
        let map = tsne(&clusters(n, 6, 3, 0.1), &spec(30.0, 100), NEVER).expect("a map");
        assert_eq!((map.method, map.xy.len()), (MapMethod::Pca, 2 * n));
        let points = if n == 1 { "1 point".to_owned() } else { format!("{n} points") };
        assert_eq!(map.note, Some(format!("PCA instead of t-SNE: only {points}")));
    }
}

#[test]
fn a_perplexity_too_large_is_lowered_and_said_so() {
    for n in [4, 5, 10, 30] {
        let map = tsne(&clusters(n, 6, 3, 0.2), &spec(30.0, 100), NEVER).expect("a map");
        assert_eq!(map.method, MapMethod::Tsne);
        let lowest = (n - 1) as f64 / 3.0;
        assert_eq!(map.note, Some(format!("perplexity lowered from 30 to {lowest:.1}: only {n} points")));
        assert!(map.xy.iter().all(|v| v.is_finite()));
    }
}

#[test]
fn duplicates_and_coinciding_points_do_not_break_it() {
    let five = clusters(5, 8, 5, 0.3);
    for copies in [12, 90] {
        let data = table(8, five.data().repeat(copies), five.classes().repeat(copies));
        let map = tsne(&data, &spec(8.0, 300), NEVER).expect("duplicates");
        assert!(map.xy.iter().all(|v| v.is_finite()) && map.method == MapMethod::Tsne);
        assert!(purity(&map, data.classes()) > 0.9, "{copies} copies");
    }
    let equal = tsne(&table(3, [1.0, 1.0, 0.0].repeat(50), vec![0; 50]), &spec(5.0, 100), NEVER).expect("a map");
    assert_eq!(equal.note.as_deref(), Some("PCA instead of t-SNE: all points coincide"));
    assert!(equal.xy.iter().all(|&v| v.abs() < 1e-6));
}

#[test]
fn a_one_dimensional_table_is_mapped() {
    let data = table(1, vec![1.0, 1.0, -1.0, -1.0, 1.0, -1.0], vec![0, 0, 1, 1, 0, 1]);
    let map = tsne(&data, &spec(1.0, 50), NEVER).expect("a map");
    assert!(map.xy.len() == 12 && map.xy.iter().all(|v| v.is_finite()));
}

#[test]
fn a_capped_map_samples_every_class_and_says_so() {
    let data = clusters(120, 8, 6, 0.2);
    let map = tsne(&data, &TsneSpec { max_points: 30, ..spec(5.0, 60) }, NEVER).expect("valid");
    assert_eq!((map.rows.len(), map.xy.len()), (30, 60));
    assert_eq!(map.note.as_deref(), Some("30 of 120 points, sampled class by class"));
    for class in 0..6 {
        assert_eq!(map.rows.iter().filter(|&&r| data.classes()[r as usize] == class).count(), 5);
    }
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let data = clusters(20, 4, 2, 0.1);
    for (bad, name) in [
        (spec(0.0, 10), "perplexity"),
        (spec(f64::NAN, 10), "perplexity"),
        (spec(5.0, 0), "iterations"),
        (TsneSpec { max_points: 0, ..spec(5.0, 10) }, "max_points"),
    ] {
        let error = tsne(&data, &bad, NEVER).expect_err("out of range");
        assert!(matches!(error, MapError::Setting { key, .. } if key == name), "{error}");
    }
}

#[test]
fn cancelling_is_noticed_at_every_stage() {
    let data = clusters(20, 4, 2, 0.1);
    let asked = Cell::new(0);
    assert!(
        tsne(&data, &spec(3.0, 20), &|| {
            asked.set(asked.get() + 1);
            false
        })
        .is_ok()
    );
    assert!(asked.get() >= 3);
    for stage in 1..=asked.get() {
        let left = Cell::new(stage);
        let cancelled = || {
            left.set(left.get() - 1);
            left.get() == 0
        };
        assert_eq!(tsne(&data, &spec(3.0, 20), &cancelled), Err(MapError::Cancelled));
    }
}

// ---- layout ----------------------------------------------------------------------------------------

fn layout(dims: usize, xy: Vec<f32>) -> Layout {
    let rows = (0..(xy.len() / dims) as u32).collect();
    Layout { dims, xy, method: MapMethod::Tsne, note: None, rows }
}

#[test]
fn aligning_undoes_a_turn_a_mirror_and_a_shift() {
    let mut rng = named_stream(2, "test align");
    for dims in [2, 3] {
        let reference = layout(dims, (0..40 * dims).map(|_| rng.gen_range(-1.0..1.0)).collect());
        let (sin, cos) = 2.2_f32.sin_cos();
        let mut moved = reference.clone();
        for p in moved.xy.chunks_exact_mut(dims) {
            let (x, y) = (p[0], p[1]);
            (p[0], p[1]) = (-(cos * x - sin * y) + 3.0, sin * x + cos * y - 1.0);
        }
        assert!(squared_distance(&moved.xy, &reference.xy) > 1.0);
        align(&mut moved, &reference);
        assert!(squared_distance(&moved.xy, &reference.xy) < 1e-6, "{dims} dimensions");
    }
}

#[test]
fn aligning_uses_the_shared_rows_and_keeps_sizes() {
    let reference = Layout { rows: vec![1, 4, 9], ..layout(2, vec![0.0, 0.0, 1.0, 0.0, 0.0, 2.0]) };
    // The same three points twice as large, turned by 90°, among one that the reference does not have.
    let mut bigger = Layout { rows: vec![0, 1, 4, 9], ..layout(2, vec![5.0, 5.0, 0.0, 0.0, 0.0, 2.0, -4.0, 0.0]) };
    let before = squared_distance(bigger.position(0), bigger.position(3));
    align(&mut bigger, &reference);
    assert!((squared_distance(bigger.position(0), bigger.position(3)) - before).abs() < 1e-3);
    assert!((bigger.position(2)[0] - bigger.position(1)[0] - 2.0).abs() < 1e-5);
    assert!((bigger.position(3)[1] - bigger.position(1)[1] - 4.0).abs() < 1e-5);
}

#[test]
fn aligning_points_on_a_line_or_without_common_rows_keeps_the_shape() {
    let line = layout(3, vec![-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    let mut upright = layout(3, vec![0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    align(&mut upright, &line);
    assert!(squared_distance(&upright.xy, &line.xy) < 1e-9);
    let mut point = layout(2, vec![0.5, 0.5]);
    align(&mut point, &layout(2, vec![2.0, 3.0]));
    assert!(squared_distance(&point.xy, &[2.0, 3.0]) < 1e-9);
    let mut other = Layout { rows: vec![7], ..layout(2, vec![0.5, 0.5]) };
    align(&mut other, &layout(2, vec![2.0, 3.0]));
    assert!(squared_distance(&other.xy, &[0.5, 0.5]) < 1e-9);
}

#[test]
fn a_sphere_is_turned_and_stays_on_its_centre() {
    let data = clusters(30, 8, 3, 0.3);
    let reference = sphere(&data, 0).expect("valid");
    let mut turned = reference.clone();
    turned.xy.chunks_exact_mut(3).for_each(|p| p.rotate_left(1));
    align(&mut turned, &reference);
    assert!(squared_distance(&turned.xy, &reference.xy) < 1e-6);
}

#[test]
fn samples_have_the_right_size_whatever_the_classes() {
    let uneven: Vec<u32> = (0..1000).map(|i| if i < 900 { 0 } else { i % 50 }).collect();
    for max in [1, 7, 49, 50, 51, 333, 999] {
        let rows = stratified_rows(&uneven, max, 5);
        assert_eq!(rows.len(), max);
        assert!(rows.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(rows, stratified_rows(&uneven, max, 5));
        let mut present: Vec<u32> = rows.iter().map(|&r| uneven[r as usize]).collect();
        present.sort_unstable();
        present.dedup();
        assert_eq!(present.len(), max.min(50), "{max} places");
    }
}

#[test]
fn methods_are_written_in_lower_case() {
    assert_eq!(serde_json::to_string(&MapMethod::Tsne).expect("a string"), "\"tsne\"");
    assert_eq!(serde_json::from_str::<MapMethod>("\"sphere\"").expect("known"), MapMethod::Sphere);
}
