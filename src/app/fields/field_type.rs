//! Types of fields: how a value is read and described.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::show_value::ShowValue;
use super::source::Source;

/// Limits of a text of any length.
pub const ANY_LENGTH: RangeInclusive<usize> = 0..=usize::MAX;

/// Limits of a number of any size.
pub const ANY_NUMBER: RangeInclusive<f64> = f64::MIN..=f64::MAX;

/// The values that a field can have, for documents.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldShape {
    /// A text; its length in characters.
    Text(RangeInclusive<usize>),
    /// A finite number.
    Number(RangeInclusive<f64>),
    /// A whole number.
    Integer(RangeInclusive<i64>),
    /// One of a closed set of words.
    Choice(Vec<&'static str>),
    /// True or false.
    Boolean,
    /// A JSON object of any members.
    Object,
    /// Null, or a value of a shape.
    OrNull(Box<FieldShape>),
}

/// A type that a field can have.
///
/// Limits describe the field; the rules of its noun enforce them. Only the limits of a whole number are also enforced
/// when it is read; they must lie in its type.
pub trait FieldType: ShowValue + Sized {
    /// `()` for a type without limits.
    type Limits: Clone;

    /// The value that stands for null; `None` for a type without null.
    fn null() -> Option<Self> {
        None
    }

    /// Whether a value means null in a field of this type, if the type has null.
    fn means_null<S: Source>(value: &S::Value) -> bool {
        S::means_null(value)
    }

    /// Converts a value that is not null.
    ///
    /// # Errors
    /// The message for the field, in the wording of the source.
    fn read<S: Source>(value: S::Value, limits: Self::Limits) -> Result<Self, String>;

    /// How to fix a value that was refused with this message, where the message is a prescribed sentence that does not say so.
    fn advice(_message: &str) -> Option<String> {
        None
    }

    /// The values that are valid within these limits.
    fn shape(limits: Self::Limits) -> FieldShape;
}

/// Surrounding white space is removed.
impl FieldType for String {
    type Limits = RangeInclusive<usize>;

    /// A text may be the word that means null in fields of other types.
    fn means_null<S: Source>(value: &S::Value) -> bool {
        S::is_null(value)
    }

    fn read<S: Source>(value: S::Value, _: Self::Limits) -> Result<Self, String> {
        S::text(value).map(|text| text.trim().to_owned())
    }

    fn shape(length: Self::Limits) -> FieldShape {
        FieldShape::Text(length)
    }
}

impl FieldType for bool {
    type Limits = ();

    fn read<S: Source>(value: S::Value, (): ()) -> Result<Self, String> {
        S::boolean(value)
    }

    fn shape((): ()) -> FieldShape {
        FieldShape::Boolean
    }
}

impl FieldType for f64 {
    type Limits = RangeInclusive<f64>;

    fn read<S: Source>(value: S::Value, _: Self::Limits) -> Result<Self, String> {
        S::number(value)
    }

    fn shape(range: Self::Limits) -> FieldShape {
        FieldShape::Number(range)
    }
}

macro_rules! integers {
    ($($integer:ty),+) => {$(
        impl FieldType for $integer {
            type Limits = RangeInclusive<i64>;

            fn read<S: Source>(value: S::Value, range: Self::Limits) -> Result<Self, String> {
                Self::try_from(S::integer(value, range)?).map_err(|error| error.to_string())
            }

            fn shape(range: Self::Limits) -> FieldShape {
                FieldShape::Integer(range)
            }
        }
    )+};
}

integers!(u8, u16, u32, usize, i32, i64);

impl FieldType for Map<String, Value> {
    type Limits = ();

    fn read<S: Source>(value: S::Value, (): ()) -> Result<Self, String> {
        S::object(value)
    }

    fn shape((): ()) -> FieldShape {
        FieldShape::Object
    }
}

impl<T: FieldType> FieldType for Option<T> {
    type Limits = T::Limits;

    fn null() -> Option<Self> {
        Some(None)
    }

    fn means_null<S: Source>(value: &S::Value) -> bool {
        T::means_null::<S>(value)
    }

    fn read<S: Source>(value: S::Value, limits: Self::Limits) -> Result<Self, String> {
        T::read::<S>(value, limits).map(Some)
    }

    fn shape(limits: Self::Limits) -> FieldShape {
        FieldShape::OrNull(Box::new(T::shape(limits)))
    }
}
