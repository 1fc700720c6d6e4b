//! Gamepads, from a thread of their own.
//!
//! Bevy's own reader looks at pads only when a frame is drawn, so a press would wake nobody. This thread owns the only
//! `Gilrs`, waits for it, hands on what it says and wakes the window. Where there is no udev or no pad, nothing is said.
//!
//! Decision: while the window has not got the keyboard, only pads that come and go are told of. What is pressed and tilted
//! then is for another program, and the window sleeps through it; what was held when it lost the keyboard is let go of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bevy::input::gamepad::{
    Gamepad, GamepadAxis, GamepadButton, GamepadConnection, GamepadConnectionEvent, RawGamepadAxisChangedEvent,
    RawGamepadButtonChangedEvent, RawGamepadEvent,
};
use bevy::platform::collections::HashMap;
use bevy::prelude::*;
use bevy::window::PrimaryWindow;
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

impl What {
    /// Whether this is told while the window has not got the keyboard.
    const fn is_always_told(&self) -> bool {
        matches!(self, Self::Connected { .. } | Self::Gone)
    }
}

/// What the thread and the window know of each other.
#[derive(Debug, Clone)]
struct Bond {
    is_over: Arc<AtomicBool>,
    /// Whether the window has the keyboard. At first it is thought to: a window nobody manages never hears of it.
    has_keys: Arc<AtomicBool>,
}

impl Default for Bond {
    fn default() -> Self {
        Self { is_over: Arc::default(), has_keys: Arc::new(AtomicBool::new(true)) }
    }
}

/// The thread's other end, and the entities that stand for its pads.
#[derive(Resource)]
pub struct Pads {
    heard: Receiver<Heard>,
    entities: HashMap<usize, Entity>,
    bond: Bond,
}

impl Drop for Pads {
    fn drop(&mut self) {
        // It is not waited for, which could take as long as LOOK: it has nothing open that needs putting away.
        self.bond.is_over.store(true, Ordering::Release);
    }
}

/// Listens once the loop can be woken: without a window nobody holds a pad.
pub(super) fn begin(mut commands: Commands<'_, '_>, bridge: Res<'_, Bridge>, proxy: Option<Res<'_, EventLoopProxyWrapper>>) {
    if proxy.is_none() {
        return;
    }
    let (said, heard) = crossbeam_channel::unbounded();
    let bond = Bond::default();
    let (its, wake) = (bond.clone(), bridge.wake.clone());
    let listening = std::thread::Builder::new().name("hud-pads".into()).spawn(move || listen(&said, &its, &wake));
    match listening {
        Ok(_) => commands.insert_resource(Pads { heard, entities: HashMap::default(), bond }),
        Err(error) => tracing::warn!("Gamepads have no thread: {error}. Keys and mouse work."),
    }
}

fn listen(said: &Sender<Heard>, bond: &Bond, wake: &HudWake) {
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
    while !bond.is_over.load(Ordering::Acquire) {
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
        if !tell(said, bond, wake, Heard { pad: pad.into(), what }) {
            return;
        }
    }
}

