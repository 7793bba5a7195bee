//! Checks the data directory: it exists, this user owns it and can write, and who has it open.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::Access;
use rustix::process::geteuid;

use super::finding::Finding;
use super::installation::{Installation, RunningServer};
use crate::cli::dir_lock::LockHolder;
use crate::store::backup::UNFINISHED_MARKER;

const CHECK: &str = "data directory";

/// Checks the directory and its lock.
pub fn check(installation: &Installation) -> Vec<Finding> {
    let (dir, shown) = (&installation.data_dir, installation.data_dir.display());
    if !installation.has_data() {
        let mend = "name the directory with --data-dir or BASALT_DATA_DIR; `basalt serve` creates it at its first start";
        return vec![Finding::problem(CHECK, format!("there is no Basalt data in {shown}"), mend)];
    }
    let facts = match fs::metadata(dir) {
        Ok(meta) => DirectoryFacts {
            owner: meta.uid(),
            user: geteuid().as_raw(),
            mode: meta.mode() & 0o7777,
            is_writable: rustix::fs::access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        },
        Err(e) => {
            let mend = format!("give the user that runs the server access: ls -ld {shown}");
            return vec![Finding::problem(CHECK, format!("{shown} cannot be read: {e}"), mend)];
        }
    };
    let mut findings = vec![judge(dir, &facts), lock_finding(installation)];
    if dir.join(UNFINISHED_MARKER).exists() {
        let mend = "empty the directory and restore again: basalt restore BACKUP --data-dir DIR";
        findings.push(Finding::problem(CHECK, "it holds a restore that was not finished", mend));
    }
    findings
}

/// What the system says of the directory.
struct DirectoryFacts {
    owner: u32,
    /// The user who runs this command.
    user: u32,
    mode: u32,
    is_writable: bool,
}

fn judge(dir: &Path, facts: &DirectoryFacts) -> Finding {
    let (shown, DirectoryFacts { owner, user, mode, is_writable }) = (dir.display(), facts);
    let found = format!("{shown}: owner {owner}, mode {mode:04o}");
    if mode & 0o002 != 0 {
        let found = format!("{found}: every user of this machine may change what is in it");
        return Finding::problem(CHECK, found, format!("make it the owner's: chmod 700 {shown}"));
    }
    if owner != user {
        let found =
            format!("{found}, and this is user {user}: what that user may do is not what the server may");
        let mend = format!("run this as the owner: sudo -u '#{owner}' basalt doctor --data-dir {shown}");
        return Finding::warning(CHECK, found, mend);
    }
    if !is_writable {
        let mend =
            format!("let its owner write, on a file system that is not read-only: chmod u+rwx {shown}");
        return Finding::problem(CHECK, format!("{found}: it cannot be written to"), mend);
    }
    Finding::ok(CHECK, format!("{found}, writable"))
}

fn lock_finding(installation: &Installation) -> Finding {
    let holder = match &installation.lock {
        Ok(LockHolder::Nobody) => return Finding::ok(CHECK, "no server has it open"),
        Ok(LockHolder::Process(Some(pid))) => format!("process {pid}"),
        Ok(LockHolder::Process(None)) => "a process".to_owned(),
        Err(e) => {
            let mend = "run this as the user that the server runs as";
            return Finding::warning(
                CHECK,
                format!("whether a server has it open cannot be told: {e}"),
                mend,
            );
        }
    };
    match &installation.server {
        Some(RunningServer { url, version: Ok(_) }) => {
            Finding::ok(CHECK, format!("open in {holder}, which answers at {url}"))
        }
        Some(RunningServer { version: Err(e), .. }) => {
            let mend = "look at its log (journalctl -u basalt) and start it again: systemctl restart basalt";
            Finding::problem(CHECK, format!("open in {holder}, but {}", e.full_message()), mend)
        }
        None => {
            let found = format!("open in {holder}, which has not said where it listens");
            let mend = "wait if it has just been started or a command runs on it; else look at its log: journalctl -u basalt";
            Finding::warning(CHECK, found, mend)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;

    #[test]
    fn a_directory_is_its_owners() {
        let facts = |owner, mode, is_writable| DirectoryFacts { owner, user: 7, mode, is_writable };
        let rows = [
            ("own", facts(7, 0o700, true), State::Ok, ""),
            ("the_group_may_read", facts(7, 0o750, true), State::Ok, ""),
            ("all_may_write", facts(7, 0o777, true), State::Problem, "chmod 700 /d"),
            ("of_another", facts(8, 0o700, false), State::Warning, "sudo -u '#8' basalt doctor"),
            ("read_only", facts(7, 0o500, false), State::Problem, "chmod u+rwx /d"),
        ];
        for (name, facts, state, mend) in rows {
            let finding = judge(Path::new("/d"), &facts);
            assert_eq!(finding.state, state, "{name}: {finding:?}");
            assert!(finding.mend.unwrap_or_default().contains(mend), "{name}");
        }
    }
}
