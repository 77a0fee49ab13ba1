//! The verdict in words, with the figures behind it.

use crate::app::{Action, Dialog, State};
use crate::eval::{Decision, OperatingPoint};
use crate::train::Threshold;
use crate::ui::command_button::CommandButton;
use crate::ui::panels::evaluate::why_not_measured;
use crate::ui::theme;
use crate::ui::widgets::figures::decision_text;
use crate::ui::widgets::job_bar::titled_job;
use crate::ui::widgets::operating_cost::{COST_COLUMNS, cost_rows};
use crate::worker::protocol::{ImageSource, VerifyResult};
use eframe::egui::{Color32, Grid, Sense, Stroke, Ui, vec2};

/// Width of the names of the error rates, in points.
const NAME_PT: f32 = 120.0;

/// Draws what is known: the verdict, that it is being made, why there is none, or what to do.
pub(super) fn verdict_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let verify = &state.verify;
    if let Some(job) = verify.job {
        let progress = state.job(job).map(|job| job.progress).unwrap_or_default();
        let text = "Both images go through the model; the first comparison also loads it.";
        if titled_job(ui, "Comparing", Some(&progress), text) {
            out.push(Action::CancelJob(job));
        }
    } else if let Some(notice) = &verify.error {
        theme::error_card(ui, notice, out);
        ui.add_space(theme::SPACE);
        retry_ui(ui, state, out);
    } else if let Some(result) = &verify.result {
        result_ui(ui, state, result, out);
    } else {
        how_ui(ui, state, out);
    }
}

/// What to do while a slot is empty, or after a comparison that was stopped.
fn how_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let missing = state.verify.slots.iter().filter(|slot| slot.is_none()).count();
    if missing == 0 {
        ui.label(theme::heading("Not compared"));
        ui.label("These two images have no verdict yet.");
        ui.add_space(theme::SPACE / 2.0);
        compare_again_ui(ui, state, out);
        return;
    }
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
    compare_again_ui(ui, state, out);
}

fn compare_again_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    if let [Some(first), Some(second)] = &state.verify.slots
        && ui.button("Compare again").clicked()
    {
        let images: Vec<ImageSource> = vec![first.clone(), second.clone()];
        out.push(Action::VerifyImages(images));
    }
}

fn result_ui(ui: &mut Ui, state: &State, result: &VerifyResult, out: &mut Vec<Action>) {
    let (Some(decision), Some(point)) = (result.decision(), result.threshold.point()) else {
        no_threshold_ui(ui, state, result, out);
        return;
    };
    let tokens = theme::tokens(ui);
    let colour = match decision {
        Decision::Same => tokens.good,
        Decision::Different => tokens.bad,
        Decision::Undecided => tokens.warning,
    };
    ui.horizontal(|ui| {
        mark_ui(ui, decision, colour);
        ui.label(theme::strong(decision_text(decision)).size(28.0).color(colour));
    });
    ui.label(reason(decision, point));
    ui.add_space(theme::SPACE);
    figures_ui(ui, result);
    ui.add_space(theme::SPACE);
    ui.separator();
    ui.add_space(theme::SPACE / 2.0);
    if result.measured.is_some() {
        cost_ui(ui, point);
    } else {
        ui.label(theme::caption(
            "The threshold was saved with the run; its error rates have not been measured here yet.",
        ));
        ui.add_space(theme::SPACE);
        measure_ui(ui, state, out);
    }
    if state.evaluate.has_learned_since(result) {
        ui.add_space(theme::SPACE);
        let text = theme::caption("The run has learned since: this is what its earlier network says.");
        ui.label(text.color(tokens.warning));
        ui.add_space(theme::SPACE / 2.0);
        compare_again_ui(ui, state, out);
    }
}

/// A network that was measured on nothing, as an imported one, or one that has learned since: how alike is known, what that
/// means is not.
fn no_threshold_ui(ui: &mut Ui, state: &State, result: &VerifyResult, out: &mut Vec<Action>) {
    ui.label(theme::heading("No verdict yet"));
    ui.label(if result.threshold == Threshold::Outdated {
        "The run has learned since its error rates were measured: its threshold was that of an earlier network."
    } else {
        "How alike two images of the same thing are differs from model to model, and was not measured for this one."
    });
    ui.add_space(theme::SPACE);
    figures_ui(ui, result);
    ui.add_space(theme::SPACE);
    ui.separator();
    ui.add_space(theme::SPACE / 2.0);
    ui.label(
        "Measure its error rates on images whose classes are known, or on pairs: the threshold follows from them.",
    );
    ui.add_space(theme::SPACE / 2.0);
    measure_ui(ui, state, out);
}

fn figures_ui(ui: &mut Ui, result: &VerifyResult) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 28.0;
        theme::stat(
            ui,
            "Angle",
            &format!("{:.1}°", result.angle_deg),
            "Angle between the two embeddings: 0° is identical, 90° unrelated",
        );
        theme::stat(ui, "Similarity", &format!("{:.3}", result.similarity), "Cosine of the angle, from -1 to 1");
        if let Some(point) = result.threshold.point() {
            theme::stat(
                ui,
                "Threshold",
                &format!("{:.3}", point.threshold),
                "From this similarity on two images count as the same",
            );
        }
    });
}

/// Why the verdict is what it is, in one sentence.
fn reason(decision: Decision, point: &OperatingPoint) -> String {
    let OperatingPoint { undecided_low, undecided_high, .. } = point;
    match decision {
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
fn cost_ui(ui: &mut Ui, point: &OperatingPoint) {
    ui.label("What this threshold costs on the measured pairs:");
    // So narrow that the names take two lines, which leave room for the figures.
    let grid = Grid::new("cost of the threshold").num_columns(COST_COLUMNS).min_row_height(18.0).max_col_width(NAME_PT);
    grid.spacing(vec2(8.0, 6.0)).show(ui, |ui| {
        cost_rows(ui, point, ["Different pairs accepted (FAR)", "Same pairs rejected (FRR)"]);
    });
    ui.label(theme::caption("Images unlike the measured ones may fare differently."));
}

fn measure_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        for id in ["run.evaluate", "run.evaluate_pairs"] {
            CommandButton::new(id).why_not(why_not_measured(state)).ui(ui, state, out);
        }
    });
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
