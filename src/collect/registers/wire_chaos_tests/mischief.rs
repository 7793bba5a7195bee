//! Misbehaviour of a device at single words, on the wire.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::wire::WireDevice;

/// Timeout of the device.
pub const TIMEOUT: Duration = Duration::from_secs(1);
/// Pause before a copy of an answer.
pub const COPY_PAUSE: Duration = Duration::from_millis(100);
/// Bytes by which a length lies.
const LIE: i16 = 2;

/// Misbehaviour of a word: what becomes of a read that touches it.
#[derive(Debug, Clone, Copy)]
pub enum Mischief {
    Silence,
    Close,
    /// Half of the answer, then the end of the connection.
    Cut,
    /// Half of the answer, then nothing.
    Half,
    /// A length that says more than comes.
    LongLength,
    /// A length that says less than comes.
    ShortLength,
    /// An answer with a word too many, whose lengths are right.
    OtherCount,
    /// The answer comes when nobody waits for it any more.
    Late,
    /// The number of another request.
    OtherNumber,
    Refusal(u16),
    /// The answer takes half of the timeout.
    Slow,
    /// The answer comes twice at once.
    Twice,
    /// The answer comes again after a pause, before the next request is read.
    LateCopy,
    /// The answer comes again in front of the next one.
    Again,
}

const LOSSES: [Mischief; 9] = [
    Mischief::Silence,
    Mischief::Close,
    Mischief::Cut,
    Mischief::Half,
    Mischief::LongLength,
    Mischief::ShortLength,
    Mischief::OtherCount,
    Mischief::Late,
    Mischief::OtherNumber,
];
const HARMLESS: [Mischief; 4] = [Mischief::Slow, Mischief::Twice, Mischief::LateCopy, Mischief::Again];

impl Mischief {
    /// One by which an answer is lost.
    pub fn random_loss(rng: &mut StdRng, device: &dyn WireDevice) -> Mischief {
        *with_numbers(&LOSSES, device).choose(rng).unwrap()
    }

    /// One that leaves the word its value.
    pub fn random_harmless(rng: &mut StdRng, device: &dyn WireDevice) -> Mischief {
        *with_numbers(&HARMLESS, device).choose(rng).unwrap()
    }

    /// A refusal by any code, as often by one that the manuals explain.
    pub fn random_refusal(rng: &mut StdRng, device: &dyn WireDevice) -> Mischief {
        let (explained, all) = device.codes();
        let is_explained = rng.random_bool(0.5);
        Mischief::Refusal(if is_explained { *explained.choose(rng).unwrap() } else { rng.random_range(all) })
    }

    /// Whether the word has its value all the same.
    pub fn is_harmless(self) -> bool {
        self.is_repeated() || matches!(self, Mischief::Slow)
    }

    /// Whether an answer comes more than once.
    pub fn is_repeated(self) -> bool {
        matches!(self, Mischief::Twice | Mischief::LateCopy | Mischief::Again)
    }

    /// Whether the device answers that it refuses.
    pub fn is_refusal(self) -> bool {
        matches!(self, Mischief::Refusal(_))
    }

    /// Whether the client waits for the answer in vain, or may: what is short can look like the copy of another.
    fn is_silent(self) -> bool {
        let is_short = matches!(self, Mischief::ShortLength | Mischief::OtherCount);
        is_short || matches!(self, Mischief::Silence | Mischief::Half | Mischief::LongLength | Mischief::Late)
    }

    /// Whether a fault says what happened here.
    pub fn is_named_in(self, why: &str, device: &dyn WireDevice) -> bool {
        let is_lost = why.contains(" lost: ");
        let is_broken = why.contains(" broke the protocol: ");
        match self {
            Mischief::Silence | Mischief::Half | Mischief::LongLength | Mischief::Late => {
                why.contains(" did not answer within ")
            }
            Mischief::Close | Mischief::Cut => is_lost,
            // The library for Modbus does not tell a short frame from the end of the connection. In what has only checksums it looks
            // for another frame, and waits for its end.
            Mischief::ShortLength => {
                let is_awaited = device.layout().length.is_none() && why.contains(" did not answer within ");
                is_lost || is_broken || is_awaited
            }
            Mischief::OtherCount | Mischief::OtherNumber => is_broken,
            Mischief::Again | Mischief::Twice | Mischief::LateCopy => is_broken,
            Mischief::Refusal(code) => why.contains(&device.code_name(code)),
            Mischief::Slow => false,
        }
    }
}

/// All of a list, or without its last, which takes numbers in frames, where the protocol has none.
fn with_numbers<'a>(all: &'a [Mischief], device: &dyn WireDevice) -> &'a [Mischief] {
    &all[..all.len() - usize::from(device.layout().number.is_none())]
}

/// Bytes that a line sends in place of an answer.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Time before them.
    pub delay: Duration,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether the connection ends with them.
    pub ends: bool,
    /// Whether the client may have to wait for time.
    pub is_withheld: bool,
    /// Bytes that come in front of the next answer.
    pub repeated: Vec<u8>,
    /// Bytes that come after a pause.
    pub late_copy: Vec<u8>,
}

impl Delivery {
    /// Bytes that are sent in place of an answer.
    pub fn new(mischief: Option<Mischief>, mut answer: Vec<u8>, device: &dyn WireDevice) -> Delivery {
        let (layout, half) = (device.layout(), answer.len() / 2);
        let mut delivery = Delivery::default();
        match mischief {
            // A refusal may be one of a busy device, after which the client pauses.
            Some(Mischief::Refusal(_)) => delivery.is_withheld = true,
            Some(Mischief::Silence) => answer.clear(),
            Some(Mischief::Close) => {
                answer.clear();
                delivery.ends = true;
            }
            Some(Mischief::Cut) => {
                answer.truncate(half);
                delivery.ends = true;
            }
            Some(Mischief::Half) => answer.truncate(half),
            Some(Mischief::LongLength) => answer = device.with_other_length(answer, LIE),
            Some(Mischief::ShortLength) => answer = device.with_other_length(answer, -LIE),
            Some(Mischief::Late) => delivery.delay = TIMEOUT.mul_f64(1.5),
            Some(Mischief::Slow) => delivery.delay = TIMEOUT / 2,
            Some(Mischief::OtherNumber) => layout.change_number(&mut answer),
            Some(Mischief::Twice) => answer.extend_from_within(..),
            Some(Mischief::LateCopy) => delivery.late_copy = answer.clone(),
            Some(Mischief::Again) => delivery.repeated = answer.clone(),
            Some(Mischief::OtherCount) | None => {}
        }
        delivery.is_withheld |= !delivery.delay.is_zero() || mischief.is_some_and(Mischief::is_silent);
        delivery.bytes = answer;
        delivery
    }
}
