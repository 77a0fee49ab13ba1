//! Beards, in the colour of the hair.
//!
//! A beard is the lower part of the face's own outline, so it follows every jaw without measures of its own.

use super::super::colour;
use super::super::identity::Beard;
use super::super::portrait::{Ink, Scene};
use super::super::shapes::{Point, arc, at, ellipse, merge, sin};
use super::face::outline;

/// Paints the beard.
pub(in super::super) fn beard(scene: &Scene, head: Point, ink: &mut Ink) {
    let who = &scene.identity;
    let height = (who.nose_length + who.chin) * 0.5;
    let place = scene.seen_from(head, at(0.0, height), 0.2);
    let hair = scene.lit(head, colour::lit(who.hair, 0.85));
    // From the corners of the mouth up to the ears; the cheeks stay free.
    let jaw_line = (-0.04 - 1.25 * (place.x.abs() - 0.12).max(0.0) - place.y) * 0.7;
    let lip_gap = ellipse(place.from(at(0.0, 0.01)), who.mouth_width * 1.05, 0.075);
    let moustache = arc(place.from(at(0.0, -0.075)), who.mouth_width * 1.15, 0.05, 0.036);
    match who.beard {
        Beard::None => {}
        Beard::Stubble => ink.glaze(outline(scene, head).max(jaw_line), hair, 0.32),
        Beard::Moustache => ink.fill(moustache, hair),
        Beard::Goatee => {
            let chin = ellipse(head.from(at(0.0, who.chin - 0.03)), 0.13, 0.11);
            ink.fill(merge(chin, moustache, 0.05), hair);
        }
        Beard::Full => {
            let curls = 0.012 * sin(place.x * 42.0);
            let grown = (outline(scene, head) - 0.035 + curls).max(jaw_line).max(-lip_gap);
            ink.fill(grown.min(moustache), hair);
        }
    }
}
