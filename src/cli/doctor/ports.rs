//! Checks the configured listeners: each address is free, or the running server has it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::net::TcpSocket;

use super::finding::Finding;
use super::installation::{DirectoryAccess, Installation};
use crate::cli::dir_lock::LockHolder;
use crate::cli::listeners;
use crate::host::listening::{self, AddressOwner, Listener};

const CHECK: &str = "ports";

/// Checks every configured listener.
pub fn check(installation: &Installation) -> Vec<Finding> {
    let check_one = |(setting, address)| {
        let failed = try_bind(address).err();
        let owner = failed.as_ref().map_or(AddressOwner::Nobody, |_| listening::owner_of(address));
        let holder = DirectoryHolder::of(installation);
        ListenAddress { setting, address, holder }.judge(failed.as_ref(), owner)
    };
    listeners::configured_addresses(&installation.config).into_iter().map(check_one).collect()
}

/// Binds an address without listening at it: no client connects, and a server that starts meanwhile is not refused.
fn try_bind(address: SocketAddr) -> io::Result<()> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As listeners do it: connections that have ended do not keep the address, a listener does.
    socket.set_reuseaddr(true)?;
    socket.bind(address)
}

/// The process that has the data directory open.
#[derive(Clone, Copy)]
enum DirectoryHolder<'a> {
    Nobody,
    /// It cannot be told which, or whether there is one.
    Unknown,
    /// A server that is starting, or a command: it has not said where it listens.
    Silent {
        pid: u32,
    },
    Server {
        pid: u32,
        url: &'a str,
    },
}

impl DirectoryHolder<'_> {
    fn of(installation: &Installation) -> DirectoryHolder<'_> {
        match (&installation.lock, &installation.server) {
            (Ok(LockHolder::Nobody), _) => DirectoryHolder::Nobody,
            (Ok(LockHolder::Process(Some(pid))), Some(server)) => {
                DirectoryHolder::Server { pid: *pid, url: &server.url }
            }
            (Ok(LockHolder::Process(Some(pid))), None) => DirectoryHolder::Silent { pid: *pid },
            (Err(_), _) if installation.access == DirectoryAccess::NoData => DirectoryHolder::Nobody,
            (Ok(LockHolder::Process(None)) | Err(_), _) => DirectoryHolder::Unknown,
        }
    }

    fn pid(&self) -> Option<u32> {
        match self {
            DirectoryHolder::Nobody | DirectoryHolder::Unknown => None,
            DirectoryHolder::Silent { pid } | DirectoryHolder::Server { pid, .. } => Some(*pid),
        }
    }

    /// Says where the running server is, for findings about the addresses of others; empty where nothing is known.
    fn describe(&self) -> String {
        match self {
            DirectoryHolder::Nobody | DirectoryHolder::Unknown => String::new(),
            DirectoryHolder::Silent { pid } => format!("; process {pid} has the data directory open"),
            DirectoryHolder::Server { url, .. } => format!("; the running server answers at {url}"),
        }
    }
}

/// An address with its setting.
struct ListenAddress<'a> {
    setting: &'static str,
    address: SocketAddr,
    holder: DirectoryHolder<'a>,
}

impl ListenAddress<'_> {
    /// Judges the attempt to bind the address, which has an owner.
    fn judge(&self, failed: Option<&io::Error>, owner: AddressOwner) -> Finding {
        let Self { setting, address, holder } = self;
        let name = format!("{setting} {address}");
        let Some(error) = failed else {
            return Finding::ok(CHECK, format!("{name} is free{}", holder.describe()));
        };
        match error.kind() {
            ErrorKind::AddrInUse => self.judge_taken(&name, owner),
            // The system asks for the right before it looks who listens.
            ErrorKind::PermissionDenied if owner != AddressOwner::Nobody => self.judge_taken(&name, owner),
            ErrorKind::PermissionDenied => {
                let mend = format!(
                    "see that the service has the right (AmbientCapabilities=CAP_NET_BIND_SERVICE: systemctl cat basalt), or set \
                     {setting} to a port from 1024 on"
                );
                Finding::warning(CHECK, format!("{name} needs a right that this user lacks"), mend)
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

    fn judge_taken(&self, name: &str, owner: AddressOwner) -> Finding {
        match owner {
            AddressOwner::Process(listener) => self.judge_listener(name, &listener),
            AddressOwner::Nobody | AddressOwner::Unseen => self.judge_unseen(name),
        }
    }

    fn judge_listener(&self, name: &str, listener: &Listener) -> Finding {
        let Listener { pid, name: program } = listener;
        let stop = format!("stop that program (kill {pid})");
        match &self.holder {
            DirectoryHolder::Server { pid: own, .. } if own == pid => {
                Finding::ok(CHECK, format!("{name} is the running server's (process {pid})"))
            }
            holder if holder.pid() == Some(*pid) => {
                Finding::ok(CHECK, format!("{name} is of process {pid}, which has the data directory open"))
            }
            DirectoryHolder::Nobody => {
                let found = format!("{name} is taken by another program: {program} (process {pid})");
                Finding::problem(CHECK, found, self.or_another(&stop))
            }
            DirectoryHolder::Unknown => {
                let found = format!("{name} is taken by {program} (process {pid}), which may be the server");
                Finding::warning(CHECK, found, self.or_another(&format!("see which it is (ps -fp {pid})")))
            }
            holder => {
                let others = holder.describe();
                let found = format!("{name} is taken by another program, {program} (process {pid}){others}");
                Finding::warning(CHECK, found, self.or_another(&stop))
            }
        }
    }

    /// Judges an address whose owner is not shown to this user.
    fn judge_unseen(&self, name: &str) -> Finding {
        let (found, port) =
            (format!("{name} is taken by a process that this user cannot see"), self.address.port());
        let look = format!("sudo ss -ltnp 'sport = :{port}'");
        match &self.holder {
            DirectoryHolder::Server { url, .. } if url.ends_with(&format!(":{port}")) => {
                Finding::ok(CHECK, format!("{name} is the running server's, as it has said itself"))
            }
            DirectoryHolder::Nobody => {
                Finding::problem(CHECK, found, self.or_another(&format!("find it ({look}) and stop it")))
            }
            // It may be the server itself.
            holder => {
                let found = format!("{found}{}", holder.describe());
                Finding::warning(
                    CHECK,
                    found,
                    self.or_another(&format!("see whether it is the server ({look})")),
                )
            }
        }
    }

    fn or_another(&self, first: &str) -> String {
        let Self { setting, address, .. } = self;
        format!("{first}, or set {setting} to another: {setting} = \"{}:PORT\" in basalt.toml", address.ip())
    }
}

#[cfg(test)]
#[path = "ports_tests.rs"]
mod tests;
