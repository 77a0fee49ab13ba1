//! A run under way or over: where it stands, its curves, its map.

mod figures;
mod phase;

pub(super) use phase::NextStep;

use crate::app::{Action, State, TrainPhase, TrainView};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::curve::TITLE_GAP;
use crate::ui::widgets::scatter::{ScatterInput, ScatterView};
use eframe::egui::{Color32, Label, Ui, vec2};

/// Height of the curves.
const PLOT_HEIGHT: f32 = 108.0;
/// Height of the map and the error rate beside it.
const MAP_HEIGHT: f32 = 172.0;

/// The live map's point of view and colours.
#[derive(Default)]
pub(super) struct LiveView {
    map: ScatterView,
    palette: Vec<Color32>,
    dark: bool,
}

impl std::fmt::Debug for LiveView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveView").finish_non_exhaustive()
    }
}

impl LiveView {
    /// Draws the run.
    pub(super) fn ui(&mut self, ui: &mut Ui, state: &State, view: &TrainView, out: &mut Vec<Action>) {
        ui.spacing_mut().item_spacing.y = theme::GAP;
        theme::card(ui, |ui| {
            phase::phase_ui(ui, state, view, out);
            if !view.steps.is_empty() {
                ui.add_space(SPACE * 1.5);
                figures::numbers_ui(ui, view);
            }
        });
        if let Some(error) = &view.error {
            theme::error_card(ui, error, out);
        }
        if view.phase == TrainPhase::Preparing {
            return;
        }
        if view.steps.is_empty() && view.epochs.is_empty() {
            theme::card(ui, |ui| ui.label(theme::caption("Curves appear with the first steps.")));
            return;
        }
        two_columns(ui, |ui| figures::loss_ui(ui, view), |ui| figures::accuracy_ui(ui, view));
        two_columns(ui, |ui| figures::eer_ui(ui, view), |ui| self.map_ui(ui, view));
        two_columns(ui, |ui| figures::angles_ui(ui, view), |ui| figures::lr_ui(ui, view));
    }

    fn map_ui(&mut self, ui: &mut Ui, view: &TrainView) {
        ui.spacing_mut().item_spacing.y = TITLE_GAP;
        ui.add(Label::new(theme::strong("Held-out images").size(14.0)).truncate()).on_hover_text(
            "Every point is the embedding of an image kept from training (PCA), coloured by class; the map follows the run",
        );
        let Some((table, layout)) = &view.map else {
            figures::not_yet_ui(ui, "Appears after the first epoch", MAP_HEIGHT);
            return;
        };
        self.colour(ui, table.classes());
        let (size, emphasised) = (vec2(ui.available_width(), MAP_HEIGHT), |_: u32| true);
        ui.allocate_ui(size, |ui| {
            let input = ScatterInput {
                layout,
                classes: table.classes(),
                palette: &self.palette,
                emphasised: &emphasised,
                selected: None,
                neighbours: &[],
                class_name: None,
                names_class: &|_| false,
                walks: false,
            };
            self.map.ui(ui, &input);
        });
    }

    fn colour(&mut self, ui: &Ui, classes: &[u32]) {
        let count = classes.iter().max().map_or(0, |&class| class as usize + 1);
        let dark = ui.visuals().dark_mode;
        if self.palette.len() != count || self.dark != dark {
            self.palette = (0..count).map(|class| theme::class_colour(ui, class)).collect();
            self.dark = dark;
        }
    }
}

fn two_columns(ui: &mut Ui, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) {
    ui.spacing_mut().item_spacing.x = theme::GAP;
    ui.columns_const(|[a, b]| {
        theme::card(a, left);
        theme::card(b, right);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Workspace;
    use crate::ui::demo_state::{self, DemoKind};
    use crate::ui::test_page::text_shape;
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;
    use std::cell::Cell;
    use std::rc::Rc;

    type Figure = fn(&mut Ui, &TrainView);

    /// A run that is done.
    fn run() -> TrainView {
        demo_state::state(Workspace::Train, DemoKind::Done).training.expect("the sample data can be drawn")
    }

    /// A figure of it in a narrow window, and how high it is.
    fn drawn(view: TrainView, figure: Figure) -> (Harness<'static>, f32) {
        let height = Rc::new(Cell::new(0.0));
        let measured = Rc::clone(&height);
        let draw = move |ui: &mut Ui| {
            // Fonts are there from the next pass on.
            if ui.ctx().cumulative_pass_nr() == 0 {
                return theme::install(ui.ctx());
            }
            measured.set(ui.scope(|ui| figure(ui, &view)).response.rect.height());
        };
        let mut harness = Harness::builder().with_size((320.0, 300.0)).build_ui(draw);
        harness.run_steps(4);
        (harness, height.get())
    }

    #[test]
    fn the_best_epoch_is_named_and_so_is_what_the_axes_count() {
        let (eer, _) = drawn(run(), figures::eer_ui);
        assert!(text_shape(&eer, "epoch").is_some() && text_shape(&eer, "best").is_some());
        let (angles, _) = drawn(run(), figures::angles_ui);
        let plot = angles.get_by_label("Angle to the own class centre, histogram").rect();
        let name = text_shape(&angles, "images").expect("the y axis has a name").visual_bounding_rect();
        assert!(name.height() > name.width() && name.right() < plot.left(), "{name:?} stands along {plot:?}");
        assert!(plot.y_range().contains(name.center().y), "{name:?} stands along {plot:?}");
    }

    #[test]
    fn what_is_still_to_come_takes_the_room_of_the_figure() {
        let mut begun = run();
        (begun.epochs, begun.angles) = (Vec::new(), None);
        for figure in [figures::eer_ui as Figure, figures::angles_ui] {
            let heights = [run(), begun.clone()].map(|view| drawn(view, figure).1);
            assert!(heights[0] > PLOT_HEIGHT && (heights[0] - heights[1]).abs() < 2.0, "{heights:?}");
        }
    }
}
