//! Where log lines go: standard error, as text or JSON.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::EnvFilter;

use super::config::{Log, LogFormat};

/// The target of the one line every server writes whatever the level: tests and scripts wait for it.
pub const ALWAYS: &str = "basalt::listening";

/// The Delta library's kernel logs as an error that a new table has no log yet, the OPC UA library everything that a server
/// or its certificate may be; real errors come back as a `Result`.
const MUTED: &str =
    "buoyant_kernel=off,opcua_client=off,opcua_core=off,opcua_crypto=off,opcua_server=error,opcua_types=off";

/// For a server: our own lines at the configured level, those of libraries from warnings on.
pub fn for_server(log: &Log) {
    let libraries = log.level.min(Level::WARN);
    let filter = EnvFilter::new(format!("{libraries},{MUTED},basalt={},{ALWAYS}=info", log.level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber means that somebody else (a test) already listens.
    match log.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init().unwrap_or(()),
        LogFormat::Json => lines.json().flatten_event(true).try_init().unwrap_or(()),
    }
}

/// For a command: only what its user should look at.
pub fn for_command() {
    let filter = EnvFilter::new(format!("error,{MUTED},basalt=warn"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    lines
        .without_time()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .unwrap_or(());
}
