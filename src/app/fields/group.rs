//! The fields of a group. Its members are rows of their own and are given beside it, as `data`.

use std::sync::Arc;

use super::noun::Noun;
use super::reader::FieldReader;
use super::visitor::FieldVisitor;
use super::visitor::Presence::{Optional, Required};
use crate::app::group::Groups;
use crate::domain::group::{Group, GroupSpec};
use crate::domain::{GroupId, Principal, Result, StreamId};

impl Noun for GroupSpec {
    fn blank() -> Self {
        GroupSpec { name: String::new(), description: String::new() }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        // All fields by name: one that is missing here does not compile.
        let GroupSpec { name, description } = self;
        visitor.visit("name", Required, 1..=100, name);
        visitor.visit("description", Optional, 0..=1000, description);
    }
}

impl Groups {
    /// Creates a group with its members; absent fields get their defaults.
    ///
    /// # Errors
    /// `Forbidden` for a principal that may not change groups; `Invalid` naming every wrong field.
    pub async fn create_group_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<Arc<Group>> {
        self.check_may_change_groups(principal)?;
        let spec: GroupSpec = fields.read_new();
        let members = read_members(&mut fields);
        fields.finish(self.group_problems(principal, &spec, members.as_deref()))?;
        self.create_group(principal, spec, members.unwrap_or_default()).await
    }

    /// Changes the given fields of a group. A whole row replaces it: absent fields get their defaults. Without `data` the
    /// members stay: they are rows of their own, changed only when named.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`Groups::update_group`].
    pub async fn update_group_from_fields(
        &self,
        principal: &Principal,
        id: GroupId,
        given: FieldReader,
    ) -> Result<Arc<Group>> {
        let current = self.group_to_change(principal, id)?;
        let mut fields = given.clone();
        let changed = fields.read_changed(&current.spec);
        let members = read_members(&mut fields);
        fields.finish(self.group_problems(principal, &changed, members.as_deref()))?;
        // Read again onto the row stored by then: concurrent updates of different fields must both last.
        let change = move |stored: &mut GroupSpec| *stored = given.clone().read_changed(stored);
        self.update_group(principal, id, change, members).await
    }
}

/// Returns the members, if they are given.
fn read_members(fields: &mut FieldReader) -> Option<Vec<StreamId>> {
    fields.rows("data", StreamId)
}
