//! What a session keeps in memory between its connections.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use uuid::Uuid;

use super::feed::LiveProgress;
use super::message::OutboundMessage;
use crate::domain::mqtt::inbox::Inbox;
use crate::domain::mqtt::outbox::Outbox;

/// What outlives a connection in memory.
pub(super) struct SessionMemory {
    pub outbox: Outbox<OutboundMessage>,
    /// Number of messages that the client has not acknowledged, for whoever looks at the session from outside.
    pub queued: Arc<AtomicUsize>,
    pub inbox: Inbox,
    pub progress: LiveProgress,
    /// Commands that this session has been sent.
    pub commands: HashSet<Uuid>,
}
