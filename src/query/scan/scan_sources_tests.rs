//! Tests that a divided scan has every source once, and that nodes get about as much.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::domain::min_max::MinMax;
use crate::domain::reading::{Reading, Readings};
use crate::domain::time::Day;
use crate::domain::{Micros, StreamId};

fn file(number: usize, rows: u64) -> Arc<LakeFile> {
    let day = Day(20_000 + number as i32 % 7);
    Arc::new(LakeFile {
        path: format!("date={}/part-{number}.parquet", day.0),
        day,
        rows,
        bytes: rows,
        streams: MinMax::new(0, 9),
        ts: MinMax::new(0, 1),
        seq: MinMax::new(0, 1),
        is_late: false,
        crc32: None,
        longest_text: None,
        footer: None,
    })
}

fn run(rows: usize) -> Run {
    let readings = (0..rows).map(|at| Reading::good(StreamId(1), Micros(at as i64), 0.0));
    Run::new(readings.collect::<Readings>(), 1)
}

fn nodes(count: usize) -> Vec<String> {
    (0..count).map(|node| format!("http://node{node}:8002/")).collect()
}

/// Every row group that the parts would read of 240, by file.
fn groups_read(parts: &[ScanSources]) -> BTreeMap<String, Vec<usize>> {
    let mut read: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for part in parts.iter().flat_map(|part| &part.files) {
        let groups = part.share.range(240).skip(part.index).step_by(part.count);
        read.entry(part.file.path.clone()).or_default().extend(groups);
    }
    read.values_mut().for_each(|groups| groups.sort_unstable());
    read
}

#[test]
fn within_bounds_are_sources_that_can_have_rows() {
    let other = |streams, ts| Arc::new(LakeFile { streams, ts, ..LakeFile::clone(&file(9, 5)) });
    let of_others = other(MinMax::new(7, 9), MinMax::new(0, 1));
    let later = other(MinMax::new(0, 9), MinMax::new(6, 8));
    let own = file(1, 5);
    let sources = ScanSources {
        files: [&own, &of_others, &later].map(|file| FilePartition::whole(file.clone())).into(),
        runs: vec![vec![run(9), run(1)], vec![]],
        merged: vec![
            MergedDay { files: vec![own.clone(), later.clone()], runs: vec![run(4)] },
            MergedDay { files: vec![of_others.clone()], runs: vec![run(0)] },
        ],
    };
    let bounds = |streams: [i32; 2]| Bounds {
        ts: MinMax::new(1, 3),
        streams: Some(BTreeSet::from(streams)),
        value: None,
    };
    let some = sources.within(&bounds([1, 4]));
    let spans: Vec<MinMax<i64>> = some.files.iter().map(|part| part.file.ts).collect();
    assert_eq!(spans, [own.ts]);
    assert_eq!((some.runs.len(), some.merged.len()), (1, 1));
    assert_eq!(some.runs[0].len(), 1, "a run has no row at these times");
    assert_eq!(some.merged[0].files, [own]);
    assert_eq!(some.merged[0].runs.len(), 1);
    let none = sources.within(&bounds([10, 11]));
    assert_eq!((none.files.len(), none.runs.len(), none.merged.len()), (0, 0, 0));
}

#[test]
fn runs_are_cut_to_the_streams_from_the_first_to_the_last_without_a_copy() {
    let readings = [i32::MIN, 1, 2, 3, 3, i32::MAX];
    let readings = (0..).zip(readings).map(|(ts, stream)| Reading::good(StreamId(stream), Micros(ts), 0.0));
    let run = Run::new(readings.collect::<Readings>(), 1);
    let sources = ScanSources { runs: vec![vec![run.clone()]], ..ScanSources::default() };
    for (streams, expected) in [
        (vec![1, 3], vec![1, 2, 3, 3]),
        (vec![2], vec![2]),
        (vec![3, i32::MAX], vec![3, 3, i32::MAX]),
        (vec![i32::MIN, 0], vec![i32::MIN]),
        (vec![4, 9], vec![]),
    ] {
        let bounds = Bounds { streams: Some(streams.into_iter().collect()), ..Bounds::default() };
        let within = sources.within(&bounds);
        let found: Vec<&Run> = within.runs.iter().flatten().collect();
        let streams: Vec<i32> = found.iter().flat_map(|run| run.stream.to_vec()).collect();
        assert_eq!(streams, expected);
        let is_part = |part: &&Run| run.stream.as_ptr_range().contains(&part.stream.as_ptr());
        assert!(found.iter().all(is_part), "a copy");
    }
    assert_eq!(sources.within(&Bounds::default()).rows(), 6);
}

