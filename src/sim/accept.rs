//! Accept loop of the TCP simulators.

use std::future::Future;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Delay between two attempts to accept when that fails.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Runs `converse` on every connection, each in a task of its own, for ever. Dropping the future ends all of them.
pub async fn accept<C>(listener: TcpListener, converse: impl Fn(TcpStream) -> C)
where
    C: Future<Output = Option<()>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(converse(stream));
            }
            // Accepting fails when file descriptors run out; they become free again.
            Err(error) => {
                tracing::warn!(%error, "simulator cannot accept connections");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}
