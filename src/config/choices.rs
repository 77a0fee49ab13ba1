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
            /// Every choice, in the order of a list.
            pub fn every() -> impl Iterator<Item = Self> { [$(Self::$variant),+].into_iter() }
            /// The word in files and flags.
            pub fn word(self) -> &'static str { match self { $(Self::$variant => $word),+ } }
            /// The label on screen.
            pub fn label(self) -> &'static str { match self { $(Self::$variant => $label),+ } }
        }
        impl Default for $name { fn default() -> Self { Self::$default } }
    };
}
pub(super) use choice;

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
        /// ResNet-50 for square images of any size.
        Resnet50 = "resnet50", "ResNet-50";
        /// VGG16 with batch normalisation: plain 3×3 convolutions, many multiply-adds.
        Vgg16 = "vgg16", "VGG16";
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
        /// The same twice as wide and deeper (insightface's `mbf_large`): six million weights.
        MobileFaceNetLarge = "mobilefacenet_large", "MobileFaceNet, large";
        /// The paper's MobileFaceNet, half as wide: one million weights.
        MobileFaceNetClassic = "mobilefacenet_classic", "MobileFaceNet, classic";
    } default Small
}

impl Net {
    /// An improved residual net: as published, its features are not averaged over the image.
    pub fn is_made_for_faces(self) -> bool {
        matches!(self, Self::Iresnet18 | Self::Iresnet34 | Self::Iresnet50 | Self::Iresnet100 | Self::Iresnet200)
    }

    /// How its authors gather the features; none where the network has a way of its own that cannot be chosen.
    pub fn published_pooling(self) -> Option<Pooling> {
        match self {
            Self::Small | Self::Resnet18 | Self::Resnet50 => Some(Pooling::Average),
            Self::MobileFaceNet | Self::MobileFaceNetLarge | Self::MobileFaceNetClassic => None,
            _ => Some(Pooling::Flatten),
        }
    }

    /// Channels of the last maps of the improved residual nets.
    pub const FACE_CHANNELS: usize = 512;

    /// Side of the last maps of the improved residual nets and the MobileFaceNets in positions, of images of `image_px`
    /// pixels: both halve the maps four times and round up.
    pub fn face_maps_side(image_px: usize) -> usize {
        image_px.div_ceil(16)
    }

    /// Weights of the layer that gives every position of the last maps weights of its own ([`Pooling::Flatten`]), without
    /// its biases; `None` for networks that are not made for faces.
    pub fn face_layer_weights(self, image_px: u32, embedding_dim: u32) -> Option<u64> {
        let side = Self::face_maps_side(image_px as usize) as u64;
        let features = side * side * Self::FACE_CHANNELS as u64;
        self.is_made_for_faces().then(|| features * u64::from(embedding_dim))
    }
}

choice! {
    /// How the last feature maps become one row of features.
    Pooling {
        /// As the network was published (flatten for the iResNets and VGG16, average for the residual nets), but for the
        /// iResNets average where images are few for so many weights.
        Auto = "auto", "automatic";
        /// The mean over all positions: where a feature lies does not matter.
        Average = "average", "average";
        /// The same behind a PReLU, for the iResNets, whose last maps have no activation (insightface's head "GAP"); for the
        /// other networks `average`.
        AveragePrelu = "average_prelu", "average after PReLU";
        /// Every position has weights of its own: right where all images are aligned, as faces are.
        Flatten = "flatten", "flatten";
        /// Every position has one weight per channel (global depthwise convolution): between the two.
        Depthwise = "depthwise", "depthwise";
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
        /// A power of the share that is left.
        Polynomial = "polynomial", "polynomial";
        /// Falls at given epochs.
        Step = "step", "steps";
        /// Falls when validation stops improving.
        Plateau = "plateau", "plateau";
        /// No fall.
        Constant = "constant", "constant";
    } default Cosine
}

choice! {
    /// In which order an epoch visits the images.
    Sampler {
        /// Every image once.
        Shuffled = "shuffled", "shuffled";
        /// Every class equally often.
        Balanced = "balanced", "classes equally often";
        /// Batches of P classes with K images each.
        PByK = "p_by_k", "P classes × K images";
    } default Shuffled
}

choice! {
    /// Which epoch is kept as the best.
    Best {
        /// The lowest equal error rate on the validation pairs.
        Eer = "eer", "lowest held-out EER";
        /// The lowest validation loss (closed-set splits; falls back to EER when the classes are new).
        ValLoss = "val_loss", "lowest held-out loss";
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
