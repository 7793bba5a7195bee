//! Synchronization of the machine's clock, as systemd reports it.

use std::path::PathBuf;
use std::time::Duration;

use super::command::CommandRunner;

/// systemd's program, which asks the kernel whatever program keeps the time.
const TIMEDATECTL: &str = "/usr/bin/timedatectl";
/// A machine without systemd has the program at times, but nobody who answers it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Whether a time server keeps the clock; `None` where the machine does not say.
pub async fn is_synchronized() -> Option<bool> {
    let program = CommandRunner::new(PathBuf::from(TIMEDATECTL), TIMEOUT);
    parse(&program.run(&["show", "--property=NTPSynchronized", "--value"]).await.ok()?)
}

fn parse(output: &str) -> Option<bool> {
    match output.trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_answer_counts() {
        let rows = [
            ("yes\n\n", Some(true)),
            ("no\n\n", Some(false)),
            ("\nSystem has not been booted with systemd as init system (PID 1).\n", None),
            ("", None),
        ];
        for (output, expected) in rows {
            assert_eq!(parse(output), expected, "{output}");
        }
    }
}
