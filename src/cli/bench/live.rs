//! `basalt bench live`: many clients follow what one writer writes. Each has to be told of every value; the time is from
//! just before the value is sent to its message being read, the fsync of its write included.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::args;
use super::disk::mebibytes;
use super::feed::Feed;
use super::figures::{Latencies, show};
use super::server::{Dir, Server};
use super::used::Used;
use super::{note, signals};
use crate::cli::print;
use crate::domain::{Error, Micros, Result, StreamId};

/// Writes per second: each has its share of the values.
const WRITES: usize = 20;
const STREAMS: usize = 100;
/// How long the last values may be on their way.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn run(args: &args::Live) -> Result<()> {
    let mut server = Server::start(Dir::empty(args.data_dir.as_deref())?, Vec::new()).await?;
    let streams = server.create_streams(STREAMS).await?;
    let time = Duration::from_secs(args.seconds);
    let mut writer = Writer { server: &server, streams: &streams, rate: args.rate, written: 0 };

    note("writing with nobody following");
    let (alone, ()) = Used::of(&server, writer.write(time, Instant::now())).await?;
    note(&format!("{} clients follow", args.clients));
    let begun = Instant::now();
    let mut clients = Vec::with_capacity(args.clients);
    for _ in 0..args.clients {
        clients.push(Feed::open(&server.address, &server.key, "").await?);
    }
    let count = writer.count(time);
    let clients: Vec<_> = clients.into_iter().map(|feed| tokio::spawn(follow(feed, count, begun))).collect();
    let (used, ()) = Used::of(&server, writer.write(time, begun)).await?;
    let mut told = Told::default();
    for client in clients {
        let one = client.await.map_err(|e| Error::internal("a client ended early").because(e))??;
        told.messages += one.messages;
        told.latencies.extend([one.latencies]);
    }
    let values = told.latencies.count();
    print::line(&format!(
        "{} clients x {} values/s for {} s: each was told of all {count} values, in {} messages/s to all of them",
        args.clients,
        args.rate,
        args.seconds,
        told.messages / args.seconds.max(1) as usize,
    ))?;
    print::line(&format!(
        "from sending a value to having read it: p50 {} ms, p99 {} ms, slowest {} ms ({values} values)",
        show(told.latencies.ms(0.5)),
        show(told.latencies.ms(0.99)),
        show(told.latencies.ms(1.0)),
    ))?;
    print::line(&format!(
        "server: {} of a core with clients, {} without; {} resident with clients, {} without",
        used.percent(),
        alone.percent(),
        mebibytes(used.memory),
        mebibytes(alone.memory)
    ))?;
    server.stop().await
}

/// What a client was told.
#[derive(Default)]
struct Told {
    messages: usize,
    latencies: Latencies,
}

/// Reads until every value has come. Each is the time it was sent, microseconds from `begun`.
async fn follow(mut feed: Feed, count: usize, begun: Instant) -> Result<Told> {
    let mut told = Told::default();
    while told.latencies.count() < count {
        let late = |_| Error::unavailable("a client was not told of every value");
        let values = timeout(PATIENCE, feed.next()).await.map_err(late)??;
        let now = begun.elapsed();
        told.messages += 1;
        for value in values {
            told.latencies.add(now.saturating_sub(Duration::from_micros(value as u64)));
        }
    }
    if told.latencies.count() > count {
        return Err(Error::internal("a client was told of more values than were written"));
    }
    Ok(told)
}

struct Writer<'a> {
    server: &'a Server,
    streams: &'a [StreamId],
    rate: usize,
    written: usize,
}

impl Writer<'_> {
    /// Values that `write` writes in this time.
    fn count(&self, time: Duration) -> usize {
        self.rate.div_ceil(WRITES) * WRITES * time.as_secs() as usize
    }

    /// Writes at an even pace.
    async fn write(&mut self, time: Duration, begun: Instant) -> Result<()> {
        let each = self.rate.div_ceil(WRITES);
        let mut ticks = interval(Duration::from_secs(1) / WRITES as u32);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..self.count(time) / each {
            ticks.tick().await;
            let sent = begun.elapsed().as_micros();
            let lines = (0..each).map(|_| {
                self.written += 1;
                let stream = self.streams[self.written % self.streams.len()];
                let ts = Micros(signals::START + self.written as i64);
                json!({"stream_id": stream.0, "ts": ts.to_iso(), "value": sent as f64}).to_string() + "\n"
            });
            let body: String = lines.collect();
            self.send(body).await?;
        }
        Ok(())
    }

    async fn send(&self, body: String) -> Result<()> {
        let url = format!("http://{}/ingest", self.server.address);
        let request = self.server.client.post(url).header("X-API-Key", &self.server.key);
        let request = request.header("Content-Type", "application/x-ndjson").body(body);
        let answer = request.send().await.map_err(|e| Error::unavailable("a write failed").because(e))?;
        let status = answer.status();
        // The whole answer, so that the connection is used again.
        let text = answer.text().await.map_err(|e| Error::unavailable("a write failed").because(e))?;
        if status.is_success() {
            Ok(())
        } else {
            Err(Error::unavailable(format!("a write was refused: {text}")))
        }
    }
}
