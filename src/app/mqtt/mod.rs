//! MQTT broker: topics are calls of the core, and subscribers are sent live values, commands and retained messages.
//!
//! A message is acknowledged when its call is done, so a PUBACK of a reading means what 200 means over HTTP. Sessions,
//! wills and retained messages are in the catalog. The queue of an offline session is not copied: its live values are in
//! the log and the lake, its commands in the catalog, and the session remembers how far it has come. Messages of Sparkplug
//! are handed on to clients that are connected (`relay.rs`).

pub mod access;
mod commands;
mod device_document;
mod feed;
mod journal;
pub mod message;
pub mod metrics;
mod notices;
mod payload;
mod platform;
mod publish;
mod queue_account;
mod refusal_log;
mod registry;
mod relay;
mod retained;
pub(super) mod retained_index;
mod retained_pass;
mod retained_queue;
mod samples;
pub mod session;
pub mod session_end;
mod session_memory;
pub mod session_start;
mod sparkplug;
pub mod subscribe;
mod topics;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use self::journal::Journal;
use self::metrics::MqttCounters;
use self::notices::NoticeChannels;
use self::queue_account::QueueAccount;
use self::registry::{SessionRegistry, SessionStatuses};
use self::relay::Relay;
use self::retained_index::RetainedIndex;
use self::samples::ReportedTexts;
use crate::app::AppSettings;
use crate::app::access::AccessControl;
use crate::app::certificate::Certificates;
use crate::app::collector_ports::CollectorStates;
use crate::app::command::Commands;
use crate::app::core_parts::CoreParts;
use crate::app::device::Devices;
use crate::app::gateway::Gateway;
use crate::app::live::{LiveFeeds, SubscriptionLimiter};
use crate::app::messages::Messages;
use crate::app::mk::commands::DeviceCommands;
use crate::app::mk::configuration::Configurations;
use crate::app::mk::firmware::Firmware;
use crate::app::readings::SensorReadings;
use crate::auth::rate_limiter::RateLimiter;
use crate::domain::Clock;
use crate::domain::ports::MqttSessionSource;
use crate::store::Store;

pub use self::publish::{Publication, PublishOutcome};
pub use self::registry::SessionEviction;

/// Settings of the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MqttSettings {
    /// How long a session may outlive its connection, at most.
    pub session_expiry: Duration,
    /// Largest packet of a client that has connected, bytes.
    pub max_packet: usize,
    /// Maximum sessions that follow live values at the same time.
    pub subscribed_sessions: usize,
}

impl Default for MqttSettings {
    fn default() -> Self {
        Self {
            session_expiry: Duration::from_secs(7 * 86_400),
            max_packet: 320 * 1024,
            subscribed_sessions: 10_000,
        }
    }
}

/// State of the broker.
pub(super) struct BrokerState {
    sessions: Arc<Mutex<SessionRegistry>>,
    pub(super) retained: Arc<RwLock<RetainedIndex>>,
    journal: Arc<Journal>,
    counters: Arc<MqttCounters>,
    queues: Arc<QueueAccount>,
    notices: NoticeChannels,
    relay: Arc<Relay>,
    reported_texts: ReportedTexts,
    /// A key may have any number of clients, so there is no limit for each caller.
    feeds: SubscriptionLimiter,
    refusal_lines: Mutex<RateLimiter<String>>,
}

impl BrokerState {
    pub(super) fn new(store: Arc<Store>, settings: &MqttSettings) -> Self {
        let most = settings.subscribed_sessions;
        let queues: Arc<QueueAccount> = Arc::default();
        Self {
            feeds: SubscriptionLimiter::new("mqtt.subscribed_sessions", most, most),
            sessions: Arc::default(),
            retained: Arc::default(),
            journal: Arc::new(Journal::new(store)),
            counters: Arc::default(),
            notices: NoticeChannels::new(queues.clone()),
            queues,
            relay: Arc::default(),
            reported_texts: ReportedTexts::default(),
            refusal_lines: Mutex::new(RateLimiter::new(refusal_log::LINES)),
        }
    }

