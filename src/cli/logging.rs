//! Logging setup: lines go to standard error, as text or JSON.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::EnvFilter;

use super::config::{LogConfig, LogFormat};

/// Target of the one line that every server writes at any log level: tests and scripts wait for it.
pub const ALWAYS: &str = "basalt::listening";

/// Libraries that log as errors what is none: the Delta kernel that a new table has no log yet, the OPC UA library
/// anything about a server or its certificate. Real errors come back as a `Result`. rustls warns of each client that gives
/// the server's name as an IP address or not as a host name; it then goes on without the name, which we do not need.
const MUTED: &str = "buoyant_kernel=off,opcua_client=off,opcua_core=off,opcua_crypto=off,opcua_server=error,\
    opcua_types=off,rustls::msgs::handshake=error";

/// Sets up logging for a server: our own lines at the configured level, those of libraries at most at warning level.
pub fn init_for_server(log: &LogConfig) {
    let libraries = log.level.min(Level::WARN);
    let filter = EnvFilter::new(format!("{libraries},{MUTED},basalt={},{ALWAYS}=info", log.level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber means that a test has already installed one.
    match log.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init().unwrap_or(()),
        LogFormat::Json => lines.json().flatten_event(true).try_init().unwrap_or(()),
    }
}

/// Sets up logging for a command: only warnings and errors that its user should look at.
pub fn init_for_command() {
    let filter = EnvFilter::new(format!("error,{MUTED},basalt=warn"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    lines
        .without_time()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .unwrap_or(());
}
