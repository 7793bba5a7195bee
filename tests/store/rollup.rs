//! Random writes, late rows, flushes, statistics, compactions, restarts and changed intervals against a map: the table
//! `statistics` and aggregates that use it agree with what is computed from the map.

use std::collections::BTreeMap;

use basalt::domain::reading::{Quality, Reading, Readings};
use basalt::domain::statistic::Statistic;
use basalt::domain::window::Windows;
use basalt::domain::{Micros, StreamId};
use basalt::query::rollup::bucket::{Bucket, StepFields};
use basalt::query::step::Step;
use basalt::query::steps::{Series, StepQuery};
use basalt::store::statistics::rows;
use futures::TryStreamExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::inside::{DAY, Ground, Inside, MINUTE, NOW};

const SEEDS: u64 = 4;
const STEPS: usize = 40;
/// Streams 1 to 3 are numbers, 4 is a text.
const STREAMS: i32 = 4;
const HOUR: i64 = 60 * MINUTE;

struct Model {
    rows: BTreeMap<(i32, i64), Reading>,
    posted: BTreeMap<(i32, i64), Statistic>,
    chance: StdRng,
    /// Microseconds gone by since the first row.
    gone: i64,
    now: i64,
}

/// What a list of values amounts to, the simple way.
#[derive(Debug, Clone, Copy)]
struct Plain {
    count: usize,
    mean: f64,
    rms: f64,
    min: f64,
    max: f64,
    quartiles: [f64; 3],
}

fn plain(values: &[f64]) -> Option<Plain> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = values.len();
    let (min, max) = (*sorted.first()?, *sorted.last()?);
    let quantile = |q: f64| {
        let at = q * (count - 1) as f64;
        let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
        low + (high - low) * at.fract()
    };
    Some(Plain {
        count,
        mean: values.iter().sum::<f64>() / count as f64,
        rms: (values.iter().map(|v| v * v).sum::<f64>() / count as f64).sqrt(),
        min,
        max,
        quartiles: [quantile(0.25), quantile(0.5), quantile(0.75)],
    })
}

/// Equal up to 1e-12 of `size`.
fn is_near(found: &Value, expected: f64, size: f64) -> bool {
    found.as_f64().is_some_and(|found| (found - expected).abs() <= 1e-12 * size.max(f64::MIN_POSITIVE))
}

/// Two hours before a midnight.
const START: i64 = NOW - 14 * HOUR;

impl Model {
    fn time(&mut self) -> i64 {
        START
            + match self.chance.random_range(0..10) {
                0..7 => self.gone + self.chance.random_range(0..4 * MINUTE),
                _ => self.chance.random_range(0..=self.gone + MINUTE),
            }
    }

    fn reading(&mut self, ts: i64) -> Reading {
        let stream = StreamId(self.chance.random_range(1..=STREAMS));
        let number = f64::from(self.chance.random_range(-1000..1000_i32)) / 4.0 + 1e6;
        let good = Reading::good(stream, Micros(ts), number);
        match self.chance.random_range(0..12) {
            0 => Reading::lost(stream, Micros(ts)),
            _ if stream.0 == STREAMS => {
                Reading { text: Some(format!("text {number}").into()), value: None, ..good }
            }
            1 => Reading { quality: Quality::Uncertain, ..good },
            _ => good,
        }
    }

    async fn write(&mut self, ground: &Ground, inside: &Inside) {
        let step = self.chance.random_range(0..2 * HOUR);
        self.gone = (self.gone + step).min(self.now - START);
        let count = if self.chance.random_bool(0.3) { 600 } else { self.chance.random_range(1..20) };
        let request: Vec<Reading> = (0..count)
            .map(|_| {
                let ts = self.time();
                self.reading(ts)
            })
            .collect();
        inside.store.write(&ground.owner, request.iter().cloned().collect::<Readings>()).await.unwrap();
        for reading in request {
            self.rows.insert((reading.stream.0, reading.ts.0), reading);
        }
    }

    async fn post(&mut self, ground: &Ground, inside: &Inside) {
        let window = if self.chance.random_bool(0.7) { MINUTE } else { 1 };
        let ts = self.time() / window * window;
        let stream = StreamId(self.chance.random_range(1..STREAMS));
        let mean = f64::from(self.chance.random_range(-50..50_i32));
        let has_ends = self.chance.random_bool(0.5);
        let row = Statistic {
            stream,
            ts: Micros(ts),
            window_s: 60,
            count: self.chance.random_range(1..5),
            mean: Some(mean),
            rms: None,
            median: None,
            min: has_ends.then_some(mean - 1.0),
            max: has_ends.then_some(mean + 1.0),
            q1: None,
            q3: Some(mean + 0.5),
        };
        inside.store.write_keyed(&ground.owner, rows::posted(std::slice::from_ref(&row))).await.unwrap();
        self.posted.insert((stream.0, ts), row);
    }

