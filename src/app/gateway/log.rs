//! Logs of the containers on a gateway.

use crate::domain::named_enum::named_enum;
use crate::domain::validation::check_text;
use crate::domain::{DeviceId, FieldError, Micros};

/// Maximum lines of one report.
pub const MAX_LINES: usize = 1000;
/// Maximum length of a container's name, characters.
const MAX_CONTAINER_CHARS: usize = 100;
/// Maximum length of a line, characters.
const MAX_LINE_CHARS: usize = 10_000;

named_enum! {
    /// Output that a line was written to.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum LogKind {
        /// Standard output.
        Log = "LOG",
        /// Standard error.
        Err = "ERR",
    }
    display;
    field "type";
}

/// A line of a container's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Time that the container gave it.
    pub ts: Micros,
    /// Time at which it arrived.
    pub ingested_at: Micros,
    pub kind: LogKind,
    /// At most 10,000 characters.
    pub message: String,
}

/// Lines of one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLines {
    pub device: DeviceId,
    pub container: String,
    pub lines: Vec<LogLine>,
}

/// The lines that a request asks for: the newest of a range of times, both inclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    pub device: DeviceId,
    pub container: String,
    pub from: Micros,
    pub to: Micros,
    /// Maximum number of lines.
    pub limit: usize,
}

impl LogLines {
    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_text(&mut found, "container", &self.container, 1, MAX_CONTAINER_CHARS);
        if self.lines.len() > MAX_LINES {
            let message = format!("Ensure this field has no more than {MAX_LINES} elements.");
            found.push(FieldError::new("lines", message));
        }
        for line in &self.lines {
            check_text(&mut found, "lines", &line.message, 0, MAX_LINE_CHARS);
            if !line.ts.is_storable() {
                found.push(FieldError::new("lines", "A timestamp is outside of the years 1970 to 2261."));
            }
        }
        found.dedup();
        found
    }
}
