//! Polls one device: connects, reads each stream at its interval, stores what is worth storing, and says how the
//! device is. One value of `Poller` lives as long as its device.
//!
//! Order of things on a loss: the state turns offline, every stream gets its one bad reading, and from then on only
//! connecting is tried, for ever. The first answer after that makes all streams due at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::backoff::Backoff;
use super::board::Board;
use super::device::{Interrupted, Orders, resting};
use super::fault::Fault;
use super::line::Line;
use super::link::{Batch, Link};
use super::runtime::Ports;
use super::schedule::Schedule;
use super::tags::{Offer, Tags, Turn};
use crate::domain::device::{Device, DeviceState};
use crate::domain::stream::Stream;
use crate::domain::{self, DeviceId, Error, Kind};

/// How long to wait when the store is busy. Meanwhile nothing is polled, so memory stays bounded.
const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// How often a device without polled streams is asked whether it is there.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
/// Below any interval that can be configured; keeps a wrong one from spinning.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// Why polling came to an end.
enum End {
    Interrupted,
    Lost(Fault),
}

impl From<Interrupted> for End {
    fn from(_: Interrupted) -> Self {
        End::Interrupted
    }
}

/// What was said last about the connection, so that each transition is one line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contact {
    Unknown,
    Up,
    Down,
}

pub struct Poller {
    id: DeviceId,
    ports: Arc<Ports>,
    board: Arc<Board>,
    orders: Orders,
    line: Arc<Line>,
    link: Option<Link>,
    tags: Tags,
    backoff: Backoff,
    contact: Contact,
    /// Why the sink took nothing last time.
    sink_fault: Option<String>,
}

impl Poller {
    pub fn new(id: DeviceId, ports: Arc<Ports>, board: Arc<Board>, line: Arc<Line>, orders: Orders) -> Self {
        Self {
            id,
            ports,
            board,
            orders,
            line,
            link: None,
            tags: Tags::default(),
            backoff: Backoff::default(),
            contact: Contact::Unknown,
            sink_fault: None,
        }
    }

    /// Returns when the device is deleted or the server stops.
    pub async fn run(&mut self) {
        while !self.orders.is_over() {
            self.orders.acknowledge();
            let Some((device, streams)) = self.ports.plant.device(self.id) else { return };
            match resting(&device.spec, &streams) {
                Some((state, error)) => self.rest(state, error).await,
                None => self.collect(device, &streams).await,
            }
        }
    }

    async fn rest(&mut self, state: DeviceState, error: Option<String>) {
        self.link = None;
        self.tags.forget_values();
        self.contact = Contact::Unknown;
        self.board.set(state, error);
        let line = Arc::clone(&self.line);
        let hung_up = self.orders.unless_stopped(async { line.turn().await.hang_up() }).await;
        if hung_up.is_ok() {
            self.orders.pending().await;
        }
    }

    /// Polls until an order comes.
    async fn collect(&mut self, device: Arc<Device>, streams: &[Arc<Stream>]) {
        let (line, board, clock) =
            (Arc::clone(&self.line), Arc::clone(&self.board), Arc::clone(&self.ports.clock));
        let web = Arc::clone(&self.ports.options.web);
        let mut link = match Link::new(&device.spec, line, board, clock, web) {
            Ok(link) => link,
            Err(error) => return self.rest(DeviceState::Offline, Some(error.message)).await,
        };
        let is_elsewhere = self.link.take().is_some_and(|before| !link.leads_where(&before));
        if is_elsewhere {
            self.contact = Contact::Unknown;
        }
        if self.contact == Contact::Unknown {
            self.publish(DeviceState::Connecting, None);
        }
        let mut round = Round::new(device, streams, &mut link);
        self.tags.reload(round.polled.iter().cloned());
        self.backoff.reset();
        loop {
            match self.poll(&mut link, &mut round).await {
                End::Interrupted => break,
                End::Lost(fault) => {
                    self.lose(&round.device, &fault).await;
                    let pause = self.backoff.next_delay();
                    if self.orders.unless_pending(sleep(pause)).await.is_err() {
                        break;
                    }
                    round.schedule.restart(Instant::now());
                }
            }
        }
        self.link = Some(link);
    }

