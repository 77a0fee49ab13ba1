//! The sheet of a file of weights: whose network it is, what of it is left out, how the network is to see pixels, and the
//! button that makes a run of it. A file that cannot be used stays, with the reason and every name that does not fit.
//!
//! A card above the list rather than a dialog: the runs that are there already stay in sight.

mod form;

use crate::app::{Action, Dialog, ImportAction, ImportPhase, ImportView, State};
use crate::train::{FoundNetwork, Refusal, WeightsLook};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::figures::{count_text, counted_spaced};
use crate::ui::widgets::sheet::key_is_pressed;
use eframe::egui::{self, Key, Label, RichText, ScrollArea, Ui};
use std::fmt::Display;

/// Height of the longest list of names, in points.
const LIST_HEIGHT: f32 = 140.0;
/// Height of one name, in points.
const NAME_HEIGHT: f32 = 20.0;
/// Letters of a name that are shown: a file may call its weights anything.
const MAX_LETTERS: usize = 200;
/// Share of the page that the sheet takes at most; the rest is the list's.
const MAX_SHARE: f32 = 0.6;

/// Draws the sheet.
pub(super) fn import_ui(ui: &mut Ui, state: &State, view: &ImportView, out: &mut Vec<Action>) {
    let room = ui.available_height() * MAX_SHARE;
    let mut leaves_field = false;
    theme::card(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(theme::subheading("Import weights"));
            ui.add(Label::new(view.name()).truncate()).on_hover_text(view.weights.display().to_string());
        });
        ScrollArea::vertical().id_salt("import sheet").max_height(room).auto_shrink([false, true]).show(ui, |ui| {
            if let Some(notice) = &view.error {
                theme::error_card(ui, notice, out);
            }
            match (view.phase(), view.look.as_deref()) {
                (ImportPhase::Looking, _) => {
                    ui.label(RichText::new("Looking at the file. Nothing in it is run.").weak());
                }
                (ImportPhase::Ready | ImportPhase::Importing, Some(look)) => {
                    leaves_field = usable_ui(ui, view, look, out);
                }
                (ImportPhase::Refused, Some(look)) => refused_ui(ui, look),
                _ => {}
            }
        });
        ui.add_space(SPACE / 2.0);
        ui.horizontal(|ui| buttons_ui(ui, state, view, out));
    });
    // In a field, the first Escape leaves the field.
    if !leaves_field && key_is_pressed(ui, Key::Escape) {
        out.push(ImportAction::Cancel.into());
    }
}

fn buttons_ui(ui: &mut Ui, state: &State, view: &ImportView, out: &mut Vec<Action>) {
    let phase = view.phase();
    match phase {
        ImportPhase::Ready => {
            let channels = view.usable().map_or(3, |network| network.info.network.preprocess.channels);
            let obstacle = view.form.change(channels).err();
            let import = ui.add_enabled_ui(obstacle.is_none(), |ui| theme::primary_button(ui, "Import")).inner;
            let help = "Makes a run of the file, in a folder of its own; the file stays as it is";
            let import = import.on_hover_text(help).on_disabled_hover_text(obstacle.unwrap_or_default());
            if import.clicked() {
                out.push(ImportAction::Start.into());
            }
        }
        ImportPhase::Refused | ImportPhase::Unread => {
            if ui.add(theme::plain_button("Choose another file…")).clicked() {
                out.push(Action::Ask(Dialog::ImportWeights));
            }
        }
        ImportPhase::Looking => {}
        ImportPhase::Importing => {
            // One thread has every network.
            let text =
                if state.is_training() { "Making the run between two steps of the training" } else { "Making the run" };
            ui.label(RichText::new(text).weak());
        }
    }
    let (label, help) = match phase {
        ImportPhase::Looking => ("Cancel", "Stops looking (Esc)"),
        ImportPhase::Importing => ("Cancel", "Stops the import; no run is made (Esc)"),
        ImportPhase::Ready => ("Cancel", "Puts this away; nothing was written (Esc)"),
        ImportPhase::Refused | ImportPhase::Unread => ("Close", "Puts this away (Esc)"),
    };
    let cancel = ui.add(theme::plain_button(label)).on_hover_text(help);
    // Other buttons of the page and the status bar may say Cancel, too.
    if cancel.accessible_name(format!("{label} the import")).clicked() {
        out.push(ImportAction::Cancel.into());
    }
}

