//! Devices that answer some registers wrongly or not at all, by seeds: every healthy point has its value, every bad one a fault.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};

use super::*;
use crate::collect::CollectOptions;
use crate::collect::client::{ConnectContext, DeviceClient, RangeOutcomes};
use crate::collect::fault::{DeviceErrorCode, ErrorCodeFormat, RefusalKind};
use crate::collect::fenet::Fenet;
use crate::collect::melsec::Melsec;
use crate::collect::modbus::Modbus;
use crate::collect::numeric_value::NumericValue;
use crate::collect::registers::{ByteLayout, CellUnit, RegisterData, RegisterRange, ScatteredReads};
use crate::collect::s7::S7;
use crate::collect::shared_connection::SharedConnection;
use crate::collect::status_cell::DeviceStatusCell;
use crate::collect::test_harness::{context, stream};
use crate::domain::stream::StreamKind;
use crate::domain::time::SystemClock;

const TIMEOUT: Duration = Duration::from_secs(1);
/// Words that a device has.
const WORDS: u32 = 120;
/// Polls after which every healthy point has had a value.
const POLLS: usize = 3;

/// Misbehaviour of a device in place of an answer.
#[derive(Debug, Clone, Copy)]
enum Mischief {
    Silence,
    Close,
    OtherLength,
    Unreachable,
    Refusal(RefusalKind),
}

const LOSSES: [Mischief; 4] =
    [Mischief::Silence, Mischief::Close, Mischief::OtherLength, Mischief::Unreachable];
const REFUSALS: [RefusalKind; 3] =
    [RefusalKind::NoSuchRegister, RefusalKind::InvalidCountOrValue, RefusalKind::Failed];

/// A device whose words hold their own numbers.
#[derive(Debug)]
struct ChaosDevice {
    words: BTreeMap<u32, Mischief>,
    /// The most words of one request, and what it does with longer ones.
    longest: Option<(u32, Mischief)>,
    closes_after_answer: bool,
}

impl ChaosDevice {
    fn random(rng: &mut StdRng) -> ChaosDevice {
        let mut words = BTreeMap::new();
        for _ in 0..rng.random_range(0..=2) {
            words.insert(rng.random_range(0..WORDS), *LOSSES.choose(rng).unwrap());
        }
        for _ in 0..rng.random_range(0..=3) {
            let refusal = Mischief::Refusal(*REFUSALS.choose(rng).unwrap());
            words.insert(rng.random_range(0..WORDS), refusal);
        }
        let too_long = [Mischief::Close, Mischief::Refusal(RefusalKind::InvalidCountOrValue)];
        let longest =
            rng.random_bool(0.2).then(|| (rng.random_range(1..=20), *too_long.choose(rng).unwrap()));
        ChaosDevice { words, longest, closes_after_answer: rng.random_bool(0.2) }
    }

    /// Misbehaviour at a request for ranges; the first loss counts for all of it.
    fn mischief(&self, ranges: &[RegisterRange]) -> Option<Mischief> {
        let total: u32 = ranges.iter().map(|range| words_of(*range).count() as u32).sum();
        let too_long = self.longest.filter(|(most, _)| total > *most).map(|(_, mischief)| mischief);
        let touched = ranges.iter().flat_map(|range| words_of(*range));
        let found: Vec<Mischief> =
            touched.filter_map(|word| self.words.get(&word).copied()).chain(too_long).collect();
        let loss = found.iter().find(|one| !matches!(one, Mischief::Refusal(_)));
        loss.or(found.first()).copied()
    }
}

/// The words that a range touches.
fn words_of(range: RegisterRange) -> std::ops::Range<u32> {
    match range.space.unit {
        CellUnit::Byte => range.start / 2..range.end().div_ceil(2),
        CellUnit::Bit | CellUnit::Word | CellUnit::Wide(_) => range.start..range.end(),
    }
}

