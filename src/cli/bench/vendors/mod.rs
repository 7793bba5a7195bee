//! `basalt bench vendors`: the APIs of OpenSynaptic, Blynk and Instathings on a plant of many devices, and those who
//! follow it over WebSockets and socket.io.
//!
//! Each figure stands beside its target. The targets are for a plant of a certain size: a smaller run says so.

mod clients;
mod followers;
mod requests;

use std::time::{Duration, Instant};

use super::args;
use super::dataset::{Dataset, DatasetSpec};
use super::disk::format_mebibytes;
use super::generator;
use super::http::HttpConnection;
use super::latencies::{Latencies, format_number};
use super::query_load::{run_blocking, run_clients};
use super::rated_writer::RatedWriter;
use super::server::{BenchDir, BenchServer};
use super::{check_row_count, note};
use crate::cli::{fd_limit, print};
use crate::domain::time::{Clock, SystemClock};
use crate::domain::{Error, Result};
use clients::VendorClient;
use requests::{Answer, REQUESTS, VendorRequest};

/// Size of the plant that the targets are for.
const TARGET_ROWS: usize = 100_000_000;
const TARGET_DEVICES: usize = 1000;
/// Followers of each kind, and values per second, that the target of processor time is for.
const TARGET_FOLLOWERS: usize = 1000;
const TARGET_RATE: usize = 500;
/// File descriptors of this process beside those of the followers.
const OTHER_FILES: u64 = 100;
/// Requests before those that are measured.
const WARM_UP_RUNS: usize = 3;
/// Seconds at most for which a request is repeated while values are written.
const MAX_SECONDS_BESIDE_WRITER: u64 = 5;

type Row = [String; 6];

/// Loads the plant or uses a loaded one, times every request, then the followers, and prints the tables.
pub async fn run(args: &args::Vendors) -> Result<()> {
    let files = fd_limit::raise_fd_limit();
    if files < 2 * args.followers as u64 + OTHER_FILES {
        let needed = 2 * args.followers as u64 + OTHER_FILES;
        return Err(Error::field("followers", format!("need {needed} file descriptors; there are {files}")));
    }
    let (mut server, plant) = prepare(args).await?;
    let DatasetSpec { streams, devices, .. } = plant.plant;
    let rows = plant.plant.rows();
    print::line(&format!("{rows} readings of {devices} devices with {} streams each", streams / devices))?;
    if rows < TARGET_ROWS || devices < TARGET_DEVICES {
        print::line(&format!(
            "The targets are for {TARGET_ROWS} readings of {TARGET_DEVICES} devices: this smaller plant does not show \
             whether they are met."
        ))?;
    }
    let client = VendorClient::connect(&server, &plant).await?;
    let mut table = Vec::new();
    for request in &REQUESTS {
        note(request.name);
        table.push(measure(&client, request, args.runs).await?);
    }
    for request in REQUESTS.iter().filter(|request| request.is_repeated_beside_writer) {
        note(&format!("{}, while values are written", request.name));
        table.push(measure_beside_writer(&server, &plant, &client, request, args).await?);
    }
    print::line("")?;
    print::table(["REQUEST", "TOTAL", "P50 ms", "P99 ms", "RUNS", "TARGET, P50 ms"], &table)?;
    print::line("")?;
    if args.followers < TARGET_FOLLOWERS || args.rate < TARGET_RATE {
        print::line(&format!(
            "The target is for {TARGET_FOLLOWERS} followers and {TARGET_RATE} values/s: this smaller run does not \
             show whether it is met."
        ))?;
    }
    followers::measure(&server, &plant, &client, args).await?;
    print::line(&format!("peak resident memory: {}", format_mebibytes(server.peak_memory_bytes())))?;
    server.stop().await
}

/// Starts the server on a loaded plant. A directory that has one is used again.
async fn prepare(args: &args::Vendors) -> Result<(BenchServer, Dataset)> {
    let dir = args.data_dir.as_deref();
    let settings = settings(args.followers);
    if let Some(dir) = dir.filter(|dir| Dataset::is_loaded(dir)) {
        let plant = Dataset::read(dir)?;
        let server = BenchServer::start(BenchDir::new(Some(dir)), settings).await?;
        note("flushing and compacting");
        server.compact().await?;
        return Ok((server, plant));
    }
    let server = BenchServer::start(BenchDir::new_empty(dir)?, settings).await?;
    let plant = load(&server, args).await?;
    Ok((server, plant))
}

