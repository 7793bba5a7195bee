//! Retention policies, and the dry run of their change: what it would remove.

use std::sync::Arc;

use super::core_parts::CoreParts;
use crate::domain::policy::{Policy, PolicyChange, PolicyTable};
use crate::domain::{Error, Principal, Resource, Result, Scope, StreamId};
use crate::store::Store;
use crate::store::retention::RetentionPreview;

/// Policies of how long rows are kept.
pub struct Retention {
    store: Arc<Store>,
}

impl Retention {
    pub(super) fn new(parts: &CoreParts) -> Self {
        Self { store: parts.store.clone() }
    }

    /// Returns how many seconds each table keeps the organization's rows, in the order of `PolicyTable::ALL`; none
    /// means forever.
    pub fn retention(&self, principal: &Principal) -> Result<Vec<(PolicyTable, Option<i64>)>> {
        principal.require(Scope::read(Resource::System))?;
        let policies = self.store.catalog().retention.policies(principal, None)?;
        let keep = |table| policies.iter().find(|p| p.table == table).map(|p| p.drop_after_s);
        Ok(PolicyTable::ALL.into_iter().map(|table| (table, keep(table))).collect())
    }

    /// Returns the policies set for one stream.
    pub fn retention_of(&self, principal: &Principal, stream: StreamId) -> Result<Vec<Arc<Policy>>> {
        principal.require(Scope::read(Resource::System))?;
        self.store.catalog().retention.policies(principal, Some(stream))
    }

    /// Requires a principal that may change the policies of the organization, or of one stream.
    pub fn retention_to_change(&self, principal: &Principal, stream: Option<StreamId>) -> Result<()> {
        principal.require(Scope::write(Resource::System))?;
        match stream {
            Some(id) => self.store.catalog().streams.stream(principal, id).map(drop),
            None if principal.is_restricted() => {
                Err(Error::forbidden("a key restricted to some devices or data may not change this"))
            }
            None => Ok(()),
        }
    }

    /// Creates, replaces or removes policies. Returns whether one is new. Rows that have expired by then are invisible
    /// when this returns, and leave the disk within a retention cycle.
    pub async fn change_retention(&self, principal: &Principal, change: &PolicyChange) -> Result<bool> {
        self.retention_to_change(principal, change.stream)?;
        let catalog = self.store.catalog();
        let mut is_new = false;
        for table in &change.tables {
            match change.drop_after_s {
                Some(keep) => {
                    is_new |= catalog.retention.set_policy(principal, *table, change.stream, keep).await?.1
                }
                None => drop(catalog.retention.remove_policy(principal, *table, change.stream).await?),
            }
        }
        Ok(is_new)
    }

    /// Returns what a change would remove from the disk, without changing anything.
    pub async fn dry_run_retention(
        &self,
        principal: &Principal,
        change: &PolicyChange,
    ) -> Result<RetentionPreview> {
        self.retention_to_change(principal, change.stream)?;
        self.store.dry_run_retention(principal, change).await
    }
}
