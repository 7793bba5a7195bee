//! Scans of `readings`: from a snapshot and bounds to an execution plan.
//!
//! ```text
//! Projection( VisibleRows( files and memory within the bounds of stream_id and ts, days merged where they overlap ))
//! ```
//! Only bounds and predicates on stream_id and ts are pushed below the merge (an overwritten value must not come back).
//! Nothing that a caller wrote goes below `VisibleRows`, except plain comparisons of those two columns, which cannot
//! fail. Comparisons of `value` with numbers select pages of days that need no merge, and are evaluated above
//! `VisibleRows`.

mod block_merge;
pub mod bounds;
mod bounds_pruning;
pub mod divisible_scan;
pub mod file_scan;
pub mod lake_scan;
pub mod last_write_wins;
mod late_materialization;
pub mod memtable_scan;
pub mod opaque_scan;
pub mod ordered_scan;
mod projection;
pub mod readings_scan;
mod reverse_scan;
mod row_group_reader;
pub mod row_ranges;
pub mod row_security;
pub mod scan_sources;
pub mod table_provider;
pub mod text_batch_size;
pub mod upsert_scan;
