//! The plant as a Siemens S7 CPU: ISO on TCP, setup, Read Var and Write Var.
//!
//! Written from the layout that public libraries document, independently of the collector's codec, so that the two check
//! each other. Data block 1 holds the data words of `memory.rs`, numbers of several words high word first; `M` its markers,
//! `I` its inputs. Data block 2, `Q`, `T` and `C` are plain memory.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::accept::accept;
use super::memory::{AreaRoles, CpuMemory, MemoryError};
use super::plant::Plant;

/// Area codes. The number of a data block follows in the lower half of a memory's key.
const INPUTS: u32 = 0x81 << 16;
const OUTPUTS: u32 = 0x82 << 16;
const MARKERS: u32 = 0x83 << 16;
const BLOCKS: u32 = 0x84 << 16;
const COUNTERS: u32 = 0x1C << 16;
const TIMERS: u32 = 0x1D << 16;
const ROLES: AreaRoles =
    AreaRoles { data: BLOCKS | 1, markers: MARKERS, inputs: INPUTS, is_high_word_first: true };
const AREAS: [u32; 7] = [INPUTS, OUTPUTS, MARKERS, BLOCKS | 1, BLOCKS | 2, COUNTERS, TIMERS];

/// The PDU of an S7-300 and S7-1200.
const MAX_PDU: u16 = 240;
const MAX_ITEMS: u8 = 20;
const MAX_PACKET: usize = 2048;

/// Return codes of items.
const SUCCESS: u8 = 0xFF;
const OUT_OF_RANGE: u8 = 0x05;
const OTHER_TYPE: u8 = 0x06;
const OTHER_LENGTH: u8 = 0x07;
const NO_SUCH_OBJECT: u8 = 0x0A;
/// Error classes and codes of an answer.
const NO_SUCH_FUNCTION: u16 = 0x8104;
const TOO_LONG: u16 = 0x8500;

/// Creates the memory of an S7 CPU.
pub fn memory(plant: Arc<Mutex<Plant>>) -> Arc<Mutex<CpuMemory>> {
    Arc::new(Mutex::new(CpuMemory::new(plant, ROLES, AREAS)))
}

/// Serves every connection, for ever.
pub async fn serve(listener: TcpListener, memory: Arc<Mutex<CpuMemory>>) {
    accept(listener, |stream| serve_connection(stream, Arc::clone(&memory))).await;
}

/// Serves one connection until it ends, or until bytes that are no request.
async fn serve_connection(mut stream: TcpStream, memory: Arc<Mutex<CpuMemory>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let request = read_packet(&mut stream).await?;
    stream.write_all(&packet(&confirm(&request)?)).await.ok()?;
    loop {
        let request = read_packet(&mut stream).await?;
        let pdu = request.strip_prefix(&[2, 0xF0, 0x80])?;
        let answered = answer(&mut memory.lock(), pdu)?;
        stream.write_all(&packet(&[&[2, 0xF0, 0x80], &answered[..]].concat())).await.ok()?;
    }
}

/// The contents of the next packet.
async fn read_packet(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).await.ok()?;
    let len = usize::from(u16::from_be_bytes([header[2], header[3]])).checked_sub(header.len())?;
    if header[0] != 3 || len > MAX_PACKET {
        return None;
    }
    let mut contents = vec![0; len];
    stream.read_exact(&mut contents).await.ok()?;
    Some(contents)
}

fn packet(contents: &[u8]) -> Vec<u8> {
    let len = (contents.len() + 4) as u16;
    [&[3, 0], &len.to_be_bytes()[..], contents].concat()
}

/// Confirms a connect request with its own parameters; `None` to anything else.
fn confirm(request: &[u8]) -> Option<Vec<u8>> {
    let [len, 0xE0, _, _, source, source_low, _class, parameters @ ..] = request else { return None };
    Some([&[*len, 0xD0, *source, *source_low, 0, 7, 0], parameters].concat())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }
}

/// The PDU that answers a job; `None` to bytes that are no job.
fn answer(memory: &mut CpuMemory, pdu: &[u8]) -> Option<Vec<u8>> {
    let mut header = Reader(pdu);
    if header.take(4)? != [0x32, 1, 0, 0] {
        return None;
    }
    let reference = header.u16()?;
    let (parameters_len, data_len) = (header.u16()?, header.u16()?);
    let parameters = header.take(parameters_len.into())?;
    let data = header.take(data_len.into())?;
    let executed = execute(memory, parameters, data)?;
    let (kind, error, (parameters, data)) = match executed {
        Ok(contents) if 12 + contents.0.len() + contents.1.len() <= MAX_PDU.into() => (3, 0, contents),
        Ok(_) => (2, TOO_LONG, Contents::default()),
        Err(error) => (2, error, Contents::default()),
    };
    let mut answer = vec![0x32, kind, 0, 0];
    for number in [reference, parameters.len() as u16, data.len() as u16, error] {
        answer.extend(number.to_be_bytes());
    }
    answer.extend(parameters);
    answer.extend(data);
    Some(answer)
}

/// Parameters and data of an answer.
type Contents = (Vec<u8>, Vec<u8>);

/// Executes a job; `None` when it is incomplete.
fn execute(memory: &mut CpuMemory, parameters: &[u8], data: &[u8]) -> Option<Result<Contents, u16>> {
    let mut job = Reader(parameters);
    let mut data = Reader(data);
    let function = job.u8()?;
    match function {
        0xF0 => {
            job.take(5)?;
            let pdu = job.u16()?.min(MAX_PDU);
            Some(Ok(([&[0xF0, 0, 0, 1, 0, 1], &pdu.to_be_bytes()[..]].concat(), Vec::new())))
        }
        0x04 | 0x05 => {
            let count = job.u8()?;
            if count == 0 || count > MAX_ITEMS {
                return Some(Err(TOO_LONG));
            }
            let items: Option<Vec<Item>> = (0..count).map(|_| Item::parse(&mut job)).collect();
            let mut out = Vec::new();
            for (index, item) in items?.iter().enumerate() {
                if function == 0x05 {
                    out.push(write(memory, item, &mut data, index + 1 == usize::from(count))?);
                } else {
                    read(memory, item, &mut out);
                }
            }
            Some(Ok((vec![function, count], out)))
        }
        _ => Some(Err(NO_SUCH_FUNCTION)),
    }
}

