//! Whether weights are those that a network consists of: a comparison of names and shapes, for which no network is built.
//!
//! Not here: whether the numbers are finite, see [`super::weights::Weights::first_not_finite`].

use super::EmbedderSpec;
use super::weights::Weights;
use serde::Serialize;
use std::collections::BTreeMap;

/// Ends the names of PyTorch's counters, which nothing needs.
const COUNTER: &str = "num_batches_tracked";

/// A weight that a network and a file both have, but in different shapes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Misshaped {
    /// Its name.
    pub name: String,
    /// Sizes of its axes in the network.
    pub expected: Vec<usize>,
    /// Sizes of its axes in the file.
    pub found: Vec<usize>,
    /// Type of the file's numbers, where they are not 32-bit floats as the network's are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_type: Option<String>,
}

impl std::fmt::Display for Misshaped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, expected, found, found_type } = self;
        match found_type {
            Some(found_type) => write!(f, "{name} (expected F32 {expected:?}, found {found_type} {found:?})"),
            None => write!(f, "{name} (expected {expected:?}, found {found:?})"),
        }
    }
}

/// All differences between the weights that a network consists of and those of a file, each list in the order of the names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Misfit {
    /// Names that the network has and the file lacks.
    pub missing: Vec<String>,
    /// What both have in different shapes.
    pub misshaped: Vec<Misshaped>,
    /// Names that the file has and the network lacks; PyTorch's counters (`num_batches_tracked`) are not listed.
    pub unexpected: Vec<String>,
}

impl Misfit {
    /// Compares a file's weights with those of a network. Both go by the names of [`EmbedderSpec::weight_shapes`].
    pub fn of(spec: &EmbedderSpec, weights: &Weights) -> Self {
        let found = weights.tensors.iter().map(|(name, weight)| (name.as_str(), Found::floats(&weight.shape)));
        Self::between(&spec.weight_shapes(), found)
    }

    pub(super) fn between<'a>(
        expected: &BTreeMap<String, Vec<usize>>,
        found: impl Iterator<Item = (&'a str, Found<'a>)>,
    ) -> Self {
        let found: BTreeMap<&str, Found<'_>> = found.collect();
        let mut misfit = Self::default();
        for (name, expected) in expected {
            match found.get(name.as_str()) {
                None => misfit.missing.push(name.clone()),
                Some(found) => misfit.misshaped.extend(found.unlike(name, expected)),
            }
        }
        let surplus = found.keys().filter(|name| !expected.contains_key(**name) && !name.ends_with(COUNTER));
        misfit.unexpected = surplus.map(|name| (*name).to_owned()).collect();
        misfit
    }

    /// Every weight is there in the right shape, and nothing else.
    pub fn is_none(&self) -> bool {
        self.has_all() && self.unexpected.is_empty()
    }

    /// Every weight is there in the right shape, whatever else there is.
    pub fn has_all(&self) -> bool {
        self.missing.is_empty() && self.misshaped.is_empty()
    }

    /// The weights of each kind, for a sentence: "2 missing: fc.weight, fc.bias; 1 unexpected: head.weight". Empty when all fit.
    pub fn in_words(&self) -> String {
        let misshaped: Vec<String> = self.misshaped.iter().map(ToString::to_string).collect();
        let lists =
            [list("missing", &self.missing), list("different", &misshaped), list("unexpected", &self.unexpected)];
        lists.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// How many weights of each kind, in words: "2 missing, 1 of another shape, 3 unexpected". Empty when all fit.
    pub fn counts(&self) -> String {
        let kinds = [
            (self.missing.len(), "missing"),
            (self.misshaped.len(), "of another shape"),
            (self.unexpected.len(), "unexpected"),
        ];
        let words = kinds.into_iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}"));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// At most this many names are listed per kind in a sentence; the [`Misfit`] has them all.
const LISTED: usize = 10;

fn list(label: &str, names: &[String]) -> Option<String> {
    let shown = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!names.is_empty()).then(|| format!("{} {label}: {shown}{more}", names.len()))
}

