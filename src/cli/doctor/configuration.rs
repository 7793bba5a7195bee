//! Checks the configuration: it parses, and the files that it names can be read by this user.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::Access;

use super::finding::Finding;
use crate::app::host::HostSettings;
use crate::app::media::MediaSettings;
use crate::cli::args::DataDirArgs;
use crate::cli::config::{self, Config, ConfigFile};
use crate::cli::{dir_lock, target};

const CHECK: &str = "configuration";
/// Permission bits of users who are neither the owner nor in the group.
const OTHERS_WRITE: u32 = 0o002;
const OTHERS_READ: u32 = 0o004;
const CORRECT: &str = "correct it (basalt.toml.example lists every key with its default), then run this again: the findings below go by \
                       variables and flags only";

/// Loads the configuration. Without a valid one there is still that of variables and flags, with which the other checks can go
/// on; `None` where these are wrong too, or name no data directory.
pub fn load(place: &DataDirArgs) -> (Option<Config>, Vec<Finding>) {
    match target::load_config(place) {
        Ok(config) => {
            let mut findings = vec![file_finding(place)];
            findings.extend(
                config.unknown_variables.iter().map(|message| {
                    Finding::warning(CHECK, message, "unset the variable, or correct its name")
                }),
            );
            (Some(config), findings)
        }
        Err(error) => {
            let path = path_of(place);
            let denied = File::open(path).err().and_then(|e| judge_unreadable(path, e.kind()));
            let finding = denied.unwrap_or_else(|| Finding::problem(CHECK, error.full_message(), CORRECT));
            let flags = target::data_dir_flags(place.data_dir.as_deref());
            let rest = Config::load(Config::default(), &ConfigFile::Ignored, flags).ok();
            // Without the file, the data directory may be another.
            let rest = rest.filter(|config| dir_lock::was_data_dir(&config.data_dir));
            (rest, vec![finding])
        }
    }
}

fn path_of(place: &DataDirArgs) -> &Path {
    place.config.as_deref().unwrap_or(Path::new(config::DEFAULT_FILE))
}

/// Judges the error of opening the file; `None` where that is no question of rights.
fn judge_unreadable(path: &Path, kind: ErrorKind) -> Option<Finding> {
    let path = path.display();
    let found = format!("{path} is not for this user: the findings below go by variables and flags only");
    let mend =
        format!("run this as the user that runs the server: sudo -u basalt basalt doctor --config {path}");
    (kind == ErrorKind::PermissionDenied).then(|| Finding::problem(CHECK, found, mend))
}

/// Says which file was read. What it holds is valid.
fn file_finding(place: &DataDirArgs) -> Finding {
    let path = path_of(place);
    let Ok(text) = fs::read_to_string(path) else {
        return Finding::ok(CHECK, format!("no file {}: defaults, variables and flags", path.display()));
    };
    let mode = fs::metadata(path).map_or(0, |meta| meta.permissions().mode()) & 0o7777;
    judge_file(&path.display().to_string(), &text, mode)
}

fn judge_file(file: &str, text: &str, mode: u32) -> Finding {
    let found = format!("{file}: {} lines, mode {mode:04o}", text.lines().count());
    if mode & OTHERS_WRITE != 0 {
        let found = format!("{found}: every user of this machine may change it");
        return Finding::problem(CHECK, found, format!("take the right away: chmod o-w {file}"));
    }
    if mode & OTHERS_READ != 0 && config::holds_secret(file, text) {
        let found = format!("{found}: it holds a secret, and every user of this machine may read it");
        return Finding::problem(CHECK, found, format!("take the right away: chmod o-rwx {file}"));
    }
    Finding::ok(CHECK, found)
}

/// Checks the files and directories that the configuration names, but for those that other checks look at.
pub fn check_paths(config: &Config) -> Vec<Finding> {
    let programs = [
        ("hamachi.command", &config.host.hamachi_command, HostSettings::default().hamachi_command),
        ("media.ffmpeg", &config.media.ffmpeg, MediaSettings::default().ffmpeg),
    ];
    // The usual places need not exist.
    let programs = programs.into_iter().filter(|(_, path, usual)| *path != usual);
    let programs = programs.map(|(key, path, _)| (key, Some(path.as_path()), Access::EXEC_OK));
    let files = [
        ("queries_dir", config.queries_dir.as_deref()),
        ("license.path", config.host.license_path.as_deref()),
        ("cluster.ca", config.cluster.ca.as_deref()),
        ("smtp.ca_cert", config.smtp.ca_cert.as_deref()),
    ];
    let files = files.into_iter().map(|(key, path)| (key, path, Access::READ_OK));
    let devices =
        config.media.devices.iter().map(|path| ("media.devices", Some(Path::new(path)), Access::READ_OK));
    let named = files.chain(programs).chain(devices);
    named.filter_map(|(key, path, access)| judge_path(key, path?, access)).collect()
}

fn judge_path(key: &str, path: &Path, access: Access) -> Option<Finding> {
    let error = rustix::fs::access(path, access).err()?;
    let error = std::io::Error::from(error);
    let found = format!("{key} names {}, which this user cannot use: {error}", path.display());
    let mend =
        format!("correct {key}, or give the user that runs the server access: ls -l {}", path.display());
    Some(Finding::problem(CHECK, found, mend))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;

    #[test]
    fn a_file_with_secrets_is_for_its_owner_and_group() {
        let (plain, secret) = ("listen = \"127.0.0.1:1\"\n", "[smtp]\npassword = \"x\"\n");
        let rows = [
            ("plain", plain, 0o644, State::Ok),
            ("plain_for_all_to_change", plain, 0o666, State::Problem),
            ("secret", secret, 0o640, State::Ok),
            ("secret_for_all", secret, 0o644, State::Problem),
        ];
        for (name, text, mode, state) in rows {
            let finding = judge_file("b.toml", text, mode);
            assert_eq!((finding.state, finding.mend.is_some()), (state, state != State::Ok), "{name}");
        }
    }

    #[test]
    fn a_file_of_another_user_is_not_wrong() {
        let finding =
            judge_unreadable(Path::new("/e/b.toml"), ErrorKind::PermissionDenied).expect("a finding");
        assert!(finding.found.contains("/e/b.toml is not for this user"), "{finding:?}");
        assert!(finding.mend.is_some_and(|mend| mend.ends_with("basalt doctor --config /e/b.toml")));
        assert_eq!(judge_unreadable(Path::new("/e/b.toml"), ErrorKind::NotFound), None);
    }

    #[test]
    fn what_it_names_has_to_be_there() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(check_paths(&Config::default()), []);
        let mut config = Config { queries_dir: Some(dir.path().to_owned()), ..Config::default() };
        config.smtp.ca_cert = Some(dir.path().join("none.pem"));
        config.media.ffmpeg = dir.path().join("ffmpeg");
        let findings = check_paths(&config);
        let named = |word: &str| findings.iter().any(|finding| finding.found.contains(word));
        assert!(findings.len() == 2 && named("smtp.ca_cert") && named("media.ffmpeg"), "{findings:?}");
    }
}
