//! Tests of what makes an image worse: each strength against a number that is known of it.

use super::*;

const PX: usize = 24;

fn picture(channels: usize) -> Vec<u8> {
    (0..PX * PX * channels).map(|i| 40 + (i * 37 % 180) as u8).collect()
}

fn changed(degrade: Degrade, channels: usize, seed: u64) -> Option<Vec<u8>> {
    degrade.apply(&picture(channels), PX, channels, &mut seeded::stream(seed, "test", 0))
}

#[test]
fn every_change_has_the_chance_and_the_strength_of_its_own_setting() {
    let config = AugmentConfig {
        crop: 0.01,
        crop_smallest: 0.02,
        low_resolution: 0.03,
        low_resolution_smallest: 0.04,
        blur: 0.05,
        blur_largest: 0.06,
        grey: 0.07,
        hue_deg: 8.0,
        jpeg: 0.09,
        jpeg_lowest: 10,
        cutout: 0.11,
        cutout_largest: 0.12,
        ..AugmentConfig::default()
    };
    let expected = Degrade {
        crop: 0.01,
        crop_smallest: 0.02,
        low_resolution: 0.03,
        low_resolution_smallest: 0.04,
        blur: 0.05,
        blur_largest: 0.06,
        grey: 0.07,
        hue_deg: 8.0,
        jpeg: 0.09,
        jpeg_lowest: 10.0,
        cutout: 0.11,
        cutout_largest: 0.12,
    };
    assert_eq!(Degrade::of(&config), expected);
}

#[test]
fn nothing_is_changed_and_nothing_copied_when_all_is_off() {
    assert_eq!(changed(Degrade::default(), 3, 1), None);
}

#[test]
fn every_change_changes_and_keeps_the_size() {
    let none = Degrade::default();
    for (name, degrade) in [
        ("crop", Degrade { crop: 1.0, crop_smallest: 0.2, ..none }),
        ("low resolution", Degrade { low_resolution: 1.0, low_resolution_smallest: 0.2, ..none }),
        ("blur", Degrade { blur: 1.0, blur_largest: 0.2, ..none }),
        ("grey", Degrade { grey: 1.0, ..none }),
        ("hue", Degrade { hue_deg: 90.0, ..none }),
        ("jpeg", Degrade { jpeg: 1.0, jpeg_lowest: 2.0, ..none }),
        ("cutout", Degrade { cutout: 1.0, cutout_largest: 0.8, ..none }),
    ] {
        for channels in [1, 3] {
            let changed = (1..6).filter_map(|seed| changed(degrade, channels, seed)).collect::<Vec<_>>();
            assert!(changed.iter().all(|image| image.len() == PX * PX * channels), "{name}");
            let colours_only = channels == 1 && matches!(name, "grey" | "hue");
            let differs = changed.iter().any(|image| *image != picture(channels));
            assert_eq!(differs, !colours_only, "{name}, {channels} channels");
        }
    }
}

#[test]
fn a_crop_leaves_a_rectangle_of_the_image_and_black_around_it() {
    let degrade = Degrade { crop: 1.0, crop_smallest: 0.3, ..Degrade::default() };
    for seed in 1..20 {
        let image = changed(degrade, 1, seed).expect("a crop");
        let kept = image.iter().zip(picture(1)).filter(|(found, _)| **found != 0);
        let share = kept.clone().count() as f32 / image.len() as f32;
        assert!((0.25..=1.0).contains(&share), "{share}");
        assert!(kept.into_iter().all(|(found, original)| *found == original));
    }
}

#[test]
fn a_chance_is_a_chance_and_switching_one_on_leaves_the_others() {
    let half = Degrade { grey: 0.5, ..Degrade::default() };
    let hits = (0..400).filter(|seed| changed(half, 3, *seed).is_some()).count();
    assert!((150..250).contains(&hits), "{hits}");
    let drawn = |degrade: Degrade| degrade.draw(24, &mut seeded::stream(3, "test", 0));
    let (alone, both) = (
        drawn(Degrade { cutout: 1.0, cutout_largest: 0.5, ..Degrade::default() }),
        drawn(Degrade { cutout: 1.0, cutout_largest: 0.5, jpeg: 1.0, crop: 1.0, ..Degrade::default() }),
    );
    assert_eq!(alone.cutout, both.cutout);
}

#[test]
fn bytes_that_are_no_image_are_left_alone() {
    let degrade = Degrade { cutout: 1.0, cutout_largest: 0.5, ..Degrade::default() };
    let rng = &mut seeded::stream(1, "test", 0);
    assert_eq!(degrade.apply(&[1, 2, 3], 24, 3, rng), None);
    assert_eq!(degrade.apply(&[], 0, 1, rng), None);
    assert_eq!(degrade.apply(&[0; 8], 2, 2, rng), None);
}

