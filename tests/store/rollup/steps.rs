//! Step queries against the map, with rows written by hand in their places and without.

use std::collections::BTreeMap;

use basalt::domain::statistic::BucketSeries;
use basalt::domain::statistic::Statistic;
use basalt::domain::statistic::{Bucket, BucketFields};
use basalt::domain::{Micros, StreamId};
use basalt::query::step::Step;
use basalt::query::step_query::StepQuery;
use futures::TryStreamExt;
use rand::Rng;
use serde_json::json;

use super::model::{BucketStartFn, HOUR, RollupModel, STREAMS};
use crate::in_process::{DAY, MINUTE, TestDb, TestEnv};
use crate::store::plain_statistics::{compute_plain, is_near};

/// Values, and rows written by hand, of one bucket.
type ExpectedBucket<'a> = (Vec<f64>, Vec<&'a Statistic>);

struct StepRequest {
    range: (i64, i64),
    width: fn(i64) -> i64,
    quantiles: bool,
    overlay: bool,
}

/// Steps, the zones of their clocks, and the buckets they make.
const SPANS: [(&str, Option<&str>, BucketStartFn); 8] = [
    ("PT1M", None, |ts| ts / MINUTE * MINUTE),
    ("PT20S", None, |ts| ts / (MINUTE / 3) * (MINUTE / 3)),
    ("PT5M", None, |ts| ts / (5 * MINUTE) * (5 * MINUTE)),
    ("PT1H", None, |ts| ts / HOUR * HOUR),
    ("PT1M30S", None, |ts| ts / (MINUTE * 3 / 2) * (MINUTE * 3 / 2)),
    ("P1D", None, |ts| ts / DAY * DAY),
    ("P1M", None, |_| 1_775_001_600_000_000),
    ("P1D", Some("Asia/Kolkata"), |ts| (ts + 11 * HOUR / 2) / DAY * DAY - 11 * HOUR / 2),
];

impl RollupModel {
    pub async fn check_steps(&mut self, env: &TestEnv, db: &TestDb, place: &str) {
        for _ in 0..6 {
            let (a, b) = (self.time(), self.time());
            let aligned = self.rng.random_bool(0.5);
            let cut = if aligned { HOUR } else { 1 };
            let range = (a.min(b) / cut * cut, a.max(b) / cut * cut);
            let (step, timezone, width) = SPANS[self.rng.random_range(0..SPANS.len())];
            let fields = BucketFields {
                mean: true,
                rms: true,
                min: true,
                max: true,
                quantiles: self.rng.random_bool(0.5),
            };
            let overlay = self.rng.random_bool(0.5);
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
            let series: Vec<Vec<BucketSeries>> =
                db.engine.query_steps(&env.owner, query).await.unwrap().try_collect().await.unwrap();
            let found: BTreeMap<(i32, i64), Bucket> = series
                .into_iter()
                .flatten()
                .flat_map(|series| series.buckets.into_iter().map(move |b| ((series.stream.0, b.start.0), b)))
                .collect();
            let request = StepRequest { range, width, quantiles: fields.quantiles, overlay };
            self.check_buckets(&found, &request, &place);
        }
    }

    fn check_buckets(&self, found: &BTreeMap<(i32, i64), Bucket>, request: &StepRequest, place: &str) {
        let StepRequest { range, width, quantiles, overlay } = *request;
        let posted: Vec<&Statistic> =
            self.posted.values().filter(|row| overlay && (range.0..range.1).contains(&row.ts.0)).collect();
        let is_covered = |stream: i32, ts: i64| {
            posted.iter().any(|row| row.stream.0 == stream && (row.ts.0..row.ts.0 + MINUTE).contains(&ts))
        };
        let mut expected: BTreeMap<(i32, i64), ExpectedBucket> = BTreeMap::new();
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
            let all = compute_plain(&[values.clone(), weighted].concat()).unwrap();
            let ends = rows.iter().map(|r| (r.min.unwrap_or(mean(r)), r.max.unwrap_or(mean(r))));
            let own = compute_plain(&values).map(|own| (own.min, own.max));
            let (min, max) = own.into_iter().chain(ends).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap();
            let near = |number: Option<f64>, expected: f64| is_near(&json!(number), expected, all.rms);
            let exact = (bucket.count, bucket.min, bucket.max);
            assert_eq!(exact, (all.count as u64, Some(min), Some(max)), "{place} at {key:?}");
            let is_right = near(bucket.mean, all.mean) && near(bucket.rms, all.rms);
            assert!(is_right, "{place} at {key:?}: {bucket:?} is not {all:?}");
            let of_bucket = [bucket.q1, bucket.median, bucket.q3];
            match (quantiles, rows.as_slice(), compute_plain(&values)) {
                (true, [], Some(own)) => {
                    let is_right = of_bucket.iter().zip(own.quartiles).all(|(a, b)| near(*a, b));
                    assert!(is_right, "{place} at {key:?}: {bucket:?} is not {own:?}");
                }
                (true, [row], None) => assert_eq!(of_bucket, [row.q1, row.median, row.q3], "{place}"),
                _ => assert_eq!(of_bucket, [None; 3], "{place} at {key:?}"),
            }
        }
    }
}
