//! Application core: the single call behind every API, which authorizes and then combines store, query, catalog and
//! collectors.
//!
//! Every public method takes a `Principal` and checks its scope first, so that no API can forget it. Health,
//! authentication and public keys are exempt, because they create a principal or need none.

pub mod access;
pub mod ai;
pub mod alert;
pub mod audit;
pub mod authority;
pub mod backup;
pub mod base_path;
pub mod batch_lookup;
pub mod blynk;
pub mod body_memory;
pub mod certificate;
pub mod client;
pub mod cluster;
mod cluster_nodes;
pub mod collector_ports;
pub mod command;
pub mod compat;
pub mod connections;
pub mod control;
pub mod cors;
pub mod device;
pub mod device_clock;
pub mod device_health;
pub mod device_history;
mod device_test;
pub mod document;
pub mod event;
pub mod export;
pub mod fields;
pub mod gateway;
pub mod graphql;
pub mod group;
pub mod hamachi;
pub mod health;
pub mod host;
pub mod import_destination;
pub mod ingest;
pub mod instathings;
pub mod inventory;
pub mod job;
pub mod license;
pub mod list_range;
pub mod live;
mod login_link;
mod maintenance;
pub mod media;
pub mod messages;
pub mod metrics;
pub mod mk;
pub mod mqtt;
pub mod named_queries;
pub mod notification;
pub mod object_content;
pub mod onpremise;
mod opcua;
mod opcua_certificate;
pub mod opensynaptic;
mod org_permits;
mod password;
mod password_change;
pub mod preferences;
pub mod product;
pub mod quarantine;
pub mod readings;
pub mod register_io;
pub mod resident_memory;
pub mod retention;
pub mod running_query;
mod secret_file;
pub mod series;
pub mod server_clock;
pub mod session;
pub mod sql;
pub mod statistic;
pub mod stream;
pub mod system;
pub mod tasks;
pub mod terminal;
#[cfg(test)]
mod test_app;
pub mod token;
pub mod user;
pub mod value;
pub mod value_parsing;
pub mod verify;
pub mod virtual_data;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::RwLock;

use self::ai::ModelServices;
use self::health::DiskProbe;
use self::password::PasswordWorkers;
use self::session::{LoginThrottle, SessionOptions};
use crate::domain::cluster::ClusterNode;
use crate::domain::key::KeySecret;
use crate::domain::notification::SmtpSettings;
use crate::domain::{Clock, Micros};
use crate::query::Engine;
use crate::query::named::NamedQueries;
use crate::store::Store;

/// The part of the configuration that the core needs.
#[derive(Debug, Clone)]
pub struct AppSettings {
    pub data_dir: PathBuf,
    /// Maximum request body of /sql and the REST routes, bytes.
    pub body_bytes: usize,
    pub sessions: SessionOptions,
    /// Retention of audit log rows.
    pub audit_keep: Duration,
    /// Whether /metrics needs no authentication.
    pub metrics_public: bool,
    pub host: host::HostSettings,
    pub cluster: cluster::ClusterSettings,
    /// Path below which a proxy serves the server.
    pub base_path: base_path::BasePath,
    /// Origins whose pages may use the APIs.
    pub cors: cors::CorsOrigins,
    pub compat: compat::CompatSettings,
    pub graphql: graphql::GraphqlLimits,
    pub live: live::LiveSettings,
    pub messages: messages::MessageSettings,
    pub media: media::MediaSettings,
    pub mqtt: mqtt::MqttSettings,
    /// The server that takes e-mails.
    pub smtp: SmtpSettings,
    pub commands: command::CommandSettings,
    pub opensynaptic: opensynaptic::OpenSynapticSettings,
    pub queries: Arc<NamedQueries>,
    /// Senders whose devices and streams are created by their first reading.
    pub series: ingest::series_write::SeriesSettings,
    /// Directory of backups that are asked for over HTTP; without one there are none.
    pub backup_dir: Option<PathBuf>,
}

/// Dependencies of an application.
pub struct AppServices {
    pub store: Arc<Store>,
    pub engine: Arc<Engine>,
    /// The parts that `engine` also uses to run models.
    pub ai: ModelServices,
}

/// The application: one per data directory, shared by every API.
pub struct App {
    store: Arc<Store>,
    engine: Arc<Engine>,
    /// Empty in command-line processes, which poll nothing.
    /// Of the collectors and the MQTT broker, shared with SQL.
    states: collector_ports::CollectorStates,
    clock: Arc<dyn Clock>,
    settings: AppSettings,
    passwords: PasswordWorkers,
    disk_probe: DiskProbe,
    start: system::StartTime,
    connections: connections::ListenerGauges,
    attempts: LoginThrottle,
    login_links: login_link::LoginLinks,
    device_tests: org_permits::OrgPermits,
    inventory_files: inventory::api_file::InventoryFileLimits,
    /// Stored form of the token with which local commands authenticate to this server.
    local_token: OnceLock<KeySecret>,
    host: host::HostServices,
    live: live::FeedState,
    gateway: Arc<gateway::GatewayHub>,
    mqtt: mqtt::BrokerState,
    notifications: notification::NotificationServices,
    alerts: Arc<alert::counters::AlertCounters>,
    blynk: blynk::BlynkState,
    readings: readings::ReadingIntake,
    mk: mk::MkState,
    exports: export::ExportQueue,
    media: media::MediaServices,
    ai: ModelServices,
    /// Jobs that write and verify backups, one at a time.
    backups: Arc<job::Jobs>,
    /// Nodes of the cluster at the last renewal.
    nodes: RwLock<Arc<Vec<ClusterNode>>>,
}

impl App {
    /// `states` must be the one that `engine` uses, so that SQL and REST show the same status of a device.
    pub fn new(
        services: AppServices,
        states: &collector_ports::CollectorStates,
        clock: Arc<dyn Clock>,
        settings: AppSettings,
    ) -> Self {
        let AppServices { store, engine, ai } = services;
        let (attempts, passwords) = (LoginThrottle::new(&settings.sessions), PasswordWorkers::default());
        let (local_door, host) = (OnceLock::new(), host::HostServices::new(&settings.host));
        let live = live::FeedState::new(&settings.live);
        let mqtt = mqtt::BrokerState::new(store.clone(), &settings.mqtt, states.sessions.clone());
        let notifications = notification::NotificationServices::new(&settings.smtp, host.fetcher.clone());
        let media = media::MediaServices::new(&settings.media);
        let blynk = blynk::BlynkState::new(settings.compat.blynk_imports);
        let start = system::StartTime::new(clock.as_ref());
        let backups = Arc::new(job::Jobs::new(store.clone(), 1));
        Self {
            store,
            engine,
            states: states.clone(),
            clock,
            settings,
            passwords,
            disk_probe: DiskProbe::default(),
            start,
            connections: Default::default(),
            attempts,
            login_links: Default::default(),
            device_tests: device_test::permits(),
            inventory_files: Default::default(),
            local_token: local_door,
            host,
            live,
            gateway: Arc::default(),
            mqtt,
            notifications,
            alerts: Arc::default(),
            blynk,
            readings: Default::default(),
            mk: mk::MkState::default(),
            exports: export::ExportQueue::default(),
            media,
            ai,
            backups,
            nodes: RwLock::default(),
        }
    }

    pub fn settings(&self) -> &AppSettings {
        &self.settings
    }

    /// Returns the current time.
    pub fn now(&self) -> Micros {
        self.clock.now()
    }
}
