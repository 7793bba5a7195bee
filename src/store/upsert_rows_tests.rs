//! Tests upsert rows against a map in which the last write wins.

use std::collections::BTreeMap;

use arrow::array::{StringArray, TimestampMicrosecondArray};
use proptest::prelude::*;

use super::*;
use crate::domain::time::MICROS_PER_DAY;

/// Messages distinguished by their status.
fn messages(rows: &[(i32, i64, &str, String)], seq: i64) -> RecordBatch {
    let times: Vec<i64> = rows.iter().map(|r| r.1).collect();
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"));
    let text = |get: fn(&(i32, i64, &str, String)) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(get)))
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(arrow::array::Int32Array::from_iter_values(rows.iter().map(|r| r.0))),
        times.clone(),
        text(|r| r.2.to_owned()),
        times,
        text(|r| r.3.clone()),
        text(|_| "{}".to_owned()),
        text(|_| "document".to_owned()),
        text(|_| String::new()),
        text(|_| String::new()),
        Arc::new(arrow::array::Int32Array::from_value(0, rows.len())),
        Arc::new(Int64Array::from_value(seq, rows.len())),
    ];
    RecordBatch::try_new(Table::Messages.schema(), columns).unwrap()
}

fn listed(rows: &UpsertRows) -> Vec<((i32, i64, String), String, i64)> {
    let status = rows.batch().column(4).as_string::<i32>();
    let key = |i| -> (i32, i64, String) {
        let UpsertKey { id, ts, label } = rows.key(i);
        (id, ts, label.to_owned())
    };
    (0..rows.len()).map(|i| (key(i), status.value(i).to_owned(), rows.seq(i))).collect()
}

proptest! {
    #[test]
    fn of_equal_keys_the_later_stays(
        requests in prop::collection::vec(
            prop::collection::vec((1..4_i32, -2..3_i64, prop::sample::select(vec!["a", "b"])), 0..20), 1..6),
    ) {
        let mut model = BTreeMap::new();
        let mut runs = Vec::new();
        for (seq, keys) in (1..).zip(&requests) {
            let row = |(n, (id, day, label)): (usize, &(i32, i64, &'static str))| {
                (*id, day * MICROS_PER_DAY, *label, format!("{seq}.{n}"))
            };
            let rows: Vec<_> = keys.iter().enumerate().map(row).collect();
            for (id, ts, label, status) in &rows {
                model.insert((*id, *ts, (*label).to_owned()), (status.clone(), seq));
            }
            runs.push(UpsertRows::new(Table::Messages, messages(&rows, 0)).unwrap().with_seq(seq as u64));
        }
        let merged = merge(&runs).unwrap();
        let expected: Vec<_> = model.into_iter().map(|(key, (status, seq))| (key, status, seq)).collect();
        prop_assert_eq!(listed(&merged), expected);

        let days = merged.by_day();
        let again = merge(&days.iter().map(|(_, rows)| rows.clone()).collect::<Vec<_>>());
        prop_assert_eq!(again.unwrap_or_else(|| merged.slice(0, 0)), merged.clone());
        for (day, rows) in days {
            prop_assert!((0..rows.len()).all(|i| Micros(rows.key(i).ts).day() == day));
        }
    }
}

#[test]
fn rows_of_another_table_are_refused() {
    let rows = messages(&[(1, 0, "a", String::new())], 1);
    assert!(UpsertRows::new(Table::Statistics, rows).unwrap_err().message.contains("statistics"));
}
