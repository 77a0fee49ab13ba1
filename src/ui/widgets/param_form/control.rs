//! The editable part of a row: what kind of control a kind of setting gets.

use super::{Edit, FormInput, is_auto};
use crate::config::{Kind, ParamSpec, Reason, Value, capitalised};
use crate::train::DeviceInfo;
use crate::ui::format;
use crate::ui::theme::{self, SPACE};
use eframe::egui::{self, ComboBox, DragValue, Id, Response, Slider, Ui, vec2};

/// Width of the button that switches between automatic and set by hand.
const AUTO_WIDTH: f32 = 52.0;
/// Height up to which a list of choices shows them all without scrolling.
const LIST_HEIGHT: f32 = 360.0;

/// The false accept rate to begin with by hand: what is usual for unlocking, and what some thousand pairs can measure.
const FAR_BY_HAND: f64 = 1e-3;

/// One setting to be drawn.
pub(super) struct Row<'a> {
    pub spec: &'static ParamSpec,
    pub value: &'a Value,
    pub default: &'a Value,
    /// The label's id, so that a screen reader knows the control's name.
    pub label: Id,
    /// What `auto` became.
    pub reason: Option<&'a Reason>,
    /// What there is to choose from, where it is chosen from a list.
    pub choices: Option<&'a [Choice]>,
    pub width: f32,
}

