//! TLS handshakes: each takes a processor for a while, so there are places for few at a time. Whoever has said nothing yet
//! takes none, and one network has a part of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::app::session::network;

/// TLS handshakes at a time.
const MAX_HANDSHAKES: usize = 64;
/// TLS handshakes of one network at a time.
const MAX_OF_NETWORK: usize = 16;
/// How long a handshake may take once the client has said hello.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(2);

/// Type of the TLS record that a ClientHello is in.
const HANDSHAKE_RECORD: u8 = 22;
/// Bytes of a ClientHello after which the rest is not waited for.
const HELLO_BYTES: usize = 1024;
/// Between two looks at a ClientHello that comes in parts, the first time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Longest time between two looks, after many of them.
const LAST_PAUSE: Duration = Duration::from_millis(500);

/// The places for handshakes of a listener.
pub(super) struct HandshakePlaces {
    all: Arc<Semaphore>,
    by_network: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

/// A place, which is free again when this is dropped.
struct HandshakePlace<'a> {
    places: &'a HandshakePlaces,
    network: IpAddr,
    /// The permits, of the network and of all; taken by the drop.
    permits: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
}

impl Default for HandshakePlaces {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(MAX_HANDSHAKES)), by_network: Mutex::default() }
    }
}

impl HandshakePlaces {
    /// Completes the handshake of a client; `None` when it fails or takes too long. Until its ClientHello is there the client
    /// has no place: the caller bounds that time.
    pub(super) async fn accept(
        &self,
        acceptor: &TlsAcceptor,
        socket: TcpStream,
        address: IpAddr,
    ) -> Option<TlsStream<TcpStream>> {
        wait_for_hello(&socket).await?;
        let _place = self.acquire(network(address)).await?;
        tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(socket)).await.ok()?.ok()
    }

    async fn acquire(&self, network: IpAddr) -> Option<HandshakePlace<'_>> {
        // Dropped also while this waits, so that no network is remembered.
        let mut place = HandshakePlace { places: self, network, permits: None };
        let of_network = {
            let mut known = self.by_network.lock();
            known.entry(network).or_insert_with(|| Arc::new(Semaphore::new(MAX_OF_NETWORK))).clone()
        };
        // The network's first: who waits for it keeps no place from others.
        let own = of_network.acquire_owned().await.ok()?;
        place.permits = Some((own, self.all.clone().acquire_owned().await.ok()?));
        Some(place)
    }
}

/// Waits until the ClientHello is there, or as much of it as says that the rest is on its way; `None` when the client closes.
/// Nothing is taken off the socket: a client without a place costs no memory of ours.
async fn wait_for_hello(socket: &TcpStream) -> Option<()> {
    let mut bytes = [0; HELLO_BYTES];
    let mut pause = FIRST_PAUSE;
    loop {
        let count = socket.peek(&mut bytes).await.ok().filter(|count| *count > 0)?;
        if is_hello_there(bytes.get(..count)?) {
            return Some(());
        }
        // Until more comes the socket stays readable.
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Whether the first record is complete, or its first [`HELLO_BYTES`] are there. What is no TLS is refused by the handshake.
fn is_hello_there(bytes: &[u8]) -> bool {
    match bytes {
        [HANDSHAKE_RECORD, _, _, high, low, body @ ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            body.len() >= length || bytes.len() >= HELLO_BYTES
        }
        [HANDSHAKE_RECORD, ..] => false,
        _ => true,
    }
}

impl Drop for HandshakePlace<'_> {
    fn drop(&mut self) {
        let mut known = self.places.by_network.lock();
        drop(self.permits.take());
        // Whoever waits for a place or has one holds its semaphore too.
        if known.get(&self.network).is_some_and(|semaphore| Arc::strong_count(semaphore) == 1) {
            known.remove(&self.network);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_hello_is_there_when_its_record_is_complete_or_long() {
        let record = |length: u16, sent: usize| {
            [&[HANDSHAKE_RECORD, 3, 1][..], &length.to_be_bytes(), &vec![7; sent]].concat()
        };
        for (bytes, expected) in [
            (vec![HANDSHAKE_RECORD], false),
            (record(300, 299), false),
            (record(300, 300), true),
            (record(2000, 1018), false),
            (record(2000, 1019), true),
            (b"GET / HTTP/1.1".to_vec(), true),
        ] {
            assert_eq!(is_hello_there(&bytes), expected, "{} bytes", bytes.len());
        }
    }

    /// Security review 10: 100 silent connections a second made every honest handshake take 9 s.
    #[tokio::test]
    async fn one_network_has_a_part_of_the_places_for_handshakes() {
        let places = HandshakePlaces::default();
        let address = |last| IpAddr::from(Ipv4Addr::new(192, 0, 2, last));
        let mut handshakes = Vec::new();
        for _ in 0..MAX_OF_NETWORK {
            handshakes.push(places.acquire(address(1)).now_or_never().flatten().expect("a place"));
        }
        let mut waiting = Box::pin(places.acquire(address(1)));
        assert!(waiting.as_mut().now_or_never().is_none(), "its part is used up");
        let other = places.acquire(address(2)).now_or_never().flatten().expect("others have places");
        drop(handshakes.pop());
        handshakes.push(waiting.await.expect("the place that is free again"));
        drop((handshakes, other));
        assert!(places.by_network.lock().is_empty(), "no network is remembered");
        assert_eq!(places.all.available_permits(), MAX_HANDSHAKES);
    }
}
