//! Contents of objects: uploads and recordings, one file for each, named by its id. They are in a directory, or in a bucket
//! where there is one.
//!
//! Whatever is written is first whole in the directory, under another name that only its owner may read: it gets its own
//! name when all of it is durable, or is sent to the bucket. So a bucket gets nothing that was not received completely,
//! and slow senders take disk and no memory. A file of the directory counts before one of the bucket: what was stored
//! before there was a bucket stays where it is.

pub mod bucket;
mod part_upload;
pub mod reader;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::Result;
use bucket::ObjectBucket;
use reader::ObjectReader;

/// Directory of the contents in the data directory.
pub const OBJECT_DIR: &str = "objects";
/// Ending of the name of a file that is being written.
const UNFINISHED: &str = "part";
/// Ending of the name of a file with the id of a multipart upload that has begun.
const MULTIPART: &str = "multipart";

/// The directory of the files, and their bucket. The directory is made when the first is written.
#[derive(Debug, Clone)]
pub struct ObjectFiles {
    dir: PathBuf,
    bucket: Option<Arc<ObjectBucket>>,
}

/// A file that is being written; dropped before [`ObjectUpload::finish`], it leaves nothing. One for each id at a time.
#[derive(Debug)]
pub struct ObjectUpload {
    file: File,
    unfinished: PathBuf,
    target: PathBuf,
    /// Bucket that it is sent to, and its id there; `None` leaves it in the directory.
    bucket: Option<(Arc<ObjectBucket>, Uuid)>,
}

impl ObjectFiles {
    /// The files below `dir`.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, bucket: None }
    }

    /// The files of the bucket `s3://bucket/prefix`, where there is one, that are received in `dir`. No request is sent.
    ///
    /// # Errors
    /// `Invalid` for any other URL; `Unavailable` when the bucket's variables are not sufficient.
    pub fn with_bucket(dir: PathBuf, url: Option<&str>) -> Result<Self> {
        let bucket = url.map(ObjectBucket::s3).transpose()?;
        Ok(Self { dir, bucket: bucket.map(Arc::new) })
    }

    /// Returns the bucket.
    pub fn bucket(&self) -> Option<&ObjectBucket> {
        self.bucket.as_deref()
    }

    /// Begins to write the file of an object. An unfinished one, left by a crash, is replaced.
    ///
    /// # Errors
    /// Any I/O error.
    pub fn begin(&self, id: Uuid) -> io::Result<ObjectUpload> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let target = self.path(id);
        let unfinished = target.with_extension(UNFINISHED);
        let file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        let bucket = self.bucket.as_ref().map(|bucket| (Arc::clone(bucket), id));
        Ok(ObjectUpload { file, unfinished, target, bucket })
    }

    /// Opens the file of an object. What the bucket has of it, reading tells.
    ///
    /// # Errors
    /// Any I/O error; `NotFound` when there is none, and no bucket.
    pub fn open(&self, id: Uuid) -> io::Result<ObjectReader> {
        match (File::open(self.path(id)), &self.bucket) {
            (Err(error), Some(bucket)) if error.kind() == ErrorKind::NotFound => {
                Ok(ObjectReader::Remote(bucket.object(id)))
            }
            (opened, _) => opened.map(ObjectReader::Local),
        }
    }

    /// Removes the file of an object, if there is one. Who has opened a local one reads on.
    ///
    /// # Errors
    /// Any I/O error.
    pub fn remove(&self, id: Uuid) -> io::Result<()> {
        remove_file(&self.path(id))?;
        self.bucket.as_ref().map_or(Ok(()), |bucket| bucket.remove(id))
    }

    /// Removes the files of all objects that `is_kept` denies, finished and unfinished ones; returns how many. Other
    /// files stay.
    ///
    /// # Errors
    /// Any I/O error; files before it stay removed.
    pub fn retain(&self, is_kept: impl Fn(Uuid) -> bool) -> io::Result<usize> {
        let mut removed = self.retain_local(&is_kept)?;
        if let Some(bucket) = &self.bucket {
            // They are listed first: what is asked for each is newer than the list.
            for id in bucket.ids()?.into_iter().filter(|id| !is_kept(*id)) {
                bucket.remove(id)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn retain_local(&self, is_kept: impl Fn(Uuid) -> bool) -> io::Result<usize> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut removed = 0;
        for entry in entries {
            let path = entry?.path();
            let Some(id) = id_of(&path).filter(|id| !is_kept(*id)) else { continue };
            match (path.extension().is_some_and(|ending| ending == MULTIPART), &self.bucket) {
                (false, _) => remove_file(&path)?,
                (true, Some(bucket)) => bucket.abort(id, &path)?,
                // Without the bucket nobody can take back what it has of the upload.
                (true, None) => continue,
            }
            removed += 1;
        }
        Ok(removed)
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.dir.join(id.to_string())
    }
}

/// The object of a file; `None` for a file that is not one of ours.
fn id_of(path: &Path) -> Option<Uuid> {
    let is_ours = path.extension().is_none_or(|ending| ending == UNFINISHED || ending == MULTIPART);
    Uuid::try_parse(path.file_stem()?.to_str()?).ok().filter(|_| is_ours)
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl ObjectUpload {
    /// Writes the next bytes.
    ///
    /// # Errors
    /// Any I/O error.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Makes the file durable under its name, or sends it to the bucket, which may take a while.
    ///
    /// # Errors
    /// Any I/O error; whether the file is there is then not known.
    pub fn finish(self) -> io::Result<()> {
        match &self.bucket {
            Some((bucket, id)) => {
                bucket.put(*id, &self.unfinished)?;
                // One that nobody has heard of, from before there was a bucket, would count before it.
                remove_file(&self.target)
            }
            None => self.keep_in_directory(),
        }
    }

    fn keep_in_directory(&self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.unfinished, &self.target)?;
        let dir = self.target.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(dir)?.sync_all()?;
        // The entry of the directory itself: it may have been made for this file.
        match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }
}

impl Drop for ObjectUpload {
    fn drop(&mut self) {
        // After `finish` without a bucket there is no such file. What cannot be removed now is removed by `retain`.
        let _ = fs::remove_file(&self.unfinished);
    }
}

#[cfg(test)]
#[path = "objects_tests.rs"]
mod tests;
