//! Which head: all that is needed to build it again.

use super::{HeadOptions, MarginHead, magface, partial_fc};
use crate::config::{Head, Margins};
use crate::kernels::Kernels;
use serde::{Deserialize, Serialize};

/// The description of a head that a checkpoint stores beside the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSpec {
    /// Which loss.
    pub head: Head,
    /// Number of classes.
    pub classes: usize,
    /// Numbers per embedding.
    pub embedding_dim: usize,
    /// Factor on the cosine; for AdaCos where it starts. Plain softmax and A-softmax do not use it.
    pub scale: f64,
    /// The full margins; those that the loss does not have change nothing.
    #[serde(alias = "margin", deserialize_with = "margins_or_one_number")]
    pub margins: Margins,
    /// What is added to the loss.
    #[serde(default)]
    pub options: HeadOptions,
}

/// Runs of earlier versions hold one number, in the unit of their loss.
fn margins_or_one_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Margins, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(f64),
        All(Margins),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::One(margin) => Margins { rad: margin, cos: margin, ..Margins::NONE },
        Written::All(margins) => margins,
    })
}

impl HeadSpec {
    /// A head without anything added.
    pub fn plain(head: Head, [classes, embedding_dim]: [usize; 2], scale: f64, margins: Margins) -> Self {
        let options = HeadOptions { detached: head.detached_as_published(), ..HeadOptions::default() };
        Self { head, classes, embedding_dim, scale, margins, options }
    }

    /// The head with the start values of `seed`, drawn on the host (see `EmbedderSpec::init_seeded`).
    pub fn init_seeded<B: Kernels>(&self, device: &B::Device, seed: u64) -> MarginHead<B> {
        MarginHead::init(self, seed, device)
    }

    /// What a person should know before training with it. `is_from_scratch`: the network knows nothing yet; how long the
    /// embeddings of a trained one are, no one can tell beforehand.
    pub fn warning(&self, is_from_scratch: bool) -> Option<String> {
        if !matches!(self.head, Head::MagFace | Head::MagFaceFallback) {
            return None;
        }
        let HeadOptions { length_low: low, length_high: high, length_weight: weight, .. } = self.options;
        // Every network ends with a normalisation, behind which numbers have a deviation of 1 at first.
        let start = (self.embedding_dim as f64).sqrt();
        if is_from_scratch && !(low..=high).contains(&start) {
            return Some(format!(
                "embeddings of {} numbers begin about {start:.1} long, outside the {low} to {high} of loss.length_low and loss.length_high: there MagFace does not look at the length and does not change it; choose bounds with {start:.1} between them",
                self.embedding_dim
            ));
        }
        let least = magface::least_weight(&self.options, self.margins.rad, self.scale);
        (weight < least).then(|| {
            format!("loss.length_weight is {weight}, too small for this scale and these margins: below {least:.1} every embedding becomes as short as it can")
        })
    }

    /// Rows of the class weight.
    pub fn rows(&self) -> usize {
        self.classes * self.options.subcenters
    }

    /// Rows of the class weight that a batch of `images`, or a part of one, is compared with, at most: a share of them where
    /// only a share of the classes takes part in a step, but always those of its own classes.
    pub fn rows_per_step(&self, images: usize) -> usize {
        let own = images.min(self.classes);
        partial_fc::wanted(self.classes, self.options.class_share).max(own) * self.options.subcenters
    }

    /// Trainable numbers.
    pub fn parameter_count(&self) -> usize {
        let bias = match self.head {
            Head::Softmax => self.classes,
            Head::UniFace => 1,
            _ => 0,
        };
        self.rows() * self.embedding_dim + bias
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_survives_its_file_and_those_of_earlier_versions_are_read() {
        let spec = HeadSpec::plain(Head::MagFace, [7, 5], 16.0, Head::MagFace.published_margins());
        let text = serde_json::to_string(&spec).expect("a spec can be written");
        assert_eq!(serde_json::from_str::<HeadSpec>(&text).expect("and read"), spec);
        let old = r#"{"head":"cosface","classes":7,"embedding_dim":5,"scale":16.0,"margin":0.3}"#;
        let old: HeadSpec = serde_json::from_str(old).expect("an earlier spec");
        assert_eq!((old.margins.cos, old.options), (0.3, HeadOptions::default()));
    }
}
