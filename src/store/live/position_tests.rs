//! Tests that positions survive encoding, and that a history read in parts has each row once.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn keys() -> impl Strategy<Value = HistoryKey> {
    (0_i32..4, 0_i32..4, 0_i64..4).prop_map(|(day, stream, ts)| {
        let ts = i64::from(day) * crate::domain::time::MICROS_PER_DAY + ts;
        key(stream, ts)
    })
}

fn positions() -> impl Strategy<Value = FeedPosition> {
    let parts = prop::collection::vec((keys(), 1_u64..100), 0..MAX_HISTORY_PARTS);
    (1_u64.., 0_u32.., 0_i64..1000, parts).prop_map(|(seq, row, since, mut parts)| {
        parts.sort_by_key(|(upto, _)| *upto);
        parts.dedup_by_key(|(upto, _)| *upto);
        let mut covered = HistoryCoverage::since(Micros(if parts.is_empty() { 0 } else { since }));
        for (n, (upto, _)) in parts.into_iter().enumerate() {
            covered.add(upto, n as u64 + 1);
        }
        FeedPosition { seq, row, covered }
    })
}

proptest! {
    #[test]
    fn positions_come_back_as_they_were(position in positions()) {
        prop_assert_eq!(FeedPosition::decode(&position.encode()), Some(position));
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Some(position) = FeedPosition::decode(&bytes) {
            prop_assert_eq!(position.encode(), bytes);
        }
    }

    /// Writes rows, each in a record of its own. Reads a history that is left and resumed at other moments, and then
    /// the log from the first moment on.
    #[test]
    fn a_history_read_in_parts_has_each_row_once(
        written in prop::collection::btree_set(keys(), 1..20).prop_map(|rows| rows.into_iter().collect::<Vec<_>>()).prop_shuffle(),
        stops in prop::collection::vec((0_u64..20, 0_usize..8), 1..6),
        since in 0_i64..5,
    ) {
        let seq_of = |row: &HistoryKey| written.iter().position(|w| w == row).unwrap() as u64 + 1;
        let mut stops = stops;
        stops.sort_unstable();
        let mut covered = HistoryCoverage::since(Micros(since));
        let mut got: Vec<HistoryKey> = Vec::new();
        let last = stops.len() - 1;
        for (n, (seq, rows)) in stops.iter().enumerate() {
            let snapshot: BTreeSet<HistoryKey> =
                written.iter().filter(|row| seq_of(row) <= *seq && row.2 >= since).copied().collect();
            let begun = covered.last();
            let rest = snapshot.into_iter().filter(|row| begun.is_none_or(|b| *row > b));
            let rest: Vec<HistoryKey> = rest.take(if n == last { usize::MAX } else { *rows }).collect();
            got.extend(&rest);
            match rest.last() {
                Some(upto) if n < last => covered.add(*upto, *seq),
                _ if n == last => covered.add(HISTORY_END, *seq),
                _ => {}
            }
        }
        // The log is read from the snapshot of the first part that has rows.
        let from = covered.parts[0].seq + 1;
        for seq in from..=written.len() as u64 {
            let (_, stream, ts) = written[seq as usize - 1];
            if !covered.has(seq, stream, ts) {
                got.push(written[seq as usize - 1]);
            }
            covered.prune(seq + 1);
        }
        let mut expected: Vec<HistoryKey> =
            written.iter().filter(|row| row.2 >= since || seq_of(row) >= from).copied().collect();
        expected.sort_unstable();
        got.sort_unstable();
        prop_assert_eq!(got, expected);
    }
}

#[test]
fn what_is_covered_is_forgotten_once_the_log_is_past_it() {
    let mut covered = HistoryCoverage::since(Micros(0));
    covered.add(key(1, 5), 7);
    covered.prune(100);
    assert!(covered.is_open() && !covered.is_none());
    covered.add(HISTORY_END, 9);
    covered.prune(9);
    assert!(covered.has(9, 2, 6) && !covered.has(10, 2, 6) && covered.has(7, 1, 5) && !covered.has(8, 1, 5));
    covered.prune(10);
    assert!(covered.is_none());
}
