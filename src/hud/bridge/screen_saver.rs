//! Keeping the display awake while a kiosk is online: `org.freedesktop.ScreenSaver` over D-Bus, on a thread of its own.
//!
//! The desktop forgets the wish when the connection ends, however it ends, so nothing is left behind by a crash. A desktop
//! that has no such service, or refuses, is told to the user and asked no more.

use bevy::prelude::*;
use crossbeam_channel::{Receiver, Sender};
use zbus::Connection;
use zbus::connection::Builder;

use super::HudWake;
use crate::hud::HudSystems;
use crate::hud::kiosk::Kiosk;
use crate::hud::state::{Notices, Now, Session, Tone};
use crate::node::wake::Wake as _;

const SERVICE: &str = "org.freedesktop.ScreenSaver";
/// Where the service is found: as the standard says, and as some desktops have it.
const PATHS: [&str; 2] = ["/org/freedesktop/ScreenSaver", "/ScreenSaver"];
/// A desktop that does not answer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// The thread's ends.
#[derive(Resource)]
pub struct ScreenSaver {
    orders: Sender<Order>,
    words: Receiver<String>,
    is_awake: bool,
}

/// What the thread is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    StayAwake,
    SleepAsYouLike,
}

impl ScreenSaver {
    pub fn new(wake: HudWake) -> Self {
        let (orders, ordered) = crossbeam_channel::unbounded();
        let (tell, words) = crossbeam_channel::unbounded();
        let begun = std::thread::Builder::new().name("hud-screen".into()).spawn(move || obey(&ordered, &tell, &wake));
        if let Err(error) = begun {
            tracing::warn!("The display cannot be kept awake: there is no thread for it: {error}.");
        }
        Self { orders, words, is_awake: false }
    }
}

pub fn plugin(app: &mut App) {
    app.add_systems(Update, keep_awake.in_set(HudSystems::Rest));
}

fn keep_awake(
    kiosk: Res<'_, Kiosk>,
    session: Res<'_, Session>,
    now: Res<'_, Now>,
    mut saver: ResMut<'_, ScreenSaver>,
    mut notices: ResMut<'_, Notices>,
) {
    let is_awake = kiosk.is_on && session.is_out();
    if saver.is_awake != is_awake {
        saver.is_awake = is_awake;
        // A thread that has given up has said so.
        let _ = saver.orders.send(if is_awake { Order::StayAwake } else { Order::SleepAsYouLike });
    }
    for words in saver.words.try_iter() {
        let hint = format!("{words} Turn screen blanking off in the desktop's settings, or with `xset s off -dpms`.");
        notices.tell(now.0, Tone::Warning, "The display may go to sleep.", hint);
    }
}

/// Ends when the resource is dropped, and with it the connection.
fn obey(orders: &Receiver<Order>, tell: &Sender<String>, wake: &HudWake) {
    let mut wish: Option<(Connection, &'static str, u32)> = None;
    for order in orders {
        match (order, wish.take()) {
            (Order::StayAwake, Some(made)) => wish = Some(made),
            (Order::StayAwake, None) => match zbus::block_on(inhibit()) {
                Ok(made) => wish = Some(made),
                Err(error) => {
                    tracing::info!("The desktop does not keep the display awake: {error}.");
                    let _ = tell.send(why(&error).to_owned());
                    wake.wake();
                }
            },
            (Order::SleepAsYouLike, Some((connection, path, cookie))) => {
                let ended = connection.call_method(Some(SERVICE), path, Some(SERVICE), "UnInhibit", &cookie);
                if let Err(error) = zbus::block_on(ended) {
                    // It forgets the wish with the connection, which is dropped here.
                    tracing::debug!("The desktop was not told that the display may sleep: {error}.");
                }
            }
            (Order::SleepAsYouLike, None) => {}
        }
    }
}

/// Why it is not kept awake, without the details, which are in the log.
const fn why(error: &zbus::Error) -> &'static str {
    match error {
        zbus::Error::MethodError(..) => "The desktop refuses to keep it awake, or has no service that could.",
        _ => "There is no desktop here that could keep it awake.",
    }
}

async fn inhibit() -> zbus::Result<(Connection, &'static str, u32)> {
    let connection = Builder::session()?.method_timeout(PATIENCE).build().await?;
    let mut refused = None;
    for path in PATHS {
        let asked = connection.call_method(Some(SERVICE), path, Some(SERVICE), "Inhibit", &("Pylon HUD", "The kiosk is online."));
        match asked.await.and_then(|reply| reply.body().deserialize::<u32>()) {
            Ok(cookie) => return Ok((connection, path, cookie)),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or(zbus::Error::InvalidReply))
}
