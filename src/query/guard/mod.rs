//! What keeps one statement from ending the process, starving the others or outgrowing its memory.
//!
//! A statement passes, in this order: `text` (depth, before it is parsed), `syntax` (size once WITH queries are written
//! out, grouping sets), `expressions` (functions whose results are bounded by bytes, types of bounded width) and
//! `operators` (interruption and memory of what DataFusion does not account for).

pub mod bounded;
pub mod buffered;
pub mod expressions;
pub mod growth;
pub mod interrupt;
pub mod operators;
pub mod parser;
pub mod pass_through;
pub mod string_concat;
pub mod syntax;
pub mod text;