fn data_of(range: RegisterRange) -> RegisterData {
    let is_high_first = range.space.byte_layout == ByteLayout::HighFirst;
    let byte = |at: u32| if at.is_multiple_of(2) == is_high_first { 0 } else { (at / 2) as u8 };
    match range.space.unit {
        CellUnit::Byte => RegisterData::Bytes((range.start..range.end()).map(byte).collect()),
        CellUnit::Bit | CellUnit::Word | CellUnit::Wide(_) => {
            RegisterData::Words((range.start..range.end()).map(|at| at as u16).collect())
        }
    }
}

struct ChaosEndpoint(Arc<ChaosDevice>);

struct ChaosClient {
    device: Arc<ChaosDevice>,
    is_open: bool,
    has_answered: bool,
}

#[async_trait]
impl DeviceEndpoint for ChaosEndpoint {
    fn timeout(&self) -> Duration {
        TIMEOUT
    }

    fn is_same(&self, _: &dyn DeviceEndpoint) -> bool {
        true
    }

    async fn connect(&self, _: &ConnectContext) -> Result<Box<dyn DeviceClient>, DeviceFault> {
        Ok(Box::new(ChaosClient { device: Arc::clone(&self.0), is_open: true, has_answered: false }))
    }
}

impl ChaosClient {
    async fn exchange(&mut self, ranges: &[RegisterRange]) -> Result<(), DeviceFault> {
        let address = || "chaos".to_owned();
        let is_closed = self.device.closes_after_answer && self.has_answered;
        let mischief = if is_closed { Some(Mischief::Close) } else { self.device.mischief(ranges) };
        let fault = match mischief {
            None => {
                self.has_answered = true;
                return Ok(());
            }
            Some(Mischief::Silence) => {
                tokio::time::sleep(TIMEOUT).await;
                DeviceFault::Timeout { address: address(), after: TIMEOUT }
            }
            Some(Mischief::Close) => DeviceFault::Closed { address: address(), reason: "closed".to_owned() },
            Some(Mischief::OtherLength) => {
                DeviceFault::Malformed { address: address(), reason: "length".to_owned() }
            }
            Some(Mischief::Unreachable) => refused(RefusalKind::DeviceUnreachable),
            Some(Mischief::Refusal(meaning)) => {
                self.has_answered = true;
                return Err(refused(meaning));
            }
        };
        self.is_open = false;
        Err(fault)
    }
}

fn refused(meaning: RefusalKind) -> DeviceFault {
    let format = ErrorCodeFormat { name: "code", hex_digits: 2, is_named_in_decimal: false };
    DeviceFault::Refused { code: DeviceErrorCode { number: 1, format }, words: "refused", meaning }
}

#[async_trait]
impl DeviceClient for ChaosClient {
    fn is_open(&self) -> bool {
        self.is_open
    }

    fn has_sent(&self) -> bool {
        true
    }

    fn has_answered(&self) -> bool {
        self.has_answered
    }

    async fn read_registers(&mut self, range: RegisterRange) -> Result<RegisterData, DeviceFault> {
        self.exchange(&[range]).await.map(|()| data_of(range))
    }

    async fn read_scattered(&mut self, ranges: &[RegisterRange]) -> Result<RangeOutcomes, DeviceFault> {
        match (ranges[0].space.scattered, self.exchange(ranges).await) {
            (_, Err(fault)) if fault.is_connection_loss() => Err(fault),
            (ScatteredReads::Ranges { .. }, _) => {
                let each = ranges.iter().map(|range| match self.device.mischief(&[*range]) {
                    Some(Mischief::Refusal(meaning)) => Err(refused(meaning)),
                    _ => Ok(data_of(*range)),
                });
                Ok(each.collect())
            }
            (_, exchanged) => exchanged.map(|()| ranges.iter().map(|range| Ok(data_of(*range))).collect()),
        }
    }
}

