//! Checks the configured listeners: each address is free, or the running server has it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use super::finding::Finding;
use super::installation::Installation;
use crate::cli::bound_socket::BoundSocket;
use crate::cli::listeners;
use crate::host::listening::{self, Listener};

const CHECK: &str = "ports";

/// Checks every configured listener.
pub async fn check(installation: &Installation) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (setting, address) in listeners::configured_addresses(&installation.config) {
        let failed = BoundSocket::try_bind(address).await.err();
        let listener = failed.as_ref().and_then(|_| listening::process_at(address));
        let port = ListenAddress { setting, address, server: server(installation) };
        findings.push(port.judge(failed.as_ref(), listener));
    }
    findings
}

fn server(installation: &Installation) -> ServerProcess<'_> {
    match (installation.pid(), &installation.server) {
        (Some(pid), Some(server)) => ServerProcess::At { pid, url: &server.url },
        _ => ServerProcess::None,
    }
}

/// The server that has the data directory open.
#[derive(Clone, Copy)]
enum ServerProcess<'a> {
    None,
    At { pid: u32, url: &'a str },
}

/// An address with its setting.
struct ListenAddress<'a> {
    setting: &'static str,
    address: SocketAddr,
    server: ServerProcess<'a>,
}

impl ListenAddress<'_> {
    /// Judges the attempt to bind the address; `listener` is the process that has it, if that is known.
    fn judge(&self, failed: Option<&io::Error>, listener: Option<Listener>) -> Finding {
        let Self { setting, address, server } = self;
        let name = format!("{setting} {address}");
        let Some(error) = failed else {
            return Finding::ok(
                CHECK,
                match server {
                    ServerProcess::At { url, .. } => {
                        format!("{name} is free; the running server answers at {url}")
                    }
                    ServerProcess::None => format!("{name} is free"),
                },
            );
        };
        match error.kind() {
            ErrorKind::AddrInUse => self.judge_taken(&name, listener),
            ErrorKind::PermissionDenied => {
                let mend = format!(
                    "allow the service ports below 1024 (AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit), or set {setting} \
                     to a port from 1024 on"
                );
                Finding::problem(CHECK, format!("{name} needs a right that this user lacks"), mend)
            }
            ErrorKind::AddrNotAvailable => {
                let mend = format!(
                    "set {setting} to 0.0.0.0:{} or an address that `ip address` shows",
                    address.port()
                );
                Finding::problem(CHECK, format!("{name} is no address of this machine"), mend)
            }
            _ => {
                let mend = format!("set {setting} to an address that `ip address` shows");
                Finding::problem(CHECK, format!("{name} cannot be listened at: {error}"), mend)
            }
        }
    }

    fn judge_taken(&self, name: &str, listener: Option<Listener>) -> Finding {
        let Self { setting, address, server } = self;
        let mend = |first: &str| {
            format!(
                "{first}, or set {setting} to another: {setting} = \"{}:PORT\" in basalt.toml",
                address.ip()
            )
        };
        match (listener, server) {
            (Some(listener), ServerProcess::At { pid, .. }) if listener.pid == *pid => {
                Finding::ok(CHECK, format!("{name} is the running server's (process {pid})"))
            }
            (Some(Listener { pid, name: program }), ServerProcess::None) => {
                let found = format!("{name} is taken by another program: {program} (process {pid})");
                Finding::problem(CHECK, found, mend(&format!("stop that program (kill {pid})")))
            }
            (Some(Listener { pid, name: program }), ServerProcess::At { url, .. }) => {
                let found = format!(
                    "{name} is taken by another program, {program} (process {pid}); the running server answers at {url}"
                );
                Finding::warning(CHECK, found, mend(&format!("stop that program (kill {pid})")))
            }
            (None, ServerProcess::At { url, .. }) if url.ends_with(&format!(":{}", address.port())) => {
                Finding::ok(CHECK, format!("{name} is the running server's, as it has said itself"))
            }
            (None, server) => {
                let found = format!("{name} is taken by a process that this user cannot see");
                let mend =
                    mend(&format!("find it (sudo ss -ltnp 'sport = :{}') and stop it", address.port()));
                match server {
                    ServerProcess::None => Finding::problem(CHECK, found, mend),
                    ServerProcess::At { .. } => Finding::warning(CHECK, found, mend),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;

    #[test]
    fn an_address_is_free_or_the_servers_own() {
        let url = "http://127.0.0.1:8000";
        let running = ServerProcess::At { pid: 7, url };
        let (none, taken) = (ServerProcess::None, Some(ErrorKind::AddrInUse));
        let rows = [
            ("free", none, None, None, State::Ok, "free"),
            ("free_beside_a_server", running, None, None, State::Ok, "answers at http://127.0.0.1:8000"),
            ("the_servers", running, taken, Some(7), State::Ok, "the running server's (process 7)"),
            ("taken", none, taken, Some(9), State::Problem, "program9 (process 9)"),
            ("taken_beside_a_server", running, taken, Some(9), State::Warning, "program9 (process 9)"),
            ("taken_by_somebody", none, taken, None, State::Problem, "cannot see"),
            ("the_servers_by_its_word", running, taken, None, State::Ok, "said itself"),
            ("low", none, Some(ErrorKind::PermissionDenied), None, State::Problem, "a right"),
            (
                "of_another_machine",
                none,
                Some(ErrorKind::AddrNotAvailable),
                None,
                State::Problem,
                "no address",
            ),
            (
                "another_fault",
                none,
                Some(ErrorKind::Unsupported),
                None,
                State::Problem,
                "cannot be listened at",
            ),
        ];
        for (name, server, kind, pid, state, words) in rows {
            let address = "127.0.0.1:8000".parse().expect("an address");
            let port = ListenAddress { setting: "listen", address, server };
            let listener = pid.map(|pid| Listener { pid, name: format!("program{pid}") });
            let finding = port.judge(kind.map(io::Error::from).as_ref(), listener);
            assert_eq!((finding.state, finding.mend.is_some()), (state, state != State::Ok), "{name}");
            assert!(finding.found.contains(words), "{name}: {finding:?}");
        }
    }
}
