//! Application core: the single call behind every API, which authorizes and then combines store, query, catalog and
//! collectors.
//!
//! Every public method takes a `Principal` and checks its scope first, so that no API can forget it. Health,
//! authentication and public keys are exempt, because they create a principal or need none.

pub mod access;
pub mod ai;
pub mod alert;
pub mod audit;
pub mod backup;
pub mod base_path;
pub mod batch_lookup;
pub mod blynk;
pub mod body_memory;
pub mod bulk_work;
mod called_services;
pub mod certificate;
pub mod client;
pub mod cluster;
mod cluster_nodes;
pub mod collector_ports;
pub mod command;
pub mod compat;
pub mod control;
pub mod core_parts;
pub mod cors;
mod dependent_services;
pub mod device;
pub mod device_clock;
pub mod device_health;
pub mod device_history;
pub mod device_presence;
pub mod direct_access;
pub mod document;
pub mod event;
pub mod export;
pub mod fields;
pub mod gateway;
pub mod graphql;
pub mod group;
pub mod hamachi;
pub mod host;
pub mod import_destination;
pub mod ingest;
pub mod instathings;
pub mod inventory;
pub mod job;
pub mod jobs;
pub mod license;
pub mod list_range;
pub mod live;
mod maintenance;
pub mod media;
pub mod messages;
pub mod metrics;
pub mod mk;
pub mod mqtt;
pub mod named_queries;
pub mod node;
pub mod notification;
pub mod object_content;
pub mod onpremise;
mod opcua_certificate;
pub mod opensynaptic;
mod org_permits;
mod password;
pub mod preferences;
pub mod product;
pub mod quarantine;
pub mod readings;
pub mod resident_memory;
pub mod retention;
pub mod running_query;
mod secret_file;
pub mod series;
pub mod server_clock;
pub mod session;
mod shared_state;
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
pub mod vendors;
pub mod verify;
pub mod virtual_data;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use self::access::AccessControl;
use self::ai::{ModelRuntime, ModelService};
use self::alert::AlertService;
use self::audit::AuditLog;
use self::backup::Backups;
use self::blynk::Blynk;
use self::called_services::CalledServices;
use self::certificate::Certificates;
use self::client::Clients;
use self::command::Commands;
use self::control::OwnerCommands;
use self::core_parts::CoreParts;
use self::dependent_services::DependentServices;
use self::device::Devices;
use self::direct_access::DirectAccess;
use self::document::Documents;
use self::event::Events;
use self::export::Exports;
use self::gateway::Gateway;
use self::group::Groups;
use self::hamachi::Hamachi;
use self::ingest::Ingest;
use self::inventory::InventoryFiles;
use self::inventory::tag_list::TagLists;
use self::jobs::Jobs;
use self::license::Licensing;
use self::live::LiveFeeds;
use self::media::MediaServices;
use self::messages::Messages;
use self::metrics::ServerMetrics;
use self::mk::MkServices;
use self::mqtt::MqttServices;
use self::node::NodeServices;
use self::notification::Notifications;
use self::opcua_certificate::OpcuaCertificates;
use self::product::Products;
use self::quarantine::Quarantine;
use self::readings::SensorReadings;
use self::retention::Retention;
use self::session::{SessionOptions, Sessions};
use self::shared_state::SharedState;
use self::sql::Statements;
use self::stream::Streams;
use self::system::ServerState;
use self::terminal::TerminalGrants;
use self::token::Tokens;
use self::user::Users;
use self::value::Values;
use self::vendors::VendorServices;
use crate::domain::Micros;
use crate::domain::notification::SmtpSettings;
use crate::query::named::NamedQueries;

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

