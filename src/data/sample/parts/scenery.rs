//! What is not the head: background, neck and cloth, and things that get in the way.
//!
//! Nothing here tells who somebody is except the neck's skin.

use super::super::colour::{self, Colour};
use super::super::portrait::{Ink, Scene};
use super::super::shapes::{Point, at, circle, ellipse, rounded_box, segment, smooth_step};

/// Position inside a repeating cell, −0.5 to 0.5.
fn cell(value: f64) -> f64 {
    value - (value + 0.5).floor()
}

/// Paints the background; it is lit by the same lamp, more softly.
pub(in super::super) fn background(scene: &Scene, place: Point, ink: &mut Ink) {
    let back = &scene.variation.background;
    let turned = place.turned(back.angle_rad);
    ink.colour = colour::mix(back.near, back.far, smooth_step(-1.4, 1.4, turned.y) * 0.6);
    let across = turned.x * back.frequency / 2.0 + back.phase;
    match back.pattern {
        1 => ink.fill((cell(across).abs() - 0.25) * 2.0 / back.frequency, back.far),
        2 => {
            let centre = at(cell(across), cell(turned.y * back.frequency / 2.0));
            ink.fill(circle(centre, 0.3) * 2.0 / back.frequency, back.far);
        }
        3 => ink.fill(0.5 * back.phase - place.y + 0.3 * place.x * (back.phase - 0.5), back.far),
        4 => {
            let panel = rounded_box(place.from(at(back.phase * 2.0 - 1.0, -0.3)), 0.45, 0.5, 0.04);
            ink.fill(panel, back.far);
            ink.fill(panel + 0.08, colour::mix(back.far, back.near, 0.45));
        }
        _ => {}
    }
    let towards = scene.variation.light.direction;
    ink.colour = colour::lit(ink.colour, 1.0 + 0.35 * (place.x * towards.x + place.y * towards.y));
}

/// Paints neck, shoulders and what is worn.
pub(in super::super) fn neck_and_cloth(scene: &Scene, body: Point, ink: &mut Ink) {
    let towards = scene.variation.light.direction;
    let light = 1.0 + 0.5 * (body.x * towards.x).clamp(-0.6, 0.6);
    let skin = colour::lit(scene.identity.skin, light);
    let shoulders = ellipse(body.from(at(0.0, 1.28)), 0.78, 0.6);
    let (cloth, trim) = (colour::lit(scene.variation.cloth, light), colour::lit(scene.variation.cloth_trim, light));
    if scene.variation.cloth_style == 3 {
        ink.fill(ellipse(body.from(at(0.0, 0.78)), 0.46, 0.26), colour::lit(cloth, 0.8));
    }
    // The chin's shadow falls on the neck and fades downwards.
    let skin = colour::lit(skin, 0.62 + 0.3 * smooth_step(0.5, 0.85, body.y));
    ink.fill(rounded_box(body.from(at(0.0, 0.6)), 0.16, 0.3, 0.1), skin);
    ink.fill(shoulders, cloth);
    dress(scene.variation.cloth_style, body, shoulders, [cloth, trim, skin], ink);
}

fn dress(style: u32, body: Point, shoulders: f64, [cloth, trim, skin]: [Colour; 3], ink: &mut Ink) {
    let neckline = ellipse(body.from(at(0.0, 0.66)), 0.22, 0.15);
    match style {
        1 => {
            let stripe = (cell(body.y * 5.0).abs() - 0.25) / 5.0;
            ink.fill(stripe.max(shoulders + 0.02), trim);
            ink.fill(neckline.max(shoulders), skin);
        }
        2 => {
            let opening = (body.folded().x * 1.6 + body.y - 1.0) / 1.9;
            ink.fill(opening.max(shoulders).max(0.6 - body.y), skin);
            let collar = segment(body.folded(), at(0.2, 0.68), at(0.04, 0.96), 0.035);
            ink.fill(collar, trim);
        }
        3 => ink.fill(segment(body.folded(), at(0.09, 0.86), at(0.1, 1.1), 0.018), trim),
        _ => {
            ink.fill((neckline - 0.035).max(shoulders), colour::mix(cloth, trim, 0.5));
            ink.fill(neckline.max(shoulders), skin);
        }
    }
}

/// Paints the thing in front of the camera, if there is one.
pub(in super::super) fn occluder(scene: &Scene, place: Point, ink: &mut Ink) {
    let Some(thing) = &scene.variation.occluder else {
        return;
    };
    let local = place.from(thing.centre).turned(thing.angle_rad);
    let distance = match thing.kind {
        0 => circle(local, thing.radius),
        1 => local.x.abs() - thing.radius * 0.35,
        _ => rounded_box(local, thing.radius * 1.2, thing.radius * 0.7, 0.05),
    };
    ink.fill(distance, thing.colour);
    ink.glaze(distance + thing.radius * 0.25, colour::lit(thing.colour, 1.35), 0.4);
}
