//! A socket that is bound before the server is ready to accept connections.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::domain::{Error, Result};

/// A bound socket and the address that it has.
pub struct BoundSocket {
    pub socket: TcpListener,
    pub address: SocketAddr,
}

impl BoundSocket {
    /// Binds an address; `flag` is the setting that takes another.
    ///
    /// # Errors
    /// Names the address and the setting when the address cannot be used.
    pub async fn new(address: SocketAddr, flag: &str) -> Result<BoundSocket> {
        let taken = |e: io::Error| {
            Error::unavailable(format!("cannot listen on {address} ({flag} takes another): {e}"))
        };
        BoundSocket::try_bind(address).await.map_err(taken)
    }

    /// Binds an address.
    ///
    /// # Errors
    /// The error of the system.
    pub async fn try_bind(address: SocketAddr) -> io::Result<BoundSocket> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(BoundSocket { socket, address })
    }

    /// Binds the address, if there is one.
    ///
    /// # Errors
    /// The errors of [`BoundSocket::new`].
    pub async fn bind_optional(address: Option<SocketAddr>, flag: &str) -> Result<Option<BoundSocket>> {
        match address {
            Some(address) => BoundSocket::new(address, flag).await.map(Some),
            None => Ok(None),
        }
    }
}
