//! The keys of a sheet: a card on a page that Escape closes, and that may take other keys, while nothing is in front of it.

use eframe::egui::{Key, Modifiers, Ui};

/// The key is pressed, and neither a dialog nor a menu in front of the page wants it.
pub fn key_is_pressed(ui: &Ui, key: Key) -> bool {
    let is_behind = ui.memory(|memory| memory.top_modal_layer().is_some()) || ui.ctx().any_popup_open();
    !is_behind && ui.input_mut(|input| input.consume_key(Modifiers::NONE, key))
}
