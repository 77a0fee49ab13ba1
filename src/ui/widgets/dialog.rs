//! The keyboard's focus in a dialog: whatever Enter should do first has it as soon as the dialog is there, without a Tab.

use eframe::egui::{Response, Ui};

/// Gives the keyboard to this widget when the dialog that `ui` belongs to has just opened; later a person decides.
pub fn focus_when_opened(ui: &Ui, widget: &Response) {
    if has_just_opened(ui) && widget.enabled() {
        widget.request_focus();
    }
}

/// The same answer throughout a pass, however often it is asked.
fn has_just_opened(ui: &Ui) -> bool {
    // That pass finds out how large the dialog is; nothing in it can have the focus.
    if ui.is_sizing_pass() {
        return false;
    }
    let (id, pass) = (ui.layer_id().id.with("opened in pass"), ui.ctx().cumulative_pass_nr());
    ui.ctx().data_mut(|data| {
        let [first, last] = data.get_temp::<[u64; 2]>(id).unwrap_or([pass, pass]);
        // Not drawn in the pass before: it was away meanwhile.
        let first = if last + 1 < pass { pass } else { first };
        data.insert_temp(id, [first, pass]);
        first == pass
    })
}
