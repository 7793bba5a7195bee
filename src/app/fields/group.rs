//! The fields of a group. Its members are rows of their own and are given beside it, as `data`.

use std::sync::Arc;

use super::reader::FieldReader;
use super::values::FieldValues;
use super::visitor::FieldVisitor;
use super::visitor::Presence::{Optional, Required};
use crate::app::App;
use crate::domain::group::{Group, GroupSpec};
use crate::domain::{GroupId, Principal, Result, StreamId};

/// Visits every field of a group except its members.
pub fn visit_group(visitor: &mut impl FieldVisitor, spec: &mut GroupSpec) {
    // All fields by name: one that is missing here does not compile.
    let GroupSpec { name, description } = spec;
    visitor.visit("name", Required, 1..=100, name);
    visitor.visit("description", Optional, 0..=1000, description);
}

/// All defaults; the name is a placeholder that fails validation or is overwritten.
pub fn blank_group() -> GroupSpec {
    GroupSpec { name: String::new(), description: String::new() }
}

/// The fields of a group with their values, except its members.
pub fn group_values(spec: &GroupSpec) -> FieldValues {
    let mut spec = spec.clone();
    FieldValues::collect(|values| visit_group(values, &mut spec))
}

impl App {
    /// Creates a group with its members; absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn create_group_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<Arc<Group>> {
        let mut spec = blank_group();
        let members = read_group(&mut fields, &mut spec);
        fields.finish(self.group_problems(principal, &spec, members.as_deref()))?;
        self.create_group(principal, spec, members.unwrap_or_default()).await
    }

    /// Replaces a group; absent fields get their defaults. Without `data` the members stay: they are rows of their own,
    /// changed only when named.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn replace_group_from_fields(
        &self,
        principal: &Principal,
        id: GroupId,
        mut fields: FieldReader,
    ) -> Result<Arc<Group>> {
        self.group_to_change(principal, id)?;
        let mut spec = blank_group();
        let members = read_group(&mut fields, &mut spec);
        fields.finish(self.group_problems(principal, &spec, members.as_deref()))?;
        self.update_group(principal, id, move |stored| *stored = spec, members).await
    }

    /// Changes the given fields of a group, and its members if given.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn update_group_from_fields(
        &self,
        principal: &Principal,
        id: GroupId,
        patch: FieldReader,
    ) -> Result<Arc<Group>> {
        let current = self.group_to_change(principal, id)?;
        let (mut fields, mut changed) = (patch.clone(), current.spec.clone());
        let members = read_group(&mut fields, &mut changed);
        fields.finish(self.group_problems(principal, &changed, members.as_deref()))?;
        // Merged again onto the row stored by then: concurrent updates of different fields must both last.
        let merge = move |stored: &mut GroupSpec| visit_group(&mut patch.clone(), stored);
        self.update_group(principal, id, merge, members).await
    }
}

/// Returns the members, if they are given.
fn read_group(fields: &mut FieldReader, spec: &mut GroupSpec) -> Option<Vec<StreamId>> {
    visit_group(fields, spec);
    fields.rows("data", StreamId)
}