    async fn change_interval(&mut self, ground: &Ground) {
        let stream = StreamId(self.chance.random_range(1..=STREAMS));
        let interval = [None, Some(20), Some(300), Some(3600)][self.chance.random_range(0..4)];
        let change = |spec: &mut basalt::domain::stream::StreamSpec| spec.statistics_interval_s = interval;
        ground.catalog.update_stream(&ground.owner, stream, change).await.unwrap();
    }

    fn values(&self, stream: i32, (from, to): (i64, i64)) -> Vec<f64> {
        self.rows.range((stream, from)..(stream, to)).filter_map(|(_, reading)| reading.value).collect()
    }

    /// Windows that are over and hold a value.
    fn windows(&self, ground: &Ground, now: i64) -> BTreeMap<(i32, i64), (i64, Plain)> {
        let all = ground.catalog.all_windows();
        let mut found = BTreeMap::new();
        for (stream, ts) in self.rows.keys() {
            let windows: &Windows = &all[stream];
            let (start, end) = windows.around(*ts);
            if end <= now && !found.contains_key(&(*stream, start)) {
                let plain = plain(&self.values(*stream, (start, end)));
                found.extend(plain.map(|plain| ((*stream, start), ((end - start) / 1_000_000, plain))));
            }
        }
        found
    }

    async fn check_table(&self, ground: &Ground, inside: &Inside, place: &str) {
        let query = "SELECT stream_id, CAST(ts AS BIGINT) AS ts, window_s, count, mean, rms, median, min, max, \
                     q1, q3, origin FROM statistics ORDER BY origin, stream_id, ts";
        let found = inside.sql(&ground.owner, query).await;
        let (computed, posted): (Vec<&Value>, Vec<&Value>) =
            found.iter().partition(|row| row["origin"] == "computed");
        let expected = self.windows(ground, self.now);
        assert_eq!(computed.len(), expected.len(), "{place}: windows");
        for (row, ((stream, ts), (seconds, of))) in computed.iter().zip(&expected) {
            let key = json!([stream, ts, seconds, of.count]);
            let of_row = json!([row["stream_id"], row["ts"], row["window_s"], row["count"]]);
            assert_eq!(of_row, key, "{place}");
            let [q1, median, q3] = of.quartiles;
            let numbers = [
                ("mean", of.mean),
                ("rms", of.rms),
                ("min", of.min),
                ("max", of.max),
                ("q1", q1),
                ("median", median),
                ("q3", q3),
            ];
            for (name, expected) in numbers {
                assert!(is_near(&row[name], expected, of.rms), "{place}: {name} is {expected} in {row}");
            }
        }
        let expected: Vec<Value> = self.posted.values().map(as_json).collect();
        assert_eq!(posted.into_iter().cloned().collect::<Vec<_>>(), expected, "{place}: posted");
    }

    async fn check_aggregates(&mut self, ground: &Ground, inside: &Inside, place: &str) {
        for _ in 0..8 {
            let (a, b) = (self.time(), self.time());
            let (from, to) = (a.min(b), a.max(b));
            let (time, range) = match self.chance.random_range(0..4) {
                0 => ("TRUE".to_owned(), (i64::MIN, i64::MAX)),
                1 => {
                    let hour = from / HOUR * HOUR;
                    (format!("ts >= '{}'", Micros(hour)), (hour, i64::MAX))
                }
                2 => (format!("ts BETWEEN '{}' AND '{}'", Micros(from), Micros(to)), (from, to + 1)),
                _ => (format!("ts >= '{}' AND ts < '{}'", Micros(from), Micros(to)), (from, to)),
            };
            let (which, streams): (&str, Vec<i32>) = [
                ("TRUE", (1..=STREAMS).collect()),
                ("stream_id = 2", vec![2]),
                ("stream_id IN (1, 4)", vec![1, 4]),
                ("stream_id > 1 AND stream_id <> 3", vec![2, 4]),
            ][self.chance.random_range(0..4)]
            .clone();
            let (bucket, width) = BUCKETS[self.chance.random_range(0..BUCKETS.len())];
            let by_stream = self.chance.random_bool(0.6);
            let condition = format!("{which} AND {time}");
            self.check_one(
                ground,
                inside,
                place,
                Question { condition, bucket, width, by_stream, range, streams },
            )
            .await;
        }
    }

