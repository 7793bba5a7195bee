//! Tells every session of what is stored: one feed of messages for all of them, which runs while there are sessions.
//!
//! The feed is opened before the first session is answered, so that a client that is connected misses nothing. When the
//! feed fails, all sessions end: their clients connect again and know that something may be missing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::events;
use super::registry::{SessionRegistry, SharedSession};
use super::session::{CloseCause, Transport};
use crate::app::onpremise::{MessageEvent, MessageFeed, MessageSource};
use crate::domain::{Error, Result};

/// How often overdue sessions are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// Minimum interval between two batches: what is stored meanwhile is sent together.
const COALESCE_INTERVAL: Duration = Duration::from_millis(50);
/// Maximum messages of a batch.
const MAX_BATCH_EVENTS: usize = 1000;

/// How a feed ends.
enum FeedEnd {
    /// There was no session left, and the feed is marked as ended.
    Unused,
    /// The server stops.
    Stopping,
    Failed(Error),
}

/// Opens sessions, and feeds them.
pub struct Broadcaster {
    sessions: Arc<SessionRegistry>,
    source: Arc<dyn MessageSource>,
    ending: CancellationToken,
    is_running: Mutex<bool>,
}

impl Broadcaster {
    /// Creates a broadcaster without a feed: a session starts one on `source` when none runs. No session opens after `ending`.
    pub fn new(
        sessions: Arc<SessionRegistry>,
        source: Arc<dyn MessageSource>,
        ending: CancellationToken,
    ) -> Arc<Broadcaster> {
        Arc::new(Broadcaster { sessions, source, ending, is_running: Mutex::new(false) })
    }

    /// Opens a session that gets every message stored from now on.
    ///
    /// # Errors
    /// The errors of [`SessionRegistry::open`] and [`MessageSource::subscribe`]; `Unavailable` when the server stops.
    pub fn open_session(
        self: &Arc<Self>,
        network: IpAddr,
        transport: Transport,
    ) -> Result<Arc<SharedSession>> {
        let mut is_running = self.is_running.lock();
        if self.ending.is_cancelled() {
            return Err(Error::unavailable("the server is shutting down"));
        }
        let feed = if *is_running { None } else { Some(self.source.subscribe()?) };
        let session = self.sessions.open(network, transport, Instant::now())?;
        if let Some(feed) = feed {
            *is_running = true;
            tokio::spawn(self.clone().run(feed));
        }
        Ok(session)
    }

    async fn run(self: Arc<Self>, feed: MessageFeed) {
        let failure = match self.forward(feed).await {
            FeedEnd::Unused => return,
            FeedEnd::Stopping => None,
            FeedEnd::Failed(error) => Some(error),
        };
        let mut is_running = self.is_running.lock();
        if let Some(error) = failure {
            tracing::warn!(error = error.full_message(), "the feed of the on-premise sessions has failed");
        }
        self.sessions.close_all(CloseCause::Server);
        *is_running = false;
    }

    async fn forward(&self, feed: MessageFeed) -> FeedEnd {
        let mut feed = feed.ready_chunks(MAX_BATCH_EVENTS);
        let mut sweeps = interval(SWEEP_INTERVAL);
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.ending.cancelled() => return FeedEnd::Stopping,
                now = sweeps.tick() => if self.sessions.sweep(now) == 0 && self.stop_if_unused(now) {
                    return FeedEnd::Unused;
                },
                chunk = feed.next() => {
                    let ended = || Err(Error::unavailable("the feed is over"));
                    if let Err(error) = chunk.map_or_else(ended, |chunk| self.send(chunk)) {
                        return FeedEnd::Failed(error);
                    }
                    sleep(COALESCE_INTERVAL).await;
                }
            }
        }
    }

    /// Marks the feed as ended if there is still no session, while none can be opened.
    fn stop_if_unused(&self, now: Instant) -> bool {
        let mut is_running = self.is_running.lock();
        let is_unused = self.sessions.sweep(now) == 0;
        *is_running = !is_unused;
        is_unused
    }

    /// Sends what came before an error, then reports it.
    fn send(&self, chunk: Vec<Result<MessageEvent>>) -> Result<()> {
        let (mut stored, mut failure) = (Vec::with_capacity(chunk.len()), None);
        for event in chunk {
            match event {
                Ok(event) => stored.push(event),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        self.sessions.broadcast(&events::encode(&stored)?);
        failure.map_or(Ok(()), Err)
    }
}
