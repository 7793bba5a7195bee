//! Inputs of a form: sound ones, or made by its grammar, and changed where decoders go wrong.

use super::Random;

/// Inputs are cut to this: what needs more bytes than that is bounded by the limits of bodies.
const MAX_INPUT_BYTES: usize = 256 << 10;
/// One input is changed so often at most.
const MAX_CHANGES: usize = 16;

/// Form of a decoder's inputs.
#[derive(Default)]
pub struct InputFormat {
    /// Sound inputs.
    pub seeds: Vec<Vec<u8>>,
    /// Makes inputs; beside seeds, every second one.
    pub grammar: Option<fn(&mut Random) -> Vec<u8>>,
    /// Words of the form, which are put anywhere.
    pub words: &'static [&'static str],
    /// Pairs that open and close, nested up to some thousands deep.
    pub nests: &'static [(&'static str, &'static str)],
    /// Applied last, so that a change is not refused for a checksum.
    pub finish: Option<fn(&mut Random, &mut Vec<u8>)>,
}

/// The input of this number.
pub fn input(form: &InputFormat, random: &mut Random) -> Vec<u8> {
    let mut bytes = sound(form, random);
    // Some stay as they are: a grammar makes what no change would.
    if !random.one_in(8) {
        for _ in 0..=random.size(MAX_CHANGES.ilog2() as usize) {
            change(form, random, &mut bytes);
            bytes.truncate(MAX_INPUT_BYTES);
        }
    }
    if let Some(finish) = form.finish {
        finish(random, &mut bytes);
    }
    bytes
}

fn sound(form: &InputFormat, random: &mut Random) -> Vec<u8> {
    match form.grammar {
        Some(grammar) if form.seeds.is_empty() || random.one_in(2) => grammar(random),
        _ if form.seeds.is_empty() => Vec::new(),
        _ => form.seeds[random.below(form.seeds.len())].clone(),
    }
}

fn change(form: &InputFormat, random: &mut Random, bytes: &mut Vec<u8>) {
    match random.below(16) {
        0 if !form.words.is_empty() => {
            let word = random.pick(form.words).as_bytes();
            insert(random, bytes, word);
        }
        1 if !form.nests.is_empty() => nest(form, random, bytes),
        2 => {
            let other = sound(form, random);
            splice(random, bytes, &other);
        }
        _ => change_bytes(random, bytes),
    }
}

/// One change that knows nothing of the form.
pub fn change_bytes(random: &mut Random, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        bytes.push(random.byte());
        return;
    }
    let at = random.below(bytes.len());
    match random.below(12) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.byte(),
        2 => {
            bytes[at] =
                [0, 1, 0x7f, 0x80, 0xff, b'"', b'\\', b'\r', b'\n', b'{', b'(', b','][random.below(12)]
        }
        3 | 4 => lie(random, bytes, at),
        5 => shift(random, bytes, at),
        6 => bytes.truncate(at),
        7 => drop(bytes.drain(range(random, bytes.len()))),
        8 => {
            let part = bytes[range(random, bytes.len())].to_vec();
            insert(random, bytes, &part);
        }
        9 => {
            let part = bytes[range(random, bytes.len().min(64))].to_vec();
            let times = random.size(12).min(MAX_INPUT_BYTES / part.len().max(1));
            insert(random, bytes, &part.repeat(times));
        }
        10 => {
            let part = bytes[range(random, bytes.len())].to_vec();
            let end = (at + part.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&part[..end - at]);
        }
        _ => {
            let varint = varint(random.length());
            drop(bytes.splice(at..at + 1, varint));
        }
    }
}

/// Another length, in any width and order of bytes.
fn lie(random: &mut Random, bytes: &mut [u8], at: usize) {
    let width = [1, 2, 4, 4, 8, 8][random.below(6)];
    let number = random.length().to_le_bytes();
    let is_big = random.one_in(2);
    // Most formats align their numbers.
    let at = if random.one_in(2) { at } else { at / width * width };
    for (i, slot) in bytes[at..].iter_mut().take(width).enumerate() {
        *slot = if is_big { number[width - 1 - i] } else { number[i] };
    }
}

/// A number a little larger or smaller: one off is the mistake that checks make.
fn shift(random: &mut Random, bytes: &mut [u8], at: usize) {
    let by = [1, 0xff, 2, 0xfe, 4, 0xfc, 8, 0xf8][random.below(8)];
    bytes[at] = bytes[at].wrapping_add(by);
}

fn nest(form: &InputFormat, random: &mut Random, bytes: &mut Vec<u8>) {
    let (open, close) = form.nests[random.below(form.nests.len())];
    let depth = random.size(13);
    let part = range(random, bytes.len());
    let inner = bytes[part.clone()].to_vec();
    // Not always closed: a guard can be misled by either.
    let closed = if random.one_in(4) { random.below(depth + 1) } else { depth };
    let nested = [open.repeat(depth).into_bytes(), inner, close.repeat(closed).into_bytes()].concat();
    drop(bytes.splice(part, nested));
}

fn splice(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    bytes.truncate(random.below(bytes.len() + 1));
    bytes.extend_from_slice(&other[random.below(other.len() + 1)..]);
}

fn insert(random: &mut Random, bytes: &mut Vec<u8>, part: &[u8]) {
    let at = random.below(bytes.len() + 1);
    drop(bytes.splice(at..at, part.iter().copied()));
}

fn range(random: &mut Random, len: usize) -> std::ops::Range<usize> {
    if len == 0 {
        return 0..0;
    }
    let start = random.below(len);
    start..(start + 1 + random.size(8)).min(len)
}

/// A number as thrift and protocol buffers write lengths.
pub fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
