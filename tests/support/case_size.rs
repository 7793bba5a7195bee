//! The two sizes of a case: whole, as tests/long.sh runs it with `BASALT_WHOLE_CASES` set, and short, as every change does.
//!
//! A short case takes some of the seeds or rows of the whole one: those that `BASALT_TEST_SEED` picks, which tests/run.sh sets to
//! the number of commits. So the changes of a week together run all of them, and a failure is run again by the same number.

use std::ops::Range;

fn is_whole() -> bool {
    std::env::var_os("BASALT_WHOLE_CASES").is_some()
}

/// Picks what a short case takes; 0 when nobody says.
pub fn test_seed() -> u64 {
    let text = std::env::var("BASALT_TEST_SEED").unwrap_or_default();
    if text.is_empty() { 0 } else { text.parse().expect("BASALT_TEST_SEED is a number") }
}

/// Whether it is the turn of the `nth` of so many cases of a room, counted from 0, of which every change runs another one. All of them
/// run when a change concerns the room: then tests/run.sh names it in `BASALT_WHOLE_ROOMS`.
pub fn has_turn(room: &str, nth: u64, cases: u64) -> bool {
    let changed = std::env::var("BASALT_WHOLE_ROOMS").unwrap_or_default();
    let is_changed = changed.split_whitespace().any(|name| name == room);
    let runs = is_whole() || is_changed || test_seed() % cases == nth;
    if !runs {
        println!("another one of {cases} cases runs: BASALT_TEST_SEED={}", test_seed());
    }
    runs
}

/// How often something is done.
pub fn sized<T>(short: T, whole: T) -> T {
    if is_whole() { whole } else { short }
}

/// The seeds of a case: all below `whole`, or `short` of them, one after the other from a place that moves with every change.
pub fn seeds(short: u64, whole: u64) -> Range<u64> {
    if is_whole() {
        return 0..whole;
    }
    let first = test_seed() * short % whole;
    println!("seeds {first}..{} of {whole}: BASALT_TEST_SEED={}", first + short, test_seed());
    first..first + short
}

/// All rows of a table, or every n-th of them from a place that moves with every change.
pub fn one_in<T>(n: usize, rows: impl IntoIterator<Item = T>) -> Vec<T> {
    let (first, stride) = if is_whole() { (0, 1) } else { (test_seed() as usize % n, n) };
    rows.into_iter().skip(first).step_by(stride).collect()
}
