//! What surrounds every workspace: the steps on the left, the data set above, the work in progress below.
//!
//! The five steps are always there and always open: a step that cannot work yet looks quiet and says what it waits
//! for, and its screen offers the way there. Nothing is ever hidden, so nothing has to be found.

use super::command_button::CommandButton;
use super::status;
use super::theme::{self, SPACE};
use super::widgets::figures::{classes_spaced, counted_spaced};
use super::widgets::segmented::{Segment, segmented};
use crate::app::{Action, DataState, State, TrainPhase, Workspace};
use eframe::egui::{
    self, Align, Align2, CornerRadius, FontId, Layout, Panel, Response, Role, Sense, Stroke, Ui, WidgetInfo, vec2,
};

/// Width of the navigation in points.
const NAV_WIDTH: f32 = 184.0;
/// Height of one step.
const STEP_HEIGHT: f32 = 44.0;
/// Below this window width the top bar leaves out what is not needed.
const NARROW: f32 = 1100.0;
/// The name of the model in use is shown where it has at least so much room, in points.
const MODEL_PT: f32 = 150.0;

/// What the shell asks of the window itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Show the command palette.
    Palette,
}

/// Draws navigation and bars, then the workspace in the middle.
pub fn shell_ui(
    ui: &mut Ui,
    state: &State,
    memory: Option<u64>,
    out: &mut Vec<Action>,
    workspace: impl FnOnce(&mut Ui, &mut Vec<Action>),
) -> Option<Ask> {
    let tokens = theme::tokens(ui);
    let bar = |margin| egui::Frame::new().fill(tokens.panel).inner_margin(margin);
    Panel::bottom("status")
        .frame(bar(egui::Margin::symmetric(16, 0)))
        .exact_size(36.0)
        .resizable(false)
        .show(ui, |ui| status::status_ui(ui, state, memory, out));
    let ask = Panel::left("steps")
        .frame(bar(egui::Margin::same(12)))
        .exact_size(NAV_WIDTH)
        .resizable(false)
        .show(ui, |ui| nav_ui(ui, state, out))
        .inner;
    Panel::top("data set")
        .frame(bar(egui::Margin::symmetric(24, 0)))
        .exact_size(56.0)
        .resizable(false)
        .show(ui, |ui| top_ui(ui, state, out));
    let air = if ui.available_width() < NARROW { 16 } else { 24 };
    let frame = egui::Frame::new().fill(tokens.background).inner_margin(egui::Margin::same(air));
    egui::CentralPanel::default().frame(frame).show(ui, |ui| workspace(ui, out));
    ask
}

fn nav_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) -> Option<Ask> {
    brand_ui(ui);
    ui.add_space(SPACE * 2.0);
    ui.spacing_mut().item_spacing.y = SPACE / 2.0;
    for (index, workspace) in Workspace::ALL.into_iter().enumerate() {
        if workspace == Workspace::Runs {
            ui.add_space(SPACE);
            ui.separator();
            ui.add_space(SPACE);
        }
        let step = Step::of(state, workspace);
        let key = index + 1;
        let response = step_ui(ui, workspace, key, &step, state.workspace == workspace);
        let hint = step.waits_for.map_or_else(|| format!("{} ({key})", step.does), |why| format!("{why} ({key})"));
        if response.on_hover_text(hint).clicked() {
            out.push(Action::Go(workspace));
        }
    }
    ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
        ui.add_space(SPACE / 2.0);
        theme_ui(ui);
        ui.add_space(SPACE / 2.0);
        let palette = egui::Button::new("Commands")
            .right_text(theme::caption("Ctrl+P"))
            .min_size(vec2(ui.available_width(), 32.0));
        ui.add(palette).on_hover_text("Lists everything the program can do (Ctrl+P)").clicked().then_some(Ask::Palette)
    })
    .inner
}

fn theme_ui(ui: &mut Ui) {
    let preference = ui.ctx().options(|options| options.theme_preference);
    let choices = vec![
        Segment::new(egui::ThemePreference::System, "Auto", "Follows the system's light or dark setting"),
        Segment::new(egui::ThemePreference::Light, "Light", "Light theme"),
        Segment::new(egui::ThemePreference::Dark, "Dark", "Dark theme"),
    ];
    if let Some(chosen) = segmented(ui, choices, &preference) {
        ui.ctx().set_theme(chosen);
    }
}

/// The mark: two unit vectors with the margin between them, on an arc.
fn brand_ui(ui: &mut Ui) {
    ui.horizontal(|ui| {
        let tokens = theme::tokens(ui);
        let (rect, _) = ui.allocate_exact_size(vec2(30.0, 32.0), Sense::hover());
        let (origin, radius) = (rect.left_bottom() + vec2(2.0, -5.0), 25.0);
        let at = |degrees: f32| origin + vec2(degrees.to_radians().cos(), -degrees.to_radians().sin()) * radius;
        let arc = |from: u8, to: u8| (from..=to).step_by(5).map(|degrees| at(f32::from(degrees))).collect::<Vec<_>>();
        let painter = ui.painter();
        painter.add(egui::Shape::line(arc(0, 90), Stroke::new(1.5, tokens.card_border)));
        painter.add(egui::Shape::line(arc(30, 65), Stroke::new(2.5, tokens.accent)));
        for degrees in [30.0, 65.0] {
            painter.line_segment([origin, at(degrees)], Stroke::new(1.5, tokens.accent));
        }
        painter.circle_filled(origin, 2.5, tokens.accent);
        painter.circle_filled(at(65.0), 3.5, tokens.accent);
        painter.circle_filled(at(30.0), 3.5, tokens.impostor);
        ui.label(theme::strong("ArcLens").size(20.0));
    });
}

