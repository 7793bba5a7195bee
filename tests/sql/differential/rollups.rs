//! Aggregates that statistics can answer: the same from statistics, from the readings themselves and from PostgreSQL.

use std::iter;
use std::ops::Range;

use basalt::domain::Micros;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::answers::{Answer, is_equal, is_same};
use super::rows::STARTS;
use super::statements::Statement;
use super::{BothServers, difference};

/// Has aggregates read no statistics.
pub const OFF: &str = "SET basalt.rollup = off";

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;

const BUCKETS: [&str; 9] = [
    "",
    "date_trunc('minute', r.ts)",
    "date_trunc('hour', r.ts)",
    "date_trunc('day', r.ts)",
    "time_bucket(interval '1 minute', r.ts)",
    "time_bucket(interval '1 hour', r.ts)",
    "time_bucket(interval '90 minutes', r.ts)",
    "time_bucket(interval '6 hours', r.ts)",
    "time_bucket(interval '1 day', r.ts)",
];
/// The stream whose values are whole: its aggregates are the same to the last digit.
const WHOLE: &str = "r.stream_id = 2";
const SELECTIONS: [&str; 5] = [WHOLE, WHOLE, "r.stream_id IN (1, 2)", "r.stream_id < 3", "r.stream_id > 0"];
const CALLS: [&str; 6] =
    ["count(*)", "avg(r.value)", "sum(r.value)", "min(r.value)", "max(r.value)", "count(r.value)"];
const HAVINGS: [&str; 4] =
    ["", "", " HAVING count(*) > 2", " HAVING max(r.value) > 3 AND count(r.value) > 1"];

/// An aggregate, and whether its answers are the same to the last digit.
struct Aggregate {
    statement: Statement,
    is_exact: bool,
}

/// Describes what is wrong with the answers to the aggregates of some seeds, and with plans that read statistics or not.
pub async fn differences(servers: &BothServers, seeds: Range<u64>) -> Vec<String> {
    let aggregates: Vec<Aggregate> = seeds.map(aggregate).collect();
    let texts = || aggregates.iter().map(|of| of.statement.text.clone());
    let with_plans = || texts().chain(texts().map(|text| format!("EXPLAIN {text}")));
    let ours = servers.ask_own(with_plans()).await;
    let off = servers.ask_own(iter::once(OFF.to_owned()).chain(with_plans())).await;
    let theirs = servers.ask_peer(texts()).await;
    let (count, off) = (aggregates.len(), &off[1..]);
    assert_eq!((ours.len(), off.len(), theirs.len()), (2 * count, 2 * count, count));
    let mut found = Vec::new();
    for (place, of) in aggregates.iter().enumerate() {
        let (one, other, text) = (&ours[place], &off[place], &of.statement.text);
        if !of.agrees(one, other) {
            found.push(format!("{text}\n  statistics {}\n  readings   {}", one.start(), other.start()));
        }
        match &theirs[place] {
            Answer::Refused(_, message) => found.push(format!("{text}\n  theirs {message}")),
            theirs => found.extend(difference(&of.statement, one, theirs)),
        }
        for (plan, is_rewritten) in [(&ours[count + place], true), (&off[count + place], false)] {
            if format!("{plan:?}").contains("Rollup") != is_rewritten {
                found.push(format!("{text}\n  rewritten: {}\n  {plan:?}", !is_rewritten));
            }
        }
    }
    found
}

impl Aggregate {
    fn agrees(&self, one: &Answer, other: &Answer) -> bool {
        match (one, other) {
            (Answer::Rows(one), Answer::Rows(other)) if self.is_exact => is_equal(one, other),
            (Answer::Rows(one), Answer::Rows(other)) => is_same(one, other, self.statement.columns, true),
            _ => false,
        }
    }
}

/// Returns the aggregate of a seed.
fn aggregate(seed: u64) -> Aggregate {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut one_of = |texts: &[&'static str]| *texts.choose(&mut rng).expect("a choice");
    let (bucket, stream) = (one_of(&BUCKETS), one_of(&["", "r.stream_id"]));
    let (selection, having) = (one_of(&SELECTIONS), one_of(&HAVINGS));
    let keys: Vec<&str> = [stream, bucket].into_iter().filter(|key| !key.is_empty()).collect();
    let (first, count) = (rng.random_range(0..CALLS.len()), rng.random_range(1..=CALLS.len()));
    let calls = CALLS.into_iter().cycle().skip(first).take(count);
    let list = keys.iter().copied().chain(calls).zip(1..);
    let list: Vec<String> = list.map(|(text, place)| format!("{text} AS c{place}")).collect();
    let places: Vec<String> = (1..=keys.len()).map(|place| place.to_string()).collect();
    let (group, order) = match places.is_empty() {
        true => (String::new(), String::new()),
        false => (format!(" GROUP BY {}", places.join(", ")), format!(" ORDER BY {}", places.join(", "))),
    };
    let text = format!(
        "SELECT {} FROM readings r WHERE {selection}{}{group}{having}{order}",
        list.join(", "),
        range(&mut rng)
    );
    let columns = list.len();
    let statement = Statement { text, is_ordered: true, columns, compared: columns };
    Aggregate { statement, is_exact: selection == WHOLE }
}

/// A condition on time, half of whose ends are whole hours; or none.
fn range(rng: &mut StdRng) -> String {
    let start = *STARTS.choose(rng).expect("a start");
    let within_hour =
        |rng: &mut StdRng| if rng.random_bool(0.5) { 0 } else { rng.random_range(0..HOUR / SECOND) * SECOND };
    let from = start + rng.random_range(-2..120) * HOUR + within_hour(rng);
    let to = from + rng.random_range(1..72) * HOUR + within_hour(rng);
    let (from, to) = (Micros(from), Micros(to));
    match rng.random_range(0..4) {
        0 => String::new(),
        1 => format!(" AND r.ts >= '{from}'"),
        2 => format!(" AND r.ts BETWEEN '{from}' AND '{to}'"),
        _ => format!(" AND r.ts >= '{from}' AND r.ts < '{to}'"),
    }
}