/// A protocol, and how it names the register of a word.
type RegisterNames = (&'static dyn StreamRegisters, fn(u32) -> String);

/// One device of a protocol, and the words that are polled.
struct ChaosPlan {
    device: Arc<ChaosDevice>,
    source: RegisterSource,
    group: RegisterPollGroup,
    polled: BTreeSet<u32>,
}

impl ChaosPlan {
    fn new(seed: u64) -> ChaosPlan {
        let mut rng = StdRng::seed_from_u64(seed);
        let protocols: [RegisterNames; 4] = [
            (&Modbus, |word| format!("hr:{word}")),
            (&Melsec, |word| format!("D{word}")),
            (&Fenet, |word| format!("%DW{word}")),
            (&S7, |word| format!("DB1.DBW{}", 2 * word)),
        ];
        let (protocol, path) = *protocols.choose(&mut rng).unwrap();
        let device = Arc::new(ChaosDevice::random(&mut rng));
        let count = rng.random_range(1..=60);
        let polled: BTreeSet<u32> = (0..WORDS).choose_multiple(&mut rng, count).into_iter().collect();
        let streams: Vec<_> = polled
            .iter()
            .map(|word| Arc::new(stream(i32::try_from(*word).unwrap(), &path(*word), StreamKind::Uint16)))
            .collect();
        let mut spec = DeviceSpec::new("plc", protocol.protocol());
        spec.host = "127.0.0.1".to_owned();
        let group = RegisterPollGroup::new(protocol, &spec, &streams);
        let context = SourceContext {
            connection: Arc::new(SharedConnection::new(context())),
            status: Arc::new(DeviceStatusCell::default()),
            clock: Arc::new(SystemClock),
            web: CollectOptions::default().web,
        };
        let endpoint = Arc::new(ChaosEndpoint(Arc::clone(&device)));
        let source = RegisterSource::with_endpoint(protocol, endpoint, None, context);
        ChaosPlan { device, source, group, polled }
    }

    /// Polls once. Returns the words with values; the others of an answered poll have faults.
    async fn poll(&mut self) -> Result<BTreeSet<u32>, DeviceFault> {
        let mut results = Vec::new();
        let polled = self.source.poll(&mut self.group, &mut results).await;
        let words = results.iter().map(|result| u32::try_from(result.stream.0).unwrap());
        let answered: BTreeSet<u32> = words.clone().collect();
        assert_eq!(answered.len(), results.len(), "nothing has two results");
        let values = words.zip(&results).filter_map(|(word, result)| {
            let sample = result.outcome.as_ref().ok()?;
            assert_eq!(sample.value, NumericValue::Uint(word.into()), "a value is its own word's");
            Some(word)
        });
        let values = values.collect();
        polled?;
        assert_eq!(answered, self.polled, "each has a result");
        Ok(values)
    }

    fn healthy(&self) -> BTreeSet<u32> {
        self.polled.iter().filter(|word| !self.device.words.contains_key(word)).copied().collect()
    }
}

#[tokio::test(start_paused = true)]
async fn every_healthy_point_has_its_value_within_three_polls_and_no_bad_one_has_any() {
    let mut failed = Vec::new();
    for seed in 0..500 {
        let mut plan = ChaosPlan::new(seed);
        let healthy = plan.healthy();
        if healthy.is_empty() {
            continue;
        }
        let (mut found, mut polls, mut losses) = (BTreeSet::new(), 0, 0);
        while polls < POLLS {
            match plan.poll().await {
                Ok(values) => {
                    found.extend(values);
                    polls += 1;
                }
                // Nothing was known to answer, and what was asked instead is at fault too.
                Err(_) => losses += 1,
            }
            assert!(losses <= plan.device.words.len(), "seed {seed}: {:?}", plan.device);
        }
        if found != healthy {
            failed.push((seed, &healthy - &found, plan.device));
        }
    }
    assert!(failed.is_empty(), "{} seeds: {failed:?}", failed.len());
}
