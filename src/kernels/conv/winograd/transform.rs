//! The linear maps of Winograd's F(2×2, 3×3) over whole planes, and their adjoints for the way back.
//!
//! A tile is four pixels of the output, and the 4×4 pixels of the input that they see; it becomes 16 components. Of a
//! plane, component `k` of all tiles lies together, tile row after tile row, so that every loop runs over neighbours.
//!
//! ```text
//! input    V = Bᵀ x B    Bᵀ = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1]
//! weight   U = G w Gᵀ    G  = [1 0 0; ½ ½ ½; ½ -½ ½; 0 0 1]
//! output   y = Aᵀ M A    Aᵀ = [1 1 1 0; 0 1 -1 -1]      M = Σ over channels of U · V
//! ```
//! Lavin and Gray 2016 (arXiv:1509.09308), section 4.1.

use std::ops::Range;

/// Components of a tile.
pub(super) const COMPONENTS: usize = 16;

/// Tiles of a plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Size of the plane in pixels.
    pub h: usize,
    pub w: usize,
    /// Tiles across.
    pub across: usize,
    /// Tiles down.
    pub down: usize,
}

impl Grid {
    pub(super) fn new(h: usize, w: usize) -> Self {
        Self { h, w, across: w.div_ceil(2), down: h.div_ceil(2) }
    }

    pub(super) fn tiles(&self) -> usize {
        self.across * self.down
    }

    /// Width of a plane with a border of one pixel, filled up to whole tiles.
    fn padded_w(&self) -> usize {
        2 * self.across + 2
    }
}

/// Where the components of a plane's tiles lie: component `k` of tile `t` at `k * step + offset + t`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub offset: usize,
    pub step: usize,
}

/// Memory for one plane at a time.
#[derive(Debug)]
pub(super) struct Scratch {
    grid: Grid,
    /// Tile rows with their border.
    padded: Vec<f32>,
    /// Four lines, each as even pixels followed by odd ones.
    lines: [Vec<f32>; 4],
}

impl Scratch {
    /// For at most `rows` tile rows at a time.
    pub(super) fn new(grid: Grid, rows: usize) -> Self {
        let line = || vec![0.0; grid.padded_w()];
        Self { grid, padded: vec![0.0; grid.padded_w() * (2 * rows + 2)], lines: [line(), line(), line(), line()] }
    }

    /// Components of the tile rows `rows` of an input plane.
    pub(super) fn input(&mut self, plane: &[f32], rows: Range<usize>, out: &mut [f32], place: Place) {
        let (width, across) = (self.grid.padded_w(), self.grid.across);
        self.pad(plane, &rows);
        for i in 0..rows.len() {
            let pixels: [&[f32]; 4] = std::array::from_fn(|k| &self.padded[(2 * i + k) * width..][..width]);
            for (line, (sign, a, b)) in
                self.lines.iter_mut().zip([(-1.0, 0, 2), (1.0, 1, 2), (-1.0, 2, 1), (-1.0, 1, 3)])
            {
                let (even, odd) = line.split_at_mut(across + 1);
                let pairs = pixels[a].as_chunks::<2>().0.iter().zip(pixels[b].as_chunks::<2>().0);
                for ((even, odd), (a, b)) in even.iter_mut().zip(odd).zip(pairs) {
                    *even = a[0] + sign * b[0];
                    *odd = a[1] + sign * b[1];
                }
            }
            for (k, component) in out.chunks_mut(place.step).enumerate() {
                let to = &mut component[place.offset + i * across..][..across];
                let (even, odd) = self.lines[k / 4].split_at(across + 1);
                match k % 4 {
                    0 => combine(to, even, &even[1..], -1.0),
                    1 => combine(to, odd, &even[1..], 1.0),
                    2 => combine(to, &even[1..], odd, -1.0),
                    _ => combine(to, odd, &odd[1..], -1.0),
                }
            }
        }
    }

