//! Segment file format: a header with the number of the first record, then framed payloads.
//!
//! ```text
//! segment: "BSLTWAL1" | first seq u64 | crc32 of the 16 bytes before
//! record:  length u32 | payload crc32 u32 | seq u64 | crc32 of the 16 bytes before | payload
//! ```
//! All numbers are little endian. There are two checksums because the writer of the payload computes one outside of the
//! committing thread, and because a header with its own checksum lets recovery tell a torn tail from damage.

#![warn(missing_docs)]

/// First bytes of every segment: the format and its version.
pub const MAGIC: &[u8; 8] = b"BSLTWAL1";
/// Length of a segment's header, bytes.
pub const SEGMENT_HEADER: usize = 20;
/// Length of a record's header, bytes.
pub const RECORD_HEADER: usize = 20;
/// Maximum payload, bytes. No request is larger (its body is limited far below); a longer length is damage.
pub const MAX_PAYLOAD: usize = 1 << 30;

/// Encodes the header of a segment whose first record will be `first_seq`.
pub fn segment_header(first_seq: u64) -> [u8; SEGMENT_HEADER] {
    let mut header = [0; SEGMENT_HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&first_seq.to_le_bytes());
    let crc = crc32fast::hash(&header[..16]);
    header[16..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// Returns the first seq of a segment, if its header is complete and valid.
pub fn parse_segment_header(bytes: &[u8]) -> Option<u64> {
    let header = bytes.get(..SEGMENT_HEADER)?;
    let valid = &header[..8] == MAGIC && u32_at(header, 16)? == crc32fast::hash(&header[..16]);
    valid.then(|| u64_at(header, 8))?
}

/// Encodes the header of a record: its payload's length in bytes and CRC-32, and its own number.
pub fn record_header(payload_len: usize, payload_crc: u32, seq: u64) -> [u8; RECORD_HEADER] {
    let mut header = [0; RECORD_HEADER];
    // Payloads are at most `MAX_PAYLOAD` bytes, which a u32 holds.
    header[..4].copy_from_slice(&(payload_len as u32).to_le_bytes());
    header[4..8].copy_from_slice(&payload_crc.to_le_bytes());
    header[8..16].copy_from_slice(&seq.to_le_bytes());
    let crc = crc32fast::hash(&header[..16]);
    header[16..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// A complete and valid record.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Number of the record.
    pub seq: u64,
    /// Bytes of the record, whose checksum is right.
    pub payload: &'a [u8],
    /// Offset just past the record.
    pub end: usize,
}

/// Returns the seq of a record and the length of its payload; `None` when the header is short or fails its checksum.
pub fn parse_record_header(bytes: &[u8]) -> Option<(u64, usize)> {
    let header = bytes.get(..RECORD_HEADER)?;
    if u32_at(header, 16)? != crc32fast::hash(&header[..16]) {
        return None;
    }
    let len = u32_at(header, 0)? as usize;
    (len <= MAX_PAYLOAD).then_some((u64_at(header, 8)?, len))
}

/// Returns the record at `at`; `None` when header or payload are short or fail their checksums.
pub fn parse_record(bytes: &[u8], at: usize) -> Option<Frame<'_>> {
    let header = bytes.get(at..at.checked_add(RECORD_HEADER)?)?;
    let (seq, len) = parse_record_header(header)?;
    let start = at + RECORD_HEADER;
    let payload = bytes.get(start..start + len)?;
    let is_whole = u32_at(header, 4)? == crc32fast::hash(payload);
    is_whole.then_some(Frame { seq, payload, end: start + len })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
