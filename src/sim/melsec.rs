//! The plant as a MELSEC CPU: 3E and 4E frames, binary or ASCII as in the request; TCP and UDP.
//!
//! Written from the manual, independently of the collector's codec, so that the two check each other. `D` are the
//! data words of `memory.rs`, `M` its markers, `X` its inputs; every other device of Q, L and iQ-R is plain memory.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::accept::accept;
use super::memory::{AreaRoles, CpuMemory, MemoryError};
use super::plant::Plant;

const ROLES: AreaRoles = AreaRoles { data: 0xA8, markers: 0x90, inputs: 0x9C, is_high_word_first: false };
const BITS: [u32; 24] = [
    0x9C, 0x9D, 0x90, 0x91, 0x92, 0x93, 0x94, 0x98, 0xA0, 0xA1, 0xA2, 0xA3, 0xC1, 0xC0, 0xC7, 0xC6, 0xC4,
    0xC3, 0x51, 0x50, 0x59, 0x58, 0x55, 0x54,
];
const WORDS: [u32; 11] = [0xA8, 0xA9, 0xB4, 0xB5, 0xAF, 0xB0, 0xCC, 0xC2, 0xC8, 0xC5, 0x2C];
/// Codes of devices with 32 bits each.
const DOUBLES: [u32; 4] = [0x52, 0x5A, 0x56, 0x62];
const MAX_WORDS: usize = 960;
const MAX_BITS: usize = 7168;
const MAX_SCATTERED: usize = 192;
const MAX_FRAME_BYTES: usize = 32 * 1024;

/// End codes.
const NO_SUCH_DEVICE: u16 = 0x4030;
const OUT_OF_RANGE: u16 = 0x4031;
const TOO_MANY: u16 = 0xC051;
const NO_SUCH_COMMAND: u16 = 0xC059;
const OTHER_UNIT: u16 = 0xC05C;
const OTHER_LENGTH: u16 = 0xC061;

/// Creates the memory of a MELSEC CPU.
pub fn memory(plant: Arc<Mutex<Plant>>) -> Arc<Mutex<CpuMemory>> {
    Arc::new(Mutex::new(CpuMemory::new(plant, ROLES, BITS.into_iter().chain(WORDS).chain(DOUBLES))))
}

/// Serves every connection, for ever.
pub async fn serve(listener: TcpListener, memory: Arc<Mutex<CpuMemory>>) {
    accept(listener, |stream| serve_connection(stream, Arc::clone(&memory))).await;
}

/// Answers every datagram that is a request.
pub async fn serve_datagrams(socket: UdpSocket, memory: Arc<Mutex<CpuMemory>>) {
    let mut buffer = vec![0; MAX_FRAME_BYTES];
    loop {
        // On some systems a client that left before its answer makes the next read fail.
        let Ok((len, from)) = socket.recv_from(&mut buffer).await else { continue };
        let request = &buffer[..len];
        if frame_len(request) == Some(len)
            && let Some(answer) = answer(&mut memory.lock(), request)
        {
            let _ = socket.try_send_to(&answer, from);
        }
    }
}

/// Serves one connection until it ends, or until bytes that begin no request.
async fn serve_connection(mut stream: TcpStream, memory: Arc<Mutex<CpuMemory>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut received = Vec::new();
    loop {
        while let Some(len) = frame_len(&received).filter(|len| received.len() >= *len) {
            let answered = answer(&mut memory.lock(), &received[..len])?;
            stream.write_all(&answered).await.ok()?;
            received.drain(..len);
        }
        if !is_beginning(&received)
            || received.len() > MAX_FRAME_BYTES
            || stream.read_buf(&mut received).await.ok()? == 0
        {
            return None;
        }
    }
}

fn is_beginning(bytes: &[u8]) -> bool {
    matches!(bytes, [] | [0x50 | 0x54, ..] | [b'5', ..])
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'5')
}

