//! Bytes that no client sends: whatever comes, the server goes on, says nothing of a panic, and keeps no memory.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::fixture::ToolsFixture;
use super::wire::{PgClient, cstring};

/// Says something and reads until the server has had enough of it.
async fn send_and_close(address: &str, bytes: &[u8]) {
    let Ok(mut socket) = TcpStream::connect(address).await else { return };
    socket.write_all(bytes).await.unwrap_or(());
    // Nothing more comes: what is incomplete stays so.
    socket.shutdown().await.unwrap_or(());
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), socket.read_to_end(&mut answer)).await;
    // A reset is as good as a close.
    read.expect("the server hangs up").unwrap_or_default();
}

/// A message with its length, right or wrong.
fn message(random: &mut StdRng, kind: u8) -> Vec<u8> {
    let body: Vec<u8> = (0..random.random_range(0..40)).map(|_| random.random()).collect();
    let length = if random.random_bool(0.5) { 4 + body.len() as u32 } else { random.random() };
    [&[kind][..], &length.to_be_bytes(), &body].concat()
}

#[tokio::test]
async fn broken_bytes_at_both_doors_cost_nothing() {
    let world = ToolsFixture::new(&[]).await;
    let (pg, flight) = (world.server.pg_address(), world.server.flight_address());
    let mut random = StdRng::seed_from_u64(41);
    // Once, so that what is built at first use is there before memory is counted.
    PgClient::connect(&pg, world.key()).await.unwrap().query("SELECT 1").await.unwrap();
    let before = world.server.reset_peak_memory();
    for round in 0..300 {
        let junk: Vec<u8> = (0..random.random_range(0..300)).map(|_| random.random()).collect();
        let startup = [&[0, 0, 0, 60, 0, 3, 0, 0][..], b"user\0a\0", &junk].concat();
        let large = [&u32::MAX.to_be_bytes()[..], &junk].concat();
        let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &junk].concat();
        match round % 4 {
            0 => tokio::join!(send_and_close(&pg, &junk), send_and_close(&flight, &junk)),
            1 => tokio::join!(send_and_close(&pg, &startup), send_and_close(&flight, &preface)),
            2 => tokio::join!(send_and_close(&pg, &large), send_and_close(&flight, &startup)),
            _ => {
                tokio::join!(send_and_close(&pg, b"\0\0\0\x08\x04\xd2\x16\x2f"), send_and_close(&flight, b""))
            }
        };
    }
    // A client whose key is good is no more to be trusted with its bytes.
    for round in 0..200 {
        let mut client = PgClient::connect(&pg, world.key()).await.unwrap();
        let kind = b"QPBDECSHXpdcfF~"[round % 15];
        for _ in 0..3 {
            client.raw(&message(&mut random, kind)).await;
        }
        client.parse("", "SELECT $1", &[23]).await;
        let formats = [random.random_range(0..4), random.random_range(0..4)];
        client.bind("", "", formats, &[Some(&[1, 2, 3])]).await;
        client.send('S', b"").await;
        client.send('X', b"").await;
        while client.message().await.is_some() {}
    }
    assert_eq!(PgClient::connect(&pg, world.key()).await.unwrap().query("SELECT 1").await.unwrap().len(), 1);
    let log = world.server.log();
    assert!(!log.contains("panicked"), "{log}");
    if let (Some(before), Some(after)) = (before, world.server.peak_memory_mib()) {
        assert!(after < before + 100, "{before} MiB before, {after} MiB at most since");
    }
}

#[tokio::test]
async fn a_message_past_the_limit_is_refused_by_its_head() {
    let (world, mut pg) = ToolsFixture::with_client(&[("BASALT_LIMITS__BODY_BYTES", "1MB")]).await;
    pg.raw(b"Q\x3f\xff\xff\xff").await;
    let ended = pg.until_ready().await.unwrap_err();
    assert!(ended.severity == "FATAL" && ended.message.contains("1000000"), "{ended:?}");
    let mut pg = world.connect().await;
    let long = format!("SELECT '{}'", "x".repeat(500_000));
    assert_eq!(pg.query(&long).await.unwrap_err().code, "54000", "a statement has a limit of its own");
    let kept = (0..1001).map(|n| n.to_string());
    for name in kept {
        pg.send('P', &[cstring(&name), cstring(""), vec![0, 0]].concat()).await;
    }
    assert_eq!(pg.sync().await.unwrap_err().code, "54000", "as have statements that are kept");
    let mut pg = world.connect().await;
    pg.query("BEGIN").await.unwrap();
    pg.parse("s", "SELECT $1", &[25]).await;
    let value = vec![b'x'; 900_000];
    for n in 0..20 {
        pg.bind(&n.to_string(), "s", [0, 0], &[Some(&value)]).await;
    }
    assert_eq!(pg.sync().await.unwrap_err().code, "54000", "and their values");
}
