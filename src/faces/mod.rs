//! Faces to the crops that face networks are trained on: found, turned upright, brought to one place and size.
//!
//! A detector is a file the user has, a YuNet network as ONNX; none comes with the program. Where there is none, five
//! points or two eyes from a list or from clicks do. Without the feature `faces` nothing here can run a detector, and
//! [`Detector::open`] says so.
//!
//! Pixel coordinates are those of OpenCV: x to the right, y down, and a whole number is the *centre* of a pixel. "Left"
//! and "right" are the viewer's.
//!
//! The way of an image: [`Detector::detect`] → [`main_face`] → [`align`]; of a folder: [`align_folder`], then
//! [`HandSpec`] for the images in which nothing was found.

mod align;
#[cfg_attr(not(feature = "faces"), allow(dead_code, reason = "only a network asks for all of it"))]
mod decode;
mod detector;
mod error;
mod face;
mod folder;
#[cfg(feature = "faces")]
mod graph_check;
#[cfg(feature = "faces")]
mod network;
#[cfg(not(feature = "faces"))]
mod no_network;
#[cfg_attr(not(feature = "faces"), allow(dead_code, reason = "only a network asks for all of it"))]
mod picture;
mod similarity;
mod template;
mod warp;

pub use align::{Landmarks, align, centre};
pub use detector::Detector;
pub use error::FaceError;
pub use face::{Face, Point, main_face};
pub use folder::{
    AlignOptions, AlignSpec, Aligned, CropFormat, Finder, FinderFile, FolderImage, FormerRow, HandSpec, LandmarkList,
    RECORD_NAME, align_folder,
};
pub use similarity::Similarity;
pub use template::{CROP_PX, CROP_PX_RANGE, template};

#[cfg(feature = "faces")]
use network::Network;
#[cfg(not(feature = "faces"))]
use no_network::Network;

/// Faces with a lower score are passed over, unless the user says otherwise: YuNet's score is in [0, 1], and faces worth
/// aligning score above 0.8.
pub const MIN_SCORE: f32 = 0.6;

#[cfg(test)]
mod tests;
