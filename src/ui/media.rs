//! Pictures as textures: asked for by what they show, decoded elsewhere, kept in a bounded cache.
//!
//! `None` means "not yet": draw a quiet placeholder and ask again next frame. Requests are collected while a frame is
//! drawn and handed over afterwards ([`Media::exchange`]), so no panel holds a channel and a picture that scrolled
//! away before it was sent is never decoded.

use crate::app::OpenData;
use crate::data::{Augment, Catalog, Preprocess, Thumb};
use crate::worker::protocol::ImageSource;
use crate::worker::{ThumbRequest, ThumbWork, Thumbs, make_thumb};
use eframe::egui::{ColorImage, Context, TextureHandle, TextureOptions};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

/// Textures kept; the least recently drawn go first.
const LIMIT: usize = 600;
/// Textures uploaded per frame: more would be felt as a stutter.
const UPLOADS_PER_FRAME: usize = 32;

/// A random change of an image of a data set.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The image.
    pub item: u32,
    /// Which of the random changes; the same number is always the same change.
    pub number: u64,
    /// Which changes, where those of the settings differ.
    pub name: &'static str,
    /// The changes.
    pub augment: Augment,
}

enum Slot {
    Asked,
    Ready(TextureHandle),
    Failed(String),
}

impl Slot {
    fn of(ctx: &Context, key: u64, thumb: Result<Thumb, String>) -> Self {
        match thumb {
            Ok(thumb) => Self::Ready(upload(ctx, key, &thumb)),
            Err(reason) => Self::Failed(reason),
        }
    }

    fn answer(&self) -> Option<Result<TextureHandle, String>> {
        match self {
            Self::Asked => None,
            Self::Ready(texture) => Some(Ok(texture.clone())),
            Self::Failed(reason) => Some(Err(reason.clone())),
        }
    }
}

struct Entry {
    slot: Slot,
    last_use: u64,
}

/// The cache.
#[derive(Default)]
pub struct Media {
    blocking: bool,
    entries: HashMap<u64, Entry>,
    wanted: Vec<ThumbRequest>,
    frame: u64,
}

impl std::fmt::Debug for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Media").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl Media {
    /// A cache filled by the decoding threads.
    pub fn new() -> Self {
        Self::default()
    }

    /// A cache that decodes at once, for tests and screenshots: the same picture every time.
    pub fn blocking() -> Self {
        Self { blocking: true, ..Self::default() }
    }

    /// Image `item` of a data set, longest side `px`. `None` while it is loading or when it cannot be read.
    pub fn item(&mut self, ctx: &Context, catalog: &Arc<Catalog>, item: u32, px: u32) -> Option<TextureHandle> {
        let key = key(&("item", &catalog.fingerprint, &catalog.root, item, px));
        self.get(ctx, key, px, || ThumbWork::Item(Arc::clone(catalog), item))?.ok()
    }

    /// An image as the network sees it after a random change.
    pub fn augmented(&mut self, ctx: &Context, data: &OpenData, variant: Variant) -> Option<TextureHandle> {
        let resolved = data.resolved.as_ref().ok()?;
        let Variant { item, number, name, augment } = variant;
        let catalog = (&data.catalog.fingerprint, &data.catalog.root);
        let key = key(&("augmented", catalog, item, number, name, data.revision));
        let px = resolved.image_px;
        self.get(ctx, key, px, || ThumbWork::Augmented {
            catalog: Arc::clone(&data.catalog),
            item,
            variant: number,
            augment,
            preprocess: Preprocess::new(px, resolved.channels),
        })?
        .ok()
    }

    /// A file, a pasted picture or an image of a data set, longest side `px`; the error is one sentence.
    pub fn source(&mut self, ctx: &Context, source: &ImageSource, px: u32) -> Option<Result<TextureHandle, String>> {
        let key = source_key(source, px);
        self.get(ctx, key, px, || ThumbWork::Source(source.clone()))
    }

    /// Pixels that are already there; `name` must change when they do.
    pub fn pixels(&mut self, ctx: &Context, name: impl Hash, thumb: &Thumb) -> TextureHandle {
        let key = key(&("given", name, thumb.width, thumb.height));
        if let Some(Entry { slot: Slot::Ready(texture), last_use }) = self.entries.get_mut(&key) {
            *last_use = self.frame;
            return texture.clone();
        }
        let texture = upload(ctx, key, thumb);
        self.insert(key, Slot::Ready(texture.clone()));
        texture
    }

    /// Takes pictures that are ready and asks for those wanted since the last call; once per frame.
    pub fn exchange(&mut self, ctx: &Context, thumbs: &Thumbs) {
        self.frame += 1;
        for _ in 0..UPLOADS_PER_FRAME {
            let Some(reply) = thumbs.poll() else { break };
            self.insert(reply.key, Slot::of(ctx, reply.key, reply.thumb));
            // A full batch may have left some behind; the wake-up for those is already spent.
            ctx.request_repaint();
        }
        let mut waiting = false;
        for request in std::mem::take(&mut self.wanted) {
            let key = request.key;
            if thumbs.request(request) {
                self.insert(key, Slot::Asked);
            } else {
                waiting = true;
            }
        }
        if waiting {
            ctx.request_repaint_after_secs(0.05);
        }
    }

    fn get(
        &mut self,
        ctx: &Context,
        key: u64,
        px: u32,
        work: impl FnOnce() -> ThumbWork,
    ) -> Option<Result<TextureHandle, String>> {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.last_use = self.frame;
            return entry.slot.answer();
        }
        let request = ThumbRequest { key, px, work: work() };
        if !self.blocking {
            // Drawn twice in one frame is still one picture.
            if !self.wanted.iter().any(|wanted| wanted.key == key) {
                self.wanted.push(request);
            }
            return None;
        }
        let slot = Slot::of(ctx, key, make_thumb(&request));
        let answer = slot.answer();
        self.insert(key, slot);
        answer
    }

    fn insert(&mut self, key: u64, slot: Slot) {
        self.entries.insert(key, Entry { slot, last_use: self.frame });
        if self.entries.len() > LIMIT {
            let oldest = self.entries.iter().min_by_key(|(key, entry)| (entry.last_use, **key)).map(|(key, _)| *key);
            oldest.map(|key| self.entries.remove(&key));
        }
    }
}

