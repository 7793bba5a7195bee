//! What is asked: the ten questions, and four beside them. Each round has other parameters.

use serde_json::{Value, json};

use super::http::Request;
use super::plant::{DAY, Loaded, Range};
use super::signals::{self, SECOND};
use crate::domain::Micros;

/// Points of a chart.
const POINTS: usize = 1000;

/// A question and its parameters.
pub struct Question {
    pub id: &'static str,
    pub name: &'static str,
    how: How,
    params: fn(&Loaded, usize) -> Value,
}

enum How {
    /// A path with `{stream}` in it.
    Rest(&'static str),
    Sql(&'static str),
}

pub const QUESTIONS: [Question; 14] = [
    Question {
        id: "q1",
        name: "latest value of one stream",
        how: How::Rest("/api/data/{stream}/value/?limit=1"),
        params: |plant, round| json!({"stream": plant.stream(round)}),
    },
    Question {
        id: "q2",
        name: "latest of all streams",
        how: How::Sql("SELECT stream_id, ts, value FROM latest"),
        params: |_, _| json!({}),
    },
    Question {
        id: "q3",
        name: "one stream, an hour raw",
        how: How::Sql(
            "SELECT ts, value FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to ORDER BY ts",
        ),
        params: |plant, round| of_stream(plant, round, 3600),
    },
    Question {
        id: "q4",
        name: "one stream, a day raw",
        how: How::Sql(
            "SELECT ts, value FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to ORDER BY ts",
        ),
        params: |plant, round| of_stream(plant, round, DAY),
    },
    Question {
        id: "q5",
        name: "one stream by the hour, a year",
        how: How::Sql(
            "SELECT time_bucket('1 hour', ts) AS hour, avg(value) AS mean, min(value) AS least, max(value) AS most \
             FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to GROUP BY hour ORDER BY hour",
        ),
        params: |plant, round| of_longest(plant, round, 365 * DAY),
    },
    Question {
        id: "q6",
        name: "8 streams, 5-minute max, 12 hours",
        how: How::Sql(
            "SELECT stream_id, time_bucket('5 minutes', ts) AS bucket, max(value) AS most FROM readings \
             WHERE stream_id IN ($s1, $s2, $s3, $s4, $s5, $s6, $s7, $s8) AND ts >= $from AND ts < $to \
             GROUP BY stream_id, bucket ORDER BY stream_id, bucket",
        ),
        params: |plant, round| {
            let mut params = of_all(plant, round, DAY / 2);
            for i in 1..=8 {
                params[format!("s{i}")] = json!(plant.stream(round * 8 + i));
            }
            params
        },
    },
    Question {
        id: "q7",
        name: "all streams by the hour, a day",
        how: How::Sql(
            "SELECT stream_id, time_bucket('1 hour', ts) AS hour, avg(value) AS mean FROM readings \
             WHERE ts >= $from AND ts < $to GROUP BY stream_id, hour ORDER BY stream_id, hour",
        ),
        params: |plant, round| of_all(plant, round, DAY),
    },
    Question {
        id: "q8",
        name: "10 streams of the highest max, a day",
        how: How::Sql(
            "SELECT stream_id, max(value) AS most FROM readings WHERE ts >= $from AND ts < $to \
             GROUP BY stream_id ORDER BY most DESC, stream_id LIMIT 10",
        ),
        params: |plant, round| of_all(plant, round, DAY),
    },
    Question {
        id: "q9",
        name: "rows above a threshold, a day",
        how: How::Sql(
            "SELECT stream_id, ts, value FROM readings WHERE ts >= $from AND ts < $to AND value > $above \
             ORDER BY stream_id, ts",
        ),
        params: |plant, round| {
            let mut params = of_all(plant, round, DAY);
            params["above"] = json!((highest(plant) * (0.998 - (round % 32) as f64 * 0.0001)).floor());
            params
        },
    },
    Question {
        id: "q10",
        name: "minute means, a day, gaps filled",
        how: How::Sql(
            "SELECT time_bucket_gapfill('1 minute', ts) AS minute, locf(avg(value)) AS mean FROM readings \
             WHERE stream_id = $stream AND ts >= $from AND ts < $to GROUP BY minute ORDER BY minute",
        ),
        // It reaches past the end of the plant: the last buckets are a gap.
        params: |plant, round| {
            let (from, to) = plant.window(DAY - 3600, round);
            ranged(json!({"stream": plant.stream(round)}), (from, to + 3600 * SECOND))
        },
    },
    Question {
        id: "month",
        name: "one stream, a month raw",
        how: How::Sql(
            "SELECT ts, value FROM readings WHERE stream_id = $stream AND ts >= $from AND ts < $to ORDER BY ts",
        ),
        params: |plant, round| of_longest(plant, round, 30 * DAY),
    },
    Question {
        id: "lttb",
        name: "1,000 points of a month",
        how: How::Sql(
            "SELECT unnest(lttb(ts, value, $points)) AS point FROM readings \
             WHERE stream_id = $stream AND ts >= $from AND ts < $to",
        ),
        params: |plant, round| {
            let mut params = of_longest(plant, round, 30 * DAY);
            params["points"] = json!(POINTS);
            params
        },
    },
    Question {
        id: "scan",
        name: "mean of all values",
        how: How::Sql("SELECT count(value) AS rows, avg(value) AS mean FROM readings"),
        params: |_, _| json!({}),
    },
    Question {
        id: "squares",
        name: "the same of their squares (no statistics help)",
        how: How::Sql("SELECT count(value) AS rows, avg(value * value) AS mean FROM readings"),
        params: |_, _| json!({}),
    },
];

impl Question {
    /// As it is sent in a round.
    pub fn request(&self, key: &str, plant: &Loaded, round: usize) -> Request {
        let params = (self.params)(plant, round);
        match self.how {
            How::Rest(path) => Request::get(key, &path.replace("{stream}", &params["stream"].to_string())),
            How::Sql(query) => Request::sql(key, query, &params),
        }
    }

    /// Whether the answer is JSON, not Arrow.
    pub fn is_rest(&self) -> bool {
        matches!(self.how, How::Rest(_))
    }

    /// The question with the parameters of its rounds, for programs that ask the same elsewhere.
    pub fn describe(&self, plant: &Loaded, rounds: usize) -> Value {
        let (how, text) = match self.how {
            How::Rest(path) => ("path", path),
            How::Sql(query) => ("sql", query),
        };
        let params: Vec<_> = (0..rounds).map(|round| (self.params)(plant, round)).collect();
        json!({"id": self.id, "name": self.name, how: text, "params": params})
    }
}

pub fn by_id(id: &str) -> &'static Question {
    QUESTIONS.iter().find(|question| question.id == id).expect("one of the questions")
}

fn of_stream(plant: &Loaded, round: usize, seconds: usize) -> Value {
    ranged(json!({"stream": plant.stream(round)}), plant.window(seconds, round))
}

fn of_longest(plant: &Loaded, round: usize, seconds: usize) -> Value {
    let (stream, range) = plant.longest(seconds, round);
    ranged(json!({"stream": stream}), range)
}

fn of_all(plant: &Loaded, round: usize, seconds: usize) -> Value {
    ranged(json!({}), plant.window(seconds, round))
}

fn ranged(mut params: Value, (from, to): Range) -> Value {
    params["from"] = json!(Micros(from).to_iso());
    params["to"] = json!(Micros(to).to_iso());
    params
}

/// What the highest counter reaches.
fn highest(plant: &Loaded) -> f64 {
    let counters = (4..plant.plant.streams as u64).step_by(6);
    let reached = counters.map(|number| signals::counter_period(number).min(plant.plant.seconds as u64));
    // Without counters the sine is highest.
    reached.max().map_or(60.0, |count| count as f64)
}
