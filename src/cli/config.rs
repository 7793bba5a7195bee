//! Configuration: defaults, then `basalt.toml`, then `BASALT_…` variables, then flags; the later one wins.
//!
//! Each value remembers its source, so that an error names the full key and where the value came from. The modules
//! that build the server decide what the values mean.

mod cluster;
mod cluster_check;
mod config_key;
mod ingest;
mod keys;
mod layers;
mod media;
mod mqtt;
mod objects;
mod plans;
mod quotas;
mod smtp;
mod source;
mod units;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use cluster::{ClusterConfig, NodeRole};
use layers::Setting;
pub use layers::{ConfigFlag, holds_secret};
pub use mqtt::MqttConfig;
pub use source::{ConfigFile, ConfigSource, DEFAULT_FILE, LoadedConfig};
pub use units::parse_duration;

use crate::api::certificate_files::{CertificateFiles, CertificateSettings};
use crate::app::ai::LOADED_BYTES;
use crate::app::base_path::BasePath;
use crate::app::command::CommandSettings;
use crate::app::compat::CompatSettings;
use crate::app::cors::CorsOrigins;
use crate::app::graphql;
use crate::app::host::HostSettings;
use crate::app::ingest::series_write::SeriesSettings;
use crate::app::live::LiveSettings;
use crate::app::media::MediaSettings;
use crate::app::messages::MessageSettings;
use crate::app::opensynaptic::OpenSynapticSettings;
use crate::app::session::SessionOptions;
use crate::collect::{AllowedNetworks, AllowedSerialPorts};
use crate::domain::arrival::DEFAULT_MAX_AHEAD_LIVE;
use crate::domain::notification::SmtpSettings;
use crate::domain::{Error, FieldError, Result};
use crate::store::catalog::OrgLimits;

/// Every setting of the server, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    /// Certificate and key for every listener; both or neither are set.
    pub tls: TlsFiles,
    /// Interval between two looks at the files of certificates, also those of MQTT.
    pub tls_check_interval: Duration,
    /// Maximum number of open HTTP connections.
    pub http_connections: usize,
    /// Whether other machines may send API keys without TLS, where the network can read them.
    pub allow_plaintext: bool,
    pub pg: PgConfig,
    pub flight: FlightConfig,
    pub onpremise: OnPremiseConfig,
    pub opensynaptic: OpenSynapticConfig,
    /// Catalog database; `None` is SQLite inside the data directory.
    pub catalog_url: Option<String>,
    pub wal: WalConfig,
    pub flush: FlushConfig,
    pub compaction: CompactionConfig,
    pub lake: LakeConfig,
    /// The nodes that share the lake.
    pub cluster: ClusterConfig,
    /// Bucket of uploads and recordings; `None` keeps them in the data directory.
    pub objects_url: Option<String>,
    /// Directory of backups that are asked for over HTTP.
    pub backup_dir: Option<PathBuf>,
    /// Folder of named queries in addition to the built-in ones.
    pub queries_dir: Option<PathBuf>,
    /// Interval between two removals of expired rows from disk.
    pub retention_interval: Duration,
    /// Bytes of unflushed rows above which writers wait.
    pub memtable_cap: u64,
    /// How far in the future the timestamp of a reading may be.
    pub ingest_max_future: Duration,
    /// How far in the future it may be for the reading to be current and to be watched.
    pub ingest_max_ahead_live: Duration,
    /// Senders whose devices and streams are created by their first reading.
    pub series: SeriesSettings,
    pub limits: LimitsConfig,
    pub deadband_max_interval: Duration,
    /// Networks in which devices may be.
    pub networks: AllowedNetworks,
    /// Serial ports that devices may use.
    pub serial_ports: AllowedSerialPorts,
    pub sessions: SessionOptions,
    /// Retention of the audit log.
    pub audit_keep: Duration,
    /// Whether /metrics needs no authentication.
    pub metrics_public: bool,
    pub log: LogConfig,
    pub host: HostSettings,
    pub media: MediaSettings,
    /// Path below which a proxy serves the server.
    pub base_path: BasePath,
    /// Origins whose pages may use the APIs.
    pub cors: CorsOrigins,
    pub compat: CompatSettings,
    pub graphql: graphql::GraphqlLimits,
    pub live: LiveSettings,
    pub messages: MessageSettings,
    pub mqtt: MqttConfig,
    /// The server that takes e-mails.
    pub smtp: SmtpSettings,
    pub commands: CommandSettings,
    /// Bytes of the latest rows kept in memory for subscribers.
    pub live_ring: u64,
    /// Memory limit of the loaded models, in bytes.
    pub ai_loaded_bytes: u64,
    /// Variables that set nothing, with what they could have meant. Kubernetes sets `BASALT_PORT` and
    /// `BASALT_SERVICE_HOST` for a service named basalt, so they stop no start.
    pub unknown_variables: Vec<String>,
}

