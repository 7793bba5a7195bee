//! Command-line arguments (clap). Command and flag names are a contract with users' scripts; other modules interpret
//! the values.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

mod admin;
mod data;
mod devices;
mod target;

pub use self::admin::{
    CaSubcommand, ClientSubcommand, ClusterSubcommand, CreateClientArgs, CreateKeyArgs, KeySubcommand,
    OrgSubcommand, RoleArgs, UserArgs, UserSubcommand,
};
pub use self::data::{Calibrate, Export, ExportFormat, Import, OutputFormat, Sql};
pub use self::devices::{Browse, Discover, OpcuaSubcommand, Read, Simulate, SimulatedPlantArgs};
pub use self::target::{DataDirArgs, OrgArgs, RemoteArgs};
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
    /// Manage clients of the Instathings, Blynk and MK APIs
    Client {
        #[command(subcommand)]
        command: ClientSubcommand,
    },
    /// Manage the authority that signs the certificates of devices
    Ca {
        #[command(subcommand)]
        command: CaSubcommand,
    },
    /// Show the nodes of a cluster
    Cluster {
        #[command(subcommand)]
        command: ClusterSubcommand,
    },
    /// Run a SQL query
    Sql(Sql),
    /// Import readings or devices from CSV, Parquet, NDJSON, Arrow or YAML files
    Import(Import),
    /// Export readings or devices to a file that `import` can read
    Export(Export),
    /// Read one register or tag directly from a device
    Read(Read),
    /// Simulate a device: a small plant that speaks modbus, melsec, fenet, s7, eip, opcua or mqtt
    Simulate(Simulate),
    /// List the nodes of an OPC UA server, the tags of an EtherNet/IP controller, or the topics of an MQTT broker
    Browse(Browse),
    /// List the protocols that answer at an address or in a small network
    Discover(Discover),
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
    /// Check the installation and say what is wrong and how to mend it: disk, clock, ports, permissions, catalog, lake
    Doctor(Doctor),
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
    /// Print a script that completes these commands in a shell
    Completions {
        /// Shell to complete in
        shell: Shell,
    },
    /// Write the manual pages into a directory
    Man {
        /// Existing directory, such as ~/.local/share/man/man1
        dir: PathBuf,
    },
}

#[derive(Args)]
pub struct Serve {
    /// Role of this node: all, or its part in a cluster: ingest collects and writes, query answers over the lake of an
    /// ingest node [default: all]
    #[arg(long, value_name = "ROLE", value_parser = ["all", "ingest", "query"])]
    pub role: Option<String>,
    /// Stop in order when standard input ends: for a program that starts this one and may be killed
    #[arg(long, hide = true)]
    pub stop_with_input: bool,
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
    /// Listen address of the OpenSynaptic API alone [default: off]
    #[arg(long, value_name = "ADDR:PORT")]
    pub opensynaptic_listen: Option<String>,
}

/// Without --fault the furnace's thermometer drifts: drift:furnace.temperature@30s+20s/5m=30
#[derive(Args)]
pub struct Demo {
    /// Run a cluster on this machine: an ingest node and two query nodes; BASALT_CATALOG_URL names an empty PostgreSQL
    /// database
    #[arg(long)]
    pub cluster: bool,
    /// At the first start, create the devices alone: without board, rules, model, named queries and a week of history
    #[arg(long)]
    pub empty: bool,
    /// Data directory of the demo, or of all its nodes [default: data/demo, or data/demo-cluster with --cluster]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub listeners: ListenArgs,
    #[command(flatten)]
    pub plant: SimulatedPlantArgs,
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

/// Exits with code 0 when there is no problem, warnings or not, and 1 when there is one. Works beside a running server and
/// without one, and changes nothing: to time fsync it writes 4 kB beside the data and removes them. Run it as the user that the
/// server runs as.
#[derive(Args)]
pub struct Doctor {
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub place: DataDirArgs,
}

/// Form in which `basalt verify` prints its report.
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

#[derive(Subcommand)]
pub enum SchemaSubcommand {
    /// Print the GraphQL schema of /graphql (SDL)
    Graphql,
    /// Print the REST API as OpenAPI 3.1
    Openapi {
        /// The API of another vendor: blynk, influxdb, instathings, instathings-onpremise, mk, opensynaptic, otlp,
        /// prometheus
        api: Option<String>,
    },
    /// Print the tables and views that /sql can query
    Sql,
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
