//! Groups of streams and their members.

use std::sync::Arc;

use super::core_parts::CoreParts;
use crate::domain::group::{Group, GroupSpec};
use crate::domain::pagination::Pagination;
use crate::domain::{FieldError, GroupId, Principal, Resource, Result, Scope, StreamId};
use crate::store::Store;

/// Groups of streams.
pub struct Groups {
    store: Arc<Store>,
}

impl Groups {
    pub(super) fn new(parts: &CoreParts) -> Self {
        Self { store: parts.store.clone() }
    }

    /// Returns the groups of the principal's organization, by id.
    pub fn groups(&self, principal: &Principal, page: Pagination) -> Result<Vec<Arc<Group>>> {
        principal.require(Scope::read(Resource::Group))?;
        Ok(self.store.catalog().groups.groups(principal, page))
    }

    /// Returns a group of the principal's organization; `NotFound` when it is absent.
    pub fn group(&self, principal: &Principal, id: GroupId) -> Result<Arc<Group>> {
        principal.require(Scope::read(Resource::Group))?;
        self.store.catalog().groups.group(principal, id)
    }

    /// Requires a principal that may change groups. A restricted key may not: they belong to the whole organization.
    ///
    /// # Errors
    /// `Forbidden` otherwise.
    pub fn check_may_change_groups(&self, principal: &Principal) -> Result<()> {
        principal.require(Scope::write(Resource::Group))?;
        self.store.catalog().groups.check_may_change_groups(principal)
    }

    /// Returns the group for a principal that may change it.
    pub fn group_to_change(&self, principal: &Principal, id: GroupId) -> Result<Arc<Group>> {
        self.check_may_change_groups(principal)?;
        self.store.catalog().groups.group(principal, id)
    }

    /// Returns the ids of the streams in a group that the principal sees, ascending.
    pub fn members(&self, principal: &Principal, id: GroupId) -> Vec<StreamId> {
        self.store.catalog().groups.group_members(principal, id)
    }

    /// Returns every problem of a group as it would be stored, except names that are already taken.
    pub fn group_problems(
        &self,
        principal: &Principal,
        spec: &GroupSpec,
        members: Option<&[StreamId]>,
    ) -> Vec<FieldError> {
        let mut found = spec.problems();
        let catalog = self.store.catalog();
        let absent =
            members.into_iter().flatten().find(|id| catalog.streams.stream(principal, **id).is_err());
        found.extend(absent.map(|id| super::stream::no_such_row("data", id)));
        found
    }

    /// Creates a group with its members, which leave their former groups.
    pub async fn create_group(
        &self,
        principal: &Principal,
        spec: GroupSpec,
        members: Vec<StreamId>,
    ) -> Result<Arc<Group>> {
        self.check_may_change_groups(principal)?;
        self.store.catalog().groups.create_group(principal, spec, members).await
    }

    /// Changes a group as it is stored at that moment. `members`, if given, replace those that the principal sees.
    pub async fn update_group(
        &self,
        principal: &Principal,
        id: GroupId,
        change: impl FnOnce(&mut GroupSpec) + Send,
        members: Option<Vec<StreamId>>,
    ) -> Result<Arc<Group>> {
        self.check_may_change_groups(principal)?;
        self.store.catalog().groups.update_group(principal, id, change, members).await
    }

    /// Deletes a group. Its streams stay, without a group.
    pub async fn delete_group(&self, principal: &Principal, id: GroupId) -> Result<()> {
        self.check_may_change_groups(principal)?;
        self.store.catalog().groups.delete_group(principal, id).await
    }
}
