//! Checks the clock: the year is plausible, nothing stored is ahead of it, and a time server keeps it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::finding::Finding;
use super::installation::Installation;
use crate::domain::time::{MICROS_PER_SECOND, SystemClock};
use crate::domain::{Clock, Micros};
use crate::host::clock_sync;
use crate::store::disk::LocalDisk;
use crate::store::retention::clock_mark::ClockMark;

const CHECK: &str = "clock";
/// This version is of 2026, and no certificate of today is valid in 2100.
const PLAUSIBLE: (Micros, Micros) =
    (Micros(1_767_225_600 * MICROS_PER_SECOND), Micros(4_102_444_800 * MICROS_PER_SECOND));
/// Clocks are corrected by less all the time, microseconds.
const TOLERANCE_US: i64 = 60 * MICROS_PER_SECOND;

/// Facts about the clock.
struct ClockFacts {
    now: Micros,
    /// Newest time of a row in the lake.
    newest_row: Option<Micros>,
    /// Newest time that the server itself has noted, with where: retention's, or that of a file.
    newest_mark: Option<(Micros, String)>,
    is_synchronized: Option<bool>,
    /// How far ahead rows may be to be current.
    max_ahead: Duration,
    /// Flags that name the installation in a command.
    flags: String,
}

/// Checks the clock against what is stored; `newest_row` is the newest time of a row in the lake.
pub async fn check(installation: &Installation, newest_row: Option<Micros>) -> Vec<Finding> {
    judge(&ClockFacts {
        now: SystemClock.now(),
        newest_row,
        newest_mark: newest_mark(&installation.data_dir),
        is_synchronized: clock_sync::is_synchronized().await,
        max_ahead: installation.config.ingest_max_ahead_live,
        flags: installation.flags(),
    })
}

/// The newest time among those that the server's clock has left: of the last cycle of retention, and of the log's files.
fn newest_mark(data_dir: &Path) -> Option<(Micros, String)> {
    let cycle = ClockMark::new(Arc::new(LocalDisk), data_dir).load();
    let cycle = cycle.map(|time| (time, "the last cycle of retention".to_owned()));
    let segments = fs::read_dir(data_dir.join("wal")).into_iter().flatten().flatten();
    let files = segments.filter_map(|entry| Some((changed_at(entry.path())?, entry.path())));
    let file = files.max().map(|(time, path)| (time, format!("the last write to {}", path.display())));
    cycle.into_iter().chain(file).max()
}

fn changed_at(path: PathBuf) -> Option<Micros> {
    let since = fs::metadata(path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_micros()).ok().map(Micros)
}

fn judge(facts: &ClockFacts) -> Vec<Finding> {
    let now = facts.now;
    let set =
        "set the clock: sudo timedatectl set-ntp true, or sudo date -s TIME where there is no time server";
    if !(PLAUSIBLE.0..PLAUSIBLE.1).contains(&now) {
        return vec![Finding::problem(CHECK, format!("it says {now}, which cannot be"), set)];
    }
    let mut findings = vec![match facts.is_synchronized {
        Some(true) => Finding::ok(CHECK, format!("{now}, kept by a time server")),
        Some(false) => {
            let found = format!("{now}, kept by no time server");
            Finding::warning(CHECK, found, "let one keep it: sudo timedatectl set-ntp true")
        }
        None => Finding::ok(CHECK, format!("{now}; whether a time server keeps it is not known here")),
    }];
    let ahead_s = |time: Micros| time.0.saturating_sub(now.0) / MICROS_PER_SECOND;
    if let Some((time, what)) = facts.newest_mark.as_ref().filter(|(time, _)| time.0 > now.0 + TOLERANCE_US) {
        let found = format!(
            "{what} was at {time}, {} s ahead of the clock: it is behind, or was ahead",
            ahead_s(*time)
        );
        findings.push(Finding::problem(CHECK, found, set));
    }
    let max_ahead_us = i64::try_from(facts.max_ahead.as_micros()).unwrap_or(i64::MAX);
    if let Some(time) = facts.newest_row.filter(|time| time.0.saturating_sub(now.0) > max_ahead_us) {
        let found = format!("the newest stored row is of {time}, {} s ahead of the clock", ahead_s(time));
        let mend = format!(
            "correct the clock of the device that sends it: basalt sql {} \"SELECT stream_id, max(ts) FROM readings GROUP BY \
             stream_id ORDER BY 2 DESC LIMIT 5\" names its streams",
            facts.flags
        );
        findings.push(Finding::warning(CHECK, found, mend));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;

    const NOW: i64 = 1_795_000_000;

    #[test]
    fn what_is_ahead_of_the_clock_is_found() {
        let (ok, warning, problem) = (State::Ok, State::Warning, State::Problem);
        type Row<'a> = (&'a str, i64, i64, i64, Option<bool>, &'a [State]);
        let rows: [Row; 8] = [
            ("right", NOW, NOW - 9, NOW - 5, Some(true), &[ok]),
            ("unknown", NOW, NOW + 50, NOW + 50, None, &[ok]),
            ("alone", NOW, NOW, NOW, Some(false), &[warning]),
            ("set_back", NOW, NOW, NOW + 61, Some(true), &[ok, problem]),
            ("a_sender_ahead", NOW, NOW + 61, NOW, Some(true), &[ok, warning]),
            ("both", NOW, NOW + 3600, NOW + 3600, Some(false), &[warning, problem, warning]),
            ("at_the_epoch", 40, NOW, NOW, None, &[problem]),
            ("in_another_century", 4_200_000_000, NOW, NOW, Some(true), &[problem]),
        ];
        for (name, now, row, mark, is_synchronized, states) in rows {
            let second = |at: i64| Micros(at * MICROS_PER_SECOND);
            let findings = judge(&ClockFacts {
                now: second(now),
                newest_row: Some(second(row)),
                newest_mark: Some((second(mark), "a file".to_owned())),
                is_synchronized,
                max_ahead: Duration::from_secs(60),
                flags: "--data-dir d".to_owned(),
            });
            let found: Vec<_> = findings.iter().map(|finding| finding.state).collect();
            assert_eq!(found, states, "{name}: {findings:?}");
            assert!(findings.iter().all(|f| f.mend.is_some() == (f.state != ok)), "{name}");
        }
    }

    #[test]
    fn the_newest_mark_is_of_retention_or_of_the_log() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(newest_mark(dir.path()), None);
        fs::create_dir(dir.path().join("wal")).expect("made");
        fs::write(dir.path().join("wal/1.wal"), "x").expect("written");
        let (_, what) = newest_mark(dir.path()).expect("a file");
        assert!(what.ends_with("wal/1.wal"), "{what}");
        fs::write(dir.path().join("retention-clock"), "2200-01-01T00:00:00Z\n").expect("written");
        let (time, what) = newest_mark(dir.path()).expect("a mark");
        assert_eq!(
            (time.to_iso().as_str(), what.as_str()),
            ("2200-01-01T00:00:00Z", "the last cycle of retention")
        );
    }
}
