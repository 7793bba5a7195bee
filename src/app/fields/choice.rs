//! Closed sets of words, such as the protocols of a device, as types of fields. Each is listed once, for every API.

use std::str::FromStr;

use super::drf_scalar;
use super::field_type::{FieldShape, FieldType};
use super::show_value::ShowValue;
use super::shown::ShownValue;
use super::source::Source;
use crate::collect::registers::value_type::RegisterType;
use crate::domain::Error;
use crate::domain::alert::Severity;
use crate::domain::device::Protocol;
use crate::domain::stream::StreamKind;

/// Calls a macro with the closed sets whose words are read and shown alike in every API.
///
/// One implementation for all of `NamedEnum` would forbid every other one: the trait is of another crate, which might
/// implement it for any type.
macro_rules! for_each_choice {
    ($implement:ident) => {
        $implement!(
            $crate::app::media::camera::CameraStatus,
            $crate::domain::alert::AlertStatus,
            $crate::domain::alert::rule::Evaluation,
            $crate::domain::alert::rule::Operator,
            $crate::domain::annotation::AnnotationSource,
            $crate::domain::annotation::ScopeType,
            $crate::domain::configuration::artefact::ProfileType,
            $crate::domain::configuration::binding::BindingStatus,
            $crate::domain::configuration::binding::TargetType,
            $crate::domain::device::Protocol,
            $crate::domain::document::AnnotationFieldType,
            $crate::domain::document::ValueType,
            $crate::domain::document::WidgetType,
            $crate::domain::event::EventSource,
            $crate::domain::event::Level,
            $crate::domain::job::ImportUnit,
            $crate::domain::job::JobKind,
            $crate::domain::job::JobState,
            $crate::domain::media::address::CameraKind,
            $crate::domain::media::state::CaptureState,
            $crate::domain::media::state::ClipState,
            $crate::domain::media::state::LiveState,
            $crate::domain::model::ModelKind,
            $crate::domain::model::ScoreKind,
            $crate::domain::notification::AlertNotice,
            $crate::domain::notification::ChannelKind,
            $crate::domain::notification::DeliveryStatus,
            $crate::domain::opcua_certificate::CertificateState,
            $crate::domain::platform_status::PlatformStatus,
            $crate::domain::policy::PolicyTable,
            $crate::domain::quarantine::QuarantineReason,
            $crate::domain::stream::AccessMode,
            $crate::domain::stream::ByteOrder,
            $crate::domain::user_role::UserRole,
        );
    };
}

pub(crate) use for_each_choice;

macro_rules! words {
    ($($set:ty),+ $(,)?) => {$(
        impl ShowValue for $set {
            fn show(&mut self) -> ShownValue {
                ShownValue::Word(self.name())
            }
        }
    )+};
}

for_each_choice!(words);
words!(Severity, StreamKind);

macro_rules! choices {
    ($($set:ty),+ $(,)?) => {$(
        impl FieldType for $set {
            type Limits = ();

            fn read<S: Source>(value: S::Value, (): ()) -> Result<Self, String> {
                let parse = |word: &str| <$set>::ALL.into_iter().find(|choice| choice.name() == word);
                S::choice(value, &<$set>::ALL.map(<$set>::name), parse)
            }

            fn shape((): ()) -> FieldShape {
                FieldShape::Choice(<$set>::ALL.map(<$set>::name).to_vec())
            }
        }
    )+};
}

for_each_choice!(choices);
choices!(Severity);

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
        match S::choice(value, &names, |word| word.parse::<KindInput>().ok())? {
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
