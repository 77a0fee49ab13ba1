//! Pictures of every screen, compared with the stored ones: every workspace, empty, busy, done and failed, and two runs
//! side by side, in both themes, at 1280×800 points.
//!
//! They guard layout, colour and wording against changes nobody meant; behaviour is in `ui_behaviour.rs`. The pictures
//! are drawn at half resolution to keep the repository small, and by a software rasteriser, whose versions differ by a
//! few pixels at edges: hence the tolerance. Accept new ones with `UPDATE_SNAPSHOTS=true cargo test --test ui_snapshots`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop, and says why it skips"
)]
#![cfg(feature = "gui")]

use arclens::app::{State, Workspace};
use arclens::ui::demo_state::{self, DemoKind};
use arclens::ui::{App, theme};
use eframe::egui;
use egui_kittest::{Harness, SnapshotOptions, SnapshotResults};

/// Colour difference (YIQ) below which a pixel counts as equal.
const TOLERANCE: f32 = 3.0;
/// Pixels of 640×400 that may differ: 0.15 %; a button that moved or a card of another colour is more.
const FAILED_PIXELS: usize = 400;

/// The one place with the options of all pictures.
fn harness(state: State, theme: egui::Theme) -> Harness<'static, App> {
    let builder = Harness::builder().with_size(egui::vec2(1280.0, 800.0)).with_theme(theme).with_pixels_per_point(0.5);
    let mut harness = builder.with_options(options()).build_eframe(|cc| {
        theme::install(&cc.egui_ctx);
        App::for_test(state)
    });
    harness.run_steps(3);
    harness
}

fn options() -> SnapshotOptions {
    SnapshotOptions::new().threshold(TOLERANCE).max_failed_pixels(FAILED_PIXELS).output_path("tests/snapshots")
}

/// Why no pictures can be compared here, if so.
fn reason_to_skip() -> Option<String> {
    let updating = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    if !updating && !std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").is_dir() {
        return Some("tests/snapshots is not part of the package".to_owned());
    }
    if demo_state::state(Workspace::Data, DemoKind::Done).open_data().is_none() {
        return Some("there is no sample data".to_owned());
    }
    let adapter = std::panic::catch_unwind(|| {
        egui_kittest::wgpu::create_render_state(
            egui_kittest::wgpu::default_wgpu_setup(),
            eframe::egui_wgpu::RendererOptions::default(),
        )
    });
    match adapter {
        Ok(state) if state.adapter.get_info().backend == eframe::wgpu::Backend::Vulkan => None,
        Ok(state) => {
            Some(format!("the pictures were drawn by Vulkan, here there is {:?}", state.adapter.get_info().backend))
        }
        Err(_) => Some("there is no Vulkan adapter (on Debian: mesa-vulkan-drivers)".to_owned()),
    }
}

#[test]
fn every_screen_looks_as_it_did() {
    if let Some(reason) = reason_to_skip() {
        println!("skipped: {reason}");
        return;
    }
    let mut results = SnapshotResults::new();
    let mut compare = |name: &str, state: &State| {
        for (theme, word) in [(egui::Theme::Dark, "dark"), (egui::Theme::Light, "light")] {
            let mut harness = harness(state.clone(), theme);
            results.add(harness.try_snapshot(format!("{name}_{word}")));
        }
    };
    for workspace in Workspace::ALL {
        for kind in DemoKind::ALL {
            let name = format!("{}_{}", workspace.label().to_lowercase(), kind.word());
            compare(&name, &demo_state::state(workspace, kind));
        }
    }
    compare("runs_compare", &demo_state::compared());
    results.unwrap();
}