    async fn check_steps(&mut self, ground: &Ground, inside: &Inside, place: &str) {
        for _ in 0..6 {
            let (a, b) = (self.time(), self.time());
            let aligned = self.chance.random_bool(0.5);
            let cut = if aligned { HOUR } else { 1 };
            let range = (a.min(b) / cut * cut, a.max(b) / cut * cut);
            let (step, timezone, width) = SPANS[self.chance.random_range(0..SPANS.len())];
            let fields = StepFields {
                mean: true,
                rms: true,
                min: true,
                max: true,
                quantiles: self.chance.random_bool(0.5),
            };
            let overlay = self.chance.random_bool(0.5);
            let query = StepQuery {
                streams: (1..=STREAMS).map(StreamId).collect(),
                from: Micros(range.0),
                to: Micros(range.1),
                step: Step::parse(step).unwrap(),
                timezone: timezone.map(str::to_owned),
                fields,
                overlay_posted: overlay,
                max_buckets: 1_000_000,
            };
            let place = format!("{place}: {query:?}");
            let series: Vec<Vec<Series>> =
                inside.engine.steps(&ground.owner, query).await.unwrap().try_collect().await.unwrap();
            let found: BTreeMap<(i32, i64), Bucket> = series
                .into_iter()
                .flatten()
                .flat_map(|series| series.buckets.into_iter().map(move |b| ((series.stream.0, b.start.0), b)))
                .collect();
            let asked = Asked { range, width, quantiles: fields.quantiles, overlay };
            self.check_buckets(&found, &asked, &place);
        }
    }

    fn check_buckets(&self, found: &BTreeMap<(i32, i64), Bucket>, asked: &Asked, place: &str) {
        let Asked { range, width, quantiles, overlay } = *asked;
        let posted: Vec<&Statistic> =
            self.posted.values().filter(|row| overlay && (range.0..range.1).contains(&row.ts.0)).collect();
        let is_covered = |stream: i32, ts: i64| {
            posted.iter().any(|row| row.stream.0 == stream && (row.ts.0..row.ts.0 + MINUTE).contains(&ts))
        };
        let mut expected: BTreeMap<(i32, i64), Held> = BTreeMap::new();
        for ((stream, ts), reading) in &self.rows {
            let is_in = (range.0..range.1).contains(ts) && !is_covered(*stream, *ts);
            if let Some(value) = reading.value.filter(|_| is_in) {
                expected.entry((*stream, width(*ts))).or_default().0.push(value);
            }
        }
        for row in posted {
            expected.entry((row.stream.0, width(row.ts.0))).or_default().1.push(row);
        }
        let keys = |map: Vec<&(i32, i64)>| map.into_iter().copied().collect::<Vec<_>>();
        assert_eq!(keys(found.keys().collect()), keys(expected.keys().collect()), "{place}");
        for (key, (values, rows)) in expected {
            let bucket = found[&key];
            let mean = |row: &Statistic| row.mean.unwrap();
            let weighted: Vec<f64> = rows.iter().flat_map(|r| vec![mean(r); r.count as usize]).collect();
            let all = plain(&[values.clone(), weighted].concat()).unwrap();
            let ends = rows.iter().map(|r| (r.min.unwrap_or(mean(r)), r.max.unwrap_or(mean(r))));
            let own = plain(&values).map(|own| (own.min, own.max));
            let (min, max) = own.into_iter().chain(ends).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap();
            let near = |number: Option<f64>, expected: f64| is_near(&json!(number), expected, all.rms);
            let exact = (bucket.count, bucket.min, bucket.max);
            assert_eq!(exact, (all.count as u64, Some(min), Some(max)), "{place} at {key:?}");
            let is_right = near(bucket.mean, all.mean) && near(bucket.rms, all.rms);
            assert!(is_right, "{place} at {key:?}: {bucket:?} is not {all:?}");
            let of_bucket = [bucket.q1, bucket.median, bucket.q3];
            match (quantiles, rows.as_slice(), plain(&values)) {
                (true, [], Some(own)) => {
                    let is_right = of_bucket.iter().zip(own.quartiles).all(|(a, b)| near(*a, b));
                    assert!(is_right, "{place} at {key:?}: {bucket:?} is not {own:?}");
                }
                (true, [row], None) => assert_eq!(of_bucket, [row.q1, row.median, row.q3], "{place}"),
                _ => assert_eq!(of_bucket, [None; 3], "{place} at {key:?}"),
            }
        }
    }

