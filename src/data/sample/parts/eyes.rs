//! Eyes, brows and glasses.
//!
//! Irises are larger than life: at 32 pixels they are two pixels wide and still have to show their colour.

use super::super::colour;
use super::super::identity::Glasses;
use super::super::portrait::{Ink, Scene};
use super::super::shapes::{Point, arc, at, circle, ellipse, rounded_box, segment};

/// How far eyes, brows and glasses lie in front of the head's axis.
const DEPTH: f64 = 0.2;

/// Paints both eyes and both brows.
pub(in super::super) fn eyes(scene: &Scene, head: Point, ink: &mut Ink) {
    let who = &scene.identity;
    let middle = scene.seen_from(head, at(0.0, -0.01), DEPTH);
    let side = if middle.x < 0.0 { -1.0 } else { 1.0 };
    let eye = middle.folded().from(at(who.eye_spacing, 0.0)).turned(who.eye_tilt_rad);
    let lids = scene.variation.expression.lids;
    let half_height = who.eye_width * who.eye_roundness * lids;
    let opening = ellipse(eye, who.eye_width, half_height);
    ink.glaze(opening - 0.014, scene.lit(head, colour::lit(who.skin, 0.6)), 0.6);
    ink.fill(opening, scene.lit(head, colour::rgb(0x00fb_f8f4)));
    let gaze = scene.variation.expression.gaze;
    let iris_radius = who.eye_width * (0.45 + 0.25 * who.eye_roundness);
    let look = eye.from(at(side * gaze.x * who.eye_width, gaze.y * half_height));
    let iris = circle(look, iris_radius).max(opening);
    ink.fill(iris, colour::lit(who.iris, 0.35));
    ink.fill(iris + 0.012, scene.lit(head, colour::lit(who.iris, 1.15)));
    ink.fill(circle(look, iris_radius * 0.46).max(opening), colour::rgb(0x0010_0c10));
    let gleam = at(look.x - side * -0.3 * iris_radius, look.y + 0.35 * iris_radius);
    ink.fill(circle(gleam, iris_radius * 0.26).max(opening), [1.0; 3]);
    let lid = arc(eye.from(at(0.0, -half_height)), who.eye_width, half_height * 0.9, 0.012);
    ink.fill(lid, colour::lit(who.skin, 0.12));
    brow(scene, head, middle, ink);
}

fn brow(scene: &Scene, head: Point, middle: Point, ink: &mut Ink) {
    let who = &scene.identity;
    let height = who.brow_height + scene.variation.expression.brow_raise;
    let place = middle.folded().from(at(who.eye_spacing + 0.01, -height)).turned(who.brow_tilt_rad);
    let hair = colour::mix(colour::lit(who.hair, 0.55), colour::lit(who.skin, 0.12), 0.3);
    ink.fill(arc(place, 0.095, 0.022, who.brow_thickness), scene.lit(head, hair));
}

/// Paints the glasses: a faint lens, a frame, the bridge and the temples.
pub(in super::super) fn glasses(scene: &Scene, head: Point, ink: &mut Ink) {
    let who = &scene.identity;
    if who.glasses == Glasses::None {
        return;
    }
    let middle = scene.seen_from(head, at(0.0, 0.0), DEPTH + 0.06).folded();
    let lens = middle.from(at(who.eye_spacing + 0.005, 0.0));
    let distance = match who.glasses {
        Glasses::Round => circle(lens, 0.145),
        Glasses::Square => rounded_box(lens, 0.145, 0.115, 0.035),
        _ => rounded_box(lens.turned(0.12), 0.165, 0.09, 0.075),
    };
    let edge_x = who.eye_spacing - 0.13;
    let bridge = segment(middle, at(0.0, -0.03), at(edge_x, -0.03), 0.014);
    let temple = segment(middle, at(who.eye_spacing + 0.15, -0.03), at(who.skull, -0.02), 0.014);
    ink.glaze(distance, [1.0; 3], 0.10);
    ink.fill((distance.abs() - 0.017).min(bridge).min(temple), scene.lit(head, who.frame));
}
