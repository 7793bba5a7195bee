//! Single value writes: one POST per value over kept connections, as gateways and scripts do.
//!
//! Requests are written by hand, because the cost of an HTTP client would be measured too.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::generator;
use super::latencies::Latencies;
use super::server::BenchServer;
use crate::domain::{Error, Micros, Result, StreamId};

/// Number of connections that write at once, each with one request in flight.
pub const CONNECTIONS: usize = 64;
/// Later than everything that bulk ingest wrote.
const FIRST_TS_MICROS: i64 = generator::START_MICROS + 86_400_000_000 * 60;

/// Latency of every acknowledged write, and the time that all of them took.
pub struct PointWriteResult {
    pub latencies: Latencies,
    pub took: Duration,
}

/// Posts to `/api/data/{id}/value/` for `time`.
pub async fn run(server: &BenchServer, streams: &[StreamId], time: Duration) -> Result<PointWriteResult> {
    let started = Instant::now();
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|i| {
            let (address, key) = (server.address.clone(), server.key.clone());
            let stream = streams[i % streams.len()];
            tokio::spawn(async move { post(&address, &key, stream, i, started + time).await })
        })
        .collect();
    let mut latencies = Latencies::default();
    for client in clients {
        let done = client.await.map_err(|e| Error::internal("a client ended early").with_source(e))?;
        latencies.extend([done?]);
    }
    Ok(PointWriteResult { latencies, took: started.elapsed() })
}

async fn post(
    address: &str,
    key: &str,
    stream: StreamId,
    client: usize,
    until: Instant,
) -> Result<Latencies> {
    let failed = |e: std::io::Error| Error::unavailable("a connection failed").with_source(e);
    let mut socket = TcpStream::connect(address).await.map_err(failed)?;
    socket.set_nodelay(true).map_err(failed)?;
    let mut latencies = Latencies::default();
    let mut answer = [0; 4096];
    while Instant::now() < until {
        // Every client uses microseconds of its own, so that no value replaces another.
        let ts = Micros(FIRST_TS_MICROS + (latencies.count() * CONNECTIONS + client) as i64);
        let body = format!(r#"{{"timestamp":"{ts}","value":{}}}"#, latencies.count() as f64 / 4.0);
        let request = format!(
            "POST /api/data/{stream}/value/ HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let sent = Instant::now();
        socket.write_all(request.as_bytes()).await.map_err(failed)?;
        read_answer(&mut socket, &mut answer).await?;
        latencies.add(sent.elapsed());
    }
    Ok(latencies)
}

/// Reads one response, which must be 201, to the end of its body of known length.
async fn read_answer(socket: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let malformed_error =
        |text: &[u8]| Error::unavailable(format!("unexpected answer: {}", String::from_utf8_lossy(text)));
    let mut have = 0;
    loop {
        let read = socket.read(&mut buffer[have..]).await;
        have += read.map_err(|e| Error::unavailable("a connection failed").with_source(e))?;
        let text = &buffer[..have];
        let Some(head) = text.windows(4).position(|w| w == b"\r\n\r\n") else {
            if is_closed_or_full(have, buffer.len()) {
                return Err(malformed_error(text));
            }
            continue;
        };
        if !text.starts_with(b"HTTP/1.1 201") {
            return Err(malformed_error(text));
        }
        let headers = String::from_utf8_lossy(&text[..head]).to_ascii_lowercase();
        let length =
            headers.lines().find_map(|l| l.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        if have >= head + 4 + length.ok_or_else(|| malformed_error(text))? {
            return Ok(());
        }
    }
}

fn is_closed_or_full(have: usize, room: usize) -> bool {
    have == 0 || have == room
}