    async fn check_one(&self, ground: &Ground, inside: &Inside, place: &str, of: Question<'_>) {
        let stream = if of.by_stream { "stream_id" } else { "0" };
        let keys = [of.by_stream.then_some("stream_id"), (!of.bucket.is_empty()).then_some(of.bucket)];
        let keys: Vec<&str> = keys.into_iter().flatten().collect();
        let group = if keys.is_empty() { String::new() } else { format!("GROUP BY {}", keys.join(", ")) };
        let bucket = if of.bucket.is_empty() {
            "CAST(NULL AS BIGINT)".to_owned()
        } else {
            format!("CAST({} AS BIGINT)", of.bucket)
        };
        let query = format!(
            "SELECT {stream} AS stream, {bucket} AS bucket, count(*) AS n, count(value) AS c, avg(value) AS mean, \
             rms(value) AS rms, sum(value) AS total, min(value) AS low, max(value) AS high \
             FROM readings WHERE {} {group} ORDER BY 1, 2",
            of.condition
        );
        let found = inside.sql(&ground.owner, &query).await;
        let mut groups: BTreeMap<(i32, Option<i64>), Vec<&Reading>> = BTreeMap::new();
        if keys.is_empty() {
            groups.insert((0, None), Vec::new());
        }
        for ((stream, ts), reading) in &self.rows {
            if of.streams.contains(stream) && (of.range.0..of.range.1).contains(ts) {
                let bucket = (!of.bucket.is_empty()).then(|| (of.width)(*ts));
                let stream = if of.by_stream { *stream } else { 0 };
                groups.entry((stream, bucket)).or_default().push(reading);
            }
        }
        assert_eq!(found.len(), groups.len(), "{place}: {query}");
        for (row, ((stream, bucket), readings)) in found.iter().zip(&groups) {
            let values: Vec<f64> = readings.iter().filter_map(|r| r.value).collect();
            let exact = json!([stream, bucket, readings.len(), values.len()]);
            let got = json!([row["stream"], row["bucket"], row["n"], row["c"]]);
            assert_eq!(got, exact, "{place}: {query}");
            match plain(&values) {
                None => {
                    let is_null = |name: &str| row[name].is_null();
                    assert!(
                        ["mean", "rms", "total", "low", "high"].into_iter().all(is_null),
                        "{place}: {row}"
                    );
                }
                Some(all) => {
                    let size = all.rms;
                    let is_right = is_near(&row["mean"], all.mean, size)
                        && is_near(&row["rms"], all.rms, size)
                        && is_near(&row["total"], all.mean * all.count as f64, size * all.count as f64)
                        && row["low"] == json!(all.min)
                        && row["high"] == json!(all.max);
                    assert!(is_right, "{place}: {query}\n  {row} is not {all:?}");
                }
            }
        }
    }
}

struct Question<'a> {
    condition: String,
    bucket: &'a str,
    width: fn(i64) -> i64,
    by_stream: bool,
    range: (i64, i64),
    streams: Vec<i32>,
}

/// Widths that windows divide, that windows cross, local ones, and none.
const BUCKETS: [(&str, Begin); 8] = [
    ("", |_| 0),
    ("time_bucket('1 minute', ts)", |ts| ts / MINUTE * MINUTE),
    ("time_bucket('1 hour', ts)", |ts| ts / HOUR * HOUR),
    // Counted from 2000-01-03, which a day divides.
    ("time_bucket('90 seconds', ts)", |ts| ts / (MINUTE * 3 / 2) * (MINUTE * 3 / 2)),
    ("time_bucket('7 seconds', ts)", |ts| {
        (ts - 946_857_600_000_000).div_euclid(7_000_000) * 7_000_000 + 946_857_600_000_000
    }),
    ("date_trunc('day', ts)", |ts| ts / DAY * DAY),
    // Half an hour past every hour of UTC.
    ("time_bucket('1 hour', ts, 'Asia/Kolkata')", |ts| (ts - HOUR / 2) / HOUR * HOUR + HOUR / 2),
    ("time_bucket('1 month', ts)", |_| 1_775_001_600_000_000),
];

/// The beginning of the bucket that holds a time.
type Begin = fn(i64) -> i64;

