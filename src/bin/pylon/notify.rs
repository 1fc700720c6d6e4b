//! Telling systemd how it goes: one datagram to the socket it names, and none if it names none.

use pylon_hud::config::Environment;

/// What the service manager is told.
#[derive(Debug, Clone, Copy)]
pub enum Phase {
    /// The node is up.
    Ready,
    /// It has stopped and its process is about to end.
    Stopping,
}

/// Tells it. A manager that cannot be told notices by itself, only later; the node goes on.
pub fn tell(environment: &Environment, phase: Phase) {
    let Some(socket) = environment.get("NOTIFY_SOCKET") else { return };
    let words: &[u8] = match phase {
        Phase::Ready => b"READY=1",
        Phase::Stopping => b"STOPPING=1",
    };
    if let Err(error) = send(socket, words) {
        tracing::warn!("The service manager could not be told how the node is: {error}.");
    }
}

fn send(socket: &str, words: &[u8]) -> std::io::Result<()> {
    use std::os::unix::net::UnixDatagram;
    let datagram = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.strip_prefix('@') {
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        return datagram.send_to_addr(words, &address).map(drop);
    }
    datagram.send_to(words, socket).map(drop)
}
