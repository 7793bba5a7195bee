//! Groups: named sets of streams. A stream belongs to at most one group.

use super::audit::differences;
use super::validation::check_text;
use super::{FieldError, GroupId, Micros, OrgId};

/// Settings of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSpec {
    /// 1..=100 characters, unique in the organization.
    pub name: String,
    /// At most 1000 characters.
    pub description: String,
}

impl GroupSpec {
    /// Names of the fields that differ from `other`.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        differences!(self, other, GroupSpec {
            name => "name",
            description => "description",
        })
    }

    /// Checks lengths; returns the fields that are wrong.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_text(&mut found, "name", &self.name, 1, 100);
        check_text(&mut found, "description", &self.description, 0, 1000);
        found
    }
}

/// A group as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Row id.
    pub id: GroupId,
    /// Organization that owns the group.
    pub org: OrgId,
    /// Current settings.
    pub spec: GroupSpec,
    /// Time of creation.
    pub created_at: Micros,
    /// Time of the last change of its settings or members.
    pub updated_at: Micros,
}
