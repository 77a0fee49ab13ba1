//! Head without hair: ears, face, cheeks, mouth, nose.
//!
//! Eyes and beard have files of their own. The outline is a round skull melted into a box-like jaw, so that width,
//! jaw, chin and squareness can be set one by one.

use super::super::colour;
use super::super::portrait::{Ink, Scene};
use super::super::random::pixel_noise;
use super::super::shapes::{Point, arc, at, circle, ellipse, hump, merge, rounded_box, segment, smooth_step};

/// Signed distance to the outline of the face.
pub(super) fn outline(scene: &Scene, head: Point) -> f64 {
    let who = &scene.identity;
    let skull = ellipse(head.from(at(0.0, -0.13)), who.skull, 0.45);
    let jaw_open = 0.04 * scene.variation.expression.mouth_open;
    let half_height = (who.chin + jaw_open - 0.02) / 2.0;
    let corner = who.jaw.min(half_height) * (1.0 - 0.5 * who.squareness);
    let jaw = rounded_box(head.from(at(0.0, 0.02 + half_height)), who.jaw, half_height, corner);
    merge(skull, jaw, 0.22)
}

/// Paints both ears and what hangs from them.
pub(in super::super) fn ears(scene: &Scene, head: Point, ink: &mut Ink) {
    let who = &scene.identity;
    let side = scene.seen_from(head, at(0.0, 0.04), -0.12).folded();
    let ear = side.from(at(who.skull + 0.01, 0.0));
    ink.fill(ellipse(ear, 0.075 * who.ear, 0.115 * who.ear), scene.lit(head, colour::lit(who.skin, 0.9)));
    ink.fill(ellipse(ear, 0.04 * who.ear, 0.07 * who.ear), scene.lit(head, colour::lit(who.skin, 0.68)));
    if let Some(metal) = who.earring {
        ink.fill(circle(ear.from(at(0.01, 0.15 * who.ear)), 0.036), metal);
    }
}

/// Paints the face itself, with blush, freckles and mole.
pub(in super::super) fn face(scene: &Scene, head: Point, ink: &mut Ink) {
    let who = &scene.identity;
    let distance = outline(scene, head);
    let rim = 1.0 - 0.14 * smooth_step(-0.12, 0.0, distance);
    ink.fill(distance, scene.lit(head, colour::lit(who.skin, rim)));
    let cheek = scene.seen_from(head, at(0.0, 0.15), 0.18).folded().from(at(0.23, 0.0));
    let rosy = scene.lit(head, colour::mix(who.skin, colour::rgb(0x00e0_3848), 0.6));
    ink.glaze(distance, rosy, who.blush * hump(cheek.length(), 0.09));
    if who.freckles > 0.0 {
        freckles(scene, head, cheek, ink);
    }
    if let Some((x, y)) = who.mole {
        ink.fill(circle(scene.seen_from(head, at(x, y), 0.18), 0.02), colour::lit(who.skin, 0.18));
    }
}

/// Dots on a jittered grid over cheeks and nose; the same dots in every image.
fn freckles(scene: &Scene, head: Point, cheek: Point, ink: &mut Ink) {
    const PITCH: f64 = 0.055;
    let who = &scene.identity;
    let place = scene.seen_from(head, at(0.0, 0.15), 0.18).folded();
    let (column, row) = ((place.x / PITCH).floor(), (place.y / PITCH).floor());
    let (key_x, key_y) = (column as u32, (row + 64.0).max(0.0) as u32);
    let jitter = at(pixel_noise(7, key_x, key_y, 0), pixel_noise(7, key_x, key_y, 1));
    let dot = place.from(at((column + 0.5 + 0.3 * jitter.x) * PITCH, (row + 0.5 + 0.3 * jitter.y) * PITCH));
    let opacity = who.freckles * smooth_step(0.17, 0.06, cheek.length());
    ink.glaze(circle(dot, 0.014), colour::lit(who.skin, 0.4), opacity);
}

/// Paints the nose: a shaded flank, the tip and a gleam.
pub(in super::super) fn nose(scene: &Scene, head: Point, ink: &mut Ink) {
    let who = &scene.identity;
    let shade = scene.lit(head, colour::lit(who.skin, 0.66));
    let tip = scene.seen_from(head, at(0.0, who.nose_length - 0.01), 0.34);
    let root = scene.seen_from(head, at(0.0, -0.03), 0.2);
    let offset = root.from(tip);
    let bridge = segment(tip, at(-offset.x, -offset.y), at(0.0, 0.0), who.nose_width * 0.42);
    ink.glaze(bridge, shade, 0.3);
    ink.glaze(ellipse(tip.from(at(0.0, 0.012)), who.nose_width, 0.036), shade, 0.95);
    ink.fill(ellipse(tip.from(at(0.0, -0.008)), who.nose_width * 0.86, 0.034), scene.lit(head, who.skin));
    ink.glaze(circle(tip.from(at(0.0, -0.018)), 0.02), scene.lit(head, colour::lit(who.skin, 1.4)), 0.7);
}

/// Paints lips, the line between them and, when open, teeth and dark.
pub(in super::super) fn mouth(scene: &Scene, head: Point, ink: &mut Ink) {
    let who = &scene.identity;
    let mood = &scene.variation.expression;
    let height = (who.nose_length + who.chin) * 0.5 + 0.01;
    let place = scene.seen_from(head, at(0.0, height), 0.2);
    let width = who.mouth_width * (1.0 + 0.18 * mood.smile);
    let rise = -0.07 * mood.smile;
    let lips = scene.lit(head, who.lip_colour);
    let open = 0.06 * mood.mouth_open;
    if open > 0.0 {
        let gap = ellipse(place.from(at(0.0, 0.2 * open)), width, open + who.lip);
        ink.fill(gap, lips);
        let inner = ellipse(place.from(at(0.0, 0.2 * open)), width * 0.85, open);
        ink.fill(inner, colour::rgb(0x0050_1820));
        ink.fill(inner.max(place.y + 0.1 * open), scene.lit(head, colour::rgb(0x00fa_f4ea)));
    } else {
        let bow = arc(place, width, rise, who.lip);
        let lower = ellipse(place.from(at(0.0, who.lip * 0.9)), width * 0.6, who.lip * 1.5);
        ink.fill(merge(bow, lower, 0.02), lips);
        ink.glaze(arc(place, width * 1.02, rise, 0.009), colour::lit(lips, 0.3), 0.9);
    }
}
