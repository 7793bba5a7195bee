//! Topics of the MK platform below `v1/`, each of one organization and device: what its devices publish and are sent.
//!
//! A device is sent its commands and its desired configuration; nobody else gets the commands, because a second subscriber
//! would take them from its queue. Its status and its reported configuration are documents: the last of each is retained, and
//! subscribers of its organization see every new one.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::broadcast::error::RecvError;

use super::device_document::{DesiredTopic, DeviceNotice};
use super::message::{MessageSource, OutboundMessage};
use super::notices::Notice;
use super::publish::Publication;
use super::retained_pass::RetainedRequest;
use super::session::MqttSession;
use super::topics::{PLATFORM_TREE, PlatformCall, PlatformTopic};
use super::{MqttAccess, MqttPublisher, access, retained};
use crate::app::readings::ReadingSource;
use crate::domain::caller::Caller;
use crate::domain::command::Command;
use crate::domain::device::Device;
use crate::domain::mqtt::{Qos, Subscription, topic};
use crate::domain::{DeviceId, Error, OrgId, Principal, Resource, Result, Scope, device_json};

impl MqttAccess {
    /// Finds the device of a topic to which a principal publishes.
    ///
    /// # Errors
    /// `Forbidden` without the scope, for another organization, and for a device that is not there.
    pub(super) fn platform_publisher(&self, who: &Principal, named: PlatformTopic) -> Result<Arc<Device>> {
        who.require(Scope::write(match named.call {
            PlatformCall::Readings | PlatformCall::Health => Resource::Value,
            PlatformCall::CommandResponse | PlatformCall::Status | PlatformCall::ReportedConfiguration => {
                Resource::Device
            }
        }))?;
        if self.control.org_uuid(who)? != named.org {
            return Err(access::topic_forbidden_error());
        }
        let found = self.store.catalog().devices.device_by_uuid(&Principal::system(who.org), named.device);
        found.map_err(|_| access::topic_forbidden_error())
    }

    /// Whether the rest of a filter that begins with `v1` names an organization and a device of the principal, or
    /// wildcards.
    pub(super) fn may_see_platform<'a>(&self, who: &Principal, rest: impl Iterator<Item = &'a str>) -> bool {
        let rest: Vec<&str> = rest.collect();
        let is_tree = |level: &str| matches!(level, "readings" | "gateways") || topic::has_wildcards(level);
        let is_org = |level: &str| topic::has_wildcards(level) || self.is_own_org(who, level);
        let may_read = |resource| who.require(Scope::read(resource)).is_ok();
        let has_right = match rest.first() {
            Some(&"readings") => may_read(Resource::Value),
            Some(&"gateways") => may_read(Resource::Device),
            Some(_) | None => may_read(Resource::Value) || may_read(Resource::Device),
        };
        has_right
            && rest.first().is_some_and(|tree| is_tree(tree))
            && rest.get(1).map_or(rest[0] == "#", |org| is_org(org))
            && rest.get(2).is_none_or(|device| self.may_see(who, Some(device)))
    }

    /// Whether a principal may see the documents of a device: they tell of the device as a whole.
    pub(super) fn sees_documents(&self, who: &Principal, org: OrgId, device: DeviceId) -> bool {
        who.require(Scope::read(Resource::Device)).is_ok()
            && who.owns_device(org, device)
            && self.store.catalog().devices.device(who, device).is_ok()
    }

    fn is_own_org(&self, who: &Principal, level: &str) -> bool {
        self.control.org_uuid(who).is_ok_and(|own| own.to_string() == level)
    }

    /// The topic below which a device is sent commands and configuration: `v1/gateways/{organization}/{device}`.
    pub(super) fn platform_gateway(&self, who: &Principal, device: &Device) -> Result<String> {
        Ok(format!("{PLATFORM_TREE}/gateways/{}/{}", self.control.org_uuid(who)?, device.aliases.uuid))
    }
}

