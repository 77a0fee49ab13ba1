//! Error rates of a finished network on the pairs that others chose: lists as LFW's, verification sets as InsightFace's.

use super::evaluate::{EvaluationResult, embed_items};
use super::run_folder::read_config;
use super::validate::rates_of;
use super::{Control, TrainError, TrainedModel};
use crate::data::Protocol;
use crate::eval::{OperatingRule, Pair, score_pairs};

/// Compares the pairs of a public protocol, each image embedded once. Pairs with an image that cannot be read are left
/// out.
///
/// # Errors
/// When images vanish, the device fails, a kind of pair is missing, or it is cancelled.
pub fn evaluate_protocol(
    model: &TrainedModel,
    protocol: &Protocol,
    rule: OperatingRule,
    control: &Control,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<EvaluationResult, TrainError> {
    for (same, what) in [(true, "the same class"), (false, "different classes")] {
        // Said before every image is embedded for nothing.
        if !protocol.pairs.iter().any(|pair| pair.2 == same) {
            return Err(TrainError::NoPairs(format!("the list has no complete pair of {what}")));
        }
    }
    let catalog = &protocol.catalog;
    let items: Vec<u32> = (0..catalog.items.len() as u32).collect();
    let (table, left_out) = embed_items(model, catalog, &items, control, progress)?;
    let mut row_of = vec![None; items.len()];
    for (row, item) in (0..).zip(table.items()) {
        if let Some(place) = row_of.get_mut(*item as usize) {
            *place = Some(row);
        }
    }
    let row = |item: &u32| row_of.get(*item as usize).copied().flatten();
    let pair = |(a, b, same): &(u32, u32, bool)| Some(Pair { a: row(a)?, b: row(b)?, same: *same });
    let pairs: Vec<Pair> = protocol.pairs.iter().filter_map(pair).collect();
    let seed = u64::from(read_config(model.run())?.train.seed);
    let (report, rates) = rates_of(&score_pairs(&table, &pairs)?, rule, protocol.has_folds, seed)?;
    let mut warnings = catalog.warnings.clone();
    warnings.merge(left_out);
    let model_sha256 = model.sha256().to_owned();
    Ok(EvaluationResult { report, rates, table, classification: None, warnings, model_sha256 })
}