    /// Adjoint of [`Scratch::input`]: adds onto the gradient of the plane.
    pub(super) fn input_adjoint(&mut self, components: &[f32], place: Place, rows: Range<usize>, plane: &mut [f32]) {
        let (width, across) = (self.grid.padded_w(), self.grid.across);
        let used = width * (2 * rows.len() + 2);
        self.padded[..used].fill(0.0);
        for i in 0..rows.len() {
            let part = |k: usize| &components[k * place.step + place.offset + i * across..][..across];
            for (j, line) in self.lines.iter_mut().enumerate() {
                let v: [&[f32]; 4] = std::array::from_fn(|k| part(4 * j + k));
                horizontal_adjoint(line, v, across);
            }
            // Bᵀ read downwards: pixel row 0 gets line 0, row 1 lines 1 − 2 + 3, row 2 −0 + 1 + 2, row 3 −3.
            let [l0, l1, l2, l3] = &self.lines;
            let mut row = |k: usize, lines: &[(&[f32], f32)]| {
                let to = &mut self.padded[(2 * i + k) * width..][..width];
                for (line, sign) in lines {
                    let (even, odd) = line.split_at(across + 1);
                    for (to, (even, odd)) in to.as_chunks_mut::<2>().0.iter_mut().zip(even.iter().zip(odd)) {
                        to[0] += sign * even;
                        to[1] += sign * odd;
                    }
                }
            };
            row(0, &[(l0, 1.0)]);
            row(1, &[(l1, 1.0), (l2, -1.0), (l3, 1.0)]);
            row(2, &[(l0, -1.0), (l1, 1.0), (l2, 1.0)]);
            row(3, &[(l3, -1.0)]);
        }
        self.unpad(plane, &rows);
    }

    /// Copies pixels between the borders; what lies outside the plane is zero.
    fn pad(&mut self, plane: &[f32], rows: &Range<usize>) {
        let (width, w) = (self.grid.padded_w(), self.grid.w);
        for (r, line) in self.padded.chunks_exact_mut(width).take(2 * rows.len() + 2).enumerate() {
            match (2 * rows.start + r).checked_sub(1).filter(|y| *y < self.grid.h) {
                Some(y) => {
                    line[0] = 0.0;
                    line[1..=w].copy_from_slice(&plane[y * w..][..w]);
                    line[w + 1..].fill(0.0);
                }
                None => line.fill(0.0),
            }
        }
    }

    fn unpad(&self, plane: &mut [f32], rows: &Range<usize>) {
        let (width, w) = (self.grid.padded_w(), self.grid.w);
        for (r, line) in self.padded.chunks_exact(width).take(2 * rows.len() + 2).enumerate() {
            if let Some(y) = (2 * rows.start + r).checked_sub(1).filter(|y| *y < self.grid.h) {
                plane[y * w..][..w].iter_mut().zip(&line[1..]).for_each(|(to, from)| *to += from);
            }
        }
    }
}

/// `to = a + sign · b`
fn combine(to: &mut [f32], a: &[f32], b: &[f32], sign: f32) {
    for (to, (a, b)) in to.iter_mut().zip(a.iter().zip(b)) {
        *to = a + sign * b;
    }
}

/// From the four components of a line's tiles to its even and odd pixels.
fn horizontal_adjoint(line: &mut [f32], v: [&[f32]; 4], across: usize) {
    line.fill(0.0);
    let (even, odd) = line.split_at_mut(across + 1);
    for (to, v) in even.iter_mut().zip(v[0]) {
        *to += v;
    }
    for (to, ((a, b), c)) in even[1..].iter_mut().zip(v[0].iter().zip(v[1]).zip(v[2])) {
        *to += b + c - a;
    }
    for (to, ((b, c), d)) in odd.iter_mut().zip(v[1].iter().zip(v[2]).zip(v[3])) {
        *to += b - c + d;
    }
    for (to, d) in odd[1..].iter_mut().zip(v[3]) {
        *to -= d;
    }
}

/// Pixels of the tile rows `rows` of an output plane.
pub(super) fn output(components: &[f32], place: Place, rows: Range<usize>, grid: Grid, plane: &mut [f32]) {
    let across = grid.across;
    for (i, row) in rows.enumerate() {
        let m: [&[f32]; COMPONENTS] =
            std::array::from_fn(|k| &components[k * place.step + place.offset + i * across..][..across]);
        let pixels = &mut plane[2 * row * grid.w..];
        let (upper, lower) = pixels.split_at_mut(grid.w);
        output_line(
            upper,
            [[m[0], m[4], m[8]], [m[1], m[5], m[9]], [m[2], m[6], m[10]], [m[3], m[7], m[11]]],
            [1.0, 1.0],
        );
        if 2 * row + 1 < grid.h {
            let sums = [[m[4], m[8], m[12]], [m[5], m[9], m[13]], [m[6], m[10], m[14]], [m[7], m[11], m[15]]];
            output_line(&mut lower[..grid.w], sums, [-1.0, -1.0]);
        }
    }
}

