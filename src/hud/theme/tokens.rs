//! Every colour, size and duration of the window. Nothing else in the crate makes one up.

use std::time::Duration;

use bevy_egui::egui::Color32;

use super::coin::Coin;

pub use super::arrange::*;

/// The colours of a theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Behind everything.
    pub ground: Color32,
    /// Lines of the backdrop's grid.
    pub grid: Color32,
    /// Pane bodies. Opaque: letters of a pane below must not shine through.
    pub surface_0: Color32,
    /// Title bars.
    pub surface_1: Color32,
    /// Cards and rows.
    pub surface_2: Color32,
    /// What is selected or under the pointer.
    pub surface_3: Color32,
    /// The active hotbar slot.
    pub slot_active: Color32,
    pub border_quiet: Color32,
    pub border_strong: Color32,
    /// Values.
    pub text_high: Color32,
    /// Prose.
    pub text_mid: Color32,
    /// Labels.
    pub text_low: Color32,
    /// Text on a filled, bright button.
    pub text_inverse: Color32,
    pub ok: Color32,
    /// `ok` as a light source: lamps and the backdrop's tint.
    pub ok_lamp: Color32,
    pub warn: Color32,
    pub error: Color32,
    pub info: Color32,
    /// The sign ₿, always.
    pub money: Color32,
    /// The focus ring.
    pub focus: Color32,
    /// Which money amounts are in.
    pub coin: Coin,
}

/// The usual theme: a cockpit at night.
pub const NIGHT: Palette = Palette {
    ground: grey(0x03),
    grid: clear(grey(0xFF), 7),
    surface_0: grey(0x0A),
    surface_1: grey(0x0C),
    surface_2: grey(0x0E),
    surface_3: grey(0x1D),
    slot_active: grey(0x2A),
    border_quiet: clear(grey(0xDE), 22),
    border_strong: grey(0xDE),
    text_high: grey(0xF2),
    text_mid: grey(0xB4),
    text_low: grey(0x85),
    text_inverse: grey(0x05),
    ok: rgb(0x2B, 0xE5, 0x7B),
    ok_lamp: rgb(0x00, 0xC9, 0x50),
    warn: rgb(0xF0, 0xB1, 0x00),
    error: rgb(0xFF, 0x6B, 0x6B),
    info: rgb(0x4C, 0x9B, 0xFF),
    money: rgb(0xF0, 0xB1, 0x00),
    focus: rgb(0x4C, 0x9B, 0xFF),
    coin: Coin::Sats,
};

/// For eyes and screens that need more: full borders, every text and signal at 7:1 or better.
pub const HIGH_CONTRAST: Palette = Palette {
    ground: grey(0x00),
    surface_0: grey(0x00),
    border_quiet: grey(0xFF),
    border_strong: grey(0xFF),
    text_high: grey(0xFF),
    text_mid: grey(0xE0),
    text_low: grey(0xE0),
    text_inverse: grey(0x00),
    error: rgb(0xFF, 0x8A, 0x8A),
    info: rgb(0x7D, 0xB6, 0xFF),
    focus: rgb(0x7D, 0xB6, 0xFF),
    ..NIGHT
};

/// Heights of text in points. [`super::Text`] is how they are used.
pub const TEXT_HINT: f32 = 11.0;
pub const TEXT_TABLE: f32 = 12.0;
pub const TEXT_BODY: f32 = 13.0;
pub const TEXT_HEADING: f32 = 16.0;
pub const TEXT_FIGURE: f32 = 20.0;
pub const TEXT_BALANCE: f32 = 34.0;

/// The step all spacing is made of, in points.
pub const STEP: f32 = 4.0;
/// Between a pane's border and its content.
pub const PANE_PADDING: i8 = 14;
/// Height of a row, and the least height of anything to press.
pub const ROW: f32 = 32.0;
/// The same on a kiosk, for fingers.
pub const ROW_KIOSK: f32 = 44.0;
/// Room for a scroll bar in a pane's padding.
pub const SCROLL_ROOM: i8 = 8;
/// How visible the handle of a scroll bar is when nobody is near.
pub const SCROLL_HANDLE: f32 = 0.25;
/// Left and right inside a row.
pub const ROW_PADDING: f32 = 10.0;
/// Between rows.
pub const GAP: f32 = 6.0;
/// Lines and borders.
pub const HAIRLINE: f32 = 1.0;
/// The focus ring, and its distance from what it surrounds.
pub const FOCUS_RING: f32 = 2.0;

