//! Command-line arguments (clap). Command and flag names are a contract with users' scripts; other modules interpret
//! the values.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::fault;
use crate::sim::fault::PlantFault;

mod admin;

pub use self::admin::{KeySubcommand, OrgSubcommand, UserArgs, UserSubcommand};
pub use super::bench::args::Bench;

/// Collects PLC data, stores it as Parquet and serves it over SQL and REST.
#[derive(Parser)]
#[command(name = "basalt", version, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: CliCommand,
}

#[derive(Subcommand)]
pub enum CliCommand {
    /// Run the server
    Serve(Serve),
    /// Run a simulated plant, a collector against it, and the server
    Demo(Demo),
    /// Manage organizations
    Org {
        #[command(subcommand)]
        command: OrgSubcommand,
    },
    /// Manage users
    User {
        #[command(subcommand)]
        command: UserSubcommand,
    },
    /// Manage API keys
    Key {
        #[command(subcommand)]
        command: KeySubcommand,
    },
    /// Run a SQL query
    Sql(Sql),
    /// Import readings or devices from CSV, Parquet, NDJSON, Arrow or YAML files
    Import(Import),
    /// Export readings or devices to a file that `import` can read
    Export(Export),
    /// Read one register or tag directly from a device
    Read(Read),
    /// Simulate a device: a small plant that speaks modbus, melsec, fenet or opcua
    Simulate(Simulate),
    /// List the nodes of an OPC UA server
    Browse(Browse),
    /// Manage OPC UA certificates
    Opcua {
        #[command(subcommand)]
        command: OpcuaSubcommand,
    },
    /// Set a model's anomaly threshold from a healthy range of its sources
    Calibrate(Calibrate),
    /// Flush the memtable, then merge the files of the lake
    Compact {
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// Check all stored data and report damage; changes nothing
    Verify(Verify),
    /// Back up everything into a directory, also while the server runs
    Backup(Backup),
    /// Create a data directory from a backup
    Restore(Restore),
    /// Benchmark this machine: queries, ingest, growth, soak, subscriptions, collectors
    Bench(Bench),
    /// Print the GraphQL, OpenAPI or SQL schema
    Schema {
        #[command(subcommand)]
        command: SchemaSubcommand,
    },
}

/// Selects the installation on this machine.
#[derive(Args, Default)]
pub struct DataDirArgs {
    /// Configuration file [default: basalt.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data directory [default: data/basalt]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Selects the organization within the installation.
#[derive(Args)]
pub struct OrgArgs {
    /// Organization to act in [default: default]
    #[arg(long, value_name = "SLUG")]
    pub org: Option<String>,
}

/// Selects the server of another machine.
#[derive(Args, Default)]
pub struct RemoteArgs {
    /// Server to send the command to, such as http://plant:8000
    #[arg(long, env = "BASALT_URL", requires = "key")]
    pub url: Option<String>,
    /// API key for that server
    #[arg(long, env = "BASALT_KEY", hide_env_values = true)]
    pub key: Option<String>,
}

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    pub place: DataDirArgs,
    #[command(flatten)]
    pub listeners: ListenArgs,
}

/// Listen addresses of a server.
#[derive(Args)]
pub struct ListenArgs {
    /// HTTP listen address; port 0 picks a free port [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// PostgreSQL listen address [default: off]
    #[arg(long, value_name = "ADDR:PORT")]
    pub pg_listen: Option<String>,
    /// Arrow Flight SQL listen address [default: off]
    #[arg(long, value_name = "ADDR:PORT")]
    pub flight_listen: Option<String>,
}

/// Without --fault the furnace's thermometer drifts: drift:furnace.temperature@30s+20s/5m=30
#[derive(Args)]
pub struct Demo {
    /// Data directory of the demo [default: data/demo]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub listeners: ListenArgs,
    #[command(flatten)]
    pub plant: SimulatedPlantArgs,
}

/// Options of the simulated plant.
#[derive(Args)]
pub struct SimulatedPlantArgs {
    /// Fault to simulate, such as drift:motor.temperature@60s+30s or disconnect@5m+20s/10m; repeatable
    #[arg(long = "fault", value_name = "FAULT", value_parser = fault::parse)]
    pub faults: Vec<PlantFault>,
}

#[derive(Args)]
pub struct Sql {
    /// SELECT statement to run
    #[arg(value_name = "STATEMENT", required_unless_present = "query")]
    pub statement: Option<String>,
    /// Named query to run instead; GET /sql/queries lists them
    #[arg(long, value_name = "NAME", conflicts_with = "statement")]
    pub query: Option<String>,
    /// Parameter of the named query; repeatable
    #[arg(long = "param", value_name = "NAME=VALUE", requires = "query", value_parser = read_param)]
    pub params: Vec<(String, String)>,
    /// Output format
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub format: OutputFormat,
    #[command(flatten)]
    pub elsewhere: RemoteArgs,
    #[command(flatten)]
    pub org: OrgArgs,
    #[command(flatten)]
    pub place: DataDirArgs,
}

fn read_param(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Table,
    Json,
    Csv,
    Parquet,
}

/// Readings need columns stream_id (or device and stream, or the flags below), ts (or timestamp, time) and value; text
/// and quality are optional. A time without a zone is UTC. Devices and their streams are YAML, or CSV with a
/// column device and no time column: see docs/configuration.md.
#[derive(Args)]
pub struct Import {
    /// Readings as CSV with a header line, Parquet, NDJSON or Arrow; devices as YAML or CSV
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write all rows to this stream
    #[arg(long, value_name = "ID", conflicts_with_all = ["device", "name"])]
    pub stream: Option<i32>,
    /// Write all rows to a stream of this device, named by --name
    #[arg(long, value_name = "NAME", requires = "name")]
    pub device: Option<String>,
    /// Stream of the device given by --device
    #[arg(long, value_name = "STREAM", requires = "device")]
    pub name: Option<String>,
    /// Create the device and the stream if they do not exist
    #[arg(long, requires = "device")]
    pub create: bool,
    /// First data row of the first file to import: the row that a failed import names for resuming
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub from_row: u64,
    /// Print what a file of devices and streams would change, without changing anything
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub elsewhere: RemoteArgs,
    #[command(flatten)]
    pub org: OrgArgs,
    #[command(flatten)]
    pub place: DataDirArgs,
}

/// Exports the readings from --from on and before --to, sorted by stream and time, with the columns stream_id, ts,
/// value, text and quality; or every device with its streams, as `import` reads them. The target file is created or
/// replaced only once the export is complete.
#[derive(Args)]
pub struct Export {
    /// Output file; its extension sets the format: .parquet, .csv, .ndjson or .jsonl, .arrow; for devices .yaml, .yml,
    /// .csv; - is standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Export devices and their streams instead of readings; implied by .yaml and .yml
    #[arg(long, conflicts_with_all = ["from", "to", "streams"])]
    pub devices: bool,
    /// Start of the time range, inclusive, such as 2026-04-28T12:00:00Z; without a zone it is UTC [default: the oldest]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// End of the time range, exclusive [default: no end]
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Export only this stream; repeatable [default: every stream you may see]
    #[arg(long = "stream", value_name = "ID", value_delimiter = ',')]
    pub streams: Vec<i32>,
    /// Output format, needed for standard output [default: by file extension]
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,
    #[command(flatten)]
    pub elsewhere: RemoteArgs,
    #[command(flatten)]
    pub org: OrgArgs,
    #[command(flatten)]
    pub place: DataDirArgs,
}

#[derive(Args)]
pub struct Calibrate {
    /// Id of the model, as /api/ai/model/ shows it
    #[arg(value_name = "MODEL")]
    pub model: i32,
    /// Start of the healthy range: earliest end of a window, such as 2026-04-28T12:00:00Z; without a zone it is UTC
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// End of the healthy range, inclusive
    #[arg(long, value_name = "TIME")]
    pub to: String,
    /// Percentile of the scores in the range that becomes the threshold
    #[arg(long, default_value_t = 99.5, value_name = "PERCENT")]
    pub percentile: f64,
    #[command(flatten)]
    pub org: OrgArgs,
    #[command(flatten)]
    pub place: DataDirArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Csv,
    Ndjson,
    Arrow,
    Parquet,
    Yaml,
}

/// Exits with code 0 when everything is intact and 1 when anything is damaged. Works beside a running server, and on a
/// directory too damaged for a server to start.
#[derive(Args)]
pub struct Verify {
    /// Format of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    #[command(flatten)]
    pub place: DataDirArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    Text,
    Json,
}

/// The backup holds everything acknowledged before it began. It is complete once backup.json exists, written last.
#[derive(Args)]
pub struct Backup {
    /// Target directory, outside the data directory; must be empty or not exist
    pub dest: PathBuf,
    #[command(flatten)]
    pub place: DataDirArgs,
}

/// Checks the backup before it writes anything. No server may run; --data-dir must be empty or not exist.
#[derive(Args)]
pub struct Restore {
    /// Directory written by `backup`
    pub src: PathBuf,
    /// Empty PostgreSQL database to restore the catalog into, when the backup holds a PostgreSQL dump
    #[arg(long, value_name = "URL")]
    pub catalog_url: Option<String>,
    #[command(flatten)]
    pub place: DataDirArgs,
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
    pub place: DataDirArgs,
}

#[derive(Args)]
pub struct Browse {
    /// Such as opc.tcp://127.0.0.1:4840/ or opc.tcp://127.0.0.1:4840/?node=ns%3D2%3Bi%3D1
    pub address: String,
    /// Number of levels to list below the node
    #[arg(long, default_value_t = 5, value_name = "LEVELS", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub depth: u8,
    /// Seconds to wait for an answer
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    pub timeout: f64,
    #[command(flatten)]
    pub place: DataDirArgs,
}

#[derive(Subcommand)]
pub enum OpcuaSubcommand {
    /// List the client certificate of this installation and the servers' certificates
    Certificates {
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// Trust the rejected certificate of a server
    Trust {
        /// Thumbprint as shown in the device's `last_error` and by `certificates`
        thumbprint: String,
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// Stop trusting a certificate, from the next connection on
    Reject {
        thumbprint: String,
        #[command(flatten)]
        place: DataDirArgs,
    },
}

#[derive(Args)]
pub struct Simulate {
    /// Protocol: modbus, melsec, fenet or opcua
    pub protocol: String,
    /// Listen address [default: 127.0.0.1 and the protocol's own port]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    #[command(flatten)]
    pub plant: SimulatedPlantArgs,
    /// Simulate a device with N changing holding registers instead of the plant (modbus only)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "faults")]
    pub registers: Option<u16>,
}

#[derive(Subcommand)]
pub enum SchemaSubcommand {
    /// Print the GraphQL schema of /graphql (SDL)
    Graphql,
    /// Print the REST API as OpenAPI 3.1
    Openapi,
    /// Print the tables and views that /sql can query
    Sql,
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
