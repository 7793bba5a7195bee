//! Checks the stored readings in a cheap way: the Delta logs can be read, the files that they name have their size, and the
//! segments of the write-ahead log begin as they should.

use std::time::Duration;

use tokio::task::JoinError;

use super::finding::{Finding, format_bytes};
use super::installation::Installation;
use super::lake_directory;
use crate::domain::{Error, Micros, Result};
use crate::store::verify::{QuickCheck, QuickReport};

const LAKE: &str = "lake";
const LOG: &str = "write-ahead log";
/// So many damaged files are named one by one.
const MAX_NAMED: usize = 10;
/// How long the check of the lake may take.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Facts about log and lake.
struct LakeFacts {
    checked: Result<QuickReport>,
    /// Finding about a lake that was not checked.
    instead: Option<Finding>,
    has_log: bool,
}

/// Checks log and lake, of which the latter `is_reachable`. Returns the newest time of a row in the lake beside the findings.
pub async fn check(installation: &Installation, is_reachable: bool) -> (Option<Micros>, Vec<Finding>) {
    let instead = match is_reachable {
        true => lake_directory::check(installation),
        false => {
            let mend = "mend what is said above about lake.url, then run this again";
            Some(Finding::warning(LAKE, "not checked: its object store cannot be reached from here", mend))
        }
    };
    match installation.run_steady(|is_open| find(installation, is_open, instead.clone())).await {
        Some(facts) => {
            let newest = facts.checked.as_ref().ok().and_then(|report| report.newest);
            (newest, judge(facts, &installation.flags()))
        }
        None => (None, vec![Finding::changed_meanwhile(LAKE)]),
    }
}

/// Reads log and lake, or the log alone where there is something to say `instead` of the lake.
async fn find(installation: &Installation, is_open: bool, mut instead: Option<Finding>) -> LakeFacts {
    let has_log = !installation.is_query_node();
    if instead.is_none() {
        match read_within_limit(installation, is_open).await {
            Some(Ok(report)) => return LakeFacts { checked: Ok(report), instead: None, has_log },
            Some(Err(e)) => instead = Some(judge_error(&e)),
            None => {
                let found = format!("not checked: reading it took more than {} s", TIME_LIMIT.as_secs());
                let mend = format!(
                    "look at its disk or network, then run this again; without a limit: basalt verify {}",
                    installation.flags()
                );
                instead = Some(Finding::warning(LAKE, found, mend));
            }
        }
    }
    let quick = QuickCheck { data_dir: &installation.data_dir, lake_url: None, is_open, has_log };
    LakeFacts { checked: quick.run_log().await, instead, has_log }
}

/// Reads log and lake; `None` when the time is over.
async fn read_within_limit(installation: &Installation, is_open: bool) -> Option<Result<QuickReport>> {
    let (data_dir, lake_url) = (installation.data_dir.clone(), installation.config.lake.url.clone());
    let has_log = !installation.is_query_node();
    // A task, because requests to an object store block the thread that they are sent from.
    let reading = tokio::spawn(async move {
        let quick = QuickCheck { data_dir: &data_dir, lake_url: lake_url.as_deref(), is_open, has_log };
        quick.run().await
    });
    let ended_early = |e: JoinError| Err(Error::internal("the check of the lake ended early").with_source(e));
    Some(tokio::time::timeout(TIME_LIMIT, reading).await.ok()?.unwrap_or_else(ended_early))
}

fn judge_error(error: &Error) -> Finding {
    let mend =
        "correct lake.url, or make the place that it names readable for this user, then run this again";
    Finding::problem(LAKE, error.full_message(), mend)
}

/// Judges log and lake; `flags` name the installation in commands.
fn judge(facts: LakeFacts, flags: &str) -> Vec<Finding> {
    let LakeFacts { checked, instead, has_log } = facts;
    let report = match checked {
        Ok(report) => report.files,
        Err(e) => return instead.into_iter().chain([judge_error(&e)]).collect(),
    };
    let mend = format!(
        "see all damage: basalt verify {flags}; then restore a backup: basalt restore BACKUP --data-dir DIR"
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
    if instead.is_none() && is_whole(LAKE) {
        let files: u64 = report.tables.iter().map(|table| table.files).sum();
        let bytes = format_bytes(report.tables.iter().map(|table| table.bytes).sum());
        let tables = report.tables.iter().filter(|table| table.version.is_some()).count();
        let found = format!(
            "{tables} tables, {files} files, {bytes}, all there with their size; `basalt verify {flags}` checks what they hold"
        );
        findings.push(Finding::ok(LAKE, found));
    }
    findings.extend(instead);
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;
    use crate::store::verify::{Finding as Damage, VerifyReport};

    fn facts(files: &[&str], broken_count: u64) -> LakeFacts {
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
        LakeFacts { checked: Ok(QuickReport { files, newest: None }), instead: None, has_log: true }
    }

    #[test]
    fn damage_is_named_with_what_to_do() {
        let summary = |facts| {
            let findings = judge(facts, "--data-dir d");
            findings.iter().map(|f| (f.check, f.state)).collect::<Vec<_>>()
        };
        assert_eq!(summary(facts(&[], 0)), [(LOG, State::Ok), (LAKE, State::Ok)]);
        let without_log = LakeFacts { has_log: false, ..facts(&[], 0) };
        assert_eq!(summary(without_log), [(LAKE, State::Ok)]);
        assert_eq!(summary(facts(&["wal/1.wal"], 1)), [(LOG, State::Problem), (LAKE, State::Ok)]);
        assert_eq!(summary(facts(&["lake/x"], 1)), [(LAKE, State::Problem), (LOG, State::Ok)]);
        let findings = judge(facts(&["lake/x"; 20], 5000), "--data-dir d");
        assert!(findings[10].found == "and 4990 more" && findings.len() == 12, "{findings:?}");
        assert!(findings[0].mend.as_ref().is_some_and(|mend| mend.contains("basalt verify --data-dir d")));
    }

    #[test]
    fn without_a_lake_the_log_is_judged_alone() {
        let absent = Finding::warning(LAKE, "not checked", "mend it");
        let cases: [&[&str]; 2] = [&[], &["wal/1.wal"]];
        for files in cases {
            let facts = LakeFacts { instead: Some(absent.clone()), ..facts(files, files.len() as u64) };
            let findings = judge(facts, "--data-dir d");
            let log = if files.is_empty() { State::Ok } else { State::Problem };
            assert_eq!((findings.len(), findings[0].check, findings[0].state), (2, LOG, log), "{findings:?}");
            assert_eq!(findings[1], absent);
        }
    }
}
