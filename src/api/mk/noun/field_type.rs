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

    /// Returns the sort key of the field.
    fn sort_key(&self) -> SortKey;
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

    fn sort_key(&self) -> SortKey {
        self.as_str().into()
    }
}

impl FieldType for bool {
    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.boolean(name)
    }

    fn sort_key(&self) -> SortKey {
        (*self).into()
    }
}

impl FieldType for i64 {
    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.integer(name)
    }

    fn sort_key(&self) -> SortKey {
        SortKey::Whole(*self)
    }
}

macro_rules! unsigned_integers {
    ($($integer:ty),+) => {$(
        impl FieldType for $integer {
            fn read(fields: &mut Fields, name: &str) -> Option<Self> {
                fields.unsigned(name, <$integer>::MAX)
            }

            fn sort_key(&self) -> SortKey {
                SortKey::Whole(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
    )+};
}

unsigned_integers!(u64, usize);

impl FieldType for u32 {
    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.unsigned(name, u32::MAX)
    }

    fn sort_key(&self) -> SortKey {
        SortKey::Whole((*self).into())
    }
}

/// Lists are not sorted by numbers with a fraction.
impl FieldType for f64 {
    const IS_SORTABLE: bool = false;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.number(name)
    }

    fn sort_key(&self) -> SortKey {
        SortKey::Null
    }
}

impl FieldType for Uuid {
    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.uuid(name)
    }

    fn sort_key(&self) -> SortKey {
        (*self).into()
    }
}

/// Times are shown in milliseconds, where these are exact.
impl ShowValue for Micros {
    fn show(&mut self) -> ShownValue {
        ShownValue::Json(iso(*self).into())
    }
}

impl FieldType for Micros {
    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.time(name)
    }

    fn sort_key(&self) -> SortKey {
        (*self).into()
    }
}

impl FieldType for Map<String, Value> {
    const IS_SORTABLE: bool = false;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.object(name)
    }

    fn empty() -> Option<Self> {
        Some(Map::new())
    }

    fn sort_key(&self) -> SortKey {
        SortKey::Null
    }
}

impl FieldType for Vec<String> {
    const IS_SORTABLE: bool = false;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.texts(name)
    }

    fn empty() -> Option<Self> {
        Some(Vec::new())
    }

    fn sort_key(&self) -> SortKey {
        SortKey::Null
    }
}

impl FieldType for Vec<Uuid> {
    const IS_SORTABLE: bool = false;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.uuids(name)
    }

    fn empty() -> Option<Self> {
        Some(Vec::new())
    }

    fn sort_key(&self) -> SortKey {
        SortKey::Null
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

    fn sort_key(&self) -> SortKey {
        self.as_ref().map_or(SortKey::Null, T::sort_key)
    }
}
