//! Compares two-step reads with a check of every row, and narrowed groups with sets of rows.

use std::collections::BTreeSet;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use proptest::prelude::*;

use super::*;
use crate::domain::min_max::MinMax;
use crate::store::lake::cache::{self, LakeCache};
use crate::store::lake::page_fetch::PageFetch;
use crate::store::lake::page_pruning;
use crate::store::lake::row_group_writer::RowGroupWriter;
use crate::store::schema::{STREAM_ID, TEXT, TS, VALUE};
use crate::store::table::Table;

const STREAMS: usize = 5;
const ROWS_EACH: usize = 9_000;

type Row = (i32, i64, Option<f64>, Option<String>);

/// The row at a position of a stream; every third has a text instead of a value.
fn row(stream: usize, i: usize) -> Row {
    let has_text = i.is_multiple_of(3);
    let value = (!has_text).then(|| (stream * ROWS_EACH + i) as f64 / 7.0);
    (stream as i32, i as i64 * 10, value, has_text.then(|| format!("{stream} {i}")))
}

fn file(rows: &[Row]) -> Bytes {
    let of = |name: &str| -> ArrayRef {
        match name {
            "stream_id" => Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.0))),
            "ts" => {
                let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|r| r.1));
                Arc::new(times.with_timezone("UTC"))
            }
            "value" => Arc::new(Float64Array::from_iter(rows.iter().map(|r| r.2))),
            "text" => Arc::new(StringArray::from_iter(rows.iter().map(|r| r.3.as_deref()))),
            "quality" => Arc::new(StringArray::from_iter_values(rows.iter().map(|_| "good"))),
            _ => Arc::new(Int32Array::from_iter_values(rows.iter().map(|_| 1))),
        }
    };
    let schema = Table::Readings.schema();
    let columns =
        schema.fields().iter().map(|f| arrow::compute::cast(&of(f.name()), f.data_type()).unwrap()).collect();
    let mut writer = RowGroupWriter::new(Vec::new(), Table::Readings).unwrap();
    writer.write(&RecordBatch::try_new(schema.clone(), columns).unwrap()).unwrap();
    writer.finish(|_| ()).unwrap().into()
}

fn read_within(file: &Bytes, columns: &[usize], bounds: &Bounds, cuts_ts: bool) -> Vec<RecordBatch> {
    let cache = Arc::new(LakeCache::default());
    let footer = ArrowReaderMetadata::load(file, cache::footer_options(Table::Readings)).unwrap();
    let groups = page_pruning::select_row_groups(footer.metadata(), bounds);
    let layout = FileProjection::new(columns, cuts_ts);
    let chunks = PageFetch::if_small("f", &footer, &groups, &layout.decoded, &cache).unwrap();
    let bytes = chunks.missing().iter().map(|r| file.slice(r.start as usize..r.end as usize)).collect();
    let pages = chunks.into_pages(bytes).unwrap();
    read(pages, layout, Arc::new(bounds.clone()), 1000).map(|batch| batch.unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_rows_within_bounds_are_read_and_no_others(
        streams in prop::option::of(prop::collection::btree_set(0..STREAMS as i32 + 1, 0..3)),
        edges in (0..ROWS_EACH as i64 * 10, 0..ROWS_EACH as i64 * 10),
        is_of_all_time in any::<bool>(),
    ) {
        let all: Vec<Row> = (0..STREAMS).flat_map(|s| (0..ROWS_EACH).map(move |i| row(s, i))).collect();
        let ts = match is_of_all_time {
            true => Bounds::default().ts,
            false => MinMax::new(edges.0.min(edges.1), edges.0.max(edges.1)),
        };
        let bounds = Bounds { ts, streams, value: None };
        let file = file(&all);
        let mut found: Vec<Row> = Vec::new();
        // Not in file order.
        for batch in read_within(&file, &[VALUE, STREAM_ID, TEXT, TS], &bounds, !is_of_all_time) {
            let values = batch.column(0).as_primitive::<Float64Type>();
            let streams = batch.column(1).as_primitive::<Int32Type>();
            let texts = batch.column(2).as_string::<i32>();
            let times = batch.column(3).as_primitive::<TimestampMicrosecondType>();
            found.extend((0..batch.num_rows()).map(|i| {
                let text = texts.is_valid(i).then(|| texts.value(i).to_owned());
                (streams.value(i), times.value(i), values.is_valid(i).then(|| values.value(i)), text)
            }));
        }
        let wanted = |row: &&Row| bounds.has_stream(row.0) && ts.contains(row.1);
        let expected: Vec<Row> = all.iter().filter(wanted).cloned().collect();
        prop_assert_eq!(found, expected);
        let keys: usize = read_within(&file, &[STREAM_ID], &bounds, !is_of_all_time).iter().map(RecordBatch::num_rows).sum();
        prop_assert_eq!(keys, all.iter().filter(wanted).count());
    }

    #[test]
    fn steps_have_the_rows_of_their_groups_a_few_at_a_time(
        edges in prop::collection::vec(prop::collection::btree_set(0..100_000_usize, 2..9), 0..5),
    ) {
        let groups = groups(&edges);
        let steps = steps(&groups);
        prop_assert!(steps.iter().all(|step| (1..=MAX_STEP_ROWS).contains(&selected(step))));
        prop_assert_eq!(places(&steps.concat()), places(&groups));
    }

    #[test]
    fn a_narrowed_step_has_the_rows_that_are_kept(
        edges in prop::collection::vec(prop::collection::btree_set(0..200_usize, 2..9), 1..4),
        kept in prop::collection::btree_set(0..300_usize, 0..12),
    ) {
        let step = groups(&edges);
        let rows = places(&step);
        let mut kept = ranges(&kept);
        kept.retain(|range| range.end <= rows.len());
        let expected: Vec<_> = kept.iter().flat_map(|range| rows[range.clone()].to_vec()).collect();
        let found = narrow_groups(&step, &kept);
        prop_assert!(found.iter().all(|group| group.selected() > 0));
        prop_assert_eq!(places(&found), expected);
    }
}

/// Returns the ranges between pairs of edges.
fn ranges(edges: &BTreeSet<usize>) -> Vec<Range<usize>> {
    let edges: Vec<usize> = edges.iter().copied().collect();
    edges.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect()
}

fn groups(edges: &[BTreeSet<usize>]) -> Vec<RowGroupSelection> {
    let group = |(index, edges)| RowGroupSelection { index, rows: 100_000, ranges: ranges(edges) };
    edges.iter().enumerate().map(group).collect()
}

/// Returns each row as its group and its position there.
fn places(groups: &[RowGroupSelection]) -> Vec<(usize, usize)> {
    let of = |group: &RowGroupSelection| {
        let index = group.index;
        group.ranges.clone().into_iter().flatten().map(move |row| (index, row)).collect::<Vec<_>>()
    };
    groups.iter().flat_map(of).collect()
}
