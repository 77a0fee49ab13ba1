//! The sheet of a list of pairs or of a verification set: what it is, what of it is not there, and the button that measures
//! the model in use on it. A file that cannot be used stays, with the reason.
//!
//! A card above the page rather than a dialog: what was measured already stays in sight.

use super::NO_MODEL;
use crate::app::{Action, Dialog, PairsAction, PairsPhase, PairsView, State};
use crate::config::capitalised;
use crate::data::{ProtocolKind, ProtocolLook, VerificationSet, WarningKind};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::figures::{count_text, counted_spaced};
use crate::ui::widgets::job_bar::{images_text, job_bar};
use crate::ui::widgets::sheet::key_is_pressed;
use eframe::egui::{Key, Label, RichText, ScrollArea, Ui};

/// Letters of a name that are shown: a list may call its images anything.
const MAX_LETTERS: usize = 200;
/// Letters of a reason that are shown, in which there may be a name and a path.
const MAX_REASON_LETTERS: usize = 600;
/// Share of the page that the sheet takes at most; the rest is that of what was measured.
const MAX_SHARE: f32 = 0.6;

/// Draws the sheet.
pub(super) fn pairs_ui(ui: &mut Ui, state: &State, view: &PairsView, out: &mut Vec<Action>) {
    let room = ui.available_height() * MAX_SHARE;
    theme::card(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(theme::subheading("Measure on pairs"));
            ui.add(Label::new(view.name()).truncate()).on_hover_text(view.file.display().to_string());
        });
        ScrollArea::vertical().id_salt("sheet of pairs").max_height(room).auto_shrink([false, true]).show(ui, |ui| {
            match (&view.error, view.look.as_deref()) {
                (Some(notice), _) => theme::error_card(ui, notice, out),
                (None, Some(look)) => look_ui(ui, look),
                (None, None) => looking_ui(ui, state, view),
            }
            if view.phase() == PairsPhase::Ready {
                ui.label(theme::caption(model_text(state)));
            }
        });
        ui.add_space(SPACE / 2.0);
        ui.horizontal(|ui| buttons_ui(ui, state, view, out));
    });
    keys(ui, state, view, out);
}

/// Escape puts the sheet away, Enter measures; of a focused button, Enter presses that.
fn keys(ui: &Ui, state: &State, view: &PairsView, out: &mut Vec<Action>) {
    if key_is_pressed(ui, Key::Escape) {
        out.push(PairsAction::Cancel.into());
        return;
    }
    let is_free = ui.memory(|memory| memory.focused().is_none());
    let can_measure = view.phase() == PairsPhase::Ready && state.has_model();
    if is_free && can_measure && key_is_pressed(ui, Key::Enter) {
        out.push(PairsAction::Measure.into());
    }
}

fn looking_ui(ui: &mut Ui, state: &State, view: &PairsView) {
    let progress = view.job.and_then(|id| state.job(id)).map(|job| job.progress).unwrap_or_default();
    let text = images_text(&progress, "Looking at the file and for its images. Nothing in it is run.");
    ui.label(RichText::new(text).weak());
    job_bar(ui, &progress);
}

/// What the file is, and what of it is not there.
fn look_ui(ui: &mut Ui, look: &ProtocolLook) {
    ui.label(theme::strong(match look.kind {
        ProtocolKind::List => "A list of pairs",
        ProtocolKind::Set => "A verification set, which holds its images",
    }));
    ui.label(pairs_text(look));
    if look.images > 0 {
        ui.label(images_found_text(look));
    }
    for text in missing_texts(look) {
        ui.label(RichText::new(text).color(theme::tokens(ui).warning));
    }
    if let Some(obstacle) = &look.obstacle {
        let text = format!("Nothing can be measured on it: {}.", shortened(obstacle, MAX_REASON_LETTERS));
        ui.label(RichText::new(text).color(theme::tokens(ui).bad));
    }
}

/// `6000 pairs: 3000 genuine, 3000 impostor, 10 folds`.
fn pairs_text(look: &ProtocolLook) -> String {
    let kinds = format!("{} genuine, {} impostor", count_text(look.genuine), count_text(look.impostor()));
    let folds = match look.folds {
        Some(VerificationSet::FOLDS) => counted_spaced(VerificationSet::FOLDS, "fold"),
        Some(folds) => format!("{}, so the ten of the accuracy are drawn", counted_spaced(folds, "fold")),
        None => "no folds, so they are drawn".to_owned(),
    };
    format!("{}: {kinds}, {folds}", counted_spaced(look.pairs, "pair"))
}

