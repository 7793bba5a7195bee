//! `basalt bench collect`: devices polled on schedule, every value stored durably.
//!
//! It fails if a request failed or if the rows found are not those that the collectors counted as stored. It reports
//! how late polls were and what the server used, without a limit.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;

use super::args;
use super::disk::{format_mebibytes, lake_bytes};
use super::fleet::DeviceFleet;
use super::latencies::format_number;
use super::note;
use super::resource_usage::ResourceUsage;
use super::server::{BenchDir, BenchServer};
use crate::cli::print;
use crate::domain::{Error, Result};

/// Concurrent requests that switch the devices on and off.
const CONCURRENT_REQUESTS: usize = 8;
/// Interval at which the counters are read.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Maximum wait until every device has been polled, or until nothing is in flight.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Number of equal counts in a row after which nothing is in flight: a poll that was under way still stores its readings.
const SETTLED_COUNTS: usize = 5;

const LATENESS: &str = "basalt_device_poll_lateness_seconds";

/// Polls simulated devices for a while, and prints the rows stored, the lateness of polls and the server's use of the machine.
pub async fn run(args: &args::Collect) -> Result<()> {
    let mut field = DeviceFleet::start(args.protocol, args.registers).await?;
    let mut server = BenchServer::start(BenchDir::new_empty(args.data_dir.as_deref())?, Vec::new()).await?;
    note(&format!("making {} devices of {} streams", args.devices, args.registers));
    let devices = make(&server, field.address, args).await?;
    // A restart, so that the cost of creating the devices is not measured.
    server.restart().await?;
    server.reset_peak();
    set_enabled(&server, &devices, true).await?;
    let first = wait_until(&server, |counted| counted.polled_devices >= args.devices).await;
    field.check_running()?;
    let first = first?;
    note(&format!("collecting for {} s", args.seconds));
    let started = Instant::now();
    let time = Duration::from_secs(args.seconds);
    let (used, last) = ResourceUsage::measure(&server, async {
        tokio::time::sleep(time).await;
        MetricsSnapshot::scrape(&server).await
    })
    .await?;
    let took = started.elapsed();
    let peak = server.peak_memory_bytes();
    set_enabled(&server, &devices, false).await?;
    let (mut before, mut equal_counts) = (f64::NAN, 0);
    let end = wait_until(&server, |counted| {
        equal_counts = if counted.readings() == before { equal_counts + 1 } else { 0 };
        before = counted.readings();
        equal_counts >= SETTLED_COUNTS
    })
    .await?;
    let found = server.count().await?;
    print_results(args, &last.since(&first), took, &used, peak)?;
    print::line(&format!("rows found: {found} of {}", end.readings()))?;
    server.stop().await?;
    print::line(&format!("lake: {:.2} B/row", lake_bytes(server.dir())? as f64 / found as f64))?;
    check_results(found as f64 == end.readings(), end.sum("basalt_device_errors_total"))
}

fn print_results(
    args: &args::Collect,
    counted: &MetricsSnapshot,
    took: Duration,
    used: &ResourceUsage,
    peak: Option<u64>,
) -> Result<()> {
    let took_s = took.as_secs_f64();
    let wanted = args.devices as f64 * f64::from(args.registers) / args.interval;
    let rows_per_s = counted.readings() / took_s;
    print::line(&format!(
        "{} {} devices x {} registers every {} s: {rows_per_s:.0} rows/s stored of {wanted:.0} wanted",
        args.devices,
        args.protocol.display_name(),
        args.registers,
        args.interval
    ))?;
    let requests_per_s = counted.sum("basalt_device_requests_total") / took_s;
    print::line(&format!("requests: {requests_per_s:.0}/s"))?;
    let polls = counted.polls();
    let lateness_ms = |share: f64| format_number(counted.lateness_quantile(share) * 1e3);
    print::line(&format!(
        "polls: {polls}, skipped: {}; lateness p50 {} ms, p99 {} ms (of a histogram)",
        counted.sum("basalt_device_skipped_polls_total"),
        lateness_ms(0.5),
        lateness_ms(0.99)
    ))?;
    print::line(&format!("server: {} of a core, at most {} resident", used.percent(), format_mebibytes(peak)))
}

