//! Simulated devices of a measurement: this program in a separate process, so that their resources are not counted as
//! the server's.

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::args::CollectProtocol;
use crate::domain::stream::StreamKind;
use crate::domain::{Error, Result};

/// Values that the simulators of S7 and EtherNet/IP have at consecutive addresses.
const SIMULATED_VALUES: u16 = 1000;

impl CollectProtocol {
    /// Name of the protocol in the catalog.
    pub fn name(self) -> &'static str {
        match self {
            CollectProtocol::Modbus => "modbus",
            CollectProtocol::S7 => "s7",
            CollectProtocol::Eip => "eip",
        }
    }

    /// Name of the protocol as people write it.
    pub fn display_name(self) -> &'static str {
        match self {
            CollectProtocol::Modbus => "Modbus",
            CollectProtocol::S7 => "S7",
            CollectProtocol::Eip => "EtherNet/IP",
        }
    }

    /// Address and type of a value of a simulated device, counted from 0.
    pub fn register(self, number: u16) -> (String, StreamKind) {
        match self {
            CollectProtocol::Modbus => (format!("hr:{number}"), StreamKind::Uint16),
            CollectProtocol::S7 => (format!("DB2.DBW{}", u32::from(number) * 2), StreamKind::Uint16),
            CollectProtocol::Eip => (format!("numbers[{number}]"), StreamKind::Int32),
        }
    }
}

/// Devices with this many values each. The process ends on drop.
pub struct DeviceFleet {
    child: Child,
    pub address: SocketAddr,
}

impl DeviceFleet {
    /// # Errors
    /// `Invalid` for more values than the simulator has, `Unavailable` when it does not start.
    pub async fn start(protocol: CollectProtocol, registers: u16) -> Result<DeviceFleet> {
        let program = std::env::current_exe().map_err(|e| fleet_error("have no program", e))?;
        let mut command = Command::new(program);
        command.args(["simulate", protocol.name(), "--listen", "127.0.0.1:0"]);
        if protocol == CollectProtocol::Modbus {
            command.arg("--registers").arg(registers.to_string());
        } else if registers > SIMULATED_VALUES {
            let message = format!("must be at most {SIMULATED_VALUES} for {}", protocol.name());
            return Err(Error::field("registers", message));
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| fleet_error("cannot be started", e))?;
        let stdout = child.stdout.take().expect("stdout was piped");
        // Built first, so that dropping it ends the process even if its output is useless.
        let mut field = DeviceFleet { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let line = tokio::task::spawn_blocking(move || first_line(stdout)).await;
        let line = line.map_err(|e| fleet_error("cannot be watched", e))?;
        let line = line.map_err(|e| fleet_error("say nothing", e))?;
        let address = line.rsplit_once("://").and_then(|(_, address)| address.parse().ok());
        field.address = address.ok_or_else(|| fleet_error("did not start", line))?;
        Ok(field)
    }

    /// Checks that the devices are still there.
    ///
    /// # Errors
    /// `Unavailable` when the process has ended.
    pub fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(fleet_error("have ended", status.to_string())),
            Err(e) => Err(fleet_error("cannot be watched", e)),
        }
    }
}

/// Returns the first line of an output, and reads the rest: a process ends at a line that nobody reads, and the simulators of some
/// protocols print every tag.
fn first_line(output: impl Read + Send + 'static) -> io::Result<String> {
    let mut output = BufReader::new(output);
    let mut line = String::new();
    output.read_line(&mut line)?;
    std::thread::spawn(move || io::copy(&mut output, &mut io::sink()));
    Ok(line.trim_end().to_owned())
}

impl Drop for DeviceFleet {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn fleet_error(what: &str, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable(format!("the simulated devices {what}")).with_source(e)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// The reader of the address closed the pipe, and mostly that ended the simulator before its last tag was printed.
    #[test]
    fn lines_behind_the_address_do_not_end_the_devices() {
        let (output, mut device) = io::pipe().expect("a pipe");
        device.write_all(b"listening on eip://127.0.0.1:44818\nTags:\n").expect("it is read");
        assert_eq!(first_line(output).expect("a line"), "listening on eip://127.0.0.1:44818");
        // More than a pipe holds.
        for _ in 0..20_000 {
            device.write_all(b"numbers  DINT[1000] rw\n").expect("it is read");
        }
    }
}
