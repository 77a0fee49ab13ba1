//! What tests of any module read: tiny data sets that are drawn, and the public ones where they are at hand.

use super::{ProtocolKind, ProtocolLook, WarningKind, Warnings};
use std::path::{Path, PathBuf};

/// Side of the drawn images in pixels.
const SIDE_PX: u32 = 16;

/// One folder per class below `folder`. Classes are colour patterns, images of one differ in brightness: learnable in a
/// few steps.
pub fn draw_classes(folder: &Path, classes: u8, images: u8) {
    for class in 0..classes {
        let place = folder.join(format!("p{class:02}"));
        std::fs::create_dir_all(&place).unwrap();
        for image in 0..images {
            draw_image(class, image).save(place.join(format!("{image}.png"))).unwrap();
        }
    }
}

/// MNIST-style files in `folder`: an image for each of the labels, in their order.
pub fn draw_idx(folder: &Path, labels: &[u8]) {
    let (count, side) = ((labels.len() as u32).to_be_bytes(), SIDE_PX.to_be_bytes());
    let grey = |(number, label): (usize, &u8)| {
        image::DynamicImage::ImageRgb8(draw_image(*label, (number % 8) as u8)).into_luma8().into_raw()
    };
    let pixels: Vec<u8> = labels.iter().enumerate().flat_map(grey).collect();
    let images = [&[0_u8, 0, 8, 3][..], &count, &side, &side, &pixels].concat();
    std::fs::write(folder.join("train-images-idx3-ubyte"), images).unwrap();
    std::fs::write(folder.join("train-labels-idx1-ubyte"), [&[0_u8, 0, 8, 1][..], &count, labels].concat()).unwrap();
}

/// `count` files of the same pixels and different bytes in one class.
pub fn draw_alike(folder: &Path, count: u8) {
    draw_classes(folder, 1, 1);
    let bytes = std::fs::read(folder.join("p00/0.png")).unwrap();
    for number in 1..count {
        // What follows the end of a PNG is no part of its picture.
        std::fs::write(folder.join(format!("p00/{number}.png")), [&bytes[..], &[number]].concat()).unwrap();
    }
}

/// A file or folder of the public data sets, which are no part of this repository: those in the folder that `ARCLENS_DATA`
/// names, or beside the repository. `None`, with a word, where it is not there.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ARCLENS_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = root.join(name);
    if !path.exists() {
        println!("skipped: {} is not here", path.display());
        return None;
    }
    Some(path)
}

/// What a list as LFW's is, of whose images in `/photos` two are not there.
pub fn look_of_list() -> ProtocolLook {
    let mut warnings = Warnings::default();
    ["Ann/Ann_0001", "Bob/Bob_0007"].into_iter().for_each(|name| warnings.push(WarningKind::MissingPair, name, ""));
    ProtocolLook {
        kind: ProtocolKind::List,
        pairs: 6000,
        genuine: 3000,
        folds: Some(10),
        folder: Some("/photos".into()),
        images: 7699,
        typical_px: Some(250),
        missing: 12,
        complete: 5988,
        warnings,
        obstacle: None,
    }
}

fn draw_image(class: u8, image: u8) -> image::RgbImage {
    image::RgbImage::from_fn(SIDE_PX, SIDE_PX, |x, y| {
        let wave = |k: u32| ((x * (k + 1) + y * (u32::from(class) % 5 + 1)) * 23 % 200) as u8;
        let base = class.wrapping_mul(31);
        image::Rgb([base.wrapping_add(wave(0) / 4), 255 - base, wave(u32::from(class)) / 2 + image * 7])
    })
}