/// What the navigation says about a workspace.
struct Step {
    does: &'static str,
    waits_for: Option<&'static str>,
    done: bool,
    busy: bool,
}

impl Step {
    fn of(state: &State, workspace: Workspace) -> Self {
        let open = state.open_data().is_some();
        let model = state.has_model();
        let trained = model || state.training.as_ref().is_some_and(|view| view.phase == TrainPhase::Done);
        let (does, waits_for, done, busy) = match workspace {
            Workspace::Data => {
                ("What was found in the folder", None, open, matches!(state.data, DataState::Opening { .. }))
            }
            Workspace::Train => (
                "Settings and live curves",
                (!open && state.training.is_none()).then_some("Waits for a data set: open a folder of images first"),
                trained,
                state.is_training(),
            ),
            Workspace::Explore => (
                "The map of the embeddings",
                (state.explore.table.is_none()).then_some("Waits for embeddings: train a model or choose a run first"),
                state.explore.layout.is_some(),
                state.explore.job.is_some(),
            ),
            Workspace::Evaluate => (
                "Error rates and the threshold",
                (!model && state.evaluate.overlays.is_empty())
                    .then_some("Waits for a model: train one or choose a run first"),
                !state.evaluate.overlays.is_empty(),
                state.evaluate.job.is_some(),
            ),
            Workspace::Verify => (
                "Compares two images",
                (!model).then_some("Waits for a model: train one or choose a run first"),
                state.verify.result.is_some(),
                state.verify.job.is_some(),
            ),
            Workspace::Runs => ("The runs on disk", None, false, false),
        };
        Self { does, waits_for, done, busy }
    }
}

fn step_ui(ui: &mut Ui, workspace: Workspace, key: usize, step: &Step, selected: bool) -> Response {
    let tokens = theme::tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), STEP_HEIGHT), Sense::click());
    let label = workspace.label();
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, label));
    let fill = if selected { Some(tokens.accent_faint) } else { response.hovered().then_some(tokens.control) };
    let painter = ui.painter();
    if let Some(fill) = fill {
        painter.rect_filled(rect, CornerRadius::same(theme::RADIUS), fill);
    }
    if response.has_focus() {
        painter.rect_stroke(
            rect,
            CornerRadius::same(theme::RADIUS),
            Stroke::new(1.5, tokens.accent),
            egui::StrokeKind::Inside,
        );
    }
    let quiet = step.waits_for.is_some() && !selected;
    let text = if quiet { tokens.text_dim } else { tokens.text };
    mark_ui(ui, rect.left_center() + vec2(22.0, 0.0), workspace, key, step, selected);
    let painter = ui.painter();
    painter.text(rect.left_center() + vec2(46.0, 0.0), Align2::LEFT_CENTER, label, FontId::proportional(15.0), text);
    if step.busy {
        painter.circle_filled(rect.right_center() - vec2(16.0, 0.0), 4.0, tokens.accent);
    }
    response
}

/// A ring with the key in it; filled once the step has a result.
fn mark_ui(ui: &Ui, centre: egui::Pos2, workspace: Workspace, key: usize, step: &Step, selected: bool) {
    let tokens = theme::tokens(ui);
    let painter = ui.painter();
    let ring = if selected { tokens.accent } else { tokens.text_dim };
    let ink = if step.done {
        painter.circle_filled(centre, 12.0, if selected { tokens.accent } else { tokens.good });
        if selected { tokens.accent_text } else { tokens.panel }
    } else {
        let width = if workspace == Workspace::Runs { 1.0 } else { 1.5 };
        painter.circle_stroke(
            centre,
            11.5,
            Stroke::new(width, theme::mix(tokens.panel, ring, if selected { 1.0 } else { 0.7 })),
        );
        if selected { tokens.accent } else { tokens.text_dim }
    };
    painter.text(centre, Align2::CENTER_CENTER, key.to_string(), FontId::proportional(13.0), ink);
}

fn top_ui(ui: &mut Ui, state: &State, out: &mut Vec<Action>) {
    // From the right, so that long names end before the buttons and not under them.
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        for id in ["data.open_folder", "run.open"] {
            CommandButton::new(id).ui(ui, state, out);
        }
        ui.add_space(theme::SPACE);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| subject_ui(ui, state));
    });
}

/// What is open, in one line.
fn subject_ui(ui: &mut Ui, state: &State) {
    let name = |path: &std::path::Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let (title, rest, path) = match &state.data {
        DataState::Empty => ("No data set is open".to_owned(), String::new(), String::new()),
        DataState::Opening { path, .. } => (name(path), "being read".to_owned(), path.display().to_string()),
        DataState::Failed { path, .. } => (name(path), "could not be opened".to_owned(), path.display().to_string()),
        DataState::Open(data) => {
            let (classes, images) = (data.catalog.classes.len(), data.catalog.items.len());
            let rest = format!("{}, {}", classes_spaced(classes), counted_spaced(images, "image"));
            (name(&data.catalog.root), rest, data.catalog.root.display().to_string())
        }
    };
    let label = ui.add(egui::Label::new(theme::strong(title).size(16.0)).truncate());
    if !path.is_empty() {
        label.on_hover_text(path);
    }
    ui.label(theme::caption(rest));
    if let Some(run) = state.active_run.as_deref().filter(|_| ui.available_width() > MODEL_PT) {
        ui.separator();
        ui.add(egui::Label::new(theme::caption(format!("Model: {}", state.run_name(run)))).truncate())
            .on_hover_text("The run whose model Explore, Evaluate and Verify use; choose another in Runs");
    }
}
