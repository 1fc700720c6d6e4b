//! Gamepads, from a thread of their own.
//!
//! Bevy's own reader looks at pads only when a frame is drawn, so a press would wake nobody. This thread owns the only
//! `Gilrs`, waits for it, hands on what it says and wakes the window. Where there is no udev or no pad, nothing is said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bevy::input::gamepad::{
    GamepadAxis, GamepadButton, GamepadConnection, GamepadConnectionEvent, RawGamepadAxisChangedEvent, RawGamepadButtonChangedEvent,
    RawGamepadEvent,
};
use bevy::platform::collections::HashMap;
use bevy::prelude::*;
use bevy::winit::EventLoopProxyWrapper;
use crossbeam_channel::{Receiver, Sender};
use gilrs::{Axis, Button, EventType, Gilrs};

use super::{Bridge, HudWake};
use crate::node::wake::Wake as _;

/// How often the thread looks whether anybody still listens.
const LOOK: Duration = Duration::from_secs(5);

/// What a pad did.
#[derive(Debug, Clone, PartialEq)]
struct Heard {
    pad: usize,
    what: What,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    Connected { name: String, vendor_id: Option<u16>, product_id: Option<u16> },
    Gone,
    Button(GamepadButton, f32),
    Axis(GamepadAxis, f32),
}

/// The thread's other end, and the entities that stand for its pads.
#[derive(Resource)]
pub struct Pads {
    heard: Receiver<Heard>,
    entities: HashMap<usize, Entity>,
    is_over: Arc<AtomicBool>,
}

impl Drop for Pads {
    fn drop(&mut self) {
        // It is not waited for, which could take as long as LOOK: it has nothing open that needs putting away.
        self.is_over.store(true, Ordering::Release);
    }
}

/// Listens once the loop can be woken: without a window nobody holds a pad.
pub(super) fn begin(mut commands: Commands<'_, '_>, bridge: Res<'_, Bridge>, proxy: Option<Res<'_, EventLoopProxyWrapper>>) {
    if proxy.is_none() {
        return;
    }
    let (said, heard) = crossbeam_channel::unbounded();
    let is_over = Arc::new(AtomicBool::new(false));
    let (over, wake) = (Arc::clone(&is_over), bridge.wake.clone());
    let listening = std::thread::Builder::new().name("hud-pads".into()).spawn(move || listen(&said, &over, &wake));
    match listening {
        Ok(_) => commands.insert_resource(Pads { heard, entities: HashMap::default(), is_over }),
        Err(error) => tracing::warn!("Gamepads have no thread: {error}. Keys and mouse work."),
    }
}

fn listen(said: &Sender<Heard>, is_over: &AtomicBool, wake: &HudWake) {
    let mut gilrs = match Gilrs::new() {
        Ok(gilrs) => gilrs,
        Err(error) => return tracing::info!("There are no gamepads here: {error}."),
    };
    // Of those that are there already nothing is said.
    for (pad, known) in gilrs.gamepads() {
        if said.send(Heard { pad: pad.into(), what: connected(&known) }).is_err() {
            return;
        }
    }
    wake.wake();
    while !is_over.load(Ordering::Acquire) {
        let Some(event) = gilrs.next_event_blocking(Some(LOOK)) else { continue };
        let pad = event.id;
        let what = match event.event {
            EventType::Connected => Some(connected(&gilrs.gamepad(pad))),
            EventType::Disconnected => Some(What::Gone),
            // Of a trigger that is an axis, the change to its end is not always told besides.
            EventType::ButtonPressed(known, _) => button(known).map(|known| What::Button(known, 1.0)),
            EventType::ButtonReleased(known, _) => button(known).map(|known| What::Button(known, 0.0)),
            EventType::ButtonChanged(known, value, _) => {
                button(known).and_then(|known| sound(value).map(|value| What::Button(known, value)))
            }
            EventType::AxisChanged(known, value, _) => axis(known).and_then(|known| sound(value).map(|value| What::Axis(known, value))),
            _ => None,
        };
        let Some(what) = what else { continue };
        if said.send(Heard { pad: pad.into(), what }).is_err() {
            return;
        }
        wake.wake();
    }
}

fn connected(pad: &gilrs::Gamepad<'_>) -> What {
    What::Connected { name: pad.name().to_owned(), vendor_id: pad.vendor_id(), product_id: pad.product_id() }
}

/// A value a pad may have. Odd hardware says others.
fn sound(value: f32) -> Option<f32> {
    value.is_finite().then(|| value.clamp(-1.0, 1.0))
}

