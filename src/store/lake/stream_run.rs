//! Finds where a row group ends with its stream. A dictionary, and the encoding that follows a full one, last until the end
//! of a row group: a switch that shares a group with a noisy signal before it is stored as eight bytes a row.

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;

use super::column_input::ColumnInput;
use super::writer_properties::MAX_ROW_GROUP_ROWS;

/// Rows of one stream after which a row group ends with that stream: half of the largest group. Streams with fewer rows in a
/// file share groups, since each group costs a footer entry and a page per column.
const MIN_ROWS_OF_OWN_GROUP: usize = MAX_ROW_GROUP_ROWS / 2;

/// The rows at the end of the current row group that belong to one stream.
#[derive(Debug, Default)]
pub struct StreamRun {
    stream: Option<i32>,
    rows: usize,
}

impl StreamRun {
    /// Returns how many of `count` rows from `start` on the current row group takes before it ends with its stream.
    pub fn rows_until_end(&self, streams: &ColumnInput, (start, count): (usize, usize)) -> usize {
        let ids = stream_ids(streams, (start, count));
        let mut run = self.rows;
        let mut taken = 0;
        let mut last = self.stream;
        for same in ids.chunk_by(|a, b| a == b) {
            if last.is_some_and(|last| last != same[0]) {
                if run >= MIN_ROWS_OF_OWN_GROUP {
                    return taken;
                }
                run = 0;
            }
            last = Some(same[0]);
            run += same.len();
            taken += same.len();
        }
        count
    }

    /// Records that the current row group has taken these rows.
    pub fn extend(&mut self, streams: &ColumnInput, (start, count): (usize, usize)) {
        let ids = stream_ids(streams, (start, count));
        let Some(last) = ids.last() else { return };
        let rows = match streams {
            ColumnInput::Values(_) => ids.iter().rev().take_while(|id| *id == last).count(),
            ColumnInput::Constant(_) => count,
        };
        let is_continued = rows == count && self.stream == Some(*last);
        self.rows = rows + if is_continued { self.rows } else { 0 };
        self.stream = Some(*last);
    }
}

/// The ids of some rows: one for all of them where the column is constant.
fn stream_ids(streams: &ColumnInput, (start, count): (usize, usize)) -> &[i32] {
    match streams {
        ColumnInput::Values(array) => &array.as_primitive::<Int32Type>().values()[start..start + count],
        ColumnInput::Constant(value) => value.as_primitive::<Int32Type>().values(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int32Array;

    use super::*;

    const OWN: usize = MIN_ROWS_OF_OWN_GROUP;

    fn rows(streams: &[(i32, usize)]) -> ColumnInput {
        let ids = streams.iter().flat_map(|(id, rows)| std::iter::repeat_n(*id, *rows));
        ColumnInput::Values(Arc::new(Int32Array::from_iter_values(ids)))
    }

    #[test]
    fn a_group_ends_with_a_stream_that_fills_half_of_it_and_no_sooner() {
        let after = |taken: &[(i32, usize)], next: &[(i32, usize)]| {
            let mut run = StreamRun::default();
            run.extend(&rows(taken), (0, taken.iter().map(|(_, rows)| rows).sum()));
            run.rows_until_end(&rows(next), (0, next.iter().map(|(_, rows)| rows).sum()))
        };
        assert_eq!(after(&[(1, OWN)], &[(2, 10)]), 0);
        assert_eq!(after(&[(1, OWN)], &[(1, 5), (2, 10)]), 5);
        assert_eq!(after(&[(1, OWN - 1)], &[(2, 10)]), 10, "a short stream shares its group");
        assert_eq!(after(&[(1, OWN - 1)], &[(1, 1), (2, 10)]), 1);
        assert_eq!(after(&[(1, OWN - 1), (2, 1)], &[(2, OWN - 1), (3, 10)]), OWN - 1);
        assert_eq!(after(&[(1, 5)], &[(2, OWN), (3, 10), (4, 10)]), OWN);
        assert_eq!(after(&[], &[(1, 5), (2, 5), (1, 5)]), 15);
    }

    #[test]
    fn a_column_of_one_stream_is_a_run_however_it_is_given() {
        let mut run = StreamRun::default();
        let one = ColumnInput::Constant(Arc::new(Int32Array::from_value(1, 1)));
        run.extend(&one, (0, OWN - 5));
        run.extend(&rows(&[(1, 5)]), (0, 5));
        assert_eq!(run.rows_until_end(&one, (0, 100)), 100);
        assert_eq!(
            run.rows_until_end(&ColumnInput::Constant(Arc::new(Int32Array::from_value(2, 1))), (0, 100)),
            0
        );
    }
}
