//! Guards: stop a statement from crashing the process, starving other statements or exceeding its memory.
//!
//! A statement passes, in this order: `nesting` (depth, before it is parsed), `syntax` (size with WITH queries
//! expanded, grouping sets), `expressions` (functions with bounded results, types of bounded width) and `operators`
//! (interruption, and accounting of memory that DataFusion does not account for).

mod between_symmetric;
pub mod bounded_function;
mod explain_tokens;
pub mod expressions;
mod grouping_tokens;
pub mod growth;
pub mod interrupt;
pub mod nesting;
mod null_tokens;
pub mod operators;
pub mod parser;
pub mod pass_through;
pub mod string_concat;
pub mod syntax;
mod text_tokens;
mod trim_tokens;
pub mod window_memory;
