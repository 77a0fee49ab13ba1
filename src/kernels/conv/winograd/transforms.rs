//! The small matrices of F(4×4, 3×3): 4×4 outputs of a 3×3 convolution from 36 products instead of 144.
//!
//! Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4.3, points 0, ±1, ±2, ∞:
//! `y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A`. The gradient of the weight is the same sum read the other way round:
//! `dg = Gᵀ [Σ (Bᵀ d B) ⊙ (A dy Aᵀ)] G`.
//!
//! Every number is a vector over some channels; a matrix is applied to the columns and then to the rows.

use pulp::Simd;

/// Side of the output of one patch in pixels.
pub(super) const OUT: usize = 4;
/// Side of the input of one patch in pixels.
pub(super) const IN: usize = 6;
/// Side of the kernel.
pub(super) const KERNEL: usize = 3;
/// Products per patch and pair of channels.
pub(super) const PLACES: usize = IN * IN;

/// A square of vectors.
pub(super) type Square<S, const N: usize> = [[<S as Simd>::f32s; N]; N];

/// One of the small matrices, as what it does to a column. A trait, because only its methods are sure to be inlined into
/// the code for the processor's instructions.
trait Map<const N: usize, const M: usize> {
    fn apply<S: Simd>(simd: S, column: [S::f32s; N]) -> [S::f32s; M];

    /// Applies the map to every column, then to every row of the result.
    #[inline(always)]
    fn both_ways<S: Simd>(simd: S, square: &Square<S, N>) -> Square<S, M> {
        let zero = simd.splat_f32s(0.0);
        let mut half = [[zero; N]; M];
        for j in 0..N {
            let mut column = [zero; N];
            for (value, row) in column.iter_mut().zip(square) {
                *value = row[j];
            }
            for (row, value) in half.iter_mut().zip(Self::apply(simd, column)) {
                row[j] = value;
            }
        }
        let mut whole = [[zero; M]; M];
        for (whole, half) in whole.iter_mut().zip(half) {
            *whole = Self::apply(simd, half);
        }
        whole
    }
}

/// `factor · a + b`
#[inline(always)]
fn add<S: Simd>(simd: S, factor: f32, a: S::f32s, b: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(simd.splat_f32s(factor), a, b)
}

/// `[a + b, a − b]`
#[inline(always)]
fn both<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> [S::f32s; 2] {
    [simd.add_f32s(a, b), simd.sub_f32s(a, b)]
}

#[inline(always)]
fn scaled<S: Simd>(simd: S, factor: f32, a: S::f32s) -> S::f32s {
    simd.mul_f32s(simd.splat_f32s(factor), a)
}

/// `Bᵀ`
struct Input;

impl Map<IN, IN> for Input {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, [a, b, c, d, e, f]: [S::f32s; IN]) -> [S::f32s; IN] {
        let [one, two] = both(simd, add(simd, -4.0, c, e), add(simd, -4.0, b, d));
        let [three, four] = both(simd, simd.sub_f32s(e, c), scaled(simd, 2.0, simd.sub_f32s(d, b)));
        let zero = add(simd, 4.0, a, add(simd, -5.0, c, e));
        [zero, one, two, three, four, add(simd, 4.0, b, add(simd, -5.0, d, f))]
    }
}

/// `G`
struct Kernel;

impl Map<KERNEL, IN> for Kernel {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, [a, b, c]: [S::f32s; KERNEL]) -> [S::f32s; IN] {
        let sum = simd.add_f32s(a, c);
        let [one, two] = both(simd, scaled(simd, -1.0 / 6.0, sum), scaled(simd, -1.0 / 6.0, b));
        let even = add(simd, 1.0 / 24.0, a, scaled(simd, 1.0 / 6.0, c));
        let [three, four] = both(simd, even, scaled(simd, 1.0 / 12.0, b));
        [scaled(simd, 0.25, a), one, two, three, four, c]
    }
}

/// `Aᵀ`
struct Output;

impl Map<IN, OUT> for Output {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, [a, b, c, d, e, f]: [S::f32s; IN]) -> [S::f32s; OUT] {
        let ([plus, minus], [far_plus, far_minus]) = (both(simd, b, c), both(simd, d, e));
        [
            simd.add_f32s(simd.add_f32s(a, plus), far_plus),
            add(simd, 2.0, far_minus, minus),
            add(simd, 4.0, far_plus, plus),
            simd.add_f32s(add(simd, 8.0, far_minus, minus), f),
        ]
    }
}

/// `A`
struct Gradient;

impl Map<OUT, IN> for Gradient {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; OUT]) -> [S::f32s; IN] {
        let [one, two] = both(simd, simd.add_f32s(a, c), simd.add_f32s(b, d));
        let [three, four] = both(simd, add(simd, 4.0, c, a), add(simd, 8.0, d, scaled(simd, 2.0, b)));
        [a, one, two, three, four, d]
    }
}

/// `Gᵀ`
struct KernelGradient;

impl Map<IN, KERNEL> for KernelGradient {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, [a, b, c, d, e, f]: [S::f32s; IN]) -> [S::f32s; KERNEL] {
        let ([plus, minus], [far_plus, far_minus]) = (both(simd, b, c), both(simd, d, e));
        let first = add(simd, 1.0 / 24.0, far_plus, add(simd, -1.0 / 6.0, plus, scaled(simd, 0.25, a)));
        let second = add(simd, 1.0 / 12.0, far_minus, scaled(simd, -1.0 / 6.0, minus));
        [first, second, add(simd, 1.0 / 6.0, simd.sub_f32s(far_plus, plus), f)]
    }
}

/// `Bᵀ d B` of an input patch.
#[inline(always)]
pub(super) fn input<S: Simd>(simd: S, patch: &Square<S, IN>) -> Square<S, IN> {
    Input::both_ways(simd, patch)
}

/// `G g Gᵀ` of a kernel.
#[inline(always)]
pub(super) fn kernel<S: Simd>(simd: S, weights: &Square<S, KERNEL>) -> Square<S, IN> {
    Kernel::both_ways(simd, weights)
}

/// `Aᵀ m A`: the output patch.
#[inline(always)]
pub(super) fn output<S: Simd>(simd: S, products: &Square<S, IN>) -> Square<S, OUT> {
    Output::both_ways(simd, products)
}

/// `A dy Aᵀ` of the gradient of an output patch.
#[inline(always)]
pub(super) fn gradient<S: Simd>(simd: S, patch: &Square<S, OUT>) -> Square<S, IN> {
    Gradient::both_ways(simd, patch)
}

/// `Gᵀ m G`: the gradient of the kernel.
#[inline(always)]
pub(super) fn kernel_gradient<S: Simd>(simd: S, products: &Square<S, IN>) -> Square<S, KERNEL> {
    KernelGradient::both_ways(simd, products)
}
