//! Tests that the parts of a rollup together have the rows of the whole, each once.

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, Int64Type};
use datafusion::physical_plan::collect;
use datafusion::prelude::SessionContext;

use super::*;
use crate::domain::min_max::MinMax;
use crate::domain::reading::{Reading, Readings};
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::{Micros, StreamId};
use crate::fuzz_store::FuzzStore;
use crate::query::context::QueryContext;
use crate::query::log::Surface;
use crate::query::rollup::partial;
use crate::query::rollup::partials_scan::PartialsScan;
use crate::query::scan::bounds::Bounds;
use crate::query::scan::readings_scan::ReadingsScan;
use crate::query::scan::row_security::VisibleStreams;
use crate::query::scan::scan_sources::ScanSources;
use crate::query::test_engine::test_engine;
use crate::store::memtable::run::Run;
use crate::store::statistics::time_ranges::TimeRanges;

const MIDNIGHT: i64 = 20_000 * MICROS_PER_DAY;
const STREAMS: i32 = 5;
const ROWS_EACH: i64 = 4;

/// Raw readings of some streams in memory; a last stream has none.
fn sources(query_context: &QueryContext) -> PartialsSources {
    let of_stream =
        |stream| (0..ROWS_EACH).map(move |at| Reading::good(StreamId(stream), Micros(MIDNIGHT + at), 1.0));
    let rows: Readings = (1..=STREAMS).flat_map(of_stream).collect();
    let streams: BTreeSet<i32> = (1..=STREAMS).collect();
    let scan = ReadingsScan {
        query_context: query_context.clone(),
        visible: Arc::new(VisibleStreams::new(streams.iter().copied().map(StreamId).collect())),
        bounds: Bounds {
            ts: MinMax::new(MIDNIGHT, MIDNIGHT + MICROS_PER_DAY - 1),
            streams: Some(streams),
            value: None,
        },
        filter: None,
        partitions: 2,
    };
    let runs = ScanSources { runs: vec![vec![Run::new(rows, 1)]], ..ScanSources::default() };
    let split = |stream: i32| {
        let day = if stream <= STREAMS { vec![(MIDNIGHT, MIDNIGHT + MICROS_PER_DAY)] } else { Vec::new() };
        Arc::new(RangeSplit {
            stream,
            hours: TimeRanges::default(),
            computed: TimeRanges::default(),
            raw: TimeRanges::new(day),
            visible_from: i64::MIN,
        })
    };
    PartialsSources {
        snapshot: query_context.snapshot.clone(),
        splits: (1..=STREAMS + 1).map(split).collect(),
        readings: vec![DivisibleScan::new(scan, from_readings::COLUMNS.to_vec(), runs).unwrap()],
        buckets: None,
        columns: vec![partial::STREAM_ID, partial::ROWS],
        partitions: 2,
    }
}

/// Returns the streams with the number of their readings, by stream.
fn read(env: &FuzzStore, scan: PartialsScan) -> Vec<(i32, i64)> {
    let context = SessionContext::new().task_ctx();
    let batches = env.runtime.block_on(collect(Arc::new(scan.into_exec()), context)).unwrap();
    let mut rows = Vec::new();
    for batch in batches {
        let streams = batch.column(0).as_primitive::<Int32Type>().values();
        let counts = batch.column(1).as_primitive::<Int64Type>().values();
        rows.extend(streams.iter().copied().zip(counts.iter().copied()));
    }
    rows.sort_unstable();
    rows
}

#[test]
fn parts_have_the_rows_of_the_whole_once() {
    let env = FuzzStore::open();
    let engine = test_engine(&env, None);
    let tracker = engine.start_tracking(&env.owner, Surface::Sql, None);
    let query_context = QueryContext::for_planning(&engine.services, &env.owner, tracker);
    let expected: Vec<(i32, i64)> = (1..=STREAMS).map(|stream| (stream, ROWS_EACH)).collect();
    for count in [1, 2, 3, 8] {
        let whole = PartialsScan::over(sources(&query_context)).unwrap();
        assert_eq!(whole.sources().streams(), STREAMS as usize, "the last has nothing to read");
        assert_eq!(whole.sources().expected_rows(), 20);
        let parts = whole.divide(count).unwrap();
        assert_eq!(read(&env, whole), expected);
        assert_eq!(parts.len(), count);
        let sent = |part: &PartialsScan| part.sources().expected_rows();
        assert_eq!(parts.iter().map(sent).sum::<u64>(), 20, "rows in memory go to one node only");
        let most = parts.iter().map(sent).max();
        assert!(most <= Some(20 / count as u64 + ROWS_EACH as u64), "{most:?} of 20 in {count} parts");
        let found: Vec<_> = parts.into_iter().flat_map(|part| read(&env, part)).collect();
        assert_eq!(found, expected, "{count} parts");
    }
}
