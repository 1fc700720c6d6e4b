//! Waking the window: when the node says something, and when a time has come.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bevy::prelude::*;
use bevy::winit::{EventLoopProxy, WinitUserEvent};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::node::wake::Wake;

/// Wakes the window's loop. Calls between two frames become one.
#[derive(Clone, Default)]
pub struct HudWake(Arc<State>);

#[derive(Default)]
struct State {
    /// A wake is on its way and no frame has begun since.
    due: AtomicBool,
    /// Absent before the window opens, and in tests.
    proxy: OnceLock<EventLoopProxy<WinitUserEvent>>,
}

impl HudWake {
    /// From now on wakes this loop.
    pub fn attach(&self, proxy: EventLoopProxy<WinitUserEvent>) {
        // A second window's loop would be the same one.
        let _ = self.0.proxy.set(proxy);
        self.wake();
    }

    /// A frame has begun: what is said from now on needs another wake. To be called before looking at what was said, or
    /// what comes in between would wait for the next wake.
    pub fn rearm(&self) {
        self.0.due.store(false, Ordering::Release);
    }

    #[cfg(test)]
    pub fn is_due(&self) -> bool {
        self.0.due.load(Ordering::Acquire)
    }
}

impl Wake for HudWake {
    fn wake(&self) {
        if let Some(proxy) = self.0.proxy.get()
            && !self.0.due.swap(true, Ordering::AcqRel)
        {
            // Fails when the loop has ended, and then nobody sleeps.
            let _ = proxy.send_event(WinitUserEvent::WakeUp);
        }
    }
}

/// Wakes the window at a time: a notice's end, an age that has become another.
///
/// It has a thread of its own because the loop's own timeout cannot be shortened while it waits: Bevy takes a new one
/// only when the old one has elapsed or the mode changes, and a change of mode draws a frame.
#[derive(Resource)]
pub struct Alarm {
    set: Sender<Option<Instant>>,
    wanted: Option<Instant>,
    told: Option<Instant>,
}

impl Alarm {
    pub fn new(wake: HudWake) -> Self {
        let (set, times) = crossbeam_channel::unbounded();
        let ringing = std::thread::Builder::new().name("hud-alarm".into()).spawn(move || ring(&times, &wake));
        if let Err(error) = ringing {
            tracing::warn!("The window's alarm has no thread: {error}. Notices and ages change at the next input.");
        }
        Self { set, wanted: None, told: None }
    }

    /// Wants a frame at this time. Of several wishes the earliest counts; they hold until the next frame begins.
    pub fn at(&mut self, when: Instant) {
        self.wanted = Some(self.wanted.map_or(when, |wanted| wanted.min(when)));
    }

    /// What is wanted so far.
    #[cfg(test)]
    pub fn wanted(&self) -> Option<Instant> {
        self.wanted
    }

    /// Forgets the wishes: each frame makes its own.
    pub fn clear(mut alarm: ResMut<'_, Self>) {
        alarm.wanted = None;
    }

    /// Sets the alarm as the frame wished.
    pub fn arm(mut alarm: ResMut<'_, Self>) {
        if alarm.told != alarm.wanted {
            alarm.told = alarm.wanted;
            let _ = alarm.set.send(alarm.wanted);
        }
    }
}

/// Ends when the resource is dropped.
fn ring(times: &Receiver<Option<Instant>>, wake: &HudWake) {
    let mut next = None;
    loop {
        let told = match next {
            Some(when) => times.recv_deadline(when),
            None => times.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match told {
            Ok(when) => next = when,
            Err(RecvTimeoutError::Timeout) => {
                next = None;
                wake.wake();
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
