//! Reduces a picture to a few colours, so that it fits an indexed PNG.
//!
//! Not a general quantiser: no dithering (it would not compress) and no colour space but the stored one. Median cut
//! (Heckbert 1982) on integers, with ties broken by order, so the result is the same on every machine.

use std::collections::BTreeMap;

use image::{Rgb, RgbImage};

type Triple = [u8; 3];

/// Some colours of the picture with how often they occur.
struct Bucket {
    colours: Vec<(Triple, u64)>,
    /// The channel with the widest range, and that range.
    widest: (usize, u8),
    pixels: u64,
}

impl Bucket {
    fn new(colours: Vec<(Triple, u64)>) -> Self {
        let range = |channel: usize| {
            let values = || colours.iter().map(|(colour, _)| colour[channel]);
            values().max().unwrap_or(0) - values().min().unwrap_or(0)
        };
        let mut widest = (0, range(0));
        for channel in 1..3 {
            if range(channel) > widest.1 {
                widest = (channel, range(channel));
            }
        }
        let pixels = colours.iter().map(|&(_, count)| count).sum();
        Self { colours, widest, pixels }
    }

    /// How much there is to gain from splitting it: range weighs more than count, so that small bright spots survive.
    fn urgency(&self) -> u64 {
        let range = u64::from(self.widest.1);
        range * range * range * (self.pixels + 16)
    }

    /// Cuts at the median pixel of the widest channel; both halves hold at least one colour.
    fn split(mut self) -> (Self, Self) {
        let channel = self.widest.0;
        self.colours.sort_by_key(|&(colour, _)| (colour[channel], colour));
        let mut seen = 0;
        let median = self.colours.iter().position(|&(_, count)| {
            seen += count;
            seen * 2 >= self.pixels
        });
        let cut = (median.unwrap_or(0) + 1).clamp(1, self.colours.len().max(2) - 1);
        let upper = self.colours.split_off(cut.min(self.colours.len()));
        (Self::new(self.colours), Self::new(upper))
    }

    fn mean(&self) -> Triple {
        let pixels = self.pixels.max(1);
        std::array::from_fn(|channel| {
            let sum: u64 = self.colours.iter().map(|&(colour, count)| u64::from(colour[channel]) * count).sum();
            ((sum + pixels / 2) / pixels) as u8
        })
    }
}

/// Replaces every colour by one of at most `limit`.
pub(super) fn reduce(picture: &mut RgbImage, limit: usize) {
    let mut counts: BTreeMap<Triple, u64> = BTreeMap::new();
    for pixel in picture.pixels() {
        *counts.entry(pixel.0).or_default() += 1;
    }
    if counts.len() <= limit {
        return;
    }
    let mut buckets = vec![Bucket::new(counts.into_iter().collect())];
    while buckets.len() < limit {
        let order = buckets.iter().enumerate();
        let Some((index, _)) = order.max_by_key(|(index, bucket)| (bucket.urgency(), usize::MAX - index)) else {
            break;
        };
        if buckets.get(index).is_none_or(|bucket| bucket.widest.1 == 0) {
            break;
        }
        let (lower, upper) = buckets.swap_remove(index).split();
        buckets.extend([lower, upper]);
    }
    let mut replacement: BTreeMap<Triple, Triple> = BTreeMap::new();
    for bucket in &buckets {
        let mean = bucket.mean();
        replacement.extend(bucket.colours.iter().map(|&(colour, _)| (colour, mean)));
    }
    for pixel in picture.pixels_mut() {
        if let Some(&colour) = replacement.get(&pixel.0) {
            *pixel = Rgb(colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn picture_with_many_colours_keeps_the_allowed_number_and_stays_close() {
        let original = RgbImage::from_fn(64, 64, |x, y| Rgb([(x * 4) as u8, (y * 4) as u8, (x + y) as u8]));
        let mut reduced = original.clone();
        reduce(&mut reduced, 64);
        let distinct: BTreeSet<_> = reduced.pixels().map(|pixel| pixel.0).collect();
        assert!(distinct.len() <= 64 && distinct.len() > 48, "{}", distinct.len());
        let far = original.pixels().zip(reduced.pixels()).filter(|(a, b)| a.0[0].abs_diff(b.0[0]) > 40).count();
        assert_eq!(far, 0);
    }

    #[test]
    fn picture_with_few_colours_is_left_alone() {
        let original = RgbImage::from_fn(16, 16, |x, _| Rgb([(x * 9) as u8, 3, 200]));
        let mut reduced = original.clone();
        reduce(&mut reduced, 16);
        assert_eq!(original, reduced);
    }
}