/// PEM files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TlsFiles {
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

impl TlsFiles {
    /// Returns both files with the settings that name them; `None` where they are not set.
    pub fn pair(&self, settings: CertificateSettings) -> Option<CertificateFiles> {
        let (cert, key) = (self.cert.clone()?, self.key.clone()?);
        Some(CertificateFiles { cert, key, settings })
    }
}

/// PostgreSQL listener; off without an address.
#[derive(Debug, Clone, PartialEq)]
pub struct PgConfig {
    pub listen: Option<SocketAddr>,
    /// Maximum number of connections.
    pub connections: usize,
    /// How long a connection may be idle between statements.
    pub idle_timeout: Duration,
}

/// Arrow Flight SQL listener; off without an address.
#[derive(Debug, Clone, PartialEq)]
pub struct FlightConfig {
    pub listen: Option<SocketAddr>,
    /// Maximum number of connections.
    pub connections: usize,
}

/// On-premise interface of Instathings, which has no authentication.
#[derive(Debug, Clone, PartialEq)]
pub struct OnPremiseConfig {
    /// Whether it has a listener of its own.
    pub is_enabled: bool,
    /// Address of that listener.
    pub address: IpAddr,
    /// Port of that listener.
    pub port: u16,
    /// Host for which the main listener serves it too.
    pub host: Option<String>,
    /// Maximum number of connections of that listener, and of socket.io sessions.
    pub connections: usize,
}

impl Default for OnPremiseConfig {
    fn default() -> Self {
        OnPremiseConfig {
            is_enabled: false,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 1234,
            host: None,
            connections: 2048,
        }
    }
}

impl OnPremiseConfig {
    /// Whether any listener serves the interface.
    pub fn is_served(&self) -> bool {
        self.is_enabled || self.host.is_some()
    }
}

/// Data-query API of OpenSynaptic. The HTTP listener serves it; without an address it has no other listener.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenSynapticConfig {
    pub listen: Option<SocketAddr>,
    /// Maximum number of connections of that listener.
    pub connections: usize,
    pub settings: OpenSynapticSettings,
}

/// Size of the write-ahead log's segments, and of the flushed ones that are retained.
#[derive(Debug, Clone, PartialEq)]
pub struct WalConfig {
    /// Bytes retained after the flush, for live subscribers to catch up.
    pub keep: u64,
    /// Size in bytes at which the log starts a new segment file.
    pub segment: u64,
}

/// Limits at which the memtable is flushed to the lake; the first one reached counts.
#[derive(Debug, Clone, PartialEq)]
pub struct FlushConfig {
    pub bytes: u64,
    pub age: Duration,
}

/// Location of the Parquet files of readings, and how long replaced ones remain.
#[derive(Debug, Clone, PartialEq)]
pub struct LakeConfig {
    /// Location of the lake; `None` is a folder of the data directory.
    pub url: Option<String>,
    /// How long replaced files stay on disk for external readers.
    pub keep_removed: Duration,
}

/// Background work: statistics and file compaction.
#[derive(Debug, Clone, PartialEq)]
pub struct CompactionConfig {
    /// Interval between two checks for work.
    pub interval: Duration,
    /// Memory limit of one merge for its open files, in bytes.
    pub memory: u64,
    /// Share of one processor, above 0 and up to 1.
    pub cpu: f64,
}

