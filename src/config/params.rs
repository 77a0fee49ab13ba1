//! The table of settings: from it come the flags, the form with its tooltips, the comments in `run.toml`, the range
//! checks and the table in the README. The values themselves live in [`super::RunConfig`].

use super::{
    Best, Colour, Head, MapKind, Net, Optimizer, Pooling, Precision, Problem, RunConfig, Sampler, Schedule, SplitBy,
};

/// Sections of the form and of the run file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// `[data]`
    Data,
    /// `[augment]`
    Augment,
    /// `[model]`
    Model,
    /// `[loss]`
    Loss,
    /// `[train]`
    Train,
    /// `[eval]`
    Eval,
    /// `[map]`
    Map,
}

impl Group {
    /// All sections in the order they are shown.
    pub const ALL: [Self; 7] = [Self::Data, Self::Augment, Self::Model, Self::Loss, Self::Train, Self::Eval, Self::Map];

    /// Name of the table in the run file.
    pub fn table(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Augment => "augment",
            Self::Model => "model",
            Self::Loss => "loss",
            Self::Train => "train",
            Self::Eval => "eval",
            Self::Map => "map",
        }
    }

    /// Heading on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Augment => "Augmentation",
            Self::Model => "Network",
            Self::Loss => "Loss",
            Self::Train => "Training",
            Self::Eval => "Evaluation",
            Self::Map => "Map",
        }
    }
}

/// What values a setting can take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A whole number.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A number.
    Float {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// Edited on a logarithmic scale.
        log: bool,
    },
    /// Yes or no.
    Bool,
    /// One of (word, label).
    Choice(&'static [(&'static str, &'static str)]),
    /// Free text.
    Text,
}

/// A setting's value, free of its Rust type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Let the program choose.
    Auto,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A word.
    Text(String),
}

impl Value {
    pub(super) fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Bool(flag) => Self::Bool(*flag),
            serde_json::Value::Number(number) => {
                number.as_i64().map_or_else(|| Self::Float(number.as_f64().unwrap_or(f64::NAN)), Self::Int)
            }
            serde_json::Value::String(word) => Self::Text(word.clone()),
            _ => Self::Text(String::new()),
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Auto => "auto".into(),
            Self::Bool(flag) => (*flag).into(),
            Self::Int(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Text(word) => word.as_str().into(),
        }
    }

    /// The value as a number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => write!(f, "auto"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Text(word) => write!(f, "{word}"),
        }
    }
}

/// When a setting has an effect.
pub type Applies = fn(&RunConfig) -> bool;

/// Everything a person reads about one setting.
#[derive(Debug)]
pub struct ParamSpec {
    /// `group.name`: the place in the run file and, with two dashes, the flag.
    pub key: &'static str,
    /// A short flag beside the long one (`epochs` for `--epochs`).
    pub short: Option<&'static str>,
    /// Name on screen.
    pub label: &'static str,
    /// One sentence: what it does and the usual range.
    pub help: &'static str,
    /// Unit behind the number.
    pub unit: Option<&'static str>,
    /// Section.
    pub group: Group,
    /// Type and range.
    pub kind: Kind,
    /// `auto` is allowed.
    pub auto: bool,
    /// Shown in the short form; the others are under "advanced".
    pub basic: bool,
    /// When it has an effect.
    pub applies: Applies,
}

impl ParamSpec {
    /// JSON pointer of the value inside [`RunConfig`].
    pub fn pointer(&self) -> String {
        format!("/{}", self.key.replace('.', "/"))
    }

