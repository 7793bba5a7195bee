//! Test fixture: a server's collectors with their surroundings under the test's control: devices and streams, the
//! sink, the clock.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::modbus::fake::FakeDevice;
use super::opcua::pki::Pki;
use super::{AllowedNetworks, AllowedSerialPorts, CollectOptions, Collectors, ConnectContext};
use crate::domain::alias::DeviceAliases;
use crate::domain::device::{Device, DeviceSpec, DeviceState, DeviceStatus, Protocol};
use crate::domain::ports::{BoxFuture, DeviceRegistry, SampleSink};
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::stream::{Stream, StreamKind, StreamSpec};
use crate::domain::time::SystemClock;
use crate::domain::topology::Topology;
use crate::domain::window::Windows;
use crate::domain::{Clock, DeviceId, Error, Kind, Micros, OrgId, Result, StreamId};

/// Device of every stream that `stream` makes, and of fixtures with one device.
pub const PLC: DeviceId = DeviceId(1);
/// One second in microseconds, the unit of `FakeClock`.
pub const SECOND: i64 = 1_000_000;
/// Maximum time for anything that a test waits for; a hang ends here.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Step of the clock while it runs.
const CLOCK_TICK: Duration = Duration::from_millis(10);

/// Context for connecting, with the system's clock and every network.
pub fn context() -> ConnectContext {
    ConnectContext {
        pki: Pki::disabled(),
        clock: Arc::new(SystemClock),
        networks: AllowedNetworks::default(),
        serial_ports: AllowedSerialPorts::default(),
        org: None,
        silence: Arc::default(),
    }
}

/// A device and all its streams, as `DeviceRegistry::device` returns them.
pub type DeviceStreams = (Arc<Device>, Vec<Arc<Stream>>);

/// Devices and streams, and readings that the store has of them, as a test sets them.
#[derive(Default)]
pub struct FakePlant(pub Mutex<BTreeMap<DeviceId, DeviceStreams>>, pub Mutex<Vec<Reading>>);

impl DeviceRegistry for FakePlant {
    fn devices(&self) -> Vec<Arc<Device>> {
        self.0.lock().values().map(|(device, _)| Arc::clone(device)).collect()
    }

    fn device(&self, id: DeviceId) -> Option<DeviceStreams> {
        self.0.lock().get(&id).cloned()
    }

    fn newest_readings(&self, _: &Device, streams: &[StreamId]) -> Vec<Reading> {
        let stored = self.1.lock();
        stored.iter().filter(|reading| streams.contains(&reading.stream)).cloned().collect()
    }
}

/// Keeps the readings it gets, or fails as configured.
#[derive(Default)]
pub struct FakeSink {
    pub stored: Mutex<Vec<Reading>>,
    pub fails_with: Mutex<Option<Kind>>,
    /// Writes of this device panic.
    pub panics_for: Mutex<Option<DeviceId>>,
    pub refused: AtomicI64,
}

impl SampleSink for FakeSink {
    fn write(&self, device: &Device, readings: Readings) -> BoxFuture<'_, Result<()>> {
        assert_ne!(*self.panics_for.lock(), Some(device.id), "told to panic");
        let result = match *self.fails_with.lock() {
            Some(kind) => {
                self.refused.fetch_add(1, Ordering::SeqCst);
                Err(Error::new(kind, "told to fail"))
            }
            None => {
                self.stored.lock().extend(readings.iter());
                Ok(())
            }
        };
        Box::pin(async { result })
    }
}

/// Clock that stands still until a test moves it: microseconds since 1970.
pub struct FakeClock(pub AtomicI64);

impl Clock for FakeClock {
    fn now(&self) -> Micros {
        Micros(self.0.load(Ordering::SeqCst))
    }
}

/// A server's collectors with their surroundings under the test's control.
pub struct CollectFixture {
    pub plant: Arc<FakePlant>,
    pub sink: Arc<FakeSink>,
    pub clock: Arc<FakeClock>,
    pub collectors: Arc<Collectors>,
}

/// A device with these settings, of organization 1.
pub fn device(id: DeviceId, spec: DeviceSpec) -> Arc<Device> {
    let at = Micros(0);
    let aliases = DeviceAliases::default();
    Arc::new(Device {
        id,
        org: OrgId(1),
        aliases,
        last_channel: 0,
        spec,
        topology: Topology::default(),
        created_at: at,
        updated_at: at,
    })
}

/// A Modbus device polled every 20 ms.
pub fn plc(fake: &FakeDevice) -> DeviceSpec {
    let mut spec = DeviceSpec::new("plc", Protocol::Modbus);
    spec.host = fake.addr.ip().to_string();
    spec.port = Some(fake.addr.port());
    spec.poll_interval_s = Some(0.02);
    spec.timeout_s = 0.2;
    spec
}

