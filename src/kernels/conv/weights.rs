//! Weights in the order the inner loop reads them.

use super::tile::BLOCK;
use rayon::prelude::*;

/// A weight tensor as a map from channels `from` to channels `to`: the number for (to, from, tap) lies at
/// `to * to_step + from * from_step + tap`. The gradient of the input reads the same tensor the other way round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights<'a> {
    pub values: &'a [f32],
    pub to: usize,
    pub from: usize,
    pub to_step: usize,
    pub from_step: usize,
}

impl Weights<'_> {
    /// `[tile][block][tap][channel of the block][channel of the tile]`; what the last tile of `width` lacks is 0.
    pub fn pack(&self, taps: &[usize], width: usize) -> Vec<f32> {
        let mut packed = vec![0f32; self.to.div_ceil(width) * self.tile_len(taps.len(), width)];
        if packed.is_empty() {
            return packed;
        }
        let tiles = packed.par_chunks_mut(self.tile_len(taps.len(), width)).enumerate();
        tiles.for_each(|(tile, packed)| self.pack_tile(tile * width, taps, width, packed));
        packed
    }

    /// Numbers of one tile of output channels.
    pub fn tile_len(&self, taps: usize, width: usize) -> usize {
        self.from * taps * width
    }

    /// The tile whose first output channel is `first`.
    pub fn pack_tile(&self, first: usize, taps: &[usize], width: usize, packed: &mut [f32]) {
        for block in (0..self.from).step_by(BLOCK) {
            let len = BLOCK.min(self.from - block);
            let packed = &mut packed[block * taps.len() * width..];
            for j in 0..width.min(self.to - first) {
                for c in 0..len {
                    let values = &self.values[(first + j) * self.to_step + (block + c) * self.from_step..];
                    for (t, tap) in taps.iter().enumerate() {
                        packed[(t * len + c) * width + j] = values[*tap];
                    }
                }
            }
        }
    }
}
