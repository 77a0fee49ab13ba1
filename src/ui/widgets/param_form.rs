//! The settings form, generated from [`PARAMS`]: a new setting appears here by itself, with its range, unit and help.
//!
//! Hand-written forms drift from the settings they edit; this one cannot. It knows neither `State` nor `Action`: it is
//! given the settings and returns the edits a person made. The short form comes first, everything else is folded away
//! but complete.

mod control;

use crate::config::{Group, PARAMS, ParamSpec, Resolved, RunConfig, Value, with_labels};
use crate::train::DeviceInfo;
use crate::ui::theme::{self, SPACE};
use control::Row;
use eframe::egui::{self, Align, Layout, Sense, Ui, vec2};

/// Width in points from which on no choice is cut, nor the name before it; a test below tries every one.
pub const LEAST_WIDTH: f32 = 306.0;
/// Width of the names, in points.
const LABEL_WIDTH: f32 = 132.0;
/// Width of the dot that puts a setting back.
const DOT_WIDTH: f32 = 16.0;
/// Height of a row.
const ROW_HEIGHT: f32 = 28.0;

/// What a person did to the form.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A setting has a new value.
    Set(&'static str, Value),
    /// A setting goes back to its default.
    Reset(&'static str),
    /// The mouse was released or a field left: the next change is a new undo step.
    Seal,
}

/// What the form shows.
#[derive(Clone, Copy, Debug)]
pub struct FormInput<'a> {
    /// The settings.
    pub config: &'a RunConfig,
    /// The automatic values with their reasons, when the settings fit a data set.
    pub resolved: Option<&'a Resolved>,
    /// Why they do not fit, if they do not.
    pub problem: Option<&'a str>,
    /// The devices; empty until they are known.
    pub devices: &'a [DeviceInfo],
    /// The runs that a run can start from: (folder, name).
    pub runs: &'a [(String, String)],
}

/// A setting's value beside its default.
#[derive(Clone, Debug)]
struct Current {
    value: Value,
    default: Value,
}

/// The form: half-typed text, and the values read out of the settings.
#[derive(Debug, Default)]
pub struct ParamForm {
    typing: Option<(&'static str, String)>,
    read: Option<(RunConfig, Vec<Current>)>,
}

impl ParamForm {
    /// Draws the whole form and returns the edits.
    pub fn ui(&mut self, ui: &mut Ui, input: &FormInput<'_>) -> Vec<Edit> {
        let current = self.current(input.config);
        let mut edits = Vec::new();
        ui.spacing_mut().item_spacing.y = 6.0;
        for (spec, current) in PARAMS.iter().zip(&current).filter(|(spec, _)| spec.basic) {
            self.row_ui(ui, input, spec, current, &mut edits);
        }
        ui.add_space(SPACE);
        egui::CollapsingHeader::new("Advanced").id_salt("advanced settings").show_unindented(ui, |ui| {
            for group in Group::ALL {
                self.group_ui(ui, input, group, &current, &mut edits);
            }
        });
        edits
    }

    fn group_ui(
        &mut self,
        ui: &mut Ui,
        input: &FormInput<'_>,
        group: Group,
        current: &[Current],
        edits: &mut Vec<Edit>,
    ) {
        ui.add_space(SPACE);
        ui.label(theme::subheading(group.label()));
        for (spec, current) in PARAMS.iter().zip(current).filter(|(spec, _)| spec.group == group && !spec.basic) {
            self.row_ui(ui, input, spec, current, edits);
        }
    }

    fn row_ui(
        &mut self,
        ui: &mut Ui,
        input: &FormInput<'_>,
        spec: &'static ParamSpec,
        current: &Current,
        edits: &mut Vec<Edit>,
    ) {
        if !(spec.applies)(input.config) {
            return;
        }
        let reason = input.resolved.and_then(|resolved| resolved.reasons.iter().find(|reason| reason.key == spec.key));
        ui.horizontal(|ui| {
            ui.set_height(ROW_HEIGHT);
            let word = current.value.to_string();
            let choices = control::choices(input, spec, &word);
            let chosen = choices.as_deref().map(|choices| control::shown_label(choices, &word));
            let label_width = label_width(ui, spec, chosen);
            let label = label_ui(ui, spec, label_width);
            let width = (ui.available_width() - DOT_WIDTH - SPACE).max(80.0);
            let row = Row {
                spec,
                value: &current.value,
                default: &current.default,
                label,
                reason,
                choices: choices.as_deref(),
                width,
            };
            row.ui(ui, &mut self.typing, edits);
            if current.value != current.default {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if dot_ui(ui, spec) {
                        edits.push(Edit::Reset(spec.key));
                    }
                });
            }
        });
        let automatic = is_auto(spec, &current.value);
        if let Some(reason) = reason.filter(|_| automatic) {
            indented(ui, theme::caption(reason.why.clone()));
        }
        if let Some(problem) = input.problem.and_then(|problem| problem_of(problem, spec)) {
            indented(ui, theme::caption(with_labels(&problem)).color(theme::tokens(ui).bad));
        }
    }

    /// The values, read again only when the settings changed: reading one serialises all.
    fn current(&mut self, config: &RunConfig) -> Vec<Current> {
        if self.read.as_ref().is_none_or(|(read, _)| read != config) {
            let values = config.values().into_iter().zip(RunConfig::default().values());
            self.read = Some((config.clone(), values.map(|(value, default)| Current { value, default }).collect()));
        }
        self.read.as_ref().map(|(_, values)| values.clone()).unwrap_or_default()
    }
}

