//! Groups and who is in them.

use std::sync::Arc;

use super::App;
use crate::domain::group::{Group, GroupSpec};
use crate::domain::page::Page;
use crate::domain::{FieldError, GroupId, Principal, Resource, Result, Scope, StreamId};

impl App {
    /// The groups of the principal's organization, by id.
    pub fn groups(&self, principal: &Principal, page: Page) -> Result<Vec<Arc<Group>>> {
        principal.require(Scope::read(Resource::Group))?;
        Ok(self.store.catalog().groups(principal, page))
    }

    pub fn group(&self, principal: &Principal, id: GroupId) -> Result<Arc<Group>> {
        principal.require(Scope::read(Resource::Group))?;
        self.store.catalog().group(principal, id)
    }

    /// The group, for a principal that may change it.
    pub fn group_to_change(&self, principal: &Principal, id: GroupId) -> Result<Arc<Group>> {
        principal.require(Scope::write(Resource::Group))?;
        self.store.catalog().group(principal, id)
    }

    /// The streams in a group that the principal sees, ascending.
    pub fn members(&self, principal: &Principal, id: GroupId) -> Vec<StreamId> {
        self.store.catalog().group_members(principal, id)
    }

    /// Everything wrong with a group as it would be stored, but for names already taken.
    pub fn group_problems(
        &self,
        principal: &Principal,
        spec: &GroupSpec,
        members: Option<&[StreamId]>,
    ) -> Vec<FieldError> {
        let mut found = spec.problems();
        let catalog = self.store.catalog();
        let absent = members.into_iter().flatten().find(|id| catalog.stream(principal, **id).is_err());
        found.extend(absent.map(|id| super::stream::no_such_row("data", id)));
        found
    }

    /// Makes a group with its members, which leave their former groups.
    pub async fn create_group(
        &self,
        principal: &Principal,
        spec: GroupSpec,
        members: Vec<StreamId>,
    ) -> Result<Arc<Group>> {
        principal.require(Scope::write(Resource::Group))?;
        self.store.catalog().create_group(principal, spec, members).await
    }

    /// Changes a group as it stands at that moment; `members`, if given, replace those the principal sees.
    pub async fn update_group(
        &self,
        principal: &Principal,
        id: GroupId,
        change: impl FnOnce(&mut GroupSpec) + Send,
        members: Option<Vec<StreamId>>,
    ) -> Result<Arc<Group>> {
        principal.require(Scope::write(Resource::Group))?;
        self.store.catalog().update_group(principal, id, change, members).await
    }

    /// Deletes a group; its streams stay, in none.
    pub async fn delete_group(&self, principal: &Principal, id: GroupId) -> Result<()> {
        principal.require(Scope::write(Resource::Group))?;
        self.store.catalog().delete_group(principal, id).await
    }
}
