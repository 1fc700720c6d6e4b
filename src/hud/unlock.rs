//! The question for the passphrase of an identity, asked when a start wants it.
//!
//! What is typed is overwritten as soon as it is sent or given up. It is in no preferences, no log and no Debug text, and
//! egui keeps no earlier versions of it to go back to.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Key, Label, Ui};
use secrecy::SecretString;
use zeroize::{Zeroize as _, Zeroizing};

use super::action::{ActionKind, UserAction};
use super::gate::{Asking, Dialog};
use super::input::{Device, Hint};
use super::modal;
use super::state::Lock;
use super::theme::{Text, Theme, tokens};
use super::widgets::{Ink, Signal, Wishes, button, field, ink};
use crate::node::Secret;

/// Room for a passphrase: a text that grows would leave copies behind.
const ROOM: usize = 4096;

/// What is typed.
#[derive(Resource)]
pub struct Form {
    passphrase: Zeroizing<String>,
    /// The field has had the keys since the question was asked.
    is_met: bool,
}

impl Default for Form {
    fn default() -> Self {
        Self { passphrase: Zeroizing::new(String::with_capacity(ROOM)), is_met: false }
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Form").finish_non_exhaustive()
    }
}

impl Form {
    fn forget(&mut self) {
        self.passphrase.zeroize();
        self.is_met = false;
    }
}

/// Draws the question while it stands.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    (lock, asking): (Res<'_, Lock>, Asking<'_>),
    mut form: ResMut<'_, Form>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    let form = form.bypass_change_detection();
    if !lock.is_asking() {
        if form.is_met {
            form.forget();
        }
        return Ok(());
    }
    if asking.uppermost() != Some(Dialog::Passphrase) {
        return Ok(());
    }
    let context = contexts.ctx_mut()?;
    let mut wishes = Wishes::default();
    let context = context.clone();
    modal::show(&context, "unlock", Ink(theme.palette), tokens::WELCOME_WIDTH, |ui| view(ui, Ink(theme.palette), &lock, form, &mut wishes));
    actions.write_batch(wishes.take());
    Ok(())
}

/// A masked field, and what was wrong with the last try.
pub fn view(ui: &mut Ui, ink: Ink, lock: &Lock, form: &mut Form, wishes: &mut Wishes) {
    ui.scope(|ui| {
        ui.label(ink::title("Unlock", Text::Heading, ink.0.text_high));
        ui.add(Label::new(ink.mid(Text::Body, "The identity is under a passphrase. The node needs it to start.")).wrap());
        let trouble = match lock {
            Lock::Trying { .. } => return trying(ui, ink),
            Lock::Asking { trouble, .. } => trouble.as_ref(),
            Lock::Closed => None,
        };
        let width = ui.available_width();
        let typed = field::secret_line(ui, &mut form.passphrase, "passphrase", width);
        if !std::mem::replace(&mut form.is_met, true) {
            typed.request_focus();
        }
        if let Some(trouble) = trouble {
            ui.add(Label::new(ink.signal(Signal::Bad, Text::Table, format!("× {trouble}"))).wrap());
        }
        let has_text = !form.passphrase.is_empty();
        let entered = typed.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let pressed = button::large(ui, "Unlock and start", button::Weight::Main, has_text).clicked();
        let left = button::large(ui, "Not now", button::Weight::Large, true).clicked() || ui.input(|input| input.key_pressed(Key::Escape));
        // A question's own keys are always these; only a pad's button is bound.
        let keys = match Hint::find(ui.ctx(), ActionKind::Leave) {
            Some(hint) if hint.device == Device::Pad => format!("{} leaves it locked.", hint.text),
            _ => "Enter unlocks, Esc leaves it locked.".to_owned(),
        };
        ui.add(Label::new(ink.low(Text::Hint, format!("{keys} It is in no file, and asked for at each start."))).wrap());
        if left {
            form.forget();
            wishes.wish(UserAction::StayLocked);
        } else if has_text && (entered || pressed) {
            wishes.wish(UserAction::Unlock(Secret::new(SecretString::from(form.passphrase.as_str()))));
            form.forget();
        } else if entered {
            typed.request_focus();
        }
    });
}

