//! How many bytes of the lake an organization takes. Files are sorted by stream and hold several organizations' rows, so
//! a file counts by the organization's share of the streams in it: exact where there is one organization, and an estimate
//! where several have streams with ids between each other.

use super::Store;
use super::catalog::OwnedIds;
use super::lake::file::LakeFile;
use super::table::Table;
use crate::domain::OrgId;

impl Store {
    /// Bytes of the files of readings, statistics and messages that are an organization's. Rows that are not flushed yet
    /// take none.
    pub fn lake_bytes(&self, org: OrgId) -> u64 {
        let ids = self.catalog.orgs.owned_ids(org);
        let of_table = |table| -> u64 {
            let (own, all) = ids_of(&ids, table);
            self.tables.lake(table).files().map(|file| share(file, own, all)).sum()
        };
        Table::ALL.into_iter().map(of_table).sum()
    }
}

/// The ids in the first column of a table: the organization's, and all.
fn ids_of(ids: &OwnedIds, table: Table) -> (&[i32], &[i32]) {
    match table {
        Table::Readings | Table::Statistics | Table::HourlyStatistics => (&ids.streams, &ids.all_streams),
        Table::Messages => (&ids.devices, &ids.all_devices),
    }
}

/// The part of a file's bytes that belongs to the owner of `own`.
fn share(file: &LakeFile, own: &[i32], all: &[i32]) -> u64 {
    let (owned, known) = (count_within(own, file), count_within(all, file));
    if known == 0 {
        // Everything in it was deleted.
        return 0;
    }
    let part = u128::from(file.bytes) * owned as u128 / known as u128;
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// How many of the ascending ids are in the range of a file.
fn count_within(ids: &[i32], file: &LakeFile) -> usize {
    let below = ids.partition_point(|id| *id < file.streams.min);
    let up_to = ids.partition_point(|id| *id <= file.streams.max);
    up_to.saturating_sub(below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::min_max::MinMax;
    use crate::domain::time::Day;

    fn file(bytes: u64, streams: MinMax<i32>) -> LakeFile {
        LakeFile {
            path: String::new(),
            day: Day(0),
            rows: 1,
            bytes,
            streams,
            ts: MinMax { min: 0, max: 0 },
            seq: MinMax { min: 0, max: 0 },
            is_late: false,
            crc32: None,
            longest_text: None,
            footer: None,
        }
    }

    #[test]
    fn a_file_counts_by_the_streams_in_it() {
        let all = [1, 2, 3, 4, 9];
        let rows: [(&str, MinMax<i32>, &[i32], u64); 6] = [
            ("alone", MinMax { min: 1, max: 9 }, &all, 1000),
            ("half", MinMax { min: 1, max: 4 }, &[1, 3], 500),
            ("one_of_five", MinMax { min: 1, max: 9 }, &[9], 200),
            ("not_in_it", MinMax { min: 1, max: 2 }, &[9], 0),
            ("all_deleted", MinMax { min: 5, max: 8 }, &all, 0),
            ("empty", MinMax { min: i32::MAX, max: i32::MIN }, &all, 0),
        ];
        for (name, streams, own, expected) in rows {
            assert_eq!(share(&file(1000, streams), own, &all), expected, "{name}");
        }
        let of = |own: &[i32]| share(&file(u64::MAX, MinMax { min: 1, max: 2 }), own, &all);
        assert!(of(&[1]) + of(&[2]) >= u64::MAX - 1, "the shares are all of it");
    }
}
