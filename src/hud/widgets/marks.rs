//! The main button of a pane and its second one: a key and a button of the pad press them wherever the focus is.
//!
//! A view marks them where it draws them, so that the key can do no more than the button: what is greyed out or not there
//! cannot be pressed.

use bevy_egui::egui::{Context, Id, LayerId, Response};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rank {
    Main,
    Second,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    button: Id,
    /// The pass that drew it: a mark of one that is no longer drawn does not count.
    pass: u64,
}

fn mark_id(layer: LayerId, rank: Rank) -> Id {
    Id::new(("mark", layer, rank))
}

/// This button is what its pane is about.
pub fn main(button: &Response) {
    mark(button, Rank::Main);
}

/// This button comes second in its pane.
pub fn second(button: &Response) {
    mark(button, Rank::Second);
}

fn mark(button: &Response, rank: Rank) {
    if button.enabled() {
        let pass = button.ctx.cumulative_pass_nr();
        let mark = Mark { button: button.id, pass };
        button.ctx.data_mut(|data| data.insert_temp(mark_id(button.layer_id, rank), mark));
    }
}

/// The button of a layer that can be pressed now.
pub fn find(context: &Context, layer: LayerId, rank: Rank) -> Option<Id> {
    let mark = context.data(|data| data.get_temp::<Mark>(mark_id(layer, rank)))?;
    // The last pass that was drawn.
    (mark.pass + 1 >= context.cumulative_pass_nr()).then_some(mark.button)
}