/// The backdrop's grid: one line each so many points.
pub const GRID_CELL: f32 = 40.0;
/// How much of the state's colour the tint has where it is strongest.
pub const TINT_STRENGTH: f32 = 0.13;
/// Where the tint is strongest, as a part of the window's height from the top: below the lower edge.
pub const TINT_CENTRE: f32 = 1.1;
/// How far the tint reaches to each side and upwards from there, as parts of the window's width and height.
pub const TINT_REACH: (f32, f32) = (0.44, 0.39);

/// The window when it is not full screen, in points, and the least it may shrink to.
pub const WINDOW_SIZE: (u32, u32) = (1280, 720);
pub const WINDOW_LEAST: (f32, f32) = (640.0, 400.0);

/// Hover and press feedback of egui's own widgets.
pub const WIDGET_FADE: Duration = Duration::from_millis(90);
/// A tooltip comes after the pointer has rested this long.
pub const TOOLTIP_DELAY: Duration = Duration::from_millis(300);

/// A pane's title bar.
pub const TITLE_BAR: f32 = 32.0;
/// The least a pane may measure.
pub const PANE_LEAST: (f32, f32) = (200.0, 100.0);
/// Between a pane and the window's edge, after it was opened or dropped.
pub const PANE_MARGIN: f32 = 20.0;
/// From one cascaded pane to the next, to the right and down.
pub const CASCADE: f32 = 45.0;
/// Between tidied panes.
pub const PANE_GUTTER: f32 = 16.0;
/// Arms of the active pane's corner brackets, and how thick they are.
pub const BRACKET: f32 = 14.0;
pub const BRACKET_WIDTH: f32 = 3.0;
/// How far outside the border they stand.
pub const BRACKET_REST: f32 = 3.0;
/// How long the light that runs along the border of a pane that becomes active is, as a part of its width.
pub const SWEEP: f32 = 0.35;
/// How far outside the brackets begin when they slide in.
pub const BRACKET_SLIDE: f32 = 10.0;
/// How small a pane is when it begins to open.
pub const PANE_OPEN_SCALE: f32 = 0.92;
/// Blur of a pane's shadow, and of the active pane's glow.
pub const SHADOW_BLUR: u8 = 30;
pub const SHADOW_DROP: i8 = 12;
pub const SHADOW_STRENGTH: f32 = 0.6;
pub const GLOW_BLUR: u8 = 24;
pub const GLOW_STRENGTH: f32 = 0.12;

/// Hotbar slots: their side, the gap between them, the hotbar's own border, and its distance from the window's edge.
pub const SLOT: f32 = 52.0;
pub const SLOT_GAP: f32 = 4.0;
pub const HOTBAR_PADDING: f32 = 4.0;
pub const EDGE: f32 = 16.0;
/// How visible an empty slot is.
pub const EMPTY_SLOT: f32 = 0.3;
/// How bright the border of an open slot is, between quiet and strong.
pub const OPEN_SLOT: f32 = 0.5;
/// Icons are drawn on a square this large, in slots and in title bars.
pub const SLOT_ICON: f32 = 22.0;
pub const TITLE_ICON: f32 = 14.0;
pub const CLOSE_ICON: f32 = 12.0;
/// How thick their lines are on a square of 24.
pub const ICON_PEN: f32 = 1.6;

/// Lamps of rows, their glow, and the hotbar's smaller ones.
pub const LAMP: f32 = 9.0;
pub const LAMP_GLOW: u8 = 8;
pub const LAMP_GLOW_STRENGTH: f32 = 0.6;
pub const LIVE_DOT: f32 = 6.0;

