//! Who somebody is: the vector of facial geometry and colours that all portraits of one identity share.
//!
//! Not for anything that changes from picture to picture (see `variation`), cloth and background included. Every
//! attribute is dealt from a shuffled block of slots (`random::stratum`) and then jittered inside its slot, so that
//! neighbours in number are far apart in looks. Faces are left-right symmetric but for a mole and a parting, because
//! training mirrors them. Lengths are in portrait units: the picture is 2 wide, the face about 1.1 high.

use super::colour::{self, Colour};
use super::random::{Purpose, Stream, stratum};

/// How the hair is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HairStyle {
    Bald,
    Buzz,
    SideSweep,
    Spiky,
    Afro,
    Bob,
    LongCentre,
    LongWavy,
    Bun,
    Pigtails,
    Mohawk,
    Quiff,
    Curls,
    Scarf,
}

const HAIR_STYLES: [HairStyle; 14] = [
    HairStyle::Bald,
    HairStyle::Buzz,
    HairStyle::SideSweep,
    HairStyle::Spiky,
    HairStyle::Afro,
    HairStyle::Bob,
    HairStyle::LongCentre,
    HairStyle::LongWavy,
    HairStyle::Bun,
    HairStyle::Pigtails,
    HairStyle::Mohawk,
    HairStyle::Quiff,
    HairStyle::Curls,
    HairStyle::Scarf,
];

/// What grows on chin and lip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beard {
    None,
    Stubble,
    Moustache,
    Goatee,
    Full,
}

const BEARDS: [Beard; 8] =
    [Beard::None, Beard::None, Beard::None, Beard::None, Beard::Stubble, Beard::Moustache, Beard::Goatee, Beard::Full];

/// The form of the lenses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glasses {
    None,
    Round,
    Square,
    Wide,
}

const GLASSES: [Glasses; 7] =
    [Glasses::None, Glasses::None, Glasses::None, Glasses::None, Glasses::Round, Glasses::Square, Glasses::Wide];

/// The vector of one identity.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Identity {
    pub(super) skin: Colour,
    pub(super) hair: Colour,
    pub(super) hair_style: HairStyle,
    pub(super) beard: Beard,
    pub(super) glasses: Glasses,
    pub(super) frame: Colour,
    pub(super) iris: Colour,
    /// Half the width of the skull, 0.35 to 0.45.
    pub(super) skull: f64,
    /// Half the width of the jaw.
    pub(super) jaw: f64,
    /// Height of the chin's tip below the centre, 0.44 to 0.60.
    pub(super) chin: f64,
    /// 0 a round jaw, 1 a square one.
    pub(super) squareness: f64,
    pub(super) ear: f64,
    /// Distance of an eye from the middle line.
    pub(super) eye_spacing: f64,
    pub(super) eye_width: f64,
    /// Half height of an open eye over its half width.
    pub(super) eye_roundness: f64,
    /// How far the outer corner is raised, rad.
    pub(super) eye_tilt_rad: f64,
    pub(super) brow_thickness: f64,
    pub(super) brow_height: f64,
    pub(super) brow_tilt_rad: f64,
    pub(super) nose_length: f64,
    pub(super) nose_width: f64,
    pub(super) mouth_width: f64,
    pub(super) lip: f64,
    pub(super) lip_colour: Colour,
    /// Opacity of the freckles, often 0.
    pub(super) freckles: f64,
    /// Opacity of the blush on the cheeks.
    pub(super) blush: f64,
    /// Where the mole is, if there is one.
    pub(super) mole: Option<(f64, f64)>,
    pub(super) earring: Option<Colour>,
}

/// Deals attributes: each call of a method takes the next attribute number.
struct Dealer {
    seed: u64,
    identity: u32,
    attribute: u32,
    stream: Stream,
}

impl Dealer {
    /// One of `slots` values.
    fn slot(&mut self, slots: usize) -> usize {
        self.attribute += 1;
        stratum(self.seed, self.attribute, self.identity, slots as u32) as usize
    }

    /// A length between `low` and `high`, jittered inside one of nine slots.
    fn length(&mut self, low: f64, high: f64) -> f64 {
        let slot = self.slot(9) as f64;
        let jitter = self.stream.range(0.1, 0.9);
        low + (high - low) * (slot + jitter) / 9.0
    }

