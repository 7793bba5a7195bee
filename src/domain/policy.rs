//! Retention policies: how long a table keeps its rows.

use super::{OrgId, StreamId};

/// The tables a policy can name, with DataStone's hypertable names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyTable {
    Readings,
    Statistics,
}

impl PolicyTable {
    pub const ALL: [PolicyTable; 2] = [PolicyTable::Readings, PolicyTable::Statistics];

    pub fn name(self) -> &'static str {
        match self {
            PolicyTable::Readings => "core_value",
            PolicyTable::Statistics => "core_valuestatistics",
        }
    }
}

/// Rows older than `drop_after_s` seconds go. A policy of a stream overrides the organization's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub org: OrgId,
    pub table: PolicyTable,
    pub stream: Option<StreamId>,
    pub drop_after_s: i64,
}
