//! `arclens devices`.

use super::Answer;
use super::output;
use crate::train::devices;
use clap::ArgMatches;
use serde_json::json;

/// Looks and prints, the fastest usable device first.
pub fn run(matches: &ArgMatches) -> anyhow::Result<Answer> {
    let list = devices();
    for device in &list {
        match &device.reason {
            None => output::line(format!("{:<8} {}", device.id, device.name)),
            Some(reason) => output::line(format!("{:<8} {}: cannot be used, {reason}", device.id, device.name)),
        }
    }
    if matches.get_flag("json") {
        output::json(&json!({ "devices": list }));
    }
    Ok(Answer::Yes)
}
