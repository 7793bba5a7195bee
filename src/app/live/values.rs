//! Feed of readings as they are written: from now on, from a past time, or from the cursor of an earlier feed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tokio::time::{Instant, sleep_until};

use super::coalescer::{MAX_MESSAGE_READINGS, ReadingsCoalescer};
use super::credential::{CredentialWatch, LiveCredential};
use super::cursor;
use super::subscription_limits::SubscriptionPermit;
use crate::app::live::LiveFeeds;
use crate::domain::reading::Readings;
use crate::domain::subscription::SubscriptionFilter;
use crate::domain::{Error, Micros, Principal, Resource, Result, Scope};
use crate::query::history::{History, HistoryQuery};
use crate::store::Store;
use crate::store::live::Gap;
use crate::store::live::filtered_tail::{FilteredItem, FilteredTail};
use crate::store::live::position::{FeedPosition, HISTORY_END, HistoryCoverage, key};

/// Interval of messages without readings, sent only if the cursor has moved.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// A subscription to readings.
#[derive(Debug, Clone, Default)]
pub struct LiveQuery {
    pub wanted: SubscriptionFilter,
    pub start: LiveStart,
    /// Maximum messages per second: only the newest reading of each stream between two messages is sent. None sends
    /// every reading.
    pub max_rate: Option<f64>,
}

/// The start of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LiveStart {
    #[default]
    Now,
    /// Begins with the history from this time on, then continues live.
    Since(Micros),
    /// Continues after the message with this cursor.
    After(String),
}

/// A message of a feed.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveMessage {
    pub readings: Readings,
    /// A feed that starts after this cursor gets everything that follows this message, and nothing else.
    pub cursor: String,
    /// Readings lost before those of this message.
    pub gap: Option<LiveGap>,
}

/// Readings between two cursors that are no longer retained. Some of them may have matched the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGap {
    pub from: String,
    pub to: String,
}

/// Messages of a subscription to readings, each with its cursor.
pub type LiveFeed = BoxStream<'static, Result<LiveMessage>>;

impl LiveFeeds {
    /// Subscribes to readings. The first message, or the first after the history, has no readings: from its cursor on
    /// nothing is missed. A feed ends only with an error.
    ///
    /// # Errors
    /// `Forbidden` without the scope; `Invalid` naming what is wrong with the query; `Busy` or `Throttled` when there
    /// are too many feeds.
    pub async fn live(&self, credential: &LiveCredential, query: LiveQuery) -> Result<LiveFeed> {
        let who = credential.principal();
        who.require(Scope::read(Resource::Value))?;
        let permit = self.acquire_subscription(who)?;
        self.open_feed(credential, query, Some(permit)).await
    }

    /// Subscribes to readings for a caller that limits its feeds itself.
    pub(in crate::app) async fn open_feed(
        &self,
        credential: &LiveCredential,
        query: LiveQuery,
        permit: Option<SubscriptionPermit>,
    ) -> Result<LiveFeed> {
        let who = credential.principal().clone();
        who.require(Scope::read(Resource::Value))?;
        let gathered = ReadingsCoalescer::new(query.max_rate)?;
        let opening = SubscriptionRequest { store: self.store.clone(), who, wanted: query.wanted };
        let phase = match query.start {
            LiveStart::Now => SubscriptionPhase::Live(opening.follow(self.store.current_position())?),
            LiveStart::Since(since) => {
                opening.check(&FeedPosition::default())?;
                let begin =
                    FeedPosition { covered: HistoryCoverage::since(since), ..FeedPosition::default() };
                self.tell_history(opening, begin).await?
            }
            LiveStart::After(text) => {
                let position = cursor::parse(&text)?;
                opening.check(&position)?;
                if position.covered.is_open() {
                    self.tell_history(opening, position).await?
                } else {
                    SubscriptionPhase::Live(opening.follow(position)?)
                }
            }
        };
        let feed = ReadingsSubscription {
            watch: credential.watch(),
            phase,
            gathered,
            sent_position: None,
            gap: None,
            _seat: permit,
        };
        let messages = stream::try_unfold(feed, |mut feed| async move {
            let message = feed.next().await?;
            Ok(Some((message, feed)))
        });
        Ok(messages.boxed())
    }

