//! Tests that a changed byte of a footer, or of the indexes before it, is detected.

use crate::domain::reading::{Reading, Readings};
use crate::domain::time::Day;
use crate::domain::{Micros, StreamId};
use crate::store::disk::{Disk, LocalDisk};
use crate::store::lake::cache;
use crate::store::lake::file_writer::DataFileWriter;
use crate::store::memtable::run::Run;
use crate::store::table::Table;

use super::*;

const DAY: Day = Day(20_000);

#[test]
fn any_changed_byte_of_the_end_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(LocalDisk);
    let mut part = DataFileWriter::create(&disk, dir.path(), Table::Readings, DAY, false).unwrap();
    let rows = (0..100).map(|i| Reading::good(StreamId(1), Micros(DAY.start().0 + i), i as f64));
    part.write_run(&Run::new(rows.collect::<Readings>(), 1)).unwrap();
    let file = part.finish().unwrap();
    let whole = Bytes::from(std::fs::read(dir.path().join(&file.path)).unwrap());
    let options = || cache::footer_options(Table::Readings);
    let loaded = load(&file, &whole, options()).unwrap();
    let plain = ArrowReaderMetadata::load(&whole, options()).unwrap();
    assert_eq!(
        loaded.metadata(),
        plain.metadata(),
        "pages and their places are as another reader finds them"
    );

    let range = range(&file).unwrap();
    let last = loaded.metadata().row_group(0).columns().last().unwrap().byte_range();
    assert_eq!(range, last.0 + last.1..whole.len() as u64);
    for at in range {
        let mut spoilt = whole.to_vec();
        spoilt[at as usize] ^= 0xff;
        let error = load(&file, &Bytes::from(spoilt), options()).unwrap_err();
        assert!(error.to_string().contains("checksum"), "{at}: {error}");
    }
    let unknown = LakeFile { footer: None, ..file };
    assert_eq!(load(&unknown, &whole, options()).unwrap().metadata(), plain.metadata());
}
