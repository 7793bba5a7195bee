//! Logging setup: lines go to standard error, as text or JSON.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::{EnvFilter, reload};

use super::config::{LogConfig, LogFormat};

/// Target of the one line that every server writes at any log level: tests and scripts wait for it.
pub const ALWAYS: &str = "basalt::listening";

/// Libraries that log as errors what is none: the Delta kernel that a new table has no log yet, the OPC UA library
/// anything about a server or its certificate. Real errors come back as a `Result`. rustls warns of each client that gives
/// the server's name as an IP address or not as a host name; it then goes on without the name, which we do not need.
const MUTED: &str = "buoyant_kernel=off,opcua_client=off,opcua_core=off,opcua_crypto=off,opcua_server=error,\
    opcua_types=off,rustls::msgs::handshake=error";

/// Changes the level of a server's log while it runs.
pub struct LogHandle(Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>);

impl LogHandle {
    /// Logs from now on at this level.
    pub fn set_level(&self, level: Level) {
        // It fails only where something else logs, as tests install it.
        (self.0)(server_filter(level)).unwrap_or(());
    }
}

/// Our own lines at this level, those of libraries at most at warning level.
fn server_filter(level: Level) -> EnvFilter {
    let libraries = level.min(Level::WARN);
    EnvFilter::new(format!("{libraries},{MUTED},basalt={level},{ALWAYS}=info"))
}

/// Sets up logging for a server. Returns what changes its level.
pub fn init_for_server(log: &LogConfig) -> LogHandle {
    let lines = tracing_subscriber::fmt().with_env_filter(server_filter(log.level));
    // A log that nobody takes any more, such as that of a closed terminal, is no reason to fail.
    let lines = lines.with_writer(std::io::stderr).log_internal_errors(false);
    // A second subscriber means that a test has already installed one.
    match log.format {
        LogFormat::Text => {
            let lines = lines.with_ansi(std::io::stderr().is_terminal()).with_filter_reloading();
            let handle = lines.reload_handle();
            lines.try_init().unwrap_or(());
            LogHandle(Box::new(move |filter| handle.reload(filter)))
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_filter_reloading();
            let handle = lines.reload_handle();
            lines.try_init().unwrap_or(());
            LogHandle(Box::new(move |filter| handle.reload(filter)))
        }
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