fn is_4e(bytes: &[u8]) -> bool {
    if is_text(bytes) { bytes.get(1) == Some(&b'4') } else { bytes.first() == Some(&0x54) }
}

/// Length of the frame that begins here, once enough bytes are known.
fn frame_len(bytes: &[u8]) -> Option<usize> {
    let mut header = Reader { is_text: is_text(bytes), rest: bytes };
    header.skip(if is_4e(bytes) { 11 } else { 7 })?;
    let len = header.number(2)? as usize;
    Some(bytes.len() - header.rest.len() + len)
}

/// Reads numbers in either code.
struct Reader<'a> {
    is_text: bool,
    rest: &'a [u8],
}

impl Reader<'_> {
    fn skip(&mut self, len: usize) -> Option<()> {
        let len = if self.is_text { 2 * len } else { len };
        self.rest = self.rest.get(len..)?;
        Some(())
    }

    fn number(&mut self, len: usize) -> Option<u32> {
        if self.is_text {
            let (digits, rest) = self.rest.split_at_checked(2 * len)?;
            self.rest = rest;
            u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        } else {
            let (bytes, rest) = self.rest.split_at_checked(len)?;
            self.rest = rest;
            Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
        }
    }

    /// Code and number of a device.
    fn device(&mut self, is_iqr: bool) -> Option<(u32, usize)> {
        if !self.is_text {
            let number = self.number(if is_iqr { 4 } else { 3 })?;
            return Some((self.number(if is_iqr { 2 } else { 1 })?, number as usize));
        }
        let (name, digits) = if is_iqr { (4, 8) } else { (2, 6) };
        let (text, rest) = self.rest.split_at_checked(name + digits)?;
        self.rest = rest;
        let (name, digits) = std::str::from_utf8(text).ok()?.split_at_checked(name)?;
        let (code, radix) = named(name.trim_end_matches('*'));
        Some((code, usize::from_str_radix(digits, radix).ok()?))
    }

    fn bits(&mut self, count: usize) -> Option<Vec<bool>> {
        let taken = if self.is_text { count } else { count.div_ceil(2) };
        let (bytes, rest) = self.rest.split_at_checked(taken)?;
        self.rest = rest;
        let all: Vec<bool> = if self.is_text {
            bytes.iter().map(|digit| *digit == b'1').collect()
        } else {
            bytes.iter().flat_map(|byte| [byte & 0x10 != 0, byte & 1 != 0]).collect()
        };
        all.get(..count).map(<[bool]>::to_vec)
    }
}

/// Code and radix of a device in ASCII code; code 0 means an unknown device.
fn named(name: &str) -> (u32, u32) {
    match name {
        "D" => (0xA8, 10),
        "M" => (0x90, 10),
        "X" => (0x9C, 16),
        "Y" => (0x9D, 16),
        "W" => (0xB4, 16),
        "B" => (0xA0, 16),
        "R" => (0xAF, 10),
        "ZR" => (0xB0, 16),
        "SD" => (0xA9, 10),
        "SM" => (0x91, 10),
        "TN" => (0xC2, 10),
        "CN" => (0xC5, 10),
        _ => (0, 10),
    }
}

