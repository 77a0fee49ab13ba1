//! Runs side by side: their curves in one plot, and the settings in which they differ.

use crate::app::{Action, RunAction, State, series_facts};
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
                    table_ui(right, state, &runs);
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
fn table_ui(ui: &mut Ui, state: &State, runs: &[&RunEntry]) {
    let differing = differences(runs);
    let (rates, measured) = rates(runs);
    ui.label(theme::strong("Settings that differ").size(14.0));
    ui.label(theme::caption("In the colours of the boxes beside the runs."));
    if let Some(words) = series_words(state, runs) {
        ui.label(theme::caption(format!("The whole series, measured at the end: {words}")));
    }
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
            if measured {
                ui.label(theme::caption("EER at the end"))
                    .on_hover_text("Of the best epoch's network, on all held-out images");
                for rate in &rates {
                    ui.label(rate_text(*rate));
                }
                ui.end_row();
            }
            if let Some(spread) = spread(runs, &rates, &differing) {
                ui.label(theme::caption("over the seeds"));
                ui.label(spread)
                    .on_hover_text("Mean and standard deviation of the row above: the runs differ in their seed only");
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

/// The error rates of the runs that have one, and whether they are those that were measured at the end: while one run
/// has none of these, the best of the epochs are compared.
fn rates(runs: &[&RunEntry]) -> (Vec<f64>, bool) {
    let measured: Option<Vec<f64>> = runs.iter().map(|run| run.finished.as_ref()?.eer).collect();
    match measured {
        Some(rates) => (rates, true),
        None => (runs.iter().filter_map(|run| run.eer).collect(), false),
    }
}

/// Mean and spread of the error rates of runs on the same images that differ in their seed only.
fn spread(runs: &[&RunEntry], rates: &[f64], differing: &[(&str, Vec<String>)]) -> Option<String> {
    let seed = spec("train.seed")?.label;
    let only_seed = matches!(differing, [(label, _)] if *label == seed);
    let images = |run: &RunEntry| run.config.run.as_ref().map(|facts| facts.data_fingerprint.clone());
    let same_images = runs.windows(2).all(|pair| images(pair[0]) == images(pair[1]));
    let measure = MeanSd::of(rates).filter(|_| only_seed && same_images && rates.len() == runs.len())?;
    measure.sd.map(|_| measure.percent_text())
}

/// Mean and spread of a series that all of the runs are of; it may have more runs than can be compared.
fn series_words(state: &State, runs: &[&RunEntry]) -> Option<String> {
    let id = |run: &RunEntry| run.series().map(|series| series.id.clone());
    let same = runs.windows(2).all(|pair| id(pair[0]) == id(pair[1]));
    runs.first().filter(|_| same).and_then(|run| series_facts(&state.runs, run)?.words)
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

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
    use super::*;
    use crate::config::{RunInfo, SeriesInfo};

    fn spread_of(runs: &[RunEntry]) -> Option<String> {
        let runs: Vec<&RunEntry> = runs.iter().collect();
        spread(&runs, &rates(&runs).0, &differences(&runs))
    }

    #[test]
    fn the_spread_over_the_seeds_is_that_of_the_rates_measured_at_the_end() {
        let mut runs = vec![entry("a", 1, Some(0.02)), entry("b", 2, Some(0.04)), entry("c", 3, Some(0.03))];
        assert_eq!(spread_of(&runs).as_deref(), Some("3.0 ± 1.0 %"));
        // As long as one was not measured, the best of the epochs are compared.
        runs[2].finished = None;
        runs[2].eer = Some(0.2);
        assert_eq!(spread_of(&runs).as_deref(), Some("40.0 ± 17.3 %"));
    }

    #[test]
    fn runs_on_other_images_or_with_other_settings_have_no_spread() {
        let mut runs = vec![entry("a", 1, Some(0.02)), entry("b", 2, Some(0.04))];
        assert!(spread_of(&runs).is_some());
        runs[1].config.run.as_mut().unwrap().data_fingerprint = "of others".into();
        assert_eq!(spread_of(&runs), None);
        runs[0].config.run.as_mut().unwrap().data_fingerprint = "of others".into();
        runs[1].config.train.epochs += 1;
        assert_eq!(spread_of(&runs), None);
    }

    #[test]
    fn a_series_is_told_as_a_whole_however_few_of_it_are_compared() {
        let mut state = State::new("runs".into());
        state.runs = (1..=4).map(|seed| entry(&seed.to_string(), seed, Some(0.01 * f64::from(seed)))).collect();
        for run in &mut state.runs {
            let series = SeriesInfo { id: "one".into(), first_seed: 1, seeds: 4 };
            run.config.run = Some(RunInfo::before(series));
        }
        let words = |state: &State| series_words(state, &state.runs.iter().take(2).collect::<Vec<_>>());
        assert_eq!(words(&state).as_deref(), Some("4 runs, seeds 1 to 4: EER 2.5 ± 1.3 %"));
        state.runs[1].config.run = None;
        assert_eq!(words(&state), None);
    }
}
