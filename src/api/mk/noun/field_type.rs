//! Types of fields: how a value is read from a body and compared.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::api::mk::body::Fields;
use crate::api::mk::page::SortKey;
use crate::api::mk::wire::iso;
use crate::app::fields::show_value::ShowValue;
use crate::app::fields::shown::ShownValue;
use crate::domain::Micros;

/// A type that a field can have.
pub trait FieldType: ShowValue + Sized {
    /// Whether the rules of the noun refuse a missing value, so that its reading does not.
    const RULES_REQUIRE_IT: bool = false;

    /// Whether lists may be sorted by it.
    const IS_SORTABLE: bool = true;

    /// Takes a member of a body. `None` for a member that is absent or null, and for a wrong one, which the body remembers.
    fn read(fields: &mut Fields, name: &str) -> Option<Self>;

    /// Meaning of null where an absent member keeps its value; `None` for a type that null does not change.
    fn empty() -> Option<Self> {
        None
    }

    /// Returns the sort key of the field, and takes its value: the key of what is shown, unless the type has its own order.
    fn sort_key(&mut self) -> SortKey {
        self.show().into()
    }
}

/// A text that is absent is empty, which the rules refuse where they must.
impl FieldType for String {
    const RULES_REQUIRE_IT: bool = true;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.text(name)
    }

    fn empty() -> Option<Self> {
        Some(String::new())
    }
}

macro_rules! plain {
    ($($plain:ty: $read:ident),+ $(,)?) => {$(
        impl FieldType for $plain {
            fn read(fields: &mut Fields, name: &str) -> Option<Self> {
                fields.$read(name)
            }
        }
    )+};
}

plain!(bool: boolean, i64: integer, Uuid: uuid);

macro_rules! unsigned_integers {
    ($($integer:ty),+) => {$(
        impl FieldType for $integer {
            fn read(fields: &mut Fields, name: &str) -> Option<Self> {
                fields.unsigned(name, <$integer>::MAX)
            }
        }
    )+};
}

unsigned_integers!(u32, u64, usize);

/// Lists are not sorted by numbers with a fraction.
impl FieldType for f64 {
    const IS_SORTABLE: bool = false;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.number(name)
    }
}

/// Times are shown in milliseconds, where these are exact.
impl ShowValue for Micros {
    fn show(&mut self) -> ShownValue {
        ShownValue::Json(iso(*self).into())
    }
}

/// Texts of times differ in length, so that their order is another one.
impl FieldType for Micros {
    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.time(name)
    }

    fn sort_key(&mut self) -> SortKey {
        (*self).into()
    }
}

macro_rules! collections {
    ($($collection:ty: $read:ident),+ $(,)?) => {$(
        impl FieldType for $collection {
            const IS_SORTABLE: bool = false;

            fn read(fields: &mut Fields, name: &str) -> Option<Self> {
                fields.$read(name)
            }

            fn empty() -> Option<Self> {
                Some(Self::new())
            }
        }
    )+};
}

collections!(Map<String, Value>: object, Vec<String>: texts, Vec<Uuid>: uuids);

/// A value of any JSON type, which no body gives.
impl FieldType for Value {
    const IS_SORTABLE: bool = false;

    fn read(_: &mut Fields, _: &str) -> Option<Self> {
        None
    }
}

/// Null is the smallest.
impl<T: FieldType> FieldType for Option<T> {
    const RULES_REQUIRE_IT: bool = T::RULES_REQUIRE_IT;
    const IS_SORTABLE: bool = T::IS_SORTABLE;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        T::read(fields, name).map(Some)
    }

    fn empty() -> Option<Self> {
        Some(None)
    }

    fn sort_key(&mut self) -> SortKey {
        self.as_mut().map_or(SortKey::Null, T::sort_key)
    }
}
