//! How imported weights see pixels: what a person may change of it, under which names, and which numbers can be used.

use super::Network;
use crate::data::Preprocess;
use std::ops::RangeInclusive;

/// A mean and a deviation that go by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreprocessPreset {
    /// To [-1, 1]: 0.5 for every colour.
    Insightface,
    /// torchvision's numbers of ImageNet.
    Imagenet,
}

impl PreprocessPreset {
    /// Both, in the order of lists.
    pub const ALL: [Self; 2] = [Self::Insightface, Self::Imagenet];

    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Insightface => "insightface",
            Self::Imagenet => "imagenet",
        }
    }

    /// Its name on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Insightface => "InsightFace (0.5, 0.5)",
            Self::Imagenet => "ImageNet",
        }
    }

    /// What it changes: mean and deviation.
    pub fn change(self) -> PreprocessChange {
        // Sizes play no part in the numbers.
        let usual = Preprocess::new(1, 3);
        let Preprocess { mean, std, .. } = match self {
            Self::Insightface => usual,
            Self::Imagenet => usual.imagenet(),
        };
        PreprocessChange { mean: Some(mean), std: Some(std), ..PreprocessChange::default() }
    }
}

/// Parts of a [`Preprocess`] that a person knows better; the others stay.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PreprocessChange {
    /// Of red, green, blue, as shares of 255.
    pub mean: Option<[f32; 3]>,
    /// The same.
    pub std: Option<[f32; 3]>,
    /// Blue, green, red.
    pub blue_first: Option<bool>,
    /// Add the embedding of the mirrored image.
    pub add_mirror: Option<bool>,
}

/// Means that can be used, as shares of 255. Pixels are shares between 0 and 1 where the mean is taken from them, and so are
/// all means in use: larger ones are in another unit, such as 127.5, with which a network sees one grey whatever the image.
const MEAN: RangeInclusive<f32> = -2.0..=2.0;
/// Deviations that can be used, as shares of 255. A network that was trained on bytes as they are has 1/255 = 0.0039.
const STD: RangeInclusive<f32> = 1e-4..=2.0;

impl PreprocessChange {
    /// Whether a mean can be used.
    ///
    /// # Errors
    /// What it must be, as the rest of a sentence about the file and as one of its own.
    pub fn check_mean(mean: f32) -> Result<(), &'static str> {
        if MEAN.contains(&mean) {
            Ok(())
        } else {
            Err("the mean must be a number between -2 and 2, as a share of 255 (0.5 stands for 127.5)")
        }
    }

    /// Whether a deviation can be used.
    ///
    /// # Errors
    /// As [`Self::check_mean`].
    pub fn check_std(std: f32) -> Result<(), &'static str> {
        if STD.contains(&std) {
            Ok(())
        } else {
            Err("the deviation must be a number between 0.0001 and 2, as a share of 255 (0.5 stands for 127.5)")
        }
    }

    /// Makes the change, and checks what comes out, changed or not.
    ///
    /// # Errors
    /// Which number cannot be used.
    pub(super) fn apply(&self, network: &mut Network) -> Result<(), &'static str> {
        let preprocess = &mut network.preprocess;
        preprocess.mean = self.mean.unwrap_or(preprocess.mean);
        preprocess.std = self.std.unwrap_or(preprocess.std);
        preprocess.blue_first = self.blue_first.unwrap_or(preprocess.blue_first);
        network.add_mirror = self.add_mirror.unwrap_or(network.add_mirror);
        preprocess.mean.into_iter().try_for_each(Self::check_mean)?;
        preprocess.std.into_iter().try_for_each(Self::check_std)
    }
}
