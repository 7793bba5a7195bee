//! A file under another name until it is whole.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::domain::{Error, Result};

/// The file being written. Dropped before `finish`, it is gone.
pub struct Aside {
    target: PathBuf,
    unfinished: Option<PathBuf>,
}

impl Aside {
    /// Begins a file beside the one it will be, for its owner only.
    pub fn create(target: &Path) -> Result<(Aside, File)> {
        if target.is_dir() {
            return Err(Error::invalid("is a directory: name a file"));
        }
        let name = target.file_name().ok_or_else(|| Error::invalid("is not the name of a file"))?;
        let name = format!(".{}.unfinished-{}", name.to_string_lossy(), std::process::id());
        let unfinished = target.with_file_name(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished);
        let file = file.map_err(|e| failed(&e))?;
        Ok((Aside { target: target.to_owned(), unfinished: Some(unfinished) }, file))
    }

    /// Makes it durable and gives it its name, in place of what had it.
    pub fn finish(mut self, file: File) -> Result<()> {
        let Some(unfinished) = self.unfinished.take() else { return Ok(()) };
        let named = file.sync_all().and_then(|()| fs::rename(&unfinished, &self.target));
        if let Err(e) = named {
            self.unfinished = Some(unfinished);
            return Err(failed(&e));
        }
        let dir = self.target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| failed(&e))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(unfinished) = &self.unfinished
            && let Err(e) = fs::remove_file(unfinished)
        {
            eprintln!("{} stays, unfinished: {e}", unfinished.display());
        }
    }
}

fn failed(e: &io::Error) -> Error {
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
        let (aside, mut file) = Aside::create(&target).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"before");
        drop(aside);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "what was not finished is gone");

        let (aside, mut file) = Aside::create(&target).unwrap();
        file.write_all(b"whole").unwrap();
        aside.finish(file).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
