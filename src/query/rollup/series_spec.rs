//! Specification of a step query: its range, buckets and fields.

use crate::domain::statistic::BucketFields;
use crate::query::context::QueryContext;
use crate::query::functions::buckets::Buckets;

/// A parsed step query.
pub struct SeriesSpec {
    pub query_context: QueryContext,
    /// Half-open.
    pub range: (i64, i64),
    pub buckets: Buckets,
    pub fields: BucketFields,
    /// Whether rows posted by clients replace their windows.
    pub overlay: bool,
}
