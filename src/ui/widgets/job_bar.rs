//! How far a job is: the bar, the same in words, and the buttons beside them.
//!
//! Not which jobs there are, nor what becomes of one that is stopped.

use super::dialog::focus_first;
use super::figures::{count_text, counted_spaced};
use crate::ui::format;
use crate::ui::theme::{self, SPACE};
use crate::worker::protocol::Progress;
use eframe::egui::{Align, Layout, ProgressBar, Rect, Role, Sense, Ui, Vec2, WidgetInfo, lerp, vec2};

/// Height of the bar in points.
const HEIGHT_PT: f32 = 8.0;
/// The same below a title, where it is one line among others.
const LOW_HEIGHT_PT: f32 = 6.0;
/// The share of a bar that the part has that runs along it while nobody knows how far the job is.
const RUNNER: f32 = 0.3;
/// How long it takes that part from one end to the other, in seconds.
const RUN_SECS: f64 = 1.6;
/// From one picture of it to the next, in seconds: seldom enough for a window that has nothing else to draw.
const PICTURE_SECS: f32 = 0.08;

/// A bar over the width there is, filled to this share in [0, 1].
pub fn progress_bar(ui: &Ui, share: f32) -> ProgressBar {
    ProgressBar::new(share).desired_height(HEIGHT_PT).fill(theme::tokens(ui).accent)
}

/// The bar of a job over the width there is: filled to the share that is done, or with a part that runs along it while it is
/// not known how much there is.
pub fn job_bar(ui: &mut Ui, progress: &Progress) {
    let size = vec2(ui.available_size_before_wrap().x, HEIGHT_PT);
    job_bar_of(ui, progress, size);
}

/// The same of a width and a height in points.
pub fn job_bar_of(ui: &mut Ui, progress: &Progress, size: Vec2) {
    match share_done(progress) {
        Some(share) => {
            ui.add(progress_bar(ui, share).desired_width(size.x).desired_height(size.y));
        }
        None => running_bar(ui, size),
    }
}

/// A bar of which nobody knows how much is done. Not one of egui's: those begin with a dot, and tell a screen reader a share,
/// both as of a job that does not get on.
fn running_bar(ui: &mut Ui, size: Vec2) {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::new(Role::ProgressIndicator));
    if !ui.is_rect_visible(rect) {
        return;
    }
    ui.painter().rect_filled(rect, size.y / 2.0, ui.visuals().extreme_bg_color);
    // Where nothing is to move, as in pictures, it stands in the middle.
    let moves = ui.style().animation_time > 0.0;
    let time_secs = ui.input(|input| input.time);
    let at = if moves { (time_secs / RUN_SECS).fract() as f32 } else { 0.5 };
    let [from, to] = runner(at).map(|share| rect.left() + share * rect.width());
    let part = Rect::from_x_y_ranges(from..=to, rect.y_range());
    ui.painter().rect_filled(part, size.y / 2.0, theme::tokens(ui).accent);
    if moves {
        ui.request_repaint_after_secs(PICTURE_SECS);
    }
}

/// Where the running part begins and ends, as shares of the bar, when it is `at` of its way in [0, 1]. It comes in at one end
/// and leaves by the other.
fn runner(at: f32) -> [f32; 2] {
    let from = lerp(-RUNNER..=1.0, at);
    [from.max(0.0), (from + RUNNER).min(1.0)]
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

/// A title, the button that stops the job at the end of the line, below it the bar and `text`. Without `progress`, as of a job
/// that waits for its turn, there is no bar, which would move. Tells whether the job is to be stopped.
pub fn titled_job(ui: &mut Ui, title: &str, progress: Option<&Progress>, text: &str) -> bool {
    let mut is_stopped = false;
    ui.horizontal(|ui| {
        ui.label(theme::subheading(title));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            is_stopped = ui.button("Cancel").on_hover_text("Stops this; nothing of it is kept").clicked();
        });
    });
    if let Some(progress) = progress {
        let size = vec2(ui.available_width(), LOW_HEIGHT_PT);
        job_bar_of(ui, progress, size);
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
    job_bar(ui, progress);
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
    use eframe::egui::{Context, RawInput, ViewportId};
    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};
    use std::time::Duration;

    #[test]
    fn the_running_part_comes_in_at_one_end_and_leaves_by_the_other() {
        assert_eq!((runner(0.0), runner(1.0)), ([0.0, 0.0], [1.0, 1.0]));
        let [from, to] = runner(0.5);
        assert!((from + to - 1.0).abs() < 1e-6 && (to - from - RUNNER).abs() < 1e-6, "{from} to {to}");
    }

    /// How soon a window that shows the bar of this job wants to be drawn again.
    fn next_picture(progress: &Progress, animation_secs: f32) -> Duration {
        let ctx = Context::default();
        theme::install(&ctx);
        ctx.all_styles_mut(|style| style.animation_time = animation_secs);
        let mut delay = Duration::ZERO;
        // The first passes are asked for by egui itself.
        for _ in 0..5 {
            let mut output = ctx.run_ui(RawInput::default(), |ui| job_bar(ui, progress));
            output.textures_delta.clear();
            delay = output.viewport_output[&ViewportId::ROOT].repaint_delay;
        }
        delay
    }

    #[test]
    fn only_a_bar_without_a_share_moves_and_that_a_few_times_a_second() {
        let (unknown, half) = (Progress::default(), Progress { done: 1, total: 2, eta_secs: None });
        let moving = next_picture(&unknown, 0.1);
        assert!(moving > Duration::from_millis(40) && moving <= Duration::from_millis(100), "{moving:?}");
        assert!(next_picture(&unknown, 0.0) > Duration::from_secs(1), "it stands still where nothing moves");
        assert!(next_picture(&half, 0.1) > Duration::from_secs(1));
    }

    #[test]
    fn a_share_that_is_not_known_is_not_told_to_a_screen_reader_as_none() {
        let told = |progress: Progress| {
            let mut harness = Harness::builder().build_ui(move |ui| job_bar(ui, &progress));
            harness.run_steps(2);
            harness.get_by_role(Role::ProgressIndicator).accesskit_node().numeric_value()
        };
        assert_eq!(told(Progress::default()), None);
        assert_eq!(told(Progress { done: 1, total: 2, eta_secs: None }), Some(50.0));
    }

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
