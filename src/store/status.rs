//! Status of the store: log, rows in memory, files of the lake, and how far flush and merge are behind.

use super::Store;
use super::lake::LakeVersion;
use super::table::Table;
use crate::domain::server_status::{LakeStatus, MemtableStatus, StoreStatus};
use crate::domain::time::MICROS_PER_SECOND;

impl Store {
    /// Returns sizes and lags. It waits for no disk.
    pub fn status(&self) -> StoreStatus {
        let oldest = self.tables.state.oldest_unflushed();
        let size = &self.flusher.log_size;
        StoreStatus {
            log_bytes: size.bytes(),
            log_segments: size.segments(),
            clock_ahead_s: self.catalog.retention.clock_ahead_us() as f64 / MICROS_PER_SECOND as f64,
            memtable: MemtableStatus {
                readings: self.tables.state.memtable_size().rows as u64,
                used_bytes: self.memory.used_bytes() as u64,
                limit_bytes: self.memory.cap_bytes() as u64,
                flush_lag_s: oldest.map_or(0.0, |since| since.elapsed().as_secs_f64()),
            },
            lake: Table::ALL.map(|table| lake_status(table, &self.tables.lake(table))).into(),
        }
    }
}

/// Counts the files of a version.
fn lake_status(table: Table, lake: &LakeVersion) -> LakeStatus {
    let (mut files, mut bytes, mut rows) = (0, 0, 0);
    for file in lake.files() {
        files += 1;
        bytes += file.bytes;
        rows += file.rows;
    }
    let days = lake.days().values().filter(|files| !files.is_empty()).count() as u64;
    LakeStatus { table: table.name(), files, bytes, rows, days, merge_lag_files: files - days }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::min_max::MinMax;
    use crate::domain::time::Day;
    use crate::store::lake::file::LakeFile;

    fn file(name: &str, day: i32) -> LakeFile {
        LakeFile {
            path: name.to_owned(),
            day: Day(day),
            rows: 10,
            bytes: 1000,
            streams: MinMax { min: 1, max: 1 },
            ts: MinMax { min: 0, max: 0 },
            seq: MinMax { min: 0, max: 0 },
            is_late: false,
            crc32: None,
            longest_text: None,
            footer: None,
        }
    }

    #[test]
    fn files_above_one_a_day_wait_for_a_merge() {
        let rows: [(&str, &[i32], [u64; 3]); 4] = [
            ("none", &[], [0, 0, 0]),
            ("one a day", &[1, 2], [2, 2, 0]),
            ("three on one day", &[1, 1, 1], [3, 1, 2]),
            ("two days", &[1, 1, 2, 2], [4, 2, 2]),
        ];
        for (name, days, [files, expected_days, lag]) in rows {
            let made = days.iter().enumerate().map(|(at, day)| file(&at.to_string(), *day));
            let status = lake_status(Table::Messages, &LakeVersion::new(1, made));
            let expected = LakeStatus {
                table: "messages",
                files,
                bytes: files * 1000,
                rows: files * 10,
                days: expected_days,
                merge_lag_files: lag,
            };
            assert_eq!(status, expected, "{name}");
        }
    }
}
