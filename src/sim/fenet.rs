//! The plant as an XGT CPU: individual and continuous reads and writes of the FEnet protocol.
//!
//! Written from the manual, independently of the collector's codec, so that the two check each other. `D` are the
//! data words of `memory.rs`, `M` its markers, `P` its inputs; every other area is plain memory, and `I`, `Q` and `U`
//! can also be addressed by modules of 64 points.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::accept::accept;
use super::memory::{AreaRoles, CpuMemory, MemoryError, WORDS_PER_AREA};
use super::plant::Plant;

const AREAS: [&str; 17] =
    ["P", "M", "K", "L", "F", "T", "C", "S", "D", "R", "ZR", "U", "N", "Z", "I", "Q", "W"];
/// Areas whose bits have no names.
const WORDS_ONLY: [&str; 6] = ["D", "R", "ZR", "N", "Z", "W"];
const COMPANY: &[u8] = b"LSIS-XGT\0\0";
const HEADER: usize = 20;
const MAX_BLOCKS: usize = 16;
const MAX_BYTES: usize = 1400;
const CONTINUOUS: u16 = 0x14;

/// Error codes.
const TOO_MANY_BLOCKS: u16 = 1;
const NO_SUCH_TYPE: u16 = 2;
const NO_SUCH_AREA: u16 = 3;
const OUT_OF_RANGE: u16 = 4;
const TOO_MANY_BYTES: u16 = 5;
const OTHER_LENGTH: u16 = 0x76;
const WRONG_SUM: u16 = 0x77;
const NO_SUCH_INSTRUCTION: u16 = 0x78;

/// Creates the memory of an XGT CPU.
pub fn memory(plant: Arc<Mutex<Plant>>) -> Arc<Mutex<CpuMemory>> {
    let roles = AreaRoles { data: key("D"), markers: key("M"), inputs: key("P"), is_high_word_first: false };
    Arc::new(Mutex::new(CpuMemory::new(plant, roles, AREAS.map(key))))
}

/// An area's number in `CpuMemory`.
fn key(letters: &str) -> u32 {
    letters.bytes().fold(0, |key, letter| key << 8 | u32::from(letter))
}

/// Serves every connection, for ever.
pub async fn serve(listener: TcpListener, memory: Arc<Mutex<CpuMemory>>) {
    accept(listener, |stream| serve_connection(stream, Arc::clone(&memory))).await;
}

