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
pub mod core_parts;
pub mod cors;
pub mod device;
pub mod device_clock;
pub mod device_health;
pub mod device_history;
pub mod direct_access;
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
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use self::access::AccessControl;
use self::ai::{ModelRuntime, ModelService};
use self::alert::AlertService;
use self::audit::AuditLog;
use self::blynk::{Blynk, BlynkCalls};
use self::client::Clients;
use self::command::Commands;
use self::core_parts::CoreParts;
use self::device::Devices;
use self::direct_access::DirectAccess;
use self::document::Documents;
use self::event::Events;
use self::gateway::{Gateway, GatewayCalls, GatewayHub};
use self::group::Groups;
use self::health::DiskProbe;
use self::ingest::Ingest;
use self::inventory::tag_list::TagLists;
use self::live::LiveFeeds;
use self::messages::Messages;
use self::notification::Notifications;
use self::password::PasswordWorkers;
use self::product::Products;
use self::quarantine::Quarantine;
use self::retention::Retention;
use self::session::{SessionOptions, Sessions};
use self::sql::Statements;
use self::stream::Streams;
use self::token::{TokenCalls, Tokens};
use self::user::Users;
use self::value::Values;
use crate::domain::cluster::ClusterNode;
use crate::domain::notification::SmtpSettings;
use crate::domain::{Clock, Micros};
use crate::fetch::Fetcher;
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

/// The application: one per data directory, shared by every API. Each subject is a service, which keeps what it needs;
/// docs/services.md lists them with what each owns.
pub struct App {
    pub access: Arc<AccessControl>,
    pub alerts: Arc<AlertService>,
    pub audit: Arc<AuditLog>,
    pub blynk: Arc<Blynk>,
    pub clients: Arc<Clients>,
    pub commands: Arc<Commands>,
    pub devices: Arc<Devices>,
    pub direct_access: Arc<DirectAccess>,
    pub documents: Arc<Documents>,
    pub events: Arc<Events>,
    pub feeds: Arc<LiveFeeds>,
    pub gateway: Arc<Gateway>,
    pub groups: Arc<Groups>,
    pub ingest: Arc<Ingest>,
    pub messages: Arc<Messages>,
    pub models: Arc<ModelService>,
    pub notifications: Arc<Notifications>,
    pub products: Arc<Products>,
    pub quarantine: Arc<Quarantine>,
    pub retention: Arc<Retention>,
    pub sessions: Arc<Sessions>,
    pub statements: Arc<Statements>,
    pub streams: Arc<Streams>,
    pub tag_lists: Arc<TagLists>,
    pub tokens: Arc<Tokens>,
    pub users: Arc<Users>,
    pub values: Arc<Values>,
    store: Arc<Store>,
    engine: Arc<Engine>,
    /// States of devices, written by collectors and the MQTT broker and read by SQL. Empty in command-line processes.
    states: collector_ports::CollectorStates,
    clock: Arc<dyn Clock>,
    settings: AppSettings,
    disk_probe: DiskProbe,
    start: system::StartTime,
    connections: connections::ListenerGauges,
    inventory_files: inventory::api_file::InventoryFileLimits,
    host: host::HostServices,
    mqtt: mqtt::BrokerState,
    readings: readings::ReadingIntake,
    mk: mk::MkState,
    exports: export::ExportQueue,
    media: media::MediaServices,
    /// Jobs that write and verify backups, one at a time.
    backups: Arc<job::Jobs>,
    /// Nodes of the cluster at the last renewal.
    nodes: RwLock<Arc<Vec<ClusterNode>>>,
}

/// Services that other services call.
struct CalledServices {
    access: Arc<AccessControl>,
    audit: Arc<AuditLog>,
    clients: Arc<Clients>,
    commands: Arc<Commands>,
    devices: Arc<Devices>,
    documents: Arc<Documents>,
    events: Arc<Events>,
    feeds: Arc<LiveFeeds>,
    sessions: Arc<Sessions>,
    statements: Arc<Statements>,
    streams: Arc<Streams>,
    values: Arc<Values>,
    /// Hashes passwords for sessions and users.
    passwords: Arc<PasswordWorkers>,
}

