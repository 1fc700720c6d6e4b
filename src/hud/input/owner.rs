//! Who has the keys now: the hotbar, the active pane, or what lies over both.
//!
//! Decisions:
//! - egui's focus is the truth about what is typed into and pressed; this is the truth about where the ring is. They are
//!   the same except on a field nobody has entered: there the ring stands without egui knowing, or the arrows of a pad
//!   would be lost in every field they pass.
//! - The focus is never nowhere while keys or a pad are used: [`settle`] looks after each frame, and gives what was on
//!   something that is gone to its neighbour, to the pane, or to the hotbar.
//! - What asks a question over everything else claims the keys in the pass that draws it ([`claim`]). Escape is its own.

use bevy::ecs::lifecycle::Remove;
use bevy::ecs::system::SystemParam;
use bevy::platform::collections::HashMap;
use bevy::prelude::*;
use bevy::window::RequestRedraw;
use bevy_egui::egui::{Context, Id, LayerId, Order, Rect};
use bevy_egui::{EguiContext, PrimaryEguiContext};

use super::device::{Device, LastDevice};
use super::reveal;
use super::walk::{self, Stop};
use crate::hud::action::{ActionKind, UserAction};
use crate::hud::help::Help;
use crate::hud::hotbar::slot_id;
use crate::hud::osk::Osk;
use crate::hud::palette::Palette;
use crate::hud::pane::arranging::Arranging;
use crate::hud::pane::{ActivePane, Pane, PaneMotion, frame, motion::Goal};

/// Who has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Hotbar,
    Pane(Entity),
    /// A question, on this layer.
    Dialog(LayerId),
    Palette,
    Help,
    /// The on-screen keyboard.
    Keyboard,
    /// The pane that is moved or resized by steps.
    Arranging,
}

/// What the keys go to when nothing lies over it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Area {
    #[default]
    Hotbar,
    Pane,
}

/// Where the focus is.
#[derive(Resource, Debug, Clone, Default)]
pub struct Focus {
    pub area: Area,
    /// The slot of the hotbar, 0 to 8.
    pub slot: usize,
    /// The control with the ring.
    pub at: Option<Id>,
    /// Where that control was seen last.
    place: Option<Rect>,
    /// Where the ring was in each pane, to come back to.
    marks: HashMap<Entity, Id>,
    /// Who had the keys in the frame before.
    had: Option<Owner>,
}

/// What it takes to know who has the keys.
#[derive(SystemParam)]
pub struct Claims<'w, 's> {
    active: Res<'w, ActivePane>,
    osk: Res<'w, Osk>,
    palette: Res<'w, Palette>,
    help: Res<'w, Help>,
    arranging: Res<'w, Arranging>,
    panes: Query<'w, 's, &'static PaneMotion>,
}

impl Claims<'_, '_> {
    pub fn owner(&self, area: Area, context: &Context) -> Owner {
        let dialog = claimed(context);
        match self.active.0 {
            _ if self.osk.is_open() => Owner::Keyboard,
            _ if dialog.is_some() => dialog.map_or(Owner::Hotbar, Owner::Dialog),
            _ if self.palette.is_open => Owner::Palette,
            _ if self.help.is_open => Owner::Help,
            _ if self.arranging.0.is_some() => Owner::Arranging,
            Some(pane) if area == Area::Pane && self.panes.get(pane).is_ok_and(|motion| motion.goal == Goal::Open) => Owner::Pane(pane),
            _ => Owner::Hotbar,
        }
    }

    /// What a key or a button for this is for now; `None`: nothing. Under the palette and the help sheet nothing is done to
    /// what they cover: what leads elsewhere closes them, and the rest waits.
    pub fn meant(&self, kind: ActionKind) -> Option<ActionKind> {
        use UserAction::{PressSlot, Quit, Scroll, Steer, Tap, ToggleFullScreen, ToggleHelp, ToggleKeyboard, TogglePalette, Zoom};
        if !self.palette.is_open && !self.help.is_open {
            return Some(kind);
        }
        match kind.action() {
            UserAction::CloseActive => Some(ActionKind::Leave),
            Steer(_) | Scroll(_) | Tap(_) | ToggleKeyboard | TogglePalette | ToggleHelp => Some(kind),
            PressSlot(_) | Zoom(_) | ToggleFullScreen | Quit => Some(kind),
            _ => None,
        }
    }
}

fn claim_id() -> Id {
    Id::new("claims the keys")
}

/// What is drawn here asks a question: until it is no longer drawn, keys and pads walk its controls and no others.
pub fn claim(context: &Context, layer: LayerId) {
    context.data_mut(|data| data.insert_temp(claim_id(), Some(layer)));
}

fn claimed(context: &Context) -> Option<LayerId> {
    context.data(|data| data.get_temp::<Option<LayerId>>(claim_id())).flatten()
}

/// Before anything is drawn: whoever still wants the keys claims them again.
pub fn unclaim(mut contexts: Query<'_, '_, &mut EguiContext, With<PrimaryEguiContext>>) {
    for mut context in &mut contexts {
        context.get_mut().data_mut(|data| data.remove_temp::<Option<LayerId>>(claim_id()));
    }
}

