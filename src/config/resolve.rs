//! Turns what was asked into what will be done: checks every setting against the data set and replaces every
//! automatic value by a number with its reason.

use super::count_text::{amount, counted};
use super::{Auto, Colour, ConfigError, Margins, Net, Optimizer, Pooling, Problem, RunConfig, RunInfo, scale, spec};

/// What the settings have to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct DataFacts {
    /// Classes in the training part.
    pub train_classes: usize,
    /// Images in the training part.
    pub train_images: usize,
    /// Images held out.
    pub validation_images: usize,
    /// Median of the images' shorter sides, in pixels.
    pub typical_px: u32,
    /// Every image is grey.
    pub all_grey: bool,
}

/// Why an automatic value is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The setting.
    pub key: &'static str,
    /// What `auto` became, without its unit.
    pub value: String,
    /// One sentence.
    pub why: String,
}

/// A configuration without automatic values.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The same settings, every `auto` replaced.
    pub config: RunConfig,
    /// Side of the network's input in pixels.
    pub image_px: u32,
    /// 1 or 3.
    pub channels: u32,
    /// How features are gathered.
    pub pooling: Pooling,
    /// Numbers per embedding.
    pub embedding_dim: u32,
    /// Mirror every second training image.
    pub flip: bool,
    /// Add the embedding of the mirrored image.
    pub add_mirror: bool,
    /// Factor on the cosine.
    pub scale: f64,
    /// Margins of the chosen loss; those it does not have change nothing.
    pub margins: Margins,
    /// The margin counts in the loss but not in its gradient.
    pub margin_detached: bool,
    /// Share of the run, without its frozen epochs, over which the margin grows.
    pub margin_ramp: f64,
    /// Peak learning rate.
    pub lr: f64,
    /// Epochs over which the learning rate rises, counted from the end of the frozen ones.
    pub warmup_epochs: f64,
    /// Steps per epoch.
    pub steps_per_epoch: usize,
    /// One entry per automatic value.
    pub reasons: Vec<Reason>,
}

/// Checks `config` against the data and fills in the automatic values.
///
/// # Errors
/// Every problem at once, each naming the key, the value and what would be valid.
pub fn resolve(config: &RunConfig, facts: &DataFacts) -> Result<Resolved, ConfigError> {
    let mut problems = config.problems();
    problems.extend(data_problems(config, facts));
    match problems.len() {
        0 => {}
        1 => return Err(ConfigError::Invalid(problems.remove(0))),
        _ => return Err(ConfigError::Several(problems)),
    }
    let mut chosen = Chosen { config: config.clone(), reasons: Vec::new() };
    let image_px = chosen.image_px(facts);
    let channels = chosen.channels(facts);
    let embedding_dim = chosen.embedding_dim(facts);
    let pooling = chosen.pooling(facts, image_px, embedding_dim);
    let flip = chosen.flip(channels);
    let add_mirror = chosen.add_mirror(flip);
    let scale = chosen.scale(facts);
    let margins = chosen.margins();
    chosen.margin_std();
    let margin_detached = chosen.margin_detached();
    let margin_ramp = chosen.margin_ramp();
    let batch = (config.train.batch as usize).min(facts.train_images).max(1);
    chosen.freeze_epochs();
    let lr = chosen.lr(batch);
    chosen.head_lr_factor(config.train.lr);
    let steps_per_epoch = (facts.train_images / batch).max(1);
    let warmup_epochs = chosen.warmup_epochs(steps_per_epoch);
    chosen.far_target();
    chosen.leave_out_what_is_old();
    Ok(Resolved {
        image_px,
        channels,
        pooling,
        embedding_dim,
        flip,
        add_mirror,
        scale,
        margins,
        margin_detached,
        margin_ramp,
        lr,
        warmup_epochs,
        steps_per_epoch,
        config: chosen.config,
        reasons: chosen.reasons,
    })
}

