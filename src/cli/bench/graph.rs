//! `basalt bench graph`: one nested GraphQL query, devices with their streams and the newest value of each, run by one
//! client and by several.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::args;
use super::bulk::{self, Workload};
use super::disk::format_mebibytes;
use super::generator::SignalGenerator;
use super::http::{HttpConnection, HttpRequest};
use super::latencies::format_number;
use super::note;
use super::query_load::{run_blocking, run_clients};
use super::resource_usage::ResourceUsage;
use super::server::{BenchDir, BenchServer};
use crate::cli::print;
use crate::domain::{Error, Result};

const NESTED_QUERY: &str = "query($devices: Int, $streams: Int) { devices(first: $devices) { nodes { rowId name \
    streams(first: $streams) { nodes { rowId name latest { ts value quality } } } } } }";
/// Rows per stream.
const TICKS_PER_STREAM: usize = 10;
const CLIENT_COUNTS: [usize; 3] = [1, 4, 10];

/// Loads the plant, queries it with each number of clients, and prints latency, throughput and the server's use of the machine.
pub async fn run(args: &args::Graph) -> Result<()> {
    let mut server = BenchServer::start(BenchDir::new_empty(args.data_dir.as_deref())?, Vec::new()).await?;
    note(&format!("{} devices of {} streams", args.devices, args.streams));
    let streams = server.create_devices(args.devices, args.streams).await?;
    bulk::write(
        &server,
        &Workload {
            signals: SignalGenerator::with_seed(0),
            streams: streams.into(),
            ticks: TICKS_PER_STREAM,
        },
    )
    .await?;
    let asker = GraphqlClient::new(&server, args);
    let bytes = asker.clone();
    let bytes = run_blocking(move || bytes.run_checked(&mut bytes.connect()?)).await?.len();
    let mut rows = Vec::new();
    for clients in CLIENT_COUNTS {
        note(&format!("{clients} clients"));
        let (asker, time) = (asker.clone(), Duration::from_secs(args.seconds));
        let asking =
            run_blocking(move || run_clients(clients, time, |to, _| asker.timed(to), || asker.connect()));
        let (used, (latencies, per_s)) = ResourceUsage::measure(&server, asking).await?;
        let figures = [latencies.quantile_ms(0.5), latencies.quantile_ms(0.99), per_s].map(format_number);
        let [p50, p99, per_s] = figures;
        let memory = format_mebibytes(used.memory_bytes);
        rows.push([clients.to_string(), p50, p99, per_s, used.percent(), memory]);
    }
    let (devices, streams) = (args.devices, args.streams);
    print::line(&format!("{devices} devices x {streams} streams x newest value, {bytes} bytes an answer"))?;
    print::table(["CLIENTS", "P50 ms", "P99 ms", "ANSWERS/s", "SERVER, OF A CORE", "RESIDENT"], &rows)?;
    server.stop().await
}

#[derive(Clone)]
struct GraphqlClient {
    address: String,
    request: HttpRequest,
    /// Number of newest values that a response must have.
    values: usize,
}

impl GraphqlClient {
    fn new(server: &BenchServer, args: &args::Graph) -> GraphqlClient {
        let variables = json!({"devices": args.devices, "streams": args.streams});
        let request = HttpRequest::graphql(&server.key, NESTED_QUERY, &variables);
        GraphqlClient { address: server.address.clone(), request, values: args.devices * args.streams }
    }

    fn connect(&self) -> Result<HttpConnection> {
        HttpConnection::open(&self.address)
    }

    fn run_checked(&self, to: &mut HttpConnection) -> Result<Vec<u8>> {
        let body = to.send(&self.request)?;
        let found = values(&body)?;
        if found == self.values {
            return Ok(body);
        }
        Err(Error::internal(format!("an answer has {found} newest values of {}", self.values)))
    }

    fn timed(&self, to: &mut HttpConnection) -> Result<Duration> {
        let started = Instant::now();
        to.send(&self.request)?;
        Ok(started.elapsed())
    }
}

/// Returns the number of newest values in a response.
fn values(body: &[u8]) -> Result<usize> {
    let answer: Value =
        serde_json::from_slice(body).map_err(|e| Error::internal("an answer is not JSON").with_source(e))?;
    let list = |value: &Value| value["nodes"].as_array().cloned().unwrap_or_default();
    let devices = list(&answer["data"]["devices"]);
    let streams = devices.iter().flat_map(|device| list(&device["streams"]));
    Ok(streams.filter(|stream| stream["latest"]["value"].is_number()).count())
}
