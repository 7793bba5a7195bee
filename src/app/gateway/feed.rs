//! Feed of gateways' reports and of messages, for WebSocket subscribers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::event::GatewayEvent;
use super::hub::GatewayHub;
use crate::app::gateway::Gateway;
use crate::app::live::SubscriptionPermit;
use crate::domain::command::Command;
use crate::domain::message::{Message, MessageContent, MessageSensor};
use crate::domain::reading::{Reading, Readings};
use crate::domain::subscription::SubscriptionFilter;
use crate::domain::{DeviceId, Error, Micros, Principal, Resource, Result, Scope};
use crate::store::Store;
use crate::store::live::filtered_tail::{FilteredItem, FilteredTail};

/// Maximum readings examined at once.
const MAX_READINGS: usize = 4096;

/// Item for a follower.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedItem {
    Event(GatewayEvent),
    /// Readings of one device and time that did not come as a message: a derived message.
    Derived(DerivedReadings),
    /// The follower was too slow: some events were skipped.
    Missed,
}

/// The readings of one request for one device and time.
#[derive(Debug, Clone, PartialEq)]
pub struct DerivedReadings {
    pub device: DeviceId,
    pub ts: Micros,
    /// By stream.
    pub readings: Vec<Reading>,
}

/// A feed of one principal, from its opening on. Whoever holds it closes it when the credential behind it ends.
pub struct GatewayFeed {
    who: Arc<Principal>,
    store: Arc<Store>,
    hub: Arc<GatewayHub>,
    events: broadcast::Receiver<GatewayEvent>,
    commands: broadcast::Receiver<Arc<Command>>,
    /// `None` when no messages are derived.
    readings: Option<FilteredTail>,
    waiting: VecDeque<FeedItem>,
    _permit: SubscriptionPermit,
}

impl Gateway {
    /// Subscribes to everything that gateways report about the devices that the principal sees completely, to their
    /// messages, and to derived ones unless these are switched off.
    ///
    /// # Errors
    /// `Forbidden` without the scopes `device:read` and `value:read`; `Busy` or `Throttled` when there are too many
    /// feeds.
    pub fn gateway_feed(&self, who: Arc<Principal>) -> Result<GatewayFeed> {
        who.require(Scope::read(Resource::Device))?;
        who.require(Scope::read(Resource::Value))?;
        let readings = match self.derives {
            true => {
                let from = self.store.current_position();
                Some(self.store.subscribe(who.clone(), SubscriptionFilter::default(), from)?)
            }
            false => None,
        };
        Ok(GatewayFeed {
            _permit: self.feeds.acquire_subscription(&who)?,
            events: self.hub.subscribe(who.org),
            commands: self.store.catalog().commands.subscribe_command_changes(&who),
            store: self.store.clone(),
            hub: self.hub.clone(),
            readings,
            waiting: VecDeque::new(),
            who,
        })
    }
}

impl GatewayFeed {
    /// Waits for the next item. Dropping the future loses nothing.
    ///
    /// # Errors
    /// `Unavailable` when the server is shutting down.
    pub async fn next(&mut self) -> Result<FeedItem> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Ok(item);
            }
            let Self { events, commands, readings, .. } = self;
            let readings = async {
                match readings {
                    Some(tail) => tail.next(MAX_READINGS).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = events.recv() => self.add_event(event)?,
                command = commands.recv() => self.add_event(command.map(GatewayEvent::Command))?,
                found = readings => match found? {
                    FilteredItem::Readings(readings) => self.add_readings(&readings),
                    FilteredItem::Gap(_) => self.waiting.push_back(FeedItem::Missed),
                },
            }
        }
    }

    /// The message that stands for readings; those of streams that were deleted meanwhile are left out.
    pub fn derived_message(&self, derived: DerivedReadings) -> Message {
        let DerivedReadings { device, ts, mut readings } = derived;
        readings.sort_unstable_by_key(|reading| reading.stream);
        let catalog = self.store.catalog();
        let known = readings
            .iter()
            .filter_map(|reading| Some((reading, catalog.streams.stream(&self.who, reading.stream).ok()?)));
        let sensors = (1..)
            .zip(known)
            .map(|(index, (reading, stream))| MessageSensor::of_reading(index, &stream, reading))
            .collect();
        Message { device, ts, content: MessageContent::Derived, sensors }
    }

    fn add_event(&mut self, event: Result<GatewayEvent, RecvError>) -> Result<()> {
        match event {
            Ok(event) if self.who.owns_device(self.who.org, event.device()) => {
                self.waiting.push_back(FeedItem::Event(event));
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => self.waiting.push_back(FeedItem::Missed),
            Err(RecvError::Closed) => return Err(Error::unavailable("the server is shutting down")),
        }
        Ok(())
    }

    /// Groups readings by device and time, without those that a stored message holds.
    fn add_readings(&mut self, readings: &Readings) {
        let mut found: BTreeMap<(i64, DeviceId), Vec<Reading>> = BTreeMap::new();
        for reading in readings.iter() {
            let Some(stream) = self.store.catalog().streams.stream_write_info(reading.stream) else {
                continue;
            };
            let is_derived = self.who.owns_device(stream.org, stream.device)
                && !self.hub.has_stored(stream.device, reading.ts.0);
            if is_derived {
                found.entry((reading.ts.0, stream.device)).or_default().push(reading);
            }
        }
        for ((ts, device), readings) in found {
            self.waiting.push_back(FeedItem::Derived(DerivedReadings { device, ts: Micros(ts), readings }));
        }
    }
}