fn data_problems(config: &RunConfig, facts: &DataFacts) -> Vec<Problem> {
    let mut problems = Vec::new();
    // A setting that has no effect is not shown either: nobody could mend it.
    let applies = |key: &str| spec(key).is_some_and(|spec| (spec.applies)(config));
    if facts.train_classes < 2 {
        problems.push(Problem {
            key: "data".to_owned(),
            found: format!("{} class for training", facts.train_classes),
            expected: "a margin needs at least 2 classes with enough images; add folders, or lower data.min_images or data.validation_fraction".to_owned(),
        });
    }
    if facts.train_images < 2 {
        problems.push(Problem {
            key: "data".to_owned(),
            found: format!("{} training images", facts.train_images),
            expected: "a step needs at least 2 images".to_owned(),
        });
    }
    if applies("loss.length_high") && config.loss.length_high <= config.loss.length_low {
        problems.push(Problem {
            key: "loss.length_high".to_owned(),
            found: config.loss.length_high.to_string(),
            expected: format!("it must be above the {} of loss.length_low", config.loss.length_low),
        });
    }
    if let (true, Err(found)) = (applies("train.step_epochs"), config.train.falls()) {
        problems.push(Problem {
            key: "train.step_epochs".to_owned(),
            found,
            expected: "it must be epochs in rising order, such as 12, 20, 24".to_owned(),
        });
    }
    problems.extend(epoch_problem(config));
    if applies("train.images_per_class") {
        problems.extend(sampler_problem(config, facts));
    }
    problems
}

/// In a batch of one class there is no other to tell its images from, so that two have to find room. A run that began
/// before this was asked goes on as it is.
fn sampler_problem(config: &RunConfig, facts: &DataFacts) -> Option<Problem> {
    let has_begun = config.run.as_ref().is_some_and(RunInfo::has_begun);
    let (in_a_row, batch) = (config.train.images_per_class, (config.train.batch as usize).min(facts.train_images));
    let most = (batch / 2).max(1);
    (!has_begun && in_a_row as usize > most).then(|| Problem {
        key: "train.images_per_class".to_owned(),
        found: in_a_row.to_string(),
        expected: format!(
            "it must not exceed {most}, half of the {batch} images of a batch, so that each has at least 2 classes"
        ),
    })
}

/// The network rests first and is warmed up then: both have to end before the run does. Where it would never learn, that alone
/// is told.
fn epoch_problem(config: &RunConfig) -> Option<Problem> {
    let (epochs, frozen) = (config.train.epochs, config.train.frozen_epochs());
    let problem = |key: &str, found: String, expected: String| Some(Problem { key: key.to_owned(), found, expected });
    if frozen > 0 && frozen >= epochs {
        let expected = format!("it must be less than the {} of train.epochs", counted(epochs as usize, "epoch"));
        return problem("train.freeze_epochs", frozen.to_string(), expected);
    }
    let learning = epochs - frozen;
    let warmup = config.train.warmup_epochs.set().filter(|warmup| *warmup > f64::from(learning))?;
    let most = counted(learning as usize, "epoch");
    let expected = if frozen > 0 {
        format!("it must not exceed the {most} that train.freeze_epochs leaves of train.epochs")
    } else {
        format!("it must not exceed the {most} of train.epochs")
    };
    problem("train.warmup_epochs", warmup.to_string(), expected)
}

struct Chosen {
    config: RunConfig,
    reasons: Vec<Reason>,
}

impl Chosen {
    fn because(&mut self, key: &'static str, value: impl ToString, why: impl Into<String>) {
        self.reasons.push(Reason { key, value: value.to_string(), why: why.into() });
    }

    fn image_px(&mut self, facts: &DataFacts) -> u32 {
        if let Auto::Set(px) = self.config.data.image_px {
            return px;
        }
        let net = self.config.model.net;
        let (cap, net) = if net == Net::Small { (64, "the small net") } else { (112, net.label()) };
        let px = facts.typical_px.clamp(16, cap);
        let why = if px == facts.typical_px {
            format!("the images are about {px} px")
        } else {
            format!("the images are about {} px; {net} works best from 16 to {cap} px", facts.typical_px)
        };
        self.because("data.image_px", px, why);
        self.config.data.image_px = Auto::Set(px);
        px
    }

