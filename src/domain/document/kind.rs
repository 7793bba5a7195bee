//! The kinds of documents: one row of the table for each.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    AnnotationClassSpec, CameraSpec, CaptureRuleSpec, ComponentSpec, DashboardSpec, DeviceGroupSpec,
    DeviceProfileSpec, Document, DocumentContent, DocumentReference, FirmwareSpec, PackSpec,
    ReferencePairSpec, ReferenceTarget, SensorProfileSpec, SiteSpec,
};
use crate::domain::configuration::artefact::Artefact;
use crate::domain::configuration::binding::Binding;
use crate::domain::notification::NotificationChannelSpec;
use crate::domain::{DeviceId, Error, FieldError, Result};

/// Makes the types of kind and content from a table of kinds: description, variant, type of the content, name in the
/// catalog, title on the platform, function that returns the content.
macro_rules! document_kinds {
    ($($doc:literal $kind:ident($content:ident), $name:literal, $title:literal, $accessor:ident;)+) => {
        /// Kind of a document.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DocumentKind {
            $(#[doc = $doc] $kind,)+
        }

        impl DocumentKind {
            /// Every kind.
            pub const ALL: [DocumentKind; [$($name),+].len()] = [$(DocumentKind::$kind),+];

            /// Name in the catalog and in the audit log.
            pub fn name(self) -> &'static str {
                match self {
                    $(DocumentKind::$kind => $name,)+
                }
            }

            /// Name in errors, as the platform calls it.
            pub fn title(self) -> &'static str {
                match self {
                    $(DocumentKind::$kind => $title,)+
                }
            }
        }

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
        }

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

document_kinds! {
    "A place with devices." Site(SiteSpec), "site", "Site", site;
    "A named bundle of streams of one device." Component(ComponentSpec), "component", "Component", component;
    "Devices chosen by tags or one by one." DeviceGroup(DeviceGroupSpec), "device_group", "DeviceGroup", device_group;
    "What the readings of a sensor hold."
        SensorProfile(SensorProfileSpec), "sensor_profile", "SensorProfile", sensor_profile;
    "The components of a type of device."
        DeviceProfile(DeviceProfileSpec), "device_profile", "DeviceProfile", device_profile;
    "Documents that are installed together." Pack(PackSpec), "pack", "Pack", pack;
    "A version of a configuration." Artefact(Artefact), "artefact", "ConfigArtefact", artefact;
    "The configuration that a target has to have." Binding(Binding), "binding", "DesiredStateBinding", binding;
    "A file that devices install." Firmware(FirmwareSpec), "firmware", "Firmware", firmware;
    "What annotations of a class are."
        AnnotationClass(AnnotationClassSpec), "annotation_class", "AnnotationClass", annotation_class;
    "Two components that are compared."
        ReferencePair(ReferencePairSpec), "reference_pair", "ReferencePair", reference_pair;
    "Where notifications about alerts go."
        NotificationChannel(NotificationChannelSpec), "notification_channel", "NotificationChannel", notification_channel;
    "A camera." Camera(CameraSpec), "camera", "Camera", camera;
    "When cameras record." CaptureRule(CaptureRuleSpec), "capture_rule", "MediaCaptureRule", capture_rule;
    "Widgets in a grid." Dashboard(DashboardSpec), "dashboard", "Dashboard", dashboard;
}

impl DocumentKind {
    /// Whether rows of this kind may only be changed by administrators.
    pub fn is_managed(self) -> bool {
        matches!(
            self,
            DocumentKind::SensorProfile
                | DocumentKind::DeviceProfile
                | DocumentKind::Pack
                | DocumentKind::Firmware
        )
    }
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

    /// Checks what may not change.
    ///
    /// # Errors
    /// `Conflict` for what is fixed, and for all that a pack installed.
    pub fn check_change(&self, stored: &DocumentSpec) -> Result<()> {
        if self.kind() != stored.kind() {
            return Err(Error::internal("a document was changed into one of another kind"));
        }
        if stored.content().pack().is_some() {
            return Err(Error::conflict("what a pack installed cannot be changed"));
        }
        self.content().check_change(stored)
    }
}
