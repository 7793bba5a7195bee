//! Closed sets of words, such as the protocols of a device, as types of fields.

use std::str::FromStr;

use super::drf_scalar;
use super::field_type::{FieldShape, FieldType};
use super::source::Source;
use crate::collect::registers::value_type::RegisterType;
use crate::domain::Error;
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
    UserRole,
);

/// Content of the field `type` of a stream.
enum KindInput {
    Kind(StreamKind),
    /// A type that values in registers have, and that their address names.
    RegisterType(String),
}

impl FromStr for KindInput {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        // Registers of S7 have all types that there are.
        match (word.parse::<StreamKind>(), RegisterType::parse(Protocol::S7, word)) {
            (Ok(kind), _) => Ok(KindInput::Kind(kind)),
            (Err(error), None | Some(RegisterType::Plain(_))) => Err(error),
            (Err(_), Some(_)) => Ok(KindInput::RegisterType(word.to_owned())),
        }
    }
}

impl FieldType for StreamKind {
    type Limits = ();

    fn read<S: Source>(value: S::Value, (): ()) -> Result<Self, String> {
        let names = StreamKind::ALL.map(StreamKind::name);
        match S::choice::<KindInput>(value, &names)? {
            KindInput::Kind(kind) => Ok(kind),
            KindInput::RegisterType(word) => Err(format!(
                "{} Use one of {}. The path of a register may name {word}: hr:100:{word}.",
                drf_scalar::not_a_choice(&word),
                names.join(", ")
            )),
        }
    }

    fn advice(message: &str) -> Option<String> {
        let names = || StreamKind::ALL.map(StreamKind::name).join(", ");
        drf_scalar::is_not_a_choice(message).then(|| format!("Use one of {}.", names()))
    }

    fn shape((): ()) -> FieldShape {
        FieldShape::Choice(StreamKind::ALL.map(StreamKind::name).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_only_registers_have_is_named_in_the_path() {
        for (word, expected) in [
            ("fp32", Some(Ok(StreamKind::Fp32))),
            ("bcd16", Some(Err("bcd16".to_owned()))),
            ("string20", Some(Err("string20".to_owned()))),
            ("REAL", None),
            ("fp128", None),
            ("", None),
        ] {
            let input = word.parse::<KindInput>().ok().map(|input| match input {
                KindInput::Kind(kind) => Ok(kind),
                KindInput::RegisterType(word) => Err(word),
            });
            assert_eq!(input, expected, "{word}");
        }
    }
}
