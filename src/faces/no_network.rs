//! Stands in for the network where the program is built without a library that runs it.

use super::Face;
use super::picture::Picture;

/// Cannot be made.
#[derive(Debug)]
pub(super) enum Network {}

impl Network {
    /// `Err(None)`: this build runs no networks.
    pub(super) fn load(_: &[u8]) -> Result<Self, Option<String>> {
        Err(None)
    }

    pub(super) fn fixed_size(&self) -> Option<(usize, usize)> {
        match *self {}
    }

    pub(super) fn run(&self, _: &Picture, _: f32) -> Result<Vec<Face>, String> {
        match *self {}
    }
}
