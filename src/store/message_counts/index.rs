//! The kept counts of all days: totals in memory, windows in files and, for days in use, in memory.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RwLock};
use parquet::file::reader::ChunkReader;

use super::codec::{self, HEADER_BYTES, Header};
use super::day_counts::{DayCounts, DayTotals, MessageCount};
use crate::domain::retention::RetentionBounds;
use crate::domain::time::Day;
use crate::domain::{Error, OrgId, Result};
use crate::store::disk::{self, Disk};

/// Directory of the files in the data directory.
pub const DIRECTORY: &str = "message-counts";
const EXTENSION: &str = ".counts";
/// Maximum memory of the windows of days in use, bytes.
const MAX_RESIDENT_BYTES: usize = 64 << 20;
/// Organizations whose sums are kept for each day.
const MAX_ORG_SUMS: usize = 4;
/// Memory of a device's window, bytes.
const WINDOW_BYTES: usize = 56;
/// Memory of a device without its windows, bytes.
const DEVICE_BYTES: usize = 64;

/// The kept counts as of one moment.
#[derive(Debug, Clone, Default)]
pub struct CountsVersion {
    pub days: BTreeMap<Day, Arc<DayEntry>>,
    files: Option<Arc<CountFiles>>,
}

/// The kept counts of a day.
#[derive(Debug)]
pub struct DayEntry {
    pub totals: DayTotals,
    windows: Mutex<Option<Arc<DayCounts>>>,
    /// Sums over all devices of organizations, the one that was asked for last at the end.
    sums: Mutex<Vec<OrgSum>>,
}

/// Count of a day without newer rows for a reader who sees all of an organization.
#[derive(Debug)]
struct OrgSum {
    org: OrgId,
    /// They are others whenever streams, policies or floors are. Kept alive: they are compared by address, which must not be reused.
    bounds: Arc<RetentionBounds>,
    sum: MessageCount,
}

impl DayEntry {
    /// Creates an entry with neither windows nor sums in memory.
    pub fn new(totals: DayTotals) -> Self {
        Self { totals, windows: Mutex::default(), sums: Mutex::default() }
    }

    /// Returns the sum over all devices of an organization, if it was kept under these bounds.
    pub fn org_sum(&self, org: OrgId, bounds: &Arc<RetentionBounds>) -> Option<MessageCount> {
        let sums = self.sums.lock();
        let known = sums.iter().find(|sum| sum.org == org && Arc::ptr_eq(&sum.bounds, bounds))?;
        Some(known.sum)
    }

    /// Keeps the sum over all devices of an organization. The day must have no rows that are newer than its counts.
    pub fn keep_org_sum(&self, org: OrgId, bounds: &Arc<RetentionBounds>, sum: MessageCount) {
        let mut sums = self.sums.lock();
        sums.retain(|other| other.org != org);
        if sums.len() >= MAX_ORG_SUMS {
            sums.remove(0);
        }
        sums.push(OrgSum { org, bounds: bounds.clone(), sum });
    }
}

impl CountsVersion {
    /// Returns the windows of a day, from memory or from its file; `None` when there are none for these totals, for
    /// example because newer ones have replaced them. Blocks.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be read.
    pub fn windows(&self, day: Day) -> Result<Option<Arc<DayCounts>>> {
        let (Some(entry), Some(files)) = (self.days.get(&day), &self.files) else { return Ok(None) };
        if let Some(known) = entry.windows.lock().clone() {
            return Ok(Some(known));
        }
        let found = files.read_windows(day, entry.totals.covered)?.map(Arc::new);
        if let Some(found) = &found {
            files.make_resident(entry, found);
        }
        Ok(found)
    }
}

/// The files of kept counts, and the days whose windows are in memory.
struct CountFiles {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    resident: Mutex<Resident>,
}

#[derive(Default)]
struct Resident {
    /// The one that came first is the first to go.
    days: VecDeque<(Weak<DayEntry>, usize)>,
    bytes: usize,
}

