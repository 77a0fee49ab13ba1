//! Sizes of one convolution.

/// Side of the output for an input side and a stride, padding "same": `⌈side / stride⌉`.
pub fn output_px(side_px: usize, stride: usize) -> usize {
    side_px.div_ceil(stride)
}

/// Size of an image: rows, columns, channels, the channels of a pixel side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maps {
    pub rows: usize,
    pub cols: usize,
    pub channels: usize,
}

impl Maps {
    pub fn pixels(&self) -> usize {
        self.rows * self.cols
    }

    /// Numbers per image.
    pub fn len(&self) -> usize {
        self.pixels() * self.channels
    }

    /// Sizes of a batch as burn writes them.
    pub fn dims(&self, n: usize) -> [usize; 4] {
        [n, self.rows, self.cols, self.channels]
    }
}

/// Sizes of one convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvShape {
    /// Images.
    pub n: usize,
    pub input: Maps,
    pub output: Maps,
    /// Side of the kernel: 1 or 3.
    pub side: usize,
    /// 1 or 2.
    pub stride: usize,
}

impl ConvShape {
    /// `None` for what the fast path does not do.
    pub fn new(x: [usize; 4], w: [usize; 4], stride: usize) -> Option<Self> {
        let [n, rows, cols, c_in] = x;
        let [c_out, w_in, side, side_w] = w;
        let supported = (side == 1 || side == 3) && side == side_w && (stride == 1 || stride == 2);
        if !supported || w_in != c_in || [n, c_in, rows, cols, c_out].contains(&0) {
            return None;
        }
        let input = Maps { rows, cols, channels: c_in };
        let output = Maps { rows: output_px(rows, stride), cols: output_px(cols, stride), channels: c_out };
        Some(Self { n, input, output, side, stride })
    }

    /// Weights per pair of channels.
    pub fn taps(&self) -> usize {
        self.side * self.side
    }
}
