//! One device with its misbehaviour, the words of it that are polled, and three polls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{Rng, SeedableRng};

use super::clock::LineClock;
use super::line::{ChaosDevice, ChaosLine};
use super::mischief::{Mischief, TIMEOUT};
use super::wire::WireDevice;
use crate::collect::CollectOptions;
use crate::collect::deadband::PollResult;
use crate::collect::numeric_value::NumericValue;
use crate::collect::protocol::SourceContext;
use crate::collect::registry;
use crate::collect::shared_connection::SharedConnection;
use crate::collect::source::DeviceSource;
use crate::collect::status_cell::DeviceStatusCell;
use crate::collect::test_harness::{context, stream};
use crate::domain::device::DeviceSpec;
use crate::domain::stream::StreamKind;
use crate::domain::time::SystemClock;

/// Words that a device has.
const WORDS: u32 = 120;
/// The most words that are polled.
const MAX_POLLED: usize = 30;
/// Polls after which every healthy word has had a value, and every bad one its fault.
const POLLS: usize = 3;

/// Makes a misbehaviour of one kind.
type RandomMischief = fn(&mut StdRng, &dyn WireDevice) -> Mischief;

/// The words that have values, and the faults of the others.
type Outcomes = (BTreeSet<u32>, BTreeMap<u32, String>);

/// A device, and the words of it that are polled.
pub struct ChaosPlan {
    device: Arc<ChaosDevice>,
    polled: BTreeSet<u32>,
}

impl ChaosPlan {
    /// A device of this kind whose misbehaviour a seed decides.
    pub fn random(seed: u64, wire: &'static dyn WireDevice) -> ChaosPlan {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut words = BTreeMap::new();
        let kinds: [(u32, RandomMischief); 3] =
            [(2, Mischief::random_harmless), (2, Mischief::random_loss), (3, Mischief::random_refusal)];
        for (most, random) in kinds {
            for _ in 0..rng.random_range(0..=most) {
                words.insert(rng.random_range(0..WORDS), random(&mut rng, wire));
            }
        }
        let count = rng.random_range(1..=MAX_POLLED);
        let mut polled: BTreeSet<u32> = (0..WORDS).choose_multiple(&mut rng, count).into_iter().collect();
        // Most would miss what misbehaves.
        polled.extend(words.keys().filter(|_| rng.random_bool(0.7)));
        ChaosPlan::new(wire, words, polled)
    }

    /// A device whose words misbehave in this way.
    pub fn new(
        wire: &'static dyn WireDevice,
        words: BTreeMap<u32, Mischief>,
        polled: BTreeSet<u32>,
    ) -> ChaosPlan {
        ChaosPlan { device: Arc::new(ChaosDevice { wire, words }), polled }
    }

    /// Polls three times. The error says what is wrong.
    pub async fn run(&self, clock: &Arc<LineClock>) -> Result<(), String> {
        let (bad, healthy): (BTreeSet<u32>, BTreeSet<u32>) =
            self.polled.iter().copied().partition(|word| self.is_bad(*word));
        if healthy.is_empty() {
            return Ok(());
        }
        let line = ChaosLine::start(Arc::clone(&self.device), Arc::clone(clock)).await;
        let mut source = self.source(line.port);
        let (mut found, mut faults) = (BTreeSet::new(), BTreeMap::new());
        let (mut polls, mut losses) = (0, 0);
        while polls < POLLS {
            let mut results = Vec::new();
            let polled = source.poll(0, &mut results).await;
            let (values, failed) = self.outcomes(results)?;
            if polled.is_ok() {
                polls += 1;
                faults = failed;
                let answered: BTreeSet<u32> = values.iter().chain(faults.keys()).copied().collect();
                if answered != self.polled {
                    return Err(format!("results of {answered:?}"));
                }
            } else {
                // Nothing was known to answer, and what was asked instead is at fault too.
                losses += 1;
            }
            found.extend(values);
            if losses > self.device.words.len() {
                return Err(format!("lost {losses} times: {polled:?}"));
            }
        }
        if found != healthy {
            return Err(format!("values of {:?}, not of {:?}", &found - &healthy, &healthy - &found));
        }
        let unnamed = bad.iter().find(|word| !faults.get(*word).is_some_and(|why| self.is_named(why)));
        unnamed.map_or(Ok(()), |word| Err(format!("word {word} is not named: {:?}", faults.get(word))))
    }

    fn is_bad(&self, word: u32) -> bool {
        self.device.words.get(&word).is_some_and(|mischief| !mischief.is_harmless())
    }

    /// Whether a fault is one of those that the device makes. Bad words that are read together share one.
    fn is_named(&self, why: &str) -> bool {
        self.device.words.values().any(|mischief| mischief.is_named_in(why, self.device.wire))
    }

    /// The source that a poller would have.
    fn source(&self, port: u16) -> Box<dyn DeviceSource> {
        let mut spec = DeviceSpec::new("plc", self.device.wire.protocol());
        (spec.host, spec.port) = ("127.0.0.1".to_owned(), Some(port));
        spec.timeout_s = TIMEOUT.as_secs_f64();
        for (name, value) in self.device.wire.settings() {
            spec.metadata.insert((*name).to_owned(), (*value).into());
        }
        let tag = |word: &u32| {
            let id = i32::try_from(*word).unwrap();
            Arc::new(stream(id, &self.device.wire.register(*word), StreamKind::Uint16))
        };
        let context = SourceContext {
            connection: Arc::new(SharedConnection::new(context())),
            status: Arc::new(DeviceStatusCell::default()),
            clock: Arc::new(SystemClock),
            web: CollectOptions::default().web,
        };
        let mut source = registry::source(&spec, context).unwrap();
        source.set_groups(&spec, &[self.polled.iter().map(tag).collect()]);
        source
    }

    fn outcomes(&self, results: Vec<PollResult>) -> Result<Outcomes, String> {
        let (mut values, mut faults) = (BTreeSet::new(), BTreeMap::new());
        for result in results {
            let word = u32::try_from(result.stream.0).unwrap();
            let is_first = match result.outcome {
                Ok(sample) if sample.value == NumericValue::Uint(word.into()) => values.insert(word),
                Ok(sample) => {
                    return Err(format!("word {word} has the value of another: {:?}", sample.value));
                }
                Err(why) => faults.insert(word, why).is_none(),
            };
            if !is_first || values.contains(&word) && faults.contains_key(&word) {
                return Err(format!("word {word} has two results in one poll"));
            }
        }
        Ok((values, faults))
    }

    /// The device and what is polled of it, for whoever runs the plan again.
    pub fn describe(&self) -> String {
        let ChaosDevice { wire, words } = &*self.device;
        format!("{} {:?} {words:?}, polled {:?}", wire.protocol(), wire.settings(), self.polled)
    }
}
