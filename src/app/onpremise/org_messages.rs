//! The messages of the organization that the on-premise interface serves, as the core has them.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use serde_json::value::RawValue;

use super::{
    DeviceMessage, DeviceMessagePage, MessageEvent, MessageFeed, MessageListQuery, MessageSource, SortKey,
};
use crate::app::compat::CompatOrg;
use crate::app::core_parts::CoreParts;
use crate::app::gateway::Gateway;
use crate::app::gateway::event::GatewayEvent;
use crate::app::gateway::feed::{FeedItem, GatewayFeed};
use crate::app::messages::Messages;
use crate::domain::command::{Command, CommandState, STATUS_KIND};
use crate::domain::message::query::{
    MAX_PAGE_MESSAGES, MessageFilter, MessageOrder, MessagePage, MessageQuery,
};
use crate::domain::message::{Message, MessageContent};
use crate::domain::{DeviceId, Error, Kind, Micros, Principal, Result};
use crate::store::Store;

/// The messages of one organization.
struct OrgMessages {
    service: Arc<OnPremiseMessages>,
    /// Reads the devices and values of the organization, and nothing else.
    who: Arc<Principal>,
}

/// Messages of the organization that the on-premise interface serves.
pub struct OnPremiseMessages {
    store: Arc<Store>,
    gateway: Arc<Gateway>,
    messages: Arc<Messages>,
    org: Arc<CompatOrg>,
}

impl OnPremiseMessages {
    pub(in crate::app) fn new(
        parts: &CoreParts,
        org: Arc<CompatOrg>,
        gateway: Arc<Gateway>,
        messages: Arc<Messages>,
    ) -> Self {
        Self { store: parts.store.clone(), gateway, messages, org }
    }

    /// Returns the messages that the on-premise interface serves: those of the organization `compat.default_org`.
    ///
    /// # Errors
    /// The errors of [`CompatOrg::compat_reader`].
    pub fn onpremise_messages(self: &Arc<Self>) -> Result<Arc<dyn MessageSource>> {
        Ok(Arc::new(OrgMessages { service: self.clone(), who: Arc::new(self.org.compat_reader()?) }))
    }
}

impl MessageSource for OrgMessages {
    fn list<'a>(&'a self, query: &'a MessageListQuery) -> BoxFuture<'a, Result<DeviceMessagePage>> {
        self.list_messages(query).boxed()
    }