    /// Returns the statuses of the sessions, for the states of devices: SQL and other nodes see them there.
    pub(super) fn session_statuses(&self) -> Arc<dyn MqttSessionSource> {
        Arc::new(SessionStatuses(self.sessions.clone()))
    }
}

/// Rights at the broker: who connects, and which devices and topics are theirs.
pub struct MqttAccess {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    state: Arc<BrokerState>,
    control: Arc<AccessControl>,
    feeds: Arc<LiveFeeds>,
}

/// Messages from clients, each one call of the service that it is for.
pub struct MqttPublisher {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    state: Arc<BrokerState>,
    access: Arc<MqttAccess>,
    commands: Arc<Commands>,
    configurations: Arc<Configurations>,
    device_commands: Arc<DeviceCommands>,
    gateway: Arc<Gateway>,
    messages: Arc<Messages>,
    readings: Arc<SensorReadings>,
    /// Streams that one message creates, at most.
    max_new_streams: usize,
}

/// Sessions of clients, from their start to their end, with what they are sent.
pub struct MqttSessions {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    states: CollectorStates,
    state: Arc<BrokerState>,
    access: Arc<MqttAccess>,
    publisher: Arc<MqttPublisher>,
    certificates: Arc<Certificates>,
    commands: Arc<Commands>,
    configurations: Arc<Configurations>,
    devices: Arc<Devices>,
    feeds: Arc<LiveFeeds>,
    firmware: Arc<Firmware>,
    gateway: Arc<Gateway>,
    /// How long a session may outlive its connection, at most.
    session_expiry: Duration,
}

/// The services of the broker.
pub struct MqttServices {
    pub access: Arc<MqttAccess>,
    pub publisher: Arc<MqttPublisher>,
    pub sessions: Arc<MqttSessions>,
}

/// Services that those of the broker call.
pub(super) struct MqttCalls {
    pub access: Arc<AccessControl>,
    pub certificates: Arc<Certificates>,
    pub commands: Arc<Commands>,
    pub configurations: Arc<Configurations>,
    pub device_commands: Arc<DeviceCommands>,
    pub devices: Arc<Devices>,
    pub feeds: Arc<LiveFeeds>,
    pub firmware: Arc<Firmware>,
    pub gateway: Arc<Gateway>,
    pub messages: Arc<Messages>,
    pub readings: Arc<SensorReadings>,
}

impl MqttServices {
    /// Builds each service after those that it calls.
    pub(super) fn new(
        parts: &CoreParts,
        calls: MqttCalls,
        state: Arc<BrokerState>,
        settings: &AppSettings,
    ) -> Self {
        let MqttCalls { commands, configurations, feeds, gateway, .. } = calls;
        let (store, clock) = (|| parts.store.clone(), || parts.clock.clone());
        let access = Arc::new(MqttAccess {
            store: store(),
            clock: clock(),
            state: state.clone(),
            control: calls.access,
            feeds: feeds.clone(),
        });
        let publisher = Arc::new(MqttPublisher {
            store: store(),
            clock: clock(),
            state: state.clone(),
            access: access.clone(),
            commands: commands.clone(),
            configurations: configurations.clone(),
            device_commands: calls.device_commands,
            gateway: gateway.clone(),
            messages: calls.messages,
            readings: calls.readings,
            max_new_streams: settings.series.max_new_streams,
        });
        let sessions = MqttSessions {
            store: store(),
            clock: clock(),
            states: parts.states.clone(),
            state,
            access: access.clone(),
            publisher: publisher.clone(),
            certificates: calls.certificates,
            commands,
            configurations,
            devices: calls.devices,
            feeds,
            firmware: calls.firmware,
            gateway,
            session_expiry: settings.mqtt.session_expiry,
        };
        Self { access, publisher, sessions: Arc::new(sessions) }
    }
}
