//! How the PIN is asked for: dots for what is typed, and keys for whoever has no keyboard.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{self, Align, Event, Key, Label, Layout, Modifiers, Response, Ui, UiBuilder, vec2};
use secrecy::SecretString;
use zeroize::{Zeroize as _, Zeroizing};

use super::{Asked, PinDesk, PinWish, Step};
use crate::domain::spend_lock::{PIN_DIGITS, Spending};
use crate::hud::action::UserAction;
use crate::hud::modal;
use crate::hud::state::{Now, Session};
use crate::hud::theme::{Text, Theme, tokens};
use crate::hud::widgets::{Ink, Signal, Wishes, button, card, countdown, ink};
use crate::node::Secret;

/// The keys as they stand, row by row.
const KEYS: [[PinKey; 3]; 4] = [
    [PinKey::Digit('1'), PinKey::Digit('2'), PinKey::Digit('3')],
    [PinKey::Digit('4'), PinKey::Digit('5'), PinKey::Digit('6')],
    [PinKey::Digit('7'), PinKey::Digit('8'), PinKey::Digit('9')],
    [PinKey::Back, PinKey::Digit('0'), PinKey::Clear],
];

/// A key of the pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PinKey {
    Digit(char),
    Back,
    Clear,
}

/// What is typed.
#[derive(Resource)]
pub struct Form {
    typed: Zeroizing<String>,
    /// The question it was typed for: another one begins empty.
    met: Option<Step>,
}

impl Default for Form {
    fn default() -> Self {
        // It never grows: growing would leave copies behind.
        Self { typed: Zeroizing::new(String::with_capacity(*PIN_DIGITS.end())), met: None }
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Form").finish_non_exhaustive()
    }
}

impl Form {
    pub fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }

    fn press(&mut self, key: PinKey) {
        match key {
            PinKey::Digit(digit) if self.typed.len() < *PIN_DIGITS.end() && digit.is_ascii_digit() => self.typed.push(digit),
            PinKey::Digit(_) => {}
            PinKey::Back => drop(self.typed.pop()),
            PinKey::Clear => self.typed.zeroize(),
        }
    }

    fn take(&mut self) -> Secret {
        let typed = Secret::new(SecretString::from(self.typed.as_str()));
        self.typed.zeroize();
        typed
    }

    fn forget(&mut self) {
        self.typed.zeroize();
        self.met = None;
    }
}

/// Draws the question while it stands.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    desk: Res<'_, PinDesk>,
    session: Res<'_, Session>,
    now: Res<'_, Now>,
    mut form: ResMut<'_, Form>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    let form = form.bypass_change_detection();
    let Some(asked) = desk.asked() else {
        if form.met.is_some() {
            form.forget();
        }
        return Ok(());
    };
    let context = contexts.ctx_mut()?.clone();
    let is_low = context.content_rect().height() < tokens::PIN_TALL;
    let width = if is_low { tokens::MODAL_WIDTH } else { tokens::PIN_WIDTH };
    let mut wishes = Wishes::default();
    modal::show(&context, "pin", Ink(theme.palette), width, |ui| view(ui, asked, session.spending, *now, form, &mut wishes));
    actions.write_batch(wishes.take());
    Ok(())
}

/// Words, dots, keys; beside each other where there is no room for all of it below each other.
pub fn view(ui: &mut Ui, asked: &Asked, spending: Option<Spending>, now: Now, form: &mut Form, wishes: &mut Wishes) {
    let is_new = form.met.replace(asked.step) != Some(asked.step);
    if is_new {
        form.typed.zeroize();
    }
    let wait = spending.and_then(|spending| spending.wait_until).filter(|until| asked.step == Step::Show && *until > now.0);
    let may_type = !asked.is_trying && wait.is_none();
    if may_type {
        type_keys(ui, form);
    }
    let is_low = ui.ctx().content_rect().height() < tokens::PIN_TALL;
    let mut ring = None;
    if is_low {
        let half = (ui.available_width() - 2.0 * f32::from(tokens::PANE_PADDING)) / 2.0;
        let room = ui.available_rect_before_wrap();
        let right = egui::Rect::from_min_max(egui::pos2(room.right() - half, room.top()), room.max);
        let column = UiBuilder::new().max_rect(right).layout(Layout::top_down(Align::Min));
        let pad = ui.scope_builder(column, |ui| keys(ui, form, may_type)).response.rect;
        let left = egui::Rect::from_min_size(room.min, vec2(half, pad.height()));
        ui.scope_builder(UiBuilder::new().max_rect(left).layout(Layout::top_down(Align::Min)), |ui| {
            ui.scope(|ui| words(ui, asked, wait.map(|until| until.since(now.0)), form));
            ring = Some(ends(ui, asked, may_type, form, wishes));
        });
    } else {
        // In a room of its own: one word more must not move the ring to another key.
        ui.scope(|ui| words(ui, asked, wait.map(|until| until.since(now.0)), form));
        keys(ui, form, may_type);
        ring = Some(ends(ui, asked, may_type, form, wishes));
    }
    let has_ring = ui.memory(|memory| memory.focused().is_some());
    if let Some(ring) = ring.filter(|_| is_new || !has_ring) {
        ring.request_focus();
    }
    if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        form.forget();
        wishes.wish(UserAction::LeavePin);
    }
}

