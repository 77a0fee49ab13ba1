//! Whose weights are these? The names in a file say which project's network they belong to, its depth and its sizes.
//!
//! The projects give different networks the same name (three are called IR-50) and their weights do not interchange, so
//! the name of the file says nothing and the names of the tensors everything.

use super::weights::{Weight, Weights};
use super::{EmbedderSpec, Form, iresnet, mobilefacenet};
use crate::config::{Net, Pooling};
use crate::data::Preprocess;

/// A project's way of naming and building a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// insightface's `arcface_torch`: iResNets.
    Arcface,
    /// The same: MobileFaceNet.
    ArcfaceMobile,
    /// InsightFace_Pytorch and what was made from it, FaceX-Zoo among it: the classic MobileFaceNet.
    Classic,
    /// foamliu's MobileFaceNet.
    Relu6,
    /// AdaFace's IR networks.
    Adaface,
    /// face.evoLVe's IR networks.
    Evolve,
    /// face.evoLVe's IR networks with squeeze and excitation.
    EvolveSe,
}

impl Flavour {
    /// In words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Arcface | Self::ArcfaceMobile => "arcface_torch (insightface)",
            Self::Classic => "MobileFaceNet as in InsightFace_Pytorch and FaceX-Zoo",
            Self::Relu6 => "MobileFaceNet with ReLU6 (foamliu)",
            Self::Adaface => "AdaFace IR",
            Self::Evolve => "face.evoLVe IR",
            Self::EvolveSe => "face.evoLVe IR-SE",
        }
    }

    /// Other projects whose networks go by the same names but see pixels otherwise, as a clause.
    pub fn doubt(self) -> Option<&'static str> {
        matches!(self, Self::Evolve | Self::EvolveSe)
            .then_some("networks of InsightFace_Pytorch and FaceX-Zoo have the same names, but take blue first (BGR)")
    }

    /// The preprocessing its networks are trained with.
    ///
    /// InsightFace_Pytorch reads records with OpenCV and stores the images as they come, which exchanges red and blue, and
    /// does so on purpose with those that it is measured on. FaceX-Zoo, whose MobileFaceNet has the same names, reads images
    /// with OpenCV, too.
    pub fn preprocess(self, image_px: u32, channels: u32) -> Preprocess {
        let usual = Preprocess::new(image_px, channels);
        match self {
            Self::Adaface | Self::Classic => Preprocess { blue_first: channels == 3, ..usual },
            Self::Relu6 => usual.imagenet(),
            _ => usual,
        }
    }
}

/// Weights whose network is known.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// Whose.
    pub flavour: Flavour,
    /// The network.
    pub embedder: EmbedderSpec,
    /// Its weights under the project's own names, prefixes of trainers taken off.
    pub weights: Weights,
    /// Names of weights that belong to a trainer's other parts.
    pub left_out: Vec<String>,
}

/// Why no network was recognised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlavourError {
    /// No marks of a known network.
    #[error(
        "the {count} names in the file ({}, …) belong to no network this program knows: iResNet and MobileFaceNet of arcface_torch, the classic MobileFaceNet, IR networks of face.evoLVe and AdaFace",
        first.join(", ")
    )]
    Unknown {
        /// How many names there are.
        count: usize,
        /// The first of them.
        first: Vec<String>,
    },
    /// A known family, but a depth this program does not build.
    #[error("{flavour} with {} units per stage is not among the networks this program builds (18, 34, 50, 100 and 200 layers)", units.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Depth {
        /// The family.
        flavour: &'static str,
        /// Units found per stage.
        units: [usize; 4],
    },
    /// A size that no network has.
    #[error("the weights have a size that is not usable here: {0}")]
    Size(String),
}

/// What trainers put in front of the network's names.
const PREFIXES: [&str; 6] = ["module.", "model.", "backbone.", "net.", "encoder.", "_orig_mod."];
/// Parts of trainers beside the network.
const OTHER_PARTS: [&str; 5] = ["head.", "loss.", "criterion.", "margin.", "metric_fc."];
/// Names shown of a file that is not recognised.
const SHOWN: usize = 10;