proptest! {
    #[test]
    fn each_source_is_in_one_part(
        sizes in proptest::collection::vec(1_u64..500_000, 0..40),
        merged in proptest::collection::vec(1_u64..500_000, 0..5),
        days in proptest::collection::vec(1_usize..50, 0..5),
        count in 1_usize..6,
    ) {
        let sources = ScanSources {
            files: sizes.iter().enumerate().map(|(at, rows)| FilePartition::whole(file(at, *rows))).collect(),
            runs: days.iter().map(|rows| vec![run(*rows), run(1)]).collect(),
            merged: merged
                .iter()
                .enumerate()
                .map(|(at, rows)| MergedDay { files: vec![file(100 + at, *rows)], runs: vec![run(2)] })
                .collect(),
        };
        let rows = sources.rows();
        let parts = sources.divide(&nodes(count));
        prop_assert_eq!(parts.len(), count);
        let all: Vec<usize> = (0..240).collect();
        let read = groups_read(&parts);
        prop_assert_eq!(read.len(), sizes.len());
        prop_assert!(read.values().all(|groups| *groups == all), "a row group is read twice or never");
        let runs: usize = parts.iter().map(|part| part.runs.len()).sum();
        prop_assert_eq!(runs, days.len());
        let paths: Vec<String> =
            parts.iter().flat_map(|part| &part.merged).map(|day| day.files[0].path.clone()).collect();
        prop_assert_eq!(paths.len(), merged.len());
        prop_assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), merged.len());
        // A file that is divided may lose a remainder in each part.
        let sum: u64 = parts.iter().map(ScanSources::rows).sum();
        prop_assert!(rows.abs_diff(sum) <= (sizes.len() * count) as u64);
    }

    /// The partitions of all nodes have each row group once, those of a node adjacent ones, and as many as those of another.
    #[test]
    fn partitions_of_shares_have_each_row_group_once(nodes in 1_usize..9, partitions in 1_usize..9) {
        let shares: Vec<_> = FilePartition::share_out(file(1, 1_000_000), nodes).collect();
        for share in &shares {
            prop_assert!(share.share.range(240).len().abs_diff(240 / nodes) <= 1);
        }
        let parts = shares.into_iter().flat_map(|share| share.divide(partitions));
        let parts = parts.map(|part| ScanSources { files: vec![part], ..ScanSources::default() });
        let read = groups_read(&parts.collect::<Vec<_>>());
        prop_assert!(read.values().all(|groups| *groups == (0..240).collect::<Vec<_>>()));
    }
}

#[test]
fn nodes_get_about_as_much_and_keep_their_files_when_others_come() {
    let sources = || ScanSources {
        files: (0..400).map(|at| FilePartition::whole(file(at, 1000 + at as u64 % 50))).collect(),
        ..ScanSources::default()
    };
    let of = |parts: &[ScanSources]| -> Vec<BTreeSet<String>> {
        let paths = |part: &ScanSources| part.files.iter().map(|part| part.file.path.clone()).collect();
        parts.iter().map(paths).collect()
    };
    let even = sources().rows() / 4;
    let four = sources().divide(&nodes(4));
    for part in &four {
        assert!(part.rows().abs_diff(even) * 5 < even, "{} of {even}", part.rows());
    }
    let (four, again, more) = (of(&four), of(&sources().divide(&nodes(4))), of(&sources().divide(&nodes(5))));
    assert_eq!(four, again);
    let kept: usize = four.iter().zip(&more).map(|(before, after)| before.intersection(after).count()).sum();
    assert!(kept > 250, "{kept} of 400 files stay with their node");
}

#[test]
fn one_large_file_is_shared_by_all() {
    let sources =
        ScanSources { files: vec![FilePartition::whole(file(1, 10_000_000))], ..ScanSources::default() };
    let rows: Vec<u64> = sources.divide(&nodes(4)).iter().map(ScanSources::rows).collect();
    assert_eq!(rows, [2_500_000; 4]);
}
