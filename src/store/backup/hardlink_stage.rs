//! Snapshot of files as hard links in `run/`, so that they stay unchanged while they are copied.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::file::reader::ChunkReader as _;
use uuid::Uuid;

use super::files::{self, BackupDestination, failed};
use super::manifest::CopiedFile;
use crate::domain::{Error, Progress, Result};
use crate::store::disk::Disk;
use crate::store::lake::location::LakeLocation;
use crate::store::objects::{OBJECT_DIR, ObjectFiles};
use crate::store::table::Table;
use crate::store::verify::delta_log::{self, LoadedTable, LogEntries};
use crate::store::wal::frame::{self, SEGMENT_HEADER, SegmentHeader};

const STAGE_PREFIX: &str = "backup-";

/// A file of an object store that is copied into the backup.
struct RemoteCopy {
    disk: Arc<dyn Disk>,
    /// Path there.
    from: PathBuf,
    /// Path in the backup.
    to: PathBuf,
    /// Whether it may be removed meanwhile, and is left out then.
    may_vanish: bool,
}

/// The pinned files of one moment. Dropping it removes the links; the store decides about the original files.
pub(super) struct HardlinkStage {
    data_dir: PathBuf,
    dir: PathBuf,
    /// The snapshot contains every record up to this one.
    pub(super) seq: u64,
    /// The Delta version of each table.
    pub(super) tables: BTreeMap<String, u64>,
    /// Paths relative to the data directory.
    pinned: Vec<PathBuf>,
    /// Files that are in an object store.
    remote: Vec<RemoteCopy>,
    /// The log segment that contains the last record.
    last_segment: Option<PathBuf>,
}

impl HardlinkStage {
    /// Creates an empty stage. Removes what a killed backup left behind.
    pub(super) fn create(data_dir: PathBuf, seq: u64) -> Result<HardlinkStage> {
        let run = data_dir.join("run");
        files::create_dir(&run)?;
        for path in list(&run)? {
            let name = path.file_name().map_or_else(Default::default, |name| name.to_string_lossy());
            if name.starts_with(STAGE_PREFIX) {
                fs::remove_dir_all(&path).map_err(|e| failed("remove", &path, e))?;
            }
        }
        let dir = run.join(format!("{STAGE_PREFIX}{}", Uuid::new_v4().simple()));
        files::create_dir(&dir)?;
        Ok(HardlinkStage {
            data_dir,
            dir,
            seq,
            tables: BTreeMap::new(),
            pinned: Vec::new(),
            remote: Vec::new(),
            last_segment: None,
        })
    }

    /// Pins a table's Delta log and the files it names. Files in an object store are only noted, so a snapshot has to
    /// keep them alive.
    pub(super) fn pin_table(&mut self, place: &LakeLocation, table: Table, found: LoadedTable) -> Result<()> {
        let (dir, in_lake) = (place.table_dir(table), Path::new("lake").join(table.name()));
        self.tables.insert(table.name().to_owned(), found.version);
        let log = dir.join(delta_log::LOG_DIR);
        let entries = LogEntries::list(place.disk().as_ref(), &log).map_err(|e| failed("read", &log, e))?;
        let names = entries.names().into_iter().map(|name| Path::new(delta_log::LOG_DIR).join(name));
        for (is_log, path) in names
            .map(|path| (true, path))
            .chain(found.adds.into_iter().map(|added| (false, added.path.into())))
        {
            let (from, to) = (dir.join(&path), in_lake.join(&path));
            match (place.is_remote(), is_log) {
                (true, true) => self.fetch(place, &from, to)?,
                (false, true) => self.pin(&from, to)?,
                // To another file system there are no links, and copying takes long.
                (false, false) if self.link(&from, &to)? => {}
                (_, false) => {
                    self.remote.push(RemoteCopy { disk: place.disk().clone(), from, to, may_vanish: false });
                }
            }
        }
        Ok(())
    }