impl Row<'_> {
    /// Draws the control.
    pub(super) fn ui(&self, ui: &mut Ui, typing: &mut Option<(&'static str, String)>, edits: &mut Vec<Edit>) {
        if !self.spec.auto {
            self.control_ui(ui, self.value, self.width, typing, edits);
            return;
        }
        let width = self.width - AUTO_WIDTH - SPACE;
        let automatic = is_auto(self.spec, self.value);
        if automatic && self.chosen().is_none() {
            let words = self.reason.map_or("not chosen yet", |reason| reason.value.as_str());
            ui.add_sized(vec2(width, 24.0), egui::Label::new(theme::caption(words)));
            self.auto_ui(ui, automatic, &self.by_hand(), edits);
            return;
        }
        let shown = if automatic { self.by_hand() } else { self.value.clone() };
        // Touching an automatic value takes it over: no detour over the button.
        self.control_ui(ui, &shown, width, typing, edits);
        self.auto_ui(ui, automatic, &shown, edits);
    }

    /// What `auto` became; `None` while that is not known, and where it is no value that could be set by hand.
    fn chosen(&self) -> Option<Value> {
        let text = match self.reason?.value.as_str() {
            "on" => "true",
            "off" => "false",
            text => text,
        };
        self.spec.parse(text).ok()
    }

    /// The value to begin with by hand: what `auto` became, or else something valid.
    fn by_hand(&self) -> Value {
        self.chosen().unwrap_or(match self.spec.kind {
            Kind::Int { min, .. } => Value::Int(min),
            Kind::Float { .. } if self.spec.key == "eval.far_target" => Value::Float(FAR_BY_HAND),
            Kind::Float { min, max, .. } => Value::Float(0.1_f64.clamp(min, max)),
            Kind::Bool => Value::Bool(false),
            Kind::Choice(_) | Kind::Text => Value::Text(String::new()),
        })
    }

    fn auto_ui(&self, ui: &mut Ui, automatic: bool, shown: &Value, edits: &mut Vec<Edit>) {
        let button = egui::Button::selectable(automatic, theme::caption("auto")).min_size(vec2(AUTO_WIDTH, 24.0));
        let help = match self.reason.filter(|_| automatic) {
            Some(reason) => format!("Chosen by the program: {}", reason.why),
            None if automatic => "Chosen by the program when a data set is open".to_owned(),
            None => "Lets the program choose".to_owned(),
        };
        let name = format!("Automatic {}", self.spec.label.to_lowercase());
        let response = ui.add(button).accessible_name(name).on_hover_text(help);
        if response.clicked() {
            let value = if automatic { shown.clone() } else { Value::Auto };
            edits.extend([Edit::Seal, Edit::Set(self.spec.key, value), Edit::Seal]);
        }
    }

    fn control_ui(
        &self,
        ui: &mut Ui,
        value: &Value,
        width: f32,
        typing: &mut Option<(&'static str, String)>,
        edits: &mut Vec<Edit>,
    ) {
        let word = value.to_string();
        if let Some(choices) = self.choices {
            self.choice_ui(ui, &word, choices, width, edits);
            return;
        }
        match (self.spec.kind, value) {
            (Kind::Int { min, max }, _) => self.int_ui(ui, value, min..=max, width, edits),
            (Kind::Float { min, max, log }, _) => self.float_ui(ui, value, (min, max, log), width, edits),
            (Kind::Bool, value) => self.bool_ui(ui, *value == Value::Bool(true), edits),
            (Kind::Choice(_) | Kind::Text, _) => self.text_ui(ui, &word, width, typing, edits),
        }
    }

    fn int_ui(
        &self,
        ui: &mut Ui,
        value: &Value,
        range: std::ops::RangeInclusive<i64>,
        width: f32,
        edits: &mut Vec<Edit>,
    ) {
        let mut number = value.as_f64().unwrap_or_default() as i64;
        let speed = (number.unsigned_abs() as f64 / 50.0).clamp(0.1, 1e4);
        let drag = DragValue::new(&mut number).range(range).speed(speed).suffix(self.suffix());
        let response = ui.add_sized(vec2(width, 24.0), drag).labelled_by(self.label);
        self.changed(&response, Value::Int(number), edits);
    }

    fn float_ui(
        &self,
        ui: &mut Ui,
        value: &Value,
        (min, max, log): (f64, f64, bool),
        width: f32,
        edits: &mut Vec<Edit>,
    ) {
        let mut number = value.as_f64().unwrap_or(min);
        let response = if max <= 1.5 && !log && !self.is_tiny(max) {
            ui.spacing_mut().slider_width = (width - 64.0).max(40.0);
            ui.spacing_mut().interact_size = vec2(56.0, 22.0);
            ui.add(
                Slider::new(&mut number, min..=max)
                    .suffix(self.suffix())
                    .custom_formatter(|number, _| format::significant(number)),
            )
        } else {
            let proportional = log || self.is_tiny(max);
            let speed = if proportional { (number.abs() / 50.0).max(1e-6) } else { ((max - min) / 500.0).min(0.1) };
            let drag = DragValue::new(&mut number).range(min..=max).speed(speed).suffix(self.suffix());
            ui.add_sized(vec2(width, 24.0), drag.custom_formatter(|number, _| format::significant(number)))
        };
        // Four digits are what the run file should say; 0.30000000000000004 is nobody's wish.
        let rounded = format!("{number:.4e}").parse().unwrap_or(number);
        self.changed(&response.labelled_by(self.label), Value::Float(rounded), edits);
    }

    fn bool_ui(&self, ui: &mut Ui, mut on: bool, edits: &mut Vec<Edit>) {
        let word = if on { "on" } else { "off" };
        let response = theme::checkbox(ui, &mut on, word).labelled_by(self.label);
        self.changed(&response, Value::Bool(on), edits);
    }

    fn choice_ui(&self, ui: &mut Ui, word: &str, choices: &[Choice], width: f32, edits: &mut Vec<Edit>) {
        let label = shown_label(choices, word);
        let mut chosen = None;
        let combo = ComboBox::from_id_salt(self.spec.key).width(width).height(LIST_HEIGHT).truncate();
        let combo = combo.selected_text(label);
        let (_, rect) = ui.allocate_space(vec2(width, ui.available_height()));
        let mut room = ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(*ui.layout()));
        let shown = combo.show_ui(&mut room, |ui| {
            for choice in choices {
                let button = egui::Button::selectable(choice.word == word, &choice.label);
                let response = ui.add_enabled(choice.why_not.is_none(), button);
                if response.clicked() {
                    chosen = Some(choice.word.clone());
                }
                if let Some(why) = &choice.why_not {
                    response.on_disabled_hover_text(why);
                }
            }
        });
        let response = shown.response.labelled_by(self.label);
        if box_width(ui, label) > width {
            response.on_hover_text(label);
        }
        if let Some(word) = chosen {
            edits.extend([Edit::Seal, Edit::Set(self.spec.key, Value::Text(word)), Edit::Seal]);
        }
    }

    fn text_ui(
        &self,
        ui: &mut Ui,
        value: &str,
        width: f32,
        typing: &mut Option<(&'static str, String)>,
        edits: &mut Vec<Edit>,
    ) {
        let typed = typing.as_ref().filter(|(key, _)| *key == self.spec.key).map(|(_, text)| text.clone());
        let mine = typed.is_some();
        let mut text = typed.unwrap_or_else(|| value.to_owned());
        let edit = egui::TextEdit::singleline(&mut text).desired_width(width - SPACE).hint_text("none");
        let response = ui.add(edit).labelled_by(self.label);
        if response.has_focus() {
            *typing = Some((self.spec.key, text));
        } else if mine {
            // Half-typed text becomes the setting when the field is left, however it is left.
            *typing = None;
            if text != value {
                edits.extend([Edit::Seal, Edit::Set(self.spec.key, Value::Text(text)), Edit::Seal]);
            }
        }
    }

    fn suffix(&self) -> String {
        self.spec.unit.map(|unit| if unit == "°" { unit.to_owned() } else { format!(" {unit}") }).unwrap_or_default()
    }

    /// Usual values are so small a part of the range that a slider could not reach them.
    fn is_tiny(&self, max: f64) -> bool {
        self.default.as_f64().is_some_and(|default| default > 0.0 && default < max / 50.0)
    }

    fn changed(&self, response: &Response, value: Value, edits: &mut Vec<Edit>) {
        if response.changed() {
            edits.push(Edit::Set(self.spec.key, value));
        }
        if response.drag_stopped() || response.lost_focus() {
            edits.push(Edit::Seal);
        }
    }
}

/// One entry of a list.
pub(super) struct Choice {
    word: String,
    label: String,
    why_not: Option<String>,
}

impl Choice {
    fn open(word: &str, label: &str) -> Self {
        Self { word: word.to_owned(), label: label.to_owned(), why_not: None }
    }
}

/// What there is to choose from, where the setting is chosen from a list; `word` is what is chosen.
pub(super) fn choices(input: &FormInput<'_>, spec: &ParamSpec, word: &str) -> Option<Vec<Choice>> {
    match spec.kind {
        Kind::Choice(all) => Some(all.iter().map(|(word, label)| Choice::open(word, &capitalised(label))).collect()),
        Kind::Text if spec.key == "train.device" => Some(devices(input.devices)),
        Kind::Text if spec.key == "train.start_from" => Some(runs(input.runs, word)),
        _ => None,
    }
}

/// What a list shows while this is chosen.
pub(super) fn shown_label<'a>(choices: &'a [Choice], word: &'a str) -> &'a str {
    choices.iter().find(|choice| choice.word == word).map_or(word, |choice| choice.label.as_str())
}

/// Width of egui's list with this text and the arrow behind it, in points.
pub(super) fn box_width(ui: &Ui, text: &str) -> f32 {
    let spacing = ui.spacing();
    text_width(ui, text) + 2.0 * spacing.button_padding.x + spacing.icon_spacing + spacing.icon_width
}

/// Width of a text on one line, in points; a little more than it has, because rounding must not cut it.
pub(super) fn text_width(ui: &Ui, text: &str) -> f32 {
    let line = egui::WidgetText::from(text);
    let line = line.into_galley(ui, Some(egui::TextWrapMode::Extend), f32::INFINITY, egui::TextStyle::Button);
    line.size().x.ceil() + 1.0
}

fn devices(known: &[DeviceInfo]) -> Vec<Choice> {
    let listed = known.iter().map(|device| Choice {
        word: device.id.clone(),
        label: device.name.clone(),
        why_not: device.reason.clone(),
    });
    let mut choices: Vec<Choice> = std::iter::once(Choice::open("auto", "Automatic")).chain(listed).collect();
    if !choices.iter().any(|choice| choice.word == "cpu") {
        choices.push(Choice::open("cpu", "CPU"));
    }
    choices
}

/// From scratch, or from a run; one that is not in the list (any more) is named by its folder.
fn runs(known: &[(String, String)], chosen: &str) -> Vec<Choice> {
    let listed = known.iter().map(|(folder, name)| Choice::open(folder, name));
    let mut choices: Vec<Choice> = std::iter::once(Choice::open("", "From scratch")).chain(listed).collect();
    if !choices.iter().any(|choice| choice.word == chosen) {
        let name = std::path::Path::new(chosen).file_name().unwrap_or_default().to_string_lossy();
        choices.push(Choice::open(chosen, &name));
    }
    choices
}
