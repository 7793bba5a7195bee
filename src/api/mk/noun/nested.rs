//! Objects in fields of a noun, whose own fields are listed too.

use super::field_type::FieldType;
use super::list::MkNoun;
use super::reader::read_row;
use crate::api::mk::body::Fields;
use crate::app::fields::show_value::ShowValue;
use crate::app::fields::shown::{ShownRow, ShownValue};

/// An object in a field of a noun.
pub trait NestedNoun: MkNoun {
    /// Maximum number of such objects in a list.
    const MOST: usize;
}

/// One object in a field of a noun.
#[derive(Default)]
pub struct NestedObject<T>(pub T);

impl<T: MkNoun> ShowValue for NestedObject<T> {
    fn show(&mut self) -> ShownValue {
        ShownValue::Row(ShownRow::take(&mut self.0))
    }
}

impl<T: MkNoun> FieldType for NestedObject<T> {
    const IS_SORTABLE: bool = false;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        let mut nested = fields.nested(name)?;
        let row = read_row(&mut nested);
        fields.absorb(nested);
        Some(NestedObject(row))
    }
}

impl<T: NestedNoun> ShowValue for Vec<T> {
    fn show(&mut self) -> ShownValue {
        ShownValue::List(self.iter_mut().map(|one| ShownValue::Row(ShownRow::take(one))).collect())
    }
}

impl<T: NestedNoun> FieldType for Vec<T> {
    const IS_SORTABLE: bool = false;

    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        Some(fields.list_of(name, T::MOST, read_row::<T>))
    }
}