/// The whole response; `None` to bytes that are no request.
fn answer(memory: &mut CpuMemory, request: &[u8]) -> Option<Vec<u8>> {
    let (is_text, is_4e) = (is_text(request), is_4e(request));
    let width = if is_text { 2 } else { 1 };
    let mut body = Reader { is_text, rest: request };
    body.skip(if is_4e { 13 } else { 9 } + 2)?;
    let (command, subcommand) = (body.number(2)?, body.number(2)?);
    let outcome = execute(memory, command, subcommand, &mut body);
    let mut out = Writer { is_text, bytes: Vec::new() };
    match outcome {
        Ok(data) => {
            out.number(0, 2);
            out.data(&data);
        }
        Err(end_code) => {
            out.number(end_code.into(), 2);
            // An error response names the refusing station and the refused command.
            let route = request.get(if is_4e { 6 * width..11 * width } else { 2 * width..7 * width })?;
            out.bytes.extend_from_slice(route);
            out.number(command, 2);
            out.number(subcommand, 2);
        }
    }
    let mut frame = Writer { is_text, bytes: Vec::new() };
    frame.number(if is_4e { 0xD4 } else { 0xD0 }, 1);
    frame.number(0, 1);
    // Serial number and route are echoed.
    frame.bytes.extend_from_slice(request.get(2 * width..if is_4e { 11 } else { 7 } * width)?);
    frame.number(out.bytes.len() as u32, 2);
    frame.bytes.append(&mut out.bytes);
    Some(frame.bytes)
}

/// Contents of a response.
enum ResponseData {
    Nothing,
    Words(Vec<u16>),
    Bits(Vec<bool>),
    Scattered(Vec<u16>, Vec<u32>),
    Model,
}

struct Writer {
    is_text: bool,
    bytes: Vec<u8>,
}

impl Writer {
    fn number(&mut self, number: u32, len: usize) {
        if self.is_text {
            self.bytes.extend(format!("{number:0digits$X}", digits = 2 * len).bytes());
        } else {
            self.bytes.extend_from_slice(&number.to_le_bytes()[..len]);
        }
    }

    fn data(&mut self, content: &ResponseData) {
        match content {
            ResponseData::Nothing => {}
            ResponseData::Words(words) => words.iter().for_each(|word| self.number((*word).into(), 2)),
            ResponseData::Bits(bits) if self.is_text => {
                self.bytes.extend(bits.iter().map(|on| b'0' + u8::from(*on)))
            }
            ResponseData::Bits(bits) => {
                let pack = |pair: &[bool]| {
                    u8::from(pair[0]) << 4 | u8::from(pair.get(1).copied().unwrap_or_default())
                };
                self.bytes.extend(bits.chunks(2).map(pack));
            }
            ResponseData::Scattered(words, doubles) => {
                words.iter().for_each(|word| self.number((*word).into(), 2));
                doubles.iter().for_each(|double| self.number(*double, 4));
            }
            ResponseData::Model => {
                self.bytes.extend_from_slice(b"Q26UDEHCPU      ");
                self.number(0x026C, 2);
            }
        }
    }
}

fn execute(
    memory: &mut CpuMemory,
    command: u32,
    subcommand: u32,
    body: &mut Reader<'_>,
) -> Result<ResponseData, u16> {
    let (is_iqr, is_bits) = (subcommand & 2 != 0, subcommand & 1 != 0);
    let data = match command {
        0x0101 => ResponseData::Model,
        0x0401 | 0x1401 => batch(memory, command == 0x1401, is_iqr, is_bits, body)?,
        0x0403 => {
            let counts = (body.number(1), body.number(1));
            let (Some(words), Some(doubles)) = counts else { return Err(OTHER_LENGTH) };
            if words + doubles > MAX_SCATTERED as u32 {
                return Err(TOO_MANY);
            }
            let mut one = |count| {
                let (code, number) = body.device(is_iqr).ok_or(OTHER_LENGTH)?;
                read_words(memory, code, number, count)
            };
            let words = (0..words).map(|_| one(1).map(|words| words[0])).collect::<Result<_, _>>()?;
            let double = |words: Vec<u16>| u32::from(words[1]) << 16 | u32::from(words[0]);
            let doubles = (0..doubles).map(|_| one(2).map(double)).collect::<Result<_, _>>()?;
            ResponseData::Scattered(words, doubles)
        }
        0x1402 => scatter(memory, is_iqr, is_bits, body)?,
        _ => return Err(NO_SUCH_COMMAND),
    };
    if body.rest.is_empty() { Ok(data) } else { Err(OTHER_LENGTH) }
}

