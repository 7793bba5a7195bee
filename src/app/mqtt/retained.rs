//! Retained messages: the last one of each topic of `basalt/…`, and of each document of a device of the MK platform, that
//! was published with the retain flag.

use super::retained_index::{AnnouncedMessage, canonical_topic};
use super::topics::{OWN_TREE, Route};
use super::{MqttAccess, MqttPublisher};
use crate::domain::device::Device;
use crate::domain::mqtt::{MqttChange, Qos, RetainedMessage, topic};
use crate::domain::{Error, Kind, Micros, OrgId, Principal, Resource, Result, Scope};

/// The names under which a device's topics exist: its external id, where that is a level of a topic, its UUID and its key.
pub(super) fn names(device: &Device) -> Vec<String> {
    let aliases = &device.aliases;
    let external = Some(&aliases.external_id).filter(|name| is_level(name)).cloned();
    external.into_iter().chain([aliases.uuid.to_string(), aliases.key.clone()]).collect()
}

/// Whether a name can be one level of a topic.
fn is_level(name: &str) -> bool {
    !name.contains('/') && topic::name_problem(name).is_none()
}

impl MqttPublisher {
    /// Checks that a message may be retained.
    ///
    /// # Errors
    /// `LimitReached` when the organization has too many.
    pub(super) fn check_retained_room(&self, who: &Principal, topic: &str, payload: &[u8]) -> Result<()> {
        let bytes = topic.len() + payload.len();
        if payload.is_empty() || self.state.retained.read().has_room(who.org, bytes) {
            return Ok(());
        }
        Err(Error::new(Kind::LimitReached, "the organization retains too many messages"))
    }

    /// Shows a message to new subscribers from now on. Who subscribes after that is sent it, and who has subscribed before is
    /// sent its value, which is written next.
    pub(super) fn announce_retained(&self, message: RetainedMessage) -> AnnouncedMessage<'_> {
        AnnouncedMessage::new(&self.state.retained, message)
    }

    /// Keeps a message whose value is written. It is durable when this returns.
    ///
    /// # Errors
    /// `Unavailable` when the catalog cannot be written.
    pub(super) async fn keep_retained(&self, message: AnnouncedMessage<'_>) -> Result<()> {
        let stored = {
            let mut index = self.state.retained.write();
            let kept = index.keep(message.org, &message.topic, message.number);
            // Inside of the lock, so that the catalog learns of changes in the order of the index.
            self.state.journal.record(match kept {
                Some(kept) => MqttChange::PutRetained(RetainedMessage::clone(&kept)),
                None => MqttChange::RemoveRetained(message.org, message.topic.clone()),
            })
        };
        stored.await?;
        // Its device may have been deleted meanwhile, which the catalog knows and the index does not.
        if self.store.catalog().devices.device(&Principal::system(message.org), message.device).is_err() {
            self.state.retained.write().remove(message.org, &message.topic);
        }
        Ok(())
    }

    /// Removes the retained message of a topic. That is durable when this returns.
    ///
    /// # Errors
    /// `Unavailable` when the catalog cannot be written.
    pub(super) async fn remove_retained(&self, org: OrgId, topic: String) -> Result<()> {
        let stored = {
            let mut index = self.state.retained.write();
            let was_there = index.remove(org, &topic);
            was_there.then(|| self.state.journal.record(MqttChange::RemoveRetained(org, topic)))
        };
        match stored {
            Some(stored) => stored.await,
            None => Ok(()),
        }
    }
}

impl MqttAccess {
    /// Prefix of the canonical topic of every message that a filter may match.
    pub(super) fn canonical_beginning(&self, who: &Principal, filter: &str) -> String {
        let is_literal = |level: &&str| !topic::has_wildcards(level);
        let levels: Vec<&str> = filter.split('/').take_while(is_literal).collect();
        match levels.as_slice() {
            [OWN_TREE, name, rest @ ..] => {
                let rest = rest.join("/");
                let stream = (!rest.is_empty()).then_some(rest.as_str());
                let device = self.named_device(who, name);
                device.map_or_else(|| filter.to_owned(), |device| canonical_topic(&device, stream))
            }
            levels => levels.join("/"),
        }
    }

    /// The topics under which a principal may see a retained message: of the devices that it may see whole, with the right
    /// that the topic asks for.
    pub(super) fn visible_topics(&self, who: &Principal, message: &RetainedMessage) -> Vec<String> {
        let Some(route) = Route::parse(&message.topic).filter(|route| may_read(who, route)) else {
            return Vec::new();
        };
        if !who.owns_device(message.org, message.device) {
            return Vec::new();
        }
        let Ok(device) = self.store.catalog().devices.device(who, message.device) else { return Vec::new() };
        match route {
            Route::Values { stream, .. } => {
                let rest = stream.map_or_else(String::new, |stream| format!("/{stream}"));
                names(&device).into_iter().map(|name| format!("{OWN_TREE}/{name}{rest}")).collect()
            }
            Route::Platform(named) => vec![named.name()],
            Route::Gateway(_) | Route::Facts | Route::Sparkplug(_) | Route::BridgeState => Vec::new(),
        }
    }
}

/// Whether a topic is one of a device's documents.
pub(super) fn is_document(topic: &str) -> bool {
    matches!(Route::parse(topic), Some(Route::Platform(_)))
}

/// Whether a principal may read what is retained under topics of this kind.
fn may_read(who: &Principal, route: &Route<'_>) -> bool {
    let resource = match route {
        Route::Values { .. } => Resource::Value,
        Route::Platform(_) | Route::Gateway(_) | Route::Facts | Route::Sparkplug(_) | Route::BridgeState => {
            Resource::Device
        }
    };
    who.require(Scope::read(resource)).is_ok()
}

/// The message that a device's topic retains, under its canonical name.
pub(super) fn message(
    device: &Device,
    (topic, payload): (String, &[u8]),
    qos: Qos,
    stored_at: Micros,
) -> RetainedMessage {
    let (org, device, payload) = (device.org, device.id, payload.into());
    RetainedMessage { org, device, topic, payload, qos, stored_at }
}
