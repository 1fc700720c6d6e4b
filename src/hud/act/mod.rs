//! Obeying: what the user wants, done at the end of the frame in which it was wanted. Nothing else changes the window
//! for the user, and nothing else speaks to the bridge. What needs a question or the PIN first does not come here.

mod bind;
mod memory;
mod node;
mod panes;
mod slots;
mod steer;
mod taste;
mod window;

use bevy::prelude::*;
use bevy::window::{ExitSystems, RequestRedraw};

use super::action::UserAction;
use super::gate;
use super::state::{Notices, Now, Tone};
use super::{HudSystems, banner};
use crate::node::Market;

pub use node::{online_wish, out_of_reach};
pub use steer::Overlays;

/// What to do first.
#[derive(Resource, Debug, Clone, Default)]
pub struct Opening {
    /// The market to enter; `None`: ask.
    pub market: Option<Market>,
    /// What is to be said about the preferences.
    pub notice: Option<String>,
}

/// Who obeys, in order. An action may mean something to several of them: an opened pane is also one the keys go into.
pub fn plugin(app: &mut App) {
    app.add_message::<UserAction>();
    app.add_systems(Startup, begin);
    app.init_resource::<steer::Had>();
    // What a press means on a line of the palette is wished there, and passes the gate as everything else does.
    let steer = (steer::look, steer::obey);
    let panes = (panes::obey, slots::obey, steer::follow);
    let remember = memory::remember.run_if(memory::is_due);
    let fall_asleep = memory::fall_asleep.run_if(memory::is_choosing_again);
    let obey = (
        steer.chain(),
        gate::look,
        bind::obey,
        taste::obey,
        taste::follow,
        fall_asleep,
        node::obey,
        panes.chain(),
        banner::obey,
        window::obey,
        remember,
        draw_again,
    );
    app.add_systems(PostUpdate, obey.chain().in_set(HudSystems::Act));
    app.add_systems(Last, memory::remember.run_if(memory::is_leaving).after(ExitSystems));
}

fn begin(opening: Res<'_, Opening>, now: Res<'_, Now>, mut notices: ResMut<'_, Notices>, mut actions: MessageWriter<'_, UserAction>) {
    if let Some(notice) = &opening.notice {
        notices.tell(now.0, Tone::Warning, "The window's preferences were not used.", notice);
    }
    if let Some(market) = opening.market {
        actions.write(UserAction::Enter(market));
    }
}

/// What was done is seen in the next frame, which nothing else may ask for.
fn draw_again(mut done: MessageReader<'_, '_, UserAction>, mut redraw: MessageWriter<'_, RequestRedraw>) {
    if done.read().count() > 0 {
        redraw.write(RequestRedraw);
    }
}
