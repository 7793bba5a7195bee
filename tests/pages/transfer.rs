//! A large file goes in and out by the pages: its import is paused, the page loaded anew, all of it exported.
//!
//! 100,000 lines in every change; a million in tests/long.sh.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{PASSWORD, check_manners, list, plant_url};
use crate::rest::stream_of;
use crate::support::{Server, has_turn, run_python, sized};

/// Lines of the file below its head: a multiple of `WRONG_EACH`.
const ROWS: u64 = 100_000;
/// The last of so many lines is wrong.
const WRONG_EACH: u64 = 1000;
/// Pieces of 1 MiB that the short file has at least: two before the pause and two after it.
const LEAST_PIECES: usize = 4;
/// Wrong lines that the page shows.
const MOST_SHOWN: usize = 20;
/// Time of the query of the export: a debug program sends a million lines in more than the usual minute.
const QUERY_TIMEOUT: &str = "20m";
/// Each way in which a line is wrong: no time, a word for either number, a column too few.
const FIRST_WRONG: [&str; 4] = [
    ",124.875,6993",
    "2026-04-01T00:33:19Z,broken,4020",
    "2026-04-01T00:49:59Z,374.875,none",
    "2026-04-01T01:06:39Z,499.875",
];

fn rows() -> u64 {
    sized(ROWS, 10 * ROWS)
}

/// Totals of the file: a reading of each stream for each line that is not wrong.
struct ImportTotals {
    lines: u64,
    wrong: u64,
    /// Sums of the values of `force` and `pieces`, which doubles hold exactly.
    sums: [f64; 2],
}

impl ImportTotals {
    fn of(rows: u64) -> ImportTotals {
        assert!(rows.is_multiple_of(WRONG_EACH), "{rows} lines are no multiple of {WRONG_EACH}");
        let good = || (0..rows).filter(|row| row % WRONG_EACH != WRONG_EACH - 1);
        let wrong = rows / WRONG_EACH;
        let force: u64 = good().sum();
        let pieces: u64 = good().map(|row| row * 7 % 9973).sum();
        ImportTotals { lines: rows - wrong, wrong, sums: [force as f64 / 8.0, pieces as f64] }
    }

    fn readings(&self) -> u64 {
        2 * self.lines
    }
}

#[tokio::test]
async fn an_import_that_is_paused_and_resumed_after_a_reload_is_complete() {
    if !has_turn("pages", 1, 3) {
        return;
    }
    let server = Server::start(&[("BASALT_LIMITS__QUERY_TIMEOUT", QUERY_TIMEOUT)]).await;
    stream_of(&server.client(), "force", "fp64").await;
    stream_of(&server.client(), "pieces", "int64").await;
    server.create_user("ann", &["--superuser"]).await;
    let rows = rows();
    let rows_text = rows.to_string();
    let args = [server.url.as_str(), "ann", PASSWORD, server.key.as_str(), rows_text.as_str()];
    let seen = run_python("browse_import.py", &args).await;

    check_manners(&plant_url(&server), &seen);
    let expected = ImportTotals::of(rows);
    assert_eq!(seen["mapped"]["time"], "time", "the column of times is found");
    check_pause(&seen["paused"]);
    check_resumed(&expected, &seen);
    check_stored(&server, &expected, &seen["bytes"]).await;
    let exported = &seen["exported"];
    assert_eq!(exported["name"], "readings.csv");
    assert_eq!(exported["differences"], json!([]), "every value is the one that was sent");
    assert_eq!(exported["rows"], expected.readings());
    let seconds = [&seen["resumed"]["seconds"], &exported["seconds"]];
    println!("{rows} lines: {} s after the pause, exported in {} s", seconds[0], seconds[1]);
}

/// The numbers of a page, without what parts their digits.
fn progress_text(seen: &Value) -> String {
    seen["said"].as_str().unwrap().replace(',', "")
}

