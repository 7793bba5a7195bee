//! Allowed serial ports. A path in a device's settings is a file of the server, so only terminals below `/dev/` are
//! opened, and of these only what the operator allows.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which terminals devices may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedSerialPorts {
    /// Every serial port by its driver's name, such as `ttyS0` or `ttyUSB0`. Consoles and pseudo terminals, in which people
    /// work, are none.
    #[default]
    Any,
    None,
    /// These terminals, whatever they are.
    Listed(Vec<PathBuf>),
    /// Every terminal: for commands, which have the rights of whoever runs them.
    AnyTerminal,
}

impl AllowedSerialPorts {
    /// Resolves a path to the device file behind its links. Nothing is opened: opening some device files has effects.
    ///
    /// # Errors
    /// When there is no such file, when it is no device file below `/dev/`, or when it is not allowed; worded for people.
    pub fn resolve(&self, path: &str) -> io::Result<PathBuf> {
        let resolved = fs::canonicalize(path).map_err(|error| describe_open_error(&error))?;
        let is_device = fs::metadata(&resolved).is_ok_and(|found| found.file_type().is_char_device());
        if !is_device || !resolved.starts_with("/dev") {
            return Err(io::Error::other("it is no serial port"));
        }
        if self.allows(&resolved) {
            Ok(resolved)
        } else {
            Err(io::Error::other("it is no serial port that devices may use (collect.serial_ports)"))
        }
    }

    fn allows(&self, resolved: &Path) -> bool {
        match self {
            AllowedSerialPorts::Any => is_serial_driver(resolved),
            AllowedSerialPorts::None => false,
            AllowedSerialPorts::Listed(paths) => paths.iter().any(|listed| {
                // A listed link, such as one of /dev/serial/by-id/, may lead elsewhere after each start.
                listed == resolved || fs::canonicalize(listed).is_ok_and(|listed| listed == resolved)
            }),
            AllowedSerialPorts::AnyTerminal => true,
        }
    }
}

/// Whether a device file is named as drivers of serial ports name theirs: `ttyUSB0`, `ttymxc1`, `rfcomm0`. `tty` and `tty1` are
/// consoles.
fn is_serial_driver(resolved: &Path) -> bool {
    let name = resolved.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_driver =
        name.strip_prefix("tty").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    resolved.parent() == Some(Path::new("/dev")) && (is_driver || name.starts_with("rfcomm"))
}

/// Words an error of opening a port.
pub fn describe_open_error(error: &io::Error) -> io::Error {
    let words = match error.kind() {
        io::ErrorKind::NotFound => "there is no such port; is the adapter plugged in?",
        io::ErrorKind::PermissionDenied => {
            "the server may not open it; its user must be in the group `dialout` when the server starts"
        }
        io::ErrorKind::ResourceBusy | io::ErrorKind::WouldBlock => "another program uses it",
        _ => return io::Error::new(error.kind(), error.to_string()),
    };
    io::Error::other(words)
}

/// Parses `any`, `none`, or a list of paths below `/dev/` separated by commas.
impl FromStr for AllowedSerialPorts {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.trim() {
            "any" => return Ok(AllowedSerialPorts::Any),
            "none" => return Ok(AllowedSerialPorts::None),
            _ => {}
        }
        let path = |text: &str| text.starts_with("/dev/").then(|| PathBuf::from(text));
        let paths: Option<Vec<PathBuf>> = text.split(',').map(|text| path(text.trim())).collect();
        paths.map(AllowedSerialPorts::Listed).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::serial::pseudo_terminal::PseudoTerminal;

    #[test]
    fn a_port_is_a_serial_port_by_its_name() {
        for (path, is_port) in [
            ("/dev/ttyUSB0", true),
            ("/dev/ttyS0", true),
            ("/dev/ttymxc3", true),
            ("/dev/rfcomm0", true),
            ("/dev/tty", false),
            ("/dev/tty1", false),
            ("/dev/console", false),
            ("/dev/pts/3", false),
            ("/dev/shm/ttyUSB0", false),
            ("/dev/watchdog", false),
        ] {
            assert_eq!(AllowedSerialPorts::Any.allows(Path::new(path)), is_port, "{path}");
        }
    }

    #[test]
    fn only_terminals_that_are_allowed_are_resolved() {
        let terminal = PseudoTerminal::open();
        let path = terminal.path.to_str().unwrap();
        let listed: AllowedSerialPorts = format!("/dev/ttyUSB7, {path}").parse().unwrap();
        for (allowed, path, expected) in [
            (&listed, path, None),
            (&AllowedSerialPorts::AnyTerminal, path, None),
            (&AllowedSerialPorts::Any, path, Some("collect.serial_ports")),
            (&AllowedSerialPorts::None, path, Some("collect.serial_ports")),
            (&AllowedSerialPorts::Any, "/dev/null", Some("collect.serial_ports")),
            (&AllowedSerialPorts::AnyTerminal, "/dev", Some("no serial port")),
            (&AllowedSerialPorts::AnyTerminal, "/dev/ttyUSB99", Some("no such port")),
        ] {
            let error = allowed.resolve(path).err().map(|error| error.to_string());
            let is_expected = match (&error, expected) {
                (Some(error), Some(words)) => error.contains(words),
                (error, expected) => error.is_none() && expected.is_none(),
            };
            assert!(is_expected, "{allowed:?} {path}: {error:?}");
        }
    }

    #[test]
    fn ports_are_a_word_or_paths() {
        assert_eq!("any".parse(), Ok(AllowedSerialPorts::Any));
        assert_eq!(" none ".parse(), Ok(AllowedSerialPorts::None));
        let two = ["/dev/ttyS0", "/dev/ttyUSB0"].map(PathBuf::from).to_vec();
        assert_eq!("/dev/ttyS0, /dev/ttyUSB0".parse(), Ok(AllowedSerialPorts::Listed(two)));
        for text in ["", "all", "ttyS0", "/dev/ttyS0,", "/tmp/x"] {
            assert!(text.parse::<AllowedSerialPorts>().is_err(), "{text}");
        }
    }
}