/// A stream `sID` of `PLC` at the address `path`; its channel has the number of its id.
pub fn stream(id: i32, path: &str, kind: StreamKind) -> Stream {
    let mut spec = StreamSpec::new(format!("s{id}"), PLC);
    (spec.path, spec.kind) = (path.into(), kind);
    let at = Micros(0);
    Stream {
        id: StreamId(id),
        org: OrgId(1),
        uuid: Uuid::nil(),
        channel: id,
        spec,
        windows: Windows::default(),
        created_at: at,
        updated_at: at,
    }
}

impl CollectFixture {
    /// Starts to collect these devices with default options; the clock stands at 2026-04-28 12:00 UTC.
    pub fn new(devices: Vec<(DeviceId, DeviceSpec, Vec<Stream>)>) -> CollectFixture {
        let plant = Arc::new(FakePlant::default());
        let sink = Arc::new(FakeSink::default());
        let clock = Arc::new(FakeClock(AtomicI64::new(1_777_377_600 * SECOND)));
        for (id, spec, streams) in devices {
            plant.0.lock().insert(id, (device(id, spec), streams.into_iter().map(Arc::new).collect()));
        }
        CollectFixture::start(CollectOptions::default(), plant, sink, clock)
    }

    /// One device, collected with these options.
    pub fn with_options(options: CollectOptions, spec: DeviceSpec, streams: Vec<Stream>) -> CollectFixture {
        let plant = Arc::new(FakePlant::default());
        plant.0.lock().insert(PLC, (device(PLC, spec), streams.into_iter().map(Arc::new).collect()));
        let clock = Arc::new(FakeClock(AtomicI64::new(1_777_377_600 * SECOND)));
        CollectFixture::start(options, plant, Arc::default(), clock)
    }

    fn start(
        options: CollectOptions,
        plant: Arc<FakePlant>,
        sink: Arc<FakeSink>,
        clock: Arc<FakeClock>,
    ) -> CollectFixture {
        let collectors = Collectors::start(plant.clone(), sink.clone(), clock.clone(), options);
        CollectFixture { plant, sink, clock, collectors }
    }

    /// One device.
    pub fn single_device(spec: DeviceSpec, streams: Vec<Stream>) -> CollectFixture {
        CollectFixture::new(vec![(PLC, spec, streams)])
    }

    /// Runs the clock: it advances by `CLOCK_TICK` whenever the test's runtime has slept that long. It stalls with the
    /// test on a busy machine, so a duration by this clock can be bounded from above.
    pub fn run_clock(&self) {
        let clock = Arc::clone(&self.clock);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(CLOCK_TICK).await;
                clock.0.fetch_add(CLOCK_TICK.as_micros() as i64, Ordering::SeqCst);
            }
        });
    }

    /// Changes settings or streams of `PLC` and notifies its collector.
    pub fn change(&self, change: impl FnOnce(&mut DeviceSpec, &mut Vec<Arc<Stream>>)) {
        {
            let mut plant = self.plant.0.lock();
            let (before, streams) = plant.get_mut(&PLC).unwrap();
            let mut spec = before.spec.clone();
            change(&mut spec, streams);
            *before = device(PLC, spec);
        }
        self.collectors.device_changed(PLC);
    }

    /// Status of `PLC`; panics if it is not collected.
    pub fn status(&self) -> DeviceStatus {
        self.collectors.status(PLC).unwrap()
    }

    /// Readings of all streams that the sink has stored, in the order of its writes.
    pub fn stored(&self) -> Vec<Reading> {
        self.sink.stored.lock().clone()
    }

    /// Stored readings of the stream with this id, in the order of the sink's writes.
    pub fn readings_of(&self, id: i32) -> Vec<Reading> {
        self.stored().into_iter().filter(|r| r.stream == StreamId(id)).collect()
    }

    /// Number of bad readings by stream id, of streams that have any; panics if one holds a value or text.
    pub fn bad_counts(&self) -> HashMap<i32, usize> {
        let mut counts = HashMap::new();
        for reading in self.stored().iter().filter(|r| r.quality == Quality::Bad) {
            assert_eq!((reading.value, &reading.text), (None, &None), "a bad reading holds nothing");
            *counts.entry(reading.stream.0).or_default() += 1;
        }
        counts
    }

    /// Waits until the stored readings meet a condition; after `MAX_WAIT` it panics with `what`.
    pub async fn until_stored(&self, what: &str, is_so: impl Fn(&[Reading]) -> bool) {
        until(what, || is_so(&self.stored())).await;
    }

    /// Waits until `PLC` is in this state; panics after `MAX_WAIT`.
    pub async fn until_state(&self, state: DeviceState) {
        until(state.name(), || self.status().state == state).await;
    }
}

/// Waits for a condition that must come true soon.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + MAX_WAIT;
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "still not so after {MAX_WAIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits for several poll intervals, for checks that something does not happen meanwhile. They are counted by the polls
/// of another device, so that they last longer on a busy machine.
pub async fn a_while() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[1]);
    let other = CollectFixture::single_device(plc(&fake), vec![stream(1, "hr:0", StreamKind::Uint16)]);
    until("six polls of another device", || other.status().lateness.count >= 6).await;
    other.collectors.stop().await;
}
