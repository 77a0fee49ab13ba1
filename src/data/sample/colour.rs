//! Colours as linear light, the tables a portrait picks from, and the step to 8-bit values.
//!
//! Not a colour-management module. The transfer curve is a square root instead of sRGB's power 2.4: nearly the same
//! picture, and `sqrt` has the same last bit everywhere where `powf` has not.

/// Linear light, red green blue, 0 to 1.
pub(super) type Colour = [f64; 3];

/// The colour of an 8-bit triple such as `0xff8800`.
pub(super) const fn rgb(code: u32) -> Colour {
    let red = ((code >> 16) & 255) as f64 / 255.0;
    let green = ((code >> 8) & 255) as f64 / 255.0;
    let blue = (code & 255) as f64 / 255.0;
    [red * red, green * green, blue * blue]
}

/// `from` at 0, `to` at 1.
pub(super) fn mix(from: Colour, to: Colour, amount: f64) -> Colour {
    std::array::from_fn(|c| from[c] + (to[c] - from[c]) * amount)
}

/// Brightened or darkened by a factor.
pub(super) fn lit(colour: Colour, factor: f64) -> Colour {
    colour.map(|value| value * factor)
}

/// The first entry of a table at 0, the last at 1, mixed from two neighbours in between.
pub(super) fn ramp(table: &[Colour], position: f64) -> Colour {
    let last = table.len().saturating_sub(1);
    let scaled = position.clamp(0.0, 1.0) * last as f64;
    let low = (scaled.floor() as usize).min(last);
    let high = (low + 1).min(last);
    match (table.get(low), table.get(high)) {
        (Some(&from), Some(&to)) => mix(from, to, scaled - low as f64),
        _ => [0.0; 3],
    }
}

/// An entry of a table, counted round.
pub(super) fn pick(table: &[Colour], index: u32) -> Colour {
    table.get(index as usize % table.len().max(1)).copied().unwrap_or([0.0; 3])
}

/// The 8-bit value of linear light, rounded to nearest.
pub(super) fn encode(linear: f64) -> u8 {
    (linear.clamp(0.0, 1.0).sqrt() * 255.0 + 0.5).floor() as u8
}

/// Skin from light to dark.
pub(super) const SKIN: [Colour; 7] = [
    rgb(0x00ff_e2d0),
    rgb(0x00fb_cba8),
    rgb(0x00ef_b384),
    rgb(0x00d8_945f),
    rgb(0x00b0_6d40),
    rgb(0x0085_4b2b),
    rgb(0x0058_3020),
];

/// Hair, natural first; the bright ones keep a few dozen people apart at 32 pixels.
pub(super) const HAIR: [Colour; 12] = [
    rgb(0x001d_1a20),
    rgb(0x0046_2a1c),
    rgb(0x007d_4a24),
    rgb(0x00b8_5a1e),
    rgb(0x00f0_c24e),
    rgb(0x00f5_ead0),
    rgb(0x0097_9aa4),
    rgb(0x00d4_3c34),
    rgb(0x001f_7f86),
    rgb(0x00f0_7fae),
    rgb(0x006b_4bc0),
    rgb(0x002f_5fc8),
];

/// Irises.
pub(super) const IRIS: [Colour; 6] =
    [rgb(0x003a_2214), rgb(0x0090_5a20), rgb(0x0035_8a4a), rgb(0x002b_7fd0), rgb(0x0078_8a98), rgb(0x001f_a6a6)];

/// Spectacle frames.
pub(super) const FRAME: [Colour; 4] = [rgb(0x0020_2024), rgb(0x00b0_2a30), rgb(0x00d8_a630), rgb(0x0025_5aa8)];

/// Backgrounds and cloth: the colours that must say nothing about who it is.
pub(super) const SCENERY: [Colour; 14] = [
    rgb(0x00f7_f1e3),
    rgb(0x00ff_c857),
    rgb(0x00f2_7a54),
    rgb(0x00d6_4550),
    rgb(0x00f5_a8b8),
    rgb(0x008e_6bbf),
    rgb(0x003f_4f9e),
    rgb(0x0057_a5de),
    rgb(0x009a_dcd6),
    rgb(0x003c_9d7a),
    rgb(0x00a5_c95a),
    rgb(0x0058_6470),
    rgb(0x0028_2c38),
    rgb(0x00c8_b89a),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_inverts_the_colour_code() {
        for value in 0..=255_u32 {
            assert_eq!(u32::from(encode(rgb(value)[2])), value);
        }
    }

    #[test]
    fn ramp_meets_its_table_at_both_ends() {
        assert_eq!(ramp(&SKIN, -1.0).map(encode), SKIN[0].map(encode));
        assert_eq!(ramp(&SKIN, 2.0).map(encode), SKIN[6].map(encode));
    }
}
