//! Simulated devices of a measurement: this program in a separate process, so that their resources are not counted as
//! the server's.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::domain::{Error, Result};

/// Modbus devices with this many registers each. The process ends on drop.
pub struct DeviceFleet {
    child: Child,
    pub address: SocketAddr,
}

impl DeviceFleet {
    pub async fn start(registers: u16) -> Result<DeviceFleet> {
        let program = std::env::current_exe().map_err(|e| fleet_error("have no program", e))?;
        let mut child = Command::new(program)
            .args(["simulate", "modbus", "--listen", "127.0.0.1:0", "--registers"])
            .arg(registers.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| fleet_error("cannot be started", e))?;
        let stdout = BufReader::new(child.stdout.take().expect("stdout was piped"));
        // Built first, so that dropping it ends the process even if its output is useless.
        let mut field = DeviceFleet { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let stdout = tokio::task::spawn_blocking(move || stdout.lines().next()).await;
        let line = stdout.map_err(|e| fleet_error("cannot be watched", e))?.transpose();
        let line = line.map_err(|e| fleet_error("say nothing", e))?.unwrap_or_default();
        let address = line.rsplit_once("://").and_then(|(_, address)| address.parse().ok());
        field.address = address.ok_or_else(|| fleet_error("did not start", line))?;
        Ok(field)
    }
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
