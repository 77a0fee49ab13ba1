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

/// Pairs of channels at most: more transformed weights than that come too slowly.
const MAX_PAIRS: usize = 256 * 256;
/// Channels at least, on either side.
const MIN_CHANNELS: usize = 16;
/// Pixels of the batch at least.
const MIN_PIXELS: usize = 576;
/// Pairs of channels per pixel of the batch at most, for the weights' transform and for that of their gradient, which are
/// done once for all pixels.
const MAX_PAIRS_PER_PIXEL: usize = 64;
const MAX_SUMS_PER_PIXEL: usize = 24;
/// The same for weights that are transformed already, which are only read: four times as much as the direct ones.
const MIN_PIXELS_KEPT: usize = 144;
const MAX_PAIRS_PER_PIXEL_KEPT: usize = 96;
/// Share of the patches' pixels that are inside the image, at least.
const MIN_USED: f64 = 0.7;

/// The transforms pay for output and gradient of the input. Measured beside the direct convolution over the sizes of our
/// networks' layers.
pub(super) fn pays(shape: &ConvShape) -> bool {
    worth(shape, MIN_PIXELS, MAX_PAIRS_PER_PIXEL)
}

/// The same where the weights are kept transformed: fewer pixels suffice.
pub(super) fn pays_with_kept_weights(shape: &ConvShape) -> bool {
    worth(shape, MIN_PIXELS_KEPT, MAX_PAIRS_PER_PIXEL_KEPT)
}

/// The transforms pay for the gradient of the weights.
pub(super) fn pays_for_weights(shape: &ConvShape) -> bool {
    worth(shape, MIN_PIXELS, MAX_SUMS_PER_PIXEL)
}

/// Numbers that a convolution keeps packed from call to call per number of its weights, at most: transformed ones are more.
pub fn kept_per_weight([channels_in, channels_out]: [usize; 2], side: usize) -> usize {
    let may_pay = channels_in.min(channels_out) >= MIN_CHANNELS && channels_in * channels_out <= MAX_PAIRS;
    if side == transforms::KERNEL && may_pay { transforms::PLACES / (side * side) } else { 1 }
}

fn worth(shape: &ConvShape, min_pixels: usize, pairs_per_pixel: usize) -> bool {
    let [channels_in, channels_out] = [shape.input.channels, shape.output.channels];
    let (pixels, pairs) = (shape.n * shape.output.pixels(), channels_in * channels_out);
    let covered: usize = patches::patches(&shape.output).iter().map(|patches| patches * transforms::OUT).product();
    let used = shape.output.pixels() as f64 / covered as f64;
    let right_kind = shape.side == transforms::KERNEL && shape.stride == 1;
    right_kind
        && channels_in.min(channels_out) >= MIN_CHANNELS
        && pairs <= MAX_PAIRS.min(pixels * pairs_per_pixel)
        && used >= MIN_USED
        && pixels >= min_pixels
}
