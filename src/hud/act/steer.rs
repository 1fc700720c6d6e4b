//! Moving the focus, pressing what it is on, leaving: by whoever has the keys.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy::window::RequestRedraw;
use bevy_egui::egui::{self, Context, Event};
use bevy_egui::{EguiContext, EguiInput, PrimaryEguiContext};

use crate::hud::action::{Steer, UserAction};
use crate::hud::help::{self, Help};
use crate::hud::hotbar::{Opens, Slot, slot_id};
use crate::hud::input::{self, Area, Claims, Focus, Owner};
use crate::hud::osk::{self, Osk, Tap};
use crate::hud::palette::{self, Palette};
use crate::hud::pane::{ActivePane, Pane, SLOTS, arranging, frame};
use crate::hud::state::{Notices, Now, Session, Tone};
use crate::hud::theme::tokens;
use crate::hud::widgets::marks::{self, Rank};

/// What has to be known to steer, and where the result goes.
#[derive(SystemParam)]
pub struct Helm<'w, 's> {
    focus: ResMut<'w, Focus>,
    session: Res<'w, Session>,
    notices: ResMut<'w, Notices>,
    now: Res<'w, Now>,
    slots: Query<'w, 's, (&'static Slot, &'static Opens)>,
    panes: Query<'w, 's, &'static Pane>,
}

/// The overlays that have steps of their own.
#[derive(SystemParam)]
pub struct Overlays<'w> {
    osk: ResMut<'w, Osk>,
    palette: ResMut<'w, Palette>,
    help: ResMut<'w, Help>,
}

impl Overlays<'_> {
    fn are_open(&self) -> bool {
        self.osk.is_open() || self.palette.is_open || self.help.is_open
    }

    pub fn close(&mut self) {
        self.osk.close();
        self.palette.is_open = false;
        self.help.is_open = false;
    }
}

/// Who has the keys, by the state before this frame's steps. Written down first: what obeys may change it.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Had(Option<Owner>);

pub fn look(
    claims: Claims<'_, '_>,
    focus: Res<'_, Focus>,
    mut had: ResMut<'_, Had>,
    mut contexts: Query<'_, '_, &mut EguiContext, With<PrimaryEguiContext>>,
) {
    had.0 = contexts.iter_mut().next().map(|mut context| claims.owner(focus.area, context.get_mut()));
}

/// Obeys what the focus has to do with. Further actions that follow are obeyed in this frame, by those who come later.
pub fn obey(
    mut actions: PopulatedMessageReader<'_, '_, UserAction>,
    mut contexts: Query<'_, '_, (&mut EguiContext, &mut EguiInput), With<PrimaryEguiContext>>,
    had: Res<'_, Had>,
    active: Res<'_, ActivePane>,
    mut helm: Helm<'_, '_>,
    mut overlays: Overlays<'_>,
    mut commands: Commands<'_, '_>,
    mut redraw: MessageWriter<'_, RequestRedraw>,
) {
    let (Some((mut context, mut egui)), Some(mut owner)) = (contexts.iter_mut().next(), had.0) else { return };
    let context = context.get_mut().clone();
    let mut further = Vec::new();
    for action in actions.read() {
        match action {
            UserAction::Steer(steer) => {
                let mut turn = Turn { context: &context, helm: &mut helm, active: active.0, further: &mut further };
                egui.events.extend(turn.steer(owner, *steer, &mut overlays));
                // A second step in one frame begins where the first one led.
                if let (Owner::Hotbar | Owner::Pane(_), Some(pane)) = (owner, active.0) {
                    owner = if helm.focus.area == Area::Pane { Owner::Pane(pane) } else { Owner::Hotbar };
                }
            }
            UserAction::Scroll(by) => {
                let layer = match owner {
                    Owner::Help => Some(help::layer()),
                    Owner::Dialog(layer) => Some(layer),
                    _ if overlays.palette.is_open => Some(palette::layer()),
                    _ => active.0.map(frame::layer),
                };
                layer.into_iter().for_each(|layer| input::wish_by(&context, layer, *by));
            }
            UserAction::Tap(tap) => {
                egui.events.extend(overlays.osk.tap(&context, *tap));
                if *tap == Tap::Done {
                    helm.focus.leave_field(&context);
                }
            }
            // A pane that is opened is seen.
            UserAction::PressSlot(_) if overlays.are_open() => {
                overlays.close();
                helm.focus.leave_field(&context);
            }
            UserAction::ToggleKeyboard => toggle_keyboard(&context, &mut overlays.osk, &helm.focus),
            UserAction::TogglePalette => {
                overlays.osk.close();
                overlays.help.is_open = false;
                overlays.palette.toggle();
                helm.focus.leave_field(&context);
            }
            UserAction::ToggleHelp => {
                overlays.osk.close();
                overlays.palette.is_open = false;
                overlays.help.is_open = !overlays.help.is_open;
            }
            _ => {}
        }
    }
    if !egui.events.is_empty() {
        // What egui has to hear it hears in the next frame.
        redraw.write(RequestRedraw);
    }
    if !further.is_empty() {
        commands.queue(move |world: &mut World| {
            world.write_message_batch(further);
        });
    }
}

