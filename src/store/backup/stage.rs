//! Files pinned under other names in `run/`, so that they stay as they are while they are copied at leisure.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::file::reader::ChunkReader as _;
use uuid::Uuid;

use super::files::{self, Destination, failed};
use super::manifest::CopiedFile;
use crate::domain::{Error, Progress, Result};
use crate::store::disk::Disk;
use crate::store::lake::place::Place;
use crate::store::table::Table;
use crate::store::verify::delta_log::{self, Entries, Loaded};
use crate::store::wal::frame::{self, SEGMENT_HEADER};

const PREFIX: &str = "backup-";

/// A pinned moment. Dropped, its links go; the files they named stay or go as the store decides.
pub(super) struct Stage {
    data_dir: PathBuf,
    dir: PathBuf,
    /// Every record up to this one is in it.
    pub(super) seq: u64,
    /// The version of each table.
    pub(super) tables: BTreeMap<String, u64>,
    /// Relative to the data directory.
    pinned: Vec<PathBuf>,
    /// Files of a lake in an object store, and what they are called here.
    remote: Vec<(Arc<dyn Disk>, PathBuf, PathBuf)>,
    /// The segment of the log that the last record is in.
    last_segment: Option<PathBuf>,
}

impl Stage {
    /// An empty one. What a killed backup left is removed.
    pub(super) fn create(data_dir: PathBuf, seq: u64) -> Result<Stage> {
        let run = data_dir.join("run");
        files::create_dir(&run)?;
        for path in list(&run)? {
            let name = path.file_name().map_or_else(Default::default, |name| name.to_string_lossy());
            if name.starts_with(PREFIX) {
                fs::remove_dir_all(&path).map_err(|e| failed("remove", &path, e))?;
            }
        }
        let dir = run.join(format!("{PREFIX}{}", Uuid::new_v4().simple()));
        files::create_dir(&dir)?;
        Ok(Stage {
            data_dir,
            dir,
            seq,
            tables: BTreeMap::new(),
            pinned: Vec::new(),
            remote: Vec::new(),
            last_segment: None,
        })
    }

    /// Pins a table's log and the files it names. Those of an object store are only noted: a snapshot has to keep them.
    pub(super) fn pin_table(&mut self, place: &Place, table: Table, found: Loaded) -> Result<()> {
        let (dir, in_lake) = (place.table_dir(table), Path::new("lake").join(table.name()));
        self.tables.insert(table.name().to_owned(), found.version);
        let log = dir.join(delta_log::FOLDER);
        let entries = Entries::list(place.disk().as_ref(), &log).map_err(|e| failed("read", &log, e))?;
        let names = entries.names().into_iter().map(|name| Path::new(delta_log::FOLDER).join(name));
        for (is_log, path) in names
            .map(|path| (true, path))
            .chain(found.adds.into_iter().map(|added| (false, added.path.into())))
        {
            let (from, to) = (dir.join(&path), in_lake.join(&path));
            match (place.is_remote(), is_log) {
                (false, _) => self.pin(&from, to)?,
                (true, true) => self.fetch(place, &from, to)?,
                (true, false) => self.remote.push((place.disk().clone(), from, to)),
            }
        }
        Ok(())
    }

    /// Pins the write-ahead log, and what the store remembers beside it.
    pub(super) fn pin_log(&mut self) -> Result<()> {
        let first_seq = |path: &Path| path.file_name()?.to_str()?.strip_suffix(".wal")?.parse::<u64>().ok();
        let segments = list(&self.data_dir.join("wal"))?.into_iter();
        let segments: Vec<(u64, PathBuf)> =
            segments.filter_map(|path| Some((first_seq(&path)?, path))).collect();
        // Those begun since are left out; but one there has to be, it says what number comes next.
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

    fn pin(&mut self, from: &Path, file: PathBuf) -> Result<()> {
        let to = self.place_for(&file)?;
        if !files::link(from, &to)? {
            fs::copy(from, &to).map_err(|e| failed("copy", from, e))?;
        }
        self.pinned.push(file);
        Ok(())
    }

    /// An entry of a log in an object store: small, and removed when it is obsolete.
    fn fetch(&mut self, place: &Place, from: &Path, file: PathBuf) -> Result<()> {
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

    /// Writes everything pinned to a destination: linked where that can be, else copied. The files with their hashes,
    /// and how many are links.
    pub(super) fn copy_to(&self, dest: &Destination, progress: &Progress) -> Result<(Vec<CopiedFile>, u64)> {
        let bytes = |file: &PathBuf| fs::metadata(self.dir.join(file)).map_or(0, |meta| meta.len());
        progress.begin("copying files", self.pinned.iter().map(bytes).sum());
        let (mut done, mut linked) = (Vec::new(), 0);
        for file in &self.pinned {
            let (from, to) = (self.dir.join(file), dest.path().join(file));
            if let Some(parent) = to.parent() {
                files::create_dir(parent)?;
            }
            // Of the last segment, which may still grow, what was acknowledged by then.
            let (bytes, sha256) = if self.last_segment.as_ref() == Some(file) {
                let end = self.end_of_log(&from)?;
                files::copy(&from, &to, end, progress)?
            } else if files::link(&from, &to)? {
                linked += 1;
                let synced = fs::File::open(&to).and_then(|file| file.sync_all());
                synced.map_err(|e| failed("make durable", &to, e))?;
                files::hash_file(&to, progress)?
            } else {
                files::copy(&from, &to, u64::MAX, progress)?
            };
            let path = file.to_str().ok_or_else(|| Error::internal("a file of ours has no UTF-8 name"))?;
            done.push(CopiedFile { path: path.to_owned(), bytes, sha256 });
        }
        done.extend(self.copy_remote(dest, progress)?);
        Ok((done, linked))
    }

    /// Fetches what lies in an object store.
    fn copy_remote(&self, dest: &Destination, progress: &Progress) -> Result<Vec<CopiedFile>> {
        progress.begin("fetching files", self.remote.len() as u64);
        let mut done = Vec::new();
        for (disk, from, file) in &self.remote {
            let to = dest.path().join(file);
            if let Some(parent) = to.parent() {
                files::create_dir(parent)?;
            }
            let object = disk.open(from).and_then(|object| object.get_read(0).map_err(io::Error::other));
            let object = object.map_err(|e| failed("read", from, e))?;
            // Counted in files: their sizes are not asked for beforehand.
            let (bytes, sha256) = files::write(object, &to, &Progress::default())?;
            let path = file.to_str().ok_or_else(|| Error::internal("a file of ours has no UTF-8 name"))?;
            done.push(CopiedFile { path: path.to_owned(), bytes, sha256 });
            progress.advance(1)?;
        }
        Ok(done)
    }

    /// Where the last pinned record ends.
    fn end_of_log(&self, segment: &Path) -> Result<u64> {
        let bytes = fs::read(segment).map_err(|e| failed("read", segment, e))?;
        let mut end = SEGMENT_HEADER.min(bytes.len());
        while let Some(record) = frame::parse_record(&bytes, end).filter(|record| record.seq <= self.seq) {
            end = record.end;
        }
        Ok(end as u64)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.dir) {
            tracing::warn!(dir = %self.dir.display(), error = %e, "pinned files stay until the next backup");
        }
    }
}

/// What is in a directory, sorted.
fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(dir).and_then(|all| all.map(|e| Ok(e?.path())).collect::<io::Result<Vec<_>>>());
    let mut entries = entries.map_err(|e| failed("read", dir, e))?;
    entries.sort();
    Ok(entries)
}