fn check_results(is_whole: bool, errors: f64) -> Result<()> {
    if errors > 0.0 {
        return Err(Error::internal(format!("{errors} requests failed")));
    }
    if is_whole { Ok(()) } else { Err(Error::internal("rows are missing or too many")) }
}

/// Creates devices with a stream per register; they are not polled yet.
async fn make(server: &BenchServer, address: SocketAddr, args: &args::Collect) -> Result<Vec<i32>> {
    server.import(inventory(address, args)).await?;
    server.ids("SELECT id FROM devices WHERE name LIKE 'PLC %' ORDER BY id").await
}

/// Returns the devices and their streams as a CSV file. By a request for each, 100,000 streams take minutes.
fn inventory(address: SocketAddr, args: &args::Collect) -> String {
    let mut text = "device,device.protocol,device.host,device.port,device.unit,device.poll_interval,\
                    device.enabled,device.metadata,stream,path,type\n"
        .to_owned();
    // They are devices of their own, not units behind one gateway; other protocols do not read the setting.
    let metadata = r#""{""shared_connection"":false}""#;
    let (protocol, host, port) = (args.protocol.name(), address.ip(), address.port());
    for number in 0..args.devices {
        let (unit, interval) = (number % 256, args.interval);
        let settings = format!("{protocol},{host},{port},{unit},{interval},false,{metadata}");
        text.push_str(&format!("PLC {number},{settings},,,\n"));
        text.extend((0..args.registers).map(|register| {
            let (path, kind) = args.protocol.register(register);
            format!("PLC {number},,,,,,,,register {register},{path},{}\n", kind.name())
        }));
    }
    text
}

async fn set_enabled(server: &BenchServer, devices: &[i32], is_on: bool) -> Result<()> {
    let switched =
        devices.iter().map(|id| server.change(format!("/api/device/{id}/"), json!({"enabled": is_on})));
    stream::iter(switched).buffer_unordered(CONCURRENT_REQUESTS).try_collect().await
}

