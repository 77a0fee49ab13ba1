//! How the imported network is to see pixels: as its project does, as a preset says, or with numbers of one's own.

use crate::app::{Action, ImportAction, ImportView, PreprocessChoice, PreprocessForm};
use crate::config::capitalised;
use crate::data::Preprocess;
use crate::train::{FoundNetwork, PreprocessPreset};
use crate::ui::theme::{self, SPACE};
use crate::ui::widgets::segmented::{Segment, segmented};
use eframe::egui::{self, TextEdit, Ui, vec2};

/// Width of the names of rows, in points.
const LABEL_WIDTH: f32 = 120.0;
/// Width of a number, in points.
const NUMBER_WIDTH: f32 = 76.0;
/// The colours of a row of numbers.
const COLOURS: [&str; 3] = ["red", "green", "blue"];

/// Draws the form; what is chosen and typed goes into the state at once. `true` when a field was left.
pub(super) fn form_ui(ui: &mut Ui, view: &ImportView, network: &FoundNetwork, out: &mut Vec<Action>) -> bool {
    let preprocess = &network.info.network.preprocess;
    let mut form = view.form.clone();
    let mut leaves_field = false;
    ui.label(theme::strong("How the network sees pixels"));
    if let Some(choice) = segmented(ui, choices(preprocess), &form.choice) {
        form.choice = choice;
    }
    match form.choice {
        PreprocessChoice::AsProject => {
            ui.label(theme::caption(in_words(preprocess)));
        }
        PreprocessChoice::Preset(_) => order_ui(ui, preprocess, &mut form),
        PreprocessChoice::Own => {
            leaves_field = own_ui(ui, preprocess.channels, &mut form);
            order_ui(ui, preprocess, &mut form);
        }
    }
    theme::checkbox(ui, &mut form.add_mirror, "Add the mirrored image")
        .on_hover_text("Adds the embedding of the mirrored image to that of the image; takes twice as long");
    if form != view.form {
        out.push(ImportAction::Write(form).into());
    }
    leaves_field
}

fn choices(preprocess: &Preprocess) -> Vec<Segment<PreprocessChoice>> {
    let project = format!("As its project does ({})", short(preprocess));
    let preset = |preset: PreprocessPreset| {
        let change = preset.change();
        let help = format!("Mean {}, deviation {}", three(change.mean), three(change.std));
        Segment::new(PreprocessChoice::Preset(preset), preset.label(), help)
    };
    let project = Segment::new(PreprocessChoice::AsProject, project, in_words(preprocess));
    let own = Segment::new(PreprocessChoice::Own, "Own numbers", "Mean and deviation that you know of");
    std::iter::once(project).chain(PreprocessPreset::ALL.into_iter().map(preset)).chain([own]).collect()
}

/// `0.5, 0.5`, `ImageNet`, `0.5, 0.5, blue first`, or `its own numbers`.
fn short(preprocess: &Preprocess) -> String {
    let numbers = (Some(preprocess.mean), Some(preprocess.std));
    let is = |preset: PreprocessPreset| (preset.change().mean, preset.change().std) == numbers;
    let words = if is(PreprocessPreset::Insightface) {
        "0.5, 0.5"
    } else if is(PreprocessPreset::Imagenet) {
        "ImageNet"
    } else {
        "its own numbers"
    };
    if preprocess.blue_first { format!("{words}, blue first") } else { words.to_owned() }
}

/// `Mean 0.485, 0.456, 0.406 and deviation …, as shares of 255; red, green, blue.`
fn in_words(preprocess: &Preprocess) -> String {
    let order = match (preprocess.channels, preprocess.blue_first) {
        (1, _) => "grey",
        (_, true) => "blue, green, red",
        (_, false) => "red, green, blue",
    };
    let (mean, std) = (three(Some(preprocess.mean)), three(Some(preprocess.std)));
    format!("Mean {mean} and deviation {std} as shares of 255; {order}.")
}

/// The three numbers, or one where they are alike.
fn three(numbers: Option<[f32; 3]>) -> String {
    let [red, green, blue] = numbers.unwrap_or_default();
    if red == green && green == blue { red.to_string() } else { format!("{red}, {green}, {blue}") }
}

/// The order of the colours; a grey network has none.
fn order_ui(ui: &mut Ui, preprocess: &Preprocess, form: &mut PreprocessForm) {
    if preprocess.channels == 1 {
        return;
    }
    ui.horizontal(|ui| {
        label_ui(ui, "Order of colours");
        let segments = vec![
            Segment::new(false, "RGB", "Red, green, blue"),
            Segment::new(true, "BGR", "Blue, green, red: networks whose images were read with OpenCV"),
        ];
        if let Some(blue_first) = segmented(ui, segments, &form.blue_first) {
            form.blue_first = blue_first;
        }
    });
}

fn own_ui(ui: &mut Ui, channels: u32, form: &mut PreprocessForm) -> bool {
    let (mean_problem, std_problem) = (form.own_mean(channels).err(), form.own_std(channels).err());
    let leaves_mean = row_ui(ui, "Mean", channels, &mut form.mean, mean_problem);
    let leaves_std = row_ui(ui, "Deviation", channels, &mut form.std, std_problem);
    leaves_mean || leaves_std
}

/// One number for each colour, and what is wrong with them; `true` when one of the fields was left.
fn row_ui(ui: &mut Ui, label: &str, channels: u32, typed: &mut [String; 3], problem: Option<&str>) -> bool {
    let mut leaves_field = false;
    ui.horizontal(|ui| {
        label_ui(ui, label);
        let shown = if channels == 1 { 1 } else { COLOURS.len() };
        for (text, colour) in typed.iter_mut().zip(COLOURS).take(shown) {
            let name = if channels == 1 { label.to_owned() } else { format!("{label} of {colour}") };
            let field = ui.add(TextEdit::singleline(text).desired_width(NUMBER_WIDTH).hint_text(colour));
            let field = field.accessible_name(&name).on_hover_text(format!("{name}, as a share of 255"));
            leaves_field |= field.lost_focus();
        }
    });
    if let Some(problem) = problem {
        ui.horizontal(|ui| {
            ui.add_space(LABEL_WIDTH + SPACE);
            let text = theme::caption(format!("{}.", capitalised(problem)));
            ui.add(egui::Label::new(text.color(theme::tokens(ui).bad)).wrap());
        });
    }
    leaves_field
}

fn label_ui(ui: &mut Ui, text: &str) {
    let size = vec2(LABEL_WIDTH, ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, egui::Layout::left_to_right(egui::Align::Center), |ui| {
        ui.set_min_size(size);
        ui.label(text);
    });
}