/// Is the program left to choose this value?
fn is_auto(spec: &ParamSpec, value: &Value) -> bool {
    let by_word = *value == Value::Text("auto".to_owned());
    (spec.auto && (by_word || *value == Value::Auto))
        || (by_word && matches!(spec.kind, crate::config::Kind::Choice(_)))
}

/// Width of a name: that of all, or as much less as a list needs to show in full what is chosen in it; `None` where the setting
/// is no list.
fn label_width(ui: &Ui, spec: &ParamSpec, chosen: Option<&str>) -> f32 {
    let Some(chosen) = chosen else { return LABEL_WIDTH };
    let left = ui.available_width() - SPACE - control::box_width(ui, chosen) - SPACE - DOT_WIDTH;
    // The name itself is not cut for it.
    LABEL_WIDTH.min(left.max(control::text_width(ui, spec.label)))
}

fn label_ui(ui: &mut Ui, spec: &ParamSpec, width: f32) -> egui::Id {
    let (rect, _) = ui.allocate_exact_size(vec2(width, ROW_HEIGHT), Sense::hover());
    let builder = egui::UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center));
    let label = ui.new_child(builder).add(egui::Label::new(spec.label).truncate());
    label.on_hover_text(format!("{}\n\n{}", spec.help, spec.key)).id
}

fn indented(ui: &mut Ui, text: egui::RichText) {
    ui.horizontal(|ui| {
        ui.add_space(LABEL_WIDTH + SPACE);
        ui.add(egui::Label::new(text).wrap());
    });
}

/// A dot that says "not the default" and puts it back.
fn dot_ui(ui: &mut Ui, spec: &ParamSpec) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(DOT_WIDTH, DOT_WIDTH), Sense::click());
    let tokens = theme::tokens(ui);
    let radius = if response.hovered() || response.has_focus() { 6.0 } else { 4.0 };
    ui.painter().circle_filled(rect.center(), radius, tokens.accent);
    let name = format!("Reset {}", spec.label);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    response.on_hover_text("Changed; click to put the default back").clicked()
}

/// The part of a message that is about this setting.
fn problem_of(problem: &str, spec: &ParamSpec) -> Option<String> {
    let start = format!("{} is ", spec.key);
    problem.split("; ").find_map(|part| part.find(&start).and_then(|at| part.get(at..))).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Kind, capitalised};
    use crate::ui::test_page::text_shape;
    use egui_kittest::Harness;

    #[test]
    fn a_message_about_several_settings_is_split_over_their_rows() {
        let spec = |key| crate::config::spec(key).unwrap();
        let message = "2 settings cannot be used: train.batch is 1, but no; train.warmup_epochs is 9, but it must not exceed train.epochs";
        assert_eq!(problem_of(message, spec("train.batch")).as_deref(), Some("train.batch is 1, but no"));
        assert_eq!(problem_of(message, spec("train.epochs")), None);
    }

    #[test]
    fn only_an_automatic_setting_counts_as_automatic() {
        let spec = |key| crate::config::spec(key).unwrap();
        assert!(is_auto(spec("train.lr"), &Value::Text("auto".into())));
        assert!(is_auto(spec("data.split"), &Value::Text("auto".into())));
        assert!(!is_auto(spec("train.lr"), &Value::Float(0.1)));
        assert!(!is_auto(spec("train.epochs"), &Value::Int(3)));
    }

    #[test]
    fn no_choice_is_cut_in_the_narrowest_column() {
        let draw = |ui: &mut Ui, config: &mut RunConfig| {
            // Fonts are there from the next pass on.
            if ui.ctx().cumulative_pass_nr() == 0 {
                return theme::install(ui.ctx());
            }
            ui.set_max_width(LEAST_WIDTH);
            let input = FormInput { config, resolved: None, problem: None, devices: &[], runs: &[] };
            let mut form = ParamForm::default();
            let current = form.current(input.config);
            for (spec, current) in PARAMS.iter().zip(&current) {
                if matches!(spec.kind, Kind::Choice(_)) {
                    form.row_ui(ui, &input, spec, current, &mut Vec::new());
                }
            }
        };
        let mut harness = Harness::builder().with_size((400.0, 700.0)).build_ui_state(draw, RunConfig::default());
        harness.run_steps(2);
        for spec in PARAMS.iter() {
            let Kind::Choice(choices) = spec.kind else { continue };
            for (word, label) in choices {
                *harness.state_mut() = RunConfig::default();
                harness.state_mut().set_text(spec.key, word).unwrap();
                if !(spec.applies)(harness.state()) {
                    continue;
                }
                harness.run_steps(2);
                let label = capitalised(label);
                for text in [spec.label, label.as_str()] {
                    let shown = text_shape(&harness, text).unwrap_or_else(|| panic!("{}: no {text}", spec.key));
                    assert!(!shown.galley.elided, "{}: {text}", spec.key);
                }
            }
        }
    }
}
