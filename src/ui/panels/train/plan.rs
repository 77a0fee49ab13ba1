//! Before a run: what the settings will do, as numbers and as curves.

use super::margin::MarginPlot;
use crate::app::{OpenData, State};
use crate::config::{Resolved, spec, window_text};
use crate::train::{Plan, lr_at};
use crate::ui::Media;
use crate::ui::format;
use crate::ui::panels::augmentation::Preview;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::curve::{Curve, CurvePlot, CurveStyle, curve_plot};
use crate::ui::widgets::figures::count_text;
use eframe::egui::{self, RichText, Ui};

/// Points of a drawn schedule.
const SCHEDULE_POINTS: u64 = 240;
/// Narrower than this, reasons stand below their values, in points.
const THREE_COLUMNS_PT: f32 = 560.0;

/// What the page keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct PlanView {
    margin: MarginPlot,
    preview: Preview,
}

/// Draws what will happen.
pub(super) fn plan_ui(ui: &mut Ui, state: &State, view: &mut PlanView, media: &mut Media) {
    ui.spacing_mut().item_spacing.y = theme::GAP;
    let Some(data) = state.open_data() else { return };
    let Ok(resolved) = &data.resolved else {
        theme::card(ui, |ui| {
            ui.label(theme::subheading("These settings do not fit the data yet"));
            ui.label(RichText::new("What is wrong stands beside the setting, and above the button.").weak());
        });
        return;
    };
    theme::card(ui, |ui| numbers_ui(ui, state, data, resolved));
    theme::card(ui, |ui| view.margin.ui(ui, resolved));
    theme::card(ui, |ui| schedule_ui(ui, resolved));
    theme::card(ui, |ui| view.preview.ui(ui, data, None, "", media));
    theme::card(ui, |ui| reasons_ui(ui, resolved));
}

fn numbers_ui(ui: &mut Ui, state: &State, data: &OpenData, resolved: &Resolved) {
    let (images, classes) = data.split.as_ref().map_or((0, 0), |split| (split.train.len(), split.train_classes.len()));
    let train = &resolved.config.train;
    ui.label(theme::subheading("What will be trained"));
    ui.add_space(SPACE / 2.0);
    let px = resolved.image_px;
    let items = [
        ("Images", count_text(images), "Images the network learns from, once per epoch"),
        ("Classes", count_text(classes), "Classes it learns to tell apart"),
        ("Input", format!("{px}×{px}×{}", resolved.channels), "Pixels and channels of what the network sees"),
        ("Steps per epoch", count_text(resolved.steps_per_epoch), "One step learns from one batch"),
        ("Steps in all", count_text(resolved.steps_per_epoch * train.epochs as usize), "Steps per epoch times epochs"),
    ];
    theme::stats(ui, &items);
    let Some(cost) = state.footprint() else { return };
    let memory = format::bytes(cost.training_bytes);
    let items = [
        ("Weights", count_text(cost.parameters), "Numbers that are learnt, in network and head"),
        (
            "GMAC per image",
            format::significant(cost.multiply_adds as f64 / 1e9),
            "Billions of multiply-adds for one image; a training step costs about three times as many per image",
        ),
        (
            "Memory, about",
            memory,
            "The most that the run holds at once beside the images, give or take a third; a smaller batch, a smaller image, more parts of a batch or a smaller network need less",
        ),
    ];
    ui.add_space(SPACE / 2.0);
    theme::stats(ui, &items);
    for words in state.plan_warnings(&cost) {
        ui.add_space(SPACE / 2.0);
        ui.add(egui::Label::new(RichText::new(window_text(&words)).color(theme::tokens(ui).warning)).wrap());
    }
}

fn schedule_ui(ui: &mut Ui, resolved: &Resolved) {
    let plan = Plan::new(resolved);
    let per_epoch = resolved.steps_per_epoch.max(1) as f64;
    let points = (0..=SCHEDULE_POINTS).map(|i| {
        let step = (plan.total_steps.saturating_sub(1) * i) / SCHEDULE_POINTS;
        [step as f64 / per_epoch, lr_at(&plan, step)]
    });
    let curves = [Curve {
        name: "learning rate".into(),
        colour: theme::tokens(ui).accent,
        points: points.collect(),
        style: CurveStyle::Line,
    }];
    let plot = CurvePlot {
        title: "The schedule: learning rate over epochs",
        help: "How large the steps are in the course of the run",
        curves: &curves,
        x: (0.0, f64::from(resolved.config.train.epochs)),
        x_step: None,
        x_unit: "epoch",
        include_y: &[0.0],
        y_text: format::significant,
        mark: None,
        height: 120.0,
    };
    curve_plot(ui, &plot);
}

fn reasons_ui(ui: &mut Ui, resolved: &Resolved) {
    ui.label(theme::subheading("Chosen for this data set"));
    ui.label(theme::caption("Every value can be set by hand, under Advanced."));
    ui.add_space(SPACE / 2.0);
    // Three columns need room; otherwise the reason stands below the value.
    let narrow = ui.available_width() < THREE_COLUMNS_PT;
    let columns = if narrow { 2 } else { 3 };
    let between = if narrow { SPACE } else { SPACE / 2.0 };
    egui::Grid::new("reasons").num_columns(columns).spacing([SPACE * 3.0, between]).show(ui, |ui| {
        for reason in &resolved.reasons {
            let spec = spec(reason.key);
            let value = spec.map_or_else(|| reason.value.clone(), |spec| spec.with_unit(&reason.value));
            let label = spec.map_or(reason.key, |spec| spec.label);
            if narrow {
                ui.vertical(|ui| ui.add(egui::Label::new(label).extend()));
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    ui.label(value);
                    ui.add(egui::Label::new(theme::caption(&reason.why)).wrap());
                });
            } else {
                // Within a layout of its own a long reason goes on below; in the bare cell it would widen the page.
                ui.vertical(|ui| ui.add(egui::Label::new(label).extend()));
                ui.vertical(|ui| ui.add(egui::Label::new(value).extend()));
                ui.vertical(|ui| ui.add(egui::Label::new(RichText::new(&reason.why).weak()).wrap()));
            }
            ui.end_row();
        }
    });
}
