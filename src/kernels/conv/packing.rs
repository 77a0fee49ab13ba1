//! How an image is laid out for the inner loops.
//!
//! Packed, a strip of an image is padded and cut into blocks of 16 channels whose numbers lie side by side: neighbours in
//! memory are what an output pixel sums over. With stride 2 rows and columns are also parted by parity, so that neighbours
//! in the output are neighbours in the packed strip too and one inner loop serves every stride. A strip is as many rows as
//! stay in the second-level cache; small images are one strip.

use super::shape::Maps;
use super::tile::BLOCK;

/// Numbers of a packed strip at most (one row is taken in any case): half of a second-level cache of 1 MB.
const STRIP_LEN: usize = 131_072;

/// Layout of a packed strip: `[block][row part][column part][row][column][16]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packing {
    pub maps: Maps,
    /// Empty pixels around the image.
    pub pad: usize,
    /// Pixels of the image between neighbours in the strip.
    pub stride: usize,
    /// Rows and columns are parted into this many interleaved sets: the stride, or 1 where the other sets meet no weight.
    pub parts: usize,
    /// Rows of a part that a strip adds to the one before.
    pub strip: usize,
    /// Rows that it shares with the next.
    pub halo: usize,
}

impl Packing {
    /// With strips that fit the cache; `rows` are wanted in all.
    pub fn new(maps: Maps, side: usize, stride: usize, rows: usize) -> Self {
        let (pad, parts) = (side / 2, stride.min(side));
        let whole = Self { maps, pad, stride, parts, strip: rows, halo: (side - 1) / stride };
        let strips = whole.len().div_ceil(STRIP_LEN).min(rows);
        Self { strip: rows.div_ceil(strips), ..whole }
    }

    /// Numbers from one row to the next.
    pub fn row_step(&self) -> usize {
        (self.maps.cols + 2 * self.pad).div_ceil(self.stride) * BLOCK
    }

    /// Numbers from one block of channels to the next.
    pub fn block_step(&self) -> usize {
        (self.strip + self.halo) * self.row_step() * self.parts * self.parts
    }

    /// Blocks of channels.
    pub fn blocks(&self) -> usize {
        self.maps.channels.div_ceil(BLOCK)
    }

    /// Numbers per packed strip.
    pub fn len(&self) -> usize {
        self.blocks() * self.block_step()
    }

    /// Place of a pixel within a block, its row and column counted from the corner of the strip's padding.
    pub fn place(&self, row: usize, col: usize) -> usize {
        let part = (row % self.stride) * self.parts + col % self.stride;
        (part * (self.strip + self.halo) + row / self.stride) * self.row_step() + col / self.stride * BLOCK
    }

    /// Copies the strip that begins at row `first` of the parts into `packed`, which holds zeros wherever this does not
    /// write: the padding beside the image and the channels that the last block lacks. A buffer may be packed again
    /// without clearing it.
    pub fn pack(&self, image: &[f32], first: usize, packed: &mut [f32]) {
        let row_len = self.maps.cols * self.maps.channels;
        for row in 0..self.strip + self.halo {
            for part in 0..self.parts {
                let from =
                    ((first + row) * self.stride + part).checked_sub(self.pad).filter(|row| *row < self.maps.rows);
                let from = from.map(|row| &image[row * row_len..][..row_len]);
                for (block, packed) in packed.chunks_exact_mut(self.block_step()).enumerate() {
                    self.pack_row(from, row * self.stride + part, block, packed);
                }
            }
        }
    }

    /// One row of one block; zeros where there is no row.
    fn pack_row(&self, from: Option<&[f32]>, row: usize, block: usize, packed: &mut [f32]) {
        let Maps { cols, channels, .. } = self.maps;
        let len = (channels - block * BLOCK).min(BLOCK);
        for part in 0..self.parts {
            let to = &mut packed[self.place(row, part)..][..self.row_step()];
            let Some(from) = from else {
                to.fill(0.0);
                continue;
            };
            // The part's first column inside the image.
            let col = (part + self.pad * (self.stride - 1)) % self.stride;
            let Some(from) = from.get(col * channels + block * BLOCK..) else { continue };
            let to = to[(col + self.pad) / self.stride * BLOCK..].chunks_exact_mut(BLOCK);
            let pixels = to.zip(from.chunks(self.stride * channels)).take((cols - col).div_ceil(self.stride));
            if len == BLOCK {
                for (to, from) in pixels {
                    // A fixed length becomes one move instead of a call.
                    if let (Some(to), Some(from)) = (to.first_chunk_mut::<BLOCK>(), from.first_chunk::<BLOCK>()) {
                        *to = *from;
                    }
                }
            } else {
                for (to, from) in pixels {
                    to.iter_mut().zip(&from[..len]).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }
}