    /// Pins the write-ahead log and the checkpoint.
    pub(super) fn pin_log(&mut self) -> Result<()> {
        let first_seq = |path: &Path| path.file_name()?.to_str()?.strip_suffix(".wal")?.parse::<u64>().ok();
        let segments = list(&self.data_dir.join("wal"))?.into_iter();
        let segments: Vec<(u64, PathBuf)> =
            segments.filter_map(|path| Some((first_seq(&path)?, path))).collect();
        // Segments begun since are left out. At least one is pinned, because it says which number comes next.
        let pinned = segments.iter().filter(|(first, _)| *first <= self.seq).count().max(1);
        let segments: Vec<PathBuf> = segments.into_iter().take(pinned).map(|(_, path)| path).collect();
        let mut remembered = list(&self.data_dir)?;
        remembered.retain(|path| path.extension().is_some_and(|e| e == "bin"));
        for path in segments.iter().chain(&remembered) {
            let relative = path.strip_prefix(&self.data_dir).expect("it was listed in it").to_owned();
            self.pin(path, relative)?;
        }
        self.last_segment =
            segments.last().and_then(|p| p.strip_prefix(&self.data_dir).ok()).map(Path::to_owned);
        Ok(())
    }

    /// Pins the files of objects, which never change. Those that are still being written have an ending, and are left out.
    /// Those of a bucket are only noted.
    pub(super) fn pin_objects(&mut self, objects: &ObjectFiles) -> Result<()> {
        self.pin_local_objects()?;
        let Some(bucket) = objects.bucket() else { return Ok(()) };
        let found = bucket
            .paths()
            .map_err(|e| Error::unavailable("the bucket of objects.url cannot be listed").with_source(e))?;
        let local: HashSet<&PathBuf> = self.pinned.iter().collect();
        let copies = found.into_iter().map(|(id, from)| {
            let to = Path::new(OBJECT_DIR).join(id.to_string());
            RemoteCopy { disk: bucket.disk(), from, to, may_vanish: true }
        });
        // What is in the directory counts.
        self.remote.extend(copies.filter(|copy| !local.contains(&copy.to)));
        Ok(())
    }

    fn pin_local_objects(&mut self) -> Result<()> {
        let dir = self.data_dir.join(OBJECT_DIR);
        if !dir.is_dir() {
            return Ok(());
        }
        for path in list(&dir)?.into_iter().filter(|path| path.extension().is_none()) {
            let Some(name) = path.file_name() else { continue };
            let pinned = self.pin(&path, Path::new(OBJECT_DIR).join(name));
            // One that nothing refers to may be removed meanwhile.
            if path.exists() {
                pinned?;
            }
        }
        Ok(())
    }

    fn pin(&mut self, from: &Path, file: PathBuf) -> Result<()> {
        if !self.link(from, &file)? {
            let to = self.place_for(&file)?;
            fs::copy(from, &to).map_err(|e| failed("copy", from, e))?;
            self.pinned.push(file);
        }
        Ok(())
    }

    /// Pins a file by a hard link; `false` when the file system has none to it.
    fn link(&mut self, from: &Path, file: &Path) -> Result<bool> {
        let to = self.place_for(file)?;
        let is_linked = files::link(from, &to)?;
        if is_linked {
            self.pinned.push(file.to_owned());
        }
        Ok(is_linked)
    }

    /// Fetches a Delta log entry from an object store: entries are small, and removed when they become obsolete.
    fn fetch(&mut self, place: &LakeLocation, from: &Path, file: PathBuf) -> Result<()> {
        let to = self.place_for(&file)?;
        let bytes = place.disk().read(from).map_err(|e| failed("read", from, e))?;
        fs::write(&to, bytes).map_err(|e| failed("write", &to, e))?;
        self.pinned.push(file);
        Ok(())
    }

    fn place_for(&self, file: &Path) -> Result<PathBuf> {
        let to = self.dir.join(file);
        if let Some(parent) = to.parent() {
            files::create_dir(parent)?;
        }
        Ok(to)
    }

