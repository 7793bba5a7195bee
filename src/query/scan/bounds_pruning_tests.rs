//! Tests that pruning misses no matching row, and reads few more pages than those that contain one.

use std::collections::BTreeSet;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::PageIndexPolicy;

use super::*;
use crate::domain::reading::{Reading, Readings};
use crate::domain::{Micros, StreamId};
use crate::store::lake::page_pruning::{RowGroupSelection, row_selection, select_row_groups};
use crate::store::lake::row_group_writer::RowGroupWriter;
use crate::store::memtable::run::Run;
use crate::store::schema;
use crate::store::table::Table;

const STREAMS: i32 = 4;
const ROWS: i64 = 50_000;
/// Rows of a page, as in lake files.
const PAGE: usize = 8 * 1024;

/// Streams 0 to 3 with a row per second; values rise with time, those of stream 2 are missing.
fn rows() -> Vec<Reading> {
    let row = |stream: i32, second: i64| match stream {
        2 => Reading::lost(StreamId(stream), Micros(second)),
        _ => Reading::good(StreamId(stream), Micros(second), (i64::from(stream) * ROWS + second) as f64),
    };
    (0..STREAMS).flat_map(|stream| (0..ROWS).map(move |second| row(stream, second))).collect()
}

fn file(rows: &[Reading]) -> ArrowReaderMetadata {
    let run = Run::new(rows.iter().cloned().collect::<Readings>(), 1);
    let mut writer = RowGroupWriter::new(Vec::new(), Table::Readings).unwrap();
    writer.write(&schema::run_to_batch(&run, &schema::ALL_COLUMNS)).unwrap();
    let file = writer.finish(|_| ()).unwrap();
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    ArrowReaderMetadata::load(&Bytes::from(file), options).unwrap()
}

#[test]
fn what_is_wanted_is_chosen_and_little_else() {
    let rows = rows();
    let file = file(&rows);
    assert_eq!(file.metadata().num_row_groups(), 2);
    let all = Bounds::default();
    let of = |streams: &[i32]| Some(BTreeSet::from_iter(streams.iter().copied()));
    // At most this many pages beyond the matching rows.
    for (name, bounds, spare) in [
        ("everything", all.clone(), 0),
        ("nothing", Bounds { streams: of(&[]), ..all.clone() }, 0),
        ("a_stream", Bounds { streams: of(&[1]), ..all.clone() }, 2),
        ("a_stream_over_the_edge_of_row_groups", Bounds { streams: of(&[2]), ..all.clone() }, 2),
        ("two_streams", Bounds { streams: of(&[0, 3]), ..all.clone() }, 2),
        ("a_stream_that_is_not_there", Bounds { streams: of(&[7]), ..all.clone() }, 0),
        (
            "a_minute_of_a_stream",
            Bounds { streams: of(&[1]), ts: MinMax::new(30_000, 30_059), ..all.clone() },
            3,
        ),
        ("a_minute_of_all", Bounds { ts: MinMax::new(30_000, 30_059), ..all.clone() }, 8),
        ("before_all_times", Bounds { ts: MinMax::new(-9, -1), ..all.clone() }, 0),
        ("high_values", Bounds { value: Some(MinMax::new(199_000.0, f64::INFINITY)), ..all.clone() }, 1),
        ("a_value", Bounds { value: Some(MinMax::new(30_000.0, 30_000.0)), ..all.clone() }, 1),
        ("a_value_nobody_has", Bounds { value: Some(MinMax::new(1e9, f64::INFINITY)), ..all.clone() }, 0),
        (
            "values_of_lost_readings",
            Bounds { streams: of(&[2]), value: Some(MinMax::new(0.0, 1e9)), ..all.clone() },
            2,
        ),
    ] {
        let groups = select_row_groups(file.metadata(), &bounds);
        let mut chosen = vec![false; rows.len()];
        for group in &groups {
            let start: i64 = (0..group.index).map(|g| file.metadata().row_group(g).num_rows()).sum();
            group
                .ranges
                .iter()
                .for_each(|r| chosen[start as usize + r.start..start as usize + r.end].fill(true));
        }
        let is_wanted = |r: &Reading| {
            bounds.has_stream(r.stream.0)
                && bounds.ts.contains(r.ts.0)
                && (bounds.value.is_none() || r.value.is_some_and(|v| bounds.has_value_within(MinMax::of(v))))
        };
        let wanted = rows.iter().filter(|r| is_wanted(r)).count();
        let missed =
            rows.iter().zip(&chosen).filter(|(row, is_chosen)| is_wanted(row) && !**is_chosen).count();
        assert_eq!(missed, 0, "{name}");
        let selected: usize = groups.iter().map(RowGroupSelection::selected).sum();
        assert_eq!(selected, chosen.iter().filter(|c| **c).count(), "{name}: ranges overlap");
        assert!(selected <= wanted + spare * PAGE, "{name}: {selected} rows for {wanted}");
        let counted_rows =
            row_selection(&groups).map_or(groups.iter().map(|g| g.rows).sum(), |s| s.row_count());
        assert_eq!(counted_rows, selected, "{name}");
    }
}
