//! Readings reduced to stream, time and value. Texts, qualities and seqs are most of the cost of decoding a file, and
//! no window needs them.

use arrow::array::RecordBatch;
use arrow::buffer::ScalarBuffer;

use crate::domain::Result;
use crate::store::lake::file_merge::SortedRows;
use crate::store::memtable::run_merge::{self, RunKeys};
use crate::store::schema::{self, PointColumns};
use crate::store::table::Table;

/// Columns of `schema::readings()` to read.
pub const COLUMNS: [usize; 3] = [schema::STREAM_ID, schema::TS, schema::VALUE];

/// Points sorted by (stream, ts), one per key.
#[derive(Debug, Clone)]
pub struct ValuePoints {
    pub stream: ScalarBuffer<i32>,
    /// Microseconds since the epoch, UTC.
    pub ts: ScalarBuffer<i64>,
    /// NaN represents null.
    pub value: ScalarBuffer<f64>,
}

impl ValuePoints {
    fn keys(&self) -> RunKeys<'_> {
        RunKeys { stream: &self.stream, ts: &self.ts }
    }

    fn slice(&self, start: usize, len: usize) -> Self {
        Self {
            stream: self.stream.slice(start, len),
            ts: self.ts.slice(start, len),
            value: self.value.slice(start, len),
        }
    }
}

impl SortedRows for ValuePoints {
    type Key = (i32, i64);

    fn from_batch(_: Table, batch: &RecordBatch) -> Result<Self> {
        let PointColumns { stream, ts, value } = schema::points_from_batch(batch)?;
        Ok(Self { stream, ts, value })
    }

    fn len(&self) -> usize {
        self.ts.len()
    }

    fn last_key(&self) -> Option<Self::Key> {
        self.keys().last()
    }

    fn split_after(&self, key: &Self::Key) -> (Self, Self) {
        let count = self.keys().count_up_to(*key);
        (self.slice(0, count), self.slice(count, self.len() - count))
    }

    fn merge(parts: &[Self]) -> Option<Self> {
        if let [only] = parts {
            return Some(only.clone());
        }
        let keys: Vec<RunKeys> = parts.iter().map(ValuePoints::keys).collect();
        let order = run_merge::merge_order(&keys);
        (!parts.is_empty()).then(|| Self {
            stream: run_merge::copy(&order, |part| &parts[part].stream).into(),
            ts: run_merge::copy(&order, |part| &parts[part].ts).into(),
            value: run_merge::copy(&order, |part| &parts[part].value).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(rows: &[(i32, i64, f64)]) -> ValuePoints {
        ValuePoints {
            stream: rows.iter().map(|row| row.0).collect(),
            ts: rows.iter().map(|row| row.1).collect(),
            value: rows.iter().map(|row| row.2).collect(),
        }
    }

    fn rows(points: &ValuePoints) -> Vec<(i32, i64, f64)> {
        (0..points.len()).map(|i| (points.stream[i], points.ts[i], points.value[i])).collect()
    }

    #[test]
    fn points_are_split_after_a_key_that_need_not_be_there() {
        let all = [(1, 5, 0.1), (1, 7, 0.2), (3, 1, 0.3), (3, 2, 0.4)];
        let cases =
            [((0, 9), 0), ((1, 4), 0), ((1, 5), 1), ((1, 6), 1), ((2, 0), 2), ((3, 1), 3), ((9, 9), 4)];
        for (key, expected) in cases {
            let (taken, rest) = points(&all).split_after(&key);
            assert_eq!((rows(&taken).as_slice(), rows(&rest).as_slice()), all.split_at(expected), "{key:?}");
        }
    }

    #[test]
    fn of_equal_keys_the_later_counts() {
        let parts = [points(&[(1, 5, 0.1), (2, 5, 0.2)]), points(&[(1, 4, 0.3), (1, 5, 0.4)]), points(&[])];
        let merged = ValuePoints::merge(&parts).expect("there are parts");
        assert_eq!(rows(&merged), [(1, 4, 0.3), (1, 5, 0.4), (2, 5, 0.2)]);
    }
}
