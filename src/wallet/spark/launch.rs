//! Starting a helper, and ending it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, DuplexStream};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::helper::ARGUMENT;
use crate::config::Environment;
use crate::logging::redact;

/// Variables of ours that the helper is given: how to reach the internet, and where the system's certificates are.
const HANDED_ON: &[&str] = &[
    "HOME",
    "LANG",
    "TMPDIR",
    "PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "all_proxy",
    "no_proxy",
];
/// Bytes that are under way between two tasks.
const PIPE: usize = 1 << 16;
/// The longest last words of a helper that are logged.
const LAST_WORDS: u64 = 8 << 10;

/// A helper that is not a process: it reads and writes lines on this stream until it ends.
pub type Stand = Arc<dyn Fn(DuplexStream) -> BoxFuture<'static, ()> + Send + Sync>;

/// How a helper is started.
#[derive(Clone)]
pub enum Launcher {
    /// As a process of its own: this program, started again.
    Process { program: PathBuf, environment: Environment },
    /// As a task of this process: what a test has in its place.
    Task(Stand),
}

impl fmt::Debug for Launcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { program, .. } => f.debug_struct("Process").field("program", program).finish_non_exhaustive(),
            Self::Task(_) => f.write_str("Task"),
        }
    }
}

/// A helper that runs.
pub struct Launched {
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    pub body: Body,
}

/// What has to be ended.
pub enum Body {
    Process {
        child: Box<Child>,
        /// Reads what it says that is no line of the protocol.
        words: JoinHandle<()>,
    },
    Task(JoinHandle<()>),
}

impl Launcher {
    /// This very program, whatever stands at its path by now.
    pub fn this_program(environment: Environment) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        let program = PathBuf::from("/proc/self/exe");
        #[cfg(not(target_os = "linux"))]
        let program = std::env::current_exe()?;
        Ok(Self::Process { program, environment })
    }

    pub fn launch(&self) -> io::Result<Launched> {
        match self {
            Self::Process { program, environment } => process(program, environment),
            Self::Task(stand) => {
                let (ours, theirs) = tokio::io::duplex(PIPE);
                let (output, input) = tokio::io::split(ours);
                let task = tokio::spawn(stand(theirs));
                Ok(Launched { input: Box::new(input), output: Box::new(output), body: Body::Task(task) })
            }
        }
    }
}

fn process(program: &PathBuf, environment: &Environment) -> io::Result<Launched> {
    let mut command = Command::new(program);
    command.arg(ARGUMENT).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    for name in HANDED_ON {
        if let Some(value) = environment.get(name) {
            command.env(name, value);
        }
    }
    // Ctrl-C in a terminal is for the node, which ends its helper when it has finished with it.
    #[cfg(unix)]
    command.process_group(0).arg0("pylon-spark-helper");
    let mut child = command.spawn()?;
    let missing = || io::Error::other("a pipe is missing");
    let input = child.stdin.take().ok_or_else(missing)?;
    let output = child.stdout.take().ok_or_else(missing)?;
    let words = child.stderr.take().ok_or_else(missing)?;
    let words = tokio::spawn(log(words));
    Ok(Launched { input: Box::new(input), output: Box::new(output), body: Body::Process { child: Box::new(child), words } })
}

/// Logs what a helper says at its end: the library's panic, most likely.
async fn log(words: impl AsyncRead + Unpin) {
    let mut said = Vec::new();
    let mut words = words.take(LAST_WORDS);
    if words.read_to_end(&mut said).await.is_ok() && !said.is_empty() {
        let said = crate::nip90::text::line(&redact(&String::from_utf8_lossy(&said)), LAST_WORDS as usize);
        tracing::warn!("The wallet's helper said: {said}");
    }
    // What comes after that is read and let go, so that the helper never waits for it.
    let _ = tokio::io::copy(words.get_mut(), &mut tokio::io::sink()).await;
}

impl Body {
    /// Its process; 0 for a task.
    pub fn pid(&self) -> u32 {
        match self {
            Self::Process { child, .. } => child.id().unwrap_or_default(),
            Self::Task(_) => 0,
        }
    }

    /// Waits until it has ended by itself.
    pub async fn wait(&mut self) {
        match self {
            Self::Process { child, .. } => drop(child.wait().await),
            Self::Task(task) => drop(task.await),
        }
    }

    /// Ends it, if it has not, and waits until it is gone: no process of ours is left unburied.
    pub async fn end(mut self) {
        match &mut self {
            Self::Process { child, words } => {
                let _ = child.kill().await;
                words.abort();
            }
            Self::Task(task) if task.is_finished() => {}
            Self::Task(task) => {
                task.abort();
                let _ = task.await;
            }
        }
    }
}
