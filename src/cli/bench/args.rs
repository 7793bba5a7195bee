//! Arguments of `basalt bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Without a subcommand: loads a plant, runs ten benchmark queries and four more, and prints a table.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Bench {
    #[command(subcommand)]
    pub part: Option<BenchSubcommand>,
    #[command(flatten)]
    pub all: SuiteArgs,
}

#[derive(Subcommand)]
pub enum BenchSubcommand {
    /// Measure ingest: bulk Arrow and NDJSON, and single values
    Ingest(Ingest),
    /// Print the benchmark queries and parameters for a loaded directory as JSON, without running them
    Questions {
        /// Directory loaded by `basalt bench --data-dir`
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        /// Number of parameter sets
        #[arg(long, default_value_t = 32)]
        rounds: usize,
    },
    /// Measure how cost grows with streams, rows and files
    Growth(Growth),
    /// Write and query at once for a while; fails on an error answer, missing rows or growing memory
    Soak(Soak),
    /// Measure subscriptions: many clients follow one writer
    Live(Live),
    /// Measure a nested GraphQL query: devices, their streams, the newest value of each
    Graph(Graph),
    /// Measure collectors: devices in a separate process, every value stored; fails when rows are missing
    Collect(Collect),
    /// Measure the APIs of OpenSynaptic, Blynk and Instathings on many devices, and their followers
    Vendors(Vendors),
    /// Measure MQTT: readings published with QoS 1, their fan-out, idle sessions; also those of another broker
    Mqtt(Mqtt),
    /// Measure alert rules: one on each of many streams at 1 Hz; fails when an alert is missing or there is one too many
    Alerts(Alerts),
    /// Measure line protocol or remote write, also to another server; fails when readings are missing
    Senders(Senders),
}

#[derive(Args)]
pub struct SuiteArgs {
    /// Number of streams of the plant, each at 1 Hz
    #[arg(long, default_value_t = 100, value_parser = positive)]
    pub streams: usize,
    /// Days of data per stream
    #[arg(long, default_value_t = 1, value_parser = positive)]
    pub days: usize,
    /// Total rows of all streams, instead of --days
    #[arg(long, value_parser = positive, conflicts_with = "days")]
    pub rows: Option<usize>,
    /// Add one stream with a year at 1 Hz (31.5 million rows)
    #[arg(long)]
    pub year_stream: bool,
    /// Seed of the generated plant
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Hot runs of each query, after its cold run
    #[arg(long, default_value_t = 30, value_parser = positive)]
    pub runs: usize,
    /// Seconds that concurrent clients query, per line of the table
    #[arg(long, default_value_t = 3.0, value_parser = time)]
    pub seconds: f64,
    /// Do not compact: leave the files as the flushes wrote them
    #[arg(long)]
    pub no_compact: bool,
    /// Run one phase: load and keep the directory, or query a directory that is loaded
    #[arg(long, value_enum, requires = "data_dir")]
    pub only: Option<SuitePhase>,
    /// Directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Output format of the results
    #[arg(long, value_enum, default_value_t = BenchReportFormat::Text)]
    pub format: BenchReportFormat,
}

/// Phase of the suite that `--only` runs alone; both phases need the same data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SuitePhase {
    Load,
    Questions,
}

/// Form in which the suite prints its results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchReportFormat {
    Text,
    Json,
}

#[derive(Args)]
pub struct Ingest {
    /// Rows of the Arrow measurement; NDJSON writes an eighth of them
    #[arg(long, default_value_t = 8_640_000, value_parser = positive)]
    pub rows: usize,
    /// Seconds for which single values are posted
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Empty directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Args)]
pub struct Senders {
    /// Readings to send, in requests of 5,000
    #[arg(long, default_value_t = 4_320_000, value_parser = positive)]
    pub rows: usize,
    /// Format of the requests
    #[arg(long, value_enum, default_value_t = SenderFormat::LineProtocol)]
    pub format: SenderFormat,
    /// Address of another server that takes the format from anybody, with its query (`http://HOST:8086/write?db=bench&precision=u`) [default: a server of the bench's own]
    #[arg(long, value_name = "URL", conflicts_with = "data_dir")]
    pub address: Option<String>,
    /// Empty directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Format of another vendor's sender in which `basalt bench senders` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SenderFormat {
    /// InfluxDB's line protocol, as Telegraf sends it
    LineProtocol,
    /// Prometheus' remote write 1.0
    RemoteWrite,
}

#[derive(Args)]
pub struct Growth {
    /// Tables to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [GrowthTable::Years, GrowthTable::Latest, GrowthTable::Start])]
    pub only: Vec<GrowthTable>,
    /// Numbers of streams stored with a year each
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100], value_parser = positive)]
    pub years: Vec<usize>,
    /// Days per year
    #[arg(long, default_value_t = 365, value_parser = positive)]
    pub days: usize,
    /// Seconds between the rows of a stream with a year
    #[arg(long, default_value_t = 10, value_parser = positive)]
    pub every: usize,
    /// Numbers of streams whose latest values are queried
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000], value_parser = positive)]
    pub latest: Vec<usize>,
    /// Numbers of rows stored when the server starts
    #[arg(long, value_delimiter = ',', default_values_t = [1_000_000, 10_000_000, 100_000_000],
        value_parser = positive)]
    pub start: Vec<usize>,
    /// Live files before they are merged
    #[arg(long, default_value_t = 5_000, value_parser = positive)]
    pub files: usize,
    /// Streams of the year's import, written one after the other
    #[arg(long, default_value_t = 10, value_parser = positive)]
    pub import: usize,
    /// Runs of each query
    #[arg(long, default_value_t = 20, value_parser = positive)]
    pub runs: usize,
}

