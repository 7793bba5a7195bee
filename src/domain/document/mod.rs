//! Documents: rows of the MK platform that have no other place in the core. Each kind has a type of its own with its
//! rules; the catalog stores them in one table.
//!
//! To add a kind: a file with its type, which implements [`DocumentContent`], and a row of the tables in
//! `kind.rs` and `spec.rs`.

pub mod annotation_class;
pub mod camera;
pub mod capture_rule;
mod component;
mod configured;
mod content;
pub mod dashboard;
mod device_group;
pub mod firmware;
mod kind;
pub mod pack;
pub mod profile;
mod reference_pair;
pub mod rules;
mod secret;
mod site;
mod spec;
pub mod version_rule;

pub use self::annotation_class::{AnnotationClassSpec, AnnotationField, AnnotationFieldType};
pub use self::camera::CameraSpec;
pub use self::capture_rule::CaptureRuleSpec;
pub use self::component::ComponentSpec;
pub use self::content::{DocumentContent, DocumentReference, ReferenceTarget, RowVisibility};
pub use self::dashboard::{DashboardSpec, Widget, WidgetType};
pub use self::device_group::DeviceGroupSpec;
pub use self::firmware::{FirmwareDescription, FirmwareSpec};
pub use self::kind::DocumentKind;
pub use self::pack::{PackContent, PackSpec};
pub use self::profile::{
    DeviceProfileSpec, ProfileComponent, ProfileField, ProfileVersion, SensorProfileSpec, ValueType,
};
pub use self::reference_pair::ReferencePairSpec;
pub use self::site::SiteSpec;
pub use self::spec::{Document, DocumentSpec};

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