/// Height of the chips in the window's upper corners.
pub const CHIP: f32 = 32.0;
/// In a narrower window the chips say less.
pub const CHIPS_LEAST: f32 = 1000.0;
/// Height of a key in the hints.
pub const KEY_CAP: f32 = 18.0;
/// Key hints are left out where there is less room beside the hotbar.
pub const HINTS_LEAST: f32 = 120.0;
/// Notices: their width, how many stand at once.
pub const NOTICE_WIDTH: f32 = 330.0;
pub const NOTICES_SHOWN: usize = 4;
/// Width of the diagonal stripes around a practice window, and from one to the next.
pub const STRIPE: f32 = 6.0;
/// Width of the first question, and of the one for a passphrase.
pub const WELCOME_WIDTH: f32 = 420.0;
/// Width of the banner that says that the node is out of reach.
pub const BANNER_WIDTH: f32 = 560.0;

/// Corners of the buttons of a pad that have more than one letter.
pub const CAP_CORNER: f32 = 6.0;
/// Keys of the on-screen keyboard, wide and high, and the least width of all of it.
pub const OSK_KEY: (f32, f32) = (52.0, 40.0);
pub const OSK_LEAST: f32 = 420.0;
/// How dark what lies under a question, the palette or the help sheet is.
pub const SHADE: f32 = 0.6;
/// The palette: its width, how far below the upper edge it hangs and how much of the window it takes, as parts of that.
pub const PALETTE_WIDTH: f32 = 620.0;
pub const PALETTE_TOP: f32 = 0.1;
pub const PALETTE_ROOM: f32 = 0.7;
/// The help sheet: its size, the height of a line, the room for the keys.
pub const HELP_WIDTH: f32 = 720.0;
pub const HELP_HEIGHT: f32 = 620.0;
pub const HELP_LINE: f32 = 26.0;
pub const HELP_KEYS: f32 = 120.0;
/// Of the sheet's width, what keys may take.
pub const HELP_KEYS_MOST: f32 = 0.36;
/// Keys that scroll do so by this much; a stick that is tilted all the way by this much a second, and by no more than
/// so many seconds' worth at once.
pub const SCROLL_STEP: f32 = 120.0;
pub const SCROLL_SPEED: f32 = 900.0;
pub const SCROLL_FRAME: f32 = 0.1;
/// How far a stick is tilted to count as a d-pad, and to go on doing so.
pub const STICK_ON: f32 = 0.6;
pub const STICK_OFF: f32 = 0.4;
/// Dialogs: their width, what is around their content, and how much they dim what lies below.
pub const MODAL_WIDTH: f32 = 420.0;
pub const MODAL_PADDING: i8 = 24;
pub const MODAL_DIM: f32 = 0.78;
/// The PIN pad: its width, the height of its keys, and the least height of a window that has room for all of it.
pub const PIN_WIDTH: f32 = 300.0;
pub const PIN_KEY: f32 = 44.0;
pub const PIN_TALL: f32 = 560.0;
/// How far a kiosk's picture drifts to each side, in pixels.
pub const DRIFT: u8 = 6;
/// The least a window has to offer, in points. What is smaller shows everything at a smaller scale, down to the least.
pub const ROOM_LEAST: (f32, f32) = (560.0, 340.0);
pub const SCALE_LEAST: f32 = 0.75;

/// Bars that show how far something is.
pub const METER: f32 = 4.0;
/// The largest side of a QR code.
pub const QR: f32 = 260.0;
/// Height of the small charts, and their pen.
pub const CHART: f32 = 56.0;
pub const CHART_PEN: f32 = 1.5;
/// How visible the border of what cannot be pressed is, beside one that can.
pub const DISABLED_BORDER: f32 = 0.5;
/// How much lower a button in a row looks than it is.
pub const INSET: f32 = 3.0;
/// Height of the one button a pane is about.
pub const LARGE_BUTTON: f32 = 40.0;
/// Names of status rows end here, in points from the left.
pub const ROW_NAME: f32 = 92.0;
/// Height of a name with its value.
pub const PAIR: f32 = 20.0;
/// Width of a letter in a table, for texts that are cut at their beginning.
pub const LETTER: f32 = 7.2;
/// Above and below the text of a field.
pub const FIELD_PADDING: i8 = 7;
/// Height of a table's row.
pub const TABLE_ROW: f32 = 26.0;
/// Cards narrower than this stand in two lines.
pub const CARD_LEAST: f32 = 112.0;
/// How visible a tag's border is beside its word.
pub const TAG_BORDER: f32 = 0.6;
/// Letters of titles and big buttons stand this much apart.
pub const TRACKING: f32 = 0.5;