/// After panes were opened, raised and closed: whoever opens or touches one is in it.
pub fn follow(
    mut actions: PopulatedMessageReader<'_, '_, UserAction>,
    mut contexts: Query<'_, '_, &mut EguiContext, With<PrimaryEguiContext>>,
    active: Res<'_, ActivePane>,
    mut helm: Helm<'_, '_>,
) {
    let Some(mut context) = contexts.iter_mut().next() else { return };
    let context = context.get_mut().clone();
    for action in actions.read() {
        match action {
            UserAction::PressSlot(index) | UserAction::EnterSlot(index) => helm.follow(&context, Some(*index), active.0),
            UserAction::Toggle(_) | UserAction::Show(_) | UserAction::Focus(_) => helm.follow(&context, None, active.0),
            UserAction::RaiseNext | UserAction::RaisePrevious => helm.follow(&context, None, active.0),
            UserAction::Close(_) | UserAction::CloseActive | UserAction::CloseAll if active.0.is_none() => {
                helm.focus.change(&context, Area::Hotbar);
            }
            _ => {}
        }
    }
}

fn toggle_keyboard(context: &Context, osk: &mut Osk, focus: &Focus) {
    if osk.is_open() {
        osk.close();
        focus.leave_field(context);
    } else if let Some(field) = context.memory(|memory| memory.focused()).filter(|id| input::is_field(context, *id)) {
        osk.open(field);
    } else if let Some(field) = focus.at.filter(|id| input::is_field(context, *id)) {
        context.memory_mut(|memory| memory.request_focus(field));
        osk.open(field);
    }
}

impl Helm<'_, '_> {
    /// A pane was opened, raised or closed: the keys go into it, or stay where they are.
    fn follow(&mut self, context: &Context, slot: Option<usize>, active: Option<Entity>) {
        let pressed = slot.and_then(|index| self.slots.iter().find(|(slot, _)| slot.index == index)).map(|(_, opens)| opens.0);
        if let Some(index) = slot {
            self.focus.slot = index;
        }
        match (slot, active) {
            (_, None) => self.focus.change(context, Area::Hotbar),
            (Some(_), Some(active)) if pressed != Some(active) => {}
            (_, Some(_)) => self.focus.change(context, Area::Pane),
        }
    }
}

/// One step.
struct Turn<'a, 'w, 's> {
    context: &'a Context,
    helm: &'a mut Helm<'w, 's>,
    active: Option<Entity>,
    further: &'a mut Vec<UserAction>,
}

