//! Codec for the PDUs of S7 communication: setup, Read Var and Write Var. Pure.
//!
//! Siemens does not publish the protocol. The layout is the one that the libraries snap7 and libnodave and the dissector of
//! Wireshark have in common. Numbers are high byte first.

#![warn(missing_docs)]

use super::area::S7Area;

/// The largest PDU that is asked for, in bytes: what an S7-1500 offers.
pub const MAX_PDU: u16 = 960;
/// The smallest PDU that a CPU offers.
pub const MIN_PDU: u16 = 240;
/// Bytes of a Read Var before its items, and of one item.
pub const READ_REQUEST_BYTES: usize = 12;
/// Bytes of an item in a request.
pub const ITEM_BYTES: usize = 12;
/// Bytes of the answer to a Read Var before its items.
pub const READ_RESPONSE_BYTES: usize = 14;
/// Bytes of an item of the answer before its data.
pub const ITEM_HEADER_BYTES: usize = 4;

const PROTOCOL_ID: u8 = 0x32;
const JOB: u8 = 1;
/// An answer without data.
const ACK: u8 = 2;
const ACK_DATA: u8 = 3;
const SETUP: u8 = 0xF0;
const READ_VAR: u8 = 0x04;
const WRITE_VAR: u8 = 0x05;
const SUCCESS: u8 = 0xFF;

/// Transport sizes of items in a request.
const BIT: u8 = 0x01;
const BYTE: u8 = 0x02;
/// Transport sizes of data, whose length is in bits up to `DATA_INTEGER`.
const DATA_BIT: u8 = 0x03;
const DATA_BYTE: u8 = 0x04;
const DATA_INTEGER: u8 = 0x05;
const DATA_DINTEGER: u8 = 0x06;
const DATA_REAL: u8 = 0x07;
const DATA_OCTETS: u8 = 0x09;

/// A range of cells of one area: bytes, or numbered timers or counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct S7Item {
    /// Area of the range.
    pub area: S7Area,
    /// The first cell.
    pub start: u32,
    /// Number of cells.
    pub count: u16,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum S7Request {
    /// Opens the session and asks for PDUs of so many bytes.
    Setup(u16),
    /// Reads ranges, at most 20.
    Read(Vec<S7Item>),
    /// Writes consecutive bytes.
    WriteBytes(S7Area, u32, Vec<u8>),
    /// Writes one bit of a byte, 0..=7.
    WriteBit(S7Area, u32, u8, bool),
}

/// A CPU's answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum S7Response {
    /// Bytes of the longest PDU of the session.
    Setup(u16),
    /// Bytes of each range, as many as requested, or the return code of its refusal.
    Read(Vec<Result<Vec<u8>, u8>>),
    /// Whether the CPU has written, or the return code of its refusal.
    Written(Result<(), u8>),
    /// Error class and error code: the CPU refuses the whole request.
    Refused(u16),
}

/// Why bytes are not the answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum S7FrameError {
    /// The bytes end before the PDU does.
    #[error("the answer is cut short")]
    Short,
    /// The bytes begin no packet of ISO on TCP.
    #[error("the answer is no packet of ISO on TCP")]
    Packet,
    /// The contents of a packet are not what follows a request.
    #[error("the answer has an invalid transport header")]
    Transport,
    /// The device divides a PDU, although it fits into one packet.
    #[error("the answer comes in several parts")]
    Parts,
    /// The PDU is no answer of the S7 protocol.
    #[error("the answer is none of the S7 protocol")]
    Protocol,
    /// The reference is that of another request.
    #[error("the answer belongs to another request")]
    Reference,
    /// The values are not those that were asked for, or bytes are left over.
    #[error("the answer does not hold what was asked for")]
    Content,
}

/// Encodes a request. The caller keeps it within the length of the session's PDUs.
pub fn encode(reference: u16, request: &S7Request) -> Vec<u8> {
    let (mut parameters, mut data) = (Vec::new(), Vec::new());
    match request {
        S7Request::Setup(pdu) => {
            // One unanswered request at a time in each direction.
            parameters.extend([SETUP, 0, 0, 1, 0, 1]);
            parameters.extend(pdu.to_be_bytes());
        }
        S7Request::Read(items) => {
            parameters.extend([READ_VAR, u8::try_from(items.len()).unwrap_or(u8::MAX)]);
            items.iter().for_each(|item| parameters.extend(encode_item(*item)));
        }
        S7Request::WriteBytes(area, start, bytes) => {
            let count = length(bytes.len());
            parameters.extend([WRITE_VAR, 1]);
            parameters.extend(encode_item(S7Item { area: *area, start: *start, count }));
            data.extend([0, DATA_BYTE]);
            data.extend(count.saturating_mul(8).to_be_bytes());
            data.extend(bytes);
        }
        S7Request::WriteBit(area, byte, bit, on) => {
            parameters.extend([WRITE_VAR, 1]);
            parameters.extend(item(BIT, 1, *area, byte * 8 + u32::from(*bit)));
            data.extend([0, DATA_BIT, 0, 1, u8::from(*on)]);
        }
    }
    let mut pdu = vec![PROTOCOL_ID, JOB, 0, 0];
    for number in [reference, length(parameters.len()), length(data.len())] {
        pdu.extend(number.to_be_bytes());
    }
    pdu.append(&mut parameters);
    pdu.append(&mut data);
    pdu
}

