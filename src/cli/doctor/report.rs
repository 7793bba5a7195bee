//! The report of `basalt doctor`: its findings as text for people, and as JSON.

use std::path::PathBuf;

use serde::Serialize;

use super::finding::{Finding, State};
use crate::domain::{Error, Result};

/// All findings about an installation. Its JSON is documented in docs/operations/doctor.md.
#[derive(Debug, Serialize)]
pub struct DoctorReport {
    /// Version of this program.
    pub version: &'static str,
    pub data_dir: PathBuf,
    /// The worst state of the findings.
    pub state: State,
    pub problems: usize,
    pub warnings: usize,
    pub findings: Vec<Finding>,
}

impl DoctorReport {
    /// Counts the findings.
    pub fn new(data_dir: PathBuf, findings: Vec<Finding>) -> DoctorReport {
        let count = |state: State| findings.iter().filter(|finding| finding.state == state).count();
        DoctorReport {
            version: env!("CARGO_PKG_VERSION"),
            data_dir,
            state: findings.iter().map(|finding| finding.state).max().unwrap_or(State::Ok),
            problems: count(State::Problem),
            warnings: count(State::Warning),
            findings,
        }
    }

    /// Returns one line for each finding, with the mend below it, and a last line that counts them.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for finding in &self.findings {
            lines.push(format!("{:<7}  {}: {}", finding.state.word(), finding.check, finding.found));
            lines.extend(finding.mend.iter().map(|mend| format!("         mend: {mend}")));
        }
        let number = |count: usize, noun: &str| match count {
            1 => format!("1 {noun}"),
            _ => format!("{count} {noun}s"),
        };
        lines.push(format!("{}, {}", number(self.problems, "problem"), number(self.warnings, "warning")));
        lines.join("\n")
    }

    /// Returns the report as JSON.
    pub fn json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|e| Error::internal("the report").with_source(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_words_and_mends_follow_them() {
        let findings = vec![
            Finding::ok("clock", "2026-11-28T18:00:00Z"),
            Finding::warning("limits", "1024 open files", "raise it: ulimit -n 8192"),
        ];
        let report = DoctorReport::new(PathBuf::from("/srv/basalt"), findings);
        let expected = "ok       clock: 2026-11-28T18:00:00Z\n\
                        warning  limits: 1024 open files\n         mend: raise it: ulimit -n 8192\n\
                        0 problems, 1 warning";
        assert_eq!(report.text(), expected);
        let json: serde_json::Value = serde_json::from_str(&report.json().expect("JSON")).expect("JSON");
        assert_eq!((&json["state"], &json["warnings"]), (&"warning".into(), &1.into()));
        let (first, second) = (&json["findings"][0], &json["findings"][1]);
        assert_eq!((&first["state"], &first["mend"]), (&"ok".into(), &serde_json::Value::Null));
        assert_eq!(
            (&second["check"], &second["mend"]),
            (&"limits".into(), &"raise it: ulimit -n 8192".into())
        );
        assert_eq!(DoctorReport::new(PathBuf::new(), Vec::new()).state, State::Ok);
    }
}
