//! Hostile input: request bodies, Arrow IPC, Parquet and Flight messages.

mod flight;
mod parquet;
mod sockets;

use std::io::Write;
use std::time::Duration;

use crate::hostile::AttackedServer;
use crate::support::sized;

pub const NDJSON: &str = "application/x-ndjson";
pub const ARROW: &str = "application/vnd.apache.arrow.stream";

fn gzip(plain: &[u8], level: u32) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    packer.write_all(plain).expect("in memory");
    packer.finish().expect("in memory")
}

/// Lines without a row, of so many MiB: decoded, and then nothing is written.
fn blank(mib: usize) -> Vec<u8> {
    vec![b' '; mib << 20]
}

#[tokio::test]
async fn a_compressed_body_takes_what_is_counted_for_it() {
    let attacked = AttackedServer::start(&[]).await;
    let (client, packed) = (attacked.server.client(), gzip(&blank(sized(100, 250)), 1));
    let headers = [("content-type", NDJSON), ("content-encoding", "gzip")];
    attacked.server.reset_peak_memory();
    let one = client.send("POST", "/ingest", &headers, packed.clone()).await;
    assert!(matches!(one.status, 200 | 400), "{} {}", one.status, one.body);
    let peak = attacked.server.peak_memory_mib().unwrap_or(0);
    assert!(peak < sized(400, 600), "one body decoded took {peak} MiB");
    // Twelve at short intervals, by callers of their own: before, each found the account of the one before empty.
    let mut clients = Vec::new();
    for _ in 0..12 {
        clients.push(attacked.server.client_with(&["--scope", "value:write"]).await);
    }
    let all = clients.into_iter().enumerate().map(|(i, client)| {
        let packed = packed.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(300) * i as u32).await;
            client.send("POST", "/ingest", &headers, packed).await.status
        }
    });
    let answers = futures::future::join_all(all).await;
    assert!(answers.iter().all(|status| matches!(status, 200 | 400 | 503)), "{answers:?}");
    assert!(answers.iter().any(|status| *status != 503), "some found room: {answers:?}");
    let peak = attacked.finish().await;
    assert!(peak < sized(800, 1200), "twelve bodies decoded took {peak} MiB");
}

#[tokio::test]
async fn arrow_lengths_are_not_believed() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    let honest = flight::one_value(Some(1));
    for (name, body) in flight::lying(&honest) {
        client.ingest(ARROW, body).await.about(&name).expect_one_of(&[400, 413]);
    }
    attacked.finish_below(500).await;
}
