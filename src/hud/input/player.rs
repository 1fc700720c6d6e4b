//! Somebody who uses the window with keys or with a pad and with nothing else: intents for tests, played by either.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, VecDeque};

use bevy::input::ButtonState;
use bevy::input::gamepad::{GamepadConnection, GamepadConnectionEvent, RawGamepadButtonChangedEvent, RawGamepadEvent};
use bevy::input::keyboard::{Key, KeyboardInput, NativeKey};
use bevy::prelude::*;
use bevy::window::PrimaryWindow;
use bevy_egui::egui::{self, Rect};
use bevy_egui::{EguiContext, PrimaryEguiContext};

use super::{Bindings, Device, Focus};
use crate::hud::action::{ActionKind, Chord, ChordKey, Steer, With as Held};
use crate::hud::osk::layout::{self, Shift, Signs};
use crate::hud::osk::{Osk, Tap};
use crate::hud::testing::Hud;

pub struct Player {
    pub hud: Hud,
    pub device: Device,
    pub pad: Entity,
}

impl Player {
    /// Sits down before a window. The pad is plugged in either way.
    pub fn new(mut hud: Hud, device: Device) -> Self {
        let pad = hud.app.world_mut().spawn_empty().id();
        let connection = GamepadConnection::Connected { name: "Pad".into(), vendor_id: None, product_id: None };
        hud.app.world_mut().write_message(GamepadConnectionEvent::new(pad, connection));
        hud.settle();
        Self { hud, device, pad }
    }

    /// Does what the table has a key and a button for.
    pub fn does(&mut self, kind: ActionKind) {
        self.sends(kind);
        self.hud.settle();
    }

    /// Does it, and says with what the program ends, if it does.
    pub fn leaves_by(&mut self, kind: ActionKind) -> Option<AppExit> {
        self.sends(kind);
        (0..10).find_map(|_| {
            self.hud.frame();
            self.hud.app.should_exit()
        })
    }

    fn sends(&mut self, kind: ActionKind) {
        let bindings = self.hud.app.world().resource::<Bindings>().clone();
        match self.device {
            Device::Pad => {
                let button = bindings.button(kind).unwrap_or_else(|| panic!("{kind:?} has no button"));
                self.button(button, 1.0);
                self.button(button, 0.0);
            }
            Device::Keys | Device::Pointer => {
                let chord = *bindings.keys(kind).first().unwrap_or_else(|| panic!("{kind:?} has no key"));
                self.chord(chord);
            }
        }
    }

    pub fn button(&mut self, button: GamepadButton, value: f32) {
        let event = RawGamepadEvent::Button(RawGamepadButtonChangedEvent::new(self.pad, button, value));
        self.hud.app.world_mut().write_message(event);
    }

    /// The pad is pulled out.
    pub fn unplug(&mut self) {
        let gone = GamepadConnectionEvent::new(self.pad, GamepadConnection::Disconnected);
        self.hud.app.world_mut().write_message(gone);
    }

    fn chord(&mut self, chord: Chord) {
        let held: &[KeyCode] = match chord.with {
            Held::Nothing => &[],
            Held::Shift => &[KeyCode::ShiftLeft],
            Held::Ctrl => &[KeyCode::ControlLeft],
            Held::CtrlShift => &[KeyCode::ControlLeft, KeyCode::ShiftLeft],
            Held::CtrlAlt => &[KeyCode::ControlLeft, KeyCode::AltLeft],
            Held::Super => &[KeyCode::SuperLeft],
        };
        let (code, logical) = match chord.key {
            ChordKey::Letter(letter) => (KeyCode::F24, Key::Character(letter.to_string().into())),
            ChordKey::Place(place) => (place, logical(place)),
        };
        held.iter().for_each(|key| self.key(*key, Key::Unidentified(NativeKey::Unidentified), ButtonState::Pressed));
        self.key(code, logical.clone(), ButtonState::Pressed);
        self.key(code, logical, ButtonState::Released);
        held.iter().for_each(|key| self.key(*key, Key::Unidentified(NativeKey::Unidentified), ButtonState::Released));
    }

    fn key(&mut self, key_code: KeyCode, logical_key: Key, state: ButtonState) {
        let world = self.hud.app.world_mut();
        let window = world.query_filtered::<Entity, With<PrimaryWindow>>().single(world).unwrap();
        world.write_message(KeyboardInput { key_code, logical_key, state, text: None, repeat: false, window });
    }

    /// Enters the field under the ring, types, and leaves it: directly, or key by key on the screen.
    pub fn types(&mut self, text: &str) {
        self.does(ActionKind::Press);
        match self.device {
            Device::Pad => {
                assert!(self.osk().is_open(), "the on-screen keyboard opens by itself");
                text.chars().for_each(|letter| self.taps(Tap::Char(letter)));
                self.taps(Tap::Done);
                assert!(!self.osk().is_open());
            }
            Device::Keys | Device::Pointer => {
                assert!(!self.osk().is_open(), "whoever has keys needs none on the screen");
                for letter in text.chars() {
                    self.key(KeyCode::F24, Key::Character(letter.to_string().into()), ButtonState::Pressed);
                    self.hud.frame();
                }
                self.does(ActionKind::Leave);
            }
        }
    }

    pub fn osk(&self) -> &Osk {
        self.hud.app.world().resource::<Osk>()
    }

