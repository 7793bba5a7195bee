//! Subscribers of a plant: over the WebSocket of the Instathings cloud, and over socket.io of the on-premise
//! interface.
//!
//! Each value that is written makes a message of its own, and each follower must be told of all of them. A few
//! followers read the values too, for the latencies: reading them all would take the processor from the server.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::clients::VendorClient;
use crate::cli::bench::args;
use crate::cli::bench::dataset::Dataset;
use crate::cli::bench::disk::format_mebibytes;
use crate::cli::bench::latencies::{Latencies, format_number};
use crate::cli::bench::note;
use crate::cli::bench::rated_writer::RatedWriter;
use crate::cli::bench::resource_usage::ResourceUsage;
use crate::cli::bench::server::BenchServer;
use crate::cli::bench::ws_client::{WebSocketClient, unexpected};
use crate::cli::print;
use crate::domain::time::{Clock, SystemClock};
use crate::domain::{Error, Result};

/// The host by which requests reach the on-premise interface.
pub const ONPREMISE_HOST: &str = "gate.bench";
/// One of so many followers reads the values.
const SAMPLE: usize = 50;
/// Maximum wait for the last messages.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a client of socket.io sends a ping; the server waits 30 s for one.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// Protocol of a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FollowerKind {
    Cloud,
    SocketIo,
}

/// A text that a follower received.
#[derive(Debug, PartialEq)]
enum ReceivedText<'a> {
    /// A message; with its JSON where the value is in it.
    Message(Option<&'a [u8]>),
    Nothing,
}

impl FollowerKind {
    /// Texts that tell of one message.
    fn texts_per_message(self) -> usize {
        match self {
            FollowerKind::Cloud => 1,
            // Of all devices, of the device, the payload alone.
            FollowerKind::SocketIo => 3,
        }
    }

