//! From pixels to numbers: the one definition of what the network sees, stored with every checkpoint.

use serde::{Deserialize, Serialize};

/// Size, channels and normalisation of the network's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Side of the square image, in pixels.
    pub image_px: u32,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: u32,
    /// Subtracted from `value / 255`, per channel; a grey image uses the first.
    pub mean: [f32; 3],
    /// Divides what remains, per channel.
    pub std: [f32; 3],
    /// The network takes blue, green, red. `mean` and `std` stay in the order red, green, blue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blue_first: bool,
}

impl Preprocess {
    /// The usual normalisation to [-1, 1].
    pub fn new(image_px: u32, channels: u32) -> Self {
        Self { image_px, channels, mean: [0.5; 3], std: [0.5; 3], blue_first: false }
    }

    /// With the mean and deviation of ImageNet, in torchvision's digits.
    pub fn imagenet(self) -> Self {
        Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], ..self }
    }

    /// Bytes of one image as 8-bit pixels, and numbers of one image as input.
    pub fn sample_len(&self) -> usize {
        self.image_px as usize * self.image_px as usize * self.channels as usize
    }

    /// Factor and offset that take a byte to the network's number: `byte · factor + offset`.
    pub fn factor_offset(&self, channel: usize) -> (f32, f32) {
        let mean = self.mean.get(channel).copied().unwrap_or(0.5);
        let std = self.std.get(channel).copied().unwrap_or(0.5).max(1e-6);
        (1.0 / (255.0 * std), -mean / std)
    }

    /// One image: interleaved bytes (H, W, C) to planes of numbers (C, H, W). Both have [`Self::sample_len`] entries.
    pub fn normalise(&self, pixels: &[u8], out: &mut [f32]) {
        let channels = self.channels as usize;
        let plane = out.len() / channels.max(1);
        for (c, plane) in out.chunks_exact_mut(plane.max(1)).enumerate() {
            let c = if self.blue_first { (channels - 1).saturating_sub(c) } else { c };
            let (factor, offset) = self.factor_offset(c);
            for (number, pixel) in plane.iter_mut().zip(pixels.chunks_exact(channels.max(1))) {
                *number = f32::from(pixel.get(c).copied().unwrap_or(0)) * factor + offset;
            }
        }
    }

    /// Puts normalised planes red, green, blue into the order that the network takes.
    pub fn order_channels(&self, planes: &mut [f32]) {
        if let (true, 3) = (self.blue_first, self.channels) {
            let plane = planes.len() / 3;
            let (red, rest) = planes.split_at_mut(plane);
            if let Some(blue) = rest.get_mut(plane..2 * plane) {
                red.swap_with_slice(blue);
            }
        }
    }

    /// As [`Self::normalise`], mirrored left to right.
    pub fn normalise_mirrored(&self, pixels: &[u8], out: &mut [f32]) {
        self.normalise(pixels, out);
        for row in out.chunks_exact_mut(self.image_px.max(1) as usize) {
            row.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_planes_between_minus_one_and_one() {
        let pre = Preprocess::new(2, 3);
        let pixels = [0, 1, 2, 255, 4, 5, 6, 7, 8, 9, 10, 255];
        let mut out = [0.0; 12];
        pre.normalise(&pixels, &mut out);
        let expected = |byte: f32| (byte / 255.0 - 0.5) / 0.5;
        assert!((out[0] + 1.0).abs() < 1e-6 && (out[1] - 1.0).abs() < 1e-6);
        assert!((out[4] - expected(1.0)).abs() < 1e-6 && (out[11] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn blue_may_come_first() {
        let pre = Preprocess { mean: [0.0; 3], std: [1.0, 0.5, 0.25], blue_first: true, ..Preprocess::new(1, 3) };
        let mut out = [0.0; 3];
        pre.normalise(&[51, 102, 255], &mut out);
        assert!(out.iter().zip([4.0, 0.8, 0.2]).all(|(a, b)| (a - b).abs() < 1e-6), "{out:?}");
        let text = serde_json::to_string(&pre).unwrap();
        assert_eq!(serde_json::from_str::<Preprocess>(&text).unwrap(), pre);
        assert!(!serde_json::to_string(&Preprocess::new(1, 3)).unwrap().contains("blue_first"));
    }

    #[test]
    fn mirroring_swaps_columns_only() {
        let pre = Preprocess { mean: [0.0; 3], std: [1.0; 3], ..Preprocess::new(2, 1) };
        let mut out = [0.0; 4];
        pre.normalise_mirrored(&[255, 0, 0, 255], &mut out);
        assert!(out.iter().zip([0.0, 1.0, 1.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-6), "{out:?}");
    }
}