    fn subscribe(&self) -> Result<MessageFeed> {
        let feed = self.service.gateway.gateway_feed(self.who.clone())?;
        let reader = OrgMessages { service: self.service.clone(), who: self.who.clone() };
        let events = futures::stream::unfold(Some((reader, feed)), |open| async move {
            let (reader, mut feed) = open?;
            match reader.next_event(&mut feed).await {
                Ok(event) => Some((Ok(event), Some((reader, feed)))),
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(events.boxed())
    }
}

impl OrgMessages {
    async fn list_messages(&self, query: &MessageListQuery) -> Result<DeviceMessagePage> {
        let device = match self.service.store.catalog().devices.device_by_key(&self.who, &query.device_key) {
            Ok(device) => device,
            Err(error) if error.kind == Kind::NotFound => return Ok(DeviceMessagePage::default()),
            Err(error) => return Err(error),
        };
        let MessageListQuery { from, to, ref sort, .. } = *query;
        let filter = MessageFilter { devices: Some(vec![device.id]), from, to, status: None, derives: true };
        let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
        let limit = query.limit as usize;
        let (found, total, skip) = match (&sort.key, sort.is_descending) {
            (SortKey::Time, false) => {
                let page = self.read(filter, MessageOrder::OldestFirst, offset, limit).await?;
                (page.messages, page.total, 0)
            }
            (SortKey::Time, true) => self.newest(filter, offset, limit).await?,
            _ => {
                let page = self.read_all(filter).await?;
                (page.messages, page.total, offset)
            }
        };
        let key: Arc<str> = device.aliases.key.as_str().into();
        let messages = found.iter().map(|message| shown(message, key.clone()));
        let mut messages = messages.collect::<Result<Vec<_>>>()?;
        sort.sort(&mut messages);
        Ok(DeviceMessagePage { messages: messages.into_iter().skip(skip).take(limit).collect(), total })
    }

    async fn read(
        &self,
        filter: MessageFilter,
        order: MessageOrder,
        offset: usize,
        limit: usize,
    ) -> Result<MessagePage> {
        self.service.messages.messages(&self.who, MessageQuery { filter, order, offset, limit }).await
    }

    /// Reads every message, in the order in which they were stored.
    ///
    /// # Errors
    /// `TooLarge` when there are more than a page can have.
    async fn read_all(&self, filter: MessageFilter) -> Result<MessagePage> {
        let mut page = self.read(filter, MessageOrder::OldestFirst, 0, MAX_PAGE_MESSAGES).await?;
        if page.total > page.messages.len() as u64 {
            let message = format!(
                "{} messages are too many for this order: narrow start and end to {MAX_PAGE_MESSAGES}",
                page.total
            );
            return Err(Error::too_large(message));
        }
        page.messages.sort_by_key(Message::received_at);
        Ok(page)
    }

    /// Reads the times of a page, newest first, with all their messages: those of one time are in another order here
    /// than in the core. Returns them with the total, and how many of them come before the page.
    async fn newest(
        &self,
        filter: MessageFilter,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<Message>, u64, usize)> {
        let page = self.read(filter.clone(), MessageOrder::NewestFirst, offset, limit).await?;
        let (Some(first), Some(last)) = (page.messages.first(), page.messages.last()) else {
            return Ok((Vec::new(), page.total, 0));
        };
        let newer = MessageFilter { from: Some(Micros(first.ts.0.saturating_add(1))), ..filter.clone() };
        let times = MessageFilter { from: Some(last.ts), to: Some(first.ts), ..filter };
        let newer = self.read(newer, MessageOrder::NewestFirst, 0, 0).await?.total;
        let all = self.read_all(times).await?;
        let skip = offset.saturating_sub(usize::try_from(newer).unwrap_or(usize::MAX));
        Ok((all.messages, page.total, skip))
    }

    async fn next_event(&self, feed: &mut GatewayFeed) -> Result<MessageEvent> {
        loop {
            let event = match feed.next().await? {
                FeedItem::Missed => return Err(Error::unavailable("messages were missed")),
                FeedItem::Event(GatewayEvent::Message(stored)) => {
                    let sensors = Vec::new();
                    let (device, ts) = (stored.device, stored.ts);
                    let content = MessageContent::Stored(Arc::unwrap_or_clone(stored));
                    self.data(&Message { device, ts, content, sensors })?
                }
                FeedItem::Derived(derived) => self.data(&feed.derived_message(derived))?,
                FeedItem::Event(GatewayEvent::Command(command)) => self.status(&command)?,
                FeedItem::Event(GatewayEvent::Session(_) | GatewayEvent::Log(_)) => None,
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    /// The event of a message; `None` when its device was deleted meanwhile.
    fn data(&self, message: &Message) -> Result<Option<MessageEvent>> {
        let key = self.key(message.device);
        key.map(|key| shown(message, key).map(MessageEvent::Data)).transpose()
    }

    /// The event of a command that the device has answered; `None` for any other.
    fn status(&self, command: &Command) -> Result<Option<MessageEvent>> {
        let is_answer = command.state == CommandState::Done && command.spec.kind == STATUS_KIND;
        let (Some(ts), Some(device_key)) = (command.done_at, self.key(command.spec.device)) else {
            return Ok(None);
        };
        let answer =
            |payload| MessageEvent::Status(DeviceMessage { uuid: command.uuid, device_key, ts, payload });
        is_answer.then(|| raw(command.result.to_string()).map(answer)).transpose()
    }

    /// The key of a device; `None` when it is deleted.
    fn key(&self, device: DeviceId) -> Option<Arc<str>> {
        let device = self.service.store.catalog().devices.device(&self.who, device).ok()?;
        Some(device.aliases.key.as_str().into())
    }
}

fn shown(message: &Message, device_key: Arc<str>) -> Result<DeviceMessage> {
    let payload = raw(message.document_payload())?;
    Ok(DeviceMessage { uuid: message.uuid(), device_key, ts: message.ts, payload })
}

fn raw(json: String) -> Result<Box<RawValue>> {
    let damaged = |e| Error::unavailable("the payload of a stored message is no JSON").with_source(e);
    RawValue::from_string(json).map_err(damaged)
}