    pub fn focus(&self) -> &Focus {
        self.hud.app.world().resource::<Focus>()
    }

    /// Walks the on-screen keyboard to a key and presses it, all steps between two frames.
    fn taps(&mut self, tap: Tap) {
        if let Tap::Char(' ') = tap {
            return self.does(ActionKind::TypeSpace);
        }
        if let Tap::Char(letter) = tap {
            self.shows_key(letter);
        }
        let context = self.context();
        let rows = self.osk().rows(&context);
        let is_it = |(row, at): (usize, usize)| rows[row][at].tap == Some(tap);
        let start = self.osk().ring(&rows);
        let mut ways = BTreeMap::from([(start, Vec::new())]);
        let mut open = VecDeque::from([start]);
        while let Some(here) = open.pop_front().filter(|here| !is_it(*here)) {
            let steps = [
                (Steer::Up, ActionKind::MoveUp),
                (Steer::Down, ActionKind::MoveDown),
                (Steer::Left, ActionKind::MoveLeft),
                (Steer::Right, ActionKind::MoveRight),
            ];
            for (steer, kind) in steps {
                let there = layout::step(&rows, here, steer);
                if !ways.contains_key(&there) {
                    let way: Vec<ActionKind> = ways[&here].iter().copied().chain([kind]).collect();
                    ways.insert(there, way);
                    open.push_back(there);
                }
            }
        }
        let (_, way) = ways.iter().find(|(at, _)| is_it(**at)).unwrap_or_else(|| panic!("there is no key for it"));
        for kind in way.clone() {
            self.sends(kind);
        }
        self.hud.frame();
        self.sends(ActionKind::Press);
        // One for the press, one in which egui hears of it.
        self.hud.frame();
        self.hud.frame();
    }

    /// Brings a letter onto the screen: capitals, or signs.
    fn shows_key(&mut self, letter: char) {
        let has = |signs, shift| {
            let rows = layout::rows(crate::hud::widgets::typed::Wanted::Text, signs, shift, "");
            rows.concat().iter().any(|key| key.tap == Some(Tap::Char(letter)))
        };
        if letter.is_ascii_digit() {
            return;
        }
        let signs = if has(Signs::Letters, Shift::Off) || has(Signs::Letters, Shift::Once) { Signs::Letters } else { Signs::Symbols };
        if self.osk().signs != signs {
            self.does(ActionKind::TypeSymbols);
        }
        if letter.is_uppercase() {
            self.does(ActionKind::TypeShift);
        }
    }

    pub fn context(&mut self) -> egui::Context {
        let world = self.hud.app.world_mut();
        let mut contexts = world.query_filtered::<&mut EguiContext, With<PrimaryEguiContext>>();
        contexts.single_mut(world).unwrap().get_mut().clone()
    }

    /// Where the ring is; `None`: it is lost.
    pub fn ring(&mut self) -> Option<Rect> {
        let at = self.focus().at?;
        self.context().viewport(|viewport| viewport.prev_pass.widgets.get(at).map(|widget| widget.rect))
    }

    /// Walks until the ring is around this text.
    pub fn reaches(&mut self, text: &str) {
        for _ in 0..80 {
            let Some(ring) = self.ring() else {
                self.does(ActionKind::MoveDown);
                continue;
            };
            let seen: Vec<Rect> = self.hud.screen().iter().filter(|seen| seen.text == text).map(|seen| seen.place).collect();
            let Some(place) = seen.iter().min_by(|one, other| {
                let far = |place: &Rect| place.center().distance(ring.center());
                far(one).total_cmp(&far(other))
            }) else {
                self.does(ActionKind::MoveDown);
                continue;
            };
            let wanted = place.center();
            if ring.contains(wanted) {
                return;
            }
            let before = ring;
            let upright =
                if wanted.y > ring.bottom() { Some(ActionKind::MoveDown) } else { (wanted.y < ring.top()).then_some(ActionKind::MoveUp) };
            let sideways = if wanted.x > ring.right() {
                Some(ActionKind::MoveRight)
            } else {
                (wanted.x < ring.left()).then_some(ActionKind::MoveLeft)
            };
            for step in [upright, sideways].into_iter().flatten() {
                self.does(step);
                if self.ring() != Some(before) {
                    break;
                }
            }
        }
        panic!("the ring never came to {text:?}: it is at {:?}; {:#?}", self.ring(), self.hud.texts());
    }

    /// Goes to a slot of the hotbar, 0 to 8, and opens its pane, or enters it.
    pub fn opens(&mut self, slot: usize) {
        self.does(ActionKind::NextSlot);
        while self.focus().slot != slot {
            self.does(ActionKind::NextSlot);
        }
        self.does(ActionKind::Press);
    }
}

fn logical(place: KeyCode) -> Key {
    match place {
        KeyCode::Enter => Key::Enter,
        KeyCode::Escape => Key::Escape,
        KeyCode::Tab => Key::Tab,
        KeyCode::Space => Key::Space,
        KeyCode::ArrowUp => Key::ArrowUp,
        KeyCode::ArrowDown => Key::ArrowDown,
        KeyCode::ArrowLeft => Key::ArrowLeft,
        KeyCode::ArrowRight => Key::ArrowRight,
        _ => Key::Unidentified(NativeKey::Unidentified),
    }
}
