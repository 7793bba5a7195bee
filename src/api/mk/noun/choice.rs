//! Closed sets of words as types of fields.

use super::field_type::FieldType;
use crate::api::mk::body::Fields;
use crate::app::fields::choice::for_each_choice;

macro_rules! choices {
    ($($set:ty),+ $(,)?) => {$(
        impl FieldType for $set {
            fn read(fields: &mut Fields, name: &str) -> Option<Self> {
                fields.choice(name, &<$set>::ALL, <$set>::name)
            }
        }
    )+};
}

for_each_choice!(choices);