impl Focus {
    /// Whether something lay over panes and hotbar when the last frame was drawn.
    pub fn is_covered(&self) -> bool {
        !matches!(self.had, None | Some(Owner::Hotbar | Owner::Pane(_)))
    }

    /// The controls of an owner, in order.
    pub fn stops(owner: Owner, context: &Context) -> Vec<Stop> {
        match owner {
            Owner::Pane(pane) => walk::stops(context, frame::layer(pane), Some(frame::close_id(pane))),
            Owner::Dialog(layer) => walk::stops(context, layer, None),
            Owner::Hotbar => walk::stops(context, LayerId::new(Order::Foreground, Id::new("hotbar")), None),
            Owner::Palette | Owner::Help | Owner::Keyboard | Owner::Arranging => Vec::new(),
        }
    }

    /// Puts the ring on a control. A field is not entered by that.
    pub fn go(&mut self, context: &Context, owner: Owner, stop: Stop) {
        self.leave_field(context);
        self.at = Some(stop.id);
        self.place = Some(stop.place);
        match owner {
            Owner::Pane(pane) => {
                self.marks.insert(pane, stop.id);
                if stop.is_cut {
                    reveal::wish_place(context, frame::layer(pane), stop.place);
                }
            }
            Owner::Dialog(layer) if stop.is_cut => reveal::wish_place(context, layer, stop.place),
            Owner::Hotbar => self.slot = (0..crate::hud::pane::SLOTS).find(|index| slot_id(*index) == stop.id).unwrap_or(self.slot),
            _ => {}
        }
        if !walk::is_field(context, stop.id) {
            context.memory_mut(|memory| memory.request_focus(stop.id));
        }
    }

    /// Takes the keys from whatever has them.
    pub fn leave_field(&self, context: &Context) {
        if let Some(focused) = context.memory(|memory| memory.focused()) {
            context.memory_mut(|memory| memory.surrender_focus(focused));
        }
    }

    /// From now on the keys go to the hotbar, or to the active pane.
    pub fn change(&mut self, context: &Context, area: Area) {
        if self.area != area {
            self.area = area;
            self.at = None;
            self.place = None;
            self.leave_field(context);
        }
    }

    /// Where to begin in an area that has just got the keys.
    fn mark(&self, owner: Owner) -> Option<Id> {
        match owner {
            Owner::Pane(pane) => self.marks.get(&pane).copied(),
            Owner::Hotbar => Some(slot_id(self.slot)),
            _ => None,
        }
    }
}

/// Nobody comes back to a pane that is no more.
pub fn forget(gone: On<'_, '_, Remove, Pane>, mut focus: ResMut<'_, Focus>) {
    focus.marks.remove(&gone.entity);
}

/// After everything is drawn and done: the ring is on something that is there.
pub fn settle(
    claims: Claims<'_, '_>,
    last: Res<'_, LastDevice>,
    mut focus: ResMut<'_, Focus>,
    mut contexts: Query<'_, '_, &mut EguiContext, With<PrimaryEguiContext>>,
    mut actions: MessageWriter<'_, UserAction>,
    mut redraw: MessageWriter<'_, RequestRedraw>,
) {
    let Some(mut context) = contexts.iter_mut().next() else { return };
    let context = context.get_mut().clone();
    let owner = claims.owner(focus.area, &context);
    let has_changed = focus.bypass_change_detection().had.replace(owner) != Some(owner);
    if has_changed {
        // Where the ring was among other controls says nothing about these.
        (focus.at, focus.place) = (None, None);
    }
    if matches!(owner, Owner::Keyboard | Owner::Palette | Owner::Help) {
        return;
    }
    let stops = Focus::stops(owner, &context);
    let find = |id: Option<Id>| stops.iter().find(|stop| Some(stop.id) == id).copied();
    let focused = context.memory(|memory| memory.focused());
    if !last.shows_focus() {
        // Whoever points decides; the ring, unseen, stays where it was or goes where somebody types.
        if let Some(stop) = find(focused).or_else(|| find(focus.at)) {
            (focus.at, focus.place) = (Some(stop.id), Some(stop.place));
        }
        return;
    }
    let mark = find(focus.mark(owner));
    let nearest = focus.place.and_then(|place| walk::nearest(&stops, place));
    let Some(stop) = find(focused).or(find(focus.at)).or(nearest).or(mark).or_else(|| stops.first().copied()) else {
        focus.at = None;
        return;
    };
    if last.0 == Device::Pad && focused == Some(stop.id) && walk::is_field(&context, stop.id) {
        actions.write(UserAction::ToggleKeyboard);
        redraw.write(RequestRedraw);
    }
    let is_there = focus.at == Some(stop.id) && (focused == Some(stop.id) || walk::is_field(&context, stop.id));
    if is_there {
        focus.bypass_change_detection().place = Some(stop.place);
        return;
    }
    if focused == Some(stop.id) {
        (focus.at, focus.place) = (Some(stop.id), Some(stop.place));
    } else {
        focus.go(&context, owner, stop);
    }
    redraw.write(RequestRedraw);
}
