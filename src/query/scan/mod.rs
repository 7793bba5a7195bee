//! Reading `readings`: from a snapshot and bounds to an execution plan.
//!
//! ```text
//! Projection( VisibleRows( files and memory within the bounds of stream_id and ts, days merged where they overlap ))
//! ```
//! Only bounds and predicates on stream_id and ts go below the merge (an overwritten value must not come back), and
//! nothing a caller wrote goes below `VisibleRows` except plain comparisons of those two columns, which cannot fail.
//! Comparisons of `value` with numbers choose pages of days that need no merge, and are evaluated above `VisibleRows`.

mod back;
mod blocks;
pub mod bounds;
mod by_key;
pub mod cut;
pub mod keyed;
pub mod lake;
pub mod lake_file;
mod layout;
pub mod leaf;
pub mod memory;
pub mod merge;
mod pages;
pub mod plan;
pub mod provider;
pub mod stream_rows;
pub mod text_rows;
pub mod visible;