/// `7701 images in /photos/lfw, about 250 px`.
fn images_found_text(look: &ProtocolLook) -> String {
    let place = look.folder.as_ref().map(|folder| format!(" in {}", folder.display())).unwrap_or_default();
    let size = look.typical_px.map(|px| format!(", about {px} px")).unwrap_or_default();
    format!("{}{place}{size}", counted_spaced(look.images, "image"))
}

/// What is not there or cannot be read, and how much is left then.
fn missing_texts(look: &ProtocolLook) -> Vec<String> {
    let groups = look.warnings.groups();
    let mut texts = Vec::new();
    for group in &groups {
        let what = match (group.kind, look.missing) {
            (WarningKind::MissingPair, 1) => "1 pair names an image that is not there".to_owned(),
            (WarningKind::MissingPair, missing) => {
                format!("{} name images that are not there", counted_spaced(missing, "pair"))
            }
            _ => group.headline.clone(),
        };
        let example = group.examples.first().map(|name| format!(", for example {}", shortened(name, MAX_LETTERS)));
        texts.push(format!("{}{}.", capitalised(&what), example.unwrap_or_default()));
    }
    if look.complete > 0 && look.complete < look.pairs {
        let (complete, pairs) = (count_text(look.complete), counted_spaced(look.pairs, "pair"));
        texts.push(format!("{complete} of {pairs} can be compared: the result covers a part of the protocol."));
    }
    texts
}

fn shortened(text: &str, letters: usize) -> String {
    text.chars().take(letters).collect()
}

/// What Measure will do.
fn model_text(state: &State) -> String {
    let Some(run) = state.active_run.as_deref().filter(|_| state.has_model()) else { return format!("{NO_MODEL}.") };
    let name = state.run_name(run);
    match (state.evaluate.job.is_some(), state.measuring_waits()) {
        (false, false) => format!("The run {name} is in use and will be measured."),
        (false, true) => format!("The run {name} is in use; measuring it waits until the training is over."),
        (true, false) => {
            format!("Error rates are being measured; Measure stops that and measures the run {name} on these pairs.")
        }
        (true, true) => format!(
            "Another measurement waits until the training is over; Measure stops it, and the run {name} waits in its place."
        ),
    }
}

fn buttons_ui(ui: &mut Ui, state: &State, view: &PairsView, out: &mut Vec<Action>) {
    let phase = view.phase();
    if phase == PairsPhase::Ready {
        let measure = ui.add_enabled_ui(state.has_model(), |ui| theme::primary_button(ui, "Measure")).inner;
        let help = "Measures the model in use on these pairs (Enter)";
        if measure.on_hover_text(help).on_disabled_hover_text(NO_MODEL).clicked() {
            out.push(PairsAction::Measure.into());
        }
    }
    if phase != PairsPhase::Looking && view.has_images_elsewhere() {
        let choose = ui.add(theme::plain_button("Choose images…"));
        if choose.on_hover_text("Chooses the folder that the names in the list belong to").clicked() {
            out.push(Action::Ask(Dialog::PickPairImages));
        }
    }
    let is_useless = matches!(phase, PairsPhase::Unread | PairsPhase::Refused);
    if is_useless && ui.add(theme::plain_button("Choose another file…")).clicked() {
        out.push(Action::Ask(Dialog::PickPairs));
    }
    let (label, help) = match phase {
        PairsPhase::Looking => ("Cancel", "Stops looking (Esc)"),
        _ if is_useless => ("Close", "Puts this away (Esc)"),
        _ => ("Cancel", "Puts this away; nothing was measured (Esc)"),
    };
    let cancel = ui.add(theme::plain_button(label)).on_hover_text(help);
    // Other buttons of the page and the status bar may say Cancel, too.
    if cancel.accessible_name(format!("{label} the pairs")).clicked() {
        out.push(PairsAction::Cancel.into());
    }
}

#[cfg(test)]
mod tests;
