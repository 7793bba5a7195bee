//! Processes that listen on TCP ports, as Linux shows them below `/proc`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// Path of sockets and processes on Linux.
const PROC: &str = "/proc";
/// State of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// A process that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    pub pid: u32,
    /// Name of its program.
    pub name: String,
}

/// Process that listens on an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressOwner {
    Nobody,
    /// A process that the system does not show to this user.
    Unseen,
    Process(Listener),
}

/// Returns who listens on an address, or takes it up by listening on all. Where there is no `/proc` that is nobody.
pub fn owner_of(address: SocketAddr) -> AddressOwner {
    find(Path::new(PROC), address)
}

fn find(proc: &Path, address: SocketAddr) -> AddressOwner {
    let tables = ["net/tcp", "net/tcp6"].map(|name| fs::read_to_string(proc.join(name)).unwrap_or_default());
    let mut lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let Some(socket) = lines.find_map(|line| inode(line, address)) else { return AddressOwner::Nobody };
    owner(proc, &format!("socket:[{socket}]")).map_or(AddressOwner::Unseen, AddressOwner::Process)
}

/// The inode of the socket of a line, when it listens on the address.
fn inode(line: &str, address: SocketAddr) -> Option<&str> {
    let fields: Vec<_> = line.split_whitespace().collect();
    let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    let (ip, port) = local.split_once(':')?;
    let is_port = u16::from_str_radix(port, 16).ok()? == address.port();
    let (own, wanted) = (parse_ip(ip)?.to_canonical(), address.ip().to_canonical());
    let is_same = own == wanted || own.is_unspecified() || wanted.is_unspecified();
    (*state == LISTEN && is_port && is_same).then_some(*inode)
}

/// An address in hexadecimal digits, each group of eight in the order of this machine.
fn parse_ip(digits: &str) -> Option<IpAddr> {
    let group = |at: usize| Some(u32::from_str_radix(digits.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match digits.len() {
        8 => Some(Ipv4Addr::from(group(0)?).into()),
        32 => {
            let groups = [group(0)?, group(8)?, group(16)?, group(24)?];
            let bytes: [u8; 16] = groups.concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// The process that has a file open, by what its descriptor points to.
fn owner(proc: &Path, target: &str) -> Option<Listener> {
    for process in fs::read_dir(proc).ok()?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Those of other users cannot be listed.
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        let mut links = files.flatten().filter_map(|file| fs::read_link(file.path()).ok());
        if links.any(|link| link.as_os_str() == target) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(Listener { pid, name: name.trim().to_owned() });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const TCP: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0
   1: 0100007F:1F41 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0
   2: 00000000:1F42 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0
   3: 0100007F:1F45 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 555 1 0
";
    const TCP6: &str = "  sl  local_address
   0: 00000000000000000000000001000000:1F43 0:0 0A 0:0 0:0 0 0 0 444 1 0
";

    #[test]
    #[cfg(target_endian = "little")]
    fn the_process_of_a_listening_socket_is_found() {
        let root = tempfile::tempdir().unwrap();
        let proc = root.path();
        fs::create_dir_all(proc.join("net")).unwrap();
        fs::write(proc.join("net/tcp"), TCP).unwrap();
        fs::write(proc.join("net/tcp6"), TCP6).unwrap();
        for (pid, socket) in [(11, 111), (22, 222), (33, 333), (44, 444)] {
            let dir = proc.join(pid.to_string());
            fs::create_dir_all(dir.join("fd")).unwrap();
            fs::write(dir.join("comm"), format!("program{pid}\n")).unwrap();
            symlink(format!("socket:[{socket}]"), dir.join("fd/3")).unwrap();
        }
        let process = |pid| AddressOwner::Process(Listener { pid, name: format!("program{pid}") });
        let rows = [
            ("127.0.0.1:8000", process(11)),
            ("0.0.0.0:8000", process(11)),
            ("10.0.0.1:8000", AddressOwner::Nobody),
            ("127.0.0.1:8001", AddressOwner::Nobody),
            ("10.0.0.1:8002", process(33)),
            ("[::1]:8003", process(44)),
            ("127.0.0.1:8004", AddressOwner::Nobody),
            ("127.0.0.1:8005", AddressOwner::Unseen),
        ];
        for (address, expected) in rows {
            assert_eq!(find(proc, address.parse().unwrap()), expected, "{address}");
        }
    }
}
