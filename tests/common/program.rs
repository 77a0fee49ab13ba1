//! What the tests of the built program share: starting it, and what it prints.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// The program with a folder to work in, and no screen.
pub fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arclens"));
    command
        .args(words)
        .current_dir(folder)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET");
    command
}

pub fn arclens(folder: &Path, words: &[&str]) -> Output {
    command(folder, words).output().expect("the program starts")
}

pub fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_else(|| panic!("no output; {}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"))
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn ok(folder: &Path, words: &[&str]) -> Value {
    let output = arclens(folder, words);
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
    json(&output)
}
