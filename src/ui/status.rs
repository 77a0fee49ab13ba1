//! The line at the bottom: device, the work in progress with its brakes, the last message, memory.

use super::command_button::CommandButton;
use super::format;
use super::theme::{self, SPACE};
use super::toasts::severity_colour;
use super::widgets::figures::count_text;
use super::widgets::job_bar::{left_text, progress_bar, share_done};
use crate::app::{Action, JobView, State, TrainPhase, TrainView};
use crate::worker::protocol::JobKind;
use eframe::egui::{self, Align, Layout, RichText, Ui};

/// Draws the line.
pub fn status_ui(ui: &mut Ui, state: &State, memory: Option<u64>, out: &mut Vec<Action>) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().button_padding = egui::vec2(8.0, 2.0);
        ui.spacing_mut().interact_size.y = 22.0;
        device_ui(ui, state);
        if let Some(job) = shown_job(state) {
            ui.separator();
            job_ui(ui, state, job, out);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(bytes) = memory {
                ui.label(theme::caption(format::bytes(bytes))).on_hover_text("Memory the program uses");
                ui.separator();
            }
            last_notice_ui(ui, state);
        });
    });
}

/// Training outranks everything; else the job that began last.
fn shown_job(state: &State) -> Option<&JobView> {
    let training = state.jobs.iter().find(|job| job.kind == JobKind::Train);
    let is_small = |kind| matches!(kind, JobKind::ListRuns | JobKind::ReadNetwork | JobKind::Devices);
    training.or_else(|| state.jobs.iter().rev().find(|job| !is_small(job.kind)))
}

fn device_ui(ui: &mut Ui, state: &State) {
    let running = state.training.as_ref().filter(|_| state.is_training()).and_then(|view| view.started.as_ref());
    let usable = state.devices.iter().find(|device| device.usable);
    let (name, why) = match (running, usable) {
        (Some(started), _) => (started.device.clone(), "The device the run is trained on".to_owned()),
        (None, Some(device)) => (device.name.clone(), devices_in_words(state)),
        (None, None) => {
            ("Looking for devices".to_owned(), "The program asks which processors it can train on".to_owned())
        }
    };
    ui.label(theme::caption(name)).on_hover_text(why);
}

fn devices_in_words(state: &State) -> String {
    let lines: Vec<String> = state
        .devices
        .iter()
        .map(|device| match &device.reason {
            Some(reason) => format!("{} ({}): {reason}", device.name, device.id),
            None => format!("{} ({}): can be used", device.name, device.id),
        })
        .collect();
    lines.join("\n")
}

fn job_ui(ui: &mut Ui, state: &State, job: &JobView, out: &mut Vec<Action>) {
    let training = state.training.as_ref().filter(|view| view.job == job.id);
    let (label, share, detail) = match training {
        Some(view) => training_in_words(view),
        None => (job.kind.label().to_owned(), share_done(&job.progress), left_text(job.progress.eta_secs)),
    };
    ui.label(theme::caption(label).color(theme::tokens(ui).text));
    let percent = share.map(|share| format!("{:.0} %", share * 100.0));
    if let (Some(share), Some(percent)) = (share, &percent) {
        let bar = progress_bar(ui, share).desired_width(120.0).desired_height(6.0);
        ui.add(bar).on_hover_text(format!("{percent} done"));
    }
    ui.label(theme::caption(percent.into_iter().chain(detail).collect::<Vec<_>>().join(", ")));
    if let Some(view) = training {
        brakes_ui(ui, state, view, out);
    } else if ui.button(theme::caption("Cancel")).on_hover_text("Stops this work").clicked() {
        out.push(Action::CancelJob(job.id));
    }
}

fn brakes_ui(ui: &mut Ui, state: &State, view: &TrainView, out: &mut Vec<Action>) {
    let pause = match view.phase {
        TrainPhase::Running => Some("Pause"),
        TrainPhase::Paused => Some("Resume"),
        _ => None,
    };
    if let Some(label) = pause
        && ui.button(theme::caption(label)).on_hover_text("Pauses or resumes the run (Space)").clicked()
    {
        out.push(Action::TogglePause);
    }
    let stop = CommandButton::new("train.stop").label(theme::caption("Stop"));
    stop.why_not("The checkpoint is being saved").ui(ui, state, out);
}

fn training_in_words(view: &TrainView) -> (String, Option<f32>, Option<String>) {
    let last = view.steps.last();
    let epochs = f64::from(view.config.train.epochs.max(1));
    let share = last.map(|step| (step.epoch / epochs).clamp(0.0, 1.0) as f32);
    let running = last.filter(|_| view.phase == TrainPhase::Running);
    let detail = running.map(|step| speed_text(step.images_per_second, step.eta_secs));
    match view.phase {
        TrainPhase::Preparing => {
            let (done, total) = view.preparing;
            ("Reading images".to_owned(), (total > 0).then(|| done as f32 / total as f32), None)
        }
        TrainPhase::Paused => ("Training is paused".to_owned(), share, None),
        TrainPhase::Stopping => ("Saving the checkpoint".to_owned(), share, None),
        _ => ("Training".to_owned(), share, detail),
    }
}

/// `412 images/s, 25 s left`; without the time where it cannot be told.
fn speed_text(images_per_second: f64, eta_secs: f64) -> String {
    let speed = format!("{} images/s", count_text(images_per_second.round() as usize));
    std::iter::once(speed).chain(left_text(Some(eta_secs))).collect::<Vec<_>>().join(", ")
}

fn last_notice_ui(ui: &mut Ui, state: &State) {
    let Some(notice) = state.notices.last() else { return };
    let colour = severity_colour(ui, notice.severity);
    ui.add_space(SPACE / 2.0);
    let text = RichText::new(&notice.headline).size(12.0).color(colour);
    ui.add(egui::Label::new(text).truncate()).on_hover_text(notice.text());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_cannot_be_told_leaves_no_comma_behind() {
        assert_eq!(speed_text(411.6, 25.0), "412 images/s, 25 s left");
        assert_eq!(speed_text(411.6, f64::INFINITY), "412 images/s");
    }
}
