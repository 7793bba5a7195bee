//! What may be typed: the names here are a contract with everybody's scripts. What it means is decided elsewhere.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::fault;
use crate::sim::fault::Fault;

mod admin;

pub use self::admin::{Key, Org, Person, User};
pub use super::bench::args::Bench;

/// Collects PLC data, keeps it as Parquet, answers SQL and REST.
#[derive(Parser)]
#[command(name = "basalt", version, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run the server
    Serve(Serve),
    /// Run a simulated plant, a collector against it, and the server
    Demo(Demo),
    /// Organizations
    Org {
        #[command(subcommand)]
        command: Org,
    },
    /// People
    User {
        #[command(subcommand)]
        command: User,
    },
    /// API keys
    Key {
        #[command(subcommand)]
        command: Key,
    },
    /// Ask a question in SQL
    Sql(Sql),
    /// Read CSV, Parquet, NDJSON and Arrow files in
    Import(Import),
    /// Write readings to a file that `import` and others read
    Export(Export),
    /// Read one register or tag directly from a device
    Read(Read),
    /// Be a device: a small plant that speaks modbus, melsec, fenet or opcua
    Simulate(Simulate),
    /// Show the nodes of an OPC UA server
    Browse(Browse),
    /// Certificates of OPC UA
    Opcua {
        #[command(subcommand)]
        command: Opcua,
    },
    /// Set a model's anomaly threshold from a healthy range of its sources
    Calibrate(Calibrate),
    /// Flush, then merge the lake's files
    Compact {
        #[command(flatten)]
        place: Place,
    },
    /// Read everything there is and name what is broken; changes nothing
    Verify(Verify),
    /// Copy everything into a directory, also while the server runs
    Backup(Backup),
    /// Make a data directory of a backup
    Restore(Restore),
    /// Measure this machine: load a plant, ask ten questions; ingest, growth, soak
    Bench(Bench),
    /// Print a schema
    Schema {
        #[command(subcommand)]
        command: Schema,
    },
}

/// Which installation on this machine.
#[derive(Args, Default)]
pub struct Place {
    /// Configuration file [default: basalt.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data directory [default: data/basalt]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Which organization of it.
#[derive(Args)]
pub struct InOrg {
    /// Organization to act in [default: default]
    #[arg(long, value_name = "SLUG")]
    pub org: Option<String>,
}

/// Another machine instead of this one.
#[derive(Args, Default)]
pub struct Elsewhere {
    /// Server to ask, such as http://plant:8000
    #[arg(long, env = "BASALT_URL", requires = "key")]
    pub url: Option<String>,
    /// API key for it
    #[arg(long, env = "BASALT_KEY", hide_env_values = true)]
    pub key: Option<String>,
}

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub listeners: Listeners,
}

/// Where a server listens.
#[derive(Args)]
pub struct Listeners {
    /// Address and port; port 0 picks a free one [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// Where PostgreSQL's tools connect; off unless it is set
    #[arg(long, value_name = "ADDR:PORT")]
    pub pg_listen: Option<String>,
    /// Where Arrow Flight SQL's clients connect; off unless it is set
    #[arg(long, value_name = "ADDR:PORT")]
    pub flight_listen: Option<String>,
}

/// Unless a fault is named the furnace's thermometer drifts: drift:furnace.temperature@30s+20s/5m=30
#[derive(Args)]
pub struct Demo {
    /// Where the demo keeps its data [default: data/demo]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub listeners: Listeners,
    #[command(flatten)]
    pub plant: SimulatedPlant,
}

/// The plant behind simulated devices.
#[derive(Args)]
pub struct SimulatedPlant {
    /// What goes wrong and when, such as drift:motor.temperature@60s+30s or disconnect@5m+20s/10m; may be repeated
    #[arg(long = "fault", value_name = "FAULT", value_parser = fault::parse)]
    pub faults: Vec<Fault>,
}

#[derive(Args)]
pub struct Sql {
    /// One SELECT statement
    #[arg(value_name = "STATEMENT", required_unless_present = "query")]
    pub statement: Option<String>,
    /// A named query instead; GET /sql/queries lists them
    #[arg(long, value_name = "NAME", conflicts_with = "statement")]
    pub query: Option<String>,
    /// A parameter of the named query; repeatable
    #[arg(long = "param", value_name = "NAME=VALUE", requires = "query", value_parser = read_param)]
    pub params: Vec<(String, String)>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
    #[command(flatten)]
    pub org: InOrg,
    #[command(flatten)]
    pub place: Place,
}

fn read_param(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
    Csv,
    Parquet,
}

