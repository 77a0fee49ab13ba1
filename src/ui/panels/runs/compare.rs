//! Runs side by side: their curves in one plot, and the settings in which they differ.

use crate::app::{Action, RunAction, State};
use crate::config::{PARAMS, ParamSpec, Value, spec};
use crate::train::{EpochMetrics, MeanSd};
use crate::ui::format;
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::curve::{Curve, CurvePlot, CurveStyle, curve_plot};
use crate::ui::widgets::figures::rate_text;
use crate::worker::protocol::RunEntry;
use eframe::egui::{self, Align, Layout, ScrollArea, Sense, Stroke, Ui, vec2};

/// Draws the lower half of the page.
pub(super) fn compare_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let runs: Vec<&RunEntry> = state.runs_view.compared.iter().filter_map(|path| state.run_entry(path)).collect();
    ui.add_space(SPACE);
    theme::card(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(theme::subheading("Compared"));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Compare none").on_hover_text("Takes every run out of the comparison").clicked() {
                    out.push(RunAction::CompareNone.into());
                }
            });
        });
        ScrollArea::vertical().id_salt("compared").auto_shrink([false, false]).show(ui, |ui| {
            ui.columns(2, |columns| {
                if let [left, right] = columns {
                    curves_ui(left, &runs);
                    table_ui(right, &runs);
                }
            });
        });
    });
}

fn curves_ui(ui: &mut Ui, runs: &[&RunEntry]) {
    let last = runs.iter().flat_map(|run| run.epochs.iter()).map(|epoch| epoch.epoch).max().unwrap_or(1);
    let curves = |value: fn(&EpochMetrics) -> Option<f64>, ui: &Ui| -> Vec<Curve> {
        let curve = |(index, run): (usize, &&RunEntry)| Curve {
            name: run.name.clone().into(),
            colour: theme::series(ui, index),
            points: run.epochs.iter().filter_map(|epoch| Some([f64::from(epoch.epoch), value(epoch)?])).collect(),
            style: CurveStyle::Dots,
        };
        runs.iter().enumerate().map(curve).filter(|curve| !curve.points.is_empty()).collect()
    };
    let rates = curves(|epoch| epoch.eer, ui);
    let losses = curves(|epoch| Some(epoch.train_loss), ui);
    let plot = |title, help, curves, y_text| CurvePlot {
        title,
        help,
        curves,
        x: (0.0, f64::from(last)),
        x_step: None,
        x_unit: "epoch",
        include_y: &[0.0],
        y_text,
        mark: None,
        height: 150.0,
    };
    curve_plot(ui, &plot("EER on held-out pairs", "Lower is better", &rates, rate_text));
    ui.add_space(SPACE);
    let help = "Losses of different kinds or scales cannot be compared with each other";
    curve_plot(ui, &plot("Training loss", help, &losses, format::significant));
}

/// One row per setting in which the runs differ.
fn table_ui(ui: &mut Ui, runs: &[&RunEntry]) {
    let differing = differences(runs);
    ui.label(theme::strong("Settings that differ").size(14.0));
    ui.label(theme::caption("In the colours of the boxes beside the runs."));
    ui.add_space(SPACE / 2.0);
    if differing.is_empty() {
        ui.label(theme::caption("None: the runs have the same settings."));
    }
    ScrollArea::horizontal().id_salt("differences").show(ui, |ui| {
        egui::Grid::new("differences").num_columns(runs.len() + 1).spacing([SPACE * 2.0, SPACE / 2.0]).show(ui, |ui| {
            ui.label("");
            for (index, run) in runs.iter().enumerate() {
                let (rect, response) = ui.allocate_exact_size(vec2(60.0, 12.0), Sense::hover());
                ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(3.0, theme::series(ui, index)));
                response.on_hover_text(&run.name);
            }
            ui.end_row();
            ui.label(theme::caption("Best EER"));
            for run in runs {
                ui.label(run.eer.map_or_else(|| "–".to_owned(), rate_text));
            }
            ui.end_row();
            if let Some(spread) = spread(runs, &differing) {
                ui.label(theme::caption("over the seeds"));
                ui.label(spread)
                    .on_hover_text("Mean and standard deviation of the best EER: the runs differ in their seed only");
                ui.end_row();
            }
            for (label, values) in differing {
                ui.label(theme::caption(label));
                for value in values {
                    ui.label(value);
                }
                ui.end_row();
            }
        });
    });
}

/// Mean and spread of the best EER of runs that differ in their seed only.
fn spread(runs: &[&RunEntry], differing: &[(&str, Vec<String>)]) -> Option<String> {
    let seed = spec("train.seed")?.label;
    let rates: Vec<f64> = runs.iter().filter_map(|run| run.eer).collect();
    let only_seed = matches!(differing, [(label, _)] if *label == seed);
    let measure = MeanSd::of(&rates).filter(|_| only_seed && rates.len() == runs.len())?;
    measure.sd.map(|_| measure.percent_text())
}

/// The settings in which some of the runs differ, with the value of each run as a person reads it.
fn differences(runs: &[&RunEntry]) -> Vec<(&'static str, Vec<String>)> {
    let values: Vec<Vec<Value>> = runs.iter().map(|run| run.config.values()).collect();
    let row = |(index, spec): (usize, &'static ParamSpec)| {
        let row = values.iter().filter_map(|values| values.get(index));
        (spec.label, row.map(|value| spec.text(value)).collect::<Vec<String>>())
    };
    let rows = PARAMS.iter().enumerate().map(row);
    rows.filter(|(_, values)| values.windows(2).any(|pair| pair[0] != pair[1])).collect()
}
