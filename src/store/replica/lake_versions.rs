//! The tables of a foreign lake at exactly the versions that its owner names.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::Result;
use crate::store::lake::LakeVersion;
use crate::store::snapshot::Snapshot;
use crate::store::state::{LoadedTables, PinnedState};
use crate::store::statistics::materialization::Materialization;
use crate::store::table::{PerTable, Table};
use crate::store::table_set::{self, TableSet};

use super::cached_tail::CachedTail;

/// How many combinations of versions are kept. Queries that were given an older one while it is read ask again.
const KEPT_VERSIONS: usize = 8;

/// The last combinations of versions that were read, the newest last.
#[derive(Default)]
pub struct RecentLakes(Mutex<VecDeque<Arc<LakesAtVersions>>>);

/// The live files of every table at one moment of the owner.
struct LakesAtVersions {
    lakes: PerTable<Arc<LakeVersion>>,
    materialization: Materialization,
    hours: Materialization,
}

impl LakesAtVersions {
    fn are_at(&self, versions: &PerTable<u64>) -> bool {
        Table::ALL.iter().all(|table| self.lakes[*table].version == versions[*table])
    }
}

impl RecentLakes {
    /// Returns the snapshot that a tail completes at the versions that were named with it; `None` when they are older than what
    /// was read meanwhile.
    ///
    /// # Errors
    /// `Unavailable` when a Delta log cannot be read.
    pub async fn snapshot(
        &self,
        tables: &TableSet,
        versions: &PerTable<u64>,
        tail: &CachedTail,
    ) -> Result<Option<Snapshot>> {
        let Some(found) = self.lakes(tables, versions).await? else { return Ok(None) };
        let pinned = PinnedState {
            lakes: found.lakes.clone(),
            memory: tail.memory(),
            upserts: tail.upserts.clone(),
            flushed: tail.flushed,
            seq: tail.seq,
            materialization: found.materialization.clone(),
            hours: found.hours.clone(),
        };
        Ok(Some(tables.snapshot_of(pinned)))
    }

    async fn lakes(
        &self,
        tables: &TableSet,
        versions: &PerTable<u64>,
    ) -> Result<Option<Arc<LakesAtVersions>>> {
        let known = || self.0.lock().iter().find(|lakes| lakes.are_at(versions)).cloned();
        if let Some(known) = known() {
            return Ok(Some(known));
        }
        let mut delta_logs = tables.lock().await;
        // Whoever held the lock may have read the same.
        if let Some(known) = known() {
            return Ok(Some(known));
        }
        for table in Table::ALL {
            if !delta_logs[table].read_to(versions[table]).await? {
                return Ok(None);
            }
        }
        let LoadedTables { lakes, computed, hours, .. } = table_set::load(&delta_logs).await?;
        let read = LakesAtVersions { lakes: lakes.map(Arc::new), materialization: computed, hours };
        let read = Arc::new(read);
        let mut recent = self.0.lock();
        recent.push_back(read.clone());
        if recent.len() > KEPT_VERSIONS {
            recent.pop_front();
        }
        Ok(Some(read))
    }
}
