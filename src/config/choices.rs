//! The settings that are a choice from a short list. The words in files and flags are the variants in lower case.

use serde::{Deserialize, Serialize};

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal, $label:literal;)+ } default $default:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+ }
        impl $name {
            /// Every choice as (word in files and flags, label on screen).
            pub const ALL: &'static [(&'static str, &'static str)] = &[$(($word, $label)),+];
            /// The word in files and flags.
            pub fn word(self) -> &'static str { match self { $(Self::$variant => $word),+ } }
            /// The label on screen.
            pub fn label(self) -> &'static str { match self { $(Self::$variant => $label),+ } }
        }
        impl Default for $name { fn default() -> Self { Self::$default } }
    };
}

choice! {
    /// Colour of the images the network sees.
    Colour {
        /// Grey when every image is grey, else colour.
        Auto = "auto", "automatic";
        /// Three channels.
        Rgb = "rgb", "colour";
        /// One channel.
        Grey = "grey", "grey";
    } default Auto
}

choice! {
    /// What is kept apart for validation.
    SplitBy {
        /// `test/` or `validation/` folder if there is one, else by identity.
        Auto = "auto", "automatic";
        /// Whole identities are held out: measures people never seen in training (open-set).
        Identity = "identity", "by identity (open-set)";
        /// Some images of every class are held out (closed-set).
        Image = "image", "by image (closed-set)";
    } default Auto
}

choice! {
    /// The backbone.
    Net {
        /// Four residual stages at 24 to 96 channels; learns the sample data on two cores while one watches.
        Small = "small", "small residual net";
        /// ResNet-18 for small images (3×3 stem, no max-pool).
        Resnet18 = "resnet18", "ResNet-18";
        /// Improved residual net (the ArcFace paper's), 18 layers; made for faces of 112 pixels, as the next four.
        Iresnet18 = "iresnet18", "iResNet-18";
        /// The same with 34 layers.
        Iresnet34 = "iresnet34", "iResNet-34";
        /// The same with 50 layers.
        Iresnet50 = "iresnet50", "iResNet-50";
        /// The same with 100 layers.
        Iresnet100 = "iresnet100", "iResNet-100";
        /// The same with 200 layers.
        Iresnet200 = "iresnet200", "iResNet-200";
        /// Depthwise convolutions: two million weights, for phones and two cores.
        MobileFaceNet = "mobilefacenet", "MobileFaceNet";
        /// The paper's MobileFaceNet, half as wide: one million weights.
        MobileFaceNetClassic = "mobilefacenet_classic", "MobileFaceNet, classic";
    } default Small
}

choice! {
    /// The loss.
    Head {
        /// `W·x + b`: the baseline without margin.
        Softmax = "softmax", "plain softmax";
        /// Cosines times the scale, no margin.
        NormSoftmax = "norm_softmax", "normalised softmax";
        /// Additive angular margin, guarded by reflection.
        ArcFace = "arcface", "ArcFace";
        /// The paper's formula without a guard.
        ArcFaceExact = "arcface_exact", "ArcFace, exact";
        /// A straight line past π − m.
        ArcFaceFallback = "arcface_fallback", "ArcFace, hard fallback";
        /// The margin only within 90°.
        ArcFaceEasy = "arcface_easy", "ArcFace, easy margin";
        /// The paper's value with the gradient of no margin.
        ArcFaceInsightface = "arcface_insightface", "ArcFace, straight-through";
        /// Additive cosine margin.
        CosFace = "cosface", "CosFace";
    } default ArcFace
}

/// What kind of number a loss's margin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginKind {
    /// It has none.
    None,
    /// Added to the angle, in radians.
    Angle,
    /// Taken from the cosine.
    Cosine,
}

impl Head {
    /// The kind of its margin.
    pub fn margin_kind(self) -> MarginKind {
        match self {
            Self::Softmax | Self::NormSoftmax => MarginKind::None,
            Self::CosFace => MarginKind::Cosine,
            Self::ArcFace
            | Self::ArcFaceExact
            | Self::ArcFaceFallback
            | Self::ArcFaceEasy
            | Self::ArcFaceInsightface => MarginKind::Angle,
        }
    }

    /// When to use it, in one sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Softmax => "The baseline: whatever a margin gains is measured against it.",
            Self::NormSoftmax => "Angles without a margin: shows what the margin itself adds.",
            Self::ArcFace => "The usual choice: pushes hardest near the class and never pushes a sample away from it.",
            Self::ArcFaceExact => "The paper's formula, to reproduce it: samples beyond π − m are pushed further away.",
            Self::ArcFaceFallback => "To reproduce older trainers: falls by a step at π − m instead of turning round.",
            Self::ArcFaceEasy => "For nets that do not start to learn: far samples feel no margin.",
            Self::ArcFaceInsightface => {
                "To reproduce arcface_torch of today: the margin counts in the loss, not in its gradient."
            }
            Self::CosFace => "The numerically safest margin; a good second run beside ArcFace.",
        }
    }
}

choice! {
    /// How the last feature maps become one row of features.
    Pooling {
        /// As the network was published: flatten for the iResNets, average for the residual nets.
        Auto = "auto", "automatic";
        /// The mean over all positions: where a feature lies does not matter.
        Average = "average", "average";
        /// Every position has weights of its own: right where all images are aligned, as faces are.
        Flatten = "flatten", "flatten";
    } default Auto
}

choice! {
    /// The optimiser.
    Optimizer {
        /// Stochastic gradient descent with momentum.
        Sgd = "sgd", "SGD with momentum";
        /// Adam, weight decay added to the gradient.
        Adam = "adam", "Adam";
        /// Adam with decoupled weight decay.
        AdamW = "adamw", "AdamW";
    } default Sgd
}

choice! {
    /// Arithmetic of the network's convolutions on a GPU. Weights, normalisation, head and loss are always f32.
    Precision {
        /// 32 bits.
        F32 = "f32", "32 bits";
        /// 16 bits with the range of f32: twice as fast, nothing to set.
        Bf16 = "bf16", "16 bits (bf16)";
        /// 16 bits with more digits and less range: for cards without bf16; the loss is scaled.
        F16 = "f16", "16 bits (f16)";
    } default F32
}

choice! {
    /// How the learning rate falls after the warm-up.
    Schedule {
        /// Half a cosine down to zero.
        Cosine = "cosine", "cosine";
        /// A straight line down to zero.
        Linear = "linear", "linear";
        /// A tenth at 50 %, a hundredth at 75 % of the run.
        Step = "step", "steps";
        /// No fall.
        Constant = "constant", "constant";
    } default Cosine
}

choice! {
    /// Which epoch is kept as the best.
    Best {
        /// The lowest equal error rate on the validation pairs.
        Eer = "eer", "lowest validation EER";
        /// The lowest validation loss (closed-set splits; falls back to EER when the classes are new).
        ValLoss = "val_loss", "lowest validation loss";
    } default Eer
}

choice! {
    /// The projection shown in Explore.
    MapKind {
        /// Principal components: linear, instant, repeatable.
        Pca = "pca", "PCA";
        /// t-SNE: keeps neighbourhoods, not distances.
        Tsne = "tsne", "t-SNE";
        /// Three principal components on the unit sphere.
        Sphere = "sphere", "sphere";
    } default Tsne
}
