//! The window: draws the state, reports actions, carries out effects. The only place that knows egui.
//!
//! Nothing is decided here and nothing is computed: decisions are [`crate::app::update`], work is the workers'. One
//! frame is: take in what happened (`logic`), draw, then apply the actions that drawing produced. Without
//! workers ([`App::for_test`]) effects are collected instead of carried out, which is how tests and screenshots run.

mod closing;
mod command_button;
mod demo_data;
pub mod demo_state;
mod dialogs;
mod drop;
mod error;
pub mod format;
mod media;
mod palette;
mod panels;
mod remember;
mod shell;
mod shortcuts;
mod status;
#[cfg(test)]
mod test_page;
pub mod theme;
mod toasts;
pub mod widgets;

pub use error::UiError;
pub use media::Media;

use crate::app::{self, Action, DataState, Effect, State};
use crate::worker::Workers;
use eframe::egui;
use panels::Panels;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Events taken in per frame: more would be felt, and the queue is bounded anyway.
const EVENTS_PER_FRAME: usize = 256;

/// The program with its window.
#[derive(Debug)]
pub struct App {
    /// What the program is.
    pub state: State,
    /// Effects that were asked for while there are no workers.
    pub effects: Vec<Effect>,
    workers: Option<Workers>,
    media: Media,
    panels: Panels,
    dialogs: dialogs::Dialogs,
    palette: palette::Palette,
    toasts: toasts::Toasts,
    drop: drop::DropOverlay,
    memory: Memory,
    title: String,
    /// As it is in egui's options, which are out of reach when the window is closed.
    theme: egui::ThemePreference,
    closing: bool,
}

/// Resident memory, asked for once a second because the system call is not free.
#[derive(Debug, Default)]
struct Memory {
    bytes: Option<u64>,
    asked: Option<Instant>,
}

impl Memory {
    /// While nothing is done it hardly changes, and a window that nobody touches should let the processor sleep.
    fn refresh(&mut self, ctx: &egui::Context, is_busy: bool) {
        if self.asked.is_none_or(|asked| asked.elapsed() >= Duration::from_secs(1)) {
            self.bytes = memory_stats::memory_stats().map(|stats| stats.physical_mem as u64);
            self.asked = Some(Instant::now());
        }
        ctx.request_repaint_after_secs(if is_busy { 1.0 } else { 15.0 });
    }
}

impl App {
    /// An app that draws `state` and carries nothing out: for tests and screenshots.
    pub fn for_test(state: State) -> Self {
        Self { toasts: toasts::Toasts::still(), media: Media::blocking(), ..Self::with(state, None) }
    }

    fn with(state: State, workers: Option<Workers>) -> Self {
        Self {
            state,
            effects: Vec::new(),
            workers,
            media: Media::new(),
            panels: Panels::default(),
            dialogs: dialogs::Dialogs::default(),
            palette: palette::Palette::default(),
            toasts: toasts::Toasts::default(),
            drop: drop::DropOverlay::default(),
            memory: Memory::default(),
            title: String::new(),
            theme: egui::ThemePreference::default(),
            closing: false,
        }
    }

    /// Opens with what was remembered, or with `start`.
    fn open(cc: &eframe::CreationContext<'_>, start: Option<PathBuf>) -> std::io::Result<Self> {
        theme::install(&cc.egui_ctx);
        let ctx = cc.egui_ctx.clone();
        let workers = Workers::start(Arc::new(move || ctx.request_repaint()))?;
        let remembered = cc.storage.map(remember::load).unwrap_or_default();
        cc.egui_ctx.set_theme(remembered.theme);
        let root = remembered.runs_root.clone().filter(|root| root.is_dir()).unwrap_or_else(crate::worker::runs_root);
        let mut state = State::new(root);
        if let Some(settings) = remembered.settings() {
            state.config = settings;
        }
        state.faces.detector = remembered.detector.clone().filter(|detector| detector.is_file());
        let mut app = Self::with(state, Some(workers));
        let workspace = if start.is_some() { None } else { Some(remembered.workspace) };
        let data = remembered.data.filter(|data| start.is_none() && data.exists());
        for effect in app::on_start(&mut app.state, start) {
            app.carry_out(&cc.egui_ctx, effect);
        }
        // What was open is known to be a data set, and is opened before the page that was in sight is shown again.
        if let Some(data) = data {
            app.act(&cc.egui_ctx, Action::OpenData(data));
        }
        if let Some(workspace) = workspace {
            app.act(&cc.egui_ctx, Action::Go(workspace));
        }
        Ok(app)
    }

    /// Does one action and what follows from it.
    pub fn act(&mut self, ctx: &egui::Context, action: Action) {
        for effect in app::update(&mut self.state, action) {
            self.carry_out(ctx, effect);
        }
    }

