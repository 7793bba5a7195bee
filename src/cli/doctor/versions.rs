//! Checks the version of the running server against that of this program.

use super::finding::Finding;
use super::installation::Installation;

const CHECK: &str = "versions";
const OWN: &str = env!("CARGO_PKG_VERSION");

/// Names the versions of this program and of the running server.
pub fn check(installation: &Installation) -> Finding {
    let running = installation.server.as_ref().and_then(|server| server.version.as_ref().ok());
    judge(running.map(String::as_str))
}

fn judge(running: Option<&str>) -> Finding {
    match running {
        None => Finding::ok(CHECK, format!("this program is {OWN}")),
        Some(OWN) => Finding::ok(CHECK, format!("this program and the running server are {OWN}")),
        Some(other) => {
            let found = format!("this program is {OWN}, the running server is {other}");
            Finding::warning(CHECK, found, "start the installed version: systemctl restart basalt")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;

    #[test]
    fn a_server_of_another_version_is_found() {
        let states = [None, Some(OWN), Some("0.0.1")].map(|running| judge(running).state);
        assert_eq!(states, [State::Ok, State::Ok, State::Warning]);
    }
}
