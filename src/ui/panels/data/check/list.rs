//! The findings: how grave, what, how many. One of them is selected.

use crate::data::{Diagnosis, Finding, FindingKind, Weight};
use crate::ui::theme::{self, SPACE};
use eframe::egui::{self, CornerRadius, Label, Role, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, vec2};

/// Draws the list; returns the finding that was just chosen.
pub(super) fn list_ui(ui: &mut Ui, diagnosis: &Diagnosis, selected: Option<FindingKind>) -> Option<FindingKind> {
    if diagnosis.findings.is_empty() {
        return None;
    }
    let mut chosen = None;
    let area = ScrollArea::vertical().id_salt("findings").auto_shrink([false, false]);
    area.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = SPACE / 2.0;
        for finding in &diagnosis.findings {
            if finding_ui(ui, finding, selected == Some(finding.kind)) {
                chosen = Some(finding.kind);
            }
        }
    });
    chosen
}

fn finding_ui(ui: &mut Ui, finding: &Finding, selected: bool) -> bool {
    let tokens = theme::tokens(ui);
    let builder = UiBuilder::new().id_salt(("finding", finding.kind)).sense(Sense::click());
    let response = ui
        .scope_builder(builder, |ui| {
            let response = ui.response();
            let fill = match (selected, response.hovered()) {
                (true, _) => tokens.accent_faint,
                (false, true) => tokens.control,
                (false, false) => tokens.card,
            };
            let stroke = if response.has_focus() { Stroke::new(1.5, tokens.accent) } else { Stroke::NONE };
            let frame = egui::Frame::new()
                .fill(fill)
                .stroke(stroke)
                .corner_radius(CornerRadius::same(theme::RADIUS))
                .inner_margin(egui::Margin::symmetric(10, 8));
            frame.show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.horizontal(|ui| {
                    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
                    mark_ui(ui, rect.center(), finding.kind.weight());
                    ui.vertical(|ui| {
                        ui.spacing_mut().item_spacing.y = 2.0;
                        ui.add(Label::new(theme::strong(finding.kind.label())).selectable(false));
                        ui.add(Label::new(theme::caption(finding.headline.clone())).selectable(false).wrap());
                    });
                });
            });
        })
        .response;
    let name = format!("{}: {}", finding.kind.label(), finding.headline);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, &name));
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}

/// A shape as well as a colour: a full disc, a ring, a small dot.
fn mark_ui(ui: &Ui, centre: egui::Pos2, weight: Weight) {
    let (tokens, painter) = (theme::tokens(ui), ui.painter());
    match weight {
        Weight::Serious => painter.circle_filled(centre, 5.0, tokens.bad),
        Weight::Warning => painter.circle_stroke(centre, 4.0, Stroke::new(2.0, tokens.warning)),
        Weight::Note => painter.circle_filled(centre, 2.5, tokens.text_dim),
    };
}