/// Serves one connection until it ends, or until bytes that begin no request.
async fn serve_connection(mut stream: TcpStream, memory: Arc<Mutex<CpuMemory>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    loop {
        let mut header = [0; HEADER];
        stream.read_exact(&mut header).await.ok()?;
        if !header.starts_with(COMPANY) {
            return None;
        }
        let mut body = vec![0; u16::from_le_bytes([header[16], header[17]]).into()];
        stream.read_exact(&mut body).await.ok()?;
        let answered = answer(&mut memory.lock(), &header, &body)?;
        stream.write_all(&answered).await.ok()?;
    }
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// The whole response; `None` to a body without an instruction.
fn answer(memory: &mut CpuMemory, header: &[u8; HEADER], body: &[u8]) -> Option<Vec<u8>> {
    let mut request = Reader(body);
    let (instruction, data_type) = (request.u16().ok()?, request.u16().ok()?);
    let sum = header[HEADER - 1];
    let outcome = if sum != 0 && sum != checksum(&header[..HEADER - 1]) {
        Err(WRONG_SUM)
    } else {
        execute(memory, instruction, data_type, &mut request)
    };
    let mut content = Vec::new();
    let mut put = |number: u16| content.extend(number.to_le_bytes());
    put(instruction.wrapping_add(1));
    put(data_type);
    put(0);
    match outcome {
        Ok(ResponseBlocks { count, blocks }) => {
            put(0);
            put(count);
            for block in blocks {
                content.extend((block.len() as u16).to_le_bytes());
                content.extend(block);
            }
        }
        Err(code) => {
            put(0xFFFF);
            put(code);
        }
    }
    let mut frame = COMPANY.to_vec();
    // CPU status: a running XGK.
    frame.extend([0x01, 0x01, 0xA0, 0x11, header[14], header[15]]);
    frame.extend((content.len() as u16).to_le_bytes());
    frame.push(0);
    frame.push(checksum(&frame));
    frame.extend(content);
    Some(frame)
}

/// Contents of a response; that of a write has a count and no blocks.
struct ResponseBlocks {
    count: u16,
    blocks: Vec<Vec<u8>>,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], u16> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(OTHER_LENGTH)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, u16> {
        self.take(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    /// Reads bytes after their length.
    fn sized(&mut self) -> Result<&'a [u8], u16> {
        let len = self.u16()?;
        self.take(len.into())
    }
}

fn execute(
    memory: &mut CpuMemory,
    instruction: u16,
    data_type: u16,
    body: &mut Reader<'_>,
) -> Result<ResponseBlocks, u16> {
    let is_write = match instruction {
        0x54 => false,
        0x58 => true,
        _ => return Err(NO_SUCH_INSTRUCTION),
    };
    body.u16()?;
    let count = body.u16()?;
    if usize::from(count) > MAX_BLOCKS || count == 0 {
        return Err(TOO_MANY_BLOCKS);
    }
    let variables: Vec<Variable> = (0..count).map(|_| parse(body.sized()?)).collect::<Result<_, _>>()?;
    let mut blocks = Vec::new();
    for variable in &variables {
        let (width, is_bit) = match (data_type, variable.letter) {
            (CONTINUOUS, b'B') => (None, false),
            (0, b'X') => (Some(1), true),
            (1, b'B') => (Some(1), false),
            (2, b'W') => (Some(2), false),
            (3, b'D') => (Some(4), false),
            (4, b'L') => (Some(8), false),
            _ => return Err(NO_SUCH_TYPE),
        };
        if is_write {
            let value = body.sized()?;
            if width.is_some_and(|width| width != value.len()) {
                return Err(OTHER_LENGTH);
            }
            write(memory, variable, is_bit, value)?;
        } else {
            let len = match width {
                Some(width) => width,
                None => body.u16()?.into(),
            };
            blocks.push(read(memory, variable, is_bit, len)?);
        }
    }
    if body.0.is_empty() { Ok(ResponseBlocks { count, blocks }) } else { Err(OTHER_LENGTH) }
}

/// A variable: its area, size letter and first bit.
struct Variable {
    area: u32,
    letter: u8,
    bit: usize,
}

fn parse(name: &[u8]) -> Result<Variable, u16> {
    let name = std::str::from_utf8(name).ok().and_then(|name| name.strip_prefix('%')).ok_or(NO_SUCH_AREA)?;
    let digits_at = name.find(|c: char| c.is_ascii_digit()).ok_or(NO_SUCH_AREA)?;
    let (letters, number) = name.split_at(digits_at);
    let (letters, size) = letters.split_at_checked(letters.len().saturating_sub(1)).ok_or(NO_SUCH_AREA)?;
    if !AREAS.contains(&letters) {
        return Err(NO_SUCH_AREA);
    }
    let (letter, width) = match size {
        "X" if WORDS_ONLY.contains(&letters) => return Err(NO_SUCH_TYPE),
        "X" => (b'X', 1),
        "B" => (b'B', 8),
        "W" => (b'W', 16),
        "D" => (b'D', 32),
        "L" => (b'L', 64),
        _ => return Err(NO_SUCH_TYPE),
    };
    let has_modules = matches!(letters, "I" | "Q" | "U");
    let bit =
        first_bit(number, width, has_modules).filter(|bit| *bit < WORDS_PER_AREA * 16).ok_or(OUT_OF_RANGE)?;
    Ok(Variable { area: key(letters), letter, bit })
}

/// First bit of a variable of `width` bits, counted through its area.
fn first_bit(number: &str, width: usize, has_modules: bool) -> Option<usize> {
    let levels: Option<Vec<usize>> = number.split('.').map(|level| level.parse().ok()).collect();
    match levels?.as_slice() {
        [number] => number.checked_mul(width),
        // A slot has 64 points, a base 16 slots.
        [base, slot, number] if has_modules => {
            let module = base.checked_mul(16)?.checked_add(*slot)?;
            module.checked_mul(64)?.checked_add(number.checked_mul(width)?)
        }
        _ => None,
    }
}

fn read(memory: &CpuMemory, variable: &Variable, is_bit: bool, len: usize) -> Result<Vec<u8>, u16> {
    if is_bit {
        return Ok(memory
            .bits(variable.area, variable.bit, 1)
            .map_err(missing)?
            .into_iter()
            .map(u8::from)
            .collect());
    }
    if len > MAX_BYTES {
        return Err(TOO_MANY_BYTES);
    }
    let bits = memory.bits(variable.area, variable.bit, 8 * len).map_err(missing)?;
    Ok(bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, on| byte << 1 | u8::from(*on))).collect())
}

fn write(memory: &mut CpuMemory, variable: &Variable, is_bit: bool, value: &[u8]) -> Result<(), u16> {
    if value.len() > MAX_BYTES {
        return Err(TOO_MANY_BYTES);
    }
    let bits: Vec<bool> = if is_bit {
        vec![value.first().is_some_and(|bit| *bit == 1)]
    } else {
        value.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).collect()
    };
    memory.set_bits(variable.area, variable.bit, &bits).map_err(missing)
}

fn missing(missing: MemoryError) -> u16 {
    match missing {
        MemoryError::Area => NO_SUCH_AREA,
        MemoryError::Word => OUT_OF_RANGE,
    }
}

#[cfg(test)]
#[path = "fenet_tests.rs"]
mod tests;