/// Hands on what a pad did, and wakes the window for it. False when nobody listens any more.
fn tell(said: &Sender<Heard>, bond: &Bond, wake: &HudWake, heard: Heard) -> bool {
    if !heard.what.is_always_told() && !bond.has_keys.load(Ordering::Acquire) {
        return true;
    }
    let is_heard = said.send(heard).is_ok();
    wake.wake();
    is_heard
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
    windows: Query<'_, '_, &Window, With<PrimaryWindow>>,
    known: Query<'_, '_, (Entity, &Gamepad)>,
    mut connections: MessageWriter<'_, GamepadConnectionEvent>,
    mut raw: MessageWriter<'_, RawGamepadEvent>,
) {
    let Some(mut pads) = pads else { return };
    let has_keys = windows.iter().any(|window| window.focused);
    if pads.bond.has_keys.swap(has_keys, Ordering::AcqRel) && !has_keys {
        raw.write_batch(known.iter().flat_map(|(pad, state)| let_go(pad, state)));
    }
    let heard: Vec<Heard> = pads.heard.try_iter().filter(|heard| has_keys || heard.what.is_always_told()).collect();
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

/// Everything that is held down or tilted on a pad, at rest again: nobody will be told of it.
fn let_go(pad: Entity, state: &Gamepad) -> Vec<RawGamepadEvent> {
    let pressed = state.get_pressed().map(|button| RawGamepadEvent::Button(RawGamepadButtonChangedEvent::new(pad, *button, 0.0)));
    let tilted = GamepadAxis::all().into_iter().map(|axis| RawGamepadEvent::Axis(RawGamepadAxisChangedEvent::new(pad, axis, 0.0)));
    pressed.chain(tilted).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;
    use crate::hud::input::{Device, LastDevice};
    use crate::hud::testing::Hud;

    fn plugged(hud: &mut Hud) -> Sender<Heard> {
        let (said, heard) = crossbeam_channel::unbounded();
        hud.app.insert_resource(Pads { heard, entities: HashMap::default(), bond: Bond::default() });
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

    fn give_keys(hud: &mut Hud, focused: bool) {
        let world = hud.app.world_mut();
        world.query_filtered::<&mut Window, With<PrimaryWindow>>().single_mut(world).unwrap().focused = focused;
        hud.frame();
    }

    #[test]
    fn a_pad_that_plays_another_program_is_not_heard_and_lets_go_of_what_it_held_here() {
        let mut hud = Hud::new();
        let said = plugged(&mut hud);
        let bond = hud.app.world().resource::<Pads>().bond.clone();
        let does = |what| assert!(tell(&said, &bond, &HudWake::default(), Heard { pad: 0, what }));
        let button = |value| What::Button(GamepadButton::South, value);
        does(button(1.0));
        does(What::Axis(GamepadAxis::RightStickY, 1.0));
        hud.frame();
        let held = |hud: &mut Hud| {
            let mut pads = hud.app.world_mut().query::<&Gamepad>();
            let pad = pads.single(hud.app.world()).unwrap();
            (pad.pressed(GamepadButton::South), pad.right_stick().y)
        };
        assert_eq!(held(&mut hud), (true, 1.0));
        // What was said before the thread knew is not taken in either.
        said.send(Heard { pad: 0, what: button(1.0) }).unwrap();
        give_keys(&mut hud, false);
        assert_eq!(held(&mut hud), (false, 0.0));
        let waiting = |hud: &Hud| hud.app.world().resource::<Pads>().heard.len();
        does(button(1.0));
        does(What::Axis(GamepadAxis::LeftStickX, 1.0));
        assert_eq!(waiting(&hud), 0, "nothing to wake for");
        does(What::Gone);
        assert_eq!(waiting(&hud), 1);
        does(What::Connected { name: "Pad".into(), vendor_id: None, product_id: None });
        hud.frame();
        assert_eq!(held(&mut hud), (false, 0.0));
        give_keys(&mut hud, true);
        does(button(1.0));
        hud.frame();
        assert_eq!(held(&mut hud), (true, 0.0), "heard again");
    }

    #[test]
    fn hints_do_not_change_for_a_pad_that_plays_another_program() {
        let mut hud = Hud::new();
        let said = plugged(&mut hud);
        give_keys(&mut hud, false);
        let world = hud.app.world_mut();
        let pad = world.query_filtered::<Entity, With<Gamepad>>().single(world).unwrap();
        world.write_message(RawGamepadEvent::Button(RawGamepadButtonChangedEvent::new(pad, GamepadButton::South, 1.0)));
        hud.frame();
        give_keys(&mut hud, true);
        assert_eq!(hud.app.world().resource::<LastDevice>().0, Device::Keys);
        drop(said);
    }

    #[test]
    fn values_that_no_pad_has_are_not_taken_in() {
        assert_eq!((sound(f32::NAN), sound(f32::INFINITY), sound(3.0)), (None, None, Some(1.0)));
        assert_eq!((axis(Axis::Unknown), button(Button::Unknown)), (None, None));
    }
}
