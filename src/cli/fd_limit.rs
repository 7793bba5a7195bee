//! File descriptor limit of this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Limit to request where the system has no hard limit but refuses more per process (macOS's OPEN_MAX).
const FALLBACK_MAX_OPEN_FILES: u64 = 10_240;

/// Raises the limit as far as the system allows and returns the limit in effect.
pub fn raise_fd_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = [maximum, Some(maximum.unwrap_or(FALLBACK_MAX_OPEN_FILES).min(FALLBACK_MAX_OPEN_FILES))];
    for current_wanted in wanted {
        let is_more = current_wanted.unwrap_or(u64::MAX) > current.unwrap_or(u64::MAX);
        if is_more && setrlimit(Resource::Nofile, Rlimit { current: current_wanted, maximum }).is_ok() {
            return current_wanted.unwrap_or(u64::MAX);
        }
    }
    current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_the_hard_one() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let raised = raise_fd_limit();
        assert!(maximum.is_none_or(|most| raised == most), "{raised} of {maximum:?}");
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), raised);
    }
}
