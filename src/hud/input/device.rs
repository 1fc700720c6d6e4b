//! Which device was used last: it decides whether the focus ring is seen and what the hints print.

use std::sync::Arc;

use bevy::input::ButtonState;
use bevy::input::gamepad::{GamepadAxisChangedEvent, GamepadButtonStateChangedEvent};
use bevy::input::keyboard::KeyboardInput;
use bevy::prelude::*;
use bevy::window::PrimaryWindow;
use bevy_egui::egui::{self, Context, Event, Id};
use bevy_egui::{EguiContext, EguiInput};

use super::bindings::Bindings;
use super::naming::button_name;
use crate::hud::action::ActionKind;
use crate::hud::theme::tokens;

/// What somebody uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Device {
    /// A window that has just opened has a ring, so that Enter is enough.
    #[default]
    Keys,
    Pad,
    /// A mouse, or fingers.
    Pointer,
}

#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastDevice(pub Device);

impl LastDevice {
    /// Whether it needs the focus to be seen.
    pub fn shows_focus(self) -> bool {
        self.0 != Device::Pointer
    }
}

/// Notes the device that was used. Injected events of ours come later and do not count.
pub fn note(
    mut keys: MessageReader<'_, '_, KeyboardInput>,
    mut buttons: MessageReader<'_, '_, GamepadButtonStateChangedEvent>,
    mut axes: MessageReader<'_, '_, GamepadAxisChangedEvent>,
    windows: Query<'_, '_, &Window, With<PrimaryWindow>>,
    inputs: Query<'_, '_, &EguiInput>,
    mut last: ResMut<'_, LastDevice>,
) {
    let is_pointer = |event: &Event| {
        matches!(event, Event::PointerMoved(_) | Event::PointerButton { .. } | Event::MouseWheel { .. } | Event::Touch { .. })
    };
    let mut now = last.0;
    if inputs.iter().any(|input| input.events.iter().any(is_pointer)) {
        now = Device::Pointer;
    }
    // A developer's picture shows what was there before it was taken.
    let is_picture = |key: &KeyboardInput| cfg!(feature = "dev") && key.key_code == KeyCode::F12;
    if keys.read().filter(|key| key.state == ButtonState::Pressed && !is_picture(key)).count() > 0 {
        now = Device::Keys;
    }
    // Where the window has not got the keyboard, a pad plays another program.
    if !windows.iter().any(|window| window.focused) {
        buttons.clear();
        axes.clear();
    }
    let pressed = buttons.read().filter(|button| button.state == ButtonState::Pressed).count() > 0;
    let tilted = axes.read().filter(|axis| axis.value.abs() > tokens::STICK_ON).count() > 0;
    if pressed || tilted {
        now = Device::Pad;
    }
    last.set_if_neq(LastDevice(now));
}

/// What widgets need of all this: they take a `Ui` and no resources.
#[derive(Clone)]
struct Printed {
    device: Device,
    bindings: Arc<Bindings>,
}

fn printed_id() -> Id {
    Id::new("device and bindings")
}

/// Leaves device and bindings where widgets find them.
pub fn print(last: Res<'_, LastDevice>, bindings: Res<'_, Bindings>, mut contexts: Query<'_, '_, &mut EguiContext>) {
    for mut context in &mut contexts {
        if context.is_added() || last.is_changed() || bindings.is_changed() {
            let printed = Printed { device: last.0, bindings: Arc::new(bindings.clone()) };
            context.get_mut().data_mut(|data| data.insert_temp(printed_id(), printed));
        }
    }
}

/// Whether the focus ring is seen.
pub fn shows_focus(context: &Context) -> bool {
    context.data(|data| data.get_temp::<Printed>(printed_id())).is_none_or(|printed| printed.device != Device::Pointer)
}

/// A key or a button as it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    pub text: String,
    pub device: Device,
}

impl Hint {
    /// What does this with this device; `None`: nothing of it.
    pub fn of(kind: ActionKind, device: Device, bindings: &Bindings) -> Option<Self> {
        let text = match device {
            Device::Pad => button_name(bindings.button(kind)?),
            Device::Keys | Device::Pointer => bindings.keys(kind).first()?.to_string(),
        };
        Some(Self { text, device })
    }

    /// The same for whatever draws.
    pub fn find(context: &Context, kind: ActionKind) -> Option<Self> {
        let printed = context.data(|data| data.get_temp::<Printed>(printed_id()))?;
        Self::of(kind, printed.device, &printed.bindings)
    }

    /// All the keys of an action, the first of them first; of a pad the button.
    pub fn all(context: &Context, kind: ActionKind) -> Vec<Self> {
        let Some(printed) = context.data(|data| data.get_temp::<Printed>(printed_id())) else { return Vec::new() };
        match printed.device {
            Device::Pad => Self::of(kind, Device::Pad, &printed.bindings).into_iter().collect(),
            device => printed.bindings.keys(kind).iter().map(|chord| Self { text: chord.to_string(), device }).collect(),
        }
    }

    /// The badge of a slot of the hotbar: its key, or for a pad the button that opens it, where that would do so now.
    pub fn slot(context: &Context, index: usize, is_focused: bool) -> Option<Self> {
        let printed = context.data(|data| data.get_temp::<Printed>(printed_id()));
        let Some(Printed { device, bindings }) = printed else { return Some(Self::number(index)) };
        match device {
            Device::Pad if is_focused => Self::of(ActionKind::Press, device, &bindings),
            Device::Pad => None,
            Device::Keys | Device::Pointer => {
                let kind = crate::hud::action::table().map(|row| row.kind).find(|kind| kind.slot() == Some(index))?;
                Self::of(kind, device, &bindings)
            }
        }
    }

    fn number(index: usize) -> Self {
        Self { text: (index + 1).to_string(), device: Device::Keys }
    }
}

/// Tells egui to leave a field the keys although somebody presses elsewhere, or not to.
pub fn keep_field(context: &Context, keeps: bool) {
    let wanted = if keeps { egui::SurrenderFocusOn::Never } else { egui::SurrenderFocusOn::Clicks };
    if context.options(|options| options.input_options.surrender_focus_on != wanted) {
        context.options_mut(|options| options.input_options.surrender_focus_on = wanted);
    }
}