    /// Starts the history after the part that `position` already covers.
    async fn tell_history(
        &self,
        opening: SubscriptionRequest,
        mut position: FeedPosition,
    ) -> Result<SubscriptionPhase> {
        if position.covered.is_full() {
            let message = "the history was resumed too often; start again with `since`";
            return Err(Error::field("after", message));
        }
        let SubscriptionRequest { who, wanted, .. } = &opening;
        let (_, streams) = self.store.catalog().streams.subscribed_streams(who, wanted);
        let query = HistoryQuery {
            streams: (!wanted.matches_all()).then(|| streams.into_iter().collect()),
            since: Micros(position.covered.since),
            after: position.covered.last(),
        };
        let History { seq, chunks } = self.engine.history(who, query).await?;
        if position.covered.is_none() {
            position.seq = seq + 1;
        }
        Ok(SubscriptionPhase::History(HistoryReplay {
            opening,
            position,
            seq,
            chunks,
            waiting: VecDeque::new(),
        }))
    }
}

/// The subscriber and its filter.
struct SubscriptionRequest {
    store: Arc<Store>,
    who: Arc<Principal>,
    wanted: SubscriptionFilter,
}

impl SubscriptionRequest {
    fn check(&self, from: &FeedPosition) -> Result<()> {
        self.store.check_subscription(&self.who, &self.wanted, from)
    }

    fn follow(self, from: FeedPosition) -> Result<FilteredTail> {
        self.store.subscribe(self.who, self.wanted, from)
    }
}

enum SubscriptionPhase {
    History(HistoryReplay),
    Live(FilteredTail),
    /// Between the two phases, and after an error.
    Over,
}

/// A running replay of the history.
struct HistoryReplay {
    opening: SubscriptionRequest,
    position: FeedPosition,
    /// Sequence number of the snapshot that the history is read from.
    seq: u64,
    chunks: BoxStream<'static, Result<Readings>>,
    waiting: VecDeque<Readings>,
}

impl HistoryReplay {
    /// Returns the next readings and moves the position to their end; `None` at the end of the history.
    async fn next(&mut self) -> Result<Option<Readings>> {
        if self.waiting.is_empty() {
            let Some(chunk) = self.chunks.try_next().await? else { return Ok(None) };
            self.waiting = parts(chunk);
        }
        let next = self.waiting.pop_front().filter(|rows| !rows.is_empty());
        if let Some(rows) = &next {
            let last = rows.len() - 1;
            self.position.covered.add(key(rows.stream[last], rows.ts[last]), self.seq);
        }
        Ok(next)
    }
}

/// Splits a chunk into parts of at most one message each.
fn parts(chunk: Readings) -> VecDeque<Readings> {
    if chunk.len() <= MAX_MESSAGE_READINGS {
        return VecDeque::from([chunk]);
    }
    (0..chunk.len())
        .step_by(MAX_MESSAGE_READINGS)
        .map(|at| (at..chunk.len().min(at + MAX_MESSAGE_READINGS)).map(|i| chunk.get(i)).collect())
        .collect()
}

struct ReadingsSubscription {
    watch: CredentialWatch,
    phase: SubscriptionPhase,
    gathered: ReadingsCoalescer,
    /// Position of the last message; none before the first.
    sent_position: Option<FeedPosition>,
    /// A gap found after the collected readings; it is the next message.
    gap: Option<LiveMessage>,
    _seat: Option<SubscriptionPermit>,
}

impl ReadingsSubscription {
    async fn next(&mut self) -> Result<LiveMessage> {
        let ReadingsSubscription { watch, phase, gathered, sent_position, gap, .. } = self;
        tokio::select! {
            biased;
            over = watch.expired() => Err(over),
            message = message(phase, gathered, sent_position, gap) => message,
        }
    }
}