/// A second of arithmetic on the node's side; nothing to press meanwhile.
fn trying(ui: &mut Ui, ink: Ink) {
    button::large(ui, "Unlocking…", button::Weight::Large, false);
    ui.add(Label::new(ink.low(Text::Hint, "This takes a second or two, so that guessing takes years.")).wrap());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use bevy::input::keyboard::Key;
    use bevy::prelude::KeyCode;

    use super::*;
    use crate::hud::state::Notices;
    use crate::hud::testing::Hud;
    use crate::node::{Failure, NodeCommand, NodeEvent};

    const LOCKED: &str = "identity.age is encrypted, and there is no passphrase to unlock it with.";
    const WRONG: &str = "identity.age cannot be unlocked: the passphrase does not open it.";

    /// A window that has been told to go online, and whose node wants a passphrase.
    fn asking() -> Hud {
        let mut hud = Hud::new();
        hud.take_asked();
        hud.press(KeyCode::KeyG, "g");
        hud.settle();
        refuse(&mut hud, LOCKED);
        hud
    }

    fn refuse(hud: &mut Hud, why: &str) {
        hud.answer(&NodeCommand::GoOnline, NodeEvent::Failed { failure: Failure::locked(why) });
        hud.settle();
    }

    fn enter(hud: &mut Hud) {
        hud.key(KeyCode::Enter, Key::Enter);
        hud.settle();
    }

    fn unlock(text: &str) -> NodeCommand {
        NodeCommand::Unlock { passphrase: Secret::new(text.into()) }
    }

    #[test]
    fn a_start_that_wants_a_passphrase_asks_for_it_and_goes_on() {
        let mut hud = asking();
        hud.assert_shows("UNLOCK");
        assert!(hud.app.world().resource::<Notices>().stack.is_empty(), "it is a question and no error");
        hud.take_asked();
        // The field has the keys: a digit is typed and opens no pane.
        hud.press(KeyCode::Digit3, "3");
        hud.settle();
        hud.type_text("open sesame");
        assert!(!hud.shows("JOB HISTORY") && !hud.shows("sesame"), "{:#?}", hud.texts());
        enter(&mut hud);
        assert_eq!(hud.asked(), [unlock("3open sesame"), NodeCommand::GoOnline]);
        hud.assert_shows("UNLOCKING…");
        hud.answer(&NodeCommand::GoOnline, NodeEvent::Done);
        hud.settle();
        assert!(!hud.shows("UNLOCK"));
    }

    #[test]
    fn a_wrong_passphrase_is_told_and_can_be_typed_again() {
        let mut hud = asking();
        hud.type_text("open barley");
        enter(&mut hud);
        refuse(&mut hud, WRONG);
        hud.assert_shows("the passphrase does not open it");
        hud.take_asked();
        hud.type_text("open sesame");
        hud.click("UNLOCK AND START");
        assert_eq!(hud.asked(), [unlock("open sesame"), NodeCommand::GoOnline], "nothing is left of the one before");
    }

    #[test]
    fn whoever_leaves_it_locked_leaves_nothing_typed_and_closes_no_pane() {
        let mut hud = asking();
        hud.assert_shows("SELL COMPUTE");
        hud.take_asked();
        hud.type_text("open sesame");
        hud.key(KeyCode::Escape, Key::Escape);
        hud.settle();
        assert!(!hud.shows("UNLOCK") && hud.take_asked().is_empty());
        hud.assert_shows("SELL COMPUTE");
        let form = hud.app.world().resource::<Form>();
        assert!(form.passphrase.is_empty() && !format!("{form:?}").contains("sesame"));
        // An empty field is no passphrase.
        hud.press(KeyCode::KeyG, "g");
        hud.settle();
        refuse(&mut hud, LOCKED);
        hud.take_asked();
        enter(&mut hud);
        assert!(hud.take_asked().is_empty());
        hud.assert_shows("UNLOCK");
    }
}