/// A pane comes out of its slot, and goes back.
pub const OPENING: Duration = Duration::from_millis(180);
pub const CLOSING: Duration = Duration::from_millis(140);
/// The active pane's brackets slide in and its border sweeps once.
pub const FOCUSING: Duration = Duration::from_millis(160);
/// Panes glide to a new place.
pub const SNAPPING: Duration = Duration::from_millis(200);
/// A pressed slot flashes.
pub const SLOT_FLASH: Duration = Duration::from_millis(90);
/// The backdrop's light changes colour.
pub const TINT_FADE: Duration = Duration::from_millis(600);
/// What is held down on a pad counts again after the first, and after each of these.
pub const REPEAT_AFTER: Duration = Duration::from_millis(380);
pub const REPEAT_EVERY: Duration = Duration::from_millis(110);
/// Good news goes by itself, and a warning after a while; an error stays.
pub const NOTICE_STAYS: Duration = Duration::from_secs(6);
pub const WARNING_STAYS: Duration = Duration::from_secs(60);
/// The backdrop's grid moves a pixel each so long, when it moves at all.
pub const AMBIENT_STEP: Duration = Duration::from_millis(500);
/// A window's place is saved when it has stood still for so long.
pub const SAVE_AFTER: Duration = Duration::from_secs(2);

/// A colour at a part of its strength, 0 to 1.
pub fn faded(colour: Color32, strength: f32) -> Color32 {
    colour.gamma_multiply(strength)
}

const fn rgb(red: u8, green: u8, blue: u8) -> Color32 {
    Color32::from_rgb(red, green, blue)
}

const fn grey(level: u8) -> Color32 {
    Color32::from_gray(level)
}

/// A colour between two, `part` of the way from the first to the second.
pub fn between(from: Color32, to: Color32, part: f32) -> Color32 {
    from.lerp_to_gamma(to, part.clamp(0.0, 1.0))
}

/// A colour at so many per cent.
const fn clear(colour: Color32, percent: u16) -> Color32 {
    let alpha = (percent * 255 + 50) / 100;
    Color32::from_rgba_unmultiplied_const(colour.r(), colour.g(), colour.b(), alpha as u8)
}

/// Relative luminance by WCAG 2.
#[cfg(test)]
fn luminance(colour: Color32) -> f32 {
    let linear = |channel: u8| {
        let part = f32::from(channel) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
}

/// The contrast of two opaque colours by WCAG 2: from 1 to 21.
#[cfg(test)]
pub fn contrast(one: Color32, other: Color32) -> f32 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_contrast(palette: &Palette, least: f32) {
        let texts =
            [palette.text_high, palette.text_mid, palette.text_low, palette.ok, palette.warn, palette.error, palette.info, palette.money];
        let surfaces = [palette.ground, palette.surface_0, palette.surface_1, palette.surface_2, palette.surface_3];
        for surface in surfaces {
            for text in texts {
                let found = contrast(text, surface);
                assert!(found >= least, "{text:?} on {surface:?} has {found:.2}:1, which is less than {least}:1");
            }
            // What is no text and says something all the same: the ring, lamps, the border of what is active.
            for sign in [palette.focus, palette.border_strong, palette.ok_lamp, palette.warn, palette.error, palette.info] {
                let found = contrast(sign, surface);
                assert!(found >= 3.0, "{sign:?} on {surface:?} has {found:.2}:1, which is less than 3:1");
            }
        }
        assert!(contrast(palette.text_high, palette.slot_active) >= least);
        assert!(contrast(palette.text_inverse, palette.border_strong) >= least);
    }

    #[test]
    fn every_text_can_be_read_on_every_surface() {
        assert_contrast(&NIGHT, 4.5);
    }

    #[test]
    fn the_high_contrast_theme_reaches_seven_to_one() {
        assert_contrast(&HIGH_CONTRAST, 7.0);
    }

    #[test]
    fn a_percentage_becomes_alpha() {
        assert_eq!(clear(grey(0xFF), 7).a(), 18);
        assert_eq!(clear(grey(0xFF), 100).a(), 255);
    }
}