impl MqttPublisher {
    pub(super) async fn publish_to_platform(
        &self,
        who: &Principal,
        named: PlatformTopic,
        publication: &Publication,
    ) -> Result<()> {
        let Publication { payload, qos, is_retained, .. } = publication;
        let device = self.access.platform_publisher(who, named)?;
        let rights = self.access.rights_on(who, &device)?;
        let topic = named.name();
        let is_retained = *is_retained && named.call.is_retainable();
        if is_retained {
            self.check_retained_room(who, &topic, payload)?;
        }
        // An empty payload removes the retained message and says nothing else.
        if is_retained && payload.is_empty() {
            self.remove_retained(device.org, topic.clone()).await?;
        } else {
            self.receive_from_device(&rights, &device, (named.call, &topic), payload).await?;
            if is_retained {
                let (topic, now) = (topic.clone(), self.clock.now());
                let message = retained::message(&device, (topic, &payload[..]), *qos, now);
                self.keep_retained(self.announce_retained(message)).await?;
            }
        }
        if named.call != PlatformCall::Readings {
            let (org, device, payload) = (device.org, device.id, payload.clone());
            let notice = DeviceNotice { org, device, topic: topic.into(), payload, qos: *qos };
            self.state.notices.send(notice);
        }
        Ok(())
    }

    async fn receive_from_device(
        &self,
        rights: &Principal,
        device: &Device,
        (call, topic): (PlatformCall, &str),
        payload: &[u8],
    ) -> Result<()> {
        let payload = device_json::trimmed(payload);
        match call {
            PlatformCall::Readings => {
                let device = Some(device.id);
                let source = ReadingSource { principal: rights, device, topic, is_answered: false };
                self.readings.receive_readings(&source, payload).await.map(drop)
            }
            PlatformCall::CommandResponse => {
                self.device_commands.report_device_command(rights, device.id, payload).await.map(drop)
            }
            PlatformCall::Health => self.readings.report_health(rights, device.id, payload).await,
            PlatformCall::Status => check_status(payload),
            PlatformCall::ReportedConfiguration => {
                self.configurations.report_configuration(rights, device.id, payload).await.map(drop)
            }
        }
    }
}

/// Checks a status: `{"status":"online"|"offline","timestamp"?}`. Whether the device is connected is known from its
/// session; the status is for its subscribers.
fn check_status(payload: &[u8]) -> Result<()> {
    let malformed = |e: serde_json::Error| Error::invalid("the status is no JSON object").with_source(e);
    let members: Map<String, Value> = device_json::parse(payload).map_err(malformed)?;
    match members.get("status").and_then(Value::as_str) {
        Some("online" | "offline") => Ok(()),
        _ => Err(Error::field("status", "must be one of online, offline")),
    }
}

impl MqttSession {
    /// Stops following the documents of devices and the device's own configuration, as far as no subscription needs them.
    pub(super) fn release_platform(&mut self) {
        if !self.has_platform_filter() {
            self.notices = None;
        }
        let topic = self.desired.as_ref().map(|desired| desired.topic.clone());
        if topic.is_some_and(|topic| self.platform_qos_of(&topic).is_none()) {
            self.desired = None;
        }
    }

    /// Follows the documents of devices and the device's own configuration, as far as the subscriptions need it.
    pub(super) fn follow_platform(&mut self) -> Result<()> {
        if self.notices.is_none() && self.has_platform_filter() {
            self.notices = Some(self.broker.state.notices.subscribe(self.principal().org));
        }
        if self.desired.is_some() {
            return Ok(());
        }
        let device = match self.principal().caller {
            Caller::Device(id) => self.broker.store.catalog().devices.device(self.principal(), id).ok(),
            _ => None,
        };
        let Some(device) = device else { return Ok(()) };
        let topic =
            format!("{}/config/desired", self.broker.access.platform_gateway(self.principal(), &device)?);
        if self.platform_qos_of(&topic).is_some() {
            let feed = self
                .broker
                .configurations
                .follow_desired_configuration(self.principal().clone(), device.id)?;
            self.desired = Some(DesiredTopic { feed, topic: topic.into(), is_first: true });
        }
        Ok(())
    }

