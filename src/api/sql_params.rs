//! Deserialises the JSON `params` of a statement, up to `MAX_PARAMETERS` scalars, without building more than that.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::app::sql::MAX_PARAMETERS;

/// An object or an array of scalars, or null. Nested values are replaced by an empty list or object, which is later
/// refused by name.
#[derive(Debug, Default)]
pub struct SqlParams(pub Value);

impl<'de> Deserialize<'de> for SqlParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParamsVisitor).map(SqlParams)
    }
}

fn check_count<E: Error>(count: usize) -> Result<(), E> {
    match count < MAX_PARAMETERS {
        true => Ok(()),
        false => Err(E::custom(format!("`params` has more than {MAX_PARAMETERS} values"))),
    }
}

/// Visitor methods for scalars, shared by all visitors here.
macro_rules! single_values {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a single value, an array or an object of single values")
        }

        fn visit_unit<E: Error>(self) -> Result<Value, E> {
            Ok(Value::Null)
        }

        fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
            Ok(Value::from(value))
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
            Ok(Value::from(value))
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
            Ok(Value::from(value))
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
            Ok(Value::from(value))
        }

        fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
            Ok(Value::from(value))
        }

        fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
            Ok(Value::from(value))
        }
    };
}

struct ParamsVisitor;

impl<'de> Visitor<'de> for ParamsVisitor {
    type Value = Value;

    single_values!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(SingleValue(value)) = items.next_element()? {
            check_count(list.len())?;
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, SingleValue(value))) = items.next_entry::<String, _>()? {
            check_count(map.len())?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

struct SingleValue(Value);

impl<'de> Deserialize<'de> for SingleValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SingleValueVisitor).map(SingleValue)
    }
}

struct SingleValueVisitor;

impl<'de> Visitor<'de> for SingleValueVisitor {
    type Value = Value;

    single_values!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(Vec::new()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Object(Map::new()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn read(text: &str) -> serde_json::Result<Value> {
        serde_json::from_str::<SqlParams>(text).map(|params| params.0)
    }

    #[test]
    fn single_values_are_as_they_came() {
        for text in
            ["null", "[]", "{}", r#"[1,-2,2.5,"a",true,null,18446744073709551615]"#, r#"{"a":1,"b":"x"}"#]
        {
            assert_eq!(read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        }
        assert_eq!(read(r#"{"a":[1,[2]],"b":{"c":3}}"#).unwrap(), json!({"a": [], "b": {}}));
    }

    #[test]
    fn too_many_are_refused_while_they_are_read() {
        let list = format!("[{}0]", "0,".repeat(MAX_PARAMETERS));
        assert!(read(&list).unwrap_err().to_string().contains("more than 1000 values"));
        assert!(read(&format!("[{}0]", "0,".repeat(MAX_PARAMETERS - 1))).is_ok());
    }
}