fn batch(
    memory: &mut CpuMemory,
    is_write: bool,
    is_iqr: bool,
    is_bits: bool,
    body: &mut Reader<'_>,
) -> Result<ResponseData, u16> {
    let (code, number) = body.device(is_iqr).ok_or(OTHER_LENGTH)?;
    let count = body.number(2).ok_or(OTHER_LENGTH)? as usize;
    if count == 0 || count > if is_bits { MAX_BITS } else { MAX_WORDS } {
        return Err(TOO_MANY);
    }
    if is_bits && !BITS.contains(&code) {
        return Err(if WORDS.contains(&code) { OTHER_UNIT } else { NO_SUCH_DEVICE });
    }
    match (is_write, is_bits) {
        (false, true) => memory.bits(code, number, count).map(ResponseData::Bits).map_err(missing),
        (false, false) => read_words(memory, code, number, count).map(ResponseData::Words),
        (true, true) => {
            let bits = body.bits(count).ok_or(OTHER_LENGTH)?;
            memory.set_bits(code, number, &bits).map_err(missing)?;
            Ok(ResponseData::Nothing)
        }
        (true, false) => {
            let words: Option<Vec<u16>> =
                (0..count).map(|_| body.number(2).map(|word| word as u16)).collect();
            write_words(memory, code, number, &words.ok_or(OTHER_LENGTH)?)?;
            Ok(ResponseData::Nothing)
        }
    }
}

fn scatter(
    memory: &mut CpuMemory,
    is_iqr: bool,
    is_bits: bool,
    body: &mut Reader<'_>,
) -> Result<ResponseData, u16> {
    let first = body.number(1).ok_or(OTHER_LENGTH)?;
    let doubles = if is_bits { 0 } else { body.number(1).ok_or(OTHER_LENGTH)? };
    for index in 0..first + doubles {
        let (code, number) = body.device(is_iqr).ok_or(OTHER_LENGTH)?;
        let width = match (is_bits, index < first) {
            (true, _) => {
                if is_iqr {
                    2
                } else {
                    1
                }
            }
            (false, true) => 2,
            (false, false) => 4,
        };
        let value = body.number(width).ok_or(OTHER_LENGTH)?;
        if is_bits {
            memory.set_bits(code, number, &[value == 1]).map_err(missing)?;
        } else {
            let words = [value as u16, (value >> 16) as u16];
            write_words(memory, code, number, &words[..width / 2])?;
        }
    }
    Ok(ResponseData::Nothing)
}

/// Words of a word device, or 16 bits each of a bit device; two words each of a double device.
fn read_words(memory: &CpuMemory, code: u32, number: usize, count: usize) -> Result<Vec<u16>, u16> {
    if !BITS.contains(&code) {
        let start = if DOUBLES.contains(&code) { 2 * number } else { number };
        return memory.words(code, start, count).map_err(missing);
    }
    let bits = memory.bits(code, number, 16 * count).map_err(missing)?;
    let pack = |bits: &[bool]| bits.iter().rev().fold(0, |word, on| word << 1 | u16::from(*on));
    Ok(bits.chunks(16).map(pack).collect())
}

fn write_words(memory: &mut CpuMemory, code: u32, number: usize, words: &[u16]) -> Result<(), u16> {
    if !BITS.contains(&code) {
        let start = if DOUBLES.contains(&code) { 2 * number } else { number };
        return memory.set_words(code, start, words).map_err(missing);
    }
    let bits: Vec<bool> =
        words.iter().flat_map(|word| (0..16).map(move |bit| word >> bit & 1 == 1)).collect();
    memory.set_bits(code, number, &bits).map_err(missing)
}

fn missing(missing: MemoryError) -> u16 {
    match missing {
        MemoryError::Area => NO_SUCH_DEVICE,
        MemoryError::Word => OUT_OF_RANGE,
    }
}

#[cfg(test)]
#[path = "melsec_tests.rs"]
mod tests;
