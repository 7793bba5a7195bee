//! Readings as they are written: from now on, from a time in the past, or from where somebody was before.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tokio::time::{Instant, sleep_until};

use super::cursor;
use super::gather::{Gathered, MOST};
use super::seats::Seat;
use super::standing::{Standing, Watch};
use crate::app::App;
use crate::domain::live::Wanted;
use crate::domain::reading::Readings;
use crate::domain::{Error, Micros, Principal, Resource, Result, Scope};
use crate::query::history::{History, HistoryQuery};
use crate::store::Store;
use crate::store::live::Gap;
use crate::store::live::follow::{Following, Step};
use crate::store::live::position::{Covered, END, Position, key};

/// Without readings a message comes this often, as long as there is anything new to tell by its cursor.
const QUIET: Duration = Duration::from_secs(15);

/// What somebody follows.
#[derive(Debug, Clone, Default)]
pub struct LiveQuery {
    pub wanted: Wanted,
    pub start: Start,
    /// Messages per second; of each stream only the newest reading between two of them is told. None tells everything.
    pub max_rate: Option<f64>,
}

/// Where a feed begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Start {
    #[default]
    Now,
    /// With the history from this time on, then live.
    Since(Micros),
    /// Where the message with this cursor ended.
    After(String),
}

/// What a feed tells.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveMessage {
    pub readings: Readings,
    /// A feed that begins after it has everything that comes after this message, and nothing else.
    pub cursor: String,
    /// What is lost, before the readings.
    pub gap: Option<LiveGap>,
}

/// What was written between two cursors is not kept any more: some of it may have been wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGap {
    pub from: String,
    pub to: String,
}

pub type LiveFeed = BoxStream<'static, Result<LiveMessage>>;

impl App {
    /// Follows readings. The first message, or the first after a history, has none: it says from where on there are no more
    /// missing. A feed ends with an error, or never.
    ///
    /// # Errors
    /// `Forbidden` without the scope; `Invalid` naming what is wrong with the question; `Busy` or `Throttled` when there are
    /// too many feeds.
    pub async fn live(&self, standing: &Standing, query: LiveQuery) -> Result<LiveFeed> {
        let who = standing.principal().clone();
        who.require(Scope::read(Resource::Value))?;
        let gathered = Gathered::new(query.max_rate)?;
        let seat = self.take_seat(&who)?;
        let opening = Opening { store: self.store.clone(), who, wanted: query.wanted };
        let phase = match query.start {
            Start::Now => Phase::Live(opening.follow(self.store.present())?),
            Start::Since(since) => {
                opening.check(&Position::default())?;
                let begin = Position { covered: Covered::since(since), ..Position::default() };
                self.tell_history(opening, begin).await?
            }
            Start::After(text) => {
                let position = cursor::parse(&text)?;
                opening.check(&position)?;
                if position.covered.is_open() {
                    self.tell_history(opening, position).await?
                } else {
                    Phase::Live(opening.follow(position)?)
                }
            }
        };
        let feed = Feed { watch: standing.watch(), phase, gathered, told: None, gap: None, _seat: seat };
        let messages = stream::try_unfold(feed, |mut feed| async move {
            let message = feed.next().await?;
            Ok(Some((message, feed)))
        });
        Ok(messages.boxed())
    }

    /// Begins the history after what of it is covered.
    async fn tell_history(&self, opening: Opening, mut position: Position) -> Result<Phase> {
        if position.covered.is_full() {
            let message = "the history was taken up too often; begin again with `since`";
            return Err(Error::field("after", message));
        }
        let Opening { who, wanted, .. } = &opening;
        let (_, streams) = self.store.catalog().followed(who, wanted);
        let query = HistoryQuery {
            streams: (!wanted.is_everything()).then(|| streams.into_iter().collect()),
            since: Micros(position.covered.since),
            after: position.covered.last(),
        };
        let History { seq, chunks } = self.engine.history(who, query).await?;
        if position.covered.is_none() {
            position.seq = seq + 1;
        }
        Ok(Phase::History(Telling { opening, position, seq, chunks, waiting: VecDeque::new() }))
    }
}

/// Who follows what.
struct Opening {
    store: Arc<Store>,
    who: Arc<Principal>,
    wanted: Wanted,
}

impl Opening {
    fn check(&self, from: &Position) -> Result<()> {
        self.store.check_follow(&self.who, &self.wanted, from)
    }

    fn follow(self, from: Position) -> Result<Following> {
        self.store.follow(self.who, self.wanted, from)
    }
}

enum Phase {
    History(Telling),
    Live(Following),
    /// Between the two, and after an error.
    Over,
}

/// A history on its way.
struct Telling {
    opening: Opening,
    position: Position,
    /// Of the snapshot it is read in.
    seq: u64,
    chunks: BoxStream<'static, Result<Readings>>,
    waiting: VecDeque<Readings>,
}

