//! Use of one of the process's memory budgets, as metrics show it.

/// A memory budget and what is reserved of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Purpose of the memory, a word of a closed set such as `queries`.
    pub budget: &'static str,
    /// Bytes reserved now.
    pub used_bytes: usize,
    /// Bytes that may be reserved at most.
    pub limit_bytes: usize,
}
