//! Configuration: defaults, then `basalt.toml`, then `BASALT_…` variables, then flags; the later one wins.
//!
//! It knows where each value came from, so that a wrong one is named with its full key and its source. What the
//! values mean to the parts of the server is decided where those are put together.

mod keys;
mod layers;
mod units;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use keys::KEYS;
use layers::{Layer, Setting};
pub use units::parse_duration;

use crate::app::ai::LOADED_BYTES;
use crate::app::graphql;
use crate::app::host::HostSettings;
use crate::app::live::LiveSettings;
use crate::app::session::SessionOptions;
use crate::collect::Networks;
use crate::domain::{Error, FieldError, Result};
use crate::store::catalog::OrgLimits;

/// The file read when no `--config` names another.
const DEFAULT_FILE: &str = "basalt.toml";

/// Every setting of the server, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    /// Certificate and key of every listener; both or neither.
    pub tls: TlsFiles,
    /// The most HTTP connections at a time.
    pub http_connections: usize,
    /// Whether keys may come without TLS from other machines, where they would be read.
    pub allow_plaintext: bool,
    pub pg: Pg,
    pub flight: Flight,
    /// None is SQLite inside the data directory.
    pub catalog_url: Option<String>,
    pub wal: Wal,
    pub flush: Flush,
    pub compaction: Compaction,
    pub lake: Lake,
    /// A folder of named queries beside those compiled in.
    pub queries_dir: Option<PathBuf>,
    /// Between two removals of expired rows from the disk.
    pub retention_interval: Duration,
    /// Bytes of unflushed rows past which writers wait.
    pub memtable_cap: u64,
    /// How far ahead of the clock a reading may be.
    pub ingest_max_future: Duration,
    pub limits: Limits,
    pub deadband_max_interval: Duration,
    /// Where devices may be.
    pub networks: Networks,
    pub sessions: SessionOptions,
    /// How long rows of the audit log are kept.
    pub audit_keep: Duration,
    /// Whether /metrics is for everybody.
    pub metrics_public: bool,
    pub log: Log,
    pub host: HostSettings,
    pub graphql: graphql::Limits,
    pub live: LiveSettings,
    /// Bytes of the latest rows that stay in memory for subscribers.
    pub live_ring: u64,
    /// Bytes of models that are in memory to be run.
    pub ai_loaded_bytes: u64,
}

/// Files in PEM.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TlsFiles {
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// PostgreSQL's protocol; off unless there is an address.
#[derive(Debug, Clone, PartialEq)]
pub struct Pg {
    pub listen: Option<SocketAddr>,
    /// The most connections at a time.
    pub connections: usize,
    /// The longest a connection may be without a statement.
    pub idle_timeout: Duration,
}

/// Arrow Flight SQL; off unless there is an address.
#[derive(Debug, Clone, PartialEq)]
pub struct Flight {
    pub listen: Option<SocketAddr>,
    /// The most connections at a time.
    pub connections: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Wal {
    /// Bytes that stay after the flush, for live subscribers to catch up.
    pub keep: u64,
    /// Bytes after which the log goes on in a new file.
    pub segment: u64,
}

/// The memtable goes to the lake at whichever comes first.
#[derive(Debug, Clone, PartialEq)]
pub struct Flush {
    pub bytes: u64,
    pub age: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Lake {
    /// None is a folder of the data directory.
    pub url: Option<String>,
    /// How long replaced files stay for readers outside.
    pub keep_removed: Duration,
}

/// Work in the background: statistics, and merging files.
#[derive(Debug, Clone, PartialEq)]
pub struct Compaction {
    /// Between looks for work.
    pub interval: Duration,
    /// Bytes for the open files of one merge.
    pub memory: u64,
    /// Share of one processor, above 0 to 1.
    pub cpu: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    pub query_timeout: Duration,
    pub query_rows: u64,
    /// Bytes all running queries share.
    pub query_memory: u64,
    /// Bytes one query may take of them.
    pub query_share: u64,
    pub queries_running: usize,
    pub queries_waiting: usize,
    /// Bytes of a request body, except on /ingest, which has limits of its own.
    pub body_bytes: u64,
    /// What one organization may have in the catalog.
    pub organization: OrgLimits,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    pub format: LogFormat,
    pub level: tracing::Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data/basalt"),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            tls: TlsFiles::default(),
            // Twice the subscriptions; what strangers make each of them hold is bounded (api/serve.rs).
            http_connections: 4096,
            allow_plaintext: false,
            pg: Pg { listen: None, connections: 100, idle_timeout: Duration::from_secs(3600) },
            flight: Flight { listen: None, connections: 100 },
            catalog_url: None,
            wal: Wal { keep: 256_000_000, segment: 64_000_000 },
            flush: Flush { bytes: 64_000_000, age: Duration::from_secs(60) },
            compaction: Compaction { interval: Duration::from_secs(30), memory: 128_000_000, cpu: 1.0 },
            lake: Lake { url: None, keep_removed: Duration::from_secs(300) },
            queries_dir: None,
            retention_interval: Duration::from_secs(3600),
            memtable_cap: 256_000_000,
            ingest_max_future: Duration::from_secs(31 * 86_400),
            limits: Limits {
                query_timeout: Duration::from_secs(60),
                query_rows: 10_000_000,
                query_memory: 256_000_000,
                query_share: 128_000_000,
                queries_running: 8,
                queries_waiting: 64,
                body_bytes: 10 * 1024 * 1024,
                organization: OrgLimits::default(),
            },
            deadband_max_interval: Duration::from_secs(600),
            networks: Networks::default(),
            sessions: SessionOptions::default(),
            audit_keep: Duration::from_secs(400 * 86_400),
            metrics_public: false,
            log: Log { format: LogFormat::Text, level: tracing::Level::INFO },
            host: HostSettings::default(),
            graphql: graphql::Limits::default(),
            live: LiveSettings::default(),
            live_ring: 16_000_000,
            ai_loaded_bytes: LOADED_BYTES as u64,
        }
    }
}

