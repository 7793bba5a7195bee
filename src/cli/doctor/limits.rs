//! Checks the limit of open files: of the running server, or of one that would be started from here.

use super::finding::Finding;
use super::installation::Installation;
use crate::cli::{fd_limit, http_listeners};
use crate::host::process_limits::{self, OpenFiles};

const CHECK: &str = "limits";

/// Checks that every listener may have its connections.
pub fn check(installation: &Installation) -> Finding {
    let wanted = http_listeners::sufficient_descriptors(&installation.config);
    match installation.pid().and_then(process_limits::open_files_of) {
        Some(files) => judge_running(files, wanted),
        None => judge_here(fd_limit::raise_fd_limit(), wanted),
    }
}

fn judge_running(files: OpenFiles, wanted: u64) -> Finding {
    let OpenFiles { count, limit } = files;
    let found = format!("the server has {count} of {} open files", shown(limit));
    if count > limit / 4 * 3 {
        let mend = format!(
            "{}, and see what holds them: ls -l /proc/PID/fd",
            raise(wanted.max(limit.saturating_mul(2)))
        );
        return Finding::problem(CHECK, found, mend);
    }
    judge(found, limit, wanted)
}

fn judge_here(limit: u64, wanted: u64) -> Finding {
    judge(format!("a server started from here may have {} open files", shown(limit)), limit, wanted)
}

fn judge(found: String, limit: u64, wanted: u64) -> Finding {
    if limit < wanted {
        let found = format!("{found}; all configured connections need {wanted}");
        return Finding::warning(CHECK, found, raise(wanted));
    }
    Finding::ok(CHECK, found)
}

fn raise(wanted: u64) -> String {
    format!("raise the limit: LimitNOFILE={wanted} in the unit, or ulimit -n {wanted} before the start")
}

fn shown(limit: u64) -> String {
    if limit == u64::MAX { "any number of".to_owned() } else { limit.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;

    #[test]
    fn too_few_files_are_found() {
        let running = |count, limit| judge_running(OpenFiles { count, limit }, 8192);
        let rows = [
            ("many", running(100, 524_288), State::Ok),
            ("any", running(100, u64::MAX), State::Ok),
            ("few", running(100, 1024), State::Warning),
            ("nearly_all_in_use", running(7000, 8192), State::Problem),
            ("here", judge_here(8192, 8192), State::Ok),
            ("too_few_here", judge_here(1024, 8192), State::Warning),
        ];
        for (name, finding, state) in rows {
            assert_eq!(finding.state, state, "{name}: {finding:?}");
            assert!(
                state == State::Ok || finding.mend.is_some_and(|mend| mend.contains("LimitNOFILE=")),
                "{name}"
            );
        }
    }
}
