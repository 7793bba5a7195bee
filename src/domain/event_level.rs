//! Levels of events: how severe each is.

use super::named_enum::named_enum;

named_enum! {
    /// Severity of an event.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub enum Level {
        /// For information; no action is needed.
        #[default]
        Info = "info",
        /// A fault may follow; anomalies of models have this level.
        Warning = "warning",
        /// A fault has occurred.
        Error = "error",
        /// A fault that endangers people, plant or product.
        Critical = "critical",
    }
    field "level";
}

impl Level {
    /// The levels that are at least as severe, ascending.
    pub fn and_above(self) -> &'static [Level] {
        match self {
            Level::Info => &Level::ALL,
            Level::Warning => &[Level::Warning, Level::Error, Level::Critical],
            Level::Error => &[Level::Error, Level::Critical],
            Level::Critical => &[Level::Critical],
        }
    }
}