/// Digits and Backspace go into the dots, wherever the ring is.
fn type_keys(ui: &Ui, form: &mut Form) {
    ui.input(|input| {
        for event in &input.events {
            match event {
                Event::Text(text) => text.chars().filter(char::is_ascii_digit).for_each(|digit| form.press(PinKey::Digit(digit))),
                Event::Key { key: Key::Backspace, pressed: true, .. } => form.press(PinKey::Back),
                Event::Key { key: Key::Delete, pressed: true, .. } => form.press(PinKey::Clear),
                _ => {}
            }
        }
    });
}

/// What it is asked for, and what is typed so far.
fn words(ui: &mut Ui, asked: &Asked, wait_ms: Option<u64>, form: &Form) {
    let ink = Ink::of(ui);
    let (title, text) = explained(asked);
    ui.label(ink::title(title, Text::Heading, ink.0.text_high));
    ui.add(Label::new(ink.mid(Text::Body, text)).wrap());
    let count = form.typed.len();
    let dots = if count == 0 { "–".to_owned() } else { vec!["•"; count].join(" ") };
    let frame = card::frame(ink).fill(ink.0.ground).inner_margin(egui::Margin::symmetric(tokens::ROW_PADDING as i8, tokens::FIELD_PADDING));
    let shown = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.vertical_centered(|ui| ui.label(ink.bold(Text::Heading, dots)));
    });
    let said = format!("PIN, {count} digits typed");
    shown.response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, &said));
    match (wait_ms, &asked.trouble) {
        (Some(ms), _) => {
            let words = format!("× Too many wrong PINs. The next try is possible in {}.", countdown::left(ms));
            ui.add(Label::new(ink.signal(Signal::Bad, Text::Table, words)).wrap());
        }
        (None, Some(trouble)) => drop(ui.add(Label::new(ink.signal(Signal::Bad, Text::Table, format!("× {trouble}"))).wrap())),
        (None, None) => {}
    }
}

/// The pad: nine digits, nought, and two ways back.
fn keys(ui: &mut Ui, form: &mut Form, may_type: bool) {
    ui.add_enabled_ui(may_type, |ui| {
        ui.spacing_mut().item_spacing = vec2(tokens::GAP, tokens::GAP);
        let width = (ui.available_width() - 2.0 * tokens::GAP) / 3.0;
        for row in KEYS {
            ui.horizontal(|ui| {
                for key in row {
                    let (face, said) = match key {
                        PinKey::Digit(digit) => (digit.to_string(), digit.to_string()),
                        PinKey::Back => ("←".to_owned(), "Take the last digit back".to_owned()),
                        PinKey::Clear => ("×".to_owned(), "Begin again".to_owned()),
                    };
                    if button::key(ui, &face, &said, vec2(width, tokens::PIN_KEY)).clicked() {
                        form.press(key);
                    }
                }
            });
        }
    });
}

/// Enter and the way back. Gives what has the ring at first.
fn ends(ui: &mut Ui, asked: &Asked, may_type: bool, form: &mut Form, wishes: &mut Wishes) -> Response {
    let is_enough = PIN_DIGITS.contains(&form.typed.len());
    let title = match (asked.is_trying, asked.step) {
        (true, _) => "One moment…",
        (false, Step::Show) => "Enter",
        (false, Step::New) => "Next",
        (false, Step::Again) => "Set this PIN",
    };
    // It keeps the ring also while there is nothing to enter: Enter would go elsewhere.
    let enter = button::large(ui, title, button::Weight::Main, true);
    if enter.clicked() && is_enough && may_type {
        wishes.wish(UserAction::EnterPin(form.take()));
    }
    let leave = match asked.wish {
        PinWish::Then(_) => "Stay",
        _ => "Not now",
    };
    if button::large(ui, leave, button::Weight::Large, true).clicked() {
        form.forget();
        wishes.wish(UserAction::LeavePin);
    }
    enter
}

/// Why it is asked for, and what comes of it.
fn explained(asked: &Asked) -> (&'static str, String) {
    match (asked.step, &asked.wish) {
        (Step::Show, PinWish::Then(_)) => ("Kiosk", "The spending PIN leads out of the kiosk.".into()),
        (Step::Show, PinWish::Unlock { .. }) => ("Unlock spending", "Spending is locked: nothing is paid. The PIN unlocks it.".into()),
        (Step::Show, PinWish::Command(_)) => ("Spending PIN", "This is more than may go out without the PIN.".into()),
        (Step::Show, PinWish::Set) => ("Change the PIN", "First the PIN there is.".into()),
        (Step::Show, PinWish::Remove) => ("Remove the PIN", "Without a PIN the limits alone decide what goes out.".into()),
        (Step::New, PinWish::Then(_)) => {
            ("Set a PIN", "There is no spending PIN yet, and only a PIN leads out of a kiosk. 4 to 12 digits; do not forget them.".into())
        }
        (Step::New, PinWish::Unlock { .. }) => {
            ("Set a PIN", "There is no spending PIN yet, and only a PIN unlocks spending. 4 to 12 digits; do not forget them.".into())
        }
        (Step::New, _) => ("Set a PIN", "4 to 12 digits. It unlocks spending and leads out of a kiosk; nobody can look it up.".into()),
        (Step::Again, _) => ("Set a PIN", "The same digits once more.".into()),
    }
}
