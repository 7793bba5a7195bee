//! Values of fields, shown alike by every API and file.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::shown::ShownValue;

/// A value that responses and files can show.
pub trait ShowValue {
    /// The value as responses and files show it. It takes texts, lists and objects out of `self`.
    fn show(&mut self) -> ShownValue;
}

/// Null stands for a value that is absent.
impl<T: ShowValue> ShowValue for Option<T> {
    fn show(&mut self) -> ShownValue {
        self.as_mut().map_or(ShownValue::Json(Value::Null), T::show)
    }
}

macro_rules! copied {
    ($($plain:ty),+) => {$(
        impl ShowValue for $plain {
            fn show(&mut self) -> ShownValue {
                ShownValue::Json((*self).into())
            }
        }
    )+};
}

copied!(bool, f64, u8, u16, u32, u64, usize, i32, i64);

macro_rules! taken {
    ($($owned:ty),+) => {$(
        impl ShowValue for $owned {
            fn show(&mut self) -> ShownValue {
                ShownValue::Json(std::mem::take(self).into())
            }
        }
    )+};
}

taken!(String, Vec<String>, Map<String, Value>);

impl ShowValue for Value {
    fn show(&mut self) -> ShownValue {
        ShownValue::Json(self.take())
    }
}

impl ShowValue for Uuid {
    fn show(&mut self) -> ShownValue {
        ShownValue::Json(self.to_string().into())
    }
}

impl ShowValue for Vec<Uuid> {
    fn show(&mut self) -> ShownValue {
        ShownValue::List(self.iter_mut().map(Uuid::show).collect())
    }
}
