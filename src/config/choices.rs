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
    } default Small
}

choice! {
    /// The loss.
    Head {
        /// `W·x + b`: the baseline without margin.
        Softmax = "softmax", "plain softmax";
        /// Additive angular margin, guarded by reflection.
        ArcFace = "arcface", "ArcFace";
        /// Additive cosine margin.
        CosFace = "cosface", "CosFace";
    } default ArcFace
}

choice! {
    /// How the last feature maps become one row of features.
    Pooling {
        /// The mean over all positions: where a feature lies does not matter.
        Average = "average", "average";
        /// Every position has weights of its own: right where all images are aligned, as faces are.
        Flatten = "flatten", "flatten";
    } default Average
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
