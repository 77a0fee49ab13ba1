//! Tiny data sets for tests.

use std::path::Path;

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

fn draw_image(class: u8, image: u8) -> image::RgbImage {
    image::RgbImage::from_fn(SIDE_PX, SIDE_PX, |x, y| {
        let wave = |k: u32| ((x * (k + 1) + y * (u32::from(class) % 5 + 1)) * 23 % 200) as u8;
        let base = class.wrapping_mul(31);
        image::Rgb([base.wrapping_add(wave(0) / 4), 255 - base, wave(u32::from(class)) / 2 + image * 7])
    })
}
