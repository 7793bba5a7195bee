//! Fuzzes the log with arbitrary bytes: as the payload of one record, and as the last segment.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parking_lot::Mutex;

use super::frame::{RECORD_HEADER, RecordHeader, SEGMENT_HEADER, Salt, SegmentHeader};
use super::{IdempotencyRecord, Record, recovery};
use crate::domain::reading::{Reading, Readings};
use crate::domain::{Micros, StreamId};
use crate::store::disk::{Disk, DiskDir, DiskFile};
use crate::store::table::Table;
use crate::store::upsert_rows::UpsertRows;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, Random};

fn payloads() -> Vec<Vec<u8>> {
    let numbers: Readings = (0..9).map(|n| Reading::good(StreamId(n), Micros(i64::from(n)), 0.5)).collect();
    let text = Reading { text: Some("on".into()), ..Reading::good(StreamId(1), Micros(5), 1.0) };
    let texts: Readings = [text, Reading::lost(StreamId(2), Micros(6))].into_iter().collect();
    let time: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![7]).with_timezone("UTC"));
    let word = |word: &str| -> ArrayRef { Arc::new(StringArray::from(vec![word])) };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![1])),
        time.clone(),
        word("00000000-0000-0000-0000-000000000001"),
        time,
        word("ONLINE"),
        word("{}"),
        word("document"),
        word(""),
        word(""),
        Arc::new(Int32Array::from(vec![0])),
        Arc::new(Int64Array::from(vec![0])),
    ];
    let batch = RecordBatch::try_new(Table::Messages.schema(), columns).expect("its columns");
    let keyed = vec![UpsertRows::new(Table::Messages, batch).expect("a message")];
    let idempotent = IdempotencyRecord {
        scope: "key:1".to_owned(),
        key: "k".to_owned(),
        body_hash: [7; 32],
        answer: b"{}".to_vec(),
        expires_at: 9,
    };
    let records = [
        Record { readings: numbers, is_import: true, arrived_at: Some(Micros(-7)), ..Record::default() },
        Record { readings: texts, idempotent: Some(idempotent), ..Record::default() },
        Record { upserts: keyed, ..Record::default() },
    ];
    records.iter().map(Record::encode).collect()
}

fn records() -> InputFormat {
    InputFormat { seeds: payloads(), ..InputFormat::default() }
}

fn read_record() -> Decoder {
    Box::new(|input| {
        if let Ok(record) = Record::decode(input) {
            // A decoded record encodes to an equal one. Bytes are compared, because NaN is not equal to itself.
            let again = record.encode();
            let same = Record::decode(&again).expect("what was written is read").encode();
            assert_eq!(again, same);
        }
    })
}

#[test]
fn wal_records() {
    FuzzTarget { module: module_path!(), name: "wal_records", form: records, decoder: read_record }.run();
}

fn segments() -> InputFormat {
    let salt = Salt(0x0123_4567_89ab_cdef);
    let mut whole = SegmentHeader { first_seq: 1, salt }.encode().to_vec();
    let payloads = payloads();
    // Groups of two.
    for (seq, payload) in (1..).zip(payloads.iter().chain(&payloads)) {
        let (group_index, len, payload_crc) =
            (u32::from(seq % 2 == 0), payload.len(), crc32fast::hash(payload));
        whole.extend(RecordHeader { seq, group_index, len, payload_crc }.encode(salt));
        whole.extend(payload);
    }
    InputFormat { seeds: vec![whole], finish: Some(with_checksums), ..InputFormat::default() }
}

/// Mostly repairs the checksums of changed bytes: without valid ones nothing behind them would be read.
#[allow(clippy::ptr_arg, reason = "as `InputFormat::finish` takes it")]
fn with_checksums(random: &mut Random, bytes: &mut Vec<u8>) {
    if bytes.len() < SEGMENT_HEADER || random.one_in(4) {
        return;
    }
    let crc = crc32fast::hash(&bytes[..24]).to_le_bytes();
    bytes[24..SEGMENT_HEADER].copy_from_slice(&crc);
    let salt = u64::from_le_bytes(bytes[16..24].try_into().expect("eight"));
    let mut at = SEGMENT_HEADER;
    while at + RECORD_HEADER <= bytes.len() && !random.one_in(16) {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
        let (len, group_index) = (number(at) as usize, number(at + 16));
        let seq = u64::from_le_bytes(bytes[at + 8..at + 16].try_into().expect("eight"));
        let body = at + RECORD_HEADER;
        let payload = bytes.get(body..body.saturating_add(len)).unwrap_or_default();
        let header = RecordHeader { seq, group_index, len, payload_crc: crc32fast::hash(payload) };
        bytes[at..body].copy_from_slice(&header.encode(Salt(salt)));
        at = body.saturating_add(len);
    }
}

/// A directory of one file, in memory.
#[derive(Clone, Default)]
struct SingleFileDisk(Arc<Mutex<Vec<u8>>>);

struct DiscardingFile;

impl Write for DiscardingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for DiscardingFile {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskDir for DiscardingFile {
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for SingleFileDisk {
    fn open_dir(&self, _: &Path) -> io::Result<Box<dyn DiskDir>> {
        Ok(Box::new(DiscardingFile))
    }

    fn create(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(DiscardingFile))
    }

    fn sync_file(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, _: &Path, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn overwrite_from(&self, _: &Path, _: u64, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Ok(self.0.lock().clone())
    }

    fn list_files(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(vec![dir.join(recovery::segment_name(1))])
    }
}

fn replay() -> Decoder {
    Box::new(|input| {
        let disk = SingleFileDisk(Arc::new(Mutex::new(input.to_vec())));
        let mut next = 1;
        let replayed = recovery::replay(&disk, Path::new("nowhere"), 0, |seq, payload| {
            assert_eq!(seq, next, "records come in order");
            next += 1;
            Record::decode(payload).map(|_| ())
        });
        if let Ok((_, seq)) = replayed {
            assert_eq!(seq, next, "what is next follows what was replayed");
        }
    })
}

#[test]
fn wal_segments() {
    FuzzTarget { module: module_path!(), name: "wal_segments", form: segments, decoder: replay }.run();
}