fn encode_item(range: S7Item) -> [u8; ITEM_BYTES] {
    let S7Item { area, start, count } = range;
    // Timers and counters have a transport size of their own, with the number of their area; they are counted, bytes are
    // addressed by their first bit.
    if area.has_words() { item(area.code(), count, area, start) } else { item(BYTE, count, area, start * 8) }
}

fn item(size: u8, count: u16, area: S7Area, address: u32) -> [u8; ITEM_BYTES] {
    let ([count, count_low], [block, block_low]) = (count.to_be_bytes(), area.block().to_be_bytes());
    // Areas have 65,536 bytes, so that an address has 19 bits.
    let [_, address, address_mid, address_low] = address.to_be_bytes();
    // A variable specification of ten bytes, in the syntax S7ANY.
    [
        0x12,
        0x0A,
        0x10,
        size,
        count,
        count_low,
        block,
        block_low,
        area.code(),
        address,
        address_mid,
        address_low,
    ]
}

/// Lengths within the session's PDU always fit.
fn length(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

/// Reference of the request that a PDU answers.
pub fn reference(pdu: &[u8]) -> Option<u16> {
    match pdu {
        [PROTOCOL_ID, ACK | ACK_DATA, _, _, high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

/// Parses a PDU as the answer to a request with this reference.
pub fn parse(reference: u16, request: &S7Request, pdu: &[u8]) -> Result<S7Response, S7FrameError> {
    let mut reader = Reader(pdu);
    let (protocol, kind) = (reader.u8()?, reader.u8()?);
    if protocol != PROTOCOL_ID || !matches!(kind, ACK | ACK_DATA) {
        return Err(S7FrameError::Protocol);
    }
    reader.u16()?;
    if reader.u16()? != reference {
        return Err(S7FrameError::Reference);
    }
    let (parameters_len, data_len, error) = (reader.u16()?, reader.u16()?, reader.u16()?);
    if error != 0 {
        return Ok(S7Response::Refused(error));
    }
    let (mut parameters, mut data) =
        (Reader(reader.take(parameters_len.into())?), Reader(reader.take(data_len.into())?));
    let answer = match request {
        S7Request::Setup(_) => {
            parameters.expect(&[SETUP, 0])?;
            parameters.u16()?;
            parameters.u16()?;
            S7Response::Setup(parameters.u16()?)
        }
        S7Request::Read(items) => {
            parameters.expect(&[READ_VAR, u8::try_from(items.len()).unwrap_or(u8::MAX)])?;
            S7Response::Read(read_items(items, &mut data)?)
        }
        S7Request::WriteBytes(..) | S7Request::WriteBit(..) => {
            parameters.expect(&[WRITE_VAR, 1])?;
            let code = data.u8()?;
            S7Response::Written(if code == SUCCESS { Ok(()) } else { Err(code) })
        }
    };
    let is_all = [reader, parameters, data].iter().all(|rest| rest.0.is_empty());
    if is_all { Ok(answer) } else { Err(S7FrameError::Content) }
}

/// Data of each item, or its return code.
fn read_items(items: &[S7Item], data: &mut Reader<'_>) -> Result<Vec<Result<Vec<u8>, u8>>, S7FrameError> {
    let mut all = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let (code, size, len) = (data.u8()?, data.u8()?, usize::from(data.u16()?));
        if code != SUCCESS {
            all.push(Err(code));
            continue;
        }
        let len = match size {
            DATA_BIT | DATA_BYTE | DATA_INTEGER => len.div_ceil(8),
            DATA_DINTEGER | DATA_REAL | DATA_OCTETS => len,
            _ => return Err(S7FrameError::Content),
        };
        if len != usize::from(item.count) * usize::from(item.area.cell_bytes()) {
            return Err(S7FrameError::Content);
        }
        all.push(Ok(data.take(len)?.to_vec()));
        // A fill byte makes the length even. Some CPUs send it after the last item too.
        if !len.is_multiple_of(2) && (index + 1 < items.len() || data.0.len() == 1) {
            data.u8()?;
        }
    }
    Ok(all)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], S7FrameError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(S7FrameError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, S7FrameError> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Result<u16, S7FrameError> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn expect(&mut self, bytes: &[u8]) -> Result<(), S7FrameError> {
        if self.take(bytes.len())? == bytes { Ok(()) } else { Err(S7FrameError::Content) }
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
