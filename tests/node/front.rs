//! A relay's front door: websockets go through to the relay behind it, and whoever asks over HTTP gets a date.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::OffsetDateTime;
use tokio::io::{AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Ends when it is dropped.
pub struct Front {
    pub url: String,
    ahead_secs: Arc<AtomicI64>,
    is_shut: watch::Sender<bool>,
    server: tokio::task::JoinHandle<()>,
}

impl Front {
    pub async fn of(relay: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let (ahead_secs, behind) = (Arc::new(AtomicI64::new(0)), relay.strip_prefix("ws://").unwrap().to_owned());
        let clock = Arc::clone(&ahead_secs);
        let (is_shut, door) = watch::channel(false);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (behind, clock, mut door) = (behind.clone(), Arc::clone(&clock), door.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = pass(stream, behind, clock) => {}
                        _ = door.wait_for(|is_shut| *is_shut) => {}
                    }
                });
            }
        });
        Self { url, ahead_secs, is_shut, server }
    }

    /// Throws everybody out, and lets nobody in until it is opened.
    pub fn shut(&self) {
        self.is_shut.send_replace(true);
    }

    pub fn open(&self) {
        self.is_shut.send_replace(false);
    }

    /// Sets its clock so many seconds ahead of the true time.
    pub fn set_ahead(&self, secs: i64) {
        self.ahead_secs.store(secs, Ordering::SeqCst);
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(mut stream: TcpStream, relay: String, ahead_secs: Arc<AtomicI64>) {
    let mut head = [0; 4096];
    // The whole head comes in one piece on this machine.
    let Ok(count) = stream.peek(&mut head).await else { return };
    if String::from_utf8_lossy(&head[..count]).to_ascii_lowercase().contains("upgrade: websocket") {
        if let Ok(mut behind) = TcpStream::connect(relay).await {
            let _ = copy_bidirectional(&mut stream, &mut behind).await;
        }
        return;
    }
    let date = date(OffsetDateTime::now_utc() + time::Duration::seconds(ahead_secs.load(Ordering::SeqCst)));
    let answer = format!("HTTP/1.1 404 Not Found\r\ndate: {date}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes()).await;
}

fn date(at: OffsetDateTime) -> String {
    let (day, month) = (at.weekday().to_string(), at.month().to_string());
    let (year, hour, minute, second) = (at.year(), at.hour(), at.minute(), at.second());
    format!("{}, {:02} {} {year} {hour:02}:{minute:02}:{second:02} GMT", &day[..3], at.day(), &month[..3])
}
