//! Documents as the catalog has them, and their contents: one row of the table for each kind.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    AnnotationClassSpec, CameraSpec, CaptureRuleSpec, ComponentSpec, DashboardSpec, DeviceGroupSpec,
    DeviceProfileSpec, DocumentContent, DocumentKind, DocumentReference, FirmwareSpec, PackSpec,
    ReferencePairSpec, ReferenceTarget, SensorProfileSpec, SiteSpec,
};
use crate::domain::configuration::artefact::Artefact;
use crate::domain::configuration::binding::Binding;
use crate::domain::notification::NotificationChannelSpec;
use crate::domain::{DeviceId, DocumentId, Error, FieldError, Micros, OrgId, Result};

/// A document as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Row id.
    pub id: DocumentId,
    /// Organization that owns the document.
    pub org: OrgId,
    /// Id in APIs.
    pub uuid: Uuid,
    /// Name that no other document of its kind and organization has.
    pub name: String,
    /// Counts the changes, from 1.
    pub version: i32,
    /// Content.
    pub spec: DocumentSpec,
    /// Time of creation.
    pub created_at: Micros,
    /// Time of the last change.
    pub updated_at: Micros,
}

/// Makes the type of contents from a table of kinds: description, variant, type of the content, function that returns the
/// content.
macro_rules! document_specs {
    ($($doc:literal $kind:ident($content:ident), $accessor:ident;)+) => {
        /// Content of a document, stored as JSON.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        pub enum DocumentSpec {
            $(#[doc = $doc] $kind($content),)+
        }

        impl DocumentSpec {
            /// Kind of the document.
            pub fn kind(&self) -> DocumentKind {
                match self {
                    $(DocumentSpec::$kind(_) => DocumentKind::$kind,)+
                }
            }

            pub(super) fn content(&self) -> &dyn DocumentContent {
                match self {
                    $(DocumentSpec::$kind(content) => content,)+
                }
            }

            pub(super) fn content_mut(&mut self) -> &mut dyn DocumentContent {
                match self {
                    $(DocumentSpec::$kind(content) => content,)+
                }
            }

            /// Checks what may not change.
            ///
            /// # Errors
            /// `Conflict` for what is fixed, and for all that a pack installed.
            pub fn check_change(&self, stored: &DocumentSpec) -> Result<()> {
                match (self, stored) {
                    $((DocumentSpec::$kind(new), DocumentSpec::$kind(old)) => check_change(new, old),)+
                    _ => Err(Error::internal("a document was changed into one of another kind")),
                }
            }
        }

        $(
            impl From<$content> for DocumentSpec {
                fn from(content: $content) -> Self {
                    DocumentSpec::$kind(content)
                }
            }
        )+

        impl Document {
            $(
                /// The content, if the document is of this kind.
                pub fn $accessor(&self) -> Option<&$content> {
                    match &self.spec {
                        DocumentSpec::$kind(content) => Some(content),
                        _ => None,
                    }
                }
            )+
        }
    };
}

document_specs! {
    "A place with devices." Site(SiteSpec), site;
    "A named bundle of streams of one device." Component(ComponentSpec), component;
    "Devices chosen by tags or one by one." DeviceGroup(DeviceGroupSpec), device_group;
    "What the readings of a sensor hold." SensorProfile(SensorProfileSpec), sensor_profile;
    "The components of a type of device." DeviceProfile(DeviceProfileSpec), device_profile;
    "Documents that are installed together." Pack(PackSpec), pack;
    "A version of a configuration." Artefact(Artefact), artefact;
    "The configuration that a target has to have." Binding(Binding), binding;
    "A file that devices install." Firmware(FirmwareSpec), firmware;
    "What annotations of a class are." AnnotationClass(AnnotationClassSpec), annotation_class;
    "Two components that are compared." ReferencePair(ReferencePairSpec), reference_pair;
    "Where notifications about alerts go." NotificationChannel(NotificationChannelSpec), notification_channel;
    "A camera." Camera(CameraSpec), camera;
    "When cameras record." CaptureRule(CaptureRuleSpec), capture_rule;
    "Widgets in a grid." Dashboard(DashboardSpec), dashboard;
}

impl DocumentSpec {
    /// [`DocumentContent::unique_name`].
    pub fn unique_name(&self) -> String {
        self.content().unique_name()
    }

    /// [`DocumentContent::unique_title`].
    pub fn unique_title(&self) -> String {
        self.content().unique_title()
    }

    /// [`DocumentContent::problems`].
    pub fn problems(&self) -> Vec<FieldError> {
        self.content().problems()
    }

    /// [`DocumentContent::device`].
    pub fn device(&self) -> Option<DeviceId> {
        self.content().device()
    }

    /// [`DocumentContent::second_device`].
    pub fn second_device(&self) -> Option<DeviceId> {
        self.content().second_device()
    }

    /// [`DocumentContent::pack_mut`].
    pub fn pack_mut(&mut self) -> Option<&mut Option<Uuid>> {
        self.content_mut().pack_mut()
    }

    /// [`DocumentContent::references`].
    pub fn references(&self) -> Vec<DocumentReference> {
        self.content().references()
    }

    /// [`DocumentContent::restricted_targets`].
    pub fn restricted_targets(&self) -> Vec<ReferenceTarget> {
        self.content().restricted_targets()
    }
}

fn check_change<C: DocumentContent>(new: &C, old: &C) -> Result<()> {
    if old.pack().is_some() {
        return Err(Error::conflict("what a pack installed cannot be changed"));
    }
    new.check_change(old)
}