/// A weight of a file.
#[derive(Clone, Debug)]
pub(super) struct Found<'a> {
    /// Sizes of its axes.
    pub shape: &'a [usize],
    /// Type of its numbers, where it is not that of a network.
    pub other_type: Option<String>,
}

impl<'a> Found<'a> {
    /// Of 32-bit numbers.
    pub fn floats(shape: &'a [usize]) -> Self {
        Self { shape, other_type: None }
    }

    /// How it differs from the network's; none where it does not.
    fn unlike(&self, name: &str, expected: &[usize]) -> Option<Misshaped> {
        let fits = self.shape == expected && self.other_type.is_none();
        (!fits).then(|| Misshaped {
            name: name.to_owned(),
            expected: expected.to_vec(),
            found: self.shape.to_vec(),
            found_type: self.other_type.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Net, Pooling};
    use crate::model::weights::Weight;
    use crate::model::{Form, ModelError};

    fn spec(net: Net) -> EmbedderSpec {
        let (form, pooling) = (Form::Usual, Pooling::Auto);
        EmbedderSpec { net, form, pooling, channels: 3, image_px: 112, embedding_dim: 512, dropout: 0.0 }
    }

    fn weight(shape: &[usize]) -> Weight {
        Weight { shape: shape.to_vec(), data: Vec::new() }
    }

    /// Names and shapes alone.
    fn weights(spec: &EmbedderSpec) -> Weights {
        let tensors = spec.weight_shapes().into_iter().map(|(name, shape)| (name, weight(&shape))).collect();
        Weights { tensors, ..Weights::default() }
    }

    #[test]
    fn every_weight_of_the_network_fits_and_counters_do_not_matter() {
        let spec = spec(Net::MobileFaceNet);
        let mut own = weights(&spec);
        own.tensors.insert("features.layers.3.num_batches_tracked".to_owned(), weight(&[]));
        let misfit = Misfit::of(&spec, &own);
        assert!(misfit.is_none() && misfit.has_all() && misfit.counts().is_empty(), "{misfit:?}");
    }

    #[test]
    fn every_difference_is_listed_however_many_there_are() {
        let spec = spec(Net::Iresnet18);
        let mut own = weights(&spec);
        let all = own.tensors.len();
        own.tensors.retain(|name, _| !name.starts_with("layer4."));
        let left = own.tensors.len();
        own.tensors.insert("fc.weight".to_owned(), weight(&[512, 8]));
        own.tensors.extend((0..20).map(|i| (format!("surplus.{i:02}"), weight(&[1]))));
        let misfit = Misfit::of(&spec, &own);
        assert!(misfit.missing.len() == all - left && all - left > 10, "{misfit:?}");
        assert!(misfit.missing.iter().all(|name| name.starts_with("layer4.")));
        let [fc] = misfit.misshaped.as_slice() else { panic!("{misfit:?}") };
        assert_eq!(fc.to_string(), "fc.weight (expected [512, 25088], found [512, 8])");
        assert_eq!(misfit.unexpected.len(), 20);
        assert!(!misfit.is_none() && !misfit.has_all());
        assert_eq!(misfit.counts(), format!("{} missing, 1 of another shape, 20 unexpected", all - left));
        let sentence = ModelError::Mismatch(misfit).to_string();
        assert!(sentence.contains("surplus.09 and 10 more") && !sentence.contains("surplus.10"), "{sentence}");
    }

    #[test]
    fn with_a_surplus_weight_nothing_is_lacking() {
        let spec = spec(Net::MobileFaceNetClassic);
        let mut own = weights(&spec);
        own.tensors.insert("surplus".to_owned(), weight(&[1]));
        let misfit = Misfit::of(&spec, &own);
        assert!(misfit.has_all() && !misfit.is_none());
    }

    /// Larger than the memory of any machine: nothing of that size may be made.
    #[test]
    fn a_network_of_any_size_says_what_it_consists_of_without_taking_its_memory() {
        let pooling = Pooling::Flatten;
        let huge = EmbedderSpec { pooling, image_px: 1 << 16, embedding_dim: 1 << 16, ..spec(Net::Iresnet18) };
        assert_eq!(huge.weight_shapes()["fc.weight"], [1_usize << 16, 512 << 24]);
    }
}