/// One line of pixels: `s[j] = m[j][0] + signs[0]·m[j][1] + signs[1]·m[j][2]`, then even = s0 + s1 + s2 and
/// odd = s1 − s2 − s3.
fn output_line(line: &mut [f32], m: [[&[f32]; 3]; 4], signs: [f32; 2]) {
    let at = |j: usize, t: usize| m[j][0][t] + signs[0] * m[j][1][t] + signs[1] * m[j][2][t];
    let (pairs, rest) = line.as_chunks_mut::<2>();
    for (t, pair) in pairs.iter_mut().enumerate() {
        let (s1, s2) = (at(1, t), at(2, t));
        *pair = [at(0, t) + s1 + s2, s1 - s2 - at(3, t)];
    }
    if let [last] = rest {
        let t = pairs.len();
        *last = at(0, t) + at(1, t) + at(2, t);
    }
}

/// Adjoint of [`output`]: components of the gradient of the output.
pub(super) fn output_adjoint(plane: &[f32], rows: Range<usize>, grid: Grid, out: &mut [f32], place: Place) {
    let (across, w) = (grid.across, grid.w);
    for (i, row) in rows.enumerate() {
        let upper = &plane[2 * row * w..][..w];
        let lower = if 2 * row + 1 < grid.h { &plane[(2 * row + 1) * w..][..w] } else { &[][..] };
        for (k, component) in out.chunks_mut(place.step).enumerate() {
            let to = &mut component[place.offset + i * across..][..across];
            // A has the rows [1 0], [1 1], [1 −1], [0 −1]: factors of the upper and the lower line, of even and odd.
            let [up, down] = A[k / 4];
            let [even, odd] = A[k % 4];
            if lower.is_empty() {
                adjoint_line(to, upper, upper, [up, 0.0], [even, odd]);
            } else {
                adjoint_line(to, upper, lower, [up, down], [even, odd]);
            }
        }
    }
}

const A: [[f32; 2]; 4] = [[1.0, 0.0], [1.0, 1.0], [1.0, -1.0], [0.0, -1.0]];

fn adjoint_line(to: &mut [f32], upper: &[f32], lower: &[f32], [up, down]: [f32; 2], [even, odd]: [f32; 2]) {
    let (upper, upper_rest) = upper.as_chunks::<2>();
    let (lower, lower_rest) = lower.as_chunks::<2>();
    for (to, (u, l)) in to.iter_mut().zip(upper.iter().zip(lower)) {
        *to = even * (up * u[0] + down * l[0]) + odd * (up * u[1] + down * l[1]);
    }
    if let ([u], [l], Some(last)) = (upper_rest, lower_rest, to.last_mut()) {
        *last = even * (up * u + down * l);
    }
}

/// Components of one 3×3 kernel.
pub(super) fn weight(w: &[f32; 9]) -> [f32; COMPONENTS] {
    let down: [[f32; 3]; 4] = {
        let column = |x: usize| spread([w[x], w[3 + x], w[6 + x]]);
        let columns = [column(0), column(1), column(2)];
        std::array::from_fn(|i| std::array::from_fn(|x| columns[x][i]))
    };
    let mut out = [0.0; COMPONENTS];
    for (row, line) in out.as_chunks_mut::<4>().0.iter_mut().zip(down) {
        *row = spread(line);
    }
    out
}

/// G · g
fn spread([a, b, c]: [f32; 3]) -> [f32; 4] {
    let (ends, middle) = (0.5 * (a + c), 0.5 * b);
    [a, ends + middle, ends - middle, c]
}

/// Adjoint of [`weight`].
pub(super) fn weight_adjoint(u: &[f32; COMPONENTS]) -> [f32; 9] {
    let rows: [[f32; 3]; 4] = std::array::from_fn(|i| gather([u[4 * i], u[4 * i + 1], u[4 * i + 2], u[4 * i + 3]]));
    let mut out = [0.0; 9];
    for x in 0..3 {
        let column = gather([rows[0][x], rows[1][x], rows[2][x], rows[3][x]]);
        for (y, value) in column.into_iter().enumerate() {
            out[3 * y + x] = value;
        }
    }
    out
}

/// Gᵀ · g
fn gather([a, b, c, d]: [f32; 4]) -> [f32; 3] {
    let (sum, difference) = (0.5 * (b + c), 0.5 * (b - c));
    [a + sum, difference, sum + d]
}
