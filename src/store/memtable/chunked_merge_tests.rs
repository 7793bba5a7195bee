//! Tests that all chunks together are the merge of everything.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::ChunkedMerge;
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::{Micros, StreamId};
use crate::store::memtable::run::{Run, merge, normalize};

/// Keys, values and seqs of all rows.
fn rows<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<(i32, i64, f64, i64)> {
    let of = |run: &'a Run| (0..run.len()).map(|i| (run.stream[i], run.ts[i], run.value[i], run.seq[i]));
    runs.into_iter().flat_map(of).collect()
}

#[test]
fn pieces_are_the_whole_in_order() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut random = |seq: u64, rows: usize, streams: i32, times: i64| {
        let reading = |_| {
            let (stream, ts) = (rng.random_range(0..streams), rng.random_range(0..times));
            Reading::good(StreamId(stream), Micros(ts), seq as f64)
        };
        Run::new(normalize((0..rows).map(reading).collect::<Readings>()), seq)
    };
    for (name, streams, times, lengths) in [
        ("nothing", 1, 1, vec![]),
        ("one_row", 1, 1, vec![1]),
        ("one_key_again_and_again", 1, 1, vec![10; 9]),
        ("one_run", 3, 100_000, vec![5000]),
        ("one_stream", 1, 3000, vec![1000; 7]),
        ("many_streams", 500, 50, vec![3000, 10, 700, 4000, 1]),
    ] {
        let runs: Vec<Run> =
            (1..).zip(lengths).map(|(seq, rows)| random(seq, rows, streams, times)).collect();
        let whole = merge(&runs);
        for about in [1, 700, 1 << 20] {
            let pieces: Vec<Run> = ChunkedMerge::with_chunk_rows(runs.clone(), about).collect();
            assert_eq!(rows(&pieces), rows(&whole), "{name}, {about}");
            assert!(pieces.iter().all(|piece| !piece.is_empty()), "{name}, {about}");
        }
    }
}

#[test]
fn a_piece_is_no_larger_than_it_has_to_be() {
    // Runs one after the other in time, as in a backfill, and all at once, as with many streams.
    let run = |seq: u64, streams: i32, from: i64| {
        let keys = (0..streams).flat_map(|s| (from..from + 10_000 / i64::from(streams)).map(move |t| (s, t)));
        Run::new(keys.map(|(s, t)| Reading::good(StreamId(s), Micros(t), 0.0)).collect(), seq)
    };
    for streams in [1, 100] {
        let runs: Vec<Run> = (0..40).map(|n| run(n, streams, n as i64 * 10_000)).collect();
        let largest = ChunkedMerge::with_chunk_rows(runs, 20_000).map(|piece| piece.len()).max();
        assert!(largest.is_some_and(|rows| rows < 40_000), "{streams} streams: {largest:?}");
    }
}

#[test]
fn a_piece_has_a_few_texts_where_they_are_long() {
    let text = |seq: u64, i: i64| Reading {
        stream: StreamId(1),
        ts: Micros(i * 3 + seq as i64),
        value: None,
        text: Some("x".repeat(if i % 2 == 0 { 1 << 20 } else { 10 }).into()),
        quality: Quality::Good,
    };
    let runs: Vec<Run> = (1..4).map(|seq| Run::new((0..40).map(|i| text(seq, i)).collect(), seq)).collect();
    let whole = merge(&runs).unwrap();
    let pieces: Vec<Run> = ChunkedMerge::new(runs).collect();
    assert_eq!(pieces.iter().map(Run::len).sum::<usize>(), whole.len());
    let largest = pieces.iter().map(Run::text_bytes).max().unwrap();
    assert!((8 << 20..32 << 20).contains(&largest), "{largest}");
}

#[test]
fn batches_end_where_rows_or_texts_are_enough() {
    let text = |i: i64| Reading {
        text: Some("x".repeat(i as usize).into()),
        ..Reading::lost(StreamId(1), Micros(i))
    };
    let run = Run::new((0..10).map(text).collect(), 1);
    for (name, start, rows, bytes, expected) in [
        ("rows", 0, 3, 1000, 3),
        ("all", 2, 100, 1000, 10),
        ("text", 0, 100, 6, 4),
        ("text of a slice", 4, 100, 9, 6),
        ("one row at least", 8, 100, 1, 9),
        ("the last", 9, 1, 1, 10),
    ] {
        assert_eq!(run.end_of_batch(start, rows, bytes), expected, "{name}");
        let rest = run.slice(start, 10 - start);
        assert_eq!(rest.end_of_batch(0, rows, bytes), expected - start, "{name}, as a slice");
    }
    assert_eq!((run.text_bytes(), run.longest_text(), run.slice(2, 3).text_bytes()), (45, 9, 9));
}