    fn read(self, text: &[u8]) -> Result<ReceivedText<'_>> {
        let of = |prefix: &str| text.strip_prefix(prefix.as_bytes());
        match self {
            FollowerKind::Cloud => match of(r#"{"action":"data""#) {
                Some(_) => Ok(ReceivedText::Message(Some(text))),
                None => Err(unexpected(text)),
            },
            FollowerKind::SocketIo => match (of("42"), text) {
                (Some(event), _) => {
                    Ok(ReceivedText::Message(event.starts_with(br#"["data","#).then_some(event)))
                }
                (None, b"3") => Ok(ReceivedText::Nothing),
                _ => Err(unexpected(text)),
            },
        }
    }

    /// Returns the value in a message: of its only stream.
    fn value(self, json: &[u8]) -> Option<f64> {
        let message: Value = serde_json::from_slice(json).ok()?;
        let streams = match self {
            FollowerKind::Cloud => &message["payload"]["data"],
            FollowerKind::SocketIo => &message[1]["payload"],
        };
        streams.as_object()?.values().next()?.as_f64()
    }
}

/// A connected follower.
struct Follower {
    socket: WebSocketClient,
    kind: FollowerKind,
}

impl Follower {
    /// Connects; no message stored after it returns is missed.
    async fn open(client: &VendorClient, kind: FollowerKind) -> Result<Follower> {
        let VendorClient { address, project, token, .. } = client;
        let socket = match kind {
            FollowerKind::Cloud => {
                let path = format!("/wss?project={project}&access_token={token}");
                WebSocketClient::open(address, &path, "Host: bench").await?
            }
            FollowerKind::SocketIo => {
                let path = "/socket.io/?EIO=3&transport=websocket";
                let head = format!("Host: {ONPREMISE_HOST}");
                let mut socket = WebSocketClient::open(address, path, &head).await?;
                for prefix in ["0{", "40"] {
                    let text = socket.next().await?;
                    if !text.starts_with(prefix.as_bytes()) {
                        return Err(unexpected(text));
                    }
                }
                socket
            }
        };
        Ok(Follower { socket, kind })
    }

    /// Receives until it was told of `messages` messages. With `reads_values`, returns their latencies: each value is
    /// the time at which it was sent, in microseconds since `begun`.
    async fn receive(mut self, messages: usize, begun: Instant, reads_values: bool) -> Result<Latencies> {
        let late = |_| Error::unavailable("a follower was not told of every message");
        let (mut latencies, mut received_texts, mut pinged) = (Latencies::default(), 0, Instant::now());
        while received_texts < messages * self.kind.texts_per_message() {
            let text = timeout(RECEIVE_TIMEOUT, self.socket.next()).await.map_err(late)??;
            let json = match self.kind.read(text)? {
                ReceivedText::Message(json) => json,
                ReceivedText::Nothing => continue,
            };
            received_texts += 1;
            if let Some(json) = json.filter(|_| reads_values) {
                let sent = self.kind.value(json).ok_or_else(|| unexpected(json))?;
                latencies.add(begun.elapsed().saturating_sub(Duration::from_micros(sent as u64)));
            }
            if self.kind == FollowerKind::SocketIo && pinged.elapsed() >= PING_INTERVAL {
                self.socket.send("2").await?;
                pinged = Instant::now();
            }
        }
        Ok(latencies)
    }
}

/// Measures the server with followers of each kind, then of both, and prints a table.
pub async fn measure(
    server: &BenchServer,
    plant: &Dataset,
    client: &VendorClient,
    args: &args::Vendors,
) -> Result<()> {
    use FollowerKind::{Cloud, SocketIo};
    let groups: [(&str, &[FollowerKind]); 4] = [
        ("nobody", &[]),
        ("WebSocket (Instathings cloud)", &[Cloud]),
        ("socket.io (on-premise)", &[SocketIo]),
        ("both together", &[Cloud, SocketIo]),
    ];
    let time = Duration::from_secs(args.seconds);
    let mut writer = RatedWriter::new(server, &plant.streams, args.rate, SystemClock.now().0);
    let mut table = Vec::new();
    for (name, kinds) in groups {
        note(&format!("{name}, {} followers", kinds.len() * args.followers));
        let (begun, count) = (Instant::now(), writer.count(time));
        let following = follow(client, kinds, args.followers, (count, begun)).await?;
        let (used, ()) = ResourceUsage::measure(server, writer.write(time, begun)).await?;
        let mut latencies = Latencies::default();
        for follower in following {
            let ended =
                follower.await.map_err(|e| Error::internal("a follower ended early").with_source(e))?;
            latencies.extend([ended?]);
        }
        let of = |share| match kinds {
            [] => "-".to_owned(),
            _ => format_number(latencies.quantile_ms(share)),
        };
        let followers = (kinds.len() * args.followers).to_string();
        let target = if kinds.is_empty() { "-" } else { "100 %" };
        let memory = format_mebibytes(used.memory_bytes);
        table.push([
            name.to_owned(),
            followers,
            of(0.5),
            of(0.99),
            used.percent(),
            target.to_owned(),
            memory,
        ]);
    }
    print::line(&format!(
        "{} values/s for {} s, each a message of its own that every follower was told of:",
        args.rate, args.seconds
    ))?;
    let header = ["FOLLOWERS", "NUMBER", "P50 ms", "P99 ms", "SERVER, OF A CORE", "TARGET", "RESIDENT"];
    print::table(header, &table)
}

/// Connects followers of these kinds, and lets each receive the messages of `(count, begun)`.
async fn follow(
    client: &VendorClient,
    kinds: &[FollowerKind],
    followers: usize,
    (count, begun): (usize, Instant),
) -> Result<Vec<JoinHandle<Result<Latencies>>>> {
    let mut open = Vec::with_capacity(kinds.len() * followers);
    for kind in kinds {
        for _ in 0..followers {
            open.push(Follower::open(client, *kind).await?);
        }
    }
    let receiving = open.into_iter().enumerate();
    Ok(receiving.map(|(i, one)| tokio::spawn(one.receive(count, begun, i.is_multiple_of(SAMPLE)))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_both_kinds_are_told_apart() {
        use FollowerKind::{Cloud, SocketIo};
        let data = br#"{"action":"data","payload":{"ts":1,"data":{"signal 0":7}}}"#;
        assert_eq!(Cloud.read(data).unwrap(), ReceivedText::Message(Some(&data[..])));
        assert_eq!(Cloud.value(data), Some(7.0));
        assert!(Cloud.read(br#"{"action":"log"}"#).is_err());
        let ReceivedText::Message(Some(event)) =
            SocketIo.read(br#"42["data",{"deviceId":"k","payload":{"signal 0":7.5},"ts":"t"}]"#).unwrap()
        else {
            panic!("an event with a value")
        };
        assert_eq!(SocketIo.value(event), Some(7.5));
        assert_eq!(SocketIo.read(br#"42["data_k",{"signal 0":7.5}]"#).unwrap(), ReceivedText::Message(None));
        assert_eq!(SocketIo.read(b"3").unwrap(), ReceivedText::Nothing);
        assert!(SocketIo.read(b"41").is_err());
    }
}
