//! The parts of a portrait, each a function that paints one pixel of it.
//!
//! Not the order they are painted in (see `portrait`). A part reads identity and variation from the scene and paints
//! with signed distances; nothing here draws random numbers.

mod beard;
mod eyes;
mod face;
mod hair;
mod scenery;

pub(super) use beard::beard;
pub(super) use eyes::{eyes, glasses};
pub(super) use face::{ears, face, mouth, nose};
pub(super) use hair::{hair_behind, hair_in_front};
pub(super) use scenery::{background, neck_and_cloth, occluder};
