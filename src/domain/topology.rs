//! Place of a device in the topology of the MK platform: its tags, its place, and how far it is provisioned.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::FieldError;
use super::document::rules::check_tags;

/// Most groups that a device names itself.
const MAX_GROUPS: usize = 100;

/// A place on the earth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GeoLocation {
    /// Degrees north, -90..=90.
    pub lat: f64,
    /// Degrees east, -180..=180.
    pub lon: f64,
    /// Metres above sea level.
    pub altitude: Option<f64>,
}

impl GeoLocation {
    /// Checks the limits; fields are those of `location`.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        for (name, degrees, most) in [("location.lat", self.lat, 90.0), ("location.lon", self.lon, 180.0)] {
            if !degrees.is_finite() || degrees.abs() > most {
                found.push(FieldError::new(name, format!("must be between -{most} and {most}")));
            }
        }
        if self.altitude.is_some_and(|altitude| !altitude.is_finite()) {
            found.push(FieldError::new("location.altitude", "must be a number"));
        }
        found
    }
}

/// How far a device that has to be provisioned is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProvisioningPhase {
    /// It needs none, or it has checked in with its certificate.
    #[default]
    Complete,
    /// It was registered, and has not checked in since.
    Pending,
}

/// Fields of a device that only the topology has. They are stored as JSON.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Topology {
    /// How far it is provisioned.
    pub phase: ProvisioningPhase,
    /// Whether people work on it; the collector goes on.
    pub is_in_maintenance: bool,
    /// At most 50 tags of 1..=255 characters.
    pub tags: Vec<String>,
    /// Geographic location.
    pub location: Option<GeoLocation>,
    /// Site; one that was deleted since is none.
    pub site: Option<Uuid>,
    /// Groups that the device names itself; those deleted since are ignored.
    pub groups: Vec<Uuid>,
    /// Profile; one that was deleted since is none.
    pub device_profile: Option<Uuid>,
    /// Version of its firmware, as it reported it last.
    pub firmware_version: Option<String>,
}

impl Topology {
    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_tags(&mut found, &self.tags);
        if self.groups.len() > MAX_GROUPS {
            found.push(FieldError::new("groups", format!("size must be between 0 and {MAX_GROUPS}")));
        }
        if let Some(location) = &self.location {
            found.extend(location.problems());
        }
        found
    }

    /// Estimated heap memory, bytes.
    pub fn heap_bytes(&self) -> usize {
        let tags: usize = self.tags.iter().map(|tag| size_of::<String>() + tag.len()).sum();
        tags + self.groups.len() * size_of::<Uuid>() + self.firmware_version.as_ref().map_or(0, String::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_on_the_earth() {
        let place = |lat, lon| GeoLocation { lat, lon, altitude: None };
        assert!(place(90.0, -180.0).problems().is_empty());
        let found = place(90.1, f64::NAN).problems();
        let fields: Vec<_> = found.iter().map(|problem| problem.field.as_ref()).collect();
        assert_eq!(fields, ["location.lat", "location.lon"]);
        assert_eq!(found[0].message, "must be between -90 and 90");
    }
}
