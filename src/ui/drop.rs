//! Files dragged over the window: the overlay that says beforehand what a drop will do, and the drop itself.
//!
//! What the files are taken for is decided by [`crate::app::drop_target`], here only once per set of files, because
//! that looks at the disk and the overlay is drawn every frame. Pasted pictures come the same way.

use super::theme;
use crate::app::{Action, drop_target};
use crate::worker::protocol::ImageSource;
use eframe::egui::{self, Align2, Area, Context, Event, Id, Key, Order, RichText};
use std::path::PathBuf;

/// Remembers what was decided about the files that hover.
#[derive(Debug, Default)]
pub struct DropOverlay {
    hovered: Vec<PathBuf>,
    sentence: String,
    saw_paste: bool,
}

impl DropOverlay {
    /// Takes dropped files and pastes out of the input.
    pub fn collect(&mut self, ctx: &Context, out: &mut Vec<Action>) {
        let dropped = ctx.input_mut(|input| std::mem::take(&mut input.raw.dropped_files));
        if !dropped.is_empty() {
            out.push(Action::Dropped(dropped.iter().map(|file| file.path().to_path_buf()).collect()));
        }
        if !ctx.text_edit_focused() {
            self.collect_pastes(ctx, out);
        }
    }

    /// egui swallows the press of Ctrl+V and reports what is on the clipboard instead; when it finds nothing it can
    /// read, only the release arrives, and then the clipboard is asked by us.
    fn collect_pastes(&mut self, ctx: &Context, out: &mut Vec<Action>) {
        let events = ctx.input(|input| input.events.clone());
        for event in events {
            match event {
                Event::PasteImage(image) => {
                    self.saw_paste = true;
                    out.push(Action::VerifyImages(vec![pasted(&image)]));
                }
                Event::Paste(text) => {
                    self.saw_paste = true;
                    out.push(pasted_text(&text));
                }
                Event::Key { key: Key::V, pressed: true, modifiers, .. } if modifiers.command => self.saw_paste = true,
                Event::Key { key: Key::V, pressed: false, modifiers, .. } => {
                    if modifiers.command && !self.saw_paste {
                        out.push(Action::Paste);
                    }
                    self.saw_paste = false;
                }
                _ => {}
            }
        }
    }

    /// Dims the window and says what the drop will do, while files hover.
    pub fn ui(&mut self, ui: &mut egui::Ui) {
        let hovered = ui.input(|input| input.raw.hovered_files.clone());
        if hovered.is_empty() {
            self.hovered.clear();
            self.sentence.clear();
            return;
        }
        let paths: Vec<PathBuf> = hovered.into_iter().filter_map(|file| file.path).collect();
        if self.sentence.is_empty() || paths != self.hovered {
            // Wayland keeps the names to itself until the drop.
            self.sentence = if paths.is_empty() { "Drop to open".to_owned() } else { drop_target(&paths).describe() };
            self.hovered = paths;
        }
        overlay(ui, &self.sentence, self.hovered.len());
    }
}

fn overlay(ui: &egui::Ui, sentence: &str, files: usize) {
    let tokens = theme::tokens(ui);
    let screen = ui.ctx().content_rect();
    let back = egui::LayerId::new(Order::Foreground, Id::unique("drop backdrop"));
    ui.ctx().layer_painter(back).rect_filled(screen, 0.0, tokens.dim);
    Area::new(Id::unique("drop sentence")).order(Order::Tooltip).anchor(Align2::CENTER_CENTER, [0.0, 0.0]).show(
        ui.ctx(),
        |ui| {
            let frame = theme::card_frame(ui).stroke(egui::Stroke::new(2.0, tokens.accent)).inner_margin(32.0);
            frame.show(ui, |ui| {
                ui.vertical_centered(|ui| {
                    ui.set_max_width(420.0);
                    ui.label(theme::heading(sentence));
                    let count = if files == 1 {
                        "Let go to do it".to_owned()
                    } else {
                        format!("{files} files; let go to do it")
                    };
                    ui.label(RichText::new(if files == 0 { "Let go to do it".to_owned() } else { count }).weak());
                });
            });
        },
    );
}

fn pasted(image: &egui::ColorImage) -> ImageSource {
    let [width, height] = image.size.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    ImageSource::Pixels { width, height, rgba: image.as_raw().into() }
}

/// File managers copy files as lines of paths or `file://` addresses.
fn pasted_text(text: &str) -> Action {
    let paths: Vec<PathBuf> = text
        .lines()
        .take(64)
        .map(|line| PathBuf::from(line.trim().strip_prefix("file://").unwrap_or(line.trim())))
        .filter(|path| path.is_absolute() && path.exists())
        .collect();
    if paths.is_empty() { Action::Paste } else { Action::Dropped(paths) }
}
