//! Checks that files with secrets are accessible to their owner only.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::installation::Installation;
use crate::cli::file_permissions::GROUP_AND_OTHERS_MODE;

const CHECK: &str = "secrets";

/// Checks the keys of the data directory, the catalog, and the file with the token of local commands.
pub fn check(installation: &Installation) -> Vec<Finding> {
    let data_dir = &installation.data_dir;
    let mut files = files_ending(data_dir, ".key");
    files.extend(files_ending(&data_dir.join("pki/private"), ""));
    files.extend(files_ending(&data_dir.join("pki/users"), ".pem"));
    files.push(data_dir.join("run/server.json"));
    if let Some(path) = installation.catalog_file() {
        files.extend(["", "-wal", "-shm"].map(|ending| PathBuf::from(format!("{}{ending}", path.display()))));
    }
    judge(&files)
}

fn files_ending(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> =
        entries.filter(|path| path.is_file() && path.to_string_lossy().ends_with(ending)).collect();
    files.sort();
    files
}

fn judge(files: &[PathBuf]) -> Vec<Finding> {
    let modes = files.iter().filter_map(|path| Some((path, fs::metadata(path).ok()?.mode() & 0o7777)));
    let (mut findings, mut count) = (Vec::new(), 0);
    for (path, mode) in modes {
        count += 1;
        if mode & GROUP_AND_OTHERS_MODE != 0 {
            let path = path.display();
            let found = format!("{path} has mode {mode:04o}: others than its owner may read or change it");
            findings.push(Finding::problem(CHECK, found, format!("make it the owner's: chmod 600 {path}")));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, format!("{count} files, accessible to their owner only")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::cli::doctor::finding::State;

    #[test]
    fn a_secret_that_others_can_read_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, mode) in [("a.key", 0o600), ("b.key", 0o640), ("c.key", 0o602), ("ca.pem", 0o644)] {
            fs::write(dir.path().join(name), "x").expect("written");
            fs::set_permissions(dir.path().join(name), PermissionsExt::from_mode(mode)).expect("set");
        }
        let files = files_ending(dir.path(), ".key");
        let findings = judge(&files);
        assert_eq!(findings.len(), 2, "{findings:?}");
        for (finding, name) in findings.iter().zip(["b.key", "c.key"]) {
            assert_eq!(finding.state, State::Problem);
            assert!(finding.mend.as_ref().is_some_and(|mend| mend.ends_with(name)), "{finding:?}");
        }
        assert_eq!(judge(&files[..1]), [Finding::ok(CHECK, "1 files, accessible to their owner only")]);
    }
}
