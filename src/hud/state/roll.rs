//! The balance counts from the old figure to the new one. It is a way of showing a figure, never another figure: what is
//! decided by it is decided by the wallet's.

use bevy::prelude::*;

use super::Session;
use crate::domain::money::Sats;
use crate::hud::HudSystems;
use crate::hud::pane::motion::{self, Moving, eased, elapsed};
use crate::hud::prefs::{Motions, Preferences};
use crate::hud::theme::tokens;

/// On its way from one figure to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Roll {
    from: u64,
    to: u64,
    /// How far it is, 0 to 1.
    part: f32,
}

impl Roll {
    fn shown(&self) -> u64 {
        let far = self.to.abs_diff(self.from) as f64 * f64::from(eased(self.part));
        let far = far.round() as u64;
        if self.to < self.from { self.from - far } else { self.from + far }
    }
}

impl Session {
    /// The balance as it is to be shown now, if there is a wallet.
    pub fn balance(&self) -> Option<Sats> {
        let actual = self.actual_balance()?;
        Some(Sats(self.rolling.filter(|roll| roll.to == actual).map_or(actual, |roll| roll.shown())))
    }

    fn actual_balance(&self) -> Option<u64> {
        self.status.wallet.as_ref().map(|wallet| wallet.snapshot.balance.0 / 1000)
    }
}

pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, roll.in_set(HudSystems::Begin).after(motion::begin));
}

/// Counts on. A balance that was not known before is there at once.
fn roll(
    preferences: Res<'_, Preferences>,
    mut moving: ResMut<'_, Moving>,
    mut session: ResMut<'_, Session>,
    mut last: Local<'_, Option<u64>>,
) {
    let actual = session.actual_balance();
    let before = std::mem::replace(&mut *last, actual);
    let mut rolling = session.rolling;
    match (before, actual) {
        (Some(before), Some(actual)) if before != actual => {
            let from = rolling.map_or(before, |roll| roll.shown());
            rolling = (preferences.motions == Motions::Full).then_some(Roll { from, to: actual, part: 0.0 });
        }
        (Some(_), Some(_)) => {
            if let Some(roll) = &mut rolling {
                roll.part += elapsed(moving.by, tokens::BALANCE_ROLL, preferences.motions);
            }
            rolling = rolling.filter(|roll| roll.part < 1.0);
        }
        (None, _) | (_, None) => rolling = None,
    }
    if rolling.is_some() {
        moving.go_on();
    }
    if session.rolling != rolling {
        session.rolling = rolling;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_up_and_down_and_ends_at_the_figure() {
        let up = |part| Roll { from: 100, to: 1_100, part }.shown();
        assert_eq!((up(0.0), up(0.5), up(1.0)), (100, 975, 1_100));
        let down = |part| Roll { from: 1_100, to: 100, part }.shown();
        assert_eq!((down(0.0), down(0.5), down(1.0)), (1_100, 225, 100));
        let all = Roll { from: 0, to: 2_100_000_000_000_000, part: 1.0 };
        assert_eq!(all.shown(), 2_100_000_000_000_000, "every sat there is");
    }
}
