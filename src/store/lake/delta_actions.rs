//! Actions of a commit to the Delta log.

use std::collections::HashMap;

use deltalake_core::kernel::{Add, Remove, Transaction};
use deltalake_core::protocol::{DeltaOperation, SaveMode};

use super::file::LakeFile;
use super::ownership::{DIRECTORY_APP_ID, EPOCH_APP_ID, LakeOwner};

/// The column by which tables are partitioned.
pub(super) const PARTITION: &str = "date";

/// The action that adds a file. `key` is the column of its smallest and largest stream.
pub(super) fn add(file: &LakeFile, key: &str, data_change: bool, now_ms: i64) -> Add {
    Add {
        path: file.path.clone(),
        partition_values: partition(file),
        size: file.bytes as i64,
        modification_time: now_ms,
        data_change,
        stats: Some(file.delta_stats(key)),
        tags: Some(file.tags()),
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

/// The transactions by which a commit names its owner.
pub(super) fn owner_transactions(owner: LakeOwner) -> [Transaction; 2] {
    let LakeOwner { directory, epoch } = owner;
    [Transaction::new(DIRECTORY_APP_ID, directory), Transaction::new(EPOCH_APP_ID, epoch)]
}

/// The operation of a commit that adds rows.
pub(super) fn append_operation() -> DeltaOperation {
    DeltaOperation::Write {
        mode: SaveMode::Append,
        partition_by: Some(vec![PARTITION.to_owned()]),
        predicate: None,
    }
}

/// The action that removes a file.
pub(super) fn remove(file: &LakeFile, data_change: bool, now_ms: i64) -> Remove {
    Remove {
        path: file.path.clone(),
        data_change,
        deletion_timestamp: Some(now_ms),
        extended_file_metadata: Some(true),
        partition_values: Some(partition(file)),
        size: Some(file.bytes as i64),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
    }
}

fn partition(file: &LakeFile) -> HashMap<String, Option<String>> {
    HashMap::from([(PARTITION.to_owned(), Some(file.day.to_string()))])
}
