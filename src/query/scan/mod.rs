//! Reading `readings`: from a snapshot and bounds to an execution plan.
//!
//! ```text
//! Projection( VisibleRows( Filter on stream_id and ts( per day: files and memory, merged where they overlap )))
//! ```
//! Only predicates on stream_id and ts go below the merge (an overwritten value must not come back), and nothing a
//! caller wrote goes below `VisibleRows` except plain comparisons of those two columns, which cannot fail.

pub mod bounds;
pub mod files;
pub mod keyed;
pub mod leaf;
pub mod memory;
pub mod merge;
pub mod plan;
pub mod visible;
