//! The owner of a lake, as a query node asks it for the snapshot of a query.

use std::sync::Arc;

use super::knowledge::OwnerKnowledge;
use super::lake_versions::RecentLakes;
use super::org_tail::OrgTail;
use crate::domain::cluster::{TAIL_PATH, TailRequest};
use crate::domain::ports::OwnerNode;
use crate::domain::{Error, Result};
use crate::store::snapshot::Snapshot;
use crate::store::table_set::TableSet;

/// How often a tail is asked for again when the lake was read past its versions meanwhile.
const ATTEMPTS: usize = 5;

/// The owner of the lake that this process reads.
pub struct Owner {
    node: Arc<dyn OwnerNode>,
    recent: RecentLakes,
}

impl Owner {
    pub fn new(node: Arc<dyn OwnerNode>) -> Self {
        Self { node, recent: RecentLakes::default() }
    }

    /// Returns a snapshot with every row that was acknowledged before the call, of one organization as far as the rows are not
    /// in the lake. The caller adds the retention bounds.
    ///
    /// # Errors
    /// `Unavailable` when the owner does not answer, or the lake cannot be read: an answer without the owner's rows would lack
    /// some.
    pub async fn snapshot(&self, tables: &TableSet, wanted: TailRequest) -> Result<Snapshot> {
        let request = serde_json::to_vec(&wanted)
            .map_err(|e| Error::internal("a request to the ingest node has no JSON").with_source(e))?;
        for _ in 0..ATTEMPTS {
            let bytes = self.node.post(TAIL_PATH, request.clone()).await?;
            let mut tail = OrgTail::decode(&bytes)?;
            let knowledge =
                OwnerKnowledge { newest: tail.newest.take(), states: tail.states.take().unwrap_or_default() };
            if let Some(snapshot) = self.recent.snapshot(tables, tail).await? {
                return Ok(Snapshot { owner: Some(Arc::new(knowledge)), ..snapshot });
            }
        }
        Err(Error::unavailable("the lake changes faster than this node reads its log"))
    }
}