/// Limits of queries, of request bodies and of each organization's catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitsConfig {
    pub query_timeout: Duration,
    pub query_rows: u64,
    /// Memory limit of all running queries together, in bytes.
    pub query_memory: u64,
    /// Memory limit of one query, in bytes.
    pub query_share: u64,
    pub queries_running: usize,
    pub queries_waiting: usize,
    /// Maximum size of a request body in bytes; /ingest has limits of its own.
    pub body_bytes: u64,
    /// Catalog limits per organization.
    pub organization: OrgLimits,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            query_timeout: Duration::from_secs(60),
            query_rows: 10_000_000,
            query_memory: 256_000_000,
            query_share: 128_000_000,
            queries_running: 8,
            queries_waiting: 64,
            body_bytes: 10 * 1024 * 1024,
            organization: OrgLimits::default(),
        }
    }
}

/// Form and level of the server's log lines, which go to standard error.
#[derive(Debug, Clone, PartialEq)]
pub struct LogConfig {
    pub format: LogFormat,
    pub level: tracing::Level,
}

/// Form of a log line: text for people, or a flat JSON object for log collectors.
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
            tls_check_interval: Duration::from_secs(10),
            // Twice the subscriptions; what an unauthenticated connection may hold is bounded (api/serve.rs).
            http_connections: 4096,
            allow_plaintext: false,
            pg: PgConfig { listen: None, connections: 100, idle_timeout: Duration::from_secs(3600) },
            flight: FlightConfig { listen: None, connections: 100 },
            onpremise: OnPremiseConfig::default(),
            opensynaptic: OpenSynapticConfig {
                listen: None,
                connections: 100,
                settings: OpenSynapticSettings::default(),
            },
            catalog_url: None,
            wal: WalConfig { keep: 256_000_000, segment: 64_000_000 },
            flush: FlushConfig { bytes: 64_000_000, age: Duration::from_secs(60) },
            compaction: CompactionConfig { interval: Duration::from_secs(30), memory: 128_000_000, cpu: 1.0 },
            lake: LakeConfig { url: None, keep_removed: Duration::from_secs(300) },
            cluster: ClusterConfig::default(),
            objects_url: None,
            backup_dir: None,
            queries_dir: None,
            retention_interval: Duration::from_secs(3600),
            memtable_cap: 256_000_000,
            ingest_max_future: Duration::from_secs(31 * 86_400),
            ingest_max_ahead_live: DEFAULT_MAX_AHEAD_LIVE,
            series: SeriesSettings::default(),
            limits: LimitsConfig::default(),
            deadband_max_interval: Duration::from_secs(600),
            networks: AllowedNetworks::default(),
            serial_ports: AllowedSerialPorts::default(),
            sessions: SessionOptions::default(),
            audit_keep: Duration::from_secs(400 * 86_400),
            metrics_public: false,
            log: LogConfig { format: LogFormat::Text, level: tracing::Level::INFO },
            host: HostSettings::default(),
            media: MediaSettings::default(),
            base_path: BasePath::default(),
            cors: CorsOrigins::default(),
            compat: CompatSettings::default(),
            graphql: graphql::GraphqlLimits::default(),
            live: LiveSettings::default(),
            messages: MessageSettings::default(),
            mqtt: MqttConfig::default(),
            smtp: SmtpSettings::default(),
            commands: CommandSettings::default(),
            live_ring: 16_000_000,
            ai_loaded_bytes: LOADED_BYTES as u64,
            unknown_variables: Vec::new(),
        }
    }
}

impl Config {
    /// Applies the settings to this configuration and checks it.
    fn apply_settings(mut self, settings: &[Setting]) -> Result<Config> {
        let mut problems = Vec::new();
        for setting in settings {
            if let Err(message) = self.set(setting) {
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
        self.mqtt.check()?;
        ingest::check(&self)?;
        smtp::check(&self.smtp)?;
        objects::check(&self)?;
        cluster_check::check(&self)?;
        Ok(self)
    }

    fn set(&mut self, setting: &Setting) -> Result<(), String> {
        let Setting { key, text, is_list, source } = setting;
        let Some(known) = keys::all().find(|k| k.name == key) else {
            return Err(format!("unknown key (from {source}); {}", keys::list_valid_keys(key)));
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

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
