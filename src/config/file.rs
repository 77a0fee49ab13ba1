//! Reading and writing `run.toml`: unknown keys are refused, and every key is written with its help as a comment.

use super::disk::{atomic_write, read_text_at_most};
use super::{ConfigError, Group, PARAMS, RunConfig, RunInfo};
use std::io::ErrorKind;
use std::path::Path;

/// Largest run file that is read: a real one has 6 kB.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a run file. Keys it does not name keep their defaults.
///
/// # Errors
/// As [`load_over`].
pub fn load(path: &Path) -> Result<RunConfig, ConfigError> {
    read(&RunConfig::default(), path)
}

/// Reads a run file as the settings of a new run, over other settings: keys it does not name keep theirs. What the run that
/// wrote it chose by itself is automatic again.
///
/// # Errors
/// When it cannot be read, has an unknown key, or a value outside its range (all such values are named).
pub fn load_over(base: &RunConfig, path: &Path) -> Result<RunConfig, ConfigError> {
    Ok(read(base, path)?.as_asked())
}

fn read(base: &RunConfig, path: &Path) -> Result<RunConfig, ConfigError> {
    let text = read_text_at_most(path, MAX_BYTES).map_err(|source| match source.kind() {
        ErrorKind::FileTooLarge => {
            let message = format!("it has {source}, a run file has a few thousand bytes");
            ConfigError::Parse { path: path.to_owned(), message }
        }
        _ => ConfigError::Io { verb: "read", path: path.to_owned(), source },
    })?;
    let parse = |error: toml::de::Error| ConfigError::Parse {
        path: path.to_owned(),
        message: error.to_string().trim().replace('\n', " "),
    };
    // By itself first: its messages name the line.
    toml::from_str::<RunConfig>(&text).map_err(parse)?;
    let named: serde_json::Value = toml::from_str(&text).map_err(parse)?;
    let mut tree = serde_json::to_value(base).map_err(ConfigError::internal)?;
    overlay(&mut tree, named);
    let config: RunConfig = serde_json::from_value(tree).map_err(ConfigError::internal)?;
    let mut problems = config.problems();
    match problems.len() {
        0 => Ok(config),
        1 => Err(ConfigError::Invalid(problems.remove(0))),
        _ => Err(ConfigError::Several(problems)),
    }
}

/// Values of `named` take the place of those in `tree`, group by group.
fn overlay(tree: &mut serde_json::Value, named: serde_json::Value) {
    match (tree, named) {
        (serde_json::Value::Object(tree), serde_json::Value::Object(named)) => {
            for (key, value) in named {
                overlay(tree.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (place, value) => *place = value,
    }
}

/// Writes a run file in one move.
///
/// # Errors
/// When the disk refuses.
pub fn save(config: &RunConfig, path: &Path) -> Result<(), ConfigError> {
    let io = |source| ConfigError::Io { verb: "written", path: path.to_owned(), source };
    atomic_write(path, to_toml(config).as_bytes()).map_err(io)
}

/// Gives the tables inside that of the run their whole names.
#[derive(serde::Serialize)]
struct Facts<'a> {
    run: &'a RunInfo,
}

/// The file's text, each key under its help.
pub fn to_toml(config: &RunConfig) -> String {
    let mut text = String::from("# ArcLens run file. Every key may be left out; it then has its default.\n");
    for group in Group::ALL {
        text += &format!("\n[{}]\n", group.table());
        for spec in PARAMS.iter().filter(|spec| spec.group == group) {
            let unit = spec.unit.map(|unit| format!(" ({unit})")).unwrap_or_default();
            let value = config.get(spec.key).map(|value| toml_value(&value)).unwrap_or_default();
            text += &format!("# {}{unit}\n{} = {value}\n", spec.help, spec.name());
        }
    }
    if let Some(run) = &config.run {
        let table = toml::to_string(&Facts { run }).unwrap_or_default();
        text += &format!("\n# Written by the run itself.\n{table}");
    }
    text
}

fn toml_value(value: &super::Value) -> String {
    use super::Value;
    match value {
        Value::Auto => "\"auto\"".to_owned(),
        Value::Text(word) => toml::Value::String(word.clone()).to_string(),
        Value::Float(number) => toml::Value::Float(*number).to_string(),
        Value::Int(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
    }
}