    /// Polls on schedule for as long as the device answers and nobody interrupts.
    async fn poll(&mut self, link: &mut Link, round: &mut Round) -> End {
        loop {
            let step = if round.batches.is_empty() {
                self.probe(link, round).await
            } else {
                self.poll_ready(link, round).await
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn poll_ready(&mut self, link: &mut Link, round: &mut Round) -> Result<(), End> {
        self.orders.unless_pending(link.connect()).await?.map_err(End::Lost)?;
        for (index, tick) in self.orders.unless_pending(link.ready(&mut round.schedule)).await? {
            if self.orders.is_pending() {
                return Err(End::Interrupted);
            }
            if let Some(tick) = tick {
                self.board.begun(tick.at.elapsed(), tick.skipped);
            }
            let mut answers = Vec::new();
            // Not broken off by a mere change: a request abandoned half way would cost the connection.
            let polling = link.poll(&mut round.batches[index], &mut answers);
            let polled = self.orders.unless_stopped(polling).await?;
            if polled.is_ok() {
                self.greet(&round.device);
            }
            let (offer, turns) = self.tags.judge(answers, self.ports.options.deadband_max_interval);
            self.log_turns(&round.device, turns);
            self.store(&round.device, offer).await?;
            polled.map_err(End::Lost)?;
            self.publish_health();
        }
        Ok(())
    }

    /// A device without polled streams is only looked at: it is there when it can be connected to.
    async fn probe(&mut self, link: &mut Link, round: &Round) -> Result<(), End> {
        self.orders.unless_pending(link.probe()).await?.map_err(End::Lost)?;
        self.orders.unless_stopped(link.disconnect()).await?;
        self.greet(&round.device);
        self.publish_health();
        self.orders.unless_pending(sleep(PROBE_INTERVAL)).await?;
        Ok(())
    }

    /// The device is out of reach: offline, and one bad reading a stream.
    async fn lose(&mut self, device: &Device, fault: &Fault) {
        self.publish(DeviceState::Offline, Some(fault.to_string()));
        if self.contact != Contact::Down {
            tracing::warn!(device = %device.id, name = device.spec.name, error = %fault, "device lost");
            self.contact = Contact::Down;
        }
        let offer = self.tags.lose(self.ports.clock.now());
        // When the server stops meanwhile, the caller's next wait says so.
        let _ = self.store(device, offer).await;
    }

    /// The device answers.
    fn greet(&mut self, device: &Device) {
        self.backoff.reset();
        match self.contact {
            Contact::Up => return,
            Contact::Unknown => {
                tracing::info!(device = %device.id, name = device.spec.name, "device connected");
            }
            Contact::Down => {
                self.board.reconnected();
                tracing::info!(device = %device.id, name = device.spec.name, "device recovered");
            }
        }
        self.contact = Contact::Up;
    }

    /// Hands readings to the sink, again and again while it is busy. Only what it took is remembered as stored. When it
    /// refuses some, the others are stored without them.
    async fn store(&mut self, device: &Device, offer: Offer) -> Result<(), Interrupted> {
        let mut offers = vec![offer];
        let mut is_whole = true;
        while let Some(offer) = offers.pop() {
            if offer.readings.is_empty() {
                continue;
            }
            match self.write(device, &offer).await? {
                Ok(()) => {
                    self.board.stored(offer.readings.len());
                    self.tags.commit(offer);
                    if is_whole && offers.is_empty() && self.sink_fault.take().is_some() {
                        tracing::info!(device = %device.id, name = device.spec.name, "readings are stored again");
                    }
                }
                Err(error) => match other_offers(offer, &error) {
                    Some(others) => offers.extend(others),
                    None => {
                        is_whole = false;
                        self.refused(device, &error);
                    }
                },
            }
        }
        Ok(())
    }

    /// One write, begun again while the sink is busy and the device is still there.
    async fn write(&mut self, device: &Device, offer: &Offer) -> Result<domain::Result<()>, Interrupted> {
        loop {
            match self.ports.sink.write(device, offer.readings.clone()).await {
                Err(busy) if busy.kind == Kind::Busy && self.ports.plant.device(self.id).is_some() => {
                    self.orders.unless_stopped(sleep(BUSY_PAUSE)).await?;
                }
                written => return Ok(written),
            }
        }
    }

    fn refused(&mut self, device: &Device, error: &Error) {
        self.board.failed_otherwise();
        if self.sink_fault.is_none() {
            tracing::error!(device = %device.id, name = device.spec.name, %error, "readings are not stored");
        }
        self.sink_fault = Some(format!("readings are not stored: {error}"));
    }

    fn log_turns(&self, device: &Device, turns: Vec<Turn>) {
        for Turn { stream, fault } in turns {
            let (device, name) = (device.id, &device.spec.name);
            let (stream, tag) = (stream.id, &stream.spec.name);
            match fault {
                Some(error) => tracing::warn!(%device, name, %stream, tag, error, "tag fails"),
                None => tracing::info!(%device, name, %stream, tag, "tag recovered"),
            }
        }
    }

    fn publish_health(&self) {
        match (self.tags.first_fault(), &self.sink_fault) {
            (Some(fault), _) => self.publish(DeviceState::Degraded, Some(fault)),
            (None, sink_fault) => self.publish(DeviceState::Online, sink_fault.clone()),
        }
    }

    /// Says nothing while an order waits: the order may have made it untrue (a device disabled meanwhile).
    fn publish(&self, state: DeviceState, error: Option<String>) {
        if !self.orders.is_pending() {
            self.board.set(state, error);
        }
    }
}

/// What to offer instead of what was refused, last first: the halves of it, to find what is wrong; and of a single
/// reading the same at the time we were told, since its source's time may lie where nothing is kept any more.
fn other_offers(offer: Offer, error: &Error) -> Option<Vec<Offer>> {
    if error.kind != Kind::Invalid {
        return None;
    }
    if offer.readings.len() > 1 {
        let (early, late) = offer.halves();
        return Some(vec![late, early]);
    }
    offer.at_told_times().map(|retimed| vec![retimed])
}

/// A device as it is polled until the next order.
struct Round {
    device: Arc<Device>,
    polled: Vec<Arc<Stream>>,
    /// One for each interval, as in `schedule`.
    batches: Vec<Batch>,
    schedule: Schedule,
}

impl Round {
    /// Groups the enabled streams by interval: their own, else the device's. Those with neither are not polled.
    fn new(device: Arc<Device>, streams: &[Arc<Stream>], link: &mut Link) -> Round {
        let mut groups: BTreeMap<Duration, Vec<Arc<Stream>>> = BTreeMap::new();
        let is_polled = |stream: &&Arc<Stream>| stream.spec.enabled && link.polls(&device.spec, stream);
        for stream in streams.iter().filter(is_polled) {
            let interval_s = stream.spec.poll_interval_s.or(device.spec.poll_interval_s);
            if let Some(Ok(interval)) = interval_s.map(Duration::try_from_secs_f64) {
                groups.entry(interval.max(SHORTEST_INTERVAL)).or_default().push(Arc::clone(stream));
            }
        }
        let batches = groups.values().map(|group| link.batch(&device.spec, group)).collect();
        let schedule = Schedule::new(groups.keys().copied(), Instant::now());
        Round { device, polled: groups.into_values().flatten().collect(), batches, schedule }
    }
}
