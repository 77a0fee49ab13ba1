//! The verification sets that lie beside a data set, one button each.

use crate::ui::theme;
use eframe::egui::Ui;
use std::path::PathBuf;

/// Draws the buttons; the set whose button was pressed.
pub fn set_buttons<'a>(ui: &mut Ui, sets: &'a [PathBuf]) -> Option<&'a PathBuf> {
    let mut pressed = None;
    for set in sets {
        let name = set.file_name().unwrap_or_default().to_string_lossy();
        let help = "Says what is in this verification set, on which the model in use can be measured";
        if ui.add(theme::plain_button(&name)).on_hover_text(help).clicked() {
            pressed = Some(set);
        }
    }
    pressed
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    #[test]
    fn a_set_is_chosen_by_its_name() {
        let sets: [PathBuf; 2] = ["/faces/lfw.bin".into(), "/faces/agedb_30.bin".into()];
        let draw = |ui: &mut Ui, pressed: &mut Option<PathBuf>| {
            if let Some(set) = set_buttons(ui, &sets) {
                *pressed = Some(set.clone());
            }
        };
        let mut harness = Harness::builder().build_ui_state(draw, None);
        harness.get_by_label("agedb_30.bin").click();
        harness.run_steps(2);
        assert_eq!(harness.state().as_ref(), Some(&sets[1]));
    }
}