/// Finds out.
///
/// # Errors
/// [`FlavourError`]
pub fn recognise(mut weights: Weights) -> Result<Recognised, FlavourError> {
    let mut left_out = strip(&mut weights);
    let flavour = flavour_of(&weights).ok_or_else(|| FlavourError::Unknown {
        count: weights.tensors.len(),
        first: weights.tensors.keys().take(SHOWN).cloned().collect(),
    })?;
    let embedder = sizes(flavour, &weights)?;
    if flavour == Flavour::Adaface {
        add_fixed_factors(&mut weights, embedder.embedding_dim);
    }
    left_out.sort_unstable();
    Ok(Recognised { flavour, embedder, weights, left_out })
}

/// Takes prefixes off; names without a prefix that others have, and a trainer's other parts, are left out.
fn strip(weights: &mut Weights) -> Vec<String> {
    let mut left_out = Vec::new();
    while let Some(prefix) =
        PREFIXES.iter().find(|prefix| weights.tensors.keys().any(|name| name.starts_with(**prefix)))
    {
        let tensors = std::mem::take(&mut weights.tensors);
        for (name, weight) in tensors {
            match name.strip_prefix(prefix) {
                Some(short) => drop(weights.tensors.insert(short.to_owned(), weight)),
                None => left_out.push(name),
            }
        }
    }
    weights.tensors.retain(|name, _| {
        let other = OTHER_PARTS.iter().any(|part| name.starts_with(part));
        if other {
            left_out.push(name.clone());
        }
        // Counters of PyTorch's that nothing needs.
        !other && !name.ends_with("num_batches_tracked")
    });
    left_out
}

fn flavour_of(weights: &Weights) -> Option<Flavour> {
    let has = |name: &str| weights.tensors.contains_key(name);
    if has("layer1.0.prelu.weight") && has("features.running_mean") {
        Some(Flavour::Arcface)
    } else if has("conv_sep.layers.0.weight") {
        Some(Flavour::ArcfaceMobile)
    } else if has("conv_6_sep.conv.weight") {
        Some(Flavour::Classic)
    } else if has("dw_conv.depthwise.weight") && has("gdconv.depthwise.weight") {
        Some(Flavour::Relu6)
    } else if has("input_layer.0.weight") && has("body.0.res_layer.0.weight") {
        Some(if has("body.0.res_layer.5.fc1.weight") {
            Flavour::EvolveSe
        } else if has("body.0.res_layer.5.weight") {
            Flavour::Adaface
        } else {
            Flavour::Evolve
        })
    } else {
        None
    }
}

/// First weight of `arcface_torch`'s MobileFaceNets.
const MOBILE_STEM: &str = "layers.0.layers.0.weight";
/// A weight that only iResNets with a PReLU in front of the average have (here, not in `arcface_torch`).
const GAP_PRELU: &str = "prelu2.weight";

/// Sizes read off the weights; whether every weight fits is seen when they are loaded.
fn sizes(flavour: Flavour, weights: &Weights) -> Result<EmbedderSpec, FlavourError> {
    let (stem, embedding, global) = match flavour {
        Flavour::Arcface => ("conv1.weight", "fc.weight", None),
        Flavour::ArcfaceMobile => (MOBILE_STEM, "features.layers.2.weight", Some("features.layers.0.layers.0.weight")),
        Flavour::Classic => ("conv1.conv.weight", "linear.weight", Some("conv_6_dw.conv.weight")),
        Flavour::Relu6 => ("conv1.0.weight", "conv3.weight", Some("gdconv.depthwise.weight")),
        _ => ("input_layer.0.weight", "output_layer.3.weight", None),
    };
    let size = |name: &str, axis: usize| {
        let found = weights.tensors.get(name).and_then(|weight| weight.shape.get(axis)).copied();
        found.ok_or_else(|| FlavourError::Size(format!("{name} is missing or has too few axes")))
    };
    let channels = size(stem, 1)?;
    if channels != 1 && channels != 3 {
        return Err(FlavourError::Size(format!("{stem} takes images of {channels} channels, not 1 or 3")));
    }
    let (side, pooling) = match global {
        Some(name) => (size(name, 2)?, Pooling::Auto),
        None => positions(size(embedding, 1)?),
    };
    let has_prelu = pooling == Pooling::Average && weights.tensors.contains_key(GAP_PRELU);
    let pooling = if has_prelu { Pooling::AveragePrelu } else { pooling };
    let (net, form) = net_of(flavour, weights)?;
    let embedding_dim = size(embedding, 0)?;
    let image_px = side.saturating_mul(HALVED);
    // A tensor without numbers may claim any size on its other axes.
    if !(1..=MAX_DIM).contains(&embedding_dim) || !(1..=MAX_PX).contains(&image_px) {
        let found = format!("{embedding_dim} numbers per embedding of images of {image_px} px");
        return Err(FlavourError::Size(found));
    }
    Ok(EmbedderSpec { net, form, pooling, channels, image_px, embedding_dim, dropout: 0.0 })
}

