//! Retained messages on their way to one session: the filters that ask for them, and how far the index has been gone
//! through. They are queued as the client takes them, so that a subscription costs no copy of what is retained.

use std::sync::Arc;

use bytes::Bytes;

use super::MqttAccess;
use super::message::{MessageSource, OutboundMessage};
use super::retained::is_document;
use super::retained_index::{NumberedMessage, RetainedPosition};
use crate::domain::Principal;
use crate::domain::mqtt::{Qos, RetainedMessage, topic};

/// Messages that are looked at before others have their turn.
pub(super) const SLICE: usize = 32;

/// A filter that asks for retained messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RetainedRequest {
    pub filter: String,
    pub qos: Qos,
    /// The number of the last message that it asks for: what came later is sent as it comes.
    pub up_to: u64,
    /// Whether it asks for documents of devices alone, of which some were missed.
    pub is_documents_only: bool,
}

/// One way through the index for some filters, of which each is there once. A message is sent once for all of them.
#[derive(Debug)]
pub(super) struct RetainedPass {
    pub(super) requests: Vec<RetainedRequest>,
    /// Prefixes of the topics that may match. None begins with another.
    beginnings: Vec<String>,
    position: RetainedPosition,
    is_through_index: bool,
    /// The last topic of a Sparkplug host whose state was looked at.
    pub(super) last_state: Option<Arc<str>>,
}

/// Retained messages that a session is still to be sent: one pass that is under way, and the filters of the next.
#[derive(Debug, Default)]
pub(super) struct RetainedBacklog {
    pub(super) current: Option<RetainedPass>,
    pub(super) next: Vec<RetainedRequest>,
}

impl RetainedBacklog {
    /// Whether nothing retained is left to be sent.
    pub fn is_empty(&self) -> bool {
        self.current.is_none() && self.next.is_empty()
    }

    /// Asks for what a filter matches. One that waits for its pass is not asked for twice.
    pub fn request(&mut self, request: RetainedRequest) {
        match self.next.iter_mut().find(|known| known.filter == request.filter) {
            Some(known) => {
                known.qos = request.qos;
                known.up_to = known.up_to.max(request.up_to);
                known.is_documents_only &= request.is_documents_only;
            }
            None => self.next.push(request),
        }
    }

    /// The subscription of a filter has ended.
    pub fn forget(&mut self, filter: &str) {
        self.next.retain(|known| known.filter != filter);
        if let Some(current) = &mut self.current {
            current.requests.retain(|known| known.filter != filter);
        }
    }
}

impl RetainedPass {
    /// Starts a pass at the beginning of the index, limited to the prefixes that the filters can match.
    pub fn new(access: &MqttAccess, who: &Principal, requests: Vec<RetainedRequest>) -> Self {
        let mut all: Vec<String> =
            requests.iter().map(|request| access.canonical_beginning(who, &request.filter)).collect();
        all.sort_unstable();
        let mut beginnings: Vec<String> = Vec::new();
        for beginning in all {
            if beginnings.last().is_none_or(|known| !beginning.starts_with(known.as_str())) {
                beginnings.push(beginning);
            }
        }
        let position = RetainedPosition::default();
        Self { requests, beginnings, position, is_through_index: false, last_state: None }
    }

    /// The highest quality of service with which a filter asks for a message.
    fn qos_of(&self, name: &str, number: u64, is_document: bool) -> Option<Qos> {
        let asking = self.requests.iter().filter(|request| number <= request.up_to);
        let asking = asking.filter(|request| is_document || !request.is_documents_only);
        asking.filter(|request| topic::matches(&request.filter, name)).map(|request| request.qos).max()
    }

    /// The next messages of the index that the principal may see; `None` when there are no more.
    pub fn take_slice(&mut self, access: &MqttAccess, who: &Principal) -> Option<Vec<OutboundMessage>> {
        if self.is_through_index {
            return None;
        }
        let found = access.state.retained.read().take(who.org, &self.beginnings, &mut self.position, SLICE);
        self.is_through_index = found.len() < SLICE;
        let asked_for = |versions: &Vec<NumberedMessage>| {
            versions.iter().find_map(|(number, message)| self.outbound(access, who, *number, message))
        };
        Some(found.iter().filter_map(asked_for).collect())
    }

    fn outbound(
        &self,
        access: &MqttAccess,
        who: &Principal,
        number: u64,
        message: &RetainedMessage,
    ) -> Option<OutboundMessage> {
        let mut topics = access.visible_topics(who, message).into_iter();
        let is_document = is_document(&message.topic);
        let (topic, qos) = topics.find_map(|name| {
            let qos = self.qos_of(&name, number, is_document)?;
            Some((name, qos))
        })?;
        Some(OutboundMessage {
            topic: topic.into(),
            payload: Bytes::from_owner(message.payload.clone()),
            qos: qos.min(message.qos),
            is_retained: true,
            source: MessageSource::Document,
        })
    }
}
