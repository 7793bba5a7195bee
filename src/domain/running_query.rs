//! A query that waits or runs now.

use std::time::Duration;

use uuid::Uuid;

use super::Micros;
use super::caller::Caller;

/// A query that waits or runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningQuery {
    /// Identifies it until it ends.
    pub id: Uuid,
    /// The caller that asked.
    pub caller: Caller,
    /// Name of the interface that it came from.
    pub surface: &'static str,
    /// When it arrived.
    pub started_at: Micros,
    /// Time since it arrived, waiting included.
    pub elapsed: Duration,
    /// Rows of the result so far.
    pub rows: usize,
    /// Reserved memory, bytes; `None` for principals who do not see the host.
    pub memory_bytes: Option<usize>,
    /// The statement, shortened; `None` for lists, which have no text.
    pub text: Option<Box<str>>,
    /// Whether the principal asked it.
    pub is_own: bool,
}