/// What is drawn with a seed, and what that makes of an image.
fn drawn_and_changed(degrade: Degrade, pixels: &[u8], channels: usize, seed: u64) -> (Drawn, Vec<u8>) {
    let px = (pixels.len() / channels).isqrt();
    let rng = || seeded::stream(seed, "test", 0);
    let image = degrade.apply(pixels, px, channels, &mut rng()).unwrap_or_else(|| pixels.to_vec());
    (degrade.draw(px as u32, &mut rng()), image)
}

/// An image whose rows are all the same.
fn rows(px: usize, value: impl Fn(usize) -> u8) -> Vec<u8> {
    (0..px * px).map(|place| value(place % px)).collect()
}

/// A row in the middle of such an image.
fn middle_row(image: &[u8]) -> Vec<f32> {
    let px = image.len().isqrt();
    image[px / 2 * px..][..px].iter().map(|&value| f32::from(value)).collect()
}

#[test]
fn without_a_chance_or_of_no_strength_every_change_leaves_the_image_bit_for_bit() {
    let off = Degrade {
        crop_smallest: 0.05,
        low_resolution_smallest: 0.02,
        blur_largest: 0.3,
        jpeg_lowest: 1.0,
        cutout_largest: 1.0,
        ..Degrade::default()
    };
    let weakest = Degrade { low_resolution: 1.0, low_resolution_smallest: 1.0, blur: 1.0, ..Degrade::default() };
    for seed in 1..50 {
        assert_eq!(changed(off, 3, seed), None);
        assert_eq!(changed(weakest, 3, seed), Some(picture(3)));
    }
}

#[test]
fn a_blur_has_the_standard_deviation_that_was_drawn_for_it() {
    const SIDE: usize = 64;
    let degrade = Degrade { blur: 1.0, blur_largest: 0.06, ..Degrade::default() };
    let edge = rows(SIDE, |x| if x < SIDE / 2 { 0 } else { 255 });
    let mut widest = 0.0_f32;
    for seed in 1..200 {
        let (drawn, image) = drawn_and_changed(degrade, &edge, 1, seed);
        let Some(deviation) = drawn.blur_px else { continue };
        widest = widest.max(deviation);
        // The kernel ends at two deviations of the narrow ones, which are a few pixels wide.
        if deviation < 1.5 {
            continue;
        }
        let steps: Vec<f32> = middle_row(&image).windows(2).map(|pair| pair[1] - pair[0]).collect();
        let moment = |power: i32, about: f32| {
            let weighed = steps.iter().enumerate().map(|(x, step)| (x as f32 - about).powi(power) * step);
            weighed.sum::<f32>() / steps.iter().sum::<f32>()
        };
        let found = moment(2, moment(1, 0.0)).sqrt();
        assert!((0.9..1.05).contains(&(found / deviation)), "{found} px for {deviation}");
    }
    assert!((0.9..=1.0).contains(&(widest / (0.06 * SIDE as f32))), "{widest}");
}

#[test]
fn a_low_resolution_leaves_what_its_pixels_can_show() {
    const SIDE: usize = 64;
    let degrade = Degrade { low_resolution: 1.0, low_resolution_smallest: 0.25, ..Degrade::default() };
    let stripes = rows(SIDE, |x| if x % 2 == 0 { 0 } else { 255 });
    let phase = |x: usize| std::f32::consts::TAU * x as f32 / SIDE as f32;
    let wave = rows(SIDE, |x| (128.0 + 100.0 * phase(x).sin()) as u8);
    let mut smallest = u32::MAX;
    for seed in 1..200 {
        let (drawn, image) = drawn_and_changed(degrade, &stripes, 1, seed);
        let (side, down, up) = drawn.small_side.unwrap();
        smallest = smallest.min(side);
        let row = middle_row(&image);
        if up == FilterType::Nearest {
            let places = row.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!(places < side as usize, "{places} places in {side} pixels");
        }
        if down != FilterType::Nearest && side as usize <= SIDE / 2 {
            let signs = [1.0_f32, -1.0].into_iter().cycle();
            let left = row.iter().zip(signs).map(|(value, sign)| value * sign).sum::<f32>() / SIDE as f32;
            assert!(left.abs() < 0.15 * 127.5, "stripes of {left} in {side} pixels, {down:?}");
        }
        let broad = middle_row(&drawn_and_changed(degrade, &wave, 1, seed).1);
        let left = broad.iter().enumerate().map(|(x, value)| value * phase(x).sin()).sum::<f32>() * 2.0 / SIDE as f32;
        assert!((85.0..110.0).contains(&left), "a wave of {left} in {side} pixels, {down:?}, {up:?}");
    }
    assert!((16..=20).contains(&smallest), "{smallest}");
}

#[test]
fn grey_is_the_lightness_of_rec_601() {
    let degrade = Degrade { grey: 1.0, ..Degrade::default() };
    let image = changed(degrade, 3, 1).unwrap();
    for (found, original) in image.chunks(3).zip(picture(3).chunks(3)) {
        let [red, green, blue] = [0, 1, 2].map(|channel| f32::from(original[channel]));
        let lightness = 0.299 * red + 0.587 * green + 0.114 * blue;
        assert!(found.iter().all(|&value| (f32::from(value) - lightness).abs() < 0.51), "{found:?} of {original:?}");
    }
}