/// `None`: a button nobody knows.
const fn button(button: Button) -> Option<GamepadButton> {
    Some(match button {
        Button::South => GamepadButton::South,
        Button::East => GamepadButton::East,
        Button::North => GamepadButton::North,
        Button::West => GamepadButton::West,
        Button::C => GamepadButton::C,
        Button::Z => GamepadButton::Z,
        Button::LeftTrigger => GamepadButton::LeftTrigger,
        Button::LeftTrigger2 => GamepadButton::LeftTrigger2,
        Button::RightTrigger => GamepadButton::RightTrigger,
        Button::RightTrigger2 => GamepadButton::RightTrigger2,
        Button::Select => GamepadButton::Select,
        Button::Start => GamepadButton::Start,
        Button::Mode => GamepadButton::Mode,
        Button::LeftThumb => GamepadButton::LeftThumb,
        Button::RightThumb => GamepadButton::RightThumb,
        Button::DPadUp => GamepadButton::DPadUp,
        Button::DPadDown => GamepadButton::DPadDown,
        Button::DPadLeft => GamepadButton::DPadLeft,
        Button::DPadRight => GamepadButton::DPadRight,
        Button::Unknown => return None,
    })
}

/// `None`: an axis nobody knows, or one that is told as buttons.
const fn axis(axis: Axis) -> Option<GamepadAxis> {
    Some(match axis {
        Axis::LeftStickX => GamepadAxis::LeftStickX,
        Axis::LeftStickY => GamepadAxis::LeftStickY,
        Axis::LeftZ => GamepadAxis::LeftZ,
        Axis::RightStickX => GamepadAxis::RightStickX,
        Axis::RightStickY => GamepadAxis::RightStickY,
        Axis::RightZ => GamepadAxis::RightZ,
        Axis::DPadX | Axis::DPadY | Axis::Unknown => return None,
    })
}

/// What was heard becomes Bevy's own messages, before Bevy reads them.
pub(super) fn receive(
    mut commands: Commands<'_, '_>,
    pads: Option<ResMut<'_, Pads>>,
    mut connections: MessageWriter<'_, GamepadConnectionEvent>,
    mut raw: MessageWriter<'_, RawGamepadEvent>,
) {
    let Some(mut pads) = pads else { return };
    let heard: Vec<Heard> = pads.heard.try_iter().collect();
    for Heard { pad, what } in heard {
        let entity = *pads.entities.entry(pad).or_insert_with(|| commands.spawn_empty().id());
        let connection = match what {
            What::Connected { name, vendor_id, product_id } => {
                tracing::info!("A gamepad was connected: {name}.");
                GamepadConnection::Connected { name, vendor_id, product_id }
            }
            What::Gone => {
                tracing::info!("A gamepad was taken away.");
                GamepadConnection::Disconnected
            }
            What::Button(button, value) => {
                raw.write(RawGamepadEvent::Button(RawGamepadButtonChangedEvent::new(entity, button, value)));
                continue;
            }
            What::Axis(axis, value) => {
                raw.write(RawGamepadEvent::Axis(RawGamepadAxisChangedEvent::new(entity, axis, value)));
                continue;
            }
        };
        let event = GamepadConnectionEvent::new(entity, connection);
        raw.write(RawGamepadEvent::Connection(event.clone()));
        connections.write(event);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use bevy::input::gamepad::Gamepad;

    use super::*;
    use crate::hud::testing::Hud;

    fn plugged(hud: &mut Hud) -> Sender<Heard> {
        let (said, heard) = crossbeam_channel::unbounded();
        hud.app.insert_resource(Pads { heard, entities: HashMap::default(), is_over: Arc::default() });
        let what = What::Connected { name: "Pad".into(), vendor_id: Some(0x45e), product_id: None };
        said.send(Heard { pad: 0, what }).unwrap();
        hud.frame();
        said
    }

    #[test]
    fn a_pad_can_come_press_go_and_come_back_and_holds_nothing_meanwhile() {
        let mut hud = Hud::new();
        let said = plugged(&mut hud);
        let is_pressed = |hud: &mut Hud| {
            let mut pads = hud.app.world_mut().query::<&Gamepad>();
            pads.iter(hud.app.world()).map(|pad| pad.pressed(GamepadButton::DPadRight)).collect::<Vec<_>>()
        };
        let press = || said.send(Heard { pad: 0, what: What::Button(GamepadButton::DPadRight, 1.0) }).unwrap();
        press();
        hud.frame();
        assert_eq!(is_pressed(&mut hud), [true]);
        said.send(Heard { pad: 0, what: What::Gone }).unwrap();
        hud.frame();
        assert!(is_pressed(&mut hud).is_empty());
        said.send(Heard { pad: 0, what: What::Connected { name: "Pad".into(), vendor_id: None, product_id: None } }).unwrap();
        hud.frame();
        assert_eq!(is_pressed(&mut hud), [false], "the same pad, with nothing pressed");
    }

    #[test]
    fn values_that_no_pad_has_are_not_taken_in() {
        assert_eq!((sound(f32::NAN), sound(f32::INFINITY), sound(3.0)), (None, None, Some(1.0)));
        assert_eq!((axis(Axis::Unknown), button(Button::Unknown)), (None, None));
    }
}
