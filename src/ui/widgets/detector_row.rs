//! Which face detector is used, and the button that chooses one.

use crate::ui::theme;
use eframe::egui::{self, Ui};
use std::path::Path;

/// What the person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetectorReply {
    /// Choose a file.
    Choose,
    /// Use none.
    Forget,
}

/// Why no detector can be chosen in some builds.
pub const NO_FINDER: &str = "This build of ArcLens was made without face detection";

/// Draws the row; `without` says what happens without a detector.
pub fn detector_row(ui: &mut Ui, detector: Option<&Path>, without: &str) -> Option<DetectorReply> {
    let mut reply = None;
    if !cfg!(feature = "faces") {
        ui.add(egui::Label::new(theme::caption(format!("{NO_FINDER}. {without}"))).wrap());
        return None;
    }
    ui.horizontal_wrapped(|ui| {
        let label = if detector.is_some() { "Change…" } else { "Choose a YuNet file…" };
        if let Some(path) = detector {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ui.label(theme::caption(format!("Detector: {name}"))).on_hover_text(path.display().to_string());
        }
        let help = "A face detector as ONNX: OpenCV Zoo publishes it as face_detection_yunet_….onnx";
        let choose = ui.button(label).on_hover_text(help);
        if choose.accessible_name("Choose a YuNet file").clicked() {
            reply = Some(DetectorReply::Choose);
        }
        if detector.is_some() && ui.button("Use none").on_hover_text("Faces are marked by hand").clicked() {
            reply = Some(DetectorReply::Forget);
        }
    });
    if detector.is_none() {
        ui.add(egui::Label::new(theme::caption(without)).wrap());
    }
    reply
}
