//! The kinds of documents: one row of the table for each.

use crate::domain::named_enum::named_enum;

/// Makes the type of a table of kinds: variant, name in the catalog and in the audit log, title on the platform.
macro_rules! document_kinds {
    ($($(#[$doc:meta])+ $kind:ident, $name:literal, $title:literal;)+) => {
        named_enum! {
            /// Kind of a document.
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum DocumentKind {
                $($(#[$doc])+ $kind = $name,)+
            }
        }

        impl DocumentKind {
            /// Name in errors, as the platform calls it.
            pub fn title(self) -> &'static str {
                match self {
                    $(DocumentKind::$kind => $title,)+
                }
            }
        }
    };
}

document_kinds! {
    /// A place with devices.
    Site, "site", "Site";
    /// A named bundle of streams of one device.
    Component, "component", "Component";
    /// Devices chosen by tags or one by one.
    DeviceGroup, "device_group", "DeviceGroup";
    /// Fields of the readings of a sensor.
    SensorProfile, "sensor_profile", "SensorProfile";
    /// The components of a type of device.
    DeviceProfile, "device_profile", "DeviceProfile";
    /// Documents that are installed together.
    Pack, "pack", "Pack";
    /// A version of a configuration.
    Artefact, "artefact", "ConfigArtefact";
    /// The configuration that a target has to have.
    Binding, "binding", "DesiredStateBinding";
    /// A file that devices install.
    Firmware, "firmware", "Firmware";
    /// Meaning of annotations of a class.
    AnnotationClass, "annotation_class", "AnnotationClass";
    /// Two components that are compared.
    ReferencePair, "reference_pair", "ReferencePair";
    /// Receiver of notifications about alerts.
    NotificationChannel, "notification_channel", "NotificationChannel";
    /// A camera.
    Camera, "camera", "Camera";
    /// Conditions under which cameras record.
    CaptureRule, "capture_rule", "MediaCaptureRule";
    /// Widgets in a grid.
    Dashboard, "dashboard", "Dashboard";
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
