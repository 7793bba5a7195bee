//! Stopping a server: by signals, and by the end of its standard input where it was started so. A limit for the size of files stops none.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::domain::{Error, Result};

/// Returns a token that SIGINT and SIGTERM cancel; a second signal ends the process at once. systemd stops a server
/// by SIGTERM.
pub(super) fn stop_on_signal() -> Result<CancellationToken> {
    let refused = |e| Error::internal("signals cannot be waited for").with_source(e);
    catch_file_size_limit().map_err(refused)?;
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

/// Has a write beyond the limit for the size of a file (`ulimit -f`) fail, as on a full disk. Unless the signal is caught, it ends the process.
fn catch_file_size_limit() -> io::Result<()> {
    // It stays caught without anybody who waits for it.
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}

/// Cancels the token also when standard input ends. The program at the other end of a pipe need not do anything for that: it happens
/// however that program ends.
///
/// # Errors
/// `Internal` when a thread cannot be started.
pub(super) fn stop_with_input(stop: CancellationToken) -> Result<()> {
    // A thread of its own: a read of standard input cannot be cancelled, and the end of the process does not wait for it.
    let input = std::thread::Builder::new().name("basalt-input".to_owned());
    let reading = input.spawn(move || {
        // Input that cannot be read has ended too.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        stop.cancel();
    });
    reading.map(drop).map_err(|e| Error::internal("standard input cannot be waited for").with_source(e))
}

async fn next_signal(a: &mut Signal, b: &mut Signal) {
    tokio::select! { _ = a.recv() => {}, _ = b.recv() => {} }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::catch_file_size_limit;

    #[tokio::test]
    async fn the_limit_for_the_size_of_a_file_does_not_end_the_process() {
        catch_file_size_limit().expect("caught");
        kill_process(getpid(), Signal::XFSZ).expect("sent");
    }
}
