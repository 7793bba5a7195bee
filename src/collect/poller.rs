//! Polls one device: connects, reads each stream at its interval, stores the readings worth storing, and publishes
//! the device's status. A `Poller` lives as long as its device.
//!
//! On a loss the state turns offline, every stream gets its one bad reading, and from then on only connecting is
//! tried, for ever. The first answer after that makes all streams due at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::backoff::Backoff;
use super::collector_signal::{CollectorSignal, Interruption};
use super::deadband::{DeadbandFilter, FaultTransition, PendingReadings};
use super::fault::DeviceFault;
use super::ports::CollectorPorts;
use super::protocol::SourceContext;
use super::registry::{self, idle_state};
use super::schedule::Schedule;
use super::shared_connection::SharedConnection;
use super::source::DeviceSource;
use super::status_cell::DeviceStatusCell;
use crate::domain::device::{Device, DeviceState};
use crate::domain::stream::Stream;
use crate::domain::{self, DeviceId, Error, Kind};

/// Delay before a retry when the store is busy. Meanwhile nothing is polled, so memory stays bounded.
const SINK_BUSY_RETRY_DELAY: Duration = Duration::from_millis(100);
/// Delay before a retry when the store fails and the device keeps its messages until they are stored.
const SINK_FAILURE_RETRY_DELAY: Duration = Duration::from_secs(1);
/// How often the poller checks that a device without polled streams can be reached.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
/// Below any interval that can be configured; keeps a wrong one from spinning.
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Why polling ended.
enum PollingEnd {
    Interrupted,
    Lost(DeviceFault),
}

impl From<Interruption> for PollingEnd {
    fn from(_: Interruption) -> Self {
        PollingEnd::Interrupted
    }
}

/// Connection state that was logged last, so that each transition is one line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeviceConnectionState {
    Unknown,
    Up,
    Down,
}

/// Collector of one device; after a panic `supervise` replaces it by a new one.
pub struct Poller {
    id: DeviceId,
    ports: Arc<CollectorPorts>,
    status: Arc<DeviceStatusCell>,
    signal: CollectorSignal,
    connection: Arc<SharedConnection>,
    source: Option<Box<dyn DeviceSource>>,
    deadband: DeadbandFilter,
    backoff: Backoff,
    connection_state: DeviceConnectionState,
    /// Why the sink rejected readings last time.
    sink_fault: Option<String>,
    /// Whether the readings at hand are offered again until the sink is in order (`PollSource::requires_storage_ack`).
    must_store: bool,
}

impl Poller {
    /// A poller that has loaded nothing and polls nothing before `run`.
    pub fn new(
        id: DeviceId,
        ports: Arc<CollectorPorts>,
        status: Arc<DeviceStatusCell>,
        connection: Arc<SharedConnection>,
        signal: CollectorSignal,
    ) -> Self {
        let ahead_bound = ports.options.ahead_bound;
        Self {
            id,
            ports,
            status,
            signal,
            connection,
            source: None,
            deadband: DeadbandFilter::new(ahead_bound),
            backoff: Backoff::default(),
            connection_state: DeviceConnectionState::Unknown,
            sink_fault: None,
            must_store: false,
        }
    }

    /// Returns when the device is deleted or the server stops.
    pub async fn run(&mut self) {
        while !self.signal.is_stopped() {
            self.signal.acknowledge();
            let Some((device, streams)) = self.ports.plant.device(self.id) else { return };
            match idle_state(&device.spec, &streams) {
                Some((state, error)) => self.rest(state, error).await,
                None => self.collect(device, &streams).await,
            }
        }
    }

    async fn rest(&mut self, state: DeviceState, error: Option<String>) {
        self.source = None;
        self.deadband.forget_values();
        self.status.set_clock_offset(None);
        self.connection_state = DeviceConnectionState::Unknown;
        self.status.set_state(state, error);
        let connection = Arc::clone(&self.connection);
        let disconnected = self.signal.unless_stopped(async { connection.lock().await.disconnect() }).await;
        if disconnected.is_ok() {
            self.signal.pending().await;
        }
    }

    /// Polls until a signal interrupts.
    async fn collect(&mut self, device: Arc<Device>, streams: &[Arc<Stream>]) {
        let context = SourceContext {
            connection: Arc::clone(&self.connection),
            status: Arc::clone(&self.status),
            clock: Arc::clone(&self.ports.clock),
            web: Arc::clone(&self.ports.options.web),
        };
        let mut source = match registry::source(&device.spec, context) {
            Ok(source) => source,
            Err(error) => return self.rest(DeviceState::Offline, Some(error.message)).await,
        };
        let before = self.source.take();
        if before.as_ref().is_some_and(|before| !source.is_same_endpoint(&**before)) {
            self.connection_state = DeviceConnectionState::Unknown;
            self.deadband.forget_clock();
        }
        if self.connection_state == DeviceConnectionState::Unknown {
            self.publish(DeviceState::Connecting, None);
        }
        let mut plan = PollPlan::new(device, streams, &mut *source);
        if let Some(before) = before {
            source.resume(before);
        }
        self.deadband.reload(plan.polled.iter().cloned());
        self.recall_stored(&plan.device);
        self.backoff.reset();
        loop {
            match self.poll(&mut *source, &mut plan).await {
                PollingEnd::Interrupted => break,
                PollingEnd::Lost(fault) => {
                    self.on_lost(&plan.device, &fault).await;
                    let pause = self.backoff.delay_after_loss(Instant::now());
                    if self.signal.unless_pending(sleep(pause)).await.is_err() {
                        break;
                    }
                    plan.schedule.restart(Instant::now());
                }
            }
        }
        self.source = Some(source);
    }

