//! Files of uploaded objects: one for each, named by its id, written under another name and renamed when all of it is
//! durable. Only their owner may read them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// Ending of the name of a file that is being written.
const UNFINISHED: &str = "part";

/// The directory of the files. It is made when the first is written.
#[derive(Debug, Clone)]
pub struct ObjectFiles {
    dir: PathBuf,
}

/// A file that is being written; dropped before [`ObjectUpload::finish`], it leaves nothing. One for each id at a time.
#[derive(Debug)]
pub struct ObjectUpload {
    file: File,
    unfinished: PathBuf,
    target: PathBuf,
}

impl ObjectFiles {
    /// The files below `dir`.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
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
        Ok(ObjectUpload { file, unfinished, target })
    }

    /// Opens the file of an object.
    ///
    /// # Errors
    /// Any I/O error; `NotFound` when there is none.
    pub fn open(&self, id: Uuid) -> io::Result<File> {
        File::open(self.path(id))
    }

    /// Removes the file of an object, if there is one. Who has opened it reads on.
    ///
    /// # Errors
    /// Any I/O error.
    pub fn remove(&self, id: Uuid) -> io::Result<()> {
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the files of all objects that `is_kept` denies, finished and unfinished ones; returns how many. Other
    /// files stay.
    ///
    /// # Errors
    /// Any I/O error; files before it stay removed.
    pub fn retain(&self, is_kept: impl Fn(Uuid) -> bool) -> io::Result<usize> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut removed = 0;
        for entry in entries {
            let path = entry?.path();
            if id_of(&path).is_some_and(|id| !is_kept(id)) {
                fs::remove_file(&path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.dir.join(id.to_string())
    }
}

/// The object of a file; `None` for a file that is not one of ours.
fn id_of(path: &Path) -> Option<Uuid> {
    let name = path.file_name()?.to_str()?;
    let id = name.strip_suffix(UNFINISHED).and_then(|name| name.strip_suffix('.')).unwrap_or(name);
    Uuid::try_parse(id).ok()
}

impl ObjectUpload {
    /// Writes the next bytes.
    ///
    /// # Errors
    /// Any I/O error.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Makes the file durable under its name.
    ///
    /// # Errors
    /// Any I/O error; whether the file is there is then not known.
    pub fn finish(self) -> io::Result<()> {
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
        // After `finish` there is no such file. What cannot be removed now is removed by `retain`.
        let _ = fs::remove_file(&self.unfinished);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let files = ObjectFiles::new(dir.path().join("objects"));
        let id = Uuid::from_u128(1);
        assert_eq!(files.open(id).unwrap_err().kind(), ErrorKind::NotFound);
        let mut upload = files.begin(id).unwrap();
        upload.write(b"half").unwrap();
        drop(upload);
        assert_eq!(fs::read_dir(dir.path().join("objects")).unwrap().count(), 0);
        let mut upload = files.begin(id).unwrap();
        upload.write(b"who").unwrap();
        upload.write(b"le").unwrap();
        upload.finish().unwrap();
        let mut text = String::new();
        files.open(id).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "whole");
        let mode =
            fs::metadata(dir.path().join("objects").join(id.to_string())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn only_files_of_unknown_objects_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let files = ObjectFiles::new(dir.path().to_owned());
        assert_eq!(ObjectFiles::new(dir.path().join("none")).retain(|_| false).unwrap(), 0);
        for name in [
            Uuid::from_u128(1).to_string(),
            Uuid::from_u128(2).to_string(),
            format!("{}.part", Uuid::from_u128(3)),
            "notes.txt".to_owned(),
        ] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        assert_eq!(files.retain(|id| id == Uuid::from_u128(1)).unwrap(), 2);
        assert!(files.open(Uuid::from_u128(1)).is_ok() && dir.path().join("notes.txt").exists());
        for _ in 0..2 {
            files.remove(Uuid::from_u128(1)).unwrap();
            assert!(files.open(Uuid::from_u128(1)).is_err());
        }
    }
}
