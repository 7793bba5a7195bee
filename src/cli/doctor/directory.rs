//! Checks the data directory: it exists, this user owns it and can write, and who has it open.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::Access;
use rustix::process::geteuid;

use super::finding::Finding;
use super::installation::{DirectoryAccess, Installation, RunningServer};
use crate::cli::dir_lock::LockHolder;
use crate::store::backup::UNFINISHED_MARKER;

const CHECK: &str = "data directory";

/// Checks the directory and its lock.
pub fn check(installation: &Installation) -> Vec<Finding> {
    let (dir, flags) = (&installation.data_dir, installation.flags());
    let facts = fs::metadata(dir).map(|meta| DirectoryFacts {
        owner: meta.uid(),
        user: geteuid().as_raw(),
        mode: meta.mode() & 0o7777,
        is_writable: rustix::fs::access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
    });
    let facts = match (installation.access, facts) {
        (DirectoryAccess::NoData, _) => {
            let mend = "name the directory with --data-dir or BASALT_DATA_DIR; `basalt serve` creates it at its first start";
            return vec![Finding::problem(
                CHECK,
                format!("there is no Basalt data in {}", dir.display()),
                mend,
            )];
        }
        (DirectoryAccess::Denied, facts) => return vec![judge_denied(dir, facts.ok().as_ref(), &flags)],
        (DirectoryAccess::Granted, Ok(facts)) => facts,
        (DirectoryAccess::Granted, Err(e)) => {
            let mend = format!("look at the mount: findmnt -T {}; dmesg | tail", dir.display());
            return vec![Finding::problem(CHECK, format!("{} cannot be read: {e}", dir.display()), mend)];
        }
    };
    let mut findings = vec![judge(dir, &facts, &flags), lock_finding(installation)];
    if dir.join(UNFINISHED_MARKER).exists() {
        let mend = format!("empty the directory and restore again: basalt restore BACKUP {flags}");
        findings.push(Finding::problem(CHECK, "it holds a restore that was not finished", mend));
    }
    findings
}

/// The system's facts about the directory.
struct DirectoryFacts {
    owner: u32,
    /// The user who runs this command.
    user: u32,
    mode: u32,
    is_writable: bool,
}

/// Says why nothing in the directory can be told; there are no facts where a directory above it is not for this user either.
fn judge_denied(dir: &Path, facts: Option<&DirectoryFacts>, flags: &str) -> Finding {
    let shown = dir.display();
    let Some(DirectoryFacts { owner, user, mode, is_writable }) = facts else {
        let found = format!("{shown} is not for this user: nothing in it was checked");
        let mend = format!("run this as the user that runs the server: sudo -u basalt basalt doctor {flags}");
        return Finding::problem(CHECK, found, mend);
    };
    let found = format!("{shown}: owner {owner}, mode {mode:04o}");
    if owner != user {
        let found =
            format!("{found}, and this is user {user}, for whom it is not: nothing in it was checked");
        return Finding::problem(CHECK, found, run_as(*owner, flags));
    }
    let found = format!("{found}, and its owner cannot read the file lock in it: nothing in it was checked");
    let mend = match is_writable {
        true => format!("make what is in it the owner's: sudo chown -R {owner} {shown}"),
        false => format!("let its owner in: chmod u+rwx {shown}"),
    };
    Finding::problem(CHECK, found, mend)
}

fn run_as(owner: u32, flags: &str) -> String {
    format!("run this as the owner: sudo -u '#{owner}' basalt doctor {flags}")
}

fn judge(dir: &Path, facts: &DirectoryFacts, flags: &str) -> Finding {
    let (shown, DirectoryFacts { owner, user, mode, is_writable }) = (dir.display(), facts);
    let found = format!("{shown}: owner {owner}, mode {mode:04o}");
    if mode & 0o002 != 0 {
        let found = format!("{found}: every user of this machine may change what is in it");
        return Finding::problem(CHECK, found, format!("make it the owner's: chmod 700 {shown}"));
    }
    if owner != user {
        let found =
            format!("{found}, and this is user {user}: what that user may do is not what the server may");
        return Finding::warning(CHECK, found, run_as(*owner, flags));
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
            let finding = judge(Path::new("/d"), &facts, "--data-dir /d");
            assert_eq!(finding.state, state, "{name}: {finding:?}");
            assert!(finding.mend.unwrap_or_default().contains(mend), "{name}");
        }
    }

    #[test]
    fn a_directory_that_is_not_for_this_user_is_one_problem() {
        let facts = |owner, mode, is_writable| Some(DirectoryFacts { owner, user: 7, mode, is_writable });
        let rows = [
            ("of_another", facts(8, 0o700, false), "sudo -u '#8' basalt doctor --config c --data-dir /d"),
            ("below_one_of_another", None, "sudo -u basalt basalt doctor --config c --data-dir /d"),
            ("own_that_cannot_be_entered", facts(7, 0o600, false), "chmod u+rwx /d"),
            ("own_with_files_of_another", facts(7, 0o700, true), "sudo chown -R 7 /d"),
        ];
        for (name, facts, mend) in rows {
            let finding = judge_denied(Path::new("/d"), facts.as_ref(), "--config c --data-dir /d");
            assert_eq!(finding.state, State::Problem, "{name}");
            assert!(finding.found.contains("nothing in it was checked"), "{name}: {finding:?}");
            assert!(finding.mend.unwrap_or_default().ends_with(mend), "{name}");
        }
    }
}
