//! SIGHUP: asks a server to read its files again, or says that its terminal is gone.

use std::io::IsTerminal;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::domain::{Error, Result};

/// Meaning of a SIGHUP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hangup {
    /// Somebody has sent it: configuration and certificates are to be read again.
    Reload,
    /// Standard input was a terminal, which has closed: the server is to stop.
    TerminalClosed,
}

/// The SIGHUPs of this process, from the moment this exists; before, one ends the process.
pub struct Hangups {
    signals: Signal,
    had_terminal: bool,
}

impl Hangups {
    /// Begins to catch the signal.
    ///
    /// # Errors
    /// `Internal` when the system refuses.
    pub fn catch() -> Result<Hangups> {
        let refused = |e| Error::internal("signals cannot be waited for").with_source(e);
        let signals = signal(SignalKind::hangup()).map_err(refused)?;
        Ok(Hangups { signals, had_terminal: std::io::stdin().is_terminal() })
    }

    /// Waits for the next signal. Several that came meanwhile are one.
    pub async fn next(&mut self) -> Hangup {
        // It ends only with the runtime.
        if self.signals.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        // A terminal that has hung up is none any more.
        match self.had_terminal && !std::io::stdin().is_terminal() {
            true => Hangup::TerminalClosed,
            false => Hangup::Reload,
        }
    }
}
