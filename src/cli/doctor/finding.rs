//! A finding of `basalt doctor`: what one check found, and how to mend it.

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    /// It works, but not for long or not as meant.
    Warning,
    /// Something does not work, or data are at risk.
    Problem,
}

impl State {
    /// Returns the word for people, the same as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Problem => "problem",
        }
    }
}

/// Result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Subject, such as `disk`.
    pub check: &'static str,
    pub state: State,
    /// With figures.
    pub found: String,
    /// One sentence with the command or setting that mends it; `None` where nothing is to be mended.
    pub mend: Option<String>,
}

impl Finding {
    /// Nothing to mend.
    pub fn ok(check: &'static str, found: impl Into<String>) -> Finding {
        Finding { check, state: State::Ok, found: found.into(), mend: None }
    }

    /// Something that should be mended.
    pub fn warning(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { check, state: State::Warning, found: found.into(), mend: Some(mend.into()) }
    }

    /// Something that has to be mended.
    pub fn problem(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { check, state: State::Problem, found: found.into(), mend: Some(mend.into()) }
    }

    /// A check whose result says nothing, because a server was started or stopped during it.
    pub fn changed_meanwhile(check: &'static str) -> Finding {
        Finding::warning(
            check,
            "not checked: the data directory was opened or closed meanwhile",
            "run this again when the server has been started or stopped",
        )
    }
}

/// Writes a size for people, in units of 1000: `12.5 MB`.
pub fn format_bytes(bytes: u64) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    match units.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", bytes as f64 / *size as f64),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let rows = [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (12_540_000, "12.5 MB"),
            (80_000_000_000, "80.0 GB"),
            (4_000_000_000_000, "4.0 TB"),
        ];
        for (bytes, expected) in rows {
            assert_eq!(format_bytes(bytes), expected);
        }
    }
}
