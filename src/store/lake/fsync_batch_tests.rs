//! Tests the disk operations of a batch and their order.

use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::*;
use crate::domain::reading::{Reading, Readings};
use crate::domain::time::Day;
use crate::domain::{Micros, StreamId};
use crate::store::disk::{DiskDir, DiskFile, LocalDisk};
use crate::store::lake::file_writer::DataFileWriter;
use crate::store::memtable::run::Run;
use crate::store::table::Table;

/// A real disk that records its operations, and fails one of them.
#[derive(Default)]
struct RecordingDisk {
    steps: Mutex<Vec<(&'static str, PathBuf)>>,
    failing: Option<&'static str>,
}

impl RecordingDisk {
    fn step(&self, what: &'static str, path: &Path) -> io::Result<()> {
        self.steps.lock().push((what, path.to_owned()));
        if self.failing == Some(what) { Err(io::Error::other("told to fail")) } else { Ok(()) }
    }

    fn count(&self, what: &str) -> usize {
        self.steps.lock().iter().filter(|(step, _)| *step == what).count()
    }
}

/// A file without the disk's lifetime, because a file cannot borrow the disk.
struct WatchedFile {
    file: Box<dyn DiskFile>,
    is_failing: bool,
}

impl io::Write for WatchedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl DiskFile for WatchedFile {
    fn sync(&mut self) -> io::Result<()> {
        if self.is_failing { Err(io::Error::other("told to fail")) } else { self.file.sync() }
    }
}

impl Disk for RecordingDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.step("create", path)?;
        let is_failing = self.failing == Some("sync");
        Ok(Box::new(WatchedFile { file: LocalDisk.create(path)?, is_failing }))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        LocalDisk.sync_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step("sync_dir", path)?;
        LocalDisk.sync_dir(path)
    }

    fn open_dir(&self, path: &Path) -> io::Result<Box<dyn DiskDir>> {
        LocalDisk.open_dir(path)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        LocalDisk.truncate(path, len)
    }

    fn overwrite_from(&self, path: &Path, at: u64, bytes: &[u8]) -> io::Result<()> {
        LocalDisk.overwrite_from(path, at, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step("rename", from)?;
        LocalDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        LocalDisk.remove(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        LocalDisk.create_dir(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        LocalDisk.read(path)
    }

    fn list_files(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        LocalDisk.list_files(path)
    }
}

/// Writes two files per day.
fn write(disk: &Arc<RecordingDisk>, dir: &Path, days: i32) -> Result<Vec<LakeFile>> {
    let disk: Arc<dyn Disk> = disk.clone();
    let mut batch = FsyncBatch::new(&disk);
    for n in 0..2 * days {
        let day = Day(20_000 + n / 2);
        let mut part = DataFileWriter::create(&disk, dir, Table::Readings, day, n % 2 == 1)?;
        let row = Reading::good(StreamId(n), Micros(day.start().0), 1.0);
        part.write_run(&Run::new([row].into_iter().collect::<Readings>(), 7))?;
        batch.add(part.close()?)?;
    }
    batch.finish()
}

#[test]
fn every_file_gets_its_name_and_every_folder_one_sync() {
    for days in [0, 1, 3, 100] {
        let (disk, dir) = (Arc::new(RecordingDisk::default()), tempfile::tempdir().unwrap());
        let files = write(&disk, dir.path(), days).unwrap();
        assert_eq!(files.len(), 2 * days as usize);
        let streams: Vec<i32> = files.iter().map(|f| f.streams.min).collect();
        assert!(streams.into_iter().eq(0..2 * days), "the order stays");
        for file in &files {
            assert_eq!(std::fs::metadata(dir.path().join(&file.path)).unwrap().len(), file.bytes);
        }
        assert_eq!(disk.count("rename"), files.len());
        // One more for the table's directory, which holds those of the days.
        assert_eq!(disk.count("sync_dir"), days as usize + usize::from(days > 0));
        let steps = disk.steps.lock();
        let last_name = steps.iter().rposition(|(step, _)| *step == "rename");
        let first_sync = steps.iter().position(|(step, _)| *step == "sync_dir");
        assert!(last_name <= first_sync, "{days} days: a folder was synced before it had all its names");
    }
}

#[test]
fn what_is_not_durable_is_no_success_and_gets_no_name() {
    for (failing, renamed) in [("sync", 0), ("rename", 1), ("sync_dir", 6)] {
        let disk = Arc::new(RecordingDisk { failing: Some(failing), ..RecordingDisk::default() });
        let dir = tempfile::tempdir().unwrap();
        assert!(write(&disk, dir.path(), 3).is_err(), "{failing}");
        assert_eq!(disk.count("rename"), renamed, "{failing}");
        // It would take the space that a full disk needs (engine F5).
        for day in std::fs::read_dir(dir.path()).unwrap() {
            let left = std::fs::read_dir(day.unwrap().path()).unwrap().count();
            assert_eq!(left, 0, "{failing}: files are left");
        }
    }
}
