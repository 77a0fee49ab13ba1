//! Sizes of one convolution, and which pixels meet which weight.

use std::ops::Range;

/// Side of the output for an input side and a stride, padding "same": `⌈side / stride⌉`.
pub fn output_px(side_px: usize, stride: usize) -> usize {
    side_px.div_ceil(stride)
}

/// Sizes of one convolution. All choices (images per product, parts per gradient) follow from the shapes, never from
/// the number of threads, so results are the same on every machine of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvShape {
    /// Images.
    pub n: usize,
    /// Input channels and size.
    pub c_in: usize,
    pub h: usize,
    pub w: usize,
    /// Output channels and size.
    pub c_out: usize,
    pub out_h: usize,
    pub out_w: usize,
    /// Side of the kernel: 1 or 3.
    pub side: usize,
    pub stride: usize,
    /// Images that share one matrix product.
    pub group: usize,
    /// Output rows of one matrix product where an image has many: columns that stay in the cache between being
    /// written and being multiplied are worth more than a larger product.
    pub strip: usize,
}

/// Columns per matrix product aimed at.
const COLUMNS: usize = 256;

impl ConvShape {
    /// `None` for what the fast path does not do.
    pub(super) fn new(x: [usize; 4], w: [usize; 4], stride: usize) -> Option<Self> {
        let [n, c_in, h, width] = x;
        let [c_out, w_in, side, side_w] = w;
        let supported = (side == 1 || side == 3) && side == side_w && (stride == 1 || stride == 2);
        if !supported || w_in != c_in || [n, c_in, h, width, c_out].contains(&0) {
            return None;
        }
        let (out_h, out_w) = (output_px(h, stride), output_px(width, stride));
        let group = (COLUMNS / (out_h * out_w)).clamp(1, n.div_ceil(8));
        let strip = if group > 1 { out_h } else { (COLUMNS / out_w).clamp(1, out_h) };
        Some(Self { n, c_in, h, w: width, c_out, out_h, out_w, side, stride, group, strip })
    }

    /// Weights per pair of channels.
    pub(super) fn taps(&self) -> usize {
        self.side * self.side
    }

    /// Rows of the column matrix: weights of one output channel.
    pub(super) fn k(&self) -> usize {
        self.taps() * self.c_in
    }

    /// Output pixels of one channel of one image.
    pub(super) fn pixels(&self) -> usize {
        self.out_h * self.out_w
    }

    /// Numbers per input image.
    pub(super) fn x_len(&self) -> usize {
        self.c_in * self.h * self.w
    }

    /// Numbers per output image.
    pub(super) fn y_len(&self) -> usize {
        self.c_out * self.pixels()
    }

    /// The output rows of an image, cut into strips.
    pub(super) fn strips(&self) -> impl Iterator<Item = Range<usize>> {
        let (step, end) = (self.strip, self.out_h);
        (0..end).step_by(step).map(move |first| first..(first + step).min(end))
    }

    /// Calls `run(output offset, input offset, length)` for every row of pixels among the output rows `lines` that meets
    /// the weight number `tap`; input pixels of a run are `stride` apart, output offsets count from the first of the
    /// lines. What lies in the padding is left out.
    #[inline]
    pub(super) fn runs(&self, tap: usize, lines: Range<usize>, mut run: impl FnMut(usize, usize, usize)) {
        let (ky, kx) = (tap / self.side, tap % self.side);
        let pad = self.side / 2;
        // First and one past the last x with 0 <= x * stride + kx - pad < w.
        let first = pad.saturating_sub(kx).div_ceil(self.stride);
        let end = (self.w + pad - kx).div_ceil(self.stride).min(self.out_w);
        if first >= end {
            return;
        }
        let top = lines.start;
        for y in lines {
            let Some(iy) = (y * self.stride + ky).checked_sub(pad).filter(|iy| *iy < self.h) else {
                continue;
            };
            let source = iy * self.w + first * self.stride + kx - pad;
            run((y - top) * self.out_w + first, source, end - first);
        }
    }
}
