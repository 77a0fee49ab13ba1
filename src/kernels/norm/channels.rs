//! Loops over images whose channels lie side by side.
//!
//! The numbers of one channel repeat with the period of the pixel. Loops over so few numbers as a pixel may have would
//! spend their time starting and ending, so several pixels make a row and what belongs to the channels is written out
//! once per row.

/// Numbers per row at least.
const ROW_LEN: usize = 512;
/// Numbers per piece aimed at: a piece read twice comes from the second-level cache, and is worth a task of its own.
const PIECE_LEN: usize = 32_768;

/// Sizes of a batch of images.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channels {
    pub channels: usize,
    /// Pixels of the batch.
    pub pixels: usize,
}

impl Channels {
    /// Of images `[n, rows, columns, channels]`; `None` where there is nothing.
    pub fn of(dims: [usize; 4]) -> Option<Self> {
        let [n, rows, cols, channels] = dims;
        (!dims.contains(&0)).then_some(Self { channels, pixels: n * rows * cols })
    }

    /// Numbers per row: whole pixels.
    pub fn row_len(&self) -> usize {
        self.channels * ROW_LEN.div_ceil(self.channels).min(self.pixels)
    }

    /// Numbers per piece: whole rows. The same for any number of threads, and with it the order of the sums.
    pub fn piece_len(&self) -> usize {
        self.row_len() * (PIECE_LEN / self.row_len()).max(1)
    }

    /// What belongs to the channels, written out for one row.
    pub fn row<T: Copy>(&self, per_channel: impl Fn(usize) -> T) -> Vec<T> {
        let pixel: Vec<T> = (0..self.channels).map(per_channel).collect();
        pixel.repeat(self.row_len() / self.channels)
    }

    /// Adds the numbers of a row up per channel.
    pub fn fold(&self, row: &[f32], sums: &mut [f64]) {
        for pixel in row.chunks_exact(self.channels) {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += f64::from(*value);
            }
        }
    }
}