/// One flag that sets a key.
pub struct Flag {
    pub key: &'static str,
    /// As typed, such as `--listen`.
    pub name: &'static str,
    pub value: String,
}

/// Which file to read.
pub enum File<'a> {
    /// `--config`: it has to be there.
    Named(&'a Path),
    /// `basalt.toml` of the working directory, if there is one.
    Usual,
    /// None at all.
    Ignored,
}

impl Config {
    /// Reads the file and the environment. Every unknown key and every bad value is in the error, each with its full
    /// name, where it came from, and what would be valid.
    pub fn load(base: Config, file: &File<'_>, flags: Vec<Flag>) -> Result<Config> {
        let mut layers: Vec<Layer> = read_file(file)?.into_iter().collect();
        let variables = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
        layers.extend(layers::of_environment(variables));
        layers.extend(flags.into_iter().map(Layer::of_flag));
        base.with(layers)
    }

    /// This configuration changed by the layers, the last one winning.
    fn with(mut self, layers: Vec<Layer>) -> Result<Config> {
        let mut problems = Vec::new();
        for setting in layers::merge(layers)? {
            if let Err(message) = self.set(&setting) {
                problems.push(FieldError::new(setting.key.clone(), message));
            }
        }
        Error::check(problems)?;
        if self.memtable_cap < self.flush.bytes {
            let message = "must not be below flush.bytes: writers would wait for ever";
            return Err(Error::field("memtable.cap", message));
        }
        if self.tls.cert.is_some() != self.tls.key.is_some() {
            let (lacks, has) = match self.tls.cert {
                Some(_) => ("http.tls_key", "http.tls_cert"),
                None => ("http.tls_cert", "http.tls_key"),
            };
            return Err(Error::field(lacks, format!("is needed beside {has}")));
        }
        Ok(self)
    }

    fn set(&mut self, setting: &Setting) -> Result<(), String> {
        let Setting { key, text, is_list, source } = setting;
        let Some(known) = KEYS.iter().find(|k| k.name == key) else {
            return Err(format!("unknown key (from {source}); {}", keys::valid_beside(key)));
        };
        let text = text.as_deref().filter(|_| known.takes_list || !is_list);
        let accepted = text.is_some_and(|text| (known.set)(self, text).is_some());
        match text {
            _ if accepted => Ok(()),
            Some(text) if !known.is_secret => {
                Err(format!("`{text}` (from {source}) is not valid: use {}", known.valid))
            }
            _ => Err(format!("the value from {source} is not valid: use {}", known.valid)),
        }
    }
}

fn read_file(file: &File<'_>) -> Result<Option<Layer>> {
    let (path, must_exist) = match file {
        File::Named(path) => (*path, true),
        File::Usual => (Path::new(DEFAULT_FILE), false),
        File::Ignored => return Ok(None),
    };
    match std::fs::read_to_string(path) {
        Ok(text) => Layer::of_toml(&path.display().to_string(), &text).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => Ok(None),
        Err(error) => {
            Err(Error::invalid(format!("the configuration file {} cannot be read: {error}", path.display())))
        }
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