    /// Learns what the store has of streams that were not polled since the start.
    fn recall_stored(&mut self, device: &Device) {
        let unknown = self.deadband.unknown_streams();
        if !unknown.is_empty() {
            let stored = self.ports.plant.newest_readings(device, &unknown);
            self.deadband.recall(stored, self.ports.clock.now());
        }
    }

    /// Polls on schedule until the device is lost or a signal interrupts.
    async fn poll(&mut self, source: &mut dyn DeviceSource, plan: &mut PollPlan) -> PollingEnd {
        loop {
            let step = if plan.polled.is_empty() {
                self.probe(source, plan).await
            } else {
                self.poll_ready(source, plan).await
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn poll_ready(
        &mut self,
        source: &mut dyn DeviceSource,
        plan: &mut PollPlan,
    ) -> Result<(), PollingEnd> {
        self.signal.unless_pending(source.connect()).await?.map_err(PollingEnd::Lost)?;
        for (group, tick) in self.signal.unless_pending(source.ready(&mut plan.schedule)).await? {
            if self.signal.is_pending() {
                return Err(PollingEnd::Interrupted);
            }
            if let Some(tick) = tick {
                self.status.record_poll_start(tick.at.elapsed(), tick.skipped);
            }
            let mut answers = Vec::new();
            // A mere change does not interrupt a poll: a request abandoned half way would cost the connection.
            let polling = source.poll(group, &mut answers);
            let polled = self.signal.unless_stopped(polling).await?;
            if polled.is_ok() {
                self.on_connected(&plan.device);
            }
            let (pending, transitions) =
                self.deadband.evaluate(answers, self.ports.options.deadband_max_interval);
            self.log_fault_transitions(&plan.device, transitions);
            self.status.set_clock_offset(self.deadband.clock_offset_s());
            self.must_store = source.requires_storage_ack();
            self.store(&plan.device, pending).await?;
            source.on_stored();
            polled.map_err(PollingEnd::Lost)?;
            self.publish_health();
        }
        Ok(())
    }

    /// A device without polled streams is only probed: it is online when it can be connected to.
    async fn probe(&mut self, source: &mut dyn DeviceSource, plan: &PollPlan) -> Result<(), PollingEnd> {
        self.signal.unless_pending(source.probe()).await?.map_err(PollingEnd::Lost)?;
        self.signal.unless_stopped(source.disconnect()).await?;
        self.on_connected(&plan.device);
        self.publish_health();
        self.signal.unless_pending(sleep(PROBE_INTERVAL)).await?;
        Ok(())
    }

    /// The device is out of reach: sets it offline and stores one bad reading per stream.
    async fn on_lost(&mut self, device: &Device, fault: &DeviceFault) {
        self.publish(DeviceState::Offline, Some(fault.to_string()));
        if self.connection_state != DeviceConnectionState::Down {
            tracing::warn!(device = %device.id, name = device.spec.name, error = %fault, "device lost");
            self.connection_state = DeviceConnectionState::Down;
        }
        let pending = self.deadband.mark_lost(self.ports.clock.now());
        self.must_store = false;
        // When the server stops meanwhile, the caller's next wait reports it.
        let _ = self.store(device, pending).await;
    }

    /// The device answers: logs the transition.
    fn on_connected(&mut self, device: &Device) {
        self.backoff.note_success(Instant::now());
        match self.connection_state {
            DeviceConnectionState::Up => return,
            DeviceConnectionState::Unknown => {
                tracing::info!(device = %device.id, name = device.spec.name, "device connected");
            }
            DeviceConnectionState::Down => {
                self.status.record_reconnect();
                tracing::info!(device = %device.id, name = device.spec.name, "device recovered");
            }
        }
        self.connection_state = DeviceConnectionState::Up;
    }

    /// Hands readings to the sink, and retries while it is busy. Only accepted readings are committed as stored. When
    /// the sink refuses some, the others are stored without them.
    async fn store(&mut self, device: &Device, pending: PendingReadings) -> Result<(), Interruption> {
        let mut parts = vec![pending];
        let mut is_whole = true;
        while let Some(pending) = parts.pop() {
            if pending.readings.is_empty() {
                continue;
            }
            match self.write(device, &pending).await? {
                Ok(()) => {
                    self.status.record_stored(pending.readings.len());
                    self.deadband.commit(pending);
                    if is_whole && parts.is_empty() && self.sink_fault.take().is_some() {
                        tracing::info!(device = %device.id, name = device.spec.name, "readings are stored again");
                    }
                }
                Err(error) => match retry_candidates(pending, &error) {
                    Some(others) => parts.extend(others),
                    None => {
                        is_whole = false;
                        self.refused(device, &error);
                    }
                },
            }
        }
        Ok(())
    }

    /// Writes once, repeated while the sink is busy and the device still exists; for a device that keeps its messages
    /// also while the sink fails.
    async fn write(
        &mut self,
        device: &Device,
        pending: &PendingReadings,
    ) -> Result<domain::Result<()>, Interruption> {
        loop {
            match self.ports.sink.write(device, pending.readings.clone()).await {
                Err(busy) if busy.kind == Kind::Busy && self.ports.plant.device(self.id).is_some() => {
                    self.signal.unless_stopped(sleep(SINK_BUSY_RETRY_DELAY)).await?;
                }
                Err(failed)
                    if self.must_store
                        && self.ports.plant.device(self.id).is_some()
                        && failed.kind.is_our_fault() =>
                {
                    self.refused(device, &failed);
                    self.publish_health();
                    self.signal.unless_stopped(sleep(SINK_FAILURE_RETRY_DELAY)).await?;
                }
                written => return Ok(written),
            }
        }
    }

    fn refused(&mut self, device: &Device, error: &Error) {
        self.status.record_other_error();
        if self.sink_fault.is_none() {
            tracing::error!(device = %device.id, name = device.spec.name, %error, "readings are not stored");
        }
        self.sink_fault = Some(format!("readings are not stored: {error}"));
    }

    fn log_fault_transitions(&self, device: &Device, transitions: Vec<FaultTransition>) {
        for FaultTransition { stream, fault } in transitions {
            let (device, name) = (device.id, &device.spec.name);
            let (stream, tag) = (stream.id, &stream.spec.name);
            match fault {
                Some(error) => tracing::warn!(%device, name, %stream, tag, error, "tag fails"),
                None => tracing::info!(%device, name, %stream, tag, "tag recovered"),
            }
        }
    }

    fn publish_health(&self) {
        match (self.deadband.first_fault(), &self.sink_fault) {
            (Some(fault), _) => self.publish(DeviceState::Degraded, Some(fault)),
            (None, sink_fault) => self.publish(DeviceState::Online, sink_fault.clone()),
        }
    }

    /// Publishes nothing while a signal is pending: the change may have made the state outdated (a device disabled
    /// meanwhile).
    fn publish(&self, state: DeviceState, error: Option<String>) {
        if !self.signal.is_pending() {
            self.status.set_state(state, error);
        }
    }
}

/// Readings to retry after a refusal, last first. Several readings are halved, to isolate the invalid one. A single
/// reading is retried with its time of receipt, since its source time may be older than the retention.
fn retry_candidates(pending: PendingReadings, error: &Error) -> Option<Vec<PendingReadings>> {
    if error.kind != Kind::Invalid {
        return None;
    }
    if pending.readings.len() > 1 {
        let (early, late) = pending.halves();
        return Some(vec![late, early]);
    }
    pending.with_received_times().map(|retimed| vec![retimed])
}

/// The device and its polled streams, valid until the next change.
struct PollPlan {
    device: Arc<Device>,
    polled: Vec<Arc<Stream>>,
    /// One tick for each interval, in the order of the source's groups.
    schedule: Schedule,
}

impl PollPlan {
    /// Groups the enabled streams by their own interval, else the device's, and gives the groups to the source. Streams
    /// with neither are not polled.
    fn new(device: Arc<Device>, streams: &[Arc<Stream>], source: &mut dyn DeviceSource) -> PollPlan {
        let mut groups: BTreeMap<Duration, Vec<Arc<Stream>>> = BTreeMap::new();
        let is_polled = |stream: &&Arc<Stream>| stream.spec.enabled && source.polls(&device.spec, stream);
        for stream in streams.iter().filter(is_polled) {
            let interval_s = stream.spec.poll_interval_s.or(device.spec.poll_interval_s);
            if let Some(Ok(interval)) = interval_s.map(Duration::try_from_secs_f64) {
                groups.entry(interval.max(MIN_POLL_INTERVAL)).or_default().push(Arc::clone(stream));
            }
        }
        let schedule = Schedule::new(groups.keys().copied(), Instant::now());
        let groups: Vec<_> = groups.into_values().collect();
        source.set_groups(&device.spec, &groups);
        PollPlan { device, polled: groups.into_iter().flatten().collect(), schedule }
    }
}
