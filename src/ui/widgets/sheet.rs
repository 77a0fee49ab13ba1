//! The keys of a page, and of a sheet on it, a card that Escape closes: they are theirs while nothing is in front.

use eframe::egui::{Context, Key, Modifiers, Popup, Ui};

/// Something in front of the page has the keyboard: a dialog, the palette, or a menu.
pub fn is_covered(ctx: &Context) -> bool {
    // A menu that this very key closed is open no more, but was drawn in this pass; one that is drawn after who asks was not.
    ctx.memory(|memory| memory.top_modal_layer().is_some()) || Popup::is_any_open(ctx) || ctx.any_popup_open()
}

/// The key is pressed, and nothing in front of the page wants it.
pub fn key_is_pressed(ui: &Ui, key: Key) -> bool {
    !is_covered(ui.ctx()) && ui.input_mut(|input| input.consume_key(Modifiers::NONE, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{Id, Modal};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    /// What a page has heard that lies before a menu in the order of drawing, and one behind it.
    #[derive(Default)]
    struct Heard {
        shows_dialog: bool,
        before: usize,
        behind: usize,
    }

    fn page() -> Harness<'static, Heard> {
        let draw = |ui: &mut Ui, heard: &mut Heard| {
            let is_pressed = |ui: &Ui| !is_covered(ui.ctx()) && ui.input(|input| input.key_pressed(Key::Escape));
            heard.before += usize::from(is_pressed(ui));
            ui.menu_button("Menu", |ui| ui.label("Entry"));
            heard.behind += usize::from(is_pressed(ui));
            if heard.shows_dialog {
                Modal::new(Id::unique("dialog")).show(ui.ctx(), |ui| ui.label("In front"));
            }
        };
        let mut harness = Harness::builder().with_size((300.0, 300.0)).build_ui_state(draw, Heard::default());
        harness.run_steps(2);
        harness
    }

    #[test]
    fn a_key_for_a_menu_or_a_dialog_does_not_reach_the_page_wherever_it_asks() {
        let mut harness = page();
        harness.key_press(Key::Escape);
        harness.run_steps(2);
        assert_eq!((harness.state().before, harness.state().behind), (1, 1));
        harness.get_by_label("Menu").click();
        harness.run_steps(3);
        assert!(harness.query_by_label("Entry").is_some());
        harness.key_press(Key::Escape);
        harness.run_steps(3);
        assert!(harness.query_by_label("Entry").is_none(), "it closed the menu");
        assert_eq!((harness.state().before, harness.state().behind), (1, 1));
        harness.state_mut().shows_dialog = true;
        harness.run_steps(2);
        harness.key_press(Key::Escape);
        harness.run_steps(2);
        assert_eq!((harness.state().before, harness.state().behind), (1, 1));
    }
}
