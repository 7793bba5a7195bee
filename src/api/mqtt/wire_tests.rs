//! The memory and the time of packets that are not complete.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::app::body_memory::{BodyMemoryBudget, BodyMemoryLimits};

const LIMITS: BodyMemoryLimits = BodyMemoryLimits {
    total: 256 << 10,
    bodies: 256 << 10,
    caller: 256 << 10,
    max_anonymous: 0,
    max_per_address: 0,
    resident_memory_limit: usize::MAX,
    wait_timeout: Duration::ZERO,
};

/// A connection whose client has said hello, and the client's socket.
async fn connected() -> (MqttWire, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    let mut wire = MqttWire::new(Transport::Plain(socket));
    client.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01a").await.unwrap();
    let packet = loop {
        assert!(wire.read_more().await.unwrap());
        if let Some(packet) = wire.next_packet().unwrap() {
            break packet;
        }
    };
    assert!(matches!(packet, Inbound::Connect(_)));
    wire.codec.set_limits(320 << 10, None);
    (wire, client)
}

/// Reads until so many bytes of a packet are there, or it is refused.
async fn read_part(wire: &mut MqttWire, bytes: usize) -> Result<(), PacketError> {
    while wire.inbox.len() < bytes {
        assert!(wire.read_more().await.unwrap());
        assert_eq!(wire.next_packet()?, None, "it is not complete");
    }
    Ok(())
}

/// Security review 7: half-sent packets were in nobody's account, for as long as their clients liked.
#[tokio::test]
async fn a_packet_that_is_not_complete_counts_in_the_account_and_has_a_time() {
    let account = Arc::new(BodyMemoryBudget::new(LIMITS));
    let (mut wire, mut client) = connected().await;
    wire.memory = BodyMemoryReservation::with_budget(account.clone(), MemoryHolder::Caller(1));
    assert_eq!(wire.packet_deadline(), None);
    // PUBLISH of 300 KiB.
    let length = 300 << 10;
    let header = [0x30, 0x80, 0xE0, 0x12, 0, 1, b'a'];
    let body = vec![b' '; length - 3];
    // It ends early, when the server reads no more.
    tokio::spawn(async move {
        drop(client.write_all(&header).await);
        drop(client.write_all(&body[..290 << 10]).await);
        client
    });
    read_part(&mut wire, 100 << 10).await.unwrap();
    let deadline = wire.packet_deadline().expect("it has begun") - Instant::now();
    assert!(deadline > Duration::from_secs(60) && deadline < Duration::from_secs(320), "{deadline:?}");
    assert!(account.used() >= 100 << 10, "{} bytes", account.used());
    assert_eq!(read_part(&mut wire, 290 << 10).await, Err(PacketError::NoMemory));
    drop(wire);
    assert_eq!(account.used(), 0);
}