/// More numbers per embedding than any of these networks has.
const MAX_DIM: usize = 4096;
/// Larger images than any of these networks sees.
const MAX_PX: usize = 1024;

/// All these networks halve their maps four times.
const HALVED: usize = 16;
/// Side of the last maps where it cannot be read off: faces of 112 pixels.
const USUAL_SIDE: usize = 7;

/// Side of the last maps, by the numbers that the embedding layer takes.
fn positions(features: usize) -> (usize, Pooling) {
    let channels = iresnet::WIDTHS[3];
    if features == channels {
        return (USUAL_SIDE, Pooling::Average);
    }
    ((features / channels).isqrt(), Pooling::Flatten)
}

fn net_of(flavour: Flavour, weights: &Weights) -> Result<(Net, Form), FlavourError> {
    let form = match flavour {
        Flavour::ArcfaceMobile => return mobile_net(weights).map(|net| (net, Form::Usual)),
        Flavour::Classic => return Ok((Net::MobileFaceNetClassic, Form::Usual)),
        Flavour::Relu6 => return Ok((Net::MobileFaceNetClassic, Form::Relu6)),
        Flavour::Arcface => Form::Usual,
        Flavour::Adaface => Form::Adaface,
        Flavour::Evolve => Form::Evolve,
        Flavour::EvolveSe => Form::EvolveSe,
    };
    let units = if flavour == Flavour::Arcface { units_of_layers(weights) } else { units_of_body(weights) };
    let net = [Net::Iresnet18, Net::Iresnet34, Net::Iresnet50, Net::Iresnet100, Net::Iresnet200];
    let net = net.into_iter().find(|net| iresnet::units(*net) == units);
    net.map(|net| (net, form)).ok_or(FlavourError::Depth { flavour: flavour.label(), units })
}

/// The stem's channels tell the sizes apart.
fn mobile_net(weights: &Weights) -> Result<Net, FlavourError> {
    let channels = weights.tensors.get(MOBILE_STEM).and_then(|weight| weight.shape.first()).copied().unwrap_or(0);
    mobilefacenet::net_of_stem(channels).ok_or_else(|| {
        FlavourError::Size(format!(
            "{MOBILE_STEM} makes {channels} channels, and the MobileFaceNets of arcface_torch that this program builds have 128 (mbf) or 256 (mbf_large)"
        ))
    })
}

fn units_of_layers(weights: &Weights) -> [usize; 4] {
    [1, 2, 3, 4].map(|layer| {
        let own = |name: &&String| name.starts_with(&format!("layer{layer}.")) && name.ends_with(".conv1.weight");
        weights.tensors.keys().filter(own).count()
    })
}

/// The body is one row of units; their channels say where a stage ends.
fn units_of_body(weights: &Weights) -> [usize; 4] {
    iresnet::WIDTHS.map(|width| {
        let own = |(name, weight): &(&String, &Weight)| {
            name.starts_with("body.") && name.ends_with(".res_layer.1.weight") && weight.shape.first() == Some(&width)
        };
        weights.tensors.iter().filter(own).count()
    })
}

/// The last normalisation's factors, which AdaFace's have not: 1 and 0.
const FIXED: [(&str, f32); 2] = [("output_layer.4.weight", 1.0), ("output_layer.4.bias", 0.0)];

fn add_fixed_factors(weights: &mut Weights, dim: usize) {
    for (name, value) in FIXED {
        let fixed = Weight { shape: vec![dim], data: vec![value; dim] };
        weights.tensors.entry(name.to_owned()).or_insert(fixed);
    }
}

/// Takes out what a project's own network would not know.
pub fn to_published(form: Form, weights: &mut Weights) {
    let fixed = |(name, value): &(&str, f32)| {
        weights.tensors.get(*name).is_some_and(|weight| weight.data.iter().all(|own| own == value))
    };
    if form == Form::Adaface && FIXED.iter().all(fixed) {
        FIXED.iter().for_each(|(name, _)| drop(weights.tensors.remove(*name)));
    }
}

#[cfg(test)]
mod tests;
