//! What may be typed after `basalt bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Without a part: load a plant, ask the ten questions, print a table.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Bench {
    #[command(subcommand)]
    pub part: Option<Part>,
    #[command(flatten)]
    pub all: All,
}

#[derive(Subcommand)]
pub enum Part {
    /// Measure ingest: bulk as Arrow and NDJSON, single values
    Ingest(Ingest),
    /// Print what a loaded directory is asked, as JSON, without asking
    Questions {
        /// A directory that `basalt bench --data-dir` loaded
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        /// How many sets of parameters
        #[arg(long, default_value_t = 32)]
        rounds: usize,
    },
    /// Measure what cost grows with: streams, rows, files
    Growth(Growth),
    /// Write and ask at once for a while; fails when an answer is an error, rows are missing or memory grows
    Soak(Soak),
    /// Measure subscriptions: many clients follow what is written
    Live(Live),
    /// Measure a nested question of GraphQL: devices, their streams, the newest value of each
    Graph(Graph),
    /// Measure collectors: Modbus devices in a process of their own, every value stored; fails when rows are missing
    Collect(Collect),
}

#[derive(Args)]
pub struct All {
    /// Streams of the plant, each at 1 Hz
    #[arg(long, default_value_t = 100, value_parser = positive)]
    pub streams: usize,
    /// Days of each stream
    #[arg(long, default_value_t = 1, value_parser = positive)]
    pub days: usize,
    /// Rows of all streams together, instead of days
    #[arg(long, value_parser = positive, conflicts_with = "days")]
    pub rows: Option<usize>,
    /// One more stream, with a year at 1 Hz (31.5 million rows)
    #[arg(long)]
    pub year_stream: bool,
    /// Another seed, another plant
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Times each question is asked after it was asked cold
    #[arg(long, default_value_t = 30, value_parser = positive)]
    pub runs: usize,
    /// How long several clients ask at once, of each table line, seconds
    #[arg(long, default_value_t = 3.0, value_parser = time)]
    pub seconds: f64,
    /// Leave the files as the flushes wrote them
    #[arg(long)]
    pub no_compact: bool,
    /// Load and keep the directory, or ask one that is loaded
    #[arg(long, value_enum, requires = "data_dir")]
    pub only: Option<Only>,
    /// A directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// How the figures are written
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Only {
    Load,
    Questions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    Text,
    Json,
}

#[derive(Args)]
pub struct Ingest {
    /// Rows of the Arrow measurement; NDJSON takes an eighth of them
    #[arg(long, default_value_t = 8_640_000, value_parser = positive)]
    pub rows: usize,
    /// How long single values are posted, seconds
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// An empty directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Args)]
pub struct Growth {
    /// Which tables
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Table::Years, Table::Latest, Table::Start])]
    pub only: Vec<Table>,
    /// Streams stored with a year each
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100], value_parser = positive)]
    pub years: Vec<usize>,
    /// Days of a year
    #[arg(long, default_value_t = 365, value_parser = positive)]
    pub days: usize,
    /// Seconds between the rows of a stream with a year
    #[arg(long, default_value_t = 10, value_parser = positive)]
    pub every: usize,
    /// Streams whose latest values are asked
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000], value_parser = positive)]
    pub latest: Vec<usize>,
    /// Rows stored when the server starts
    #[arg(long, value_delimiter = ',', default_values_t = [1_000_000, 10_000_000, 100_000_000],
        value_parser = positive)]
    pub start: Vec<usize>,
    /// Live files before they are merged
    #[arg(long, default_value_t = 5_000, value_parser = positive)]
    pub files: usize,
    /// Streams of the import of a year, one after the other
    #[arg(long, default_value_t = 10, value_parser = positive)]
    pub import: usize,
    /// Times each question is asked
    #[arg(long, default_value_t = 20, value_parser = positive)]
    pub runs: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Table {
    /// A year by the hour, of one stream among more and more
    Years,
    /// Latest values of more and more streams
    Latest,
    /// Start with more and more rows
    Start,
    /// Many live files, before and after they are merged
    Files,
    /// A year of each stream, one stream after the other, before and after the files are merged
    Import,
}

#[derive(Args)]
pub struct Soak {
    /// How long, seconds
    #[arg(long, default_value_t = 1200, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Streams written to
    #[arg(long, default_value_t = 1000, value_parser = positive)]
    pub streams: usize,
    /// Rows a second [default: half of what half a minute at full speed reached]
    #[arg(long, value_parser = positive)]
    pub rate: Option<usize>,
    /// An empty directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Args)]
pub struct Graph {
    /// Devices of the plant
    #[arg(long, default_value_t = 100, value_parser = positive)]
    pub devices: usize,
    /// Streams of each
    #[arg(long, default_value_t = 5, value_parser = positive)]
    pub streams: usize,
    /// How long each number of clients asks
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// An empty directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Args)]
pub struct Collect {
    /// Modbus devices, each with a connection of its own
    #[arg(long, default_value_t = 100, value_parser = positive)]
    pub devices: usize,
    /// Registers of each, and so its streams
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    pub registers: u16,
    /// Seconds between two polls of a device
    #[arg(long, default_value_t = 1.0, value_parser = interval)]
    pub interval: f64,
    /// How long, seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// An empty directory to work in and keep [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Args)]
pub struct Live {
    /// Clients, each with a WebSocket of its own
    #[arg(long, default_value_t = 200, value_parser = positive)]
    pub clients: usize,
    /// Values written each second, each to be told to every client
    #[arg(long, default_value_t = 500, value_parser = positive)]
    pub rate: usize,
    /// How long, without clients and then with them, seconds
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// An empty directory to work in and keep [default: a temporary one]
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
