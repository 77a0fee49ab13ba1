//! What changes from image to image of one identity: pose, expression, light, scenery, occlusion, noise.
//!
//! Not for anything a verifier may rely on. The ranges are set so that these changes outweigh the identity in raw
//! pixels (the test measures it) while every attribute stays visible in most pictures. The light's hue stays within a
//! seventh of white, otherwise a dark skin in warm light and a light one in dim light would be the same pixels.

use super::colour::{self, Colour};
use super::random::{Purpose, Stream};
use super::shapes::{Point, at};

/// What is behind the person.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Background {
    /// 0 to 4: plain gradient, stripes, discs, horizon, panels.
    pub(super) pattern: u32,
    pub(super) near: Colour,
    pub(super) far: Colour,
    pub(super) angle_rad: f64,
    pub(super) frequency: f64,
    pub(super) phase: f64,
}

/// Something in front of the face.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Occluder {
    /// 0 a ball, 1 a post, 2 a card.
    pub(super) kind: u32,
    pub(super) centre: Point,
    pub(super) radius: f64,
    pub(super) angle_rad: f64,
    pub(super) colour: Colour,
}

/// Where the light comes from and what it does.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Light {
    /// Towards the light, within the picture; its length is the strength of the shading.
    pub(super) direction: Point,
    pub(super) tint: Colour,
    /// 0 to 1: how far the picture is pulled towards mid grey.
    pub(super) haze: f64,
}

/// The face's momentary shape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression {
    /// −1 sad to 1 smiling.
    pub(super) smile: f64,
    /// 0 closed to 1 wide open.
    pub(super) mouth_open: f64,
    /// 1 open, 0.3 nearly shut.
    pub(super) lids: f64,
    pub(super) brow_raise: f64,
    pub(super) gaze: Point,
}

/// Everything that one image adds to its identity.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variation {
    pub(super) scale: f64,
    /// Height over width of the whole head.
    pub(super) stretch: f64,
    pub(super) shift: Point,
    pub(super) roll_rad: f64,
    /// Turn to the side and nod, as the shift of a feature per unit of depth.
    pub(super) turn: Point,
    pub(super) expression: Expression,
    pub(super) light: Light,
    pub(super) background: Background,
    pub(super) cloth: Colour,
    pub(super) cloth_trim: Colour,
    /// 0 to 3: plain, stripes, open collar, hood.
    pub(super) cloth_style: u32,
    pub(super) occluder: Option<Occluder>,
    /// Width of every edge, in pixels of a 64-pixel portrait.
    pub(super) blur_px: f64,
    /// Standard deviation is about 0.3 of this, in linear light.
    pub(super) noise: f64,
    pub(super) noise_key: u32,
}

impl Variation {
    /// The variation of image number `image`; it depends on nothing but the three arguments.
    pub(super) fn new(seed: u64, identity: u32, image: u32) -> Self {
        let stream = &mut Stream::new(seed, Purpose::Variation, identity, image);
        Self {
            scale: 1.23 + 0.15 * stream.bell(),
            stretch: 1.0 + 0.07 * stream.bell(),
            shift: at(0.14 * stream.bell(), 0.05 + 0.11 * stream.bell()),
            roll_rad: 0.27 * stream.bell(),
            turn: at(0.38 * stream.bell(), 0.26 * stream.bell()),
            expression: expression(stream),
            light: light(stream),
            background: background(stream),
            cloth: scenery(stream),
            cloth_trim: scenery(stream),
            cloth_style: stream.below(4) as u32,
            occluder: occluder(stream),
            blur_px: 0.5 + 1.6 * stream.unit() * stream.unit(),
            noise: 0.05 * stream.unit() * stream.unit(),
            noise_key: stream.bits(),
        }
    }
}

fn scenery(stream: &mut Stream) -> Colour {
    let index = stream.below(colour::SCENERY.len() as u64) as u32;
    colour::lit(colour::pick(&colour::SCENERY, index), stream.range(0.7, 1.1))
}

fn expression(stream: &mut Stream) -> Expression {
    Expression {
        smile: (0.35 + 0.9 * stream.bell()).clamp(-0.7, 1.0),
        mouth_open: if stream.chance(0.35) { stream.range(0.3, 1.0) } else { 0.0 },
        lids: if stream.chance(0.12) { stream.range(0.3, 0.5) } else { stream.range(0.75, 1.05) },
        brow_raise: 0.03 * stream.bell(),
        gaze: at(0.35 * stream.bell(), 0.2 * stream.bell()),
    }
}

fn light(stream: &mut Stream) -> Light {
    let exposure = 1.0 + 0.42 * stream.bell();
    let warmth = 0.14 * stream.bell();
    let green = 0.05 * stream.bell();
    Light {
        direction: at(0.85 * stream.bell(), -0.12 + 0.5 * stream.bell()),
        tint: [exposure * (1.0 + warmth), exposure * (1.0 + green), exposure * (1.0 - warmth)],
        haze: if stream.chance(0.25) { stream.range(0.05, 0.25) } else { 0.0 },
    }
}

fn background(stream: &mut Stream) -> Background {
    Background {
        pattern: stream.below(5) as u32,
        near: scenery(stream),
        far: scenery(stream),
        angle_rad: stream.range(-3.1, 3.1),
        frequency: stream.range(2.0, 6.0),
        phase: stream.unit(),
    }
}

fn occluder(stream: &mut Stream) -> Option<Occluder> {
    let drawn = Occluder {
        kind: stream.below(3) as u32,
        centre: at(stream.range(-0.75, 0.75), stream.range(-0.7, 0.8)),
        radius: stream.range(0.14, 0.26),
        angle_rad: stream.range(-1.5, 1.5),
        colour: scenery(stream),
    };
    stream.chance(0.2).then_some(drawn)
}
