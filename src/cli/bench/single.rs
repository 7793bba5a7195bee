//! Single values: one POST a value over kept connections, as gateways and scripts do.
//!
//! Requests are written by hand: an HTTP client's own cost would be measured too.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::figures::Latencies;
use super::server::Server;
use super::signals;
use crate::domain::{Error, Micros, Result, StreamId};

pub const CONNECTIONS: usize = 64;
/// After everything bulk ingest wrote.
const START: i64 = signals::START + 86_400_000_000 * 60;

pub struct Done {
    pub latencies: Latencies,
    pub took: Duration,
}

/// Posts to `/api/data/{id}/value/` for `time`.
pub async fn run(server: &Server, streams: &[StreamId], time: Duration) -> Result<Done> {
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
        let done = client.await.map_err(|e| Error::internal("a client ended early").because(e))?;
        latencies.extend([done?]);
    }
    Ok(Done { latencies, took: started.elapsed() })
}

async fn post(
    address: &str,
    key: &str,
    stream: StreamId,
    client: usize,
    until: Instant,
) -> Result<Latencies> {
    let failed = |e: std::io::Error| Error::unavailable("a connection failed").because(e);
    let mut socket = TcpStream::connect(address).await.map_err(failed)?;
    socket.set_nodelay(true).map_err(failed)?;
    let mut latencies = Latencies::default();
    let mut answer = [0; 4096];
    while Instant::now() < until {
        // Every client has microseconds of its own: no value replaces another.
        let ts = Micros(START + (latencies.count() * CONNECTIONS + client) as i64);
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

/// Reads one answer, which must be 201, up to the end of its counted body.
async fn read_answer(socket: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let odd =
        |text: &[u8]| Error::unavailable(format!("unexpected answer: {}", String::from_utf8_lossy(text)));
    let mut have = 0;
    loop {
        let read = socket.read(&mut buffer[have..]).await;
        have += read.map_err(|e| Error::unavailable("a connection failed").because(e))?;
        let text = &buffer[..have];
        let Some(head) = text.windows(4).position(|w| w == b"\r\n\r\n") else {
            if read_nothing(have, buffer.len()) {
                return Err(odd(text));
            }
            continue;
        };
        if !text.starts_with(b"HTTP/1.1 201") {
            return Err(odd(text));
        }
        let headers = String::from_utf8_lossy(&text[..head]).to_ascii_lowercase();
        let length =
            headers.lines().find_map(|l| l.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        if have >= head + 4 + length.ok_or_else(|| odd(text))? {
            return Ok(());
        }
    }
}

fn read_nothing(have: usize, room: usize) -> bool {
    have == 0 || have == room
}