/// Readings have the columns stream_id (or device and stream, or the flags below), ts (or timestamp, time), value, optional
/// text and quality; a time without a zone is UTC. Devices and their streams are YAML (.yaml, .yml), or CSV with a column
/// device and none of a time: see docs/configuration.md.
#[derive(Args)]
pub struct Import {
    /// Readings: CSV with a header line, Parquet, one JSON object a line, or Arrow. Devices: YAML or CSV
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Everything goes to this stream
    #[arg(long, value_name = "ID", conflicts_with_all = ["device", "name"])]
    pub stream: Option<i32>,
    /// Everything goes to a stream of this device
    #[arg(long, value_name = "NAME", requires = "name")]
    pub device: Option<String>,
    /// The stream of that device
    #[arg(long, value_name = "STREAM", requires = "device")]
    pub name: Option<String>,
    /// Make the device and the stream if they do not exist
    #[arg(long, requires = "device")]
    pub create: bool,
    /// Begin at this data row of the first file: what a failed import said to resume from
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub from_row: u64,
    /// Say what a file of devices and streams would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
    #[command(flatten)]
    pub org: InOrg,
    #[command(flatten)]
    pub place: Place,
}

/// Readings from --from on and before --to, sorted by stream and time, in the columns stream_id, ts, value, text and
/// quality; or every device with its streams, as `import` reads them. The file is written aside and takes its name, or replaces one of that name, only when it is whole.
#[derive(Args)]
pub struct Export {
    /// Its ending says the form: .parquet, .csv, .ndjson or .jsonl, .arrow; of devices .yaml or .yml, .csv; - is standard
    /// output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Devices and their streams instead of readings; what a .yaml file holds anyway
    #[arg(long, conflicts_with_all = ["from", "to", "streams"])]
    pub devices: bool,
    /// The first time, such as 2026-04-28T12:00:00Z; without a zone it is UTC [default: the oldest]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// The first time no longer in it [default: no end]
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Only this stream; repeatable [default: every stream you may see]
    #[arg(long = "stream", value_name = "ID", value_delimiter = ',')]
    pub streams: Vec<i32>,
    /// The form, for standard output [default: by the file's ending]
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,
    #[command(flatten)]
    pub elsewhere: Elsewhere,
    #[command(flatten)]
    pub org: InOrg,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args)]
pub struct Calibrate {
    /// The model's number, as /api/ai/model/ shows it
    #[arg(value_name = "MODEL")]
    pub model: i32,
    /// Windows that end from here on, such as 2026-04-28T12:00:00Z; without a zone it is UTC
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// Up to here, inclusive
    #[arg(long, value_name = "TIME")]
    pub to: String,
    /// Of the scores there
    #[arg(long, default_value_t = 99.5, value_name = "PERCENT")]
    pub percentile: f64,
    #[command(flatten)]
    pub org: InOrg,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Csv,
    Ndjson,
    Arrow,
    Parquet,
    Yaml,
}

/// Exit code 0 when everything is whole, 1 when anything is broken. Works beside a running server, and on a directory
/// too damaged for one to start.
#[derive(Args)]
pub struct Verify {
    /// How the report is written
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    Text,
    Json,
}

/// Everything acknowledged before it began is in it. It is a backup once it holds backup.json, which is written last.
#[derive(Args)]
pub struct Backup {
    /// A directory that does not exist or is empty, outside of the data directory
    pub dest: PathBuf,
    #[command(flatten)]
    pub place: Place,
}

/// The backup is checked before anything is written. The server must not run; --data-dir must be empty or not exist.
#[derive(Args)]
pub struct Restore {
    /// A directory that `backup` wrote
    pub src: PathBuf,
    /// An empty PostgreSQL database to restore the catalog into, when the backup has a dump of one
    #[arg(long, value_name = "URL")]
    pub catalog_url: Option<String>,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args)]
pub struct Read {
    /// Such as modbus://127.0.0.1:5020/hr:100?type=fp32&unit=1, melsec://127.0.0.1:5007/D100?type=int16&frame=3E,
    /// fenet://127.0.0.1:2004/%25DW100?type=uint16 or opc.tcp://127.0.0.1:4840/?node=ns%3D2%3Bs%3DTemp
    pub address: String,
    /// Seconds to wait for an answer
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    pub timeout: f64,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args)]
pub struct Browse {
    /// Such as opc.tcp://127.0.0.1:4840/ or opc.tcp://127.0.0.1:4840/?node=ns%3D2%3Bi%3D1
    pub address: String,
    /// Levels below the node
    #[arg(long, default_value_t = 5, value_name = "LEVELS", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub depth: u8,
    /// Seconds to wait for an answer
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    pub timeout: f64,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Subcommand)]
pub enum Opcua {
    /// List our certificate and those of servers
    Certificates {
        #[command(flatten)]
        place: Place,
    },
    /// Trust the certificate of a server that was rejected
    Trust {
        /// As `last_error` of the device and `certificates` show it
        thumbprint: String,
        #[command(flatten)]
        place: Place,
    },
    /// Trust a certificate no more, from the next connection on
    Reject {
        thumbprint: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Args)]
pub struct Simulate {
    /// modbus, melsec, fenet or opcua
    pub protocol: String,
    /// Where it listens [default: 127.0.0.1 and the protocol's own port]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    #[command(flatten)]
    pub plant: SimulatedPlant,
    /// Be a device with so many holding registers that move, instead of the plant (modbus only)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "faults")]
    pub registers: Option<u16>,
}

#[derive(Subcommand)]
pub enum Schema {
    /// The graph of /graphql, in GraphQL's schema language
    Graphql,
    /// The REST API, as OpenAPI 3.1
    Openapi,
    /// The tables and views /sql answers from
    Sql,
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