    /// Hair style, hair colour and skin, dealt together because they are what one sees first.
    ///
    /// Within a block of 14 each style comes once; the next block gives it the colour five further in the table (five
    /// and twelve have no common factor, so 168 neighbours differ in style or colour). People who share a hair colour
    /// in neighbouring blocks are a third of the skin table apart.
    fn looks(&mut self) -> (HairStyle, Colour, Colour) {
        let block = self.identity / HAIR_STYLES.len() as u32;
        let style = self.slot(HAIR_STYLES.len());
        let again = style as u32 / 12;
        self.attribute += 1;
        let start = stratum(self.seed, self.attribute, style as u32 % 12, 12);
        let place = (start + 5 * block) % 12;
        let hair = colour::lit(colour::pick(&colour::HAIR, place), self.length(0.7, 1.35));
        let tone = f64::from((2 * place + 3 * block + 5 * again) % 9) + self.stream.range(0.1, 0.9);
        let skin = colour::ramp(&colour::SKIN, tone / 9.0);
        let style = HAIR_STYLES.get(style).copied();
        (style.unwrap_or(HairStyle::Bald), hair, skin)
    }

    /// An entry of a table.
    fn entry<T: Copy>(&mut self, table: &[T], otherwise: T) -> T {
        let slot = self.slot(table.len());
        table.get(slot).copied().unwrap_or(otherwise)
    }
}

/// Whether a style leaves the lower face free; a beard under the others reads as cloth at 64 pixels.
fn suits_a_beard(style: HairStyle) -> bool {
    !matches!(style, HairStyle::Scarf | HairStyle::Bob | HairStyle::Pigtails | HairStyle::LongCentre | HairStyle::Bun)
}

impl Identity {
    /// The vector of identity number `identity`; it depends on nothing but the two arguments.
    pub(super) fn new(seed: u64, identity: u32) -> Self {
        let stream = Stream::new(seed, Purpose::Identity, identity, 0);
        let deal = &mut Dealer { seed, identity, attribute: 0, stream };
        let skull = deal.length(0.35, 0.45);
        let (hair_style, hair, skin) = deal.looks();
        let beard = deal.entry(&BEARDS, Beard::None);
        let lip_colour = colour::mix(colour::lit(skin, 0.55), colour::rgb(0x00c0_2040), deal.length(0.15, 0.75));
        Self {
            skin,
            lip_colour,
            skull,
            hair,
            hair_style,
            beard: if suits_a_beard(hair_style) { beard } else { Beard::None },
            glasses: deal.entry(&GLASSES, Glasses::None),
            frame: deal.entry(&colour::FRAME, [0.0; 3]),
            iris: deal.entry(&colour::IRIS, [0.0; 3]),
            jaw: skull * deal.length(0.72, 1.0),
            chin: deal.length(0.44, 0.60),
            squareness: deal.length(0.0, 1.0),
            ear: deal.length(0.7, 1.35),
            eye_spacing: deal.length(0.145, 0.205),
            eye_width: deal.length(0.068, 0.108),
            eye_roundness: deal.length(0.55, 0.95),
            eye_tilt_rad: deal.length(-0.25, 0.25),
            brow_thickness: deal.length(0.010, 0.036),
            brow_height: deal.length(0.125, 0.185),
            brow_tilt_rad: deal.length(-0.30, 0.30),
            nose_length: deal.length(0.12, 0.22),
            nose_width: deal.length(0.035, 0.085),
            mouth_width: deal.length(0.09, 0.185),
            lip: deal.length(0.010, 0.036),
            freckles: deal.entry(&[0.0, 0.0, 0.0, 0.0, 0.5], 0.0),
            blush: deal.entry(&[0.0, 0.0, 0.15, 0.35], 0.0),
            mole: deal.entry(&[None, None, None, None, Some((-0.2, 0.2)), Some((0.14, 0.4))], None),
            earring: deal.entry(&[None, None, None, Some(colour::FRAME[2]), Some(colour::HAIR[5])], None),
        }
    }
}