impl Turn<'_, '_, '_> {
    /// Takes it; gives what egui has to hear in the next frame.
    fn steer(&mut self, owner: Owner, steer: Steer, overlays: &mut Overlays<'_>) -> Vec<Event> {
        match owner {
            Owner::Arranging => {
                self.further.extend(arranging::meaning(steer));
                Vec::new()
            }
            _ if matches!(steer, Steer::Hotbar | Steer::NextSlot | Steer::PreviousSlot) => {
                self.go_to_hotbar(owner, steer, overlays);
                Vec::new()
            }
            Owner::Keyboard => self.type_by(steer, &mut overlays.osk),
            Owner::Palette => self.choose(steer, &mut overlays.palette, &mut overlays.osk),
            Owner::Help => self.read(steer, &mut overlays.help),
            Owner::Dialog(_) => self.answer(owner, steer),
            Owner::Hotbar => self.on_hotbar(steer),
            Owner::Pane(pane) => self.in_pane(owner, pane, steer),
        }
    }

    /// From anywhere but a question. What lies over it is closed.
    fn go_to_hotbar(&mut self, owner: Owner, steer: Steer, overlays: &mut Overlays<'_>) {
        if matches!(owner, Owner::Dialog(_)) || self.helm.session.market.is_none() {
            return;
        }
        overlays.close();
        self.helm.focus.change(self.context, Area::Hotbar);
        let slot = self.helm.focus.slot;
        let slot = match steer {
            Steer::NextSlot => (slot + 1) % SLOTS,
            Steer::PreviousSlot => (slot + SLOTS - 1) % SLOTS,
            _ => slot,
        };
        self.ring_slot(slot);
    }

    fn ring_slot(&mut self, slot: usize) {
        self.helm.focus.leave_field(self.context);
        self.helm.focus.slot = slot;
        self.helm.focus.at = Some(slot_id(slot));
        self.context.memory_mut(|memory| memory.request_focus(slot_id(slot)));
    }

    fn on_hotbar(&mut self, steer: Steer) -> Vec<Event> {
        let slot = self.helm.focus.slot;
        match steer {
            Steer::Left | Steer::Previous => self.ring_slot((slot + SLOTS - 1) % SLOTS),
            Steer::Right | Steer::Next => self.ring_slot((slot + 1) % SLOTS),
            Steer::Up | Steer::Pane => self.helm.focus.change(self.context, if self.active.is_some() { Area::Pane } else { Area::Hotbar }),
            Steer::Press => self.further.push(UserAction::EnterSlot(slot)),
            Steer::Leave => self.further.push(UserAction::CloseActive),
            Steer::NextPane => self.further.push(UserAction::RaiseNext),
            Steer::PreviousPane => self.further.push(UserAction::RaisePrevious),
            Steer::Main | Steer::Second => return self.press_marked(steer),
            Steer::Down | Steer::Hotbar | Steer::NextSlot | Steer::PreviousSlot => {}
        }
        Vec::new()
    }

    fn in_pane(&mut self, owner: Owner, pane: Entity, steer: Steer) -> Vec<Event> {
        match steer {
            Steer::Up | Steer::Down | Steer::Left | Steer::Right | Steer::Next | Steer::Previous => self.walk(owner, steer),
            Steer::Press => return self.press(owner),
            Steer::Leave => self.leave(pane),
            Steer::NextPane => self.further.push(UserAction::RaiseNext),
            Steer::PreviousPane => self.further.push(UserAction::RaisePrevious),
            Steer::Main | Steer::Second => return self.press_marked(steer),
            Steer::Pane | Steer::Hotbar | Steer::NextSlot | Steer::PreviousSlot => {}
        }
        Vec::new()
    }

    /// A field first, then the pane. The hotbar closes it.
    fn leave(&mut self, pane: Entity) {
        if self.context.text_edit_focused() {
            self.helm.focus.leave_field(self.context);
            return;
        }
        let slot = self.helm.slots.iter().find(|(_, opens)| opens.0 == pane).map(|(slot, _)| slot.index);
        self.helm.focus.change(self.context, Area::Hotbar);
        self.ring_slot(slot.unwrap_or(self.helm.focus.slot));
    }

    fn walk(&mut self, owner: Owner, steer: Steer) {
        let stops = Focus::stops(owner, self.context);
        let focused = self.context.memory(|memory| memory.focused());
        let from = focused.filter(|id| stops.iter().any(|stop| stop.id == *id)).or(self.helm.focus.at);
        if let Some(stop) = input::step(&stops, from, steer) {
            self.helm.focus.go(self.context, owner, stop);
            // Tab goes into fields, as everywhere; arrows only pass them.
            if matches!(steer, Steer::Next | Steer::Previous) {
                self.context.memory_mut(|memory| memory.request_focus(stop.id));
            }
            return;
        }
        let layer = match owner {
            Owner::Pane(pane) => frame::layer(pane),
            Owner::Dialog(layer) => layer,
            _ => return,
        };
        // Nothing further to stand on: there may be something to read.
        let by = tokens::SCROLL_STEP;
        match steer {
            Steer::Up => input::wish_by(self.context, layer, by),
            Steer::Down => input::wish_by(self.context, layer, -by),
            _ => {}
        }
    }

    /// A button is pressed by egui itself; a field is entered.
    fn press(&self, owner: Owner) -> Vec<Event> {
        let Some(at) = self.helm.focus.at.filter(|at| Focus::stops(owner, self.context).iter().any(|stop| stop.id == *at)) else {
            return Vec::new();
        };
        let is_entered = self.context.memory(|memory| memory.has_focus(at));
        if input::is_field(self.context, at) && !is_entered {
            self.context.memory_mut(|memory| memory.request_focus(at));
            return Vec::new();
        }
        self.context.memory_mut(|memory| memory.request_focus(at));
        osk::key(egui::Key::Enter)
    }

    fn press_marked(&mut self, steer: Steer) -> Vec<Event> {
        let Some(pane) = self.active else { return Vec::new() };
        let rank = if steer == Steer::Main { Rank::Main } else { Rank::Second };
        let Some(button) = marks::find(self.context, frame::layer(pane), rank) else {
            let word = if rank == Rank::Main { "main action" } else { "second action" };
            let title = self.helm.panes.get(pane).ok().and_then(|pane| crate::hud::pane::PANES.iter().find(|spec| spec.kind == pane.0));
            let text = format!("{} has no {word} now.", title.map_or("This pane", |spec| spec.title));
            self.helm.notices.tell(self.helm.now.0, Tone::Good, text, "It has one when its button can be pressed.");
            return Vec::new();
        };
        self.helm.focus.change(self.context, Area::Pane);
        self.helm.focus.leave_field(self.context);
        self.helm.focus.at = Some(button);
        self.context.memory_mut(|memory| memory.request_focus(button));
        osk::key(egui::Key::Enter)
    }

    /// A question: its controls, and its own answer to Escape.
    fn answer(&mut self, owner: Owner, steer: Steer) -> Vec<Event> {
        match steer {
            Steer::Leave => return osk::key(egui::Key::Escape),
            Steer::Press => return self.press(owner),
            Steer::Up | Steer::Down | Steer::Left | Steer::Right | Steer::Next | Steer::Previous => self.walk(owner, steer),
            _ => {}
        }
        Vec::new()
    }

    fn type_by(&self, steer: Steer, osk: &mut Osk) -> Vec<Event> {
        match steer {
            Steer::Press => {
                let tap = osk.pressed(self.context);
                if tap == Some(Tap::Done) {
                    self.helm.focus.leave_field(self.context);
                }
                return tap.map(|tap| osk.tap(self.context, tap)).unwrap_or_default();
            }
            Steer::Leave => {
                osk.close();
                self.helm.focus.leave_field(self.context);
            }
            _ => osk.step(self.context, steer),
        }
        Vec::new()
    }

    fn choose(&mut self, steer: Steer, palette: &mut Palette, osk: &mut Osk) -> Vec<Event> {
        match steer {
            Steer::Press => {
                let slots = palette::slots_with_panes(self.helm.slots.iter(), &self.helm.panes);
                self.further.extend(palette.chosen(&slots));
                palette.is_open = false;
                self.helm.focus.leave_field(self.context);
            }
            Steer::Leave => {
                palette.is_open = false;
                self.helm.focus.leave_field(self.context);
            }
            // A pad types by the on-screen keyboard.
            Steer::Main => {
                if let Some(field) = self.context.memory(|memory| memory.focused()) {
                    osk.open(field);
                }
            }
            _ => palette.step(steer),
        }
        Vec::new()
    }

    fn read(&self, steer: Steer, help: &mut Help) -> Vec<Event> {
        let by = tokens::HELP_LINE * 2.0;
        match steer {
            Steer::Leave | Steer::Press => help.is_open = false,
            Steer::Up | Steer::Previous => input::wish_by(self.context, help::layer(), by),
            Steer::Down | Steer::Next => input::wish_by(self.context, help::layer(), -by),
            _ => {}
        }
        Vec::new()
    }
}
