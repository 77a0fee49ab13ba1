//! One portrait: the order in which the parts are painted over each other, and what light and lens do afterwards.
//!
//! Not where any part is described (see `parts`). Each pixel is painted once, from back to front, with edges that are
//! soft over a pixel or more: blur costs nothing that way and no supersampling is needed.

use image::{Rgb, RgbImage};

use super::colour::{self, Colour};
use super::identity::Identity;
use super::palette;
use super::parts;
use super::random::pixel_noise;
use super::shapes::{Point, at};
use super::variation::Variation;

/// The smallest and the largest side of a portrait, pixels.
pub const SIZE_PX: std::ops::RangeInclusive<u32> = 16..=512;

/// Draws image `image` (from 0) of identity `identity` (from 0) of the set `spec_seed`.
///
/// The picture depends on these four numbers only, not on how large a set is, and is the same to the last bit on every
/// machine. It holds at most 48 colours (256 above 64 pixels), so it fits an indexed PNG without loss. `size_px` is
/// brought into [`SIZE_PX`].
pub fn draw_portrait(spec_seed: u64, identity: u32, image: u32, size_px: u32) -> RgbImage {
    let size = size_px.clamp(*SIZE_PX.start(), *SIZE_PX.end());
    let scene =
        Scene { identity: Identity::new(spec_seed, identity), variation: Variation::new(spec_seed, identity, image) };
    let mut picture = RgbImage::from_fn(size, size, |x, y| scene.pixel(x, y, size));
    palette::reduce(&mut picture, if size <= 64 { 48 } else { 256 });
    picture
}

/// A pixel while it is painted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink {
    pub(super) colour: Colour,
    /// Width over which an edge fades, in the unit of the distances.
    edge: f64,
}

impl Ink {
    /// Covers the inside of a shape.
    pub(super) fn fill(&mut self, distance: f64, colour: Colour) {
        self.glaze(distance, colour, 1.0);
    }

    /// Covers the inside of a shape, letting `1 − opacity` through.
    pub(super) fn glaze(&mut self, distance: f64, colour: Colour, opacity: f64) {
        let coverage = (0.5 - distance / self.edge).clamp(0.0, 1.0) * opacity;
        self.colour = colour::mix(self.colour, colour, coverage);
    }
}

/// What is in a picture.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) identity: Identity,
    pub(super) variation: Variation,
}

impl Scene {
    fn pixel(&self, column: u32, row: u32, size: u32) -> Rgb<u8> {
        let unit = 2.0 / f64::from(size);
        let place = at((f64::from(column) + 0.5) * unit - 1.0, (f64::from(row) + 0.5) * unit - 1.0);
        let blur = (self.variation.blur_px / 32.0).max(unit);
        let mut ink = Ink { colour: [0.0; 3], edge: blur / self.variation.scale };
        self.paint(place, &mut ink);
        let amplitude = self.variation.noise;
        let light = &self.variation.light;
        let grain = pixel_noise(self.variation.noise_key, column, row, 0) * amplitude;
        let value: [u8; 3] = std::array::from_fn(|c| {
            let clear = ink.colour[c] * light.tint[c];
            let veiled = clear + (0.22 - clear) * light.haze;
            colour::encode(veiled + grain * (0.3 + veiled))
        });
        Rgb(value)
    }

    /// Everything in front of everything else, from back to front.
    fn paint(&self, place: Point, ink: &mut Ink) {
        let (body, head) = (self.in_body(place), self.in_head(place));
        parts::background(self, place, ink);
        parts::hair_behind(self, head, ink);
        parts::neck_and_cloth(self, body, ink);
        parts::ears(self, head, ink);
        parts::face(self, head, ink);
        parts::beard(self, head, ink);
        parts::mouth(self, head, ink);
        parts::nose(self, head, ink);
        parts::eyes(self, head, ink);
        parts::hair_in_front(self, head, ink);
        parts::glasses(self, head, ink);
        parts::occluder(self, place, ink);
    }

    /// The place in the unit and position of the body, which does not roll with the head.
    fn in_body(&self, place: Point) -> Point {
        let moved = place.from(self.variation.shift);
        at(moved.x / self.variation.scale, moved.y / self.variation.scale)
    }

    /// The place in the unit, position and roll of the head, which turns on the neck.
    fn in_head(&self, place: Point) -> Point {
        let neck = at(0.0, 0.5);
        let turned = self.in_body(place).from(neck).turned(-self.variation.roll_rad);
        at(turned.x, turned.y / self.variation.stretch + neck.y)
    }

    /// The place seen from a feature at `anchor`, which lies `depth` in front of the head's axis.
    pub(super) fn seen_from(&self, head: Point, anchor: Point, depth: f64) -> Point {
        let turn = self.variation.turn;
        head.from(at(anchor.x + turn.x * depth, anchor.y + turn.y * depth))
    }

    /// Light that reaches a place on the round head: about 1, brighter towards the lamp.
    pub(super) fn shading(&self, head: Point) -> f64 {
        let towards = self.variation.light.direction;
        let lean = (head.x * towards.x / 0.45 + head.y * towards.y / 0.6).clamp(-0.8, 1.0);
        1.0 + 0.75 * lean
    }

    /// A colour of the head in this scene's light.
    pub(super) fn lit(&self, head: Point, colour: Colour) -> Colour {
        colour::lit(colour, self.shading(head))
    }
}
