//! Sites: places with devices.

use serde::{Deserialize, Serialize};

use super::DocumentContent;
use super::rules::{MAX_NAME, MAX_TEXT, check_optional, check_required};
use crate::domain::FieldError;
use crate::domain::topology::GeoLocation;

/// Time zone of a site that names none.
pub const DEFAULT_TIMEZONE: &str = "UTC";

/// Settable fields of a site.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SiteSpec {
    /// 1..=255 characters, unique in the organization.
    pub name: String,
    /// At most 4000 characters.
    pub description: Option<String>,
    /// Postal address, at most 255 characters.
    pub address: Option<String>,
    /// Geographic location.
    pub location: Option<GeoLocation>,
    /// Name of a time zone such as `Europe/Berlin`, 1..=64 characters.
    pub timezone: String,
}

impl SiteSpec {
    /// A site of this name, with defaults.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), timezone: DEFAULT_TIMEZONE.to_owned(), ..Self::default() }
    }
}

impl DocumentContent for SiteSpec {
    fn unique_name(&self) -> String {
        self.name.clone()
    }

    fn unique_title(&self) -> String {
        format!("A site with the name '{}' exists", self.name)
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_required(&mut found, "name", &self.name, MAX_NAME);
        check_optional(&mut found, "description", self.description.as_deref().unwrap_or_default(), MAX_TEXT);
        check_optional(&mut found, "address", self.address.as_deref().unwrap_or_default(), MAX_NAME);
        check_required(&mut found, "timezone", &self.timezone, 64);
        // The names of the time zone database; which of them exist changes every year.
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
        if !found.iter().any(|problem| problem.field == "timezone") && !self.timezone.chars().all(is_name) {
            found.push(FieldError::new("timezone", "must be the name of a time zone such as Europe/Berlin"));
        }
        if let Some(location) = &self.location {
            found.extend(location.problems());
        }
        found
    }
}