    fn channels(&mut self, facts: &DataFacts) -> u32 {
        if self.config.data.colour == Colour::Auto {
            let (colour, why) = if facts.all_grey {
                (Colour::Grey, "every image is grey")
            } else {
                (Colour::Rgb, "some images are in colour")
            };
            self.because("data.colour", colour.label(), why);
            self.config.data.colour = colour;
        }
        if self.config.data.colour == Colour::Grey { 1 } else { 3 }
    }

    /// A layer over all positions has weights for every one of them: 12.8 million for faces of 112 pixels, half of the
    /// smallest iResNet. It is taken where there are images enough to teach it that much. `Auto` stays where the network is
    /// as published: it means the same in a checkpoint.
    fn pooling(&mut self, facts: &DataFacts, image_px: u32, embedding_dim: u32) -> Pooling {
        let (asked, net) = (self.config.model.pooling, self.config.model.net);
        let Some(published) = net.published_pooling().filter(|_| asked == Pooling::Auto) else { return asked };
        let weights = net.face_layer_weights(image_px, embedding_dim).filter(|_| !self.has_network());
        let Some(weights) = weights else {
            self.because("model.pooling", published.label(), "as usual for this network");
            return asked;
        };
        let (classes, images) = (facts.train_classes, facts.train_images);
        let per_class = (images as f64 / classes.max(1) as f64).round() as usize;
        let set =
            format!("{} images (about {} of each of {} classes)", amount(images), amount(per_class), amount(classes));
        let layer =
            format!("its layer with weights of its own for every position has {} of them", amount(weights as usize));
        if weights <= MOST_WEIGHTS_PER_IMAGE.saturating_mul(images as u64) {
            let why = format!("as usual for this network: {layer}, not too many for {set}");
            self.because("model.pooling", published.label(), why);
            return asked;
        }
        self.because("model.pooling", Pooling::Average.label(), format!("{layer}, too many for {set}"));
        self.config.model.pooling = Pooling::Average;
        Pooling::Average
    }

    /// Of a run that goes on, what is left open even now was so when it began, and is no news.
    fn leave_out_what_is_old(&mut self) {
        if self.config.run.as_ref().is_some_and(RunInfo::has_begun) {
            let open = self.config.automatic_keys();
            self.reasons.retain(|reason| !open.iter().any(|key| key == reason.key));
        }
    }

    /// The network is there already: that of the run itself when it has begun, that chosen for the first run of its series,
    /// or that of the run it starts from.
    fn has_network(&self) -> bool {
        let is_chosen = |run: &RunInfo| run.has_begun() || run.is_automatic("model.pooling");
        self.config.run.as_ref().is_some_and(is_chosen) || self.config.train.is_fine_tuned()
    }

    fn embedding_dim(&mut self, facts: &DataFacts) -> u32 {
        if let Auto::Set(dim) = self.config.model.embedding_dim {
            return dim;
        }
        let (dim, why) = if facts.train_classes < MANY_CLASSES {
            (128, format!("enough for {} classes, and quicker to compare", facts.train_classes))
        } else {
            (512, format!("{} classes need room; the paper's value", facts.train_classes))
        };
        self.because("model.embedding_dim", dim, why);
        self.config.model.embedding_dim = Auto::Set(dim);
        dim
    }

    fn flip(&mut self, channels: u32) -> bool {
        if let Auto::Set(flip) = self.config.augment.flip {
            return flip;
        }
        let (flip, why) = if channels == 3 {
            (true, "colour images are mostly photographs, where left and right may be swapped")
        } else {
            (false, "grey images are often characters, where the mirror image is another one")
        };
        self.because("augment.flip", if flip { "on" } else { "off" }, why);
        self.config.augment.flip = Auto::Set(flip);
        flip
    }

