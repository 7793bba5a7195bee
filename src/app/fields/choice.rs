//! Closed sets of words, such as the protocols of a device, as types of fields.

use super::field_type::{FieldShape, FieldType, ShownValue};
use super::source::Source;
use crate::domain::device::Protocol;
use crate::domain::event::Level;
use crate::domain::job::{ImportUnit, JobKind, JobState};
use crate::domain::model::{ModelKind, ScoreKind};
use crate::domain::policy::PolicyTable;
use crate::domain::stream::{AccessMode, ByteOrder, StreamKind};

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
    ImportUnit,
    JobKind,
    JobState,
    Level,
    ModelKind,
    PolicyTable,
    Protocol,
    ScoreKind,
    StreamKind,
);
