//! Notices in the corner: what happened, what to do, details on request.
//!
//! Good news leaves by itself; warnings and errors stay until dismissed, because a message that disappears while one
//! looks elsewhere was never shown. Only the newest few are drawn; the state keeps the rest.

use super::theme::{self, SPACE};
use crate::app::{Action, Notice, NoticeId, Severity};
use eframe::egui::{self, Align2, Area, Color32, Id, Order, RichText};
use std::collections::HashMap;

/// Seconds good news is shown.
const SECONDS: f64 = 6.0;
/// Notices drawn at once.
const SHOWN: usize = 4;
/// Width in points.
const WIDTH: f32 = 360.0;

/// When each notice was first drawn.
#[derive(Debug, Default)]
pub struct Toasts {
    since: HashMap<NoticeId, f64>,
    still: bool,
}

impl Toasts {
    /// Notices that never leave by themselves: for screenshots.
    pub fn still() -> Self {
        Self { still: true, ..Self::default() }
    }

    /// Draws the newest notices and dismisses those whose time is over.
    pub fn ui(&mut self, ui: &mut egui::Ui, notices: &[Notice], out: &mut Vec<Action>) {
        let now = ui.input(|input| input.time);
        self.since.retain(|id, _| notices.iter().any(|notice| notice.id == *id));
        if notices.is_empty() {
            return;
        }
        let area =
            Area::new(Id::unique("notices")).order(Order::Foreground).anchor(Align2::RIGHT_BOTTOM, [-16.0, -52.0]);
        area.show(ui.ctx(), |ui| {
            ui.set_width(WIDTH);
            let first = notices.len().saturating_sub(SHOWN);
            for notice in notices.iter().skip(first) {
                let hovered = notice_ui(ui, notice, out);
                self.expire(ui, notice, hovered, now, out);
            }
        });
    }

    fn expire(&mut self, ui: &egui::Ui, notice: &Notice, hovered: bool, now: f64, out: &mut Vec<Action>) {
        if self.still || !matches!(notice.severity, Severity::Info | Severity::Success) {
            return;
        }
        let since = self.since.entry(notice.id).or_insert(now);
        if hovered {
            *since = now;
        }
        let left = SECONDS - (now - *since);
        if left <= 0.0 {
            out.push(Action::Dismiss(notice.id));
        } else {
            ui.request_repaint_after_secs(left as f32);
        }
    }
}

/// The colour of a severity.
pub fn severity_colour(ui: &egui::Ui, severity: Severity) -> Color32 {
    let tokens = theme::tokens(ui);
    match severity {
        Severity::Info => tokens.accent,
        Severity::Success => tokens.good,
        Severity::Warning => tokens.warning,
        Severity::Error => tokens.bad,
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Note",
        Severity::Success => "Done",
        Severity::Warning => "Warning",
        Severity::Error => "Error",
    }
}

/// Draws one notice; tells whether the pointer rests on it.
fn notice_ui(ui: &mut egui::Ui, notice: &Notice, out: &mut Vec<Action>) -> bool {
    let colour = severity_colour(ui, notice.severity);
    let shadow = ui.visuals().popup_shadow;
    let frame =
        theme::card_frame(ui).inner_margin(egui::Margin { left: 16, right: 12, top: 10, bottom: 10 }).shadow(shadow);
    let response = frame
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = SPACE / 2.0;
            ui.horizontal(|ui| {
                ui.label(RichText::new(word(notice.severity)).size(12.0).color(colour));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if ui.add(egui::Button::new(theme::caption("Dismiss")).frame(false)).clicked() {
                        out.push(Action::Dismiss(notice.id));
                    }
                    let has_more = !notice.causes.is_empty() || notice.hint.is_some();
                    if has_more
                        && ui
                            .add(egui::Button::new(theme::caption("Copy")).frame(false))
                            .on_hover_text("Copies the message with its details")
                            .clicked()
                    {
                        ui.copy_text(notice.text());
                    }
                });
            });
            ui.label(&notice.headline);
            if let Some(hint) = &notice.hint {
                ui.label(RichText::new(hint).weak());
            }
            details(ui, notice);
        })
        .response;
    let bar = egui::Rect::from_min_max(response.rect.left_top(), response.rect.left_bottom() + egui::vec2(4.0, 0.0));
    let radius = egui::CornerRadius { nw: theme::RADIUS, sw: theme::RADIUS, ne: 0, se: 0 };
    ui.painter().rect_filled(bar, radius, colour);
    response.contains_pointer()
}

fn details(ui: &mut egui::Ui, notice: &Notice) {
    if notice.causes.is_empty() {
        return;
    }
    egui::CollapsingHeader::new(theme::caption("Details")).id_salt(("notice", notice.id)).show(ui, |ui| {
        for cause in &notice.causes {
            ui.label(theme::caption(cause.clone()));
        }
    });
}
