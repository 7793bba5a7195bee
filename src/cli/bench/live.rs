//! `basalt bench live`: many clients follow one writer. Each must receive every value; latency is from just before
//! the value is sent until its message has been read, the fsync of its write included.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::args;
use super::disk::format_mebibytes;
use super::latencies::{Latencies, format_number};
use super::rated_writer::RatedWriter;
use super::resource_usage::ResourceUsage;
use super::server::{BenchDir, BenchServer};
use super::subscription::SubscriptionClient;
use super::{generator, note};
use crate::cli::print;
use crate::domain::{Error, Result};

const STREAMS: usize = 100;
/// Maximum wait for the last values.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(60);

/// Writes with and without followers, and prints their latency and the server's use of the machine.
pub async fn run(args: &args::Live) -> Result<()> {
    let mut server = BenchServer::start(BenchDir::new_empty(args.data_dir.as_deref())?, Vec::new()).await?;
    let streams = server.create_streams(STREAMS).await?;
    let time = Duration::from_secs(args.seconds);
    let mut writer = RatedWriter::new(&server, &streams, args.rate, generator::START_MICROS);

    note("writing with nobody following");
    let (alone, ()) = ResourceUsage::measure(&server, writer.write(time, Instant::now())).await?;
    note(&format!("{} clients follow", args.clients));
    let begun = Instant::now();
    let mut clients = Vec::with_capacity(args.clients);
    for _ in 0..args.clients {
        clients.push(SubscriptionClient::open(&server.address, &server.key, "").await?);
    }
    let count = writer.count(time);
    let clients: Vec<_> =
        clients.into_iter().map(|feed| tokio::spawn(receive_all(feed, count, begun))).collect();
    let (used, ()) = ResourceUsage::measure(&server, writer.write(time, begun)).await?;
    let mut stats = SubscriberStats::default();
    for client in clients {
        let one = client.await.map_err(|e| Error::internal("a client ended early").with_source(e))??;
        stats.messages += one.messages;
        stats.latencies.extend([one.latencies]);
    }
    let values = stats.latencies.count();
    print::line(&format!(
        "{} clients x {} values/s for {} s: each was told of all {count} values, in {} messages/s to all of them",
        args.clients,
        args.rate,
        args.seconds,
        stats.messages / args.seconds.max(1) as usize,
    ))?;
    print::line(&format!(
        "from sending a value to having read it: p50 {} ms, p99 {} ms, slowest {} ms ({values} values)",
        format_number(stats.latencies.quantile_ms(0.5)),
        format_number(stats.latencies.quantile_ms(0.99)),
        format_number(stats.latencies.quantile_ms(1.0)),
    ))?;
    print::line(&format!(
        "server: {} of a core with clients, {} without; {} resident with clients, {} without",
        used.percent(),
        alone.percent(),
        format_mebibytes(used.memory_bytes),
        format_mebibytes(alone.memory_bytes)
    ))?;
    server.stop().await
}

/// Messages and latencies of one client.
#[derive(Default)]
struct SubscriberStats {
    messages: usize,
    latencies: Latencies,
}

/// Reads until every value has arrived. Each value is the time it was sent, in microseconds since `begun`.
async fn receive_all(mut feed: SubscriptionClient, count: usize, begun: Instant) -> Result<SubscriberStats> {
    let mut stats = SubscriberStats::default();
    while stats.latencies.count() < count {
        let late = |_| Error::unavailable("a client was not told of every value");
        let values = timeout(RECEIVE_TIMEOUT, feed.next()).await.map_err(late)??;
        let now = begun.elapsed();
        stats.messages += 1;
        for value in values {
            stats.latencies.add(now.saturating_sub(Duration::from_micros(value as u64)));
        }
    }
    if stats.latencies.count() > count {
        return Err(Error::internal("a client was told of more values than were written"));
    }
    Ok(stats)
}