    /// Name inside its section.
    pub fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }

    /// What is valid, as the end of a sentence: "it must be a whole number from 1 to 10000".
    pub fn expected(&self) -> String {
        let auto = if self.auto { ", or \"auto\"" } else { "" };
        match self.kind {
            Kind::Int { min, max } => format!("it must be a whole number from {min} to {max}{auto}"),
            Kind::Float { min, max, .. } => format!("it must be a number from {min} to {max}{auto}"),
            Kind::Bool => format!("it must be true or false{auto}"),
            Kind::Choice(choices) => {
                let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
                format!("it must be one of: {}", words.join(", "))
            }
            Kind::Text => "it must be a word".to_owned(),
        }
    }

    /// A value as a person reads it: choices by their label, numbers with their unit.
    pub fn text(&self, value: &Value) -> String {
        match value {
            Value::Int(_) | Value::Float(_) => self.with_unit(&self.words(value)),
            _ => self.words(value),
        }
    }

    /// The same without the unit.
    pub fn words(&self, value: &Value) -> String {
        match (&self.kind, value) {
            (Kind::Choice(choices), Value::Text(word)) => choices
                .iter()
                .find(|(known, _)| known == word)
                .map_or_else(|| word.clone(), |(_, label)| (*label).to_owned()),
            _ => value.to_string(),
        }
    }

    /// A number that is written already, with the unit of the setting: `1 epoch`, `15°`, `112 px`.
    pub fn with_unit(&self, number: &str) -> String {
        match (self.unit, number) {
            (None, _) => number.to_owned(),
            (Some("°"), _) => format!("{number}°"),
            (Some("epochs"), "1") => "1 epoch".to_owned(),
            (Some(unit), _) => format!("{number} {unit}"),
        }
    }

    fn problem(&self, found: &impl ToString) -> Problem {
        Problem { key: self.key.to_owned(), found: found.to_string(), expected: self.expected() }
    }

    /// Checks type and range.
    ///
    /// # Errors
    /// A [`Problem`] that names the key, the value and what is valid.
    pub fn check(&self, value: &Value) -> Result<(), Problem> {
        let is_auto = matches!(value, Value::Auto) || *value == Value::Text("auto".to_owned());
        let ok = match (&self.kind, value) {
            _ if self.auto && is_auto => true,
            (Kind::Int { min, max }, Value::Int(number)) => (min..=max).contains(&number),
            (Kind::Float { min, max, .. }, Value::Int(_) | Value::Float(_)) => {
                value.as_f64().is_some_and(|number| (*min..=*max).contains(&number))
            }
            (Kind::Bool, Value::Bool(_)) => true,
            (Kind::Choice(choices), Value::Text(word)) => choices.iter().any(|(name, _)| name == word),
            (Kind::Text, Value::Text(word)) => word.len() <= 10_000,
            _ => false,
        };
        if ok { Ok(()) } else { Err(self.problem(value)) }
    }

    /// Reads what a person typed.
    ///
    /// # Errors
    /// As [`ParamSpec::check`].
    pub fn parse(&self, text: &str) -> Result<Value, Problem> {
        let text = text.trim();
        if self.auto && text == "auto" {
            return Ok(Value::Auto);
        }
        let value = match self.kind {
            Kind::Int { .. } => text.parse().ok().map(Value::Int),
            Kind::Float { .. } => text.parse().ok().filter(|n: &f64| n.is_finite()).map(Value::Float),
            Kind::Bool => match text {
                "true" | "yes" | "on" => Some(Value::Bool(true)),
                "false" | "no" | "off" => Some(Value::Bool(false)),
                _ => None,
            },
            Kind::Choice(_) | Kind::Text => Some(Value::Text(text.to_owned())),
        };
        let value = value.ok_or_else(|| self.problem(&text))?;
        self.check(&value)?;
        Ok(value)
    }
}

/// The setting with this key.
pub fn spec(key: &str) -> Option<&'static ParamSpec> {
    PARAMS.iter().find(|spec| spec.key == key)
}

/// The table for the README.
pub fn markdown_table() -> String {
    let defaults = RunConfig::default();
    let mut table = String::from("| key | flag | default | meaning |\n|---|---|---|---|\n");
    for spec in PARAMS {
        let default = defaults.get(spec.key).map(|value| value.to_string()).unwrap_or_default();
        let default = if matches!(default.as_str(), "" | "auto") { default } else { spec.with_unit(&default) };
        let flag = spec.short.map(|short| format!("`--{short}`")).unwrap_or_default();
        table += &format!("| `{}` | {flag} | {default} | {} |\n", spec.key, spec.help);
    }
    table
}

const fn int(min: i64, max: i64) -> Kind {
    Kind::Int { min, max }
}
const fn float(min: f64, max: f64) -> Kind {
    Kind::Float { min, max, log: false }
}
const fn log(min: f64, max: f64) -> Kind {
    Kind::Float { min, max, log: true }
}
fn always(_: &RunConfig) -> bool {
    true
}
fn is_elastic(config: &RunConfig) -> bool {
    config.loss.head.draws_margin()
}

fn is_magface(config: &RunConfig) -> bool {
    matches!(config.loss.head, Head::MagFace | Head::MagFaceFallback)
}

