//! Files of a data directory are their owner's: they hold hashes and passwords, and readings besides.
//!
//! Whatever this program creates, nobody else may read, list or change. What is there already keeps the mode its owner gave
//! it, the catalog excepted. Default ACLs of a directory count instead (`setfacl -d`): so an owner lets others read the lake.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::{geteuid, umask};

/// What group and others may do.
const OF_OTHERS: u32 = 0o077;

/// From now on all files and folders are created for their owner only.
pub fn by_default() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Takes the catalog's database away from others, where an earlier version left it open to them: it holds passwords of
/// devices. `url` is where it is.
pub fn narrow_catalog(url: &str) {
    let Some(path) = url.strip_prefix("sqlite://") else { return };
    let path = path.split('?').next().unwrap_or(path);
    for ending in ["", "-wal", "-shm"] {
        let file = PathBuf::from(format!("{path}{ending}"));
        match narrow(&file) {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(file = %file.display(), "others could read the catalog; they cannot any more")
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "others may be able to read the catalog");
            }
        }
    }
}

/// Whether others had rights to a file of ours, which they have no more.
fn narrow(file: &Path) -> std::io::Result<bool> {
    let found = fs::symlink_metadata(file)?;
    if !found.is_file() || found.uid() != geteuid().as_raw() || found.mode() & OF_OTHERS == 0 {
        return Ok(false);
    }
    fs::set_permissions(file, fs::Permissions::from_mode(found.mode() & 0o7777 & !OF_OTHERS))?;
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
        for (name, given) in [("c.sqlite", 0o644), ("c.sqlite-wal", 0o640), ("c.sqlite-shm", 0o600)] {
            fs::write(file(name), "x").expect("written");
            fs::set_permissions(file(name), fs::Permissions::from_mode(given)).expect("set");
        }
        narrow_catalog(&format!("sqlite://{}?mode=rwc", file("c.sqlite").display()));
        let modes = ["c.sqlite", "c.sqlite-wal", "c.sqlite-shm"].map(mode);
        assert_eq!(modes, [0o600; 3]);
        // Neither of them is a file to be changed.
        narrow_catalog(&format!("sqlite://{}", file("none").display()));
        narrow_catalog("postgres://localhost/basalt");
    }
}
