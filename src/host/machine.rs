//! Machine identity: stable facts of this machine that a license is bound to. Only their hashes leave this file.

use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::private_file;
use crate::domain::machine::MachineIdentity;

/// Placeholders that firmware reports instead of a serial number.
const NO_SERIALS: [&str; 6] =
    ["none", "default string", "not specified", "not applicable", "to be filled by o.e.m.", "0"];

/// Reads the machine's facts. `root` is `/` except in tests. If the system has no machine id, one is created in the
/// file `own_id` on first use; it then identifies the data directory.
pub fn read(root: &Path, own_id: &Path) -> io::Result<MachineIdentity> {
    let system = match line(&root.join("etc/machine-id")).filter(|id| id != "uninitialized") {
        Some(id) => id,
        None => {
            let made =
                private_file::read_or_make(own_id, || Uuid::new_v4().simple().to_string().into_bytes())?;
            String::from_utf8_lossy(&made).trim().to_owned()
        }
    };
    let board_serial = line(&root.join("sys/class/dmi/id/board_serial"))
        .filter(|serial| !NO_SERIALS.contains(&serial.to_ascii_lowercase().as_str()));
    let macs = permanent_macs(&root.join("sys/class/net"))?;
    let hostname = line(&root.join("proc/sys/kernel/hostname")).or_else(|| line(&root.join("etc/hostname")));
    let first_mac = macs.first().map_or("", String::as_str);
    let whole = format!("{system}\n{}\n{first_mac}", board_serial.as_deref().unwrap_or_default());
    Ok(MachineIdentity {
        id: hash("machine", &whole),
        system: hash("system", &system),
        board: board_serial.map(|serial| hash("board", &serial)),
        macs: macs.iter().map(|mac| hash("mac", mac)).collect(),
        hostname: hostname.unwrap_or_default(),
    })
}

/// Permanent hardware addresses, ordered by interface name. Those of bridges, containers and tunnels come and go.
fn permanent_macs(dir: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let interface = entry?.path();
        let is_permanent = line(&interface.join("addr_assign_type")).as_deref() == Some("0");
        let address = line(&interface.join("address")).map(|mac| mac.to_ascii_lowercase());
        let address = address.filter(|mac| mac.chars().any(|c| c != '0' && c != ':'));
        if let Some(address) = address.filter(|_| is_permanent) {
            found.push((interface, address));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, address)| address).collect())
}

/// The trimmed text of a file; `None` when it is empty or cannot be read (only root may read a board's serial
/// number).
fn line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Hashes a fact with a label, so that the hashes differ from those of other programs over the same facts.
fn hash(label: &str, fact: &str) -> String {
    hex::encode(Sha256::digest(format!("basalt {label}\n{fact}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    const FACTS: [(&str, &str); 9] = [
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
        ("sys/class/dmi/id/board_serial", "SN-1\n"),
        ("proc/sys/kernel/hostname", "edge-01\n"),
        ("sys/class/net/eth0/address", "02:00:00:00:00:01\n"),
        ("sys/class/net/eth0/addr_assign_type", "0\n"),
        ("sys/class/net/lo/address", "00:00:00:00:00:00\n"),
        ("sys/class/net/lo/addr_assign_type", "0\n"),
        ("sys/class/net/docker0/address", "02:42:00:00:00:01\n"),
        ("sys/class/net/docker0/addr_assign_type", "3\n"),
    ];

    #[test]
    fn facts_are_hashed_and_stay_the_same() {
        let (root, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put(root.path(), &FACTS);
        let own_id = data.path().join("machine-id");
        let machine = read(root.path(), &own_id).unwrap();
        assert_eq!(read(root.path(), &own_id).unwrap(), machine);
        assert!(!own_id.exists(), "the system has an id");
        assert_eq!(machine.macs.len(), 1, "neither loopback nor a bridge");
        assert_eq!(machine.hostname, "edge-01");
        let shown = format!("{machine:?}");
        for fact in ["0123456789abcdef0123456789abcdef", "SN-1", "02:00:00:00:00:01"] {
            assert!(!shown.contains(fact), "{fact}");
        }
        let hashes = [&machine.id, &machine.system, machine.board.as_ref().unwrap(), &machine.macs[0]];
        for (at, hash) in hashes.iter().enumerate() {
            assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
            assert!(!hashes[..at].contains(hash), "no two are alike");
        }
    }

    #[test]
    fn each_fact_of_the_machine_counts_and_its_name_does_not() {
        let id_with = |changes: &[(&str, &str)]| {
            let (root, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            put(root.path(), &FACTS);
            put(root.path(), changes);
            read(root.path(), &data.path().join("machine-id")).unwrap().id
        };
        let id = id_with(&[]);
        let rows = [
            ("another_system", "etc/machine-id", "x", false),
            ("another_board", "sys/class/dmi/id/board_serial", "SN-2", false),
            ("a_board_without_number", "sys/class/dmi/id/board_serial", "Default string", false),
            ("another_card", "sys/class/net/eth0/address", "02:00:00:00:00:02", false),
            ("a_bridge", "sys/class/net/docker0/address", "02:42:00:00:00:02", true),
            ("another_name", "proc/sys/kernel/hostname", "edge-02", true),
        ];
        for (name, file, text, is_same) in rows {
            assert_eq!(id_with(&[(file, text)]) == id, is_same, "{name}");
        }
    }

    #[test]
    fn a_system_without_an_id_has_that_of_the_data_directory() {
        let (root, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let own_id = data.path().join("machine-id");
        let first = read(root.path(), &own_id).unwrap();
        assert_eq!(read(root.path(), &own_id).unwrap(), first);
        assert_eq!((first.board, first.macs.len(), first.hostname.as_str()), (None, 0, ""));
        put(root.path(), &[("etc/machine-id", "uninitialized\n")]);
        assert_eq!(read(root.path(), &own_id).unwrap().id, first.id);
        fs::remove_file(&own_id).unwrap();
        assert_ne!(read(root.path(), &own_id).unwrap().id, first.id);
    }
}
