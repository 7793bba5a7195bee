//! The one core call behind every surface: authorisation, then store, query, catalog and collectors joined.
//!
//! Every public method takes a `Principal` (health, authentication and public keys excepted, which make or need none) and
//! checks its scope first, so that no surface can forget it.

pub mod access;
pub mod ai;
pub mod audit;
pub mod backup;
pub mod body_memory;
pub mod control;
pub mod device;
pub mod event;
pub mod graphql;
pub mod group;
pub mod hamachi;
pub mod health;
pub mod host;
pub mod ingest;
pub mod inventory;
pub mod io;
pub mod job;
pub mod license;
pub mod live;
pub mod many;
pub mod metrics;
pub mod named;
mod opcua;
mod password;
pub mod plant;
pub mod posted;
pub mod range;
pub mod retention;
pub mod series;
pub mod session;
pub mod sql;
pub mod statistic;
pub mod stream;
pub mod terminal;
mod upkeep;
pub mod user;
pub mod value;
pub mod verify;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use self::ai::AiParts;
use self::health::DiskProbe;
use self::password::Passwords;
use self::session::{Attempts, SessionOptions};
use crate::collect::Collectors;
use crate::domain::Clock;
use crate::domain::key::KeySecret;
use crate::query::Engine;
use crate::query::named::NamedQueries;
use crate::store::Store;

/// What of the configuration the core needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    pub data_dir: PathBuf,
    /// Longest request body of /sql and the REST routes, bytes.
    pub body_bytes: usize,
    pub sessions: SessionOptions,
    /// How long rows of the audit log are kept.
    pub audit_keep: Duration,
    /// Whether /metrics is for everybody.
    pub metrics_public: bool,
    pub host: host::HostSettings,
    pub graphql: graphql::Limits,
    pub live: live::LiveSettings,
    pub queries: Arc<NamedQueries>,
}

/// What an application stands on.
pub struct Parts {
    pub store: Arc<Store>,
    pub engine: Arc<Engine>,
    /// What `engine` was given to run models.
    pub ai: AiParts,
}

/// The application: one per data directory, shared by every surface.
pub struct App {
    store: Arc<Store>,
    engine: Arc<Engine>,
    /// Empty in commands, which poll nothing.
    collectors: Arc<OnceLock<Arc<Collectors>>>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    passwords: Passwords,
    disk_probe: DiskProbe,
    attempts: Attempts,
    /// The secret of commands beside this server.
    local_door: OnceLock<KeySecret>,
    host: host::HostParts,
    live: live::LiveParts,
    ai: AiParts,
}

impl App {
    /// `states` is what `engine` was given, so that SQL and REST tell the same of a device.
    pub fn new(parts: Parts, states: &plant::States, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let Parts { store, engine, ai } = parts;
        let collectors = states.collectors();
        let (attempts, passwords) = (Attempts::new(&settings.sessions), Passwords::default());
        let (local_door, host) = (OnceLock::new(), host::HostParts::new(&settings.host));
        let live = live::LiveParts::new(&settings.live);
        Self {
            store,
            engine,
            collectors,
            clock,
            settings,
            passwords,
            disk_probe: DiskProbe::default(),
            attempts,
            local_door,
            host,
            live,
            ai,
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
