//! One end of the protocol: lines in, calls carried out at the same time, lines out.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, JoinSet};
use zeroize::Zeroizing;

use super::GOODBYE;
use crate::wallet::spark::lines;
use crate::wallet::spark::protocol::{Answer, Call, Fault, FromHelper, OpenFault, Opened, Opening, ToHelper, VERSION};

/// Somebody who can open a wallet.
pub trait Opener: Send + 'static {
    /// Opens it. What it tells by itself from then on goes to `news`.
    fn open(self, opening: Opening, news: UnboundedSender<FromHelper>)
    -> BoxFuture<'static, Result<(Opened, Arc<dyn Session>), OpenFault>>;
}

/// A wallet that is open.
pub trait Session: Send + Sync + 'static {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Answer, Fault>>;

    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Answers until it is told to close, until its input ends, or until nobody reads what it says.
pub async fn serve(input: impl AsyncRead + Send + Unpin, output: impl AsyncWrite + Send + Unpin + 'static, opener: impl Opener) {
    let (out, lines) = unbounded_channel();
    let mut tasks = JoinSet::new();
    let writing = tasks.spawn(async move { drop(write(output, lines).await) });
    let _ = out.send(FromHelper::Hello { version: VERSION, pid: std::process::id() });
    let mut wallet = None;
    let mut opener = Some(opener);
    let mut calls: HashMap<u64, AbortHandle> = HashMap::new();
    let mut reader = BufReader::new(input);
    while let Ok(Some(line)) = lines::next(&mut reader).await {
        // Whoever speaks another language is not answered: the other end sees that we have gone.
        let Ok(told) = serde_json::from_slice::<ToHelper>(&line) else { break };
        drop(line);
        calls.retain(|_, call| !call.is_finished());
        match told {
            ToHelper::Open(opening) => {
                let Some(opener) = opener.take() else { break };
                let opened = tokio::select! {
                    opened = opener.open(*opening, out.clone()) => opened,
                    // Nobody wants it any more.
                    () = ended(&mut reader) => break,
                };
                match opened {
                    Ok((opened, session)) => {
                        let _ = out.send(FromHelper::Opened(opened));
                        wallet = Some(session);
                    }
                    Err(fault) => drop(out.send(FromHelper::NotOpened(fault))),
                }
            }
            ToHelper::Call { id, call } => {
                let Some(session) = wallet.clone() else { break };
                let out = out.clone();
                let called = tasks.spawn(async move {
                    let answer = session.call(call).await;
                    let _ = out.send(FromHelper::Answer { id, answer });
                });
                calls.insert(id, called);
            }
            ToHelper::Cancel { id } => {
                if let Some(call) = calls.remove(&id) {
                    call.abort();
                }
            }
            ToHelper::Close => break,
        }
        if writing.is_finished() {
            break;
        }
    }
    calls.values().for_each(AbortHandle::abort);
    if let Some(session) = wallet {
        let _ = tokio::time::timeout(GOODBYE, session.close()).await;
    }
    drop(out);
    let _ = tokio::time::timeout(GOODBYE, async { while tasks.join_next().await.is_some() {} }).await;
}

/// Waits for the end of the input. What else comes is left there.
async fn ended(reader: &mut (impl AsyncBufRead + Unpin)) {
    if matches!(reader.fill_buf().await, Ok(part) if !part.is_empty()) {
        std::future::pending::<()>().await;
    }
}

async fn write(mut output: impl AsyncWrite + Unpin, mut lines: UnboundedReceiver<FromHelper>) -> io::Result<()> {
    while let Some(said) = lines.recv().await {
        output.write_all(&line(&said)?).await?;
        output.flush().await?;
    }
    Ok(())
}

/// A line, with its end. The memory is overwritten afterwards.
pub fn line(said: &impl serde::Serialize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(4096));
    serde_json::to_writer(&mut *line, said)?;
    line.push(b'\n');
    Ok(line)
}