/// Values, and rows written by hand, of one bucket.
type Held<'a> = (Vec<f64>, Vec<&'a Statistic>);

struct Asked {
    range: (i64, i64),
    width: fn(i64) -> i64,
    quantiles: bool,
    overlay: bool,
}

/// Steps, the zones of their clocks, and the buckets they make.
const SPANS: [(&str, Option<&str>, Begin); 8] = [
    ("PT1M", None, |ts| ts / MINUTE * MINUTE),
    ("PT20S", None, |ts| ts / (MINUTE / 3) * (MINUTE / 3)),
    ("PT5M", None, |ts| ts / (5 * MINUTE) * (5 * MINUTE)),
    ("PT1H", None, |ts| ts / HOUR * HOUR),
    ("PT1M30S", None, |ts| ts / (MINUTE * 3 / 2) * (MINUTE * 3 / 2)),
    ("P1D", None, |ts| ts / DAY * DAY),
    ("P1M", None, |_| 1_775_001_600_000_000),
    ("P1D", Some("Asia/Kolkata"), |ts| (ts + 11 * HOUR / 2) / DAY * DAY - 11 * HOUR / 2),
];

fn as_json(row: &Statistic) -> Value {
    let mut object = json!({
        "stream_id": row.stream.0, "ts": row.ts.0, "window_s": row.window_s, "count": row.count,
        "origin": "posted",
    });
    let numbers = [
        ("mean", row.mean),
        ("rms", row.rms),
        ("median", row.median),
        ("min", row.min),
        ("max", row.max),
        ("q1", row.q1),
        ("q3", row.q3),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            object[name] = json!(number);
        }
    }
    object
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_and_aggregates_that_use_them_agree_with_a_map() {
    for seed in 0..SEEDS {
        let ground = Ground::new(STREAMS).await;
        let dir = tempfile::tempdir().unwrap();
        let mut inside = ground.open_local(dir.path()).await;
        let mut model = Model {
            rows: BTreeMap::new(),
            posted: BTreeMap::new(),
            chance: StdRng::seed_from_u64(seed),
            gone: 0,
            now: NOW,
        };
        for step in 0..STEPS {
            let place = format!("seed {seed}, step {step}");
            match model.chance.random_range(0..19) {
                0..7 => model.write(&ground, &inside).await,
                7..9 => model.post(&ground, &inside).await,
                9..12 => inside.store.flush().await.unwrap(),
                12..14 => drop(inside.store.compute_statistics().await.unwrap()),
                14 => drop(inside.store.compact().await.unwrap()),
                15 => model.change_interval(&ground).await,
                18 => {
                    let step = model.chance.random_range(0..40 * MINUTE);
                    ground.clock.advance(step);
                    model.now += step;
                }
                16 => {
                    drop(inside);
                    inside = ground.open_local(dir.path()).await;
                }
                _ => {
                    inside.store.close().await.unwrap();
                    drop(inside);
                    inside = ground.open_local(dir.path()).await;
                }
            }
            if step % 4 == 3 {
                model.check_table(&ground, &inside, &place).await;
                model.check_aggregates(&ground, &inside, &place).await;
                model.check_steps(&ground, &inside, &place).await;
            }
        }
    }
}

