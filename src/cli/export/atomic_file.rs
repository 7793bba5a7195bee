//! Atomic file output: data goes to a temporary file, which takes the target's name only when complete.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::domain::{Error, Result};

/// A file being written. Dropping it before `commit` removes the temporary file.
pub struct AtomicFile {
    target: PathBuf,
    temp_path: Option<PathBuf>,
}

impl AtomicFile {
    /// Creates the temporary file beside its target, accessible to the owner only.
    pub fn create(target: &Path) -> Result<(AtomicFile, File)> {
        if target.is_dir() {
            return Err(Error::invalid("is a directory: name a file"));
        }
        let name = target.file_name().ok_or_else(|| Error::invalid("is not the name of a file"))?;
        let name = format!(".{}.unfinished-{}", name.to_string_lossy(), std::process::id());
        let unfinished = target.with_file_name(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished);
        let file = file.map_err(|e| write_error(&e))?;
        Ok((AtomicFile { target: target.to_owned(), temp_path: Some(unfinished) }, file))
    }

    /// Syncs the file and renames it to its target, replacing an existing file.
    pub fn commit(mut self, file: File) -> Result<()> {
        let Some(unfinished) = self.temp_path.take() else { return Ok(()) };
        let named = file.sync_all().and_then(|()| fs::rename(&unfinished, &self.target));
        if let Err(e) = named {
            self.temp_path = Some(unfinished);
            return Err(write_error(&e));
        }
        let dir = self.target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| write_error(&e))
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(unfinished) = &self.temp_path
            && let Err(e) = fs::remove_file(unfinished)
        {
            eprintln!("{} stays, unfinished: {e}", unfinished.display());
        }
    }
}

fn write_error(e: &io::Error) -> Error {
    Error::unavailable(format!("cannot be written: {e}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn nothing_has_the_name_before_all_of_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a.csv");
        fs::write(&target, "before").unwrap();
        let (aside, mut file) = AtomicFile::create(&target).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"before");
        drop(aside);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "what was not finished is gone");

        let (aside, mut file) = AtomicFile::create(&target).unwrap();
        file.write_all(b"whole").unwrap();
        aside.commit(file).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
