//! Answering: DataFusion over one pinned snapshot of lake, memory and catalog, filtered by principal.
//!
//! Isolation lives here, in the providers: whatever SQL a caller writes, rows he may not see never reach an
//! expression of his. Which table needs which scope is `scopes.rs`.

pub mod byte_size;
pub mod describe;
pub mod engine;
pub mod error;
pub mod functions;
pub mod guard;
pub mod history;
mod known;
pub mod limits;
pub mod list;
pub mod log;
pub mod memory;
pub mod named;
pub mod params;
pub mod plan;
pub mod postgres;
pub mod rollup;
pub mod run;
pub mod scan;
pub mod scopes;
pub mod session;
pub mod statistics;
pub mod step;
pub mod steps;
pub mod tables;
pub mod template;
mod threads;
pub mod values;

pub use engine::{Engine, EngineOptions};

#[cfg(test)]
mod fuzz_grammar_tests;
#[cfg(test)]
mod fuzz_tests;
