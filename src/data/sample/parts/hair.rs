//! Hair: a mass behind the head and a cap in front that ends at a hairline.
//!
//! Every style is two distances, `behind` and `in_front`; [`NOWHERE`] stands for "none". The cap is the same for all
//! styles but for how far it stands off the skull, and the hairline is a curve `y(x)`.

use super::super::colour::{self, Colour};
use super::super::identity::HairStyle;
use super::super::portrait::{Ink, Scene};
use super::super::shapes::{Point, at, circle, ellipse, hump, merge, rounded_box, sin};

/// A distance that covers nothing.
const NOWHERE: f64 = 9.0;

/// A saw-tooth between −1 and 1, period 1.
fn zigzag(value: f64) -> f64 {
    4.0 * (value - (value + 0.5).floor()).abs() - 1.0
}

/// Small bumps for curls.
fn bumps(p: Point, frequency: f64) -> f64 {
    sin(p.x * frequency) * sin(p.y * frequency)
}

/// The skull, `grow` larger.
fn cap(skull: f64, p: Point, grow: f64) -> f64 {
    ellipse(p.from(at(0.0, -0.14)), skull + grow, 0.46 + grow)
}

/// Locks that fall from the temples down to `bottom`, `reach` inwards from the side.
fn sides(skull: f64, p: Point, reach: f64, bottom: f64) -> f64 {
    let half_height = 0.5 * bottom + 0.15;
    let lock = p.folded().from(at(skull + 0.06 - reach / 2.0, bottom - half_height));
    rounded_box(lock, reach / 2.0 + 0.05, half_height, 0.07)
}

fn behind(style: HairStyle, skull: f64, p: Point) -> f64 {
    match style {
        HairStyle::Afro => circle(p.from(at(0.0, -0.2)), skull + 0.24) + 0.022 * bumps(p, 26.0),
        HairStyle::Bob => rounded_box(p.from(at(0.0, -0.1)), skull + 0.13, 0.57, 0.32),
        HairStyle::LongCentre => rounded_box(p.from(at(0.0, 0.2)), skull + 0.12, 0.86, 0.36),
        HairStyle::LongWavy => rounded_box(p.from(at(0.0, 0.15)), skull + 0.16 + 0.035 * sin(p.y * 15.0), 0.82, 0.38),
        HairStyle::Bun => circle(p.from(at(0.0, -0.72)), 0.19),
        HairStyle::Pigtails => ellipse(p.folded().from(at(skull + 0.22, 0.02)).turned(0.35), 0.14, 0.3),
        HairStyle::Curls => cap(skull, p, 0.13) + 0.04 * bumps(p, 17.0),
        HairStyle::Scarf => {
            merge(cap(skull, p, 0.12), rounded_box(p.from(at(0.0, 0.45)), skull + 0.06, 0.5, 0.25), 0.15)
        }
        _ => NOWHERE,
    }
}

fn in_front(style: HairStyle, skull: f64, p: Point, chin: f64) -> f64 {
    let (x, side) = (p.x, p.x.abs());
    let cut = |grow: f64, hairline: f64| cap(skull, p, grow).max((p.y - hairline) * 0.85);
    match style {
        HairStyle::Bald => NOWHERE,
        HairStyle::Buzz => cut(0.012, -0.36 + 1.1 * x * x),
        HairStyle::SideSweep => cut(0.07, -0.27 + 0.28 * x + 1.9 * (side - 0.27).max(0.0)),
        HairStyle::Spiky => cut(0.09 + 0.07 * zigzag(x * 5.5), -0.27 + 0.05 * zigzag(x * 6.0) + 0.8 * x * x),
        HairStyle::Afro => cut(0.04, -0.30 + 1.2 * x * x + 0.015 * sin(x * 40.0)),
        HairStyle::Bob => cut(0.1, -0.15 - 0.3 * x * x).min(sides(skull, p, 0.11, 0.38)),
        HairStyle::LongCentre => cut(0.09, -0.50 + 1.15 * side).min(sides(skull, p, 0.1, 0.85)),
        HairStyle::LongWavy => {
            let wave = at(p.x + 0.02 * sin(p.y * 15.0), p.y);
            cut(0.12, -0.40 + 0.75 * (x + 0.1).abs()).min(sides(skull, wave, 0.12, 0.75))
        }
        HairStyle::Bun => cut(0.045, -0.33 + 0.9 * x * x),
        HairStyle::Pigtails => cut(0.07, -0.19 - 0.5 * x * x),
        HairStyle::Mohawk => {
            let crest = rounded_box(p.from(at(0.0, -0.56)), 0.11, 0.26 + 0.04 * zigzag(x * 9.0), 0.08);
            crest.max(p.y + 0.3)
        }
        HairStyle::Quiff => merge(
            cut(0.04, -0.34 + 1.3 * x * x),
            ellipse(p.from(at(0.06, -0.50)).turned(0.22), skull * 0.82, 0.17),
            0.2,
        ),
        HairStyle::Curls => cut(0.1, -0.22 + 0.05 * sin(x * 24.0) + 0.6 * x * x) + 0.02 * bumps(p, 20.0),
        HairStyle::Scarf => {
            let opening = ellipse(p.from(at(0.0, 0.08)), skull - 0.03, (chin + 0.36) * 0.52);
            cap(skull, p, 0.12).min(rounded_box(p.from(at(0.0, 0.35)), skull + 0.05, 0.42, 0.25)).max(-opening)
        }
    }
}

/// Strands and a sheen, so that hair is not a flat patch.
fn strands(scene: &Scene, head: Point, p: Point) -> Colour {
    let hair = scene.identity.hair;
    if scene.identity.hair_style == HairStyle::Scarf {
        let fold = 1.0 - 0.12 * hump(p.folded().from(at(0.0, -0.9)).length() - 0.62, 0.03);
        return scene.lit(head, colour::lit(hair, fold));
    }
    let strand = 1.0 + 0.08 * sin(p.x * 38.0 + 4.0 * p.y * p.x);
    let gleam = p.from(at(0.2 * scene.variation.light.direction.x, -0.46));
    let sheen = hump(at(gleam.x / 0.24, gleam.y / 0.075).length(), 1.0);
    scene.lit(head, colour::mix(colour::lit(hair, strand), [0.9, 0.88, 0.85], sheen * 0.14))
}

/// Paints the hair that is behind face and neck.
pub(in super::super) fn hair_behind(scene: &Scene, head: Point, ink: &mut Ink) {
    let p = scene.seen_from(head, at(0.0, 0.0), -0.12);
    let distance = behind(scene.identity.hair_style, scene.identity.skull, p);
    ink.fill(distance, colour::lit(strands(scene, head, p), 0.72));
}

/// Paints the hair that is in front of the face.
pub(in super::super) fn hair_in_front(scene: &Scene, head: Point, ink: &mut Ink) {
    let who = &scene.identity;
    let p = scene.seen_from(head, at(0.0, 0.0), 0.04);
    let hair = strands(scene, head, p);
    if who.hair_style == HairStyle::Mohawk {
        ink.glaze(in_front(HairStyle::Buzz, who.skull, p, who.chin), hair, 0.3);
    }
    // Cropped hair lets the scalp through.
    let opacity = if who.hair_style == HairStyle::Buzz { 0.75 } else { 1.0 };
    ink.glaze(in_front(who.hair_style, who.skull, p, who.chin), hair, opacity);
}
