//! The verdict in words, with the figures behind it.

use crate::app::{Action, Dialog, State};
use crate::eval::{Decision, OperatingPoint};
use crate::ui::theme;
use crate::ui::widgets::figures::{decision_text, interval_text, rate_text};
use crate::worker::protocol::{ImageSource, VerifyResult};
use eframe::egui::{Color32, Sense, Stroke, Ui, vec2};

/// Draws what is known: the verdict, that it is being made, why there is none, or what to do.
pub(super) fn verdict_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let verify = &state.verify;
    if verify.job.is_some() {
        ui.label(theme::heading("Comparing"));
        ui.label(theme::caption("Both images go through the model; the first comparison also loads it."));
    } else if let Some(notice) = &verify.error {
        theme::error_card(ui, notice, out);
        ui.add_space(theme::SPACE);
        retry_ui(ui, state, out);
    } else if let Some(result) = &verify.result {
        result_ui(ui, state, result);
        if state.active_evaluation().is_none() {
            ui.add_space(theme::SPACE);
            measure_ui(ui, state, out);
        }
    } else {
        how_ui(ui, state);
    }
}

/// What to do while a slot is empty.
fn how_ui(ui: &mut Ui, state: &State) {
    let missing = state.verify.slots.iter().filter(|slot| slot.is_none()).count();
    ui.label(theme::heading(if missing == 1 { "One image to go" } else { "Compare two images" }));
    ui.label("Drop images anywhere on the window, click a zone to choose a file, or paste a picture with Ctrl+V.");
    ui.add_space(theme::SPACE / 2.0);
    ui.label(theme::caption(
        "Nothing leaves this computer. The images need not belong to the data the model was trained on.",
    ));
}

/// Offers another file for the slot the message names; for both, if it names none.
fn retry_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let told = state.verify.error.as_ref().map(crate::app::Notice::text).unwrap_or_default();
    let names = state.verify.slots.each_ref().map(|slot| slot.as_ref().map(ImageSource::name));
    let names_one = names.iter().flatten().any(|name| told.contains(name));
    for (index, name) in names.into_iter().enumerate() {
        let Some(name) = name.filter(|name| !names_one || told.contains(name)) else { continue };
        ui.horizontal_wrapped(|ui| {
            if ui.button(format!("Replace {name}")).on_hover_text("Choose another file for this slot").clicked() {
                out.push(Action::Ask(Dialog::PickImage(index)));
            }
        });
    }
    if let [Some(first), Some(second)] = &state.verify.slots
        && ui.button("Compare again").clicked()
    {
        let images: Vec<ImageSource> = vec![first.clone(), second.clone()];
        out.push(Action::VerifyImages(images));
    }
}

fn result_ui(ui: &mut Ui, state: &State, result: &VerifyResult) {
    let tokens = theme::tokens(ui);
    let colour = match result.decision {
        Decision::Same => tokens.good,
        Decision::Different => tokens.bad,
        Decision::Undecided => tokens.warning,
    };
    ui.horizontal(|ui| {
        mark_ui(ui, result.decision, colour);
        ui.label(theme::strong(decision_text(result.decision)).size(28.0).color(colour));
    });
    ui.label(reason(result));
    ui.add_space(theme::SPACE);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 28.0;
        theme::stat(
            ui,
            "Angle",
            &format!("{:.1}°", result.angle_deg),
            "Angle between the two embeddings: 0° is identical, 90° unrelated",
        );
        theme::stat(ui, "Similarity", &format!("{:.3}", result.similarity), "Cosine of the angle, from -1 to 1");
        theme::stat(
            ui,
            "Threshold",
            &format!("{:.3}", result.operating.threshold),
            "From this similarity on two images count as the same",
        );
    });
    ui.add_space(theme::SPACE);
    ui.separator();
    ui.add_space(theme::SPACE / 2.0);
    if state.active_evaluation().is_some() {
        ui.label(cost(&result.operating));
        ui.label(theme::caption(
            "In brackets the 95 % intervals. Images unlike the measured ones may fare differently.",
        ));
    } else {
        ui.label(theme::caption(
            "The threshold was saved with the run; its error rates have not been measured here yet.",
        ));
    }
}

/// Why the verdict is what it is, in one sentence.
fn reason(result: &VerifyResult) -> String {
    let OperatingPoint { undecided_low, undecided_high, .. } = result.operating;
    match result.decision {
        Decision::Same => "The two images are more alike than the threshold asks for.".to_owned(),
        Decision::Different => "The two images are less alike than the threshold asks for.".to_owned(),
        Decision::Undecided => {
            format!(
                "The similarity lies between {undecided_low:.2} and {undecided_high:.2}, where the measured pairs do not settle it."
            )
        }
    }
}

/// What the threshold cost on the measured pairs.
fn cost(point: &OperatingPoint) -> String {
    format!(
        "At this threshold, {} [{}] of the impostor pairs of your data were accepted and {} [{}] of the genuine pairs rejected.",
        rate_text(point.far),
        interval_text(point.far_low, point.far_high),
        rate_text(point.frr),
        interval_text(point.frr_low, point.frr_high),
    )
}

fn measure_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    if let Some(run) = &state.active_run
        && ui.button("Measure error rates").on_hover_text("Evaluates this run on its held-out images").clicked()
    {
        out.push(Action::Evaluate(run.clone()));
    }
}

/// Two circles: one over the other, apart, or touching. The verdict must not be told by colour alone.
fn mark_ui(ui: &mut Ui, decision: Decision, colour: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(46.0, 30.0), Sense::hover());
    let apart = match decision {
        Decision::Same => 5.0,
        Decision::Undecided => 9.0,
        Decision::Different => 13.0,
    };
    let radius = if decision == Decision::Different { 8.0 } else { 10.0 };
    for side in [-1.0, 1.0] {
        let centre = rect.center() + vec2(side * apart, 0.0);
        ui.painter().circle(centre, radius, colour.gamma_multiply(0.25), Stroke::new(2.0, colour));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_both_errors_with_their_intervals() {
        let point = OperatingPoint {
            threshold: 0.4,
            far: 0.012,
            far_low: 0.004,
            far_high: 0.031,
            frr: 0.019,
            frr_low: 0.01,
            frr_high: 0.034,
            undecided_low: 0.38,
            undecided_high: 0.43,
            limited: false,
        };
        let expected = "At this threshold, 1.2 % [0.4–3.1 %] of the impostor pairs of your data were accepted and 1.9 % [1.0–3.4 %] of the genuine pairs rejected.";
        assert_eq!(cost(&point), expected);
    }
}
