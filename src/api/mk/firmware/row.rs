//! Firmware as shown.

use crate::api::mk::noun::list::{FieldVisitor, MkNoun, read_only};
use crate::api::mk::noun::stamp::Stamp;
use crate::api::mk::openapi_document::id;
use crate::api::openapi::schema::{self, ValueSchema, nullable};
use crate::domain::document::{Document, FirmwareDescription, FirmwareSpec};

/// A firmware as shown. It is created by a form, not by a body.
#[derive(Default)]
pub struct FirmwareRow {
    stamp: Stamp,
    spec: FirmwareSpec,
}

impl MkNoun for FirmwareRow {
    fn blank() -> Self {
        FirmwareRow::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let FirmwareSpec { description, object: _, size_bytes, sha256 } = &mut self.spec;
        let FirmwareDescription { name, version, device_profile, notes } = description;
        let (title, text) = (|| schema::text(1, 255), || nullable(schema::text(0, 4000)));
        let digest = || schema::pattern("^[0-9a-f]{64}$");
        self.stamp.visit_id(visitor);
        visitor.visit(read_only("name", "Name of the row for people.", title), name);
        visitor.visit(read_only("version", VERSION, version_text), version);
        visitor.visit(read_only("deviceProfileId", PROFILE, || nullable(id())), device_profile);
        visitor.visit(read_only("sizeBytes", "Size of the file in bytes.", schema::count), size_bytes);
        let about = "SHA-256 of the content, 64 hexadecimal digits.";
        visitor.visit(read_only("sha256", about, digest), sha256);
        let about = "Notes on the firmware, free text of at most 4000 characters.";
        visitor.visit(read_only("notes", about, text), notes);
        self.stamp.visit_created_at(visitor);
    }
}

/// Description of the version.
pub const VERSION: &str = "Semantic version, such as `1.4.2`.";
/// Description of the device profile.
pub const PROFILE: &str = "Profile of the devices that it is for.";

/// Schema of the version.
pub fn version_text() -> ValueSchema {
    schema::text(5, 255)
}

impl FirmwareRow {
    /// `None` for a document of another kind.
    pub fn new(row: &Document) -> Option<Self> {
        Some(FirmwareRow { stamp: Stamp::of(row), spec: row.firmware()?.clone() })
    }
}
