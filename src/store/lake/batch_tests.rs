//! What a batch does to the disk, and in which order.

use std::io;
use std::path::Path;

use parking_lot::Mutex;

use super::*;
use crate::domain::reading::{Reading, Readings};
use crate::domain::time::Day;
use crate::domain::{Micros, StreamId};
use crate::store::disk::{DiskDir, DiskFile, LocalDisk};
use crate::store::lake::part::PartWriter;
use crate::store::memtable::run::Run;
use crate::store::table::Table;

/// A real disk that writes down its steps, and fails one.
#[derive(Default)]
struct Watched {
    steps: Mutex<Vec<(&'static str, PathBuf)>>,
    failing: Option<&'static str>,
}

impl Watched {
    fn step(&self, what: &'static str, path: &Path) -> io::Result<()> {
        self.steps.lock().push((what, path.to_owned()));
        if self.failing == Some(what) { Err(io::Error::other("told to fail")) } else { Ok(()) }
    }

    fn count(&self, what: &str) -> usize {
        self.steps.lock().iter().filter(|(step, _)| *step == what).count()
    }
}

/// Forgets whose it is: a file cannot borrow the disk.
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

impl Disk for Watched {
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

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        LocalDisk.list(path)
    }
}

/// Two files a day.
fn write(disk: &Watched, dir: &Path, days: i32) -> Result<Vec<LakeFile>> {
    let mut batch = Batch::new(disk);
    for n in 0..2 * days {
        let day = Day(20_000 + n / 2);
        let mut part = PartWriter::create(disk, dir, Table::Readings, day, n % 2 == 1)?;
        let row = Reading::good(StreamId(n), Micros(day.start().0), 1.0);
        part.write_run(&Run::new([row].into_iter().collect::<Readings>(), 7))?;
        batch.add(part.end()?)?;
    }
    batch.finish()
}

#[test]
fn every_file_gets_its_name_and_every_folder_one_sync() {
    for days in [0, 1, 3, 100] {
        let (disk, dir) = (Watched::default(), tempfile::tempdir().unwrap());
        let files = write(&disk, dir.path(), days).unwrap();
        assert_eq!(files.len(), 2 * days as usize);
        let streams: Vec<i32> = files.iter().map(|f| f.streams.0).collect();
        assert!(streams.into_iter().eq(0..2 * days), "the order stays");
        for file in &files {
            assert_eq!(std::fs::metadata(dir.path().join(&file.path)).unwrap().len(), file.bytes);
        }
        assert_eq!(disk.count("rename"), files.len());
        // Of the table's folder one more: it holds those of the days.
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
        let disk = Watched { failing: Some(failing), ..Watched::default() };
        let dir = tempfile::tempdir().unwrap();
        assert!(write(&disk, dir.path(), 3).is_err(), "{failing}");
        assert_eq!(disk.count("rename"), renamed, "{failing}");
    }
}
