//! The plant as a Logix controller in slot 0 of a backplane: sessions of EtherNet/IP, unconnected messages and connected
//! ones of class 3.
//!
//! Written from the specifications, independently of the collector's codec, so that the two check each other.

mod connection;
mod connection_manager;
mod reply;
mod router;
mod symbols;
mod tag;
mod tag_memory;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::accept::accept;
use super::plant::Plant;
use connection::EipConnection;
pub use tag_memory::TagMemory;
pub use tag_memory::tag_lines;

const HEADER_BYTES: usize = 24;
const MAX_BODY_BYTES: usize = 2048;

/// Creates the memory of a controller.
pub fn memory(plant: Arc<Mutex<Plant>>) -> Arc<Mutex<TagMemory>> {
    Arc::new(Mutex::new(TagMemory::new(plant)))
}

/// Serves every connection, for ever.
pub async fn serve(listener: TcpListener, memory: Arc<Mutex<TagMemory>>) {
    accept(listener, |stream| serve_connection(stream, Arc::clone(&memory))).await;
}

/// Serves one connection until it ends, or until bytes that no client may send.
async fn serve_connection(mut stream: TcpStream, memory: Arc<Mutex<TagMemory>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut connection = EipConnection::default();
    loop {
        let mut header = [0; HEADER_BYTES];
        stream.read_exact(&mut header).await.ok()?;
        let len = usize::from(u16::from_le_bytes([header[2], header[3]]));
        if len > MAX_BODY_BYTES {
            return None;
        }
        let mut body = vec![0; len];
        stream.read_exact(&mut body).await.ok()?;
        let answer = connection.answer(&mut memory.lock(), &header, &body)?;
        stream.write_all(&answer).await.ok()?;
    }
}

#[cfg(test)]
#[path = "eip_tests.rs"]
mod tests;
