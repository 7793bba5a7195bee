//! Services that other services call, each built after those that it calls.

use std::sync::Arc;

use super::AppSettings;
use super::access::AccessControl;
use super::ai::{ModelRuntime, ModelService};
use super::alert::AlertService;
use super::audit::AuditLog;
use super::blynk::BlynkCalls;
use super::certificate::Certificates;
use super::client::Clients;
use super::command::Commands;
use super::core_parts::CoreParts;
use super::device::Devices;
use super::document::Documents;
use super::event::Events;
use super::export::ExportCalls;
use super::gateway::GatewayCalls;
use super::live::LiveFeeds;
use super::media::MediaCalls;
use super::metrics::MetricSources;
use super::mk::{MkCalls, MkServices};
use super::notification::Notifications;
use super::password::PasswordWorkers;
use super::readings::SensorReadings;
use super::session::Sessions;
use super::shared_state::SharedState;
use super::sql::Statements;
use super::stream::Streams;
use super::system::ServerState;
use super::token::TokenCalls;
use super::value::Values;
use crate::fetch::Fetcher;

/// Services that other services call.
pub(super) struct CalledServices {
    pub access: Arc<AccessControl>,
    pub alerts: Arc<AlertService>,
    pub audit: Arc<AuditLog>,
    pub certificates: Arc<Certificates>,
    pub clients: Arc<Clients>,
    pub commands: Arc<Commands>,
    pub devices: Arc<Devices>,
    pub documents: Arc<Documents>,
    pub events: Arc<Events>,
    pub feeds: Arc<LiveFeeds>,
    pub mk: MkServices,
    pub models: Arc<ModelService>,
    pub notifications: Arc<Notifications>,
    pub readings: Arc<SensorReadings>,
    pub server: Arc<ServerState>,
    pub sessions: Arc<Sessions>,
    pub statements: Arc<Statements>,
    pub streams: Arc<Streams>,
    pub values: Arc<Values>,
    /// Hashes passwords for sessions and users.
    pub passwords: Arc<PasswordWorkers>,
}

impl CalledServices {
    /// Builds the services in the order of their calls: each gets those that it calls when it is made.
    pub fn new(
        parts: &CoreParts,
        settings: &AppSettings,
        ai: ModelRuntime,
        SharedState { hub, broker, fetcher, .. }: &SharedState,
    ) -> Self {
        let (access, audit) = (Arc::new(AccessControl::new(parts)), Arc::new(AuditLog::new(parts)));
        let passwords: Arc<PasswordWorkers> = Arc::default();
        let sessions = Sessions::new(parts, access.clone(), passwords.clone(), &settings.sessions);
        let statements = Arc::new(Statements::new(parts, settings.queries.clone(), audit.clone()));
        let streams = Arc::new(Streams::new(parts));
        let models = Arc::new(ModelService::new(parts, ai));
        let server = ServerState::new(parts, access.clone(), models.clone(), settings.data_dir.clone());
        let documents = Arc::new(Documents::new(parts));
        let devices = Arc::new(Devices::new(parts, hub.clone(), broker.retained.clone()));
        let certificates = Certificates::new(parts, devices.clone(), audit.clone(), &settings.data_dir);
        let (certificates, clients) = (Arc::new(certificates), Arc::new(Clients::new(parts, access.clone())));
        let of_mk = MkCalls {
            access: access.clone(),
            certificates: certificates.clone(),
            clients: clients.clone(),
            devices: devices.clone(),
            documents: documents.clone(),
            streams: streams.clone(),
            web: fetcher.clone(),
        };
        let mk = MkServices::new(parts, of_mk, settings);
        let events = Arc::new(Events::new(parts, fetcher.clone()));
        let of_notifications = (documents.clone(), audit.clone());
        let notifications = Notifications::new(parts, of_notifications, &settings.smtp, fetcher.clone());
        Self {
            alerts: Arc::new(AlertService::new(parts, events.clone())),
            access,
            audit,
            certificates,
            clients,
            commands: Arc::new(Commands::new(parts, &settings.commands)),
            devices,
            documents,
            events,
            feeds: Arc::new(LiveFeeds::new(parts, &settings.live)),
            models,
            notifications: Arc::new(notifications),
            readings: Arc::new(SensorReadings::new(parts, statements.clone(), mk.sensors.clone())),
            mk,
            server: Arc::new(server),
            sessions: Arc::new(sessions),
            values: Arc::new(Values::new(parts, streams.clone(), statements.clone())),
            statements,
            streams,
            passwords,
        }
    }

    /// Services for Blynk's API: devices, streams and values.
    pub fn of_blynk(&self) -> BlynkCalls {
        let (devices, streams) = (self.devices.clone(), self.streams.clone());
        BlynkCalls { devices, streams, values: self.values.clone() }
    }

    /// Services for exports: access, objects and sensors of the MK platform, and their readings.
    pub fn of_exports(&self) -> ExportCalls {
        ExportCalls {
            access: self.access.clone(),
            objects: self.mk.objects.clone(),
            sensors: self.mk.sensors.clone(),
            readings: self.readings.clone(),
        }
    }

    /// Services for the gateway: live feeds, devices and commands.
    pub fn of_gateway(&self) -> GatewayCalls {
        let (feeds, devices) = (self.feeds.clone(), self.devices.clone());
        GatewayCalls { feeds, devices, commands: self.commands.clone() }
    }

    /// Services for cameras and media: documents, objects of the MK platform, and the fetcher of URLs.
    pub fn of_media(&self, fetcher: &Arc<Fetcher>) -> MediaCalls {
        let (documents, objects) = (self.documents.clone(), self.mk.objects.clone());
        MediaCalls { documents, objects, web: fetcher.clone() }
    }

    /// Sources of `/metrics`: services and shared state that have counters.
    pub fn of_metrics(&self, shared: &SharedState) -> MetricSources {
        MetricSources {
            server: self.server.clone(),
            models: self.models.clone(),
            notifications: self.notifications.clone(),
            alerts: self.alerts.clone(),
            statements: self.statements.clone(),
            broker: shared.broker.clone(),
            readings: self.readings.counters.clone(),
            nodes: shared.nodes.clone(),
        }
    }

    /// Services for tokens: access, sessions and clients.
    pub fn of_tokens(&self) -> TokenCalls {
        let (access, sessions) = (self.access.clone(), self.sessions.clone());
        TokenCalls { access, sessions, clients: self.clients.clone() }
    }
}
