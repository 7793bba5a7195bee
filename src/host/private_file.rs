//! Small private files of the data directory, readable only by their owner: created once, atomically and durably,
//! then only read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Upper bound: these files hold a key or an id.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Reads a file; `None` when it does not exist.
///
/// # Errors
/// Any I/O error; `PermissionDenied` when users other than its owner may read or change the file.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        let message = "others than its owner may read or change it: make its mode 0600";
        return Err(io::Error::new(ErrorKind::PermissionDenied, message));
    }
    let mut content = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut content)?;
    Ok(Some(content))
}

/// Reads a file, or creates it with `make`, durably, if it does not exist. Not safe for concurrent processes.
pub fn read_or_make(path: &Path, make: impl FnOnce() -> Vec<u8>) -> io::Result<Vec<u8>> {
    if let Some(content) = read(path)? {
        return Ok(content);
    }
    let content = make();
    let unfinished = path.with_extension("new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(&content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        assert!(read(&path).unwrap().is_none());
        fs::write(path.with_extension("new"), "left by a crash").unwrap();
        assert_eq!(read_or_make(&path, || b"one".to_vec()).unwrap(), b"one");
        assert_eq!(read_or_make(&path, || b"two".to_vec()).unwrap(), b"one");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!path.with_extension("new").exists());

        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let error = read_or_make(&path, Vec::new).expect_err("others can reach it");
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{mode:o}");
        }
    }
}