/// Table of `basalt bench growth`, each with one size that grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GrowthTable {
    /// Hourly query over a year of one stream, among a growing number of streams
    Years,
    /// Latest values of a growing number of streams
    Latest,
    /// Server start with a growing number of rows
    Start,
    /// Many live files, before and after they are merged
    Files,
    /// A year per stream, written one stream after the other, before and after the files are merged
    Import,
}

#[derive(Args)]
pub struct Soak {
    /// Duration in seconds
    #[arg(long, default_value_t = 1200, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Number of streams written to
    #[arg(long, default_value_t = 1000, value_parser = positive)]
    pub streams: usize,
    /// Rows per second [default: a share of the rate reached in half a minute at full speed]
    #[arg(long, value_parser = positive)]
    pub rate: Option<usize>,
    /// Share of full speed to write at, percent
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100), conflicts_with = "rate")]
    pub share: u64,
    /// Empty directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Args)]
pub struct Graph {
    /// Number of devices of the plant
    #[arg(long, default_value_t = 100, value_parser = positive)]
    pub devices: usize,
    /// Streams per device
    #[arg(long, default_value_t = 5, value_parser = positive)]
    pub streams: usize,
    /// Seconds to query with each number of clients
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Empty directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Args)]
pub struct Collect {
    /// Protocol of the devices
    #[arg(long, value_enum, default_value_t = CollectProtocol::Modbus)]
    pub protocol: CollectProtocol,
    /// Number of devices, each with a connection of its own
    #[arg(long, default_value_t = 100, value_parser = positive)]
    pub devices: usize,
    /// Registers or tags per device, one stream each; at most 1,000 of s7 and eip
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    pub registers: u16,
    /// Seconds between two polls of a device
    #[arg(long, default_value_t = 1.0, value_parser = interval)]
    pub interval: f64,
    /// Duration in seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Empty directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Protocols with a simulator that has enough values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CollectProtocol {
    Modbus,
    S7,
    Eip,
}

#[derive(Args)]
pub struct Live {
    /// Number of clients, each with a WebSocket of its own
    #[arg(long, default_value_t = 200, value_parser = positive)]
    pub clients: usize,
    /// Values written per second, each to be delivered to every client
    #[arg(long, default_value_t = 500, value_parser = positive)]
    pub rate: usize,
    /// Seconds to measure without clients, and then again with them
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Empty directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Args)]
pub struct Vendors {
    /// Number of devices of the plant
    #[arg(long, default_value_t = 1000, value_parser = positive)]
    pub devices: usize,
    /// Streams per device, each at 1 Hz
    #[arg(long, default_value_t = 10, value_parser = positive)]
    pub streams: usize,
    /// Total rows of all streams
    #[arg(long, default_value_t = 100_000_000, value_parser = positive)]
    pub rows: usize,
    /// Runs of each request
    #[arg(long, default_value_t = 50, value_parser = positive)]
    pub runs: usize,
    /// Followers over WebSockets, and as many over socket.io
    #[arg(long, default_value_t = 1000, value_parser = positive)]
    pub followers: usize,
    /// Values written per second while others follow
    #[arg(long, default_value_t = 500, value_parser = positive)]
    pub rate: usize,
    /// Seconds to measure with each group of followers
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Directory to work in and keep; a plant that is there is used again [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Args)]
pub struct Mqtt {
    /// Number of publishers, each with a stream of its own
    #[arg(long, default_value_t = 64, value_parser = positive)]
    pub clients: usize,
    /// Messages that a publisher has unacknowledged at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub in_flight: u16,
    /// Readings per message where they are sent in batches
    #[arg(long, default_value_t = 100, value_parser = positive)]
    pub batch: usize,
    /// Number of subscribers of one publisher
    #[arg(long, default_value_t = 200, value_parser = positive)]
    pub subscribers: usize,
    /// Readings published per second, each to be delivered to every subscriber
    #[arg(long, default_value_t = 500, value_parser = positive)]
    pub rate: usize,
    /// Number of idle sessions, each with a subscription
    #[arg(long, default_value_t = 10_000, value_parser = positive)]
    pub idle: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Address and port of another broker to measure, which must admit anybody [default: a server of the bench's own]
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "data_dir")]
    pub address: Option<String>,
    /// Process id of that broker, to print its memory and processor time (Linux)
    #[arg(long, requires = "address")]
    pub pid: Option<u32>,
    /// Empty directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

fn time(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..86_400.0).contains(seconds));
    seconds.ok_or_else(|| "not seconds between 0.001 and 86400".to_owned())
}

fn interval(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.1..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "not seconds between 0.1 and 3600".to_owned())
}

fn positive(text: &str) -> Result<usize, String> {
    match text.replace('_', "").parse() {
        Ok(0) | Err(_) => Err("not a whole number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

#[derive(Args)]
pub struct Alerts {
    /// Number of streams, each with a rule and a reading per second
    #[arg(long, default_value_t = 10_000, value_parser = positive)]
    pub rules: usize,
    /// Seconds of writing, without rules and with them; some rules raise an alert every two seconds, and 60 in an hour at most
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub seconds: u64,
    /// Empty directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}