    fn carry_out(&mut self, ctx: &egui::Context, effect: Effect) {
        let Some(workers) = &mut self.workers else {
            self.effects.push(effect);
            return;
        };
        let waker = ctx.clone();
        let wake: crate::worker::Wake = Arc::new(move || waker.request_repaint());
        match effect {
            Effect::Send(job) => {
                if let Err(job) = workers.send(job) {
                    app::on_refused(&mut self.state, &job);
                }
            }
            Effect::Ask(dialog) => {
                let start = dialogs::Start::of(&self.state, &dialog);
                let answer = self.dialogs.ask(dialog, start, wake);
                if let Some(answer) = answer {
                    self.act(ctx, answer);
                }
            }
            Effect::ReadClipboard => {
                let answer = self.dialogs.read_clipboard(wake);
                if let Some(answer) = answer {
                    self.act(ctx, answer);
                }
            }
            Effect::ShowFolder(path) => {
                // Detached: the file manager goes on by itself.
                if let Err(error) = open::that_detached(&path) {
                    let text = format!("The folder cannot be shown ({error}): {}", path.display());
                    self.act(ctx, Action::Say(app::Severity::Warning, text));
                }
            }
            Effect::Close => {
                self.closing = true;
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        }
    }

    fn take_in_events(&mut self, ctx: &egui::Context) {
        for _ in 0..EVENTS_PER_FRAME {
            let Some(event) = self.workers.as_mut().and_then(Workers::poll) else { return };
            for effect in app::on_event(&mut self.state, event) {
                self.carry_out(ctx, effect);
            }
        }
        ctx.request_repaint();
    }

    fn close_requested(&mut self, ctx: &egui::Context, out: &mut Vec<Action>) {
        let asked = ctx.input(|input| input.viewport().close_requested());
        if asked && !self.closing && self.state.unfinished().is_some() {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            out.push(Action::RequestClose);
        }
    }

    fn front(&self) -> shortcuts::Front {
        let state = &self.state;
        let has_dialog = state.shows_faces() || state.shows_export() || state.shows_run_dialog();
        if has_dialog || state.asks_before_closing {
            shortcuts::Front::Dialog
        } else if self.palette.is_open() {
            shortcuts::Front::Palette
        } else {
            shortcuts::Front::Page
        }
    }

    fn set_title(&mut self, ctx: &egui::Context) {
        let title = match &self.state.data {
            DataState::Open(data) => {
                format!("{} – ArcLens", data.catalog.root.file_name().unwrap_or_default().to_string_lossy())
            }
            _ => "ArcLens".to_owned(),
        };
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.take_in_events(ctx);
        let mut out = Vec::new();
        out.extend(self.dialogs.poll());
        self.close_requested(ctx, &mut out);
        for action in out {
            self.act(ctx, action);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        let mut out = Vec::new();
        self.drop.collect(&ctx, &mut out);
        let front = self.front();
        if front == shortcuts::Front::Dialog {
            // One may come by itself, as that with a name that could not be kept.
            self.palette.close();
        }
        if shortcuts::shortcuts(&ctx, &self.state, front, &mut out) {
            self.palette.toggle();
        }
        if self.workers.is_some() {
            self.memory.refresh(&ctx, !self.state.jobs.is_empty());
        }
        let Self { state, media, panels, memory, .. } = self;
        let ask = shell::shell_ui(ui, state, memory.bytes, &mut out, |ui, out| panels.ui(ui, state, media, out));
        if ask == Some(shell::Ask::Palette) {
            self.palette.toggle();
        }
        self.palette.ui(ui, &self.state, &mut out);
        if self.state.asks_before_closing {
            closing::closing_ui(ui, self.state.unfinished(), &mut out);
        }
        self.toasts.ui(ui, &self.state.notices, &mut out);
        self.drop.ui(ui);
        if let Some(workers) = &self.workers {
            self.media.exchange(&ctx, workers.thumbs());
        }
        self.set_title(&ctx);
        self.theme = ctx.options(|options| options.theme_preference);
        if !out.is_empty() {
            ctx.request_repaint();
        }
        for action in out {
            self.act(&ctx, action);
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        remember::save(storage, &self.state, self.theme);
    }

    /// What is worth keeping is in `remember`. The rest (how far pages were scrolled) belongs to what was in sight.
    fn persist_egui_memory(&self) -> bool {
        false
    }
}

/// Opens the window, on `start` if it is given, and returns when it is closed.
///
/// # Errors
/// When there is no display, or the window system or the graphics driver refuses; the message names the command that
/// does the same without a window.
pub fn run(start: Option<PathBuf>) -> Result<(), UiError> {
    let missing = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
    if cfg!(all(unix, not(target_os = "macos"))) && missing("DISPLAY") && missing("WAYLAND_DISPLAY") {
        return Err(UiError::NoDisplay);
    }
    let viewport = egui::ViewportBuilder::default()
        .with_app_id("arclens")
        .with_title("ArcLens")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([1024.0, 640.0])
        .with_drag_and_drop(true);
    let options = eframe::NativeOptions { viewport, persist_window: true, ..eframe::NativeOptions::default() };
    eframe::run_native("arclens", options, Box::new(move |cc| Ok(Box::new(App::open(cc, start)?))))
        .map_err(UiError::Window)
}
