//! Alert rules, their alerts, and events as the MK platform shows them.

pub mod alerts;
pub mod counters;
pub mod dry_run;
pub mod events;
mod live;
mod rules;

pub use self::alerts::AlertPage;
pub use self::rules::{AlertRuleFilter, ShownAlertRule};
