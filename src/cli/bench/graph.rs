//! `basalt bench graph`: one nested question of GraphQL, devices with their streams and the newest value of each, asked by
//! one client and by several.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::args;
use super::ask::{blocking, together};
use super::bulk::{self, Stretch};
use super::disk::mebibytes;
use super::figures::show;
use super::http::{Connection, Request};
use super::note;
use super::server::{Dir, Server};
use super::signals::Signals;
use super::used::Used;
use crate::cli::print;
use crate::domain::{Error, Result};

const QUESTION: &str = "query($devices: Int, $streams: Int) { devices(first: $devices) { nodes { rowId name \
    streams(first: $streams) { nodes { rowId name latest { ts value quality } } } } } }";
/// Rows of each stream.
const FEW: usize = 10;
const CLIENTS: [usize; 3] = [1, 4, 10];

pub async fn run(args: &args::Graph) -> Result<()> {
    let mut server = Server::start(Dir::empty(args.data_dir.as_deref())?, Vec::new()).await?;
    note(&format!("{} devices of {} streams", args.devices, args.streams));
    let mut streams = Vec::with_capacity(args.devices * args.streams);
    for _ in 0..args.devices {
        streams.extend(server.create_streams(args.streams).await?);
    }
    bulk::write(&server, &Stretch { signals: Signals::of(0), streams: streams.into(), ticks: FEW }).await?;
    let asker = Asker::new(&server, args);
    let bytes = asker.clone();
    let bytes = blocking(move || bytes.ask(&mut bytes.connect()?)).await?.len();
    let mut rows = Vec::new();
    for clients in CLIENTS {
        note(&format!("{clients} clients"));
        let (asker, time) = (asker.clone(), Duration::from_secs(args.seconds));
        let asking = blocking(move || together(clients, time, |to, _| asker.timed(to), || asker.connect()));
        let (used, (latencies, per_s)) = Used::of(&server, asking).await?;
        let figures = [latencies.ms(0.5), latencies.ms(0.99), per_s].map(show);
        let [p50, p99, per_s] = figures;
        let memory = mebibytes(used.memory);
        rows.push([clients.to_string(), p50, p99, per_s, used.percent(), memory]);
    }
    let (devices, streams) = (args.devices, args.streams);
    print::line(&format!("{devices} devices x {streams} streams x newest value, {bytes} bytes an answer"))?;
    print::table(["CLIENTS", "P50 ms", "P99 ms", "ANSWERS/s", "SERVER, OF A CORE", "RESIDENT"], &rows)?;
    server.stop().await
}

#[derive(Clone)]
struct Asker {
    address: String,
    request: Request,
    /// Newest values that an answer has to have.
    values: usize,
}

impl Asker {
    fn new(server: &Server, args: &args::Graph) -> Asker {
        let variables = json!({"devices": args.devices, "streams": args.streams});
        let request = Request::graphql(&server.key, QUESTION, &variables);
        Asker { address: server.address.clone(), request, values: args.devices * args.streams }
    }

    fn connect(&self) -> Result<Connection> {
        Connection::open(&self.address)
    }

    fn ask(&self, to: &mut Connection) -> Result<Vec<u8>> {
        let body = to.ask(&self.request)?;
        let found = values(&body)?;
        if found == self.values {
            return Ok(body);
        }
        Err(Error::internal(format!("an answer has {found} newest values of {}", self.values)))
    }

    fn timed(&self, to: &mut Connection) -> Result<Duration> {
        let started = Instant::now();
        to.ask(&self.request)?;
        Ok(started.elapsed())
    }
}

/// Newest values in an answer.
fn values(body: &[u8]) -> Result<usize> {
    let answer: Value =
        serde_json::from_slice(body).map_err(|e| Error::internal("an answer is not JSON").because(e))?;
    let list = |value: &Value| value["nodes"].as_array().cloned().unwrap_or_default();
    let devices = list(&answer["data"]["devices"]);
    let streams = devices.iter().flat_map(|device| list(&device["streams"]));
    Ok(streams.filter(|stream| stream["latest"]["value"].is_number()).count())
}
