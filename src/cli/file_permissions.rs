//! File permissions of a data directory: owner only, because it holds password hashes, device passwords and readings.
//!
//! Files and directories that this program creates are inaccessible to other users. Existing files keep the mode that
//! their owner set, except the catalog. A directory's default ACLs take precedence (`setfacl -d`): with them an owner
//! can let others read the lake.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::{geteuid, umask};

/// Permission bits of group and others.
pub const GROUP_AND_OTHERS_MODE: u32 = 0o077;

/// Makes all files and folders created from now on accessible to their owner only.
pub fn set_umask() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Removes other users' access to the catalog database at `url`, which an earlier version left open to them: it holds
/// passwords of devices.
pub fn restrict_catalog(url: &str) {
    let Some(path) = url.strip_prefix("sqlite://") else { return };
    let path = path.split('?').next().unwrap_or(path);
    for ending in ["", "-wal", "-shm"] {
        let file = PathBuf::from(format!("{path}{ending}"));
        match restrict_file(&file) {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(file = %file.display(), "other users could read the catalog: access removed")
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "other users may be able to read the catalog");
            }
        }
    }
}

/// Removes other users' access to a file of ours; returns whether they had any.
fn restrict_file(file: &Path) -> std::io::Result<bool> {
    let found = fs::symlink_metadata(file)?;
    if !found.is_file() || found.uid() != geteuid().as_raw() || found.mode() & GROUP_AND_OTHERS_MODE == 0 {
        return Ok(false);
    }
    fs::set_permissions(file, fs::Permissions::from_mode(found.mode() & 0o7777 & !GROUP_AND_OTHERS_MODE))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_that_others_could_read_is_its_owners() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = |name: &str| dir.path().join(name);
        let mode = |name: &str| fs::metadata(file(name)).expect("there").mode() & 0o777;
        for (name, old_mode) in [("c.sqlite", 0o644), ("c.sqlite-wal", 0o640), ("c.sqlite-shm", 0o600)] {
            fs::write(file(name), "x").expect("written");
            fs::set_permissions(file(name), fs::Permissions::from_mode(old_mode)).expect("set");
        }
        restrict_catalog(&format!("sqlite://{}?mode=rwc", file("c.sqlite").display()));
        let modes = ["c.sqlite", "c.sqlite-wal", "c.sqlite-shm"].map(mode);
        assert_eq!(modes, [0o600; 3]);
        // Neither URL names an existing SQLite file.
        restrict_catalog(&format!("sqlite://{}", file("none").display()));
        restrict_catalog("postgres://localhost/basalt");
    }
}
