//! Closed sets of words as types of fields.

use super::field_type::FieldType;
use crate::api::mk::body::Fields;
use crate::api::mk::page::SortKey;
use crate::app::media::camera::CameraStatus;
use crate::domain::alert::AlertStatus;
use crate::domain::alert::rule::{Evaluation, Operator};
use crate::domain::annotation::{AnnotationSource, ScopeType};
use crate::domain::configuration::artefact::ProfileType;
use crate::domain::configuration::binding::{BindingStatus, TargetType};
use crate::domain::document::{AnnotationFieldType, ValueType, WidgetType};
use crate::domain::event::EventSource;
use crate::domain::media::address::CameraKind;
use crate::domain::media::state::{CaptureState, ClipState, LiveState};
use crate::domain::notification::{AlertNotice, ChannelKind, DeliveryStatus};
use crate::domain::platform_status::PlatformStatus;
use crate::domain::quarantine::QuarantineReason;

macro_rules! choices {
    ($($set:ty),+ $(,)?) => {$(
        impl FieldType for $set {
            fn read(fields: &mut Fields, name: &str) -> Option<Self> {
                fields.choice(name, &<$set>::ALL, <$set>::name)
            }

            fn sort_key(&self) -> SortKey {
                self.name().into()
            }
        }
    )+};
}

choices!(
    AlertNotice,
    AlertStatus,
    AnnotationFieldType,
    AnnotationSource,
    BindingStatus,
    CameraKind,
    CameraStatus,
    CaptureState,
    ChannelKind,
    ClipState,
    DeliveryStatus,
    Evaluation,
    EventSource,
    LiveState,
    Operator,
    PlatformStatus,
    ProfileType,
    QuarantineReason,
    ScopeType,
    TargetType,
    ValueType,
    WidgetType,
);