macro_rules! param {
    ($group:ident, $key:literal $(, short $short:literal)?; $label:literal, $kind:expr $(, $unit:literal)? $(, $flag:ident)* ; $help:literal $(; $applies:expr)?) => {{
        ParamSpec {
            key: $key,
            short: param!(@opt $($short)?),
            label: $label,
            help: $help,
            unit: param!(@opt $($unit)?),
            group: Group::$group,
            kind: $kind,
            auto: param!(@has auto $($flag)*),
            basic: param!(@has basic $($flag)*),
            applies: param!(@applies $($applies)?),
        }
    }};
    (@opt) => { None };
    (@opt $value:literal) => { Some($value) };
    (@applies) => { always };
    (@applies $f:expr) => { $f };
    (@has auto auto $($rest:ident)*) => { true };
    (@has basic basic $($rest:ident)*) => { true };
    (@has $want:ident $other:ident $($rest:ident)*) => { param!(@has $want $($rest)*) };
    (@has $want:ident) => { false };
}

/// Every setting, in the order of the form.
pub const PARAMS: &[ParamSpec] = &[
    param!(Data, "data.image_px", short "image"; "Image size", int(8, 512), "px", auto; "Side of the square image the network sees; small images train faster (28 to 112 is usual)"),
    param!(Data, "data.colour"; "Colour", Kind::Choice(Colour::ALL); "Channels the network sees; automatic takes grey only when every image is grey"),
    param!(Data, "data.split", short "split"; "Split", Kind::Choice(SplitBy::ALL), basic; "What is held out for validation: whole classes tell how well new ones are told apart, images how well known classes are recognised"),
    param!(Data, "data.held_out"; "Held-out classes", Kind::Text; "Names of the identities to hold out, such as s31..s40 or test_*; empty holds out at random"),
    param!(Data, "data.validation_fraction"; "Held out", float(0.01, 0.9); "Share of identities or images held out when the folder has no validation part (0.1 to 0.3 is usual)"),
    param!(Data, "data.min_images"; "Fewest images per class", int(1, 1000); "Classes with fewer images are left out of training"),
    param!(Data, "data.cache_mib"; "Image cache", int(0, 1_000_000), "MiB"; "Decoded images are kept in memory up to this size; beyond it they are decoded again each epoch"),
    param!(Augment, "augment.flip"; "Mirror", Kind::Bool, auto; "Mirrors every second image; right for faces and photographs, wrong for characters"),
    param!(Augment, "augment.shift"; "Shift", float(0.0, 0.5); "Largest shift as a share of the side (0.05 to 0.15 is usual)"),
    param!(Augment, "augment.scale"; "Zoom", float(0.0, 0.5); "Largest change of size as a share (0.1 means 0.9 to 1.1)"),
    param!(Augment, "augment.rotate_deg"; "Rotation", float(0.0, 180.0), "°"; "Largest rotation to either side (5 to 15 is usual)"),
    param!(Augment, "augment.colour"; "Light and colour", float(0.0, 1.0); "Largest change of brightness, contrast and saturation as a share"),
    param!(Augment, "augment.hue_deg"; "Hue", float(0.0, 180.0), "°"; "Largest turn of the colours to either side"),
    param!(Augment, "augment.crop"; "Crop on black", float(0.0, 1.0); "Chance that only a rectangle of the image is left, on black (0.2 for faces seen in part)"),
    param!(Augment, "augment.crop_smallest"; "Smallest crop", float(0.05, 1.0); "Smallest share of the area that is left"; |c| c.augment.crop > 0.0),
    param!(Augment, "augment.low_resolution"; "Low resolution", float(0.0, 1.0); "Chance of being made small and large again, as by a distant camera (0.2 for surveillance)"),
    param!(Augment, "augment.low_resolution_smallest"; "Lowest resolution", float(0.02, 1.0); "Smallest side meanwhile, as a share"; |c| c.augment.low_resolution > 0.0),
    param!(Augment, "augment.blur"; "Blur", float(0.0, 1.0); "Chance of being blurred"),
    param!(Augment, "augment.blur_largest"; "Strongest blur", float(0.001, 0.3); "Largest standard deviation of the blur as a share of the side"; |c| c.augment.blur > 0.0),
    param!(Augment, "augment.grey"; "Without colours", float(0.0, 1.0); "Chance of losing the colours (0.1 where cameras with infrared light are used)"),
    param!(Augment, "augment.jpeg"; "JPEG", float(0.0, 1.0); "Chance of being compressed"),
    param!(Augment, "augment.jpeg_lowest"; "Lowest quality", int(1, 95); "Lowest JPEG quality"; |c| c.augment.jpeg > 0.0),
    param!(Augment, "augment.cutout"; "Cutout", float(0.0, 1.0); "Chance of a black square that hides a part"),
    param!(Augment, "augment.cutout_largest"; "Largest cutout", float(0.01, 1.0); "Largest side of the square, as a share"; |c| c.augment.cutout > 0.0),
    param!(Model, "model.net", short "net"; "Backbone", Kind::Choice(Net::ALL), basic; "The network that turns an image into features"),
    param!(Model, "model.pooling", short "pooling"; "Pooling", Kind::Choice(Pooling::ALL); "Averaging ignores where a feature lies; flattening gives every position its own weights, which suits aligned images such as faces; depthwise gives it one weight per channel, which needs fewer images. For the iResNets, average_prelu puts insightface's PReLU before the average (its head GAP). MobileFaceNet has its own way"; |c| c.model.net.published_pooling().is_some()),
    param!(Model, "model.embedding_dim", short "dim"; "Embedding size", int(2, 2048), auto, basic; "Numbers per embedding: 2 or 3 can be drawn as they are, 128 to 512 separate best"),
    param!(Model, "model.dropout"; "Dropout", float(0.0, 0.9); "Share of features dropped before the embedding layer while training (0 to 0.4)"),
    param!(Loss, "loss.head", short "loss"; "Loss", Kind::Choice(Head::ALL), basic; "Plain softmax is the baseline; ArcFace and its relatives ask for a margin between classes on the sphere, each in its own way"),
    param!(Loss, "loss.scale", short "scale"; "Scale", log(1.0, 128.0), auto; "Factor on the cosine before the softmax; larger suits more classes (8 for ten of them, 12 for some hundreds, 64 in papers on millions of faces)"; |c| c.loss.head.has_scale()),
    param!(Loss, "loss.margin_factor"; "Margin factor", float(0.5, 6.0), auto; "Factor on the angle to the own class: 4 for the first SphereFace, 1.5 to 1.7 for the later ones, 0.9 or 1 in combined margins"; |c| c.loss.head.margin_use().factor),
    param!(Loss, "loss.margin_rad"; "Angular margin", float(0.0, 1.5), "rad", auto; "Angle added to the target class (0.3 to 0.5 is usual)"; |c| c.loss.head.margin_use().rad),
    param!(Loss, "loss.margin_cos"; "Cosine margin", float(0.0, 0.9), auto; "Amount taken from the target cosine (0.2 to 0.4 is usual)"; |c| c.loss.head.margin_use().cos),
    param!(Loss, "loss.margin_ramp"; "Margin ramp", float(0.0, 1.0), auto; "Share of the run over which the margin grows from zero; keeps small data sets from getting stuck"; |c| c.loss.head.ramps()),
    param!(Loss, "loss.margin_detached"; "Margin without gradient", Kind::Bool, auto; "The margin counts in the loss but not in its gradient (straight-through): steadier, and what some trainers do; automatic is what the loss's authors do"; |c| c.loss.head.has_margin()),
    param!(Loss, "loss.margin_std"; "Spread of the margin", float(0.0, 0.5), auto; "Standard deviation of the margin that ElasticFace draws for every sample; automatic is its authors' value (0.05; by rank 0.0175 for Arc and 0.02 for Cos)"; is_elastic),
    param!(Loss, "loss.margin_by_rank"; "Margins by rank", Kind::Bool; "ElasticFace+: the smallest margin goes to the sample nearest its class"; is_elastic),
    param!(Loss, "loss.length_low"; "Shortest embedding", log(0.1, 1000.0); "MagFace: length at which the margin is smallest"; is_magface),
    param!(Loss, "loss.length_high"; "Longest embedding", log(0.1, 1000.0); "MagFace: length at which the margin is largest"; is_magface),
    param!(Loss, "loss.length_margin_rad"; "Largest margin", float(0.0, 1.5), "rad"; "MagFace: margin of the longest embeddings; the angular margin is that of the shortest"; is_magface),
    param!(Loss, "loss.length_weight"; "Weight of the length", float(0.0, 1000.0); "MagFace: how strongly embeddings are drawn to greater length (20 to 35 is usual)"; is_magface),
    param!(Loss, "loss.statistics_share"; "Share in the statistics", log(0.0001, 1.0); "Share of each batch in the running statistics of AdaFace and CurricularFace (0.01 to 0.1 is usual)"; |c| matches!(c.loss.head, Head::AdaFace | Head::CurricularFace)),
    param!(Loss, "loss.subcenters"; "Centres per class", int(1, 10); "With 3, a class may fall into a main group and a rest, which gathers wrong labels (sub-centre ArcFace); 1 is the usual head"; |c| c.loss.head.is_cosine()),
    param!(Loss, "loss.filter_above"; "Ignore other classes above", float(0.0, 1.0); "Other classes whose cosine is above this are left out of a sample's loss, for they may be the same person (0.4 is usual); 1 leaves out none"),
    param!(Loss, "loss.class_share"; "Classes per step", float(0.001, 1.0); "Share of the classes that a step compares with (Partial FC): less memory with very many classes, and less harm from wrong labels (0.1 to 0.3 is usual). The training accuracy is that among these classes, and so higher than among all"),
    param!(Loss, "loss.focal_gamma"; "Focal power", float(0.0, 10.0); "Samples that are recognised count less; 2 is usual, 0 switches it off"),
    param!(Loss, "loss.batch_negatives"; "Impostors within the batch", Kind::Bool; "Pairs of different classes in the batch count as impostors too, without the outliers among them (UNPG)"; |c| c.loss.head.takes_batch_negatives()),
    param!(Train, "train.start_from", short "start-from"; "Start from", Kind::Text, basic; "Folder of a run whose network this one goes on with (fine-tuning), trained here or imported; its shape and preprocessing are kept, classes of the same name keep their weights, and those of new classes begin at the mean of their images. Empty starts from scratch"),
    param!(Train, "train.freeze_epochs"; "Frozen at first", int(0, 10_000), "epochs", auto; "Epochs in which only the class weights learn and the network is left as it is (1 to 3 is usual with new classes); warm-up and margin ramp follow them"; |c| c.train.is_fine_tuned()),
    param!(Train, "train.freeze_norm"; "Keep the statistics", Kind::Bool; "The normalisations go on with the means and deviations of the network that the run starts from, in place of those of each batch: usual where batches are small. Their factors learn on"; |c| c.train.is_fine_tuned()),
    param!(Train, "train.epochs", short "epochs"; "Epochs", int(1, 10_000), basic; "Passes over the training images"),
    param!(Train, "train.batch", short "batch"; "Batch size", int(2, 4096), basic; "Images per step; larger is smoother and needs more memory (32 to 256)"),
    param!(Train, "train.sampler"; "Image order", Kind::Choice(Sampler::ALL); "Shuffled shows every image once an epoch; the others show classes equally often, which helps when some have many more images"),
    param!(Train, "train.images_per_class"; "Images per class", int(1, 64); "Images of one class in a row (K); a batch then holds P = batch / K classes"; |c| c.train.sampler == Sampler::PByK),
    param!(Train, "train.micro_batches"; "Parts of a batch", int(1, 256); "A batch is computed in so many parts, of two images at least, whose gradients are added: less memory, and the same step but for what looks at a batch as a whole, which sees a part at a time: the normalisation, what AdaFace, CurricularFace and AdaCos keep of it, ElasticFace's margins by rank, and impostors within the batch (UNPG)"),
    param!(Train, "train.recompute"; "Recompute maps", Kind::Bool; "Keeps only the maps in front of each block and computes the others again for the gradients (gradient checkpointing): far less memory, a third more time, the same weights"),
    param!(Train, "train.precision", short "precision"; "Precision", Kind::Choice(Precision::ALL); "Arithmetic of the convolutions on a GPU; 16 bits (bf16) is about twice as fast. The CPU computes in 32 bits"),
    param!(Train, "train.optimizer", short "optimizer"; "Optimiser", Kind::Choice(Optimizer::ALL); "SGD with momentum generalises best here; Adam is forgiving about the learning rate"),
    param!(Train, "train.lr", short "lr"; "Learning rate", log(1e-6, 10.0), auto; "Peak learning rate after the warm-up"),
    param!(Train, "train.head_lr_factor"; "Rate of the head", log(0.01, 100.0), auto; "Learning rate of the class weights as a multiple of the network's; automatic is 10 where fine-tuning gives the network a tenth of the usual rate, and else 1"),
    param!(Train, "train.momentum"; "Momentum", float(0.0, 0.999); "Share of the last step that is kept (0.9 is usual)"; |c| c.train.optimizer == Optimizer::Sgd),
    param!(Train, "train.nesterov"; "Nesterov", Kind::Bool; "Momentum that looks one step ahead; a little faster on smooth losses"; |c| c.train.optimizer == Optimizer::Sgd),
    param!(Train, "train.weight_decay"; "Weight decay", float(0.0, 1.0); "Pull of the weights towards zero (1e-4 to 5e-4 with SGD); norms and biases are spared"),
    param!(Train, "train.warmup_epochs"; "Warm-up", float(0.0, 100.0), "epochs", auto; "Epochs over which the learning rate rises from zero"),
    param!(Train, "train.schedule", short "schedule"; "Schedule", Kind::Choice(Schedule::ALL); "How the learning rate falls after the warm-up"),
    param!(Train, "train.power"; "Power", float(0.1, 10.0); "Power of the polynomial schedule: 1 is a straight line, 2 falls faster at first"; |c| c.train.schedule == Schedule::Polynomial),
    param!(Train, "train.step_epochs"; "Falls at", Kind::Text, "epochs"; "Epochs at which the rate falls, such as 12, 20, 24; empty falls at a half and three quarters of the run"; |c| c.train.schedule == Schedule::Step),
    param!(Train, "train.fall_factor"; "Fall", log(0.001, 0.99); "What the rate is multiplied by at a fall (0.1 is usual)"; |c| matches!(c.train.schedule, Schedule::Step | Schedule::Plateau)),
    param!(Train, "train.plateau_epochs"; "Patience", int(1, 1000), "epochs"; "Epochs without improvement after which the rate falls"; |c| c.train.schedule == Schedule::Plateau),
    param!(Train, "train.grad_clip"; "Gradient clip", float(0.0, 1000.0); "Largest norm of the whole gradient; 0 switches it off"),
    param!(Train, "train.weight_average"; "Averaged weights", float(0.0, 0.99999); "Validates and keeps a running average of the weights in place of the last ones; 0.999 averages over about 1000 steps, 0 switches it off"),
    param!(Train, "train.best"; "Best epoch", Kind::Choice(Best::ALL); "Which epoch is kept as the best"),
    param!(Train, "train.stop_after"; "Stop early", int(0, 10_000), "epochs"; "Epochs without improvement of the best one after which the run ends; 0 never ends it early"),
    param!(Train, "train.seed", short "seed"; "Seed", int(0, 4_294_967_295); "Seed of every random choice: the same seed gives the same run on the CPU"),
    param!(Train, "train.device", short "device"; "Device", Kind::Text, basic; "auto, cpu, or cuda:0 (see `arclens devices`)"),
    param!(Eval, "eval.max_genuine"; "Genuine pairs", int(1, 100_000_000); "At most this many pairs of the same identity are scored"),
    param!(Eval, "eval.max_impostor"; "Impostor pairs", int(1, 100_000_000); "At most this many pairs of different identities are scored"),
    param!(Eval, "eval.far_target", short "far"; "Target FAR", log(1e-6, 0.5), auto; "False accept rate of the operating point; automatic is where both error rates are equal"),
    param!(Eval, "eval.flip"; "Add the mirror image", Kind::Bool, auto; "Embeds each image and its mirror image and takes the mean of the two; twice the work, a little more accurate for faces"),
    param!(Map, "map.method", short "method"; "Map", Kind::Choice(MapKind::ALL); "PCA is linear and instant; t-SNE keeps neighbourhoods, not distances"),
    param!(Map, "map.perplexity", short "perplexity"; "Perplexity", float(2.0, 200.0); "Effective number of neighbours of t-SNE (5 to 50 is usual)"; |c| c.map.method == MapKind::Tsne),
    param!(Map, "map.iterations"; "Iterations", int(50, 10_000); "Iterations of t-SNE"; |c| c.map.method == MapKind::Tsne),
    param!(Map, "map.max_points"; "Most points", int(10, 1_000_000); "Larger sets are sampled, evenly over the classes"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_with_its_unit_in_the_singular_where_it_is_one() {
        let text = |key: &str, value: Value| spec(key).unwrap().text(&value);
        assert_eq!(text("train.warmup_epochs", Value::Float(1.0)), "1 epoch");
        assert_eq!(text("train.warmup_epochs", Value::Float(0.5)), "0.5 epochs");
        assert_eq!(text("data.image_px", Value::Int(1)), "1 px");
        assert_eq!(text("augment.rotate_deg", Value::Float(8.0)), "8°");
        assert_eq!(text("train.batch", Value::Int(64)), "64");
        assert_eq!(text("data.image_px", Value::Text("auto".into())), "auto");
        assert_eq!(text("loss.head", Value::Text("arcface".into())), Head::ArcFace.label());
    }
}
