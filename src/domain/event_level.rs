//! Levels of events: how severe each is.

use std::str::FromStr;

use super::{Error, Result};

/// Severity of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Level {
    /// For information; no action is needed.
    #[default]
    Info,
    /// A fault may follow; anomalies of models have this level.
    Warning,
    /// A fault has occurred.
    Error,
    /// A fault that endangers people, plant or product.
    Critical,
}

impl Level {
    /// Every level, ascending.
    pub const ALL: [Level; 4] = [Level::Info, Level::Warning, Level::Error, Level::Critical];

    /// The levels that are at least as severe, ascending.
    pub fn and_above(self) -> &'static [Level] {
        match self {
            Level::Info => &Level::ALL,
            Level::Warning => &[Level::Warning, Level::Error, Level::Critical],
            Level::Error => &[Level::Error, Level::Critical],
            Level::Critical => &[Level::Critical],
        }
    }

    /// Name used in APIs and in the catalog.
    pub fn name(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
            Level::Critical => "critical",
        }
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let named = Level::ALL.into_iter().find(|level| level.name() == text);
        named.ok_or_else(|| Error::field("level", format!("\"{text}\" is not a valid choice.")))
    }
}
