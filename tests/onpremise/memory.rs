//! Messages in memory, in place of those of a server.

use std::sync::{Arc, Mutex};

use basalt::app::onpremise::{
    DeviceMessage, DeviceMessagePage, MessageEvent, MessageFeed, MessageListQuery, MessageSource,
};
use basalt::domain::{Error, Micros, Result};
use futures::future::{BoxFuture, ready};
use futures::{FutureExt, StreamExt};
use serde_json::value::RawValue;
use tokio::sync::broadcast;
use uuid::Uuid;

/// Most events that a feed may be behind before it misses some.
const FEED_CAPACITY: usize = 100_000;

pub struct MemoryMessages {
    stored: Mutex<Vec<DeviceMessage>>,
    events: Mutex<broadcast::Sender<MessageEvent>>,
}

impl MemoryMessages {
    pub fn new() -> Arc<MemoryMessages> {
        let events = broadcast::Sender::new(FEED_CAPACITY);
        Arc::new(MemoryMessages { stored: Mutex::default(), events: Mutex::new(events) })
    }

    /// Stores a message of a device; its number is its uuid.
    pub fn store(&self, number: u32, device: &str, ts: i64, payload: &str) {
        let message = message(number, device, ts, payload);
        self.stored.lock().unwrap().push(message.clone());
        self.tell(MessageEvent::Data(message));
    }

    /// A device answers a status command.
    pub fn answer_status(&self, device: &str, ts: i64, payload: &str) {
        self.tell(MessageEvent::Status(message(0, device, ts, payload)));
    }

    /// Ends every feed, as when messages were missed.
    pub fn end_feeds(&self) {
        *self.events.lock().unwrap() = broadcast::Sender::new(FEED_CAPACITY);
    }

    /// The feeds that are open.
    pub fn feeds(&self) -> usize {
        self.events.lock().unwrap().receiver_count()
    }

    fn tell(&self, event: MessageEvent) {
        // Without a feed nobody is told.
        drop(self.events.lock().unwrap().send(event));
    }
}

fn message(number: u32, device: &str, ts: i64, payload: &str) -> DeviceMessage {
    DeviceMessage {
        uuid: Uuid::from_u128(u128::from(number) << 96),
        device_key: device.into(),
        ts: Micros(ts),
        payload: RawValue::from_string(payload.to_owned()).unwrap(),
    }
}

impl MessageSource for MemoryMessages {
    fn list<'a>(&'a self, query: &'a MessageListQuery) -> BoxFuture<'a, Result<DeviceMessagePage>> {
        let mut messages = self.stored.lock().unwrap().clone();
        messages.retain(|message| {
            *message.device_key == *query.device_key
                && query.from.is_none_or(|from| message.ts >= from)
                && query.to.is_none_or(|to| message.ts <= to)
        });
        query.sort.sort(&mut messages);
        let total = messages.len() as u64;
        let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
        let messages = messages.into_iter().skip(offset).take(query.limit as usize).collect();
        ready(Ok(DeviceMessagePage { messages, total })).boxed()
    }

    fn subscribe(&self) -> Result<MessageFeed> {
        let events = self.events.lock().unwrap().subscribe();
        let feed = futures::stream::unfold(Some(events), |events| async move {
            let mut events = events?;
            match events.recv().await {
                Ok(event) => Some((Ok(event), Some(events))),
                Err(_) => Some((Err(Error::unavailable("messages were missed")), None)),
            }
        });
        Ok(feed.boxed())
    }
}