    fn add_mirror(&mut self, flip: bool) -> bool {
        if let Auto::Set(add) = self.config.eval.flip {
            return add;
        }
        let why = if flip {
            "training images are mirrored, so both views are known"
        } else {
            "training images are not mirrored"
        };
        self.because("eval.flip", if flip { "on" } else { "off" }, why);
        self.config.eval.flip = Auto::Set(flip);
        flip
    }

    fn scale(&mut self, facts: &DataFacts) -> f64 {
        if let Auto::Set(scale) = self.config.loss.scale {
            return scale;
        }
        let (scale, why) = scale::automatic(&self.config.loss, facts.train_classes);
        if self.config.loss.head.has_scale() {
            self.because("loss.scale", scale, why);
        }
        self.config.loss.scale = Auto::Set(scale);
        scale
    }

    fn margins(&mut self) -> Margins {
        let head = self.config.loss.head;
        let (used, usual) = (head.margin_use(), head.published_margins());
        let loss = &mut self.config.loss;
        let mut reasons = Vec::new();
        let mut one = |used: bool, key: &'static str, setting: &mut Auto<f64>, usual: f64, none: f64| {
            if !used {
                return none;
            }
            if *setting == Auto::Auto {
                reasons.push((key, usual));
            }
            let value = setting.set().unwrap_or(usual);
            *setting = Auto::Set(value);
            value
        };
        let margins = Margins {
            factor: one(used.factor, "loss.margin_factor", &mut loss.margin_factor, usual.factor, 1.0),
            rad: one(used.rad, "loss.margin_rad", &mut loss.margin_rad, usual.rad, 0.0),
            cos: one(used.cos, "loss.margin_cos", &mut loss.margin_cos, usual.cos, 0.0),
        };
        reasons.into_iter().for_each(|(key, value)| self.because(key, value, head.margin_source()));
        margins
    }

    fn margin_std(&mut self) {
        let loss = &self.config.loss;
        if loss.margin_std != Auto::Auto {
            return;
        }
        let (head, by_rank) = (loss.head, loss.margin_by_rank);
        let std = head.published_margin_std(by_rank);
        if head.draws_margin() {
            let plus = if by_rank { "+" } else { "" };
            self.because("loss.margin_std", std, format!("the paper's value for {}{plus}", head.label()));
        }
        self.config.loss.margin_std = Auto::Set(std);
    }

    fn margin_detached(&mut self) -> bool {
        let head = self.config.loss.head;
        let detached = self.config.loss.margin_detached.set().unwrap_or(head.detached_as_published());
        if head.has_margin() && self.config.loss.margin_detached == Auto::Auto {
            let value = if detached { "on" } else { "off" };
            self.because("loss.margin_detached", value, "as the loss's authors train it");
        }
        self.config.loss.margin_detached = Auto::Set(detached);
        detached
    }

    /// Small sets get stuck where the whole margin is there before their classes have places on the sphere.
    fn margin_ramp(&mut self) -> f64 {
        if let Auto::Set(share) = self.config.loss.margin_ramp {
            return share;
        }
        if self.config.loss.head.ramps() {
            let why = "the middle of the usual tenth to fifth, whatever the data: classes find their places before they are \
                       pushed apart";
            self.because("loss.margin_ramp", MARGIN_RAMP, why);
        }
        self.config.loss.margin_ramp = Auto::Set(MARGIN_RAMP);
        MARGIN_RAMP
    }

    /// `batch` is what a step really has.
    fn lr(&mut self, batch: usize) -> f64 {
        if let Auto::Set(lr) = self.config.train.lr {
            return lr;
        }
        let (per_64, low, high) = match self.config.train.optimizer {
            Optimizer::Sgd => (0.1, 0.01, 0.2),
            Optimizer::Adam | Optimizer::AdamW => (1e-3, 1e-4, 4e-3),
        };
        let raw = per_64 * batch as f64 / 64.0;
        let mut lr = raw.clamp(low, high);
        let mut why = format!("{per_64} per 64 images, for batches of {batch}");
        if raw < low {
            why += &format!(", not less than {low}");
        } else if raw > high {
            why += &format!(", not more than {high}");
        }
        if self.config.train.is_fine_tuned() {
            lr /= FINE_TUNING;
            why = format!("a tenth of {why}: the network is trained already");
        }
        let lr = four_digits(lr);
        self.because("train.lr", lr, why);
        self.config.train.lr = Auto::Set(lr);
        lr
    }

    fn freeze_epochs(&mut self) {
        if self.config.train.freeze_epochs != Auto::Auto {
            return;
        }
        let epochs = self.config.train.frozen_epochs();
        if self.config.train.is_fine_tuned() {
            let why = if epochs > 0 {
                "the class weights learn alone before the network learns from them"
            } else {
                "so short a run has no epoch to spare for the class weights alone"
            };
            self.because("train.freeze_epochs", epochs, why);
        }
        self.config.train.freeze_epochs = Auto::Set(epochs);
    }

    /// Only the network has something to lose: where the program gives it a tenth of the usual rate, the class weights keep the
    /// whole. `asked` is the learning rate of the settings; what a person set by hand counts for both.
    fn head_lr_factor(&mut self, asked: Auto<f64>) {
        if self.config.train.head_lr_factor != Auto::Auto {
            return;
        }
        let (factor, why) = match (self.config.train.is_fine_tuned(), asked) {
            (true, Auto::Auto) => {
                (FINE_TUNING, "the class weights learn at the usual rate, of which the network gets a tenth")
            }
            (true, Auto::Set(_)) => (1.0, "the learning rate was set by hand"),
            (false, _) => (1.0, "the class weights learn as fast as the network"),
        };
        self.because("train.head_lr_factor", factor, why);
        self.config.train.head_lr_factor = Auto::Set(factor);
    }

    fn warmup_epochs(&mut self, steps_per_epoch: usize) -> f64 {
        if let Auto::Set(epochs) = self.config.train.warmup_epochs {
            return epochs;
        }
        let train = &self.config.train;
        let half = f64::from(train.epochs.saturating_sub(train.frozen_epochs())) / 2.0;
        let epochs = half.min(1.0);
        let steps = (steps_per_epoch as f64 * epochs).round();
        let when = match (train.is_fine_tuned(), train.frozen_epochs()) {
            (false, _) => "while the weights are still random",
            (true, 0) => "so that the network keeps what it knows",
            (true, _) => "after the frozen epochs, so that the network keeps what it knows",
        };
        let short = if half < 1.0 { "half of so short a run: " } else { "" };
        let growing = if steps == 1.0 { "1 step that grows".to_owned() } else { format!("{steps} steps that grow") };
        let why = format!("{short}{growing}, {when}");
        self.because("train.warmup_epochs", epochs, why);
        self.config.train.warmup_epochs = Auto::Set(epochs);
        epochs
    }

    /// It stays automatic: the operating point is found when pairs are scored.
    fn far_target(&mut self) {
        if self.config.eval.far_target == Auto::Auto {
            self.because("eval.far_target", "equal error rates", "as many wrong accepts as wrong rejects");
        }
    }
}

/// Without the rounding errors of the arithmetic: 0.005 and not 0.005000000000000001.
fn four_digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// A trained network learns at so small a part of the usual rate.
const FINE_TUNING: f64 = 10.0;

/// Share of the run over which the margin grows: the middle of the tenth to fifth that is usual.
const MARGIN_RAMP: f64 = 0.15;
/// From here on the paper's large embedding pays.
const MANY_CLASSES: usize = 1000;
/// Weights of the layer over all positions per training image, at most. Its authors train it with 26 of them per image of
/// CASIA-WebFace (0.5 million images) and 2.5 per image of MS1MV3 (5.2 million), at 112 pixels and 512 numbers.
const MOST_WEIGHTS_PER_IMAGE: u64 = 50;