/// A file of which a run can be made; `true` when a field was left.
fn usable_ui(ui: &mut Ui, view: &ImportView, look: &WeightsLook, out: &mut Vec<Action>) -> bool {
    let Some(network) = look.usable() else { return false };
    ui.label(theme::strong(format!("Recognised as {}", network.flavour)));
    ui.label(format!("{} Every weight it needs is there.", network_in_words(network)));
    if let Some(doubt) = network.doubt {
        ui.label(format!(
            "The names of its weights do not tell for sure whose it is: {doubt}. For one of theirs choose BGR."
        ));
    }
    if !network.left_out.is_empty() {
        let names = counted_spaced(network.left_out.len(), "name");
        let verb = if network.left_out.len() == 1 { "does" } else { "do" };
        ui.label(format!("{names} {verb} not belong to the network and will be left out."));
        names_ui(ui, "Names left out", &network.left_out);
    }
    foreign_ui(ui, look);
    ui.add_space(SPACE / 2.0);
    ui.add_enabled_ui(view.job.is_none(), |ui| form::form_ui(ui, view, network, out)).inner
}

fn network_in_words(network: &FoundNetwork) -> String {
    let spec = &network.info.network.embedder;
    format!(
        "{}: {} images of {px}×{px} px, {} numbers per embedding, {} parameters.",
        spec.net.label(),
        if spec.channels == 1 { "grey" } else { "colour" },
        spec.embedding_dim,
        count_text(spec.parameter_count()),
        px = spec.image_px,
    )
}

/// A file of which no run can be made.
fn refused_ui(ui: &mut Ui, look: &WeightsLook) {
    let Some(Refusal { reason, advice, misfit, names }) = &look.refusal else { return };
    let text = RichText::new(format!("This file cannot be used: {reason}."));
    ui.label(text.color(theme::tokens(ui).bad));
    ui.label(*advice);
    if let Some(network) = &look.network {
        let words = network_in_words(network);
        ui.label(theme::caption(format!("By its names it is {}: {words}", network.flavour)));
    }
    names_ui(ui, "Missing", &misfit.missing);
    names_ui(ui, "Of another shape", &misfit.misshaped);
    names_ui(ui, "Unexpected", &misfit.unexpected);
    names_ui(ui, "Names in the file", names);
    foreign_ui(ui, look);
}

fn foreign_ui(ui: &mut Ui, look: &WeightsLook) {
    if !look.foreign.is_empty() {
        ui.label("The file names Python code. None of it was run.");
        names_ui(ui, "Code named", &look.foreign);
    }
}

/// All of some names, folded away; nothing where there are none.
fn names_ui<T: Display>(ui: &mut Ui, title: &str, names: &[T]) {
    if names.is_empty() {
        return;
    }
    let header = format!("{title} ({})", count_text(names.len()));
    egui::CollapsingHeader::new(header).id_salt(title).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.spacing_mut().interact_size.y = NAME_HEIGHT;
        let list = ScrollArea::vertical().id_salt(title).max_height(LIST_HEIGHT).auto_shrink([false, true]);
        list.show_rows(ui, NAME_HEIGHT, names.len(), |ui, rows| {
            for name in names.get(rows).unwrap_or_default() {
                let text: String = name.to_string().chars().take(MAX_LETTERS).collect();
                ui.horizontal(|ui| {
                    ui.set_height(NAME_HEIGHT);
                    ui.add(Label::new(theme::caption(&text)).truncate()).on_hover_text(&text);
                });
            }
        });
    });
}

#[cfg(test)]
mod tests;