impl CalledServices {
    fn new(
        parts: &CoreParts,
        settings: &AppSettings,
        (devices, fetcher): (Arc<Devices>, Arc<Fetcher>),
    ) -> Self {
        let (access, audit) = (Arc::new(AccessControl::new(parts)), Arc::new(AuditLog::new(parts)));
        let passwords: Arc<PasswordWorkers> = Arc::default();
        let sessions = Sessions::new(parts, access.clone(), passwords.clone(), &settings.sessions);
        let statements = Arc::new(Statements::new(parts, settings.queries.clone(), audit.clone()));
        let streams = Arc::new(Streams::new(parts));
        Self {
            clients: Arc::new(Clients::new(parts, access.clone())),
            access,
            audit,
            commands: Arc::new(Commands::new(parts, &settings.commands)),
            devices,
            documents: Arc::new(Documents::new(parts)),
            events: Arc::new(Events::new(parts, fetcher)),
            feeds: Arc::new(LiveFeeds::new(parts, &settings.live)),
            sessions: Arc::new(sessions),
            values: Arc::new(Values::new(parts, streams.clone(), statements.clone())),
            statements,
            streams,
            passwords,
        }
    }

    fn of_blynk(&self) -> BlynkCalls {
        let (devices, streams) = (self.devices.clone(), self.streams.clone());
        BlynkCalls { devices, streams, values: self.values.clone() }
    }

    fn of_gateway(&self) -> GatewayCalls {
        let (feeds, devices) = (self.feeds.clone(), self.devices.clone());
        GatewayCalls { feeds, devices, commands: self.commands.clone() }
    }

    fn of_tokens(&self) -> TokenCalls {
        let (access, sessions) = (self.access.clone(), self.sessions.clone());
        TokenCalls { access, sessions, clients: self.clients.clone() }
    }
}

impl App {
    /// Builds every service once; a service is built after those that it calls. `ai` must be what the engine runs models with.
    pub fn new(parts: CoreParts, ai: ModelRuntime, settings: AppSettings) -> Self {
        let host = host::HostServices::new(&settings.host);
        let mqtt = mqtt::BrokerState::new(parts.store.clone(), &settings.mqtt, parts.states.sessions.clone());
        let hub: Arc<GatewayHub> = Arc::default();
        let devices = Arc::new(Devices::new(&parts, hub.clone(), mqtt.retained.clone()));
        let calls = CalledServices::new(&parts, &settings, (devices, host.fetcher.clone()));
        let of_notifications = (calls.documents.clone(), calls.audit.clone());
        let fetcher = host.fetcher.clone();
        Self {
            alerts: Arc::new(AlertService::new(&parts, calls.events.clone())),
            blynk: Arc::new(Blynk::new(&parts, calls.of_blynk(), hub.clone(), &settings)),
            direct_access: Arc::new(DirectAccess::new(&parts, calls.devices.clone(), calls.audit.clone())),
            gateway: Arc::new(Gateway::new(&parts, hub.clone(), calls.of_gateway(), &settings.messages)),
            groups: Arc::new(Groups::new(&parts)),
            ingest: Arc::new(Ingest::new(&parts, settings.series.clone())),
            messages: Arc::new(Messages::new(&parts, hub, &settings.messages)),
            models: Arc::new(ModelService::new(&parts, ai)),
            notifications: Arc::new(Notifications::new(&parts, of_notifications, &settings.smtp, fetcher)),
            products: Arc::new(Products::new(&parts)),
            quarantine: Arc::new(Quarantine::new(&parts)),
            retention: Arc::new(Retention::new(&parts)),
            tag_lists: Arc::new(TagLists::new(&parts)),
            tokens: Arc::new(Tokens::new(&parts, calls.of_tokens(), &settings)),
            users: Arc::new(Users::new(&parts, calls.access.clone(), calls.passwords)),
            access: calls.access,
            audit: calls.audit,
            clients: calls.clients,
            commands: calls.commands,
            devices: calls.devices,
            documents: calls.documents,
            events: calls.events,
            feeds: calls.feeds,
            sessions: calls.sessions,
            statements: calls.statements,
            streams: calls.streams,
            values: calls.values,
            disk_probe: DiskProbe::default(),
            start: system::StartTime::new(parts.clock.as_ref()),
            connections: Default::default(),
            inventory_files: Default::default(),
            host,
            mqtt,
            readings: Default::default(),
            mk: mk::MkState::default(),
            exports: export::ExportQueue::default(),
            media: media::MediaServices::new(&settings.media),
            backups: Arc::new(job::Jobs::new(parts.store.clone(), 1)),
            nodes: RwLock::default(),
            store: parts.store,
            engine: parts.engine,
            states: parts.states,
            clock: parts.clock,
            settings,
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