/// A range of memory as a job names it.
struct Item {
    size: u8,
    count: u16,
    area: u32,
    /// The first bit, or the number of a timer or counter.
    address: usize,
}

impl Item {
    fn parse(job: &mut Reader<'_>) -> Option<Item> {
        if job.take(3)? != [0x12, 0x0A, 0x10] {
            return None;
        }
        let (size, count, block) = (job.u8()?, job.u16()?, job.u16()?);
        let area = u32::from(job.u8()?) << 16 | u32::from(block);
        let address = job.take(3)?.iter().fold(0, |address, byte| address << 8 | usize::from(*byte));
        Some(Item { size, count, area, address })
    }

    /// Number of bytes; `None` for a type that the area does not have.
    fn bytes(&self) -> Option<usize> {
        let is_counted = matches!(self.area, COUNTERS | TIMERS);
        let width = match self.size {
            0x1C | 0x1D if is_counted => 2,
            0x01 if !is_counted && self.count == 1 => 1,
            // Byte and character; word and integer; double word, double integer and real.
            0x02 | 0x03 if !is_counted => 1,
            0x04 | 0x05 if !is_counted => 2,
            0x06..=0x08 if !is_counted => 4,
            _ => return None,
        };
        Some(width * usize::from(self.count))
    }

    fn first_byte(&self) -> usize {
        if matches!(self.area, COUNTERS | TIMERS) { self.address * 2 } else { self.address / 8 }
    }
}

/// Appends an item of the answer to a Read Var.
fn read(memory: &CpuMemory, item: &Item, out: &mut Vec<u8>) {
    // A fill byte makes the length of the item before even.
    if out.len() % 2 == 1 {
        out.push(0);
    }
    let read = item.bytes().ok_or(OTHER_TYPE);
    let read = read.and_then(|len| read_bytes(memory, item.area, item.first_byte(), len));
    match read {
        Ok(bytes) => {
            let (size, len, bytes) = match item.size {
                0x01 => (3, 1, vec![bytes[0] >> (item.address % 8) & 1]),
                0x1C | 0x1D => (9, bytes.len(), bytes),
                0x08 => (7, bytes.len(), bytes),
                _ => (4, bytes.len() * 8, bytes),
            };
            out.extend([SUCCESS, size]);
            out.extend((len as u16).to_be_bytes());
            out.extend(bytes);
        }
        Err(code) => out.extend([code, 0, 0, 0]),
    }
}

/// Writes an item from the data of a Write Var; its return code.
fn write(memory: &mut CpuMemory, item: &Item, data: &mut Reader<'_>, is_last: bool) -> Option<u8> {
    let (_reserved, size, len) = (data.u8()?, data.u8()?, usize::from(data.u16()?));
    let len = if matches!(size, 3..=5) { len.div_ceil(8) } else { len };
    let value = data.take(len)?;
    if len % 2 == 1 && !is_last {
        data.u8()?;
    }
    let Some(expected) = item.bytes() else { return Some(OTHER_TYPE) };
    if expected != len {
        return Some(OTHER_LENGTH);
    }
    let first = item.first_byte();
    let written = if item.size == 0x01 {
        let mask = 1 << (item.address % 8);
        read_bytes(memory, item.area, first, 1).and_then(|byte| {
            let byte = if value == [0] { byte[0] & !mask } else { byte[0] | mask };
            write_bytes(memory, item.area, first, &[byte])
        })
    } else {
        write_bytes(memory, item.area, first, value)
    };
    Some(written.err().unwrap_or(SUCCESS))
}

/// The memory keeps words. In data blocks their high byte comes first; elsewhere the low one, because the first bits of a
/// word are in its first byte.
fn to_bytes(area: u32, word: u16) -> [u8; 2] {
    if area & 0xFF_0000 == BLOCKS { word.to_be_bytes() } else { word.to_le_bytes() }
}

fn read_bytes(memory: &CpuMemory, area: u32, first: usize, len: usize) -> Result<Vec<u8>, u8> {
    let (words, skipped) = ((first + len).div_ceil(2) - first / 2, first % 2);
    let words = memory.words(area, first / 2, words).map_err(missing)?;
    let bytes = words.into_iter().flat_map(|word| to_bytes(area, word));
    Ok(bytes.skip(skipped).take(len).collect())
}

fn write_bytes(memory: &mut CpuMemory, area: u32, first: usize, value: &[u8]) -> Result<(), u8> {
    let start = first / 2;
    let end = (first + value.len()).div_ceil(2);
    let mut bytes = read_bytes(memory, area, start * 2, (end - start) * 2)?;
    bytes[first % 2..][..value.len()].copy_from_slice(value);
    let is_high_first = to_bytes(area, 1) == [0, 1];
    let word = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        if is_high_first { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    };
    let words: Vec<u16> = bytes.chunks_exact(2).map(word).collect();
    memory.set_words(area, start, &words).map_err(missing)
}

fn missing(missing: MemoryError) -> u8 {
    match missing {
        MemoryError::Area => NO_SUCH_OBJECT,
        MemoryError::Word => OUT_OF_RANGE,
    }
}

#[cfg(test)]
#[path = "s7_tests.rs"]
mod tests;
