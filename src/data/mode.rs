//! How the colours of an image are stored, as far as its first bytes say. Every image is decoded to 8 bits, grey or RGB;
//! whether a mixture does harm is for the data doctor to judge.

use image::{ColorType, ExtendedColorType};
use std::fmt;

/// What the numbers of a pixel stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Colours {
    /// Brightness.
    Grey,
    /// Red, green and blue, or what is turned into them without a loss that matters.
    Rgb,
    /// A place in a table of at most 256 colours.
    Palette,
    /// The inks of a printer.
    Cmyk,
}

/// How an image is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode {
    /// What the numbers stand for.
    pub colours: Colours,
    /// There is a channel for transparency, which may be opaque everywhere. Unknown of GIF files, where it is `false`.
    pub has_alpha: bool,
    /// More than 8 bits per channel.
    pub is_deep: bool,
}

impl Mode {
    /// 8 bits of brightness.
    pub const GREY: Self = Self::of_colours(Colours::Grey);
    /// 8 bits each of red, green and blue.
    pub const RGB: Self = Self::of_colours(Colours::Rgb);

    /// 8 bits without transparency.
    pub(super) const fn of_colours(colours: Colours) -> Self {
        Self { colours, has_alpha: false, is_deep: false }
    }

    /// What a decoder says: the type of its pixels, and that of the file.
    pub(super) fn of_types(decoded: ColorType, stored: ExtendedColorType) -> Self {
        let colours = match stored {
            ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16 => Colours::Cmyk,
            _ if decoded.has_color() => Colours::Rgb,
            _ => Colours::Grey,
        };
        let channels = u16::from(decoded.channel_count().max(1));
        Self { colours, has_alpha: decoded.has_alpha(), is_deep: decoded.bits_per_pixel() > 8 * channels }
    }

    /// As it is seen beside others: what comes out of a table of colours is like any other colour.
    pub(super) fn as_seen(self) -> Self {
        match self.colours {
            Colours::Palette => Self { colours: Colours::Rgb, ..self },
            _ => self,
        }
    }

    /// Stored without colour.
    pub fn is_grey(self) -> bool {
        self.colours == Colours::Grey
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.colours {
            Colours::Grey => "grey",
            Colours::Rgb => "colour",
            Colours::Palette => "palette",
            Colours::Cmyk => "CMYK",
        })?;
        if self.is_deep {
            f.write_str(" of more than 8 bits")?;
        }
        if self.has_alpha {
            f.write_str(" with transparency")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_what_the_decoder_says_in_plain_words() {
        let words = |decoded: ColorType, stored| Mode::of_types(decoded, stored).to_string();
        assert_eq!(Mode::of_types(ColorType::L8, ExtendedColorType::L1), Mode::GREY);
        assert_eq!(Mode::of_types(ColorType::Rgb8, ExtendedColorType::Rgb8), Mode::RGB);
        assert_eq!(words(ColorType::L16, ExtendedColorType::L16), "grey of more than 8 bits");
        assert_eq!(words(ColorType::La8, ExtendedColorType::La8), "grey with transparency");
        assert_eq!(words(ColorType::Rgba16, ExtendedColorType::Rgba16), "colour of more than 8 bits with transparency");
        assert_eq!(words(ColorType::Rgb8, ExtendedColorType::Cmyk8), "CMYK");
        assert!(Mode::of_types(ColorType::La16, ExtendedColorType::La16).is_grey());
        assert!(!Mode::of_colours(Colours::Palette).is_grey());
        assert_eq!(Mode::of_colours(Colours::Palette).as_seen(), Mode::RGB);
        assert_eq!(Mode::GREY.as_seen(), Mode::GREY);
    }
}
