//! How far a job is: the bar, the same in words, and the buttons beside them.
//!
//! Not which jobs there are, nor what becomes of one that is stopped.

use super::dialog::focus_first;
use super::figures::{count_text, counted_spaced};
use crate::ui::format;
use crate::ui::theme::{self, SPACE};
use crate::worker::protocol::Progress;
use eframe::egui::{Align, Layout, ProgressBar, Ui};

/// Height of the bar in points.
const HEIGHT_PT: f32 = 8.0;
/// The same below a title, where it is one line among others.
const LOW_HEIGHT_PT: f32 = 6.0;

/// A bar over the width there is, filled to this share in [0, 1].
pub fn progress_bar(ui: &Ui, share: f32) -> ProgressBar {
    ProgressBar::new(share).desired_height(HEIGHT_PT).fill(theme::tokens(ui).accent)
}

/// The share that is done, in [0, 1]; `None` while it is not known how much there is.
pub fn share_done(progress: &Progress) -> Option<f32> {
    (progress.total > 0).then(|| (progress.done as f32 / progress.total as f32).clamp(0.0, 1.0))
}

/// `310 of 520 images`; `None` while it is not known how many there are.
pub fn done_text(progress: &Progress, singular: &str) -> Option<String> {
    let Progress { done, total, .. } = *progress;
    (total > 0).then(|| format!("{} of {}", count_text(done as usize), counted_spaced(total as usize, singular)))
}

/// `3 min 20 s left`; `None` where that is not known.
pub fn left_text(eta_secs: Option<f64>) -> Option<String> {
    eta_secs.filter(|secs| secs.is_finite()).map(|secs| format!("{} left", format::duration(secs)))
}

/// `text`, and how long it takes still where that is known: `60 %, 3 min 20 s left`.
pub fn with_time_left(text: String, progress: &Progress) -> String {
    [Some(text), left_text(progress.eta_secs)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `310 of 520 images, 3 min 20 s left`, or `before` while it is not known how many there are.
pub fn images_text(progress: &Progress, before: &str) -> String {
    done_text(progress, "image").map_or_else(|| before.to_owned(), |done| with_time_left(done, progress))
}

/// A title, the button that stops the job at the end of the line, below it the bar and `text`. Tells whether the job is to
/// be stopped.
pub fn titled_job(ui: &mut Ui, title: &str, progress: &Progress, text: &str) -> bool {
    let mut is_stopped = false;
    ui.horizontal(|ui| {
        ui.label(theme::subheading(title));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            is_stopped = ui.button("Cancel").on_hover_text("Stops this; nothing of it is kept").clicked();
        });
    });
    if let Some(share) = share_done(progress) {
        ui.add(progress_bar(ui, share).desired_height(LOW_HEIGHT_PT));
    }
    ui.label(theme::caption(text));
    is_stopped
}

/// What a person wants of a job whose dialog is in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobReply {
    /// Put the dialog away; the job goes on.
    GoOn,
    /// Stop the job.
    Stop,
}

/// The part of a dialog that stands there while its job runs; `stop_help` says what is kept of a job that is stopped.
pub fn job_in_dialog(ui: &mut Ui, progress: &Progress, text: &str, stop_help: &str) -> Option<JobReply> {
    ui.add(progress_bar(ui, share_done(progress).unwrap_or_default()));
    ui.label(theme::caption(text));
    ui.add_space(SPACE * 2.0);
    let mut reply = None;
    ui.horizontal(|ui| {
        let go_on = ui.add(theme::plain_button("Go on in the background"));
        focus_first(ui, "job", &go_on);
        if go_on.clicked() {
            reply = Some(JobReply::GoOn);
        }
        if ui.add(theme::plain_button("Stop")).on_hover_text(stop_help).clicked() {
            reply = Some(JobReply::Stop);
        }
    });
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_of_what_is_not_known() {
        let unknown = Progress::default();
        assert_eq!((share_done(&unknown), done_text(&unknown, "image")), (None, None));
        assert_eq!(images_text(&unknown, "Listing the files"), "Listing the files");
        let half = Progress { done: 1, total: 2, eta_secs: None };
        assert_eq!((share_done(&half), images_text(&half, "")), (Some(0.5), "1 of 2 images".to_owned()));
        let timed = Progress { eta_secs: Some(200.0), ..half };
        assert_eq!(images_text(&timed, ""), "1 of 2 images, 3 min 20 s left");
        assert_eq!(with_time_left("50 %".to_owned(), &timed), "50 %, 3 min 20 s left");
        assert_eq!(left_text(Some(f64::INFINITY)), None);
    }

    #[test]
    fn more_than_everything_is_everything() {
        let counted_twice = Progress { done: 3, total: 2, eta_secs: None };
        assert_eq!(share_done(&counted_twice), Some(1.0));
        let single = Progress { done: 1, total: 1, eta_secs: None };
        assert_eq!(images_text(&single, ""), "1 of 1 image");
    }
}