/// The application: one per data directory, shared by every API. Each subject is a service, which keeps what it needs;
/// docs/services.md lists them with what each owns.
pub struct App {
    pub access: Arc<AccessControl>,
    pub alerts: Arc<AlertService>,
    pub audit: Arc<AuditLog>,
    pub backups: Arc<Backups>,
    pub blynk: Arc<Blynk>,
    pub certificates: Arc<Certificates>,
    pub clients: Arc<Clients>,
    pub commands: Arc<Commands>,
    pub devices: Arc<Devices>,
    pub direct_access: Arc<DirectAccess>,
    pub documents: Arc<Documents>,
    pub events: Arc<Events>,
    pub exports: Arc<Exports>,
    pub feeds: Arc<LiveFeeds>,
    pub gateway: Arc<Gateway>,
    pub groups: Arc<Groups>,
    pub hamachi: Arc<Hamachi>,
    pub ingest: Arc<Ingest>,
    pub inventory: Arc<InventoryFiles>,
    pub jobs: Arc<Jobs>,
    pub licensing: Arc<Licensing>,
    pub media: MediaServices,
    pub messages: Arc<Messages>,
    pub metrics: Arc<ServerMetrics>,
    pub mk: MkServices,
    pub models: Arc<ModelService>,
    pub mqtt: MqttServices,
    pub node: NodeServices,
    pub notifications: Arc<Notifications>,
    pub opcua_certificates: Arc<OpcuaCertificates>,
    pub owner_commands: Arc<OwnerCommands>,
    pub products: Arc<Products>,
    pub quarantine: Arc<Quarantine>,
    pub readings: Arc<SensorReadings>,
    pub retention: Arc<Retention>,
    pub server: Arc<ServerState>,
    pub sessions: Arc<Sessions>,
    pub statements: Arc<Statements>,
    pub streams: Arc<Streams>,
    pub tag_lists: Arc<TagLists>,
    pub terminal_grants: Arc<TerminalGrants>,
    pub tokens: Arc<Tokens>,
    pub users: Arc<Users>,
    pub values: Arc<Values>,
    pub vendors: VendorServices,
    parts: CoreParts,
    settings: AppSettings,
}

impl App {
    /// Builds every service once; a service is built after those that it calls. `ai` must be what the engine runs models with.
    pub fn new(parts: CoreParts, ai: ModelRuntime, settings: AppSettings) -> Self {
        let shared = SharedState::new(&parts, &settings);
        let calls = CalledServices::new(&parts, &settings, ai, &shared);
        let dependent = DependentServices::new(&parts, &settings, &calls, &shared);
        let measured = calls.of_metrics(&shared);
        let (access, audit) = (|| calls.access.clone(), || calls.audit.clone());
        Self {
            blynk: Arc::new(Blynk::new(&parts, calls.of_blynk(), shared.hub, &settings)),
            direct_access: Arc::new(DirectAccess::new(&parts, calls.devices.clone(), audit())),
            groups: Arc::new(Groups::new(&parts)),
            hamachi: Arc::new(Hamachi::new(access(), audit(), &settings.host)),
            ingest: Arc::new(Ingest::new(&parts, settings.series.clone())),
            licensing: Arc::new(Licensing::new(&parts, access(), &settings)),
            metrics: Arc::new(ServerMetrics::new(&parts, access(), measured, &settings)),
            opcua_certificates: Arc::new(OpcuaCertificates::new(&parts, access(), audit())),
            products: Arc::new(Products::new(&parts)),
            retention: Arc::new(Retention::new(&parts)),
            terminal_grants: Arc::new(TerminalGrants::new(&parts, access(), audit(), &settings)),
            tokens: Arc::new(Tokens::new(&parts, calls.of_tokens(), &settings)),
            backups: dependent.backups,
            exports: dependent.exports,
            gateway: dependent.gateway,
            inventory: dependent.inventory,
            jobs: dependent.jobs,
            media: dependent.media,
            messages: dependent.messages,
            mqtt: dependent.mqtt,
            node: dependent.node,
            owner_commands: dependent.owner_commands,
            quarantine: dependent.quarantine,
            tag_lists: dependent.tag_lists,
            users: dependent.users,
            vendors: dependent.vendors,
            access: calls.access,
            alerts: calls.alerts,
            audit: calls.audit,
            certificates: calls.certificates,
            clients: calls.clients,
            commands: calls.commands,
            devices: calls.devices,
            documents: calls.documents,
            events: calls.events,
            feeds: calls.feeds,
            mk: calls.mk,
            models: calls.models,
            notifications: calls.notifications,
            readings: calls.readings,
            server: calls.server,
            sessions: calls.sessions,
            statements: calls.statements,
            streams: calls.streams,
            values: calls.values,
            parts,
            settings,
        }
    }

    /// Returns the settings with which the server was started; they never change.
    pub fn settings(&self) -> &AppSettings {
        &self.settings
    }

    /// Returns the current time.
    pub fn now(&self) -> Micros {
        self.parts.clock.now()
    }
}
