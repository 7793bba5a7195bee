//! The signals that stop a server.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::domain::{Error, Result};

/// Returns a token that SIGINT and SIGTERM cancel; a second signal ends the process at once.
pub(super) fn stop_on_signal() -> Result<CancellationToken> {
    let refused = |e| Error::internal("signals cannot be waited for").with_source(e);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    let stop = CancellationToken::new();
    let stop_signal = stop.clone();
    tokio::spawn(async move {
        next_signal(&mut interrupt, &mut terminate).await;
        stop_signal.cancel();
        next_signal(&mut interrupt, &mut terminate).await;
        // Everything acknowledged is in the log: the next start replays it.
        std::process::exit(1);
    });
    Ok(stop)
}

async fn next_signal(a: &mut Signal, b: &mut Signal) {
    tokio::select! { _ = a.recv() => {}, _ = b.recv() => {} }
}
