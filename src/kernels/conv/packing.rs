//! How an image is laid out for the inner loops.
//!
//! Packed, an image is padded and cut into blocks of 16 channels whose numbers lie side by side: neighbours in memory are
//! what an output pixel sums over. With stride 2 rows and columns are also parted by parity, so that neighbours in the
//! output are neighbours in the packed image too and one inner loop serves every stride.

use super::shape::Planes;
use super::tile::BLOCK;

/// Layout of a packed image: `[block][row part][column part][row][column][16]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packing {
    pub planes: Planes,
    /// Empty pixels around the image.
    pub pad: usize,
    /// Rows and columns are parted into this many interleaved sets.
    pub parts: usize,
}

impl Packing {
    /// Rows and columns of one part.
    fn part(&self) -> [usize; 2] {
        [self.planes.rows, self.planes.cols].map(|side| (side + 2 * self.pad).div_ceil(self.parts))
    }

    /// Numbers from one row to the next.
    pub fn row_step(&self) -> usize {
        self.part()[1] * BLOCK
    }

    /// Numbers from one block of channels to the next.
    pub fn block_step(&self) -> usize {
        self.part()[0] * self.row_step() * self.parts * self.parts
    }

    /// Blocks of channels.
    pub fn blocks(&self) -> usize {
        self.planes.channels.div_ceil(BLOCK)
    }

    /// Numbers per packed image.
    pub fn len(&self) -> usize {
        self.blocks() * self.block_step()
    }

    /// Place of a pixel within a block, its row and column counted from the corner of the padding.
    pub fn place(&self, row: usize, col: usize) -> usize {
        let part = (row % self.parts) * self.parts + col % self.parts;
        (part * self.part()[0] + row / self.parts) * self.row_step() + col / self.parts * BLOCK
    }

    /// Copies an image into `packed`, which holds zeros wherever this does not write: the padding and the channels that
    /// the last block lacks. A buffer may be packed again without clearing it.
    pub fn pack(&self, image: &[f32], packed: &mut [f32]) {
        let Planes { rows, cols, .. } = self.planes;
        let blocks = image.chunks(BLOCK * rows * cols).zip(packed.chunks_exact_mut(self.block_step()));
        for (planes, block) in blocks {
            for row in 0..rows {
                for first in 0..self.parts.min(cols) {
                    let to = &mut block[self.place(row + self.pad, first + self.pad)..];
                    for (channel, plane) in planes.chunks_exact(rows * cols).enumerate() {
                        let line = &plane[row * cols..][..cols];
                        for (pixel, value) in to.chunks_mut(BLOCK).zip(line[first..].iter().step_by(self.parts)) {
                            pixel[channel] = *value;
                        }
                    }
                }
            }
        }
    }
}
