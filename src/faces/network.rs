//! A YuNet network run by tract.
//!
//! tract panics on some broken files, so nothing of it is called outside [`guarded`].

use super::Face;
use super::decode::{Level, STRIDES, decode};
use super::graph_check::check;
use super::picture::{Picture, SIDE_STEP};
use std::sync::{Arc, Mutex, PoisonError};
use tract_onnx::prelude::*;

/// The answers in the order they are read; each with a stride behind it.
const ANSWERS: [&str; 4] = ["cls", "obj", "bbox", "kps"];
/// Numbers per cell of each answer.
const PER_CELL: [usize; 4] = [1, 1, 4, 10];
/// Where a network is tried when its file does not say a size, in pixels.
const TRIAL_PX: usize = 320;
/// Another size, to see whether a network takes any.
const OTHER_TRIAL_PX: usize = 256;
/// Longest side a fixed input may have, in pixels.
const MAX_FIXED_PX: usize = 2048;
/// Numbers between two operations; YuNet at 1280 px needs a sixteenth.
const MAX_NUMBERS: usize = 256 << 20;
/// The same between all of them together, for a network may need all of it at once; YuNet needs a fifth.
const MAX_ALL_NUMBERS: usize = 1 << 30;
/// Sizes kept ready.
const MAX_PLANS: usize = 16;

type Plan = Arc<TypedSimplePlan>;

/// Width and height in pixels.
type Size = (usize, usize);

/// The network, with a plan for each size of input met lately.
pub(super) struct Network {
    model: InferenceModel,
    fixed: Option<Size>,
    plans: Mutex<Vec<(Size, Plan)>>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("fixed", &self.fixed).finish_non_exhaustive()
    }
}

impl Network {
    /// Reads the file's bytes and tries the network once. `Err(None)` is for builds that run none.
    pub(super) fn load(bytes: &[u8]) -> Result<Self, Option<String>> {
        guarded(|| load(bytes)).map_err(Some)
    }

    /// Width and height of the input where only one size is taken.
    pub(super) fn fixed_size(&self) -> Option<Size> {
        self.fixed
    }

    /// Every cell that answers with at least `min_score`, in pixels of the picture.
    pub(super) fn run(&self, picture: &Picture, min_score: f32) -> Result<Vec<Face>, String> {
        guarded(|| {
            let size = (picture.width, picture.height);
            let plan = self.plan(size)?;
            run(&plan, &picture.planes, size, min_score)
        })
    }

    fn plan(&self, size: Size) -> Result<Plan, String> {
        let known = |plans: &[(Size, Plan)]| plans.iter().find(|(at, _)| *at == size).map(|(_, plan)| Arc::clone(plan));
        let lock = || self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = known(&lock()) {
            return Ok(plan);
        }
        // Made without the lock: other threads go on with the sizes they have.
        let plan = plan(&self.model, size)?;
        let mut plans = lock();
        if known(&plans).is_none() {
            if plans.len() >= MAX_PLANS {
                plans.remove(0);
            }
            plans.push((size, Arc::clone(&plan)));
        }
        Ok(plan)
    }
}

fn load(bytes: &[u8]) -> Result<Network, String> {
    let onnx = onnx().with_ignore_output_shapes(true).with_ignore_value_info(true);
    let proto = onnx.proto_model_for_read(&mut &*bytes).map_err(|_words| "it is no ONNX file".to_owned())?;
    let declared = check(&proto)?;
    let model = onnx.model_for_proto_model(&proto).map_err(|error| words(&error))?;
    let outlets = STRIDES.iter().flat_map(|stride| ANSWERS.map(|answer| format!("{answer}_{stride}")));
    let outlets: Result<Vec<_>, String> =
        outlets.map(|name| model.find_outlet_label(&name).ok_or_else(|| format!("it has no output {name}"))).collect();
    let model = model.with_output_outlets(&outlets?).map_err(|error| words(&error))?;
    let trial = |size: Size| {
        let plan = plan(&model, size)?;
        run(&plan, &vec![0.0; 3 * size.0 * size.1], size, 0.5)?;
        Ok::<_, String>((size, plan))
    };
    let fixed = match declared {
        [Some(height), Some(width)] => Some((width, height)),
        _ => None,
    };
    if let Some((width, height)) = fixed {
        let fits = |side: usize| side.is_multiple_of(SIDE_STEP) && side <= MAX_FIXED_PX;
        if !fits(width) || !fits(height) {
            return Err(format!("its input is {width}×{height} px; sides are multiples of {SIDE_STEP}"));
        }
    }
    let first = trial(fixed.unwrap_or((TRIAL_PX, TRIAL_PX)))?;
    // Files that name one size often take any, which is faster for small images; OpenCV relies on it.
    let other = if first.0 == (OTHER_TRIAL_PX, OTHER_TRIAL_PX) { TRIAL_PX } else { OTHER_TRIAL_PX };
    let takes_any = fixed.is_none() || guarded(|| trial((other, other))).is_ok();
    let fixed = fixed.filter(|_| !takes_any);
    Ok(Network { model, fixed, plans: Mutex::new(vec![first]) })
}

fn plan(model: &InferenceModel, (width, height): Size) -> Result<Plan, String> {
    let fact = InferenceFact::dt_shape(f32::datum_type(), [1, 3, height, width]);
    let typed = model.clone().with_input_fact(0, fact).and_then(InferenceModelExt::into_typed);
    let typed = typed.map_err(|error| words(&error))?;
    let mut all: usize = 0;
    for output in typed.nodes().iter().flat_map(|node| &node.outputs) {
        let shape = output.fact.shape.as_concrete();
        let shape = shape.ok_or("the size of its answers is not known from that of its input")?;
        let numbers = shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side)).unwrap_or(usize::MAX);
        all = all.saturating_add(numbers);
        if numbers > MAX_NUMBERS || all > MAX_ALL_NUMBERS {
            return Err("it would need more memory than is allowed".to_owned());
        }
    }
    typed.into_optimized().and_then(IntoRunnable::into_runnable).map_err(|error| words(&error))
}

fn run(plan: &Plan, planes: &[f32], (width, height): Size, min_score: f32) -> Result<Vec<Face>, String> {
    let input = Tensor::from_shape(&[1, 3, height, width], planes).map_err(|error| words(&error))?;
    let answers = plan.run(tvec!(input.into())).map_err(|error| words(&error))?;
    let mut faces = Vec::new();
    for (stride, answers) in STRIDES.into_iter().zip(answers.chunks(ANSWERS.len())) {
        let (columns, rows) = (width / stride, height / stride);
        let mut parts: [&[f32]; 4] = [&[]; 4];
        for (((part, answer), per_cell), name) in parts.iter_mut().zip(answers).zip(PER_CELL).zip(ANSWERS) {
            *part = answer.try_as_plain_ram().and_then(|plain| plain.as_slice()).map_err(|error| words(&error))?;
            if part.len() != columns * rows * per_cell {
                return Err(format!(
                    "its output {name}_{stride} has {} numbers instead of {}",
                    part.len(),
                    columns * rows * per_cell
                ));
            }
        }
        let [class, object, boxes, points] = parts;
        faces.extend(decode(&Level { stride, columns, rows, class, object, boxes, points }, min_score));
    }
    Ok(faces)
}

/// Runs what tract does so that a panic inside it costs no more than an answer.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|_panic| Err("the library that runs it stopped".to_owned()))
}

/// The outermost words of an error, which name the operation.
fn words(error: &TractError) -> String {
    let text: String = error.to_string().chars().filter(|letter| !letter.is_control()).take(200).collect();
    format!("it cannot be run ({text})")
}
