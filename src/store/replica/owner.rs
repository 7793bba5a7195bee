//! The owner of a lake, as a query node asks it for the snapshot of a query.

use std::sync::Arc;

use super::cached_tail::CachedTail;
use super::knowledge::OwnerKnowledge;
use super::lake_versions::RecentLakes;
use super::org_tail::OrgTail;
use super::snapshot_permits::{SnapshotPermit, SnapshotPermits};
use super::tail_cache::TailCache;
use crate::domain::cluster::{CatalogMark, TAIL_PATH, TailQuery, TailRequest};
use crate::domain::ports::OwnerNode;
use crate::domain::{Error, OrgId, Result};
use crate::store::snapshot::Snapshot;
use crate::store::table_set::TableSet;

/// How often a tail is asked for again when the lake was read past its versions meanwhile.
const ATTEMPTS: usize = 5;

/// The owner of the lake that this process reads.
pub struct Owner {
    node: Arc<dyn OwnerNode>,
    recent: RecentLakes,
    tails: TailCache,
    permits: SnapshotPermits,
}

impl Owner {
    /// At most `tail_bytes` of its rows are kept between statements.
    pub fn new(node: Arc<dyn OwnerNode>, tail_bytes: usize) -> Self {
        let tails = TailCache::new(tail_bytes);
        Self { node, recent: RecentLakes::default(), tails, permits: SnapshotPermits::default() }
    }

    /// Returns the bytes of its rows that are kept.
    pub fn tail_bytes(&self) -> usize {
        self.tails.size_bytes()
    }

    /// Waits until a snapshot of an organization may be taken: it begins after the wait, so it has what was acknowledged meanwhile.
    ///
    /// # Errors
    /// The errors of [`SnapshotPermits::acquire`].
    pub async fn admit(&self, org: OrgId) -> Result<SnapshotPermit> {
        self.permits.acquire(org, !self.tails.has(org)).await
    }

    /// Returns a snapshot with every row that was acknowledged before the call, of one organization as far as the rows are not
    /// in the lake. The caller adds the retention bounds, by a catalog that has what the owner's had, and by the owner's clock.
    ///
    /// # Errors
    /// `Unavailable` when the owner does not answer, or the lake cannot be read: an answer without the owner's rows would lack
    /// some.
    pub async fn snapshot(&self, tables: &TableSet, wanted: TailRequest) -> Result<Snapshot> {
        for _ in 0..ATTEMPTS {
            let known = self.tails.get(wanted.org);
            let mut answer = self.ask(wanted, known.as_deref()).await?;
            let (newest, states) = (answer.newest.take(), answer.states.take().unwrap_or_default());
            let (versions, epoch, writer) = (answer.versions.clone(), answer.epoch, answer.instance);
            let expiry_time = answer.expiry_time;
            let catalog = answer.catalog_version.map(|version| CatalogMark { writer, version });
            let tail = Arc::new(CachedTail::new(known.as_deref(), answer)?);
            self.tails.put(wanted.org, tail.clone());
            if let Some(snapshot) = self.recent.snapshot(tables, &versions, &tail).await? {
                let knowledge = OwnerKnowledge { newest, states, epoch, catalog, expiry_time };
                return Ok(Snapshot { owner: Some(Arc::new(knowledge)), ..snapshot });
            }
        }
        Err(Error::unavailable("the lake changes faster than this node reads its log"))
    }

    async fn ask(&self, wanted: TailRequest, known: Option<&CachedTail>) -> Result<OrgTail> {
        let query = TailQuery { wanted, known: known.map(CachedTail::known) };
        let request = serde_json::to_vec(&query)
            .map_err(|e| Error::internal("a request to the ingest node has no JSON").with_source(e))?;
        OrgTail::decode(&self.node.post(TAIL_PATH, request).await?)
    }
}
