//! Query engine: DataFusion over one pinned snapshot of lake, memtables and catalog, filtered by principal.
//!
//! Table providers isolate principals: whatever SQL a caller writes, rows outside the caller's rights never reach one
//! of its expressions. `scopes.rs` lists the scope that each table needs.

pub mod admission;
pub mod byte_size;
mod column_info;
pub mod context;
pub mod describe;
pub mod engine;
pub mod error;
pub mod executor;
mod function_scans;
pub mod functions;
pub mod guard;
pub mod history;
mod information_schema;
pub mod list_query;
pub mod log;
pub mod memory_pool;
pub mod messages;
pub mod named;
pub mod node_usage;
pub mod options;
pub mod org_streams;
pub mod params;
mod plan_cache;
pub mod planner;
pub mod postgres;
pub mod principal_catalog;
pub mod readings_list;
pub mod rollup;
pub mod running;
mod runtimes;
pub mod scan;
pub mod schema_names;
pub mod scopes;
pub mod semantics;
pub mod session_template;
pub mod spread;
pub mod statistics_list;
pub mod step;
pub mod step_query;
mod syntax_visitor;
pub mod tables;

pub use engine::Engine;
pub use options::{EngineOptions, SpreadOptions};

#[cfg(test)]
mod fuzz_grammar_tests;
#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod test_engine;