impl fmt::Debug for CountFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountFiles").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl CountFiles {
    fn path(&self, day: Day) -> PathBuf {
        self.dir.join(format!("{day}{EXTENSION}"))
    }

    fn unreadable(&self, path: &Path, e: io::Error) -> Error {
        Error::unavailable(format!("cannot read `{}`: {e}", path.display())).with_source(e)
    }

    /// Reads a part of a day's file; `None` when there is no file or it is shorter.
    fn read(&self, day: Day, start: usize, length: usize) -> Result<Option<bytes::Bytes>> {
        let path = self.path(day);
        let size = match self.disk.len(&path) {
            Ok(size) => size,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(self.unreadable(&path, e)),
        };
        if size < (start + length) as u64 {
            return Ok(None);
        }
        let file = match self.disk.open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(self.unreadable(&path, e)),
        };
        let bytes = file.get_bytes(start as u64, length);
        bytes.map(Some).map_err(|e| self.unreadable(&path, io::Error::other(e)))
    }

    fn read_header(&self, day: Day) -> Result<Option<Header>> {
        Ok(self.read(day, 0, HEADER_BYTES)?.as_deref().and_then(Header::parse))
    }

    fn read_totals(&self, day: Day) -> Result<Option<DayTotals>> {
        let Some(header) = self.read_header(day)? else { return Ok(None) };
        let totals = self.read(day, HEADER_BYTES, header.totals_bytes())?;
        Ok(totals.and_then(|bytes| header.decode_totals(&bytes)))
    }

    /// The file may be replaced between two reads: its checksums tell.
    fn read_windows(&self, day: Day, covered: u64) -> Result<Option<DayCounts>> {
        let Some(header) = self.read_header(day)?.filter(|header| header.covered == covered) else {
            return Ok(None);
        };
        let windows = self.read(day, HEADER_BYTES + header.totals_bytes(), header.windows_bytes())?;
        Ok(windows.and_then(|bytes| header.decode_windows(day, &bytes)))
    }

    /// Keeps windows in memory, and gives up those that have been there longest for them.
    fn make_resident(&self, entry: &Arc<DayEntry>, windows: &Arc<DayCounts>) {
        let of_device = |windows: usize| DEVICE_BYTES + windows * WINDOW_BYTES;
        let bytes = windows.devices.iter().map(|device| of_device(device.windows.len())).sum();
        let mut resident = self.resident.lock();
        let mut slot = entry.windows.lock();
        if slot.is_some() {
            return;
        }
        *slot = Some(windows.clone());
        drop(slot);
        resident.days.push_back((Arc::downgrade(entry), bytes));
        resident.bytes += bytes;
        while resident.bytes > MAX_RESIDENT_BYTES && resident.days.len() > 1 {
            let Some((oldest, bytes)) = resident.days.pop_front() else { break };
            resident.bytes -= bytes;
            if let Some(oldest) = oldest.upgrade() {
                *oldest.windows.lock() = None;
            }
        }
    }
}

/// The kept counts, shared by the job that computes them and everyone who reads.
pub struct MessageCountsIndex {
    files: Arc<CountFiles>,
    current: RwLock<Arc<CountsVersion>>,
}

impl MessageCountsIndex {
    /// Reads the totals of a data directory. Files that do not read, or count rows after `flushed`, are left out: their
    /// days are computed again.
    ///
    /// # Errors
    /// `Unavailable` when the directory cannot be read.
    pub fn open(disk: Arc<dyn Disk>, data_dir: &Path, flushed: u64) -> Result<Self> {
        let dir = data_dir.join(DIRECTORY);
        let files = Arc::new(CountFiles { disk, dir, resident: Mutex::default() });
        let mut days = BTreeMap::new();
        let listed = match files.disk.list_files(&files.dir) {
            Ok(listed) => listed,
            Err(e) if e.kind() == ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(files.unreadable(&files.dir, e)),
        };
        for path in listed {
            let name =
                path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(EXTENSION));
            let Some(day) = name.and_then(Day::parse) else { continue };
            if let Some(totals) = files.read_totals(day)?.filter(|totals| totals.covered <= flushed) {
                days.insert(day, Arc::new(DayEntry::new(totals)));
            }
        }
        let current = RwLock::new(Arc::new(CountsVersion { days, files: Some(files.clone()) }));
        Ok(Self { files, current })
    }

    /// Returns the counts as they are now.
    pub fn current(&self) -> Arc<CountsVersion> {
        self.current.read().clone()
    }

    /// Saves and publishes the counts of a day, in place of those before.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be written; nothing is published then.
    pub fn put(&self, day: Day, counts: Arc<DayCounts>) -> Result<()> {
        let path = self.files.path(day);
        let disk = self.files.disk.as_ref();
        let saved = disk.create_dir_all(&self.files.dir);
        let saved = saved.and_then(|()| disk::replace_file(disk, &path, &codec::encode(day, &counts)));
        saved.map_err(|e| {
            Error::unavailable(format!("cannot write `{}`: {e}", path.display())).with_source(e)
        })?;
        let entry = Arc::new(DayEntry::new(counts.totals()));
        self.files.make_resident(&entry, &counts);
        self.publish(|days| {
            days.insert(day, entry);
        });
        Ok(())
    }

    /// Removes the counts of a day that has no rows any more.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be removed.
    pub fn remove(&self, day: Day) -> Result<()> {
        self.publish(|days| {
            days.remove(&day);
        });
        let path = self.files.path(day);
        match self.files.disk.remove(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                let message = format!("cannot remove `{}`: {e}", path.display());
                Err(Error::unavailable(message).with_source(e))
            }
            _ => Ok(()),
        }
    }

    fn publish(&self, change: impl FnOnce(&mut BTreeMap<Day, Arc<DayEntry>>)) {
        let mut current = self.current.write();
        let mut next = CountsVersion::clone(&current);
        change(&mut next.days);
        *current = Arc::new(next);
    }
}
