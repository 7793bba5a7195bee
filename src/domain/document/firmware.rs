//! Firmware: files that devices install, by name and version. A version never changes.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rules::{MAX_NAME, MAX_TEXT, check_optional, check_required};
use super::{DocumentContent, DocumentKind, DocumentReference, ReferenceTarget};
use crate::domain::{Error, FieldError, Result};

/// Maximum size of a firmware, bytes.
pub const MAX_FIRMWARE_BYTES: u64 = 64 << 20;
/// Lifetime of a download token that is asked for, seconds.
pub const DOWNLOAD_TOKEN_S: i64 = 600;

/// Description of a firmware; the rest follows from its file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FirmwareDescription {
    /// 1..=255 characters, unique in the organization with the version.
    pub name: String,
    /// Version as <https://semver.org/spec/v2.0.0.html> has them, 1..=255 characters.
    pub version: String,
    /// Profile of the devices that it is for; `None` is for any.
    pub device_profile: Option<Uuid>,
    /// At most 4000 characters.
    pub notes: Option<String>,
}

/// A firmware with its file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FirmwareSpec {
    /// Description of the firmware.
    pub description: FirmwareDescription,
    /// Object that has the bytes.
    pub object: Uuid,
    /// Size, 1..=67108864 bytes.
    pub size_bytes: u64,
    /// SHA-256 of the bytes in hexadecimal.
    pub sha256: String,
}

impl FirmwareDescription {
    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_required(&mut found, "name", &self.name, MAX_NAME);
        let before = found.len();
        check_required(&mut found, "version", &self.version, MAX_NAME);
        if found.len() == before && !is_semantic_version(&self.version) {
            found.push(FieldError::new("version", "must be a semantic version such as 1.4.2 or 2.0.0-rc.1"));
        }
        check_optional(&mut found, "notes", self.notes.as_deref().unwrap_or_default(), MAX_TEXT);
        found
    }
}

impl FirmwareSpec {
    /// The profile that it is for.
    pub(super) fn profile_target(&self) -> Option<ReferenceTarget> {
        self.description.device_profile.map(|id| ReferenceTarget::Document(DocumentKind::DeviceProfile, id))
    }
}

impl DocumentContent for FirmwareSpec {
    fn check_change(&self, _stored: &Self) -> Result<()> {
        Err(Error::conflict("a firmware cannot be changed"))
    }

    fn restricted_targets(&self) -> Vec<ReferenceTarget> {
        self.profile_target().into_iter().collect()
    }

    fn unique_name(&self) -> String {
        format!("{}@{}", self.description.name, self.description.version)
    }

    fn unique_title(&self) -> String {
        format!("Version {} of the firmware '{}' exists", self.description.version, self.description.name)
    }

    fn references(&self) -> Vec<DocumentReference> {
        let profile = self.profile_target();
        profile.map(|target| DocumentReference::new("device_profile", target)).into_iter().collect()
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = self.description.problems();
        if self.size_bytes == 0 {
            found.push(FieldError::new("file", "must not be empty"));
        }
        found
    }
}

/// Whether a text is `MAJOR.MINOR.PATCH`, then `-` and a pre-release, then `+` and build metadata.
fn is_semantic_version(text: &str) -> bool {
    let (rest, build) = split_once(text, '+');
    let (core, pre_release) = split_once(rest, '-');
    let numbers: Vec<&str> = core.split('.').collect();
    numbers.len() == 3
        && numbers.into_iter().all(is_number)
        && pre_release.is_none_or(|ids| ids.split('.').all(is_pre_release_id))
        && build.is_none_or(|ids| ids.split('.').all(is_identifier))
}

fn split_once(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Digits without a leading zero, except zero itself.
fn is_number(text: &str) -> bool {
    let is_digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_digits && (text == "0" || !text.starts_with('0'))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// An identifier of digits alone is a number, so it has no leading zero.
fn is_pre_release_id(text: &str) -> bool {
    is_identifier(text) && (is_number(text) || !text.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(name: &str, version: &str) -> FirmwareDescription {
        FirmwareDescription {
            name: name.to_owned(),
            version: version.to_owned(),
            device_profile: None,
            notes: None,
        }
    }

    #[test]
    fn versions_are_semantic() {
        // The examples of semver.org, and what its grammar does not allow.
        let sound = [
            "0.0.0",
            "1.4.2",
            "10.20.30",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-0.3.7",
            "1.0.0-x-y-z.--",
            "1.0.0+001",
            "1.0.0-beta+exp.sha.5114f85",
            "1.0.0+21AF26D3----117B344092BD",
            "1.0.0-0A.is.legal",
        ];
        let wrong = [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "v1.2.3",
            "01.2.3",
            "1.02.3",
            "1.2.03",
            "1.2.3-",
            "1.2.3+",
            "1.2.3-01",
            "1.2.3-a..b",
            "1.2.3-a_b",
            "1.2.3+a+b",
            "1.2.x",
            " 1.2.3",
            "1.2.-3",
            "1.2.3-ä",
            "-1.2.3",
        ];
        for text in sound {
            assert!(is_semantic_version(text), "{text}");
        }
        for text in wrong {
            assert!(!is_semantic_version(text), "{text}");
        }
    }

    #[test]
    fn every_mistake_is_told() {
        let long = "x".repeat(256);
        let rows = [
            ("sound", description("press", "1.0.0"), vec![]),
            ("nothing", description("", " "), vec!["name", "version"]),
            ("long_name", description(&long, "1.0.0"), vec!["name"]),
            ("long_version", description("press", &format!("1.0.0-{long}")), vec!["version"]),
            ("no_version", description("press", "1.0"), vec!["version"]),
            (
                "notes",
                FirmwareDescription { notes: Some("x".repeat(4001)), ..description("press", "1.0.0") },
                vec!["notes"],
            ),
        ];
        for (name, description, expected) in rows {
            let found = description.problems();
            let fields: Vec<_> = found.iter().map(|problem| problem.field.as_ref()).collect();
            assert_eq!(fields, expected, "{name}");
            let spec =
                FirmwareSpec { description, object: Uuid::nil(), size_bytes: 0, sha256: String::new() };
            assert!(spec.problems().iter().any(|problem| problem.field == "file"), "{name}: no bytes");
        }
    }
}
