//! Lists that are posted to arrays of registers.

use super::*;
use crate::domain::device::{DeviceSpec, Protocol};

fn place(path: &str) -> ResolvedRegister {
    ResolvedRegister::parse(&DeviceSpec::new("plc", Protocol::S7), path, None, None).expect(path)
}

#[test]
fn a_list_has_as_many_members_as_the_array_and_each_is_one_of_its_type() {
    for (path, input, expected) in [
        ("DB1.DBW0:INT[3]", json!([1, -2, 3.0]), Ok("[1,-2,3]")),
        ("DB1.DBB0:REAL[2]", json!([1, 2.5]), Ok("[1.0,2.5]")),
        ("DB1.DBB0:LINT[1]", json!([9_007_199_254_740_993_i64]), Ok("[9007199254740993]")),
        ("DB1.DBW0:bcd16[2]", json!([0, 9999]), Ok("[0,9999]")),
        ("DB1.DBW0:INT[3]", json!("[1,-2,3]"), Err("Must be a list of exactly 3 values.")),
        ("DB1.DBW0:INT[3]", json!(1), Err("Must be a list of exactly 3 values.")),
        ("DB1.DBW0:INT[3]", json!([1, 2]), Err("Must be a list of exactly 3 values. This one has 2.")),
        ("DB1.DBW0:INT[1]", json!([]), Err("Must be a list of exactly 1 value. This one has 0.")),
        ("DB1.DBW0:INT[2]", json!([1, null]), Err("Element 1: A valid number is required.")),
        ("DB1.DBW0:INT[2]", json!([1.5, 2]), Err("Element 0: A valid integer is required.")),
        ("DB1.DBW0:INT[2]", json!([1, [2]]), Err("Element 1: A valid number is required.")),
        (
            "DB1.DBW0:INT[2]",
            json!([1, 32_768]),
            Err("Element 1: Ensure this value is less than or equal to 32767."),
        ),
        (
            "DB1.DBW0:bcd16[2]",
            json!([10_000, 1]),
            Err("Element 0: The register holds whole numbers from 0 to 9999."),
        ),
        (
            "DB1.DBW0:S5TIME[2]",
            json!([10, 1001]),
            Err(
                "Element 1: The register holds milliseconds with three digits: up to 9990 in steps of 10, 99900 of \
                 100, 999000 of 1000, 9990000 of 10000.",
            ),
        ),
    ] {
        let place = place(path);
        let content = to_content(&place, &input);
        let expected = expected.map(|list| DeviceValue::Text(list.into())).map_err(str::to_owned);
        assert_eq!(content, expected, "{path} {input}");
        if let Ok(content) = content {
            // The answer shows the members as a list again.
            assert_eq!(shown_json(&place, &content).to_string(), content.to_string(), "{path}");
        }
    }
}