    /// Writes everything pinned to a destination, as hard links where possible and otherwise as copies. Returns the
    /// files with their hashes and the number of links.
    pub(super) fn copy_to(
        &self,
        dest: &BackupDestination,
        progress: &Progress,
    ) -> Result<(Vec<CopiedFile>, u64)> {
        let bytes = |file: &PathBuf| fs::metadata(self.dir.join(file)).map_or(0, |meta| meta.len());
        progress.begin("copying files", self.pinned.iter().map(bytes).sum());
        let (mut done, mut linked) = (Vec::new(), 0);
        for file in &self.pinned {
            let (from, to) = (self.dir.join(file), dest.path().join(file));
            if let Some(parent) = to.parent() {
                files::create_dir(parent)?;
            }
            // The last segment may still grow: copy only what was acknowledged when it was pinned.
            let (bytes, sha256) = if self.last_segment.as_ref() == Some(file) {
                let end = self.end_of_log(&from)?;
                files::copy(dest.disk(), &from, &to, end, progress)?
            } else if files::link(&from, &to)? {
                linked += 1;
                files::sync_file(dest.disk(), &to)?;
                files::hash_file(&to, progress)?
            } else {
                files::copy(dest.disk(), &from, &to, u64::MAX, progress)?
            };
            let path = file.to_str().ok_or_else(|| Error::internal("a file of ours has no UTF-8 name"))?;
            done.push(CopiedFile { path: path.to_owned(), bytes, sha256 });
        }
        done.extend(self.copy_remote(dest, progress)?);
        Ok((done, linked))
    }

    /// Copies the files that are in an object store.
    fn copy_remote(&self, dest: &BackupDestination, progress: &Progress) -> Result<Vec<CopiedFile>> {
        progress.begin("fetching files", self.remote.len() as u64);
        let mut done = Vec::new();
        for file in &self.remote {
            let to = dest.path().join(&file.to);
            match file.copy(dest.disk(), &to) {
                Err(_) if file.may_vanish && file.is_gone() => {
                    if to.exists() {
                        fs::remove_file(&to).map_err(|e| failed("remove", &to, e))?;
                    }
                }
                copied => done.push(copied?),
            }
            progress.advance(1)?;
        }
        Ok(done)
    }

    /// Returns the offset where the last pinned record ends.
    fn end_of_log(&self, segment: &Path) -> Result<u64> {
        let bytes = fs::read(segment).map_err(|e| failed("read", segment, e))?;
        let mut end = SEGMENT_HEADER.min(bytes.len());
        let Some(SegmentHeader { salt, .. }) = SegmentHeader::parse(&bytes) else { return Ok(end as u64) };
        while let Some(record) =
            frame::parse_record(&bytes, end, salt).filter(|record| record.header.seq <= self.seq)
        {
            end = record.end;
        }
        Ok(end as u64)
    }
}

impl RemoteCopy {
    fn copy(&self, local: &dyn Disk, to: &Path) -> Result<CopiedFile> {
        if let Some(parent) = to.parent() {
            files::create_dir(parent)?;
        }
        let object = self.disk.open(&self.from);
        let object = object.and_then(|object| object.get_read(0).map_err(io::Error::other));
        let object = object.map_err(|e| failed("read", &self.from, e))?;
        // Progress counts files: their sizes are not requested beforehand.
        let (bytes, sha256) = files::write(local, object, to, &Progress::default())?;
        let path = self.to.to_str().ok_or_else(|| Error::internal("a file of ours has no UTF-8 name"))?;
        Ok(CopiedFile { path: path.to_owned(), bytes, sha256 })
    }

    fn is_gone(&self) -> bool {
        self.disk.len(&self.from).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }
}

impl Drop for HardlinkStage {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.dir) {
            tracing::warn!(dir = %self.dir.display(), error = %e, "cannot remove pinned files; the next backup will");
        }
    }
}

/// Lists a directory, sorted.
fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(dir).and_then(|all| all.map(|e| Ok(e?.path())).collect::<io::Result<Vec<_>>>());
    let mut entries = entries.map_err(|e| failed("read", dir, e))?;
    entries.sort();
    Ok(entries)
}