/// The piece that was under way is written, and nothing after it.
fn check_pause(seen: &Value) {
    let (before, after) = (&seen["before"], &seen["after"]);
    assert_eq!(before, after, "nothing moves on while it is paused");
    assert_eq!((&seen["said"], &seen["sent"]), (&seen["later"], &json!(2)), "{seen}");
    assert_ne!(seen["first"], seen["said"], "the second piece counts: {seen}");
    let progress = progress_text(seen);
    assert!(progress.starts_with(&format!("{} readings written ", before["readings"])), "{seen}");
    assert!(progress.ends_with(" Paused."), "{seen}");
    assert_eq!(before["jobs"].as_array().map(Vec::len), Some(1), "{seen}");
    let job = &before["jobs"][0];
    assert_eq!(job[1], "running", "{seen}");
    assert!((0.1..0.9).contains(&job[2].as_f64().unwrap()) || rows() > ROWS, "{seen}");
}

/// It went on where it was paused, with the same job and each piece once, and tells of every wrong line.
fn check_resumed(expected: &ImportTotals, seen: &Value) {
    let (paused, resumed) = (&seen["paused"]["after"], &seen["resumed"]);
    assert!(resumed["note"].as_str().unwrap().contains("april.csv is not finished"), "{resumed}");
    assert!(resumed["refused"].as_str().unwrap().contains("That is another file"), "{resumed}");
    assert_eq!((&resumed["before"], &resumed["sent"]), (paused, &json!(2)), "a reload sends nothing");
    let finished = format!(
        "{} readings written {} lines left out The import is finished.",
        expected.readings(),
        expected.wrong
    );
    assert_eq!(progress_text(resumed), finished);
    assert_eq!((&resumed["percent"], &resumed["left"]), (&json!("100%"), &json!(0)), "{resumed}");
    let jobs = json!([[paused["jobs"][0][0], "done", 1.0]]);
    assert_eq!(resumed["after"], json!({"jobs": jobs, "readings": expected.readings()}));
    let keys = list(&resumed["keys"]);
    assert!(keys.len() >= LEAST_PIECES, "{keys:?}");
    assert_eq!(BTreeSet::from_iter(&keys).len(), keys.len(), "each piece was sent once: {keys:?}");

    let (shown, wrong) = (list(&resumed["wrong"]), list(&seen["wrong"]));
    assert_eq!(wrong.len() as u64, expected.wrong);
    assert_eq!(shown, wrong[..wrong.len().min(MOST_SHOWN)], "the first of them are shown as they are");
    assert_eq!(shown[..FIRST_WRONG.len()], FIRST_WRONG);
}

/// Every reading is stored once, and the job says how many there are.
async fn check_stored(server: &Server, expected: &ImportTotals, bytes: &Value) {
    for (name, sum) in ["force", "pieces"].into_iter().zip(expected.sums) {
        // One stream at a time: distinct times of both need more memory than one query may use.
        let query = format!(
            "SELECT count(*) AS readings, count(DISTINCT r.ts) AS times, sum(r.value) AS sum \
             FROM readings r JOIN streams s ON s.id = r.stream_id WHERE s.name = '{name}'"
        );
        let wanted = json!({"readings": expected.lines, "times": expected.lines, "sum": sum});
        assert_eq!(server.client().sql(&query).await, [wanted], "{name}");
    }

    let query = "SELECT name, size, unit, state, progress, result, error FROM jobs WHERE kind = 'import'";
    let mut jobs = server.client().sql(query).await;
    let result = jobs[0]["result"].take();
    let result: Value = serde_json::from_str(result.as_str().unwrap()).unwrap();
    assert_eq!(result, json!({"readings": expected.readings(), "wrong_lines": expected.wrong}));
    let done = json!({
        "name": "april.csv", "size": bytes, "unit": "bytes", "state": "done", "progress": 1.0,
        "result": null, "error": null
    });
    assert_eq!(jobs, [done]);
}