async fn load(server: &BenchServer, args: &args::Vendors) -> Result<Dataset> {
    let streams = args.devices * args.streams;
    let plant = DatasetSpec {
        seed: 0,
        streams,
        devices: args.devices,
        start: generator::START_MICROS,
        seconds: args.rows.div_ceil(streams),
        has_year: false,
    };
    plant.check(SystemClock.now())?;
    note(&format!("loading {} rows into {}", plant.rows(), server.dir().display()));
    let loaded = Dataset::load(server, plant).await?;
    note("flushing and compacting");
    server.compact().await?;
    check_row_count(server, &loaded).await?;
    loaded.write(server.dir())?;
    Ok(loaded)
}

/// Limits that would stop the measurement are raised. The on-premise interface answers on the server's own port, to
/// requests for its host.
fn settings(followers: usize) -> Vec<(&'static str, String)> {
    let places = (2 * followers + 64).to_string();
    vec![
        ("BASALT_INSTATHINGS__RATE", "1000000/s".to_owned()),
        ("BASALT_INSTATHINGS__TOKEN_TTL", "1d".to_owned()),
        ("BASALT_ONPREMISE__HOST", followers::ONPREMISE_HOST.to_owned()),
        ("BASALT_ONPREMISE__CONNECTIONS", places.clone()),
        ("BASALT_HTTP__CONNECTIONS", (2 * followers + 1024).to_string()),
        ("BASALT_LIVE__SUBSCRIPTIONS", places.clone()),
        ("BASALT_LIVE__SUBSCRIPTIONS_PER_CALLER", places),
    ]
}

async fn measure(client: &VendorClient, request: &'static VendorRequest, runs: usize) -> Result<Row> {
    let client = client.clone();
    run_blocking(move || {
        let mut to = client.connection()?;
        let total = match request.send(&client, &mut to, 0)?.1 {
            Answer::Whole(total) => total,
            Answer::NotThere(why) => return Ok(row(request.name, why, None, request.target_ms)),
        };
        let mut latencies = Latencies::default();
        for round in 0..WARM_UP_RUNS + runs {
            let (took, answer) = request.send(&client, &mut to, round)?;
            if let Answer::NotThere(why) = answer {
                return Err(Error::internal(format!("{}, round {round}: {why}", request.name)));
            }
            if round >= WARM_UP_RUNS {
                latencies.add(took);
            }
        }
        Ok(row(request.name, total, Some(&latencies), request.target_ms))
    })
    .await
}

/// Repeats a request while values come in. What was written last is then counted and read from memory; there is no
/// target for that.
async fn measure_beside_writer(
    server: &BenchServer,
    plant: &Dataset,
    client: &VendorClient,
    request: &'static VendorRequest,
    args: &args::Vendors,
) -> Result<Row> {
    let time = Duration::from_secs(args.seconds.min(MAX_SECONDS_BESIDE_WRITER));
    let mut writer = RatedWriter::new(server, &plant.streams, args.rate, SystemClock.now().0);
    let client = client.clone();
    let asking = run_blocking(move || {
        let ask = |to: &mut HttpConnection, round| Ok(request.send(&client, to, round)?.0);
        run_clients(1, time, ask, || client.connection())
    });
    let (written, measured) = tokio::join!(writer.write(time, Instant::now()), asking);
    written?;
    let name = format!("{}, {} values/s coming in", request.name, args.rate);
    Ok(row(&name, String::new(), Some(&measured?.0), None))
}

fn row(name: &str, total: String, latencies: Option<&Latencies>, target_ms: Option<f64>) -> Row {
    let of = |share| latencies.map_or("not measured".to_owned(), |all| format_number(all.quantile_ms(share)));
    let runs = latencies.map_or(0, Latencies::count);
    let target = target_ms.map_or("-".to_owned(), format_number);
    [name.to_owned(), total, of(0.5), of(0.99), runs.to_string(), target]
}