    fn has_platform_filter(&self) -> bool {
        self.subscriptions.iter().any(|known| is_of_platform(&known.filter))
    }

    /// The highest quality of service of those subscriptions of the platform's tree that match a topic.
    fn platform_qos_of(&self, name: &str) -> Option<Qos> {
        self.qos_of(name, |known| is_of_platform(&known.filter))
    }

    /// Queues a document of a device for this subscriber, if it may see it.
    pub(super) fn queue_notice(&mut self, notice: Result<Notice, RecvError>) {
        match notice {
            Ok(Notice::Document(charged)) => {
                let notice = &charged.notice;
                if !self.broker.access.sees_documents(self.principal(), notice.org, notice.device) {
                    return;
                }
                let Some(qos) = self.platform_qos_of(&notice.topic) else { return };
                let (topic, payload) = (notice.topic.clone(), notice.payload.clone());
                let (qos, source) = (qos.min(notice.qos), MessageSource::Document);
                self.queue(OutboundMessage { topic, payload, qos, is_retained: false, source });
            }
            Ok(Notice::Missed) | Err(RecvError::Lagged(_)) => self.request_documents(),
            // The server is shutting down, which ends the session.
            Err(RecvError::Closed) => self.notices = None,
        }
    }

    /// Asks for the newest documents, of which some were missed.
    fn request_documents(&mut self) {
        for Subscription { filter, qos } in &self.subscriptions {
            if is_of_platform(filter) {
                let (filter, qos) = (filter.clone(), *qos);
                let request = RetainedRequest { filter, qos, up_to: u64::MAX, is_documents_only: true };
                self.memory.retained.request(request);
            }
        }
    }

    /// Queues the desired configuration of the session's device.
    pub(super) fn queue_desired(&mut self, document: Result<Value>) {
        let Some(desired) = &mut self.desired else { return };
        match document {
            Ok(document) => {
                let (topic, is_retained) = (desired.topic.clone(), std::mem::take(&mut desired.is_first));
                // Without a subscription it is not followed.
                let Some(qos) = self.platform_qos_of(&topic) else { return };
                let (payload, source) = (document.to_string().into(), MessageSource::Document);
                self.queue(OutboundMessage { topic, payload, qos, is_retained, source });
            }
            Err(error) => {
                let caller = self.principal().caller.to_string();
                tracing::warn!(%caller, error = error.full_message(), "the configuration of a device is not sent");
                self.desired = None;
            }
        }
    }

    /// The topic of a command for the session's own device, and its quality of service.
    pub(super) fn platform_command_topic(&self, command: &Command) -> Option<(String, Qos)> {
        let who = self.principal();
        if who.caller != Caller::Device(command.spec.device) {
            return None;
        }
        let device = self.broker.store.catalog().devices.device(who, command.spec.device).ok()?;
        let topic = format!("{}/commands", self.broker.access.platform_gateway(who, &device).ok()?);
        let qos = self.qos_of(&topic, |known| known.filter.starts_with(PLATFORM_TREE))?;
        Some((topic, qos))
    }

    /// The highest quality of service of those subscriptions that match a topic.
    pub(super) fn qos_of(&self, name: &str, is_wanted: impl Fn(&Subscription) -> bool) -> Option<Qos> {
        let own = self.subscriptions.iter().filter(|known| is_wanted(known));
        own.filter(|known| topic::matches(&known.filter, name)).map(|known| known.qos).max()
    }
}

/// Whether a filter or a topic may be of the platform's tree.
fn is_of_platform(filter: &str) -> bool {
    matches!(filter.split('/').next(), Some(PLATFORM_TREE | "+" | "#"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_online_or_offline() {
        for (text, is_right) in [
            (r#"{"status":"online","timestamp":"2026-11-22T12:00:00Z"}"#, true),
            (r#"{"status":"offline"}"#, true),
            (r#"{"status":"asleep"}"#, false),
            (r#"{"status":1}"#, false),
            ("{}", false),
            ("online", false),
            ("", false),
        ] {
            assert_eq!(check_status(text.as_bytes()).is_ok(), is_right, "{text}");
        }
    }
}
