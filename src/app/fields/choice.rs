//! Closed sets of words, such as the protocols of a device, as types of fields.

use super::field_type::{FieldShape, FieldType, ShownValue};
use super::source::Source;
use crate::domain::alert::Severity;
use crate::domain::alert::rule::{Evaluation, Operator};
use crate::domain::device::Protocol;
use crate::domain::event::Level;
use crate::domain::job::{ImportUnit, JobKind, JobState};
use crate::domain::model::{ModelKind, ScoreKind};
use crate::domain::notification::ChannelKind;
use crate::domain::opcua_certificate::CertificateState;
use crate::domain::policy::PolicyTable;
use crate::domain::stream::{AccessMode, ByteOrder, StreamKind};
use crate::domain::user_role::UserRole;

macro_rules! choices {
    ($($set:ty),+ $(,)?) => {$(
        impl FieldType for $set {
            type Limits = ();

            fn read<S: Source>(value: S::Value, (): ()) -> Result<Self, String> {
                S::choice(value, &<$set>::ALL.map(<$set>::name))
            }

            fn show(&mut self) -> ShownValue {
                ShownValue::Word(self.name())
            }

            fn shape((): ()) -> FieldShape {
                FieldShape::Choice(<$set>::ALL.map(<$set>::name).to_vec())
            }
        }
    )+};
}

choices!(
    AccessMode,
    ByteOrder,
    CertificateState,
    ChannelKind,
    Evaluation,
    ImportUnit,
    JobKind,
    JobState,
    Level,
    ModelKind,
    Operator,
    PolicyTable,
    Protocol,
    ScoreKind,
    Severity,
    StreamKind,
    UserRole,
);
