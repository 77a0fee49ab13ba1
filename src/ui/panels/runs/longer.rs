//! The dialog that makes a run longer: how many epochs it should have in all, and what becomes of the run then.

use super::row::why_busy;
use crate::app::{Action, LongerView, RunAction, RunSoFar, State, most_epochs};
use crate::config::{RunConfig, Schedule, with_labels};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::dialog::focus_first;
use crate::ui::widgets::figures::counted_spaced;
use crate::ui::widgets::number_row::number_row;
use eframe::egui::{DragValue, Grid, Id, Label, Modal, Ui};

/// What opens the dialog, in the menu of a run and under one that is done.
pub(in crate::ui::panels) const ASK: &str = "Train longer…";
/// What that does.
pub(in crate::ui::panels) const ASK_HELP: &str = "Gives the run more epochs and goes on with it";

/// Why a run that was to have so many epochs can have no more; `None` where it can.
pub(in crate::ui::panels) fn why_not_longer(planned: u32) -> Option<&'static str> {
    (planned >= most_epochs()).then_some("It has as many epochs as a run can have")
}

/// Draws the dialog, where it is open; the number goes into the state at once.
pub(in crate::ui::panels) fn longer_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    let Some(view) = &state.runs_view.longer else { return };
    let Some(run) = state.run_so_far(&view.run) else {
        // The list was read anew, and the run has another name or is gone.
        out.push(RunAction::CancelLonger.into());
        return;
    };
    let response = Modal::new(Id::unique("train longer")).frame(theme::dialog_frame(ui)).show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        ui.label(theme::heading("Train longer"));
        ui.add(Label::new(theme::caption(&run.name)).truncate());
        ui.label(theme::caption(what_is_done(&run)));
        ui.add_space(SPACE);
        epochs_ui(ui, view, run.planned, out);
        ui.add_space(SPACE);
        ui.label(what_follows(run.config));
        ui.add_space(SPACE * 2.0);
        ui.horizontal(|ui| {
            let too_few = || (!view.is_longer_than(&run)).then_some("Choose more epochs than were planned so far");
            // Another one may have begun by itself since the dialog was opened.
            let why_not = why_busy(state, &view.run).or_else(too_few);
            let train = ui.add_enabled_ui(why_not.is_none(), |ui| theme::primary_button(ui, "Train longer")).inner;
            focus_first(ui, "form", &train);
            let train = train.on_hover_text("Goes on from the last checkpoint");
            if train.on_disabled_hover_text(why_not.unwrap_or_default()).clicked() {
                out.push(RunAction::TrainLonger.into());
            }
            if ui.add(theme::plain_button("Cancel")).on_hover_text("Changes nothing (Esc)").clicked() {
                out.push(RunAction::CancelLonger.into());
            }
        });
    });
    if response.should_close() {
        out.push(RunAction::CancelLonger.into());
    }
}

fn epochs_ui(ui: &mut Ui, view: &LongerView, planned: u32, out: &mut Vec<Action>) {
    let mut epochs = view.epochs;
    Grid::new("longer form").num_columns(2).spacing([SPACE * 2.0, SPACE]).show(ui, |ui| {
        let help = "Epochs that the run will have when it is done, the earlier ones among them";
        let value = DragValue::new(&mut epochs).range(planned..=most_epochs().max(planned)).speed(0.2);
        number_row(ui, "Epochs in all", help, None, value);
    });
    if epochs != view.epochs {
        out.push(RunAction::SetEpochs(epochs).into());
    }
}

/// `24 of 24 epochs are done.`
fn what_is_done(run: &RunSoFar<'_>) -> String {
    let planned = counted_spaced(run.planned as usize, "epoch");
    let verb = if run.epochs_done == 1 { "is" } else { "are" };
    format!("{} of {planned} {verb} done.", run.epochs_done)
}

/// What becomes of a run with these settings.
fn what_follows(config: &RunConfig) -> String {
    let mut text = "The run goes on from its last checkpoint.".to_owned();
    if config.loss.head.has_margin() {
        text += " Its margin stays as it was planned.";
    }
    if config.train.falls_to_its_end() {
        text += " Its learning rate falls towards the new end, and is higher until then than it was planned to be.";
    }
    if config.train.schedule == Schedule::Plateau {
        text += &with_labels(" train.plateau_epochs counts its epochs from here on.");
    }
    if config.train.stop_after > 0 {
        text += &with_labels(" train.stop_after counts its epochs from here on.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Head;

    #[test]
    fn what_a_longer_run_changes_is_told_as_far_as_it_has_it() {
        let mut config = RunConfig::default();
        let told = what_follows(&config);
        assert!(told.contains("margin stays") && told.contains("rate falls") && !told.contains("Stop early"), "{told}");
        (config.loss.head, config.train.schedule, config.train.stop_after) = (Head::Softmax, Schedule::Constant, 3);
        let told = what_follows(&config);
        assert_eq!(told, "The run goes on from its last checkpoint. \"Stop early\" counts its epochs from here on.");
        (config.train.schedule, config.train.stop_after) = (Schedule::Plateau, 0);
        let told = what_follows(&config);
        assert_eq!(told, "The run goes on from its last checkpoint. \"Patience\" counts its epochs from here on.");
    }
}
