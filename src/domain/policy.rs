//! Retention policies: how long a table keeps its rows.

use std::str::FromStr;

use super::{Error, OrgId, Result, StreamId};

/// Tables that a policy can apply to, under DataStone's hypertable names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyTable {
    /// Raw readings.
    Readings,
    /// Statistics, computed and posted.
    Statistics,
}

impl PolicyTable {
    /// Every table.
    pub const ALL: [PolicyTable; 2] = [PolicyTable::Readings, PolicyTable::Statistics];

    /// DataStone's name of the table.
    pub fn name(self) -> &'static str {
        match self {
            PolicyTable::Readings => "core_value",
            PolicyTable::Statistics => "core_valuestatistics",
        }
    }
}

impl FromStr for PolicyTable {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let named = PolicyTable::ALL.into_iter().find(|table| table.name() == text);
        named.ok_or_else(|| Error::field("hypertable", format!("\"{text}\" is not a valid choice.")))
    }
}

/// Rows older than `drop_after_s` seconds are deleted. A stream's policy overrides the organization's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Organization whose rows the policy limits.
    pub org: OrgId,
    /// Table that the policy applies to.
    pub table: PolicyTable,
    /// Stream that the policy applies to; `None` is every stream without one of its own.
    pub stream: Option<StreamId>,
    /// Age in seconds beyond which rows are deleted; at least 1.
    pub drop_after_s: i64,
}

/// A requested change of an organization's policies, or of those of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChange {
    /// Stream whose policies change; `None` is the organization's.
    pub stream: Option<StreamId>,
    /// Tables whose policies change.
    pub tables: Vec<PolicyTable>,
    /// `None` removes the policies.
    pub drop_after_s: Option<i64>,
}