impl Telling {
    /// The next readings of it with where they end; `None` at its end.
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

/// A chunk in parts that make a message each.
fn parts(chunk: Readings) -> VecDeque<Readings> {
    if chunk.len() <= MOST {
        return VecDeque::from([chunk]);
    }
    (0..chunk.len())
        .step_by(MOST)
        .map(|at| (at..chunk.len().min(at + MOST)).map(|i| chunk.get(i)).collect())
        .collect()
}

struct Feed {
    watch: Watch,
    phase: Phase,
    gathered: Gathered,
    /// The position of the last message; none before the first.
    told: Option<Position>,
    /// Found after the readings that were gathered: it is the next message.
    gap: Option<LiveMessage>,
    _seat: Seat,
}

impl Feed {
    async fn next(&mut self) -> Result<LiveMessage> {
        let Feed { watch, phase, gathered, told, gap, .. } = self;
        tokio::select! {
            biased;
            over = watch.ended() => Err(over),
            message = message(phase, gathered, told, gap) => message,
        }
    }
}

async fn message(
    phase: &mut Phase,
    gathered: &mut Gathered,
    told: &mut Option<Position>,
    gap: &mut Option<LiveMessage>,
) -> Result<LiveMessage> {
    if let Phase::History(telling) = phase {
        if let Some(readings) = telling.next().await? {
            return Ok(LiveMessage { readings, cursor: cursor::to_text(&telling.position), gap: None });
        }
        let Phase::History(Telling { opening, mut position, seq, .. }) =
            std::mem::replace(phase, Phase::Over)
        else {
            return Err(Error::internal("a feed has lost its history"));
        };
        position.covered.add(END, seq);
        position.covered.settle(position.seq);
        let following = opening.follow(position)?;
        // Who was told a part of a history is told that it was all.
        let end = silent(following.position());
        *told = Some(following.position().clone());
        *phase = Phase::Live(following);
        return Ok(end);
    }
    let Phase::Live(following) = phase else { return Err(Error::internal("a feed goes on after its end")) };
    if told.is_none() {
        *told = Some(following.position().clone());
        return Ok(silent(following.position()));
    }
    if let Some(message) = gap.take() {
        return Ok(message);
    }
    gather(following, gathered, told, gap).await
}

/// The next message of what is written.
async fn gather(
    following: &mut Following,
    gathered: &mut Gathered,
    told: &mut Option<Position>,
    gap: &mut Option<LiveMessage>,
) -> Result<LiveMessage> {
    let mut quiet = Instant::now() + QUIET;
    loop {
        let until = if gathered.is_empty() { quiet } else { gathered.due() };
        tokio::select! {
            biased;
            step = following.next(gathered.room()) => match step? {
                Step::Readings(readings) => gathered.add(readings),
                Step::Gap(lost) => {
                    let (before, lost) = lost_between(lost, following.position());
                    if gathered.is_empty() {
                        return Ok(lost);
                    }
                    *gap = Some(lost);
                    return Ok(LiveMessage { readings: gathered.take(), cursor: before, gap: None });
                }
            },
            () = sleep_until(until) => if gathered.is_empty() {
                quiet = until + QUIET;
                if told.as_ref() != Some(following.position()) {
                    *told = Some(following.position().clone());
                    return Ok(silent(following.position()));
                }
            },
        }
        drain(following, gathered);
        if !gathered.is_empty() && gathered.room() > 0 && Instant::now() < gathered.due() {
            sleep_until(gathered.next_look()).await;
            drain(following, gathered);
        }
        if !gathered.is_empty() && (gathered.room() == 0 || Instant::now() >= gathered.due()) {
            *told = Some(following.position().clone());
            let cursor = cursor::to_text(following.position());
            return Ok(LiveMessage { readings: gathered.take(), cursor, gap: None });
        }
    }
}

/// Takes what is there, as far as it fits.
fn drain(following: &mut Following, gathered: &mut Gathered) {
    while gathered.room() > 0
        && let Some(readings) = following.ready(gathered.room())
    {
        gathered.add(readings);
    }
}

/// A message that only says how far it is.
fn silent(position: &Position) -> LiveMessage {
    LiveMessage { readings: Readings::default(), cursor: cursor::to_text(position), gap: None }
}

/// The cursor before a gap, and the message that tells of it.
fn lost_between(lost: Gap, position: &Position) -> (String, LiveMessage) {
    let before = cursor::to_text(&Position { seq: lost.from, row: 0, ..position.clone() });
    let to = cursor::to_text(position);
    let gap = Some(LiveGap { from: before.clone(), to: to.clone() });
    (before, LiveMessage { readings: Readings::default(), cursor: to, gap })
}
