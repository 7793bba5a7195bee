//! Values of any JSON type in fields of a noun.

use serde_json::Value;

use super::field_type::FieldType;
use crate::api::mk::body::Fields;
use crate::api::mk::page::SortKey;
use crate::app::fields::show_value::ShowValue;
use crate::app::fields::shown::ShownValue;

/// A value of any JSON type; lists are not sorted by it.
pub struct AnyJson(pub Value);

impl ShowValue for AnyJson {
    fn show(&mut self) -> ShownValue {
        ShownValue::Json(self.0.take())
    }
}

impl FieldType for AnyJson {
    const IS_SORTABLE: bool = false;

    /// No body gives it.
    fn read(_: &mut Fields, _: &str) -> Option<Self> {
        None
    }

    fn sort_key(&self) -> SortKey {
        SortKey::Null
    }
}