fn upload(ctx: &Context, key: u64, thumb: &Thumb) -> TextureHandle {
    let size = [thumb.width as usize, thumb.height as usize];
    let complete = thumb.rgba.len() == size[0] * size[1] * 4;
    let image = if complete { ColorImage::from_rgba_unmultiplied(size, &thumb.rgba) } else { ColorImage::default() };
    // Small network inputs are shown enlarged: hard pixels say so more honestly than a blur.
    let options = if size[0].max(size[1]) <= 64 {
        TextureOptions { magnification: eframe::egui::TextureFilter::Nearest, ..TextureOptions::LINEAR }
    } else {
        TextureOptions::LINEAR
    };
    ctx.load_texture(format!("media {key:x}"), image, options)
}

fn source_key(source: &ImageSource, px: u32) -> u64 {
    match source {
        ImageSource::File(path) => key(&("file", path, px)),
        ImageSource::Pixels { width, height, rgba } => key(&("pixels", width, height, rgba.as_ptr() as usize, px)),
        ImageSource::Item(catalog, item) => key(&("item", &catalog.fingerprint, &catalog.root, item, px)),
        ImageSource::Aligned { of, landmarks, size_px } => {
            let points: Vec<u64> = landmarks.points().as_flattened().iter().map(|value| value.to_bits()).collect();
            key(&("aligned", source_key(of, px), points, size_px))
        }
    }
}

fn key(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(byte: u8) -> Thumb {
        Thumb { width: 2, height: 2, rgba: vec![byte; 16] }
    }

    #[test]
    fn given_pixels_are_uploaded_once_per_name() {
        let ctx = Context::default();
        let mut media = Media::blocking();
        let first = media.pixels(&ctx, "a", &picture(1));
        assert_eq!(first.id(), media.pixels(&ctx, "a", &picture(1)).id());
        assert_ne!(first.id(), media.pixels(&ctx, "b", &picture(1)).id());
    }

    #[test]
    fn the_cache_is_bounded_and_forgets_the_least_recently_drawn() {
        let ctx = Context::default();
        let mut media = Media::blocking();
        for index in 0..LIMIT + 50 {
            media.frame += 1;
            let _texture = media.pixels(&ctx, index, &picture(1));
            let _texture = media.pixels(&ctx, 0_usize, &picture(1));
        }
        assert_eq!(media.entries.len(), LIMIT);
        let kept = key(&("given", 0_usize, 2_u32, 2_u32));
        assert!(media.entries.contains_key(&kept));
    }

    #[test]
    fn a_missing_file_becomes_one_sentence_and_is_not_asked_for_again() {
        let ctx = Context::default();
        let mut media = Media::blocking();
        let source = ImageSource::File("does/not/exist.png".into());
        for _ in 0..2 {
            let reason = media.source(&ctx, &source, 64).and_then(Result::err).unwrap_or_default();
            assert!(reason.contains("exist.png"), "{reason}");
        }
    }
}
