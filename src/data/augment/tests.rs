//! Tests of the augmentations.

use super::*;
use crate::data::seeded::stream;

fn run(augment: Augment, src: &[u8], px: usize, channels: usize, index: u64) -> Vec<f32> {
    let pre = Preprocess { mean: [0.0; 3], std: [1.0 / 255.0; 3], ..Preprocess::new(px as u32, channels as u32) };
    let mut out = vec![0.0; src.len()];
    augment.apply(src, px, channels, &mut stream(1, "test", index), &mut out, &pre);
    out
}

fn picture(px: usize, channels: usize) -> Vec<u8> {
    (0..px * px * channels).map(|i| (i * 37 % 251) as u8).collect()
}

#[test]
fn every_change_has_the_strength_of_its_own_setting() {
    let config = AugmentConfig {
        shift: 0.01,
        scale: 0.02,
        rotate_deg: 90.0,
        colour: 0.04,
        cutout: 0.05,
        ..AugmentConfig::default()
    };
    for flip in [false, true] {
        let rotate_rad = std::f32::consts::FRAC_PI_2;
        let degrade = Degrade::of(&config);
        let expected = Augment { flip, shift: 0.01, scale: 0.02, rotate_rad, colour: 0.04, degrade };
        assert_eq!(Augment::of(&config, flip), expected);
    }
    assert_eq!(Degrade::of(&config).cutout, 0.05);
}

#[test]
fn without_changes_the_result_is_the_plain_normalisation() {
    for channels in [1, 3] {
        let src = picture(16, channels);
        let pre = Preprocess::new(16, channels as u32);
        let (mut changed, mut plain) = (vec![0.0; src.len()], vec![0.0; src.len()]);
        Augment::identity().apply(&src, 16, channels, &mut stream(3, "test", 0), &mut changed, &pre);
        pre.normalise(&src, &mut plain);
        assert_eq!(changed, plain, "bit for bit");
    }
}

#[test]
fn flip_mirrors_about_half_of_the_images_exactly() {
    let src: Vec<u8> = (0..64).map(|i| (i % 8 * 30) as u8).collect();
    let mut mirrored = 0;
    for index in 0..400 {
        let out = run(Augment { flip: true, ..Augment::default() }, &src, 8, 1, index);
        let is_mirrored = (out[0] - 210.0).abs() < 1e-3;
        assert!(is_mirrored || out[0].abs() < 1e-3);
        mirrored += usize::from(is_mirrored);
    }
    // 400 coins: 200 with a deviation of 10.
    assert!((150..250).contains(&mirrored), "{mirrored}");
}

#[test]
fn shift_moves_content_by_at_most_its_share() {
    // One bright column at 16 of 32; a shift of 0.25 moves it by at most 8 pixels, and repeats the dark border.
    let src: Vec<u8> = (0..32 * 32).map(|i| if i % 32 == 16 { 255 } else { 0 }).collect();
    let mut places = std::collections::BTreeSet::new();
    for index in 0..200 {
        let out = run(Augment { shift: 0.25, ..Augment::default() }, &src, 32, 1, index);
        let row: f32 = out[..32].iter().sum();
        let centre = out[..32].iter().enumerate().map(|(x, v)| x as f32 * v).sum::<f32>() / row;
        assert!((row - 255.0).abs() < 0.1 && (centre - 16.0).abs() <= 8.01, "{centre} {row}");
        places.insert(centre.round() as i32);
    }
    assert!(places.len() > 10, "{places:?}");
}

#[test]
fn rotation_and_scale_keep_the_centre_and_a_flat_image() {
    let mut src = vec![100; 33 * 33];
    src[16 * 33 + 16] = 255;
    for index in 0..50 {
        let augment = Augment { scale: 0.2, rotate_rad: 0.5, ..Augment::default() };
        let out = run(augment, &src, 33, 1, index);
        assert!((out[16 * 33 + 16] - 255.0).abs() < 1e-2, "the centre pixel stays");
        assert!(out.iter().all(|&v| (99.99..=255.01).contains(&v)), "no dark border comes in");
    }
}

#[test]
fn colour_keeps_grey_pixels_grey_and_stays_in_range() {
    let src: Vec<u8> = picture(16, 1).iter().flat_map(|&v| [v, v, v]).collect();
    let mut brightest = 0.0_f32;
    for index in 0..100 {
        let out = run(Augment { colour: 0.5, ..Augment::default() }, &src, 16, 3, index);
        let (red, rest) = out.split_at(256);
        assert!(red.iter().zip(rest).all(|(r, g)| (r - g).abs() < 1e-2));
        assert!(out.iter().all(|v| (-0.001..=255.001).contains(v)));
        brightest = brightest.max(out.iter().sum::<f32>() / out.len() as f32);
    }
    let plain = src.iter().map(|&v| f32::from(v)).sum::<f32>() / src.len() as f32;
    assert!(brightest > plain * 1.2);
}

