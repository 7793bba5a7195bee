//! Uploaded objects: contents too large for a row, in files of the data directory. An object is declared first, with its
//! size; its bytes follow once, and never change.

use uuid::Uuid;

use super::time::MICROS_PER_SECOND;
use super::{FieldError, Micros, OrgId};

/// Maximum size of an object, bytes.
pub const MAX_OBJECT_BYTES: u64 = 100 << 20;
/// Time from the declaration within which the bytes may be uploaded, seconds.
pub const UPLOAD_S: i64 = 15 * 60;
/// How long an object that nothing refers to is kept after its declaration, seconds: time to create what refers to it.
pub const UNREFERENCED_KEEP_S: i64 = 24 * 3600;
/// Maximum objects of an organization.
pub const MAX_PER_ORG: usize = 10_000;
/// Maximum bytes of all objects of an organization, declared ones included.
pub const MAX_ORG_BYTES: u64 = 10 << 30;

/// Declaration of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSpec {
    /// Name of the file for people, 1..=255 characters.
    pub file_name: String,
    /// Media type, 1..=255 characters.
    pub content_type: String,
    /// Exact size, 1..=104857600 bytes.
    pub size_bytes: u64,
    /// SHA-256 of the bytes in hexadecimal; computed from the bytes when absent.
    pub sha256: Option<String>,
}

impl ObjectSpec {
    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        for (field, text) in [("file_name", &self.file_name), ("content_type", &self.content_type)] {
            if text.trim().is_empty() {
                found.push(FieldError::new(field, "must not be blank"));
            } else if text.chars().count() > 255 {
                found.push(FieldError::new(field, "size must be between 1 and 255"));
            } else if text.chars().any(char::is_control) {
                found.push(FieldError::new(field, "must not contain control characters"));
            }
        }
        if !(1..=MAX_OBJECT_BYTES).contains(&self.size_bytes) {
            let message = format!("must be between 1 and {MAX_OBJECT_BYTES}");
            found.push(FieldError::new("size_bytes", message));
        }
        if self.sha256.as_ref().is_some_and(|hash| !is_sha256(hash)) {
            found.push(FieldError::new("sha256", "must be 64 hexadecimal digits in lower case"));
        }
        found
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// An object as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Row id.
    pub id: i32,
    /// Organization that uploads it.
    pub org: OrgId,
    /// Assigned at the declaration; the name of its file.
    pub uuid: Uuid,
    /// The declaration; once the bytes are stored, with their hash.
    pub spec: ObjectSpec,
    /// Time of the declaration.
    pub created_at: Micros,
    /// End of the time for the upload.
    pub upload_until: Micros,
    /// Time at which all bytes were durable; `None` before.
    pub stored_at: Option<Micros>,
}

impl Object {
    /// Whether an object that nothing refers to is removed.
    pub fn is_abandoned(&self, now: Micros) -> bool {
        let kept = match self.stored_at {
            Some(_) => Micros(self.created_at.0.saturating_add(UNREFERENCED_KEEP_S * MICROS_PER_SECOND)),
            None => Micros(self.upload_until.0.saturating_add(UPLOAD_S * MICROS_PER_SECOND)),
        };
        now >= kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ObjectSpec {
        ObjectSpec {
            file_name: "model.bin".to_owned(),
            content_type: "application/octet-stream".to_owned(),
            size_bytes: 1,
            sha256: None,
        }
    }

    #[test]
    fn what_is_declared_is_bounded() {
        let rows = [
            ("sound", spec(), vec![]),
            ("largest", ObjectSpec { size_bytes: MAX_OBJECT_BYTES, ..spec() }, vec![]),
            ("empty", ObjectSpec { size_bytes: 0, ..spec() }, vec!["size_bytes"]),
            ("too_large", ObjectSpec { size_bytes: MAX_OBJECT_BYTES + 1, ..spec() }, vec!["size_bytes"]),
            ("hash", ObjectSpec { sha256: Some("0a".repeat(32)), ..spec() }, vec![]),
            ("no_hash", ObjectSpec { sha256: Some("0A".repeat(32)), ..spec() }, vec!["sha256"]),
            ("line", ObjectSpec { file_name: "a\nb".to_owned(), ..spec() }, vec!["file_name"]),
            (
                "blank",
                ObjectSpec { file_name: " ".to_owned(), content_type: String::new(), ..spec() },
                vec!["file_name", "content_type"],
            ),
        ];
        for (name, spec, expected) in rows {
            let found = spec.problems();
            let fields: Vec<_> = found.iter().map(|problem| problem.field.as_ref()).collect();
            assert_eq!(fields, expected, "{name}");
        }
    }

    #[test]
    fn an_object_without_a_reference_has_its_time() {
        let end_of_upload = UPLOAD_S * MICROS_PER_SECOND;
        let mut object = Object {
            id: 1,
            org: OrgId(1),
            uuid: Uuid::nil(),
            spec: spec(),
            created_at: Micros(0),
            upload_until: Micros(end_of_upload),
            stored_at: None,
        };
        assert!(!object.is_abandoned(Micros(2 * end_of_upload - 1)), "an upload may be under way");
        assert!(object.is_abandoned(Micros(2 * end_of_upload)));
        object.stored_at = Some(Micros(1));
        assert!(!object.is_abandoned(Micros(UNREFERENCED_KEEP_S * MICROS_PER_SECOND - 1)));
        assert!(object.is_abandoned(Micros(UNREFERENCED_KEEP_S * MICROS_PER_SECOND)));
    }
}
