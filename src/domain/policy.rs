//! Retention policies: how long a table keeps its rows.

use super::named_enum::named_enum;
use super::{OrgId, StreamId};

named_enum! {
    /// Tables that a policy can apply to, under DataStone's hypertable names.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum PolicyTable {
        /// Raw readings.
        Readings = "core_value",
        /// Statistics, computed and posted.
        Statistics = "core_valuestatistics",
    }
    field "hypertable";
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
