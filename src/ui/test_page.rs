//! A panel under a pointer and a keyboard, without drawing pixels: what the tests of the panels share.

use super::{Media, theme};
use crate::app::{Action, Effect, State, update};
use crate::worker::protocol::Job;
use eframe::egui::epaint::TextShape;
use eframe::egui::{ColorImage, Context, FullOutput, ImageData, Key, Rect, Shape, TextureId, TexturesDelta, Ui};
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{Harness, TestRenderer};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// How a panel is drawn.
pub type Draw<P> = fn(&mut P, &mut Ui, &State, &mut Media, &mut Vec<Action>);

/// A panel, what it shows, and what was asked for on it.
pub struct Page<P> {
    pub panel: P,
    pub state: State,
    /// What was asked for and not carried out yet.
    pub out: Vec<Action>,
    /// Jobs that were asked for, which nobody does.
    pub jobs: Vec<Job>,
    media: Media,
    textures: Textures,
}

/// What stands in the place of a renderer, which no test of a panel needs: it keeps the pictures that one would be given.
#[derive(Clone, Default)]
struct Textures(Rc<RefCell<HashMap<TextureId, Arc<ColorImage>>>>);

impl TestRenderer for Textures {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        // Parts of a texture are letters that came to the font.
        let whole = delta.set.drain().filter_map(|(id, parts)| {
            let ImageData::Color(image) = parts.into_iter().rev().find(|part| part.pos.is_none())?.image;
            Some((id, image))
        });
        self.0.borrow_mut().extend(whole);
        delta.clear();
    }

    fn render(&mut self, _: &Context, _: &FullOutput) -> Result<image::RgbaImage, String> {
        Err("a panel under test is not rendered".to_owned())
    }
}

/// A panel on a page of this size in points, drawn a few times.
pub fn page_of<P: Default + 'static>(state: State, size: [f32; 2], draw: Draw<P>) -> Harness<'static, Page<P>> {
    let (media, textures) = (Media::blocking(), Textures::default());
    let page =
        Page { panel: P::default(), state, out: Vec::new(), jobs: Vec::new(), media, textures: textures.clone() };
    let draw = move |ui: &mut Ui, page: &mut Page<P>| {
        // Fonts are there from the next pass on.
        if ui.ctx().cumulative_pass_nr() == 0 {
            return theme::install(ui.ctx());
        }
        draw(&mut page.panel, ui, &page.state, &mut page.media, &mut page.out);
    };
    let mut harness = Harness::builder().with_size(size).renderer(textures).build_ui_state(draw, page);
    harness.run_steps(3);
    harness
}

/// Carries out what was asked for, as the window does; jobs wait.
pub fn apply<P: 'static>(harness: &mut Harness<'static, Page<P>>) -> Vec<Action> {
    let page = harness.state_mut();
    let actions = std::mem::take(&mut page.out);
    for action in actions.clone() {
        let effects = update(&mut page.state, action);
        page.jobs.extend(effects.into_iter().filter_map(job_of));
    }
    harness.run_steps(2);
    actions
}

/// Clicks on what has this label, and carries out what that asks for.
pub fn click<P: 'static>(harness: &mut Harness<'static, Page<P>>, label: &str) -> Vec<Action> {
    harness.get_by_label(label).click();
    harness.run_steps(2);
    apply(harness)
}

/// The same with a key.
pub fn press<P: 'static>(harness: &mut Harness<'static, Page<P>>, key: Key) -> Vec<Action> {
    harness.key_press(key);
    harness.run_steps(2);
    apply(harness)
}

/// The pictures on the page, each with its place, in the order in which they are drawn.
pub fn pictures<P>(harness: &Harness<'static, Page<P>>) -> Vec<(Rect, Arc<ColorImage>)> {
    let textures = harness.state().textures.0.borrow();
    let shapes = harness.output().shapes.iter().map(|clipped| &clipped.shape);
    let rects = shapes.filter_map(|shape| if let Shape::Rect(rect) = shape { Some(rect) } else { None });
    let textured = rects.filter(|rect| rect.brush.is_some());
    textured.filter_map(|rect| Some((rect.rect, Arc::clone(textures.get(&rect.fill_texture_id())?)))).collect()
}

/// These words where they are drawn: the place and the colour of what is painted and not a part of its own.
pub fn text_shape<'h, S>(harness: &'h Harness<'_, S>, words: &str) -> Option<&'h TextShape> {
    harness.output().shapes.iter().find_map(|clipped| match &clipped.shape {
        Shape::Text(text) if text.galley.text() == words => Some(text),
        _ => None,
    })
}

/// The job that an effect sends.
pub fn job_of(effect: Effect) -> Option<Job> {
    if let Effect::Send(job) = effect { Some(job) } else { None }
}
