//! Finds faces with a YuNet network that the user points to.
//!
//! YuNet: Wu, Peng and Yu, "YuNet: A tiny millisecond-level face detector", 2023; files are published in OpenCV Zoo.

use super::decode::suppress;
use super::picture::Picture;
use super::{Face, FaceError, Network};
use crate::config::read_at_most;
use image::DynamicImage;
use image::imageops::FilterType;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// YuNet files have a quarter of a megabyte; larger files are not read.
const MAX_FILE_BYTES: u64 = 32 << 20;
/// Longer sides at which an image is looked at until a face is found, in pixels: YuNet finds faces of about 10 to 300 px. The
/// first is what it was trained at, the second is for small faces in large photos, the third for faces that fill it.
const LOOKS_PX: [u32; 3] = [640, 1280, 320];
/// Smaller images are looked at at twice their size: the points of small faces are then surer (on ORL, of 92 × 112 pixels, the
/// equal error rate of faces aligned by them falls by half).
const ENLARGED_BELOW_PX: u32 = 256;

/// A detector that is ready to run, on as many threads at once as there are.
#[derive(Debug)]
pub struct Detector {
    network: Network,
    path: PathBuf,
}

impl Detector {
    /// Reads a YuNet network from an ONNX file.
    ///
    /// # Errors
    /// When the file cannot be read or is no YuNet network, or this build has no detector.
    pub fn open(path: &Path) -> Result<Self, FaceError> {
        let reading = |source| FaceError::reading(path, source);
        let not = |reason: String| FaceError::NotADetector { reason, path: path.to_owned() };
        let bytes = read_at_most(path, MAX_FILE_BYTES).map_err(|source| match source.kind() {
            ErrorKind::InvalidInput => not("it is no file".to_owned()),
            ErrorKind::FileTooLarge => not(format!("it has {source}")),
            _ => reading(source),
        })?;
        let network = Network::load(&bytes).map_err(|reason| reason.map_or(FaceError::NotBuilt, not))?;
        Ok(Self { network, path: path.to_owned() })
    }

    /// The file it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The faces of an image with at least `min_score` (in [0, 1]), best first, in pixels of the image.
    ///
    /// The image is looked at with its longer side at 640 px or less (a small one at twice its size); when nothing is found,
    /// also larger and smaller. A
    /// network whose input has one fixed size looks once, at the image made to fit.
    ///
    /// # Errors
    /// When the network stops.
    pub fn detect(&self, image: &DynamicImage, min_score: f32) -> Result<Vec<Face>, FaceError> {
        if let Some(size) = self.network.fixed_size() {
            return self.look(&Picture::filling(image, size), min_score);
        }
        let longest = image.width().max(image.height());
        if longest < ENLARGED_BELOW_PX {
            let twice = image.resize_exact(2 * image.width(), 2 * image.height(), FilterType::CatmullRom);
            let faces = self.look(&Picture::within(&twice, 2 * longest), min_score)?;
            if !faces.is_empty() {
                return Ok(faces.iter().map(|face| face.scaled(0.5, 0.5)).collect());
            }
        }
        let mut seen = None;
        for side in LOOKS_PX {
            let side = side.min(longest);
            if seen == Some(side) {
                continue;
            }
            seen = Some(side);
            let faces = self.look(&Picture::within(image, side), min_score)?;
            if !faces.is_empty() {
                return Ok(faces);
            }
        }
        Ok(Vec::new())
    }

    fn look(&self, picture: &Picture, min_score: f32) -> Result<Vec<Face>, FaceError> {
        let faces = self
            .network
            .run(picture, min_score)
            .map_err(|reason| FaceError::Stopped { reason, path: self.path.clone() })?;
        let [x, y] = picture.scale;
        Ok(suppress(faces).iter().map(|face| face.scaled(x, y)).collect())
    }
}
