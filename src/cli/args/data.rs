//! Arguments of the commands about readings and models: `sql`, `import`, `export` and `calibrate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::target::{DataDirArgs, OrgArgs, RemoteArgs};

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

/// Form in which `basalt sql` prints a result; only Parquet is refused on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Table,
    Json,
    Csv,
    Parquet,
}

/// Readings need columns stream_id (or device and stream, or the flags below), ts (or timestamp, time) and value; text
/// and quality are optional. A time without a zone is UTC. Devices and their streams are YAML, or CSV with a
/// column device and no time column: see docs/configuration.md. Tag lists of KEPServerEX, TIA Portal and Studio 5000, and
/// CSV with the columns name, address and type, become streams of the device given by --device.
#[derive(Args)]
pub struct Import {
    /// Readings as CSV with a header line, Parquet, NDJSON or Arrow; devices as YAML or CSV; tag lists as CSV
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write all rows to this stream
    #[arg(long, value_name = "ID", conflicts_with_all = ["device", "name"])]
    pub stream: Option<i32>,
    /// Device that gets the streams of a tag list; with --name, write all rows to that stream of it
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// Stream of the device given by --device
    #[arg(long, value_name = "STREAM", requires = "device")]
    pub name: Option<String>,
    /// Create the device and the stream if they do not exist
    #[arg(long, requires = "name")]
    pub create: bool,
    /// First data row of the first file to import: the row that a failed import names for resuming
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub from_row: u64,
    /// Print what a file of devices and streams, or a tag list, would change, without changing anything
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

/// Form of an exported file: YAML holds devices, CSV devices or readings, the others readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Csv,
    Ndjson,
    Arrow,
    Parquet,
    Yaml,
}