#[test]
fn saturation_moves_colours_towards_and_away_from_grey() {
    let src: Vec<u8> = (0..256).flat_map(|_| [180, 120, 90]).collect();
    let spread = |out: &[f32]| out[0] - out[512];
    let spreads: Vec<f32> =
        (0..100).map(|i| spread(&run(Augment { colour: 0.5, ..Augment::default() }, &src, 16, 3, i))).collect();
    assert!(spreads.iter().any(|&s| s < 70.0) && spreads.iter().any(|&s| s > 110.0), "{spreads:?}");
}

#[test]
fn brightness_contrast_and_saturation_change_by_the_factors_that_were_drawn() {
    let augment = Augment { colour: 0.5, ..Augment::default() };
    let colours = [[180_u8, 120, 90], [60, 90, 120]];
    let src = colours.concat().repeat(128);
    let lightness = |[red, green, blue]: [f32; 3]| 0.299 * red + 0.587 * green + 0.114 * blue;
    let colours = colours.map(|colour| colour.map(f32::from));
    let mean = (lightness(colours[0]) + lightness(colours[1])) / 2.0;
    let mut drawn = [const { Vec::new() }; 3];
    for index in 0..200 {
        let Drawn { brightness, contrast, saturation, .. } = augment.draw(16, &mut stream(1, "test", index));
        let out = run(augment, &src, 16, 3, index);
        for (place, colour) in colours.into_iter().enumerate() {
            let grey = lightness(colour);
            for (channel, value) in colour.into_iter().enumerate() {
                let saturated = grey + saturation * (value - grey);
                let expected = (brightness * (mean + contrast * (saturated - mean))).clamp(0.0, 255.0);
                let found = out[channel * 256 + place];
                assert!((found - expected).abs() < 0.05, "{found} and not {expected}");
            }
        }
        drawn.iter_mut().zip([brightness, contrast, saturation]).for_each(|(all, factor)| all.push(factor));
    }
    for factors in drawn {
        assert!(factors.iter().all(|factor| (0.5..=1.5).contains(factor)), "{factors:?}");
        assert!(
            factors.iter().any(|factor| *factor < 0.6) && factors.iter().any(|factor| *factor > 1.4),
            "{factors:?}"
        );
    }
}

#[test]
fn the_same_stream_gives_the_same_image_and_lengths_that_do_not_fit_are_left_alone() {
    let augment = Augment { flip: true, shift: 0.1, scale: 0.1, rotate_rad: 0.2, colour: 0.3, ..Augment::default() };
    let src = picture(16, 3);
    assert_eq!(run(augment, &src, 16, 3, 5), run(augment, &src, 16, 3, 5));
    assert_ne!(run(augment, &src, 16, 3, 5), run(augment, &src, 16, 3, 6));
    assert_eq!(run(augment, &src, 15, 3, 5), vec![0.0; src.len()]);
}

#[test]
fn images_of_one_and_two_pixels_stay_inside_themselves() {
    let augment = Augment { flip: true, shift: 0.5, scale: 0.5, rotate_rad: 0.5, colour: 0.0, ..Augment::default() };
    for (px, channels) in [(1, 1), (1, 3), (2, 1), (2, 3)] {
        for index in 0..20 {
            let out = run(augment, &vec![200; px * px * channels], px, channels, index);
            assert!(out.iter().all(|v| (v - 200.0).abs() < 1e-2), "{px}, {channels}: {out:?}");
        }
    }
}

#[test]
fn a_network_that_takes_blue_first_gets_it_from_augmented_images_too() {
    let src = picture(8, 3);
    let red = Preprocess { mean: [0.1, 0.2, 0.3], std: [0.5, 0.6, 0.7], ..Preprocess::new(8, 3) };
    let blue = Preprocess { blue_first: true, ..red.clone() };
    let augment = Augment { flip: true, shift: 0.2, colour: 0.3, ..Augment::identity() };
    let changed = |pre: &Preprocess| {
        let mut out = vec![0.0; src.len()];
        augment.apply(&src, 8, 3, &mut stream(5, "test", 1), &mut out, pre);
        out
    };
    let (red, blue) = (changed(&red), changed(&blue));
    assert_eq!(red[..64], blue[128..]);
    assert_eq!(red[64..128], blue[64..128]);
    assert_eq!(red[128..], blue[..64]);
}