/// A computed row that says something else than the readings shows that it is what an aggregate reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_windows_are_read_from_computed_rows_and_edges_from_readings() {
    let ground = Ground::new(2).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    let start = NOW - HOUR;
    let rows = (0..30 * 60).map(|s| Reading::good(StreamId(1), Micros(start + s * 1_000_000), 1.0));
    inside.store.write(&ground.owner, rows.collect()).await.unwrap();
    inside.store.flush().await.unwrap();
    inside.store.compute_statistics().await.unwrap();
    // The window at 10 minutes, forged.
    let forged = rows::Window {
        stream: 1,
        start: start + 10 * MINUTE,
        length: MINUTE,
        rows: 60,
        summary: basalt::store::statistics::compute::Summary::of(&mut [1000.0; 60]),
    };
    let forged = rows::computed(&[forged], 0);
    let table = basalt::store::table::Table::Statistics;
    let forged = basalt::store::keyed::KeyedRows::new(table, forged).unwrap();
    inside.store.write_keyed(&ground.owner, forged).await.unwrap();
    for stage in ["in memory", "in the lake", "compacted"] {
        for (from, to, bucket, expected) in [
            (0, 30 * 60, "30 minutes", 1000.0),
            (600, 660, "1 hour", 1000.0),
            (601, 660, "1 hour", 1.0),
            (600, 659, "1 hour", 1.0),
            (0, 30 * 60, "7 seconds", 1.0),
        ] {
            let at = |seconds: i64| Micros(start + seconds * 1_000_000);
            let query = format!(
                "SELECT max(high) AS high FROM (SELECT time_bucket('{bucket}', ts) AS b, max(value) AS high \
                 FROM readings WHERE stream_id = 1 AND ts >= '{}' AND ts < '{}' GROUP BY b)",
                at(from),
                at(to)
            );
            let found = inside.sql(&ground.owner, &query).await;
            assert_eq!(found, [json!({"high": expected})], "{stage}: {query}");
        }
        match stage {
            "in memory" => inside.store.flush().await.unwrap(),
            _ => drop(inside.store.compact().await.unwrap()),
        }
    }
    // A row written into the window makes it raw again.
    let late = Reading::good(StreamId(1), Micros(start + 10 * MINUTE + 1), 2.0);
    inside.store.write(&ground.owner, [late].into_iter().collect()).await.unwrap();
    let found = inside.sql(&ground.owner, "SELECT max(value) AS high FROM readings").await;
    assert_eq!(found, [json!({"high": 2.0})]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_questions_that_statistics_answer_exactly_are_rewritten() {
    let ground = Ground::new(2).await;
    let dir = tempfile::tempdir().unwrap();
    let inside = ground.open_local(dir.path()).await;
    let hour = "time_bucket('1 hour', ts)";
    for (query, expected) in [
        ("SELECT count(*) FROM readings".to_owned(), true),
        ("SELECT count(1), count(value), count(ts) FROM readings r WHERE r.stream_id = 1".to_owned(), true),
        (format!("SELECT {hour} AS h, avg(value) FROM readings GROUP BY h ORDER BY h LIMIT 3"), true),
        (format!("SELECT {hour} AS h, avg(value) AS m FROM readings GROUP BY h HAVING avg(value) > 1"), true),
        ("SELECT stream_id, max(v) FROM (SELECT stream_id, value AS v FROM readings) x GROUP BY 1".to_owned(), true),
        ("SELECT date_trunc('week', ts), rms(value) FROM readings WHERE ts > now() - INTERVAL '1 day' GROUP BY 1".to_owned(), true),
        (
            "SELECT time_bucket_gapfill('1 hour', ts) AS h, locf(avg(value)) FROM readings \
             WHERE ts >= '2026-04-01' AND ts < '2026-04-02' GROUP BY h".to_owned(),
            true,
        ),
        ("SELECT DISTINCT stream_id FROM readings".to_owned(), true),
        (
            "SELECT a, b, count(*) FROM (SELECT stream_id AS a, stream_id AS b FROM readings) x GROUP BY a, b".to_owned(),
            true,
        ),
        ("SELECT stream_id, avg(value) FROM readings GROUP BY stream_id, ts".to_owned(), false),
        ("SELECT count(text) FROM readings".to_owned(), false),
        ("SELECT max(ts) FROM readings".to_owned(), false),
        ("SELECT avg(value * 2) FROM readings".to_owned(), false),
        ("SELECT avg(DISTINCT value) FROM readings".to_owned(), false),
        ("SELECT avg(value) FILTER (WHERE value > 1) FROM readings".to_owned(), false),
        ("SELECT avg(value) FROM readings WHERE value > 1".to_owned(), false),
        ("SELECT avg(value) FROM readings WHERE quality = 'good'".to_owned(), false),
        ("SELECT avg(value) FROM readings WHERE ts < '2026-04-01' OR ts > '2026-04-02'".to_owned(), false),
        ("SELECT avg(value) FROM readings WHERE date_part('hour', ts) = 3".to_owned(), false),
        ("SELECT quality, count(*) FROM readings GROUP BY quality".to_owned(), false),
        ("SELECT avg(value) FROM (SELECT value FROM readings LIMIT 5) x".to_owned(), false),
        (format!("SELECT {hour} AS h, stream_id, avg(value) FROM readings GROUP BY ROLLUP (h, stream_id)"), false),
    ] {
        inside.sql(&ground.owner, &query).await;
        let plan = inside.sql(&ground.owner, &format!("EXPLAIN {query}")).await;
        let text = json!(plan).to_string();
        let text = text.replace("\\n", "\n");
        assert_eq!(text.contains("Rollup"), expected, "{query}\n{text}");
        assert_eq!(text.contains("VisibleRows"), !expected, "{query}\n{text}");
    }
}
