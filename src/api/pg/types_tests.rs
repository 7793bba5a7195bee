//! Tests of the mapping of types.

use super::*;

#[test]
fn types_are_declared_or_left_to_the_engine() {
    assert!(declared_type(0).unwrap().is_none());
    assert!(declared_type(Type::UNKNOWN.oid()).unwrap().is_none());
    assert_eq!(declared_type(23).unwrap(), Some(Type::INT4));
    assert!(declared_type(Type::POINT.oid()).is_err() && declared_type(Type::POINT_ARRAY.oid()).is_err());
    assert_eq!(type_by_name("double precision[]").unwrap(), Type::FLOAT8_ARRAY);
    assert!(type_by_name("int[][]").is_err() && type_by_name("[]").is_err());
    assert_eq!((name(&Type::INT4_ARRAY), name(&Type::INT4)), ("int4[]".to_owned(), "int4".to_owned()));
    assert!(declared_type(999_999).is_err());
    assert_eq!(
        parameter_type(&DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        Type::TIMESTAMPTZ
    );
    assert_eq!(parameter_type(&DataType::Null), Type::TEXT);
    assert_eq!(parameter_type(&DataType::UInt32), Type::OID);
    assert_eq!(parameter_type(&DataType::new_list(DataType::UInt32, true)), Type::OID_ARRAY);
}

#[test]
fn every_type_of_the_table_is_known_by_its_number() {
    for (array, element) in ARRAY_TYPES {
        assert_eq!(element_type(&array), Some(element.clone()));
        assert_eq!(array_type(&element), Some(array.clone()));
        assert!(arrow_type(&array).is_some(), "{array}");
        assert_eq!(declared_type(array.oid()).unwrap(), Some(array));
    }
    assert_eq!(element_type(&Type::INT4), None);
}
