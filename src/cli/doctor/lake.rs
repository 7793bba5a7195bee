//! Checks the stored readings in a cheap way: the Delta logs can be read, the files that they name have their size, and the
//! segments of the write-ahead log begin as they should.

use super::finding::{Finding, format_bytes};
use super::installation::Installation;
use crate::cli::config::NodeRole;
use crate::domain::{Micros, Result};
use crate::store::verify::{QuickCheck, QuickReport};

const LAKE: &str = "lake";
const LOG: &str = "write-ahead log";
/// So many damaged files are named one by one.
const MAX_NAMED: usize = 10;

/// Checks log and lake. Returns the newest time of a row in the lake beside the findings.
pub async fn check(installation: &Installation) -> (Option<Micros>, Vec<Finding>) {
    let config = &installation.config;
    let has_log = config.cluster.role != NodeRole::Query;
    let quick = QuickCheck {
        data_dir: &installation.data_dir,
        lake_url: config.lake.url.as_deref(),
        is_open: installation.is_open(),
        has_log,
    };
    let checked = quick.run().await;
    let newest = checked.as_ref().ok().and_then(|report| report.newest);
    (newest, judge(checked, has_log, &installation.flag()))
}

/// Judges log and lake; `flag` names the data directory in commands.
fn judge(checked: Result<QuickReport>, has_log: bool, flag: &str) -> Vec<Finding> {
    let report = match checked {
        Ok(report) => report.files,
        Err(e) => {
            let mend = "correct lake.url, or make the place that it names readable for this user";
            return vec![Finding::problem(LAKE, e.full_message(), mend)];
        }
    };
    let mend = format!(
        "see all damage: basalt verify {flag}; then restore a backup: basalt restore BACKUP --data-dir DIR"
    );
    let check_of = |file: &str| if file.starts_with("wal") { LOG } else { LAKE };
    let mut findings: Vec<_> = report
        .broken
        .iter()
        .take(MAX_NAMED)
        .map(|damage| {
            let at = if damage.at.is_empty() { String::new() } else { format!(", {}", damage.at) };
            Finding::problem(check_of(&damage.file), format!("{}{at}: {}", damage.file, damage.what), &mend)
        })
        .collect();
    let more = report.broken_count.saturating_sub(findings.len() as u64);
    if more > 0 {
        findings.push(Finding::problem(LAKE, format!("and {more} more"), &mend));
    }
    let is_whole = |check: &str| !report.broken.iter().any(|damage| check_of(&damage.file) == check);
    if has_log && is_whole(LOG) {
        let (segments, bytes) = (report.wal.segments, format_bytes(report.wal.bytes));
        findings.push(Finding::ok(LOG, format!("{segments} segments, {bytes}, each begins as it should")));
    }
    if is_whole(LAKE) {
        let files: u64 = report.tables.iter().map(|table| table.files).sum();
        let bytes = format_bytes(report.tables.iter().map(|table| table.bytes).sum());
        let tables = report.tables.iter().filter(|table| table.version.is_some()).count();
        let found = format!(
            "{tables} tables, {files} files, {bytes}, all there with their size; `basalt verify {flag}` checks what they hold"
        );
        findings.push(Finding::ok(LAKE, found));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;
    use crate::store::verify::{Finding as Damage, VerifyReport};

    fn report(files: &[&str], broken_count: u64) -> Result<QuickReport> {
        let damage = |file: &&str| Damage {
            file: (*file).to_owned(),
            at: String::new(),
            what: "is missing".to_owned(),
        };
        let files = VerifyReport {
            broken: files.iter().map(damage).collect(),
            broken_count,
            ..VerifyReport::default()
        };
        Ok(QuickReport { files, newest: None })
    }

    #[test]
    fn damage_is_named_with_what_to_do() {
        let summary = |checked, has_log| {
            let findings = judge(checked, has_log, "--data-dir d");
            findings.iter().map(|f| (f.check, f.state)).collect::<Vec<_>>()
        };
        assert_eq!(summary(report(&[], 0), true), [(LOG, State::Ok), (LAKE, State::Ok)]);
        assert_eq!(summary(report(&[], 0), false), [(LAKE, State::Ok)]);
        assert_eq!(summary(report(&["wal/1.wal"], 1), true), [(LOG, State::Problem), (LAKE, State::Ok)]);
        assert_eq!(summary(report(&["lake/x"], 1), true), [(LAKE, State::Problem), (LOG, State::Ok)]);
        let findings = judge(report(&["lake/x"; 20], 5000), true, "--data-dir d");
        assert!(findings[10].found == "and 4990 more" && findings.len() == 12, "{findings:?}");
        assert!(findings[0].mend.as_ref().is_some_and(|mend| mend.contains("basalt verify --data-dir d")));
    }
}
