//! Small pictures for the window, decoded off its thread.
//!
//! Asking is never refused with an error: a full queue simply means "ask again next frame", and only pictures still
//! wanted are asked for again, so scrolling fast through ten thousand images decodes what is on screen.

use crate::data::{Augment, Catalog, Preprocess, Thumb, fit, thumbnail};
use crate::worker::protocol::ImageSource;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};

/// Pictures waiting to be decoded; about two screens.
const QUEUE: usize = 256;
/// Decoding threads: decoding is bursty and training wants the cores.
const THREADS: usize = 2;

/// What picture is wanted.
#[derive(Clone, Debug)]
pub enum ThumbWork {
    /// An image of a data set, longest side `px`.
    Item(Arc<Catalog>, u32),
    /// The same as the network sees it after a random change.
    Augmented {
        /// The data set.
        catalog: Arc<Catalog>,
        /// The image.
        item: u32,
        /// Which random change.
        variant: u64,
        /// How strong.
        augment: Augment,
        /// Size and channels.
        preprocess: Preprocess,
    },
    /// A file or a pasted picture.
    Source(ImageSource),
}

/// A request with the number the answer will carry.
#[derive(Clone, Debug)]
pub struct ThumbRequest {
    /// Chosen by the asker.
    pub key: u64,
    /// Longest side in pixels.
    pub px: u32,
    /// What.
    pub work: ThumbWork,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct ThumbReply {
    /// The asker's number.
    pub key: u64,
    /// The picture, or one sentence why there is none.
    pub thumb: Result<Thumb, String>,
}

/// The asker's end.
#[derive(Debug)]
pub struct Thumbs {
    send: SyncSender<ThumbRequest>,
    receive: Receiver<ThumbReply>,
}

impl Thumbs {
    /// Starts the decoding threads; `wake` is called after every picture.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(wake: Arc<dyn Fn() + Send + Sync>) -> std::io::Result<Self> {
        let (send, requests) = sync_channel::<ThumbRequest>(QUEUE);
        let (replies, receive) = sync_channel::<ThumbReply>(QUEUE);
        let requests = Arc::new(Mutex::new(requests));
        for index in 0..THREADS {
            let (requests, replies, wake) = (Arc::clone(&requests), replies.clone(), Arc::clone(&wake));
            std::thread::Builder::new().name(format!("thumbs-{index}")).spawn(move || {
                loop {
                    let next = requests.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(request) = next else { return };
                    let reply = ThumbReply { key: request.key, thumb: make_thumb(&request) };
                    if replies.send(reply).is_err() {
                        return;
                    }
                    wake();
                }
            })?;
        }
        Ok(Self { send, receive })
    }

    /// Asks for a picture; `false` when the queue is full.
    pub fn request(&self, request: ThumbRequest) -> bool {
        match self.send.try_send(request) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }

    /// A picture that is ready.
    pub fn poll(&self) -> Option<ThumbReply> {
        self.receive.try_recv().ok()
    }
}

/// Decodes at once, on the caller's thread (tests, and the decoding threads themselves).
///
/// # Errors
/// One sentence when the image cannot be read; a decoder's panic counts as unreadable.
pub fn make_thumb(request: &ThumbRequest) -> Result<Thumb, String> {
    let work = std::panic::AssertUnwindSafe(|| decode(request));
    std::panic::catch_unwind(work).unwrap_or_else(|_| Err("the image decoder stopped on this file".to_owned()))
}

fn decode(request: &ThumbRequest) -> Result<Thumb, String> {
    match &request.work {
        ThumbWork::Item(catalog, item) => {
            let image = catalog.load(*item as usize).map_err(|error| error.to_string())?;
            Ok(thumbnail(&image, request.px))
        }
        ThumbWork::Source(source) => {
            let image = super::source::load(source).map_err(|error| error.to_string())?;
            Ok(thumbnail(&image, request.px))
        }
        ThumbWork::Augmented { catalog, item, variant, augment, preprocess } => {
            let image = catalog.load(*item as usize).map_err(|error| error.to_string())?;
            Ok(augmented(&fit(&image, preprocess), *variant, augment, preprocess))
        }
    }
}

fn augmented(source: &[u8], variant: u64, augment: &Augment, preprocess: &Preprocess) -> Thumb {
    let (px, channels) = (preprocess.image_px as usize, preprocess.channels as usize);
    let mut planes = vec![0f32; px * px * channels];
    let mut rng = ChaCha8Rng::seed_from_u64(variant);
    augment.apply(source, px, channels, &mut rng, &mut planes, preprocess);
    plane_thumb(&planes, preprocess)
}

/// Turns a network input (channels × side × side, normalised) back into a picture.
pub fn plane_thumb(planes: &[f32], preprocess: &Preprocess) -> Thumb {
    let (px, channels) = (preprocess.image_px as usize, preprocess.channels as usize);
    let area = px * px;
    let byte = |channel: usize, at: usize| {
        let channel = channel.min(channels.saturating_sub(1));
        let value = planes.get(channel * area + at).copied().unwrap_or(0.0);
        let value = value * preprocess.std[channel] + preprocess.mean[channel];
        (value * 255.0).round().clamp(0.0, 255.0) as u8
    };
    let rgba = (0..area).flat_map(|at| [byte(0, at), byte(1, at), byte(2, at), 255]).collect();
    Thumb { width: preprocess.image_px, height: preprocess.image_px, rgba }
}
