//! `basalt bench mqtt`: readings published with QoS 1, each on disk before its PUBACK; their fan-out to subscribers; idle
//! sessions. The same load can be run against another broker, for comparison.

mod broker;
mod connection;
mod fan_out;
mod idle;
mod publishers;

use std::time::Duration;

use super::latencies::format_number;
use super::{args, disk, generator, note};
use crate::cli::{fd_limit, print};
use crate::domain::{Error, Micros, Result};
use broker::Broker;
use publishers::{PublishLoad, PublishResult};

/// File descriptors of this process beside those of the connections.
const OTHER_FILES: u64 = 100;
/// Between the first times of two measurements, so that none overwrites readings of another.
const MEASUREMENT_MICROS: i64 = 86_400_000_000;

type Row = [String; 6];

/// Runs the publishers, the fan-out and the idle sessions one after the other, and prints a table or a line of each.
pub async fn run(args: &args::Mqtt) -> Result<()> {
    let connections = args.idle.max(args.clients).max(args.subscribers + 1) as u64;
    let files = fd_limit::raise_fd_limit();
    if files < connections + OTHER_FILES {
        let needed = connections + OTHER_FILES;
        return Err(Error::field("idle", format!("needs {needed} file descriptors; there are {files}")));
    }
    let broker = Broker::start(args).await?;
    print::line(&format!(
        "{} publishers with QoS 1 for {} s each, broker at {}",
        args.clients, args.seconds, broker.address
    ))?;
    let published = publish(&broker, args).await?;
    note(&format!("{} subscribers", args.subscribers));
    let fanned_out = fan_out::measure(&broker, args).await?;
    if let Some(found) = broker.count().await? {
        let written = published + fanned_out;
        print::line(&format!("readings found: {found} of {written}"))?;
        if found != written {
            return Err(Error::internal(format!(
                "the server holds {found} readings of {written} acknowledged"
            )));
        }
    }
    note(&format!("{} idle sessions", args.idle));
    idle::measure(&broker, args.idle).await?;
    let peak = disk::format_mebibytes(broker.peak_memory_bytes());
    print::line(&format!("broker's peak resident memory: {peak}"))?;
    broker.stop().await
}

/// Runs every load of the publishers and prints their table; returns the number of readings acknowledged.
async fn publish(broker: &Broker, args: &args::Mqtt) -> Result<usize> {
    let (topics, _) = broker.topics(args.clients).await?;
    let load = |number: i64, in_flight: u16, batch: usize, rate: Option<f64>| PublishLoad {
        topics: topics.clone(),
        in_flight,
        batch,
        first_ts: Micros(generator::START_MICROS + number * MEASUREMENT_MICROS),
        time: Duration::from_secs(args.seconds),
        rate,
    };
    let mut table = Vec::new();
    let (_, one) = measure(broker, &load(0, 1, 1, None), &mut table).await?;
    let (fastest, many) = measure(broker, &load(1, args.in_flight, 1, None), &mut table).await?;
    let half = (fastest / 2.0).max(1.0);
    let (_, halved) = measure(broker, &load(2, args.in_flight, 1, Some(half)), &mut table).await?;
    let (_, batched) = measure(broker, &load(3, args.in_flight, args.batch, None), &mut table).await?;
    let header = ["MESSAGES", "MESSAGES/s", "READINGS/s", "PUBACK P50 ms", "P99 ms", "BROKER'S CPU"];
    print::table(header, &table)?;
    print::line("")?;
    Ok(one + many + halved + batched)
}

/// Runs one load; returns the messages per second and the number of readings.
async fn measure(broker: &Broker, load: &PublishLoad, table: &mut Vec<Row>) -> Result<(f64, usize)> {
    let name = describe(load);
    note(&name);
    let cpu = broker.cpu_share();
    let done = load.run(&broker.address, broker.key.as_deref()).await?;
    table.push(row(name, &done, cpu.percent()));
    Ok((done.messages_per_s(), done.readings()))
}

fn describe(load: &PublishLoad) -> String {
    let pace = load.rate.map_or(String::new(), |_| ", half of that rate".to_owned());
    let readings = if load.batch == 1 { "1 reading".to_owned() } else { format!("{} readings", load.batch) };
    format!("{readings} each, {} in flight{pace}", load.in_flight)
}

fn row(name: String, done: &PublishResult, cpu: String) -> Row {
    let per_s = done.messages_per_s();
    [
        name,
        format!("{per_s:.0}"),
        format!("{:.0}", per_s * done.batch as f64),
        format_number(done.latencies.quantile_ms(0.5)),
        format_number(done.latencies.quantile_ms(0.99)),
        cpu,
    ]
}
