//! The simulated devices of a measurement: this very program in a process of its own, so that what they take is not
//! counted as the server's.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::domain::{Error, Result};

/// Modbus devices of so many registers each. Ended when dropped.
pub struct Field {
    child: Child,
    pub address: SocketAddr,
}

impl Field {
    pub async fn start(registers: u16) -> Result<Field> {
        let program = std::env::current_exe().map_err(|e| failed("have no program", e))?;
        let mut child = Command::new(program)
            .args(["simulate", "modbus", "--listen", "127.0.0.1:0", "--registers"])
            .arg(registers.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| failed("cannot be started", e))?;
        let said = BufReader::new(child.stdout.take().expect("stdout was piped"));
        // The process ends when this is dropped, also when it says nothing of use.
        let mut field = Field { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let said = tokio::task::spawn_blocking(move || said.lines().next()).await;
        let line = said.map_err(|e| failed("cannot be watched", e))?.transpose();
        let line = line.map_err(|e| failed("say nothing", e))?.unwrap_or_default();
        let address = line.rsplit_once("://").and_then(|(_, address)| address.parse().ok());
        field.address = address.ok_or_else(|| failed("did not start", line))?;
        Ok(field)
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn failed(what: &str, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable(format!("the simulated devices {what}")).because(e)
}
