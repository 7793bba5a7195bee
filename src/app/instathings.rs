//! Settings of the Instathings cloud API.

use std::time::Duration;

use crate::auth::rate_limiter::AttemptBudget;
use crate::domain::named_enum::named_enum;
use crate::domain::time::MICROS_PER_SECOND;

named_enum! {
    /// Environment that projects run in.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ProjectEnv {
        /// For production: gateways get archives to install.
        Live = "live",
        /// For trying things: gateways get their credentials as JSON.
        Sandbox = "sandbox",
    }
}

/// Settings of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstathingsSettings {
    pub env: ProjectEnv,
    /// How long a message is said to last, whole seconds; `None` is ten years in live projects and a day in others.
    pub ttl: Option<Duration>,
    /// Requests of each token, and of each address without one.
    pub rate: AttemptBudget,
}

impl Default for InstathingsSettings {
    fn default() -> Self {
        let rate = AttemptBudget { attempts: 100, window_us: 10 * MICROS_PER_SECOND };
        Self { env: ProjectEnv::Live, ttl: None, rate }
    }
}

impl InstathingsSettings {
    /// Returns how long a message is said to last, seconds.
    pub fn message_ttl_s(&self) -> i64 {
        let default = match self.env {
            ProjectEnv::Live => 3650 * 86_400,
            ProjectEnv::Sandbox => 86_400,
        };
        self.ttl.map_or(default, |ttl| i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_last_as_the_vendors_samples_say() {
        let day = Some(Duration::from_secs(86_400));
        for (env, ttl, expected) in [
            (ProjectEnv::Live, None, 315_360_000),
            (ProjectEnv::Sandbox, None, 86_400),
            (ProjectEnv::Live, day, 86_400),
        ] {
            let settings = InstathingsSettings { env, ttl, ..InstathingsSettings::default() };
            assert_eq!(settings.message_ttl_s(), expected, "{}", env.name());
        }
    }
}
