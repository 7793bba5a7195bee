//! Segment file format: a header with the number of the first record, then framed payloads.
//!
//! ```text
//! segment: "BSLTWAL2" | first seq u64 | salt u64 | crc32 of the 24 bytes before
//! record:  length u32 | payload crc32 u32 | seq u64 | place in its group u32 | crc32 of the 20 bytes before | payload
//! ```
//! All numbers are little endian. There are two checksums because the writer of the payload computes one outside of the
//! committing thread, and because a header with its own checksum lets recovery tell a torn tail from damage.
//!
//! A group is written once everything before it is durable. So the place of a record in its group, counted from 0, says
//! which records were durable when it was written: all before the first of its group.
//!
//! Both checksums of a record depend on the salt, which is random and known to nobody outside: a client that sends bytes
//! that look like a record cannot make them pass for one.

#![warn(missing_docs)]

/// First bytes of every segment: the format and its version.
pub const MAGIC: &[u8; 8] = b"BSLTWAL2";
/// First bytes of a segment in the format of earlier development versions, which is not read.
pub const OLD_MAGIC: &[u8; 8] = b"BSLTWAL1";
/// Length of a segment's header, bytes.
pub const SEGMENT_HEADER: usize = 28;
/// Length of a record's header, bytes.
pub const RECORD_HEADER: usize = 24;
/// Maximum payload, bytes. No request is larger (its body is limited far below); a longer length is damage.
pub const MAX_PAYLOAD: usize = 1 << 30;

/// Random number of a segment that its records' checksums depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub u64);

impl Salt {
    /// Returns a new random salt.
    pub fn random() -> Salt {
        Salt(rand::random())
    }

    /// Computes the checksum of a record's header.
    fn header_crc(self, bytes: &[u8]) -> u32 {
        let mut crc = crc32fast::Hasher::new_with_initial(self.0 as u32);
        crc.update(bytes);
        crc.finalize()
    }

    /// Returns a payload's checksum as headers hold it, from the checksum of its bytes, and the other way round.
    fn payload_crc(self, crc: u32) -> u32 {
        crc ^ (self.0 >> 32) as u32
    }
}

/// Header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Number of the segment's first record.
    pub first_seq: u64,
    /// Salt of the segment's records.
    pub salt: Salt,
}

impl SegmentHeader {
    /// Encodes the header.
    pub fn encode(self) -> [u8; SEGMENT_HEADER] {
        let mut header = [0; SEGMENT_HEADER];
        header[..8].copy_from_slice(MAGIC);
        header[8..16].copy_from_slice(&self.first_seq.to_le_bytes());
        header[16..24].copy_from_slice(&self.salt.0.to_le_bytes());
        let crc = crc32fast::hash(&header[..24]);
        header[24..].copy_from_slice(&crc.to_le_bytes());
        header
    }

    /// Returns the header at the start of a segment, if it is complete and valid.
    pub fn parse(bytes: &[u8]) -> Option<SegmentHeader> {
        let header = bytes.get(..SEGMENT_HEADER)?;
        let is_valid = &header[..8] == MAGIC && u32_at(header, 24)? == crc32fast::hash(&header[..24]);
        is_valid.then_some(SegmentHeader { first_seq: u64_at(header, 8)?, salt: Salt(u64_at(header, 16)?) })
    }
}

/// Header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader {
    /// Number of the record.
    pub seq: u64,
    /// Place of the record in the group that it was written with, counted from 0.
    pub group_index: u32,
    /// Length of the payload, bytes.
    pub len: usize,
    /// CRC-32 of the payload.
    pub payload_crc: u32,
}

impl RecordHeader {
    /// Encodes the header for a segment with this salt.
    pub fn encode(self, salt: Salt) -> [u8; RECORD_HEADER] {
        let mut header = [0; RECORD_HEADER];
        // Payloads are at most `MAX_PAYLOAD` bytes, which a u32 holds.
        header[..4].copy_from_slice(&(self.len as u32).to_le_bytes());
        header[4..8].copy_from_slice(&salt.payload_crc(self.payload_crc).to_le_bytes());
        header[8..16].copy_from_slice(&self.seq.to_le_bytes());
        header[16..20].copy_from_slice(&self.group_index.to_le_bytes());
        let crc = salt.header_crc(&header[..20]);
        header[20..].copy_from_slice(&crc.to_le_bytes());
        header
    }

    /// Returns the header at the start of `bytes`; `None` when it is short or fails its checksum.
    pub fn parse(bytes: &[u8], salt: Salt) -> Option<RecordHeader> {
        let header = bytes.get(..RECORD_HEADER)?;
        if u32_at(header, 20)? != salt.header_crc(&header[..20]) {
            return None;
        }
        let found = RecordHeader {
            seq: u64_at(header, 8)?,
            group_index: u32_at(header, 16)?,
            len: u32_at(header, 0)? as usize,
            payload_crc: salt.payload_crc(u32_at(header, 4)?),
        };
        (found.len <= MAX_PAYLOAD && u64::from(found.group_index) < found.seq).then_some(found)
    }

    /// Returns the number of the first record of its group. All records before that were durable when this one was
    /// written.
    pub fn group_first_seq(self) -> u64 {
        self.seq.saturating_sub(u64::from(self.group_index))
    }
}

/// A complete and valid record.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Header of the record.
    pub header: RecordHeader,
    /// Bytes of the record, whose checksum is right.
    pub payload: &'a [u8],
    /// Offset just past the record.
    pub end: usize,
}

/// Returns the record at `at`; `None` when header or payload are short or fail their checksums.
pub fn parse_record(bytes: &[u8], at: usize, salt: Salt) -> Option<Frame<'_>> {
    let header = RecordHeader::parse(bytes.get(at..at.checked_add(RECORD_HEADER)?)?, salt)?;
    let start = at + RECORD_HEADER;
    let payload = bytes.get(start..start + header.len)?;
    let is_whole = header.payload_crc == crc32fast::hash(payload);
    is_whole.then_some(Frame { header, payload, end: start + header.len })
}

/// Returns the first complete record at or after an offset that is numbered `seq` or later, with its offset.
pub fn find_record(bytes: &[u8], from: usize, salt: Salt, seq: u64) -> Option<(usize, Frame<'_>)> {
    records_from(bytes, from, salt).find(|(_, found)| found.header.seq >= seq)
}

/// Whether record `seq` was durable, so that the bytes from `from` on, where it is not found, are damaged: a record of a
/// later group follows. Records of its own group prove nothing, because a file system may have kept any part of a group
/// that was not synced.
pub fn was_durable(bytes: &[u8], from: usize, salt: Salt, seq: u64) -> bool {
    records_from(bytes, from, salt).any(|(_, found)| found.header.group_first_seq() > seq)
}

/// Returns the complete records that start anywhere at or after an offset.
fn records_from(bytes: &[u8], from: usize, salt: Salt) -> impl Iterator<Item = (usize, Frame<'_>)> {
    (from..bytes.len()).filter_map(move |at| Some((at, parse_record(bytes, at, salt)?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
