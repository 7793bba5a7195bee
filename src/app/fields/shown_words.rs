//! Words of closed sets, which are shown by their names.

use super::show_value::ShowValue;
use super::shown::ShownValue;
use crate::app::media::camera::CameraStatus;
use crate::domain::alert::rule::{Evaluation, Operator};
use crate::domain::alert::{AlertStatus, Severity};
use crate::domain::annotation::{AnnotationSource, ScopeType};
use crate::domain::configuration::artefact::ProfileType;
use crate::domain::configuration::binding::{BindingStatus, TargetType};
use crate::domain::device::Protocol;
use crate::domain::document::annotation_class::AnnotationFieldType;
use crate::domain::document::dashboard::WidgetType;
use crate::domain::document::profile::ValueType;
use crate::domain::event::{EventSource, Level};
use crate::domain::job::{ImportUnit, JobKind, JobState};
use crate::domain::media::address::CameraKind;
use crate::domain::media::state::{CaptureState, ClipState, LiveState};
use crate::domain::model::{ModelKind, ScoreKind};
use crate::domain::notification::channel::ChannelKind;
use crate::domain::notification::delivery::{AlertNotice, DeliveryStatus};
use crate::domain::opcua_certificate::CertificateState;
use crate::domain::platform_status::PlatformStatus;
use crate::domain::policy::PolicyTable;
use crate::domain::quarantine::QuarantineReason;
use crate::domain::stream::{AccessMode, ByteOrder, StreamKind};
use crate::domain::user_role::UserRole;

// One implementation for all of `NamedEnum` would forbid every other one: the trait is of another crate, which might
// implement it for any type.
macro_rules! words {
    ($($word:ty),+ $(,)?) => {$(
        impl ShowValue for $word {
            fn show(&mut self) -> ShownValue {
                ShownValue::Word(self.name())
            }
        }
    )+};
}

words!(
    AccessMode,
    AlertNotice,
    AlertStatus,
    AnnotationFieldType,
    AnnotationSource,
    BindingStatus,
    ByteOrder,
    CameraKind,
    CameraStatus,
    CaptureState,
    CertificateState,
    ChannelKind,
    ClipState,
    DeliveryStatus,
    Evaluation,
    EventSource,
    ImportUnit,
    JobKind,
    JobState,
    Level,
    LiveState,
    ModelKind,
    Operator,
    PlatformStatus,
    PolicyTable,
    ProfileType,
    Protocol,
    QuarantineReason,
    ScopeType,
    ScoreKind,
    Severity,
    StreamKind,
    TargetType,
    UserRole,
    ValueType,
    WidgetType,
);