/// Waits until the counters satisfy a condition and returns them.
async fn wait_until(
    server: &BenchServer,
    mut is_so: impl FnMut(&MetricsSnapshot) -> bool,
) -> Result<MetricsSnapshot> {
    let latest = Instant::now() + SETTLE_TIMEOUT;
    loop {
        let counted = MetricsSnapshot::scrape(server).await?;
        if is_so(&counted) {
            return Ok(counted);
        }
        if Instant::now() > latest {
            return Err(Error::internal(format!(
                "the collectors do not settle: {} devices were polled, {} polls, {} readings, {} errors",
                counted.polled_devices,
                counted.polls(),
                counted.readings(),
                counted.sum("basalt_device_errors_total")
            )));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Metrics of /metrics, each summed over the devices; histogram buckets by their bounds.
struct MetricsSnapshot {
    sums: BTreeMap<String, f64>,
    /// Number of devices that were polled at least once.
    polled_devices: usize,
    /// Upper bound in seconds, and the number of polls at or below it.
    lateness: Vec<(f64, f64)>,
}

impl MetricsSnapshot {
    async fn scrape(server: &BenchServer) -> Result<MetricsSnapshot> {
        Ok(MetricsSnapshot::parse(&server.metrics().await?))
    }

    fn parse(page: &str) -> MetricsSnapshot {
        let mut counted = MetricsSnapshot { sums: BTreeMap::new(), polled_devices: 0, lateness: Vec::new() };
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let Some((sample, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
            *counted.sums.entry(name.to_owned()).or_default() += value;
            if name.strip_suffix("_count") == Some(LATENESS) && value > 0.0 {
                counted.polled_devices += 1;
            }
            let bound = labels.split_once("le=\"").and_then(|(_, rest)| rest.split('"').next());
            if let (Some(LATENESS), Some(bound)) = (name.strip_suffix("_bucket"), bound) {
                counted.bucket(bound.parse().unwrap_or(f64::INFINITY), value);
            }
        }
        counted
    }

    fn bucket(&mut self, bound: f64, count: f64) {
        match self.lateness.iter_mut().find(|(known, _)| *known == bound) {
            Some((_, sum)) => *sum += count,
            None => self.lateness.push((bound, count)),
        }
    }

    fn sum(&self, name: &str) -> f64 {
        self.sums.get(name).copied().unwrap_or_default()
    }

    fn readings(&self) -> f64 {
        self.sum("basalt_device_readings_total")
    }

    fn polls(&self) -> f64 {
        self.sum(&format!("{LATENESS}_count"))
    }

    /// Returns the difference to `before`.
    fn since(&self, before: &MetricsSnapshot) -> MetricsSnapshot {
        let sums = self.sums.iter().map(|(name, sum)| (name.clone(), sum - before.sum(name)));
        let then = |at: usize| before.lateness.get(at).map_or(0.0, |(_, count)| *count);
        let lateness =
            self.lateness.iter().enumerate().map(|(at, (bound, count))| (*bound, count - then(at)));
        MetricsSnapshot {
            sums: sums.collect(),
            polled_devices: self.polled_devices,
            lateness: lateness.collect(),
        }
    }

    /// Returns the lateness in seconds that this share of polls does not exceed, interpolated within its bucket.
    fn lateness_quantile(&self, share: f64) -> f64 {
        let wanted = share * self.polls();
        let mut below = (0.0, 0.0);
        for (bound, count) in self.lateness.iter().copied() {
            if count >= wanted {
                let within = if count > below.1 { (wanted - below.1) / (count - below.1) } else { 0.0 };
                return if bound.is_finite() { below.0 + (bound - below.0) * within } else { below.0 };
            }
            below = (bound, count);
        }
        below.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_summed_and_quantiles_lie_within_buckets() {
        let of = |device: u32, counts: [u32; 3]| {
            let [low, high, all] = counts;
            format!(
                "# HELP x y\nbasalt_device_readings_total{{device=\"{device}\"}} {all}00\n\
                 {LATENESS}_bucket{{device=\"{device}\",le=\"0.01\"}} {low}\n\
                 {LATENESS}_bucket{{device=\"{device}\",le=\"0.02\"}} {high}\n\
                 {LATENESS}_bucket{{device=\"{device}\",le=\"+Inf\"}} {all}\n\
                 {LATENESS}_count{{device=\"{device}\"}} {all}\n"
            )
        };
        let before = MetricsSnapshot::parse(&[of(1, [1, 1, 1]), of(2, [1, 1, 1])].concat());
        let after = MetricsSnapshot::parse(&[of(1, [31, 51, 51]), of(2, [21, 51, 51])].concat());
        let counted = after.since(&before);
        assert_eq!((counted.readings(), counted.polls()), (10_000.0, 100.0));
        let waiting = MetricsSnapshot::parse(&[of(1, [90, 90, 90]), of(2, [0, 0, 0])].concat());
        assert_eq!((after.polled_devices, waiting.polled_devices), (2, 1), "however often one is polled");
        for (share, expected) in [(0.25, 0.005), (0.5, 0.01), (0.75, 0.015), (1.0, 0.02)] {
            assert!(
                (counted.lateness_quantile(share) - expected).abs() < 1e-9,
                "{share}: {}",
                counted.lateness_quantile(share)
            );
        }
        let above = MetricsSnapshot::parse(&of(1, [0, 1, 4]));
        assert_eq!(above.lateness_quantile(0.99), 0.02, "above the last bound nothing better is known");
    }
}
