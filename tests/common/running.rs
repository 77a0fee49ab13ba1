//! A program that runs while a test does something else.

use std::process::Child;

/// A program that does not outlive a test that fails.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
