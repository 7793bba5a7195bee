//! Taking connections.

use std::future::Future;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Between two attempts to accept when that fails.
const PAUSE: Duration = Duration::from_millis(100);

/// Converses on every connection, each in a task of its own, for ever. Dropping it ends all of them.
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
            // Accepting fails when descriptors run out; they come back.
            Err(error) => {
                tracing::warn!(%error, "simulator cannot accept connections");
                tokio::time::sleep(PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}