async fn message(
    phase: &mut SubscriptionPhase,
    gathered: &mut ReadingsCoalescer,
    sent_position: &mut Option<FeedPosition>,
    gap: &mut Option<LiveMessage>,
) -> Result<LiveMessage> {
    if let SubscriptionPhase::History(telling) = phase {
        if let Some(readings) = telling.next().await? {
            return Ok(LiveMessage { readings, cursor: cursor::to_text(&telling.position), gap: None });
        }
        let SubscriptionPhase::History(HistoryReplay { opening, mut position, seq, .. }) =
            std::mem::replace(phase, SubscriptionPhase::Over)
        else {
            return Err(Error::internal("a feed has lost its history"));
        };
        position.covered.add(HISTORY_END, seq);
        position.covered.prune(position.seq);
        let following = opening.follow(position)?;
        // This message tells the subscriber that the history is complete.
        let end = heartbeat_message(following.position());
        *sent_position = Some(following.position().clone());
        *phase = SubscriptionPhase::Live(following);
        return Ok(end);
    }
    let SubscriptionPhase::Live(following) = phase else {
        return Err(Error::internal("a feed goes on after its end"));
    };
    if sent_position.is_none() {
        *sent_position = Some(following.position().clone());
        return Ok(heartbeat_message(following.position()));
    }
    if let Some(message) = gap.take() {
        return Ok(message);
    }
    gather(following, gathered, sent_position, gap).await
}

/// Returns the next live message.
async fn gather(
    following: &mut FilteredTail,
    gathered: &mut ReadingsCoalescer,
    sent_position: &mut Option<FeedPosition>,
    gap: &mut Option<LiveMessage>,
) -> Result<LiveMessage> {
    let mut quiet = Instant::now() + HEARTBEAT_INTERVAL;
    loop {
        let until = if gathered.is_empty() { quiet } else { gathered.due() };
        tokio::select! {
            biased;
            step = following.next(gathered.room()) => match step? {
                FilteredItem::Readings(readings) => gathered.add(readings),
                FilteredItem::Gap(lost) => {
                    let (before, lost) = lost_between(lost, following.position());
                    if gathered.is_empty() {
                        return Ok(lost);
                    }
                    *gap = Some(lost);
                    return Ok(LiveMessage { readings: gathered.take(), cursor: before, gap: None });
                }
            },
            () = sleep_until(until) => if gathered.is_empty() {
                quiet = until + HEARTBEAT_INTERVAL;
                if sent_position.as_ref() != Some(following.position()) {
                    *sent_position = Some(following.position().clone());
                    return Ok(heartbeat_message(following.position()));
                }
            },
        }
        drain(following, gathered);
        if !gathered.is_empty() && gathered.room() > 0 && Instant::now() < gathered.due() {
            sleep_until(gathered.next_look()).await;
            drain(following, gathered);
        }
        if !gathered.is_empty() && (gathered.room() == 0 || Instant::now() >= gathered.due()) {
            *sent_position = Some(following.position().clone());
            let cursor = cursor::to_text(following.position());
            return Ok(LiveMessage { readings: gathered.take(), cursor, gap: None });
        }
    }
}

/// Takes available readings, as many as fit.
fn drain(following: &mut FilteredTail, gathered: &mut ReadingsCoalescer) {
    while gathered.room() > 0
        && let Some(readings) = following.try_next(gathered.room())
    {
        gathered.add(readings);
    }
}

/// A message that carries only the cursor.
fn heartbeat_message(position: &FeedPosition) -> LiveMessage {
    LiveMessage { readings: Readings::default(), cursor: cursor::to_text(position), gap: None }
}

/// Returns the cursor before a gap, and the message that reports the gap.
fn lost_between(lost: Gap, position: &FeedPosition) -> (String, LiveMessage) {
    let before = cursor::to_text(&FeedPosition { seq: lost.from, row: 0, ..position.clone() });
    let to = cursor::to_text(position);
    let gap = Some(LiveGap { from: before.clone(), to: to.clone() });
    (before, LiveMessage { readings: Readings::default(), cursor: to, gap })
}