#[test]
fn hues_turn_by_the_angle_that_was_drawn_and_greys_stay() {
    let degrade = Degrade { hue_deg: 150.0, ..Degrade::default() };
    let (red, grey) = ([200_u8, 0, 0].repeat(64), [90_u8; 3].repeat(64));
    let mut angles = Vec::new();
    for seed in 1..200 {
        let (drawn, image) = drawn_and_changed(degrade, &red, 3, seed);
        // The `hueRotate` of SVG (W3C Filter Effects, 9.6.2), which keeps the lightness of Rec. 709.
        let (sin, cos) = (drawn.hue_deg as f32).to_radians().sin_cos();
        let shares =
            [0.213 + 0.787 * cos - 0.213 * sin, 0.213 - 0.213 * cos + 0.143 * sin, 0.213 - 0.213 * cos - 0.787 * sin];
        for (found, share) in image.iter().zip(shares) {
            let expected = (200.0 * share).clamp(0.0, 255.0);
            assert!((f32::from(*found) - expected).abs() < 1.1, "{}°: {:?}", drawn.hue_deg, &image[..3]);
        }
        if (110..=130).contains(&drawn.hue_deg) {
            assert!(image[1] > 80 && image[0] == 0 && image[2] == 0, "a third of a turn is green: {:?}", &image[..3]);
        }
        let still = drawn_and_changed(degrade, &grey, 3, seed).1;
        assert!(still.iter().all(|value| value.abs_diff(90) <= 1), "{:?}", &still[..3]);
        angles.push(drawn.hue_deg);
    }
    let (least, most) = (angles.iter().min().unwrap(), angles.iter().max().unwrap());
    assert!((-150..-130).contains(least) && (131..=150).contains(most), "{least}° to {most}°");
}

#[test]
fn a_jpeg_is_rounded_as_its_quality_says() {
    let degrade = Degrade { jpeg: 1.0, jpeg_lowest: 2.0, ..Degrade::default() };
    let mut of_picture = Vec::new();
    for seed in 1..200 {
        let value = (40 + seed * 7 % 180) as u8;
        let (drawn, image) = drawn_and_changed(degrade, &[value; PX * PX], 1, seed);
        let quality = drawn.jpeg_quality.unwrap();
        // A flat block has one number, 8 · (value − 128), in whole steps of the table's first entry (ITU T.81, K.1), scaled as
        // libjpeg scales it.
        let scale = if quality < 50 { 5000 / u32::from(quality) } else { 200 - 2 * u32::from(quality) };
        let step = ((16 * scale + 50) / 100).clamp(1, 255) as f32;
        let steps = 8.0 * (f32::from(value) - 128.0) / step;
        // Half a step may be rounded either way.
        if (steps.fract().abs() - 0.5).abs() > 0.02 {
            let expected = 128.0 + steps.round() * step / 8.0;
            let is_near = |found: &u8| (f32::from(*found) - expected).abs() <= 1.0;
            assert!(image.iter().all(is_near), "{value} at {quality}: {} and not {expected}", image[0]);
        }
        let noisy = changed(degrade, 3, seed).unwrap();
        let lost: u64 = noisy.iter().zip(picture(3)).map(|(found, original)| u64::from(found.abs_diff(original))).sum();
        of_picture.push((quality, lost));
    }
    let (worst, best) = (of_picture.iter().min().unwrap(), of_picture.iter().max().unwrap());
    assert!((2..10).contains(&worst.0) && (88..=95).contains(&best.0), "{worst:?} {best:?}");
    assert!(worst.1 > 2 * best.1, "{worst:?} {best:?}");
}

#[test]
fn a_cutout_is_a_black_square_of_the_side_that_was_drawn_and_nothing_else() {
    let degrade = Degrade { cutout: 1.0, cutout_largest: 0.5, ..Degrade::default() };
    let mut largest = 0;
    for seed in 1..200 {
        for channels in [1, 3] {
            let original = picture(channels);
            let (drawn, image) = drawn_and_changed(degrade, &original, channels, seed);
            let [left, top, width, height] = drawn.cutout.unwrap().map(|px| px as usize);
            assert_eq!(width, height);
            let black = image.iter().filter(|value| **value == 0).count();
            assert_eq!(black, width * height * channels, "the picture has no black of its own");
            for (place, (found, original)) in image.iter().zip(&original).enumerate() {
                let (x, y) = (place / channels % PX, place / channels / PX);
                let is_in = (left..left + width).contains(&x) && (top..top + height).contains(&y);
                assert_eq!(*found, if is_in { 0 } else { *original });
            }
            largest = largest.max(width);
        }
    }
    assert!((11..=PX / 2).contains(&largest), "{largest}");
}
