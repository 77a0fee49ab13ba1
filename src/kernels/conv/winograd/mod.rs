//! Convolution 3×3 of stride 1 with a quarter of the multiplications, for maps large enough and weights few enough that
//! the transforms pay: they write 36 numbers where a patch of the output has 16, and 36 where a kernel has 9.

mod patches;
mod sweep;
#[cfg(test)]
mod tests;
mod transforms;
mod weight_gradient;

pub(super) use sweep::Winograd;
pub(super) use weight_gradient::WinogradGradient;

use super::shape::ConvShape;

/// Pairs of channels at most: their transformed weights must come from the third-level cache at worst.
const MAX_PAIRS: usize = 128 * 128;
/// Channels at least, on either side.
const MIN_CHANNELS: usize = 16;
/// Share of the patches' pixels that are inside the image, at least.
const MIN_USED: f64 = 0.7;

/// The transforms pay for this convolution.
pub(super) fn pays(shape: &ConvShape) -> bool {
    let [channels_in, channels_out] = [shape.input.channels, shape.output.channels];
    let [rows, cols] = patches::patches(&shape.output).map(|patches| (patches * transforms::OUT) as f64);
    let used = shape.output.pixels() as f64 / (rows * cols);
    shape.side == 3
        && shape.stride == 1
        && channels_in.min(channels_out) >= MIN_CHANNELS
        && channels_in * channels_out <= MAX_PAIRS
        && used >= MIN_USED
        && shape.n * shape.output.pixels() >= MIN_CHANNELS * transforms::PLACES
}
