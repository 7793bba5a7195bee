//! The benchmark queries: the ten main ones and four others. Each round uses other parameters.

use serde_json::{Value, json};

use super::dataset::{DAY_SECONDS, Dataset, MicrosRange};
use super::generator::{self, SECOND_MICROS};
use super::http::HttpRequest;
use crate::domain::Micros;

/// Points of a chart.
const LTTB_POINTS: usize = 1000;

/// A query and its parameters.
pub struct BenchQuery {
    pub id: &'static str,
    pub name: &'static str,
    how: QueryKind,
    params: fn(&Dataset, usize) -> Value,
}

enum QueryKind {
    /// A path with `{stream}` in it.
    Rest(&'static str),
    Sql(&'static str),
}

/// All queries, in the order in which they are run and reported.
pub const QUERIES: [BenchQuery; 14] = [
    BenchQuery {
        id: "q1",
        name: "latest value of one stream",
        how: QueryKind::Rest("/api/data/{stream}/value/?limit=1"),
        params: |plant, round| json!({"stream": plant.stream(round)}),
    },
    BenchQuery {
        id: "q2",
        name: "latest of all streams",
        how: QueryKind::Sql("SELECT stream_id, ts, value FROM latest"),
        params: |_, _| json!({}),
    },
    BenchQuery {
        id: "q3",
        name: "one stream, an hour raw",
        how: QueryKind::Sql(
            "SELECT ts, value FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to ORDER BY ts",
        ),
        params: |plant, round| stream_params(plant, round, 3600),
    },
    BenchQuery {
        id: "q4",
        name: "one stream, a day raw",
        how: QueryKind::Sql(
            "SELECT ts, value FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to ORDER BY ts",
        ),
        params: |plant, round| stream_params(plant, round, DAY_SECONDS),
    },
    BenchQuery {
        id: "q5",
        name: "one stream by the hour, a year",
        how: QueryKind::Sql(
            "SELECT time_bucket('1 hour', ts) AS hour, avg(value) AS mean, min(value) AS least, max(value) AS most \
             FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to GROUP BY hour ORDER BY hour",
        ),
        params: |plant, round| longest_params(plant, round, 365 * DAY_SECONDS),
    },
    BenchQuery {
        id: "q6",
        name: "8 streams, 5-minute max, 12 hours",
        how: QueryKind::Sql(
            "SELECT stream_id, time_bucket('5 minutes', ts) AS bucket, max(value) AS most FROM readings \
             WHERE stream_id IN ($s1, $s2, $s3, $s4, $s5, $s6, $s7, $s8) AND ts >= $from AND ts < $to \
             GROUP BY stream_id, bucket ORDER BY stream_id, bucket",
        ),
        params: |plant, round| {
            let mut params = range_params(plant, round, DAY_SECONDS / 2);
            for i in 1..=8 {
                params[format!("s{i}")] = json!(plant.stream(round * 8 + i));
            }
            params
        },
    },
    BenchQuery {
        id: "q7",
        name: "all streams by the hour, a day",
        how: QueryKind::Sql(
            "SELECT stream_id, time_bucket('1 hour', ts) AS hour, avg(value) AS mean FROM readings \
             WHERE ts >= $from AND ts < $to GROUP BY stream_id, hour ORDER BY stream_id, hour",
        ),
        params: |plant, round| range_params(plant, round, DAY_SECONDS),
    },
    BenchQuery {
        id: "q8",
        name: "10 streams of the highest max, a day",
        how: QueryKind::Sql(
            "SELECT stream_id, max(value) AS most FROM readings WHERE ts >= $from AND ts < $to \
             GROUP BY stream_id ORDER BY most DESC, stream_id LIMIT 10",
        ),
        params: |plant, round| range_params(plant, round, DAY_SECONDS),
    },
    BenchQuery {
        id: "q9",
        name: "rows above a threshold, a day",
        how: QueryKind::Sql(
            "SELECT stream_id, ts, value FROM readings WHERE ts >= $from AND ts < $to AND value > $above \
             ORDER BY stream_id, ts",
        ),
        params: |plant, round| {
            let mut params = range_params(plant, round, DAY_SECONDS);
            params["above"] = json!((highest(plant) * (0.998 - (round % 32) as f64 * 0.0001)).floor());
            params
        },
    },
    BenchQuery {
        id: "q10",
        name: "minute means, a day, gaps filled",
        how: QueryKind::Sql(
            "SELECT time_bucket_gapfill('1 minute', ts) AS minute, locf(avg(value)) AS mean FROM readings \
             WHERE stream_id = $stream AND ts >= $from AND ts < $to GROUP BY minute ORDER BY minute",
        ),
        // The range extends past the end of the plant: the last buckets are a gap.
        params: |plant, round| {
            let (from, to) = plant.window(DAY_SECONDS - 3600, round);
            with_range(json!({"stream": plant.stream(round)}), (from, to + 3600 * SECOND_MICROS))
        },
    },
    BenchQuery {
        id: "month",
        name: "one stream, a month raw",
        how: QueryKind::Sql(
            "SELECT ts, value FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to ORDER BY ts",
        ),
        params: |plant, round| longest_params(plant, round, 30 * DAY_SECONDS),
    },
    BenchQuery {
        id: "lttb",
        name: "1,000 points of a month",
        how: QueryKind::Sql(
            "SELECT unnest(lttb(ts, value, $points)) AS point FROM readings \
             WHERE stream_id = $stream AND ts >= $from AND ts < $to",
        ),
        params: |plant, round| {
            let mut params = longest_params(plant, round, 30 * DAY_SECONDS);
            params["points"] = json!(LTTB_POINTS);
            params
        },
    },
    BenchQuery {
        id: "scan",
        name: "mean of all values",
        how: QueryKind::Sql("SELECT count(value) AS rows, avg(value) AS mean FROM readings"),
        params: |_, _| json!({}),
    },
    BenchQuery {
        id: "squares",
        name: "the same of their squares (no statistics help)",
        how: QueryKind::Sql("SELECT count(value) AS rows, avg(value * value) AS mean FROM readings"),
        params: |_, _| json!({}),
    },
];

impl BenchQuery {
    /// Returns the HTTP request of a round.
    pub fn request(&self, key: &str, plant: &Dataset, round: usize) -> HttpRequest {
        let params = (self.params)(plant, round);
        match self.how {
            QueryKind::Rest(path) => {
                HttpRequest::get(key, &path.replace("{stream}", &params["stream"].to_string()))
            }
            QueryKind::Sql(query) => HttpRequest::sql(key, query, &params),
        }
    }

    /// Whether the response is JSON rather than Arrow.
    pub fn is_rest(&self) -> bool {
        matches!(self.how, QueryKind::Rest(_))
    }

    /// Describes the query with the parameters of its rounds, for programs that run it against other databases.
    pub fn describe(&self, plant: &Dataset, rounds: usize) -> Value {
        let (how, text) = match self.how {
            QueryKind::Rest(path) => ("path", path),
            QueryKind::Sql(query) => ("sql", query),
        };
        let params: Vec<_> = (0..rounds).map(|round| (self.params)(plant, round)).collect();
        json!({"id": self.id, "name": self.name, how: text, "params": params})
    }
}

/// Returns the query with an id such as `q1`; panics for an id that is not in `QUERIES`.
pub fn by_id(id: &str) -> &'static BenchQuery {
    QUERIES.iter().find(|query| query.id == id).expect("one of the questions")
}

fn stream_params(plant: &Dataset, round: usize, seconds: usize) -> Value {
    with_range(json!({"stream": plant.stream(round)}), plant.window(seconds, round))
}

fn longest_params(plant: &Dataset, round: usize, seconds: usize) -> Value {
    let (stream, range) = plant.longest(seconds, round);
    with_range(json!({"stream": stream}), range)
}

fn range_params(plant: &Dataset, round: usize, seconds: usize) -> Value {
    with_range(json!({}), plant.window(seconds, round))
}

fn with_range(mut params: Value, (from, to): MicrosRange) -> Value {
    params["from"] = json!(Micros(from).to_iso());
    params["to"] = json!(Micros(to).to_iso());
    params
}

/// Returns the highest value that a counter reaches.
fn highest(plant: &Dataset) -> f64 {
    let counters = (4..plant.plant.streams as u64).step_by(6);
    let reached = counters.map(|number| generator::counter_period(number).min(plant.plant.seconds as u64));
    // Without counters the sine is highest.
    reached.max().map_or(60.0, |count| count as f64)
}
