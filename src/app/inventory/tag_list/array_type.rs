//! Arrays of tag lists, and how addresses of registers name them: `400300:uint16[10]`. Pure.

use super::tag::TagType;
use crate::collect::registers::value_type::RegisterType;

/// Type of so many values of a type, one after the other; `None` for texts, whose length is a part of their type.
pub fn array_of(element: TagType, count: u16) -> Option<TagType> {
    let element = match element {
        TagType::Kind(kind) => RegisterType::Plain(kind),
        TagType::Register(own) => own,
        TagType::OfAddress => return None,
    };
    RegisterType::array(element, count).map(TagType::Register)
}

/// Splits an address with a number of elements behind it, `400300 [10]`; `None` for any other address.
pub fn split_length(address: &str) -> Option<(&str, u16)> {
    let (place, count) = address.strip_suffix(']')?.rsplit_once('[')?;
    let is_number = count.bytes().all(|byte| byte.is_ascii_digit());
    let count = count.parse().ok().filter(|count: &u16| is_number && *count > 0)?;
    Some((place.trim_end(), count))
}

/// Splits the type of an array in TIA Portal, `Array[0..9] of Int`, into the type and the number of its elements; `None` for
/// a type that is no array.
///
/// # Errors
/// The bounds are no two numbers: they are names, or there are several dimensions.
pub fn split_tia_array(word: &str) -> Option<Result<(&str, u16), String>> {
    let (head, rest) = word.split_at_checked(5)?;
    let is_array = head.eq_ignore_ascii_case("array") && rest.trim_start().starts_with('[');
    let rest = is_array.then_some(rest)?;
    let refused = || {
        format!(
            "type `{word}` is no list of one dimension, such as Array[0..9] of Int: list the address of each element"
        )
    };
    Some(split_bounds(rest).ok_or_else(refused))
}

/// Splits what follows the word `Array`.
fn split_bounds(text: &str) -> Option<(&str, u16)> {
    let (bounds, of) = text.trim_start().strip_prefix('[')?.split_once(']')?;
    let (of, element) = of.trim_start().split_at_checked(3)?;
    let element = of.eq_ignore_ascii_case("of ").then_some(element.trim())?;
    let (low, high) = bounds.split_once("..")?;
    let bound = |text: &str| text.trim().parse::<i32>().ok();
    let count = i64::from(bound(high)?) - i64::from(bound(low)?) + 1;
    Some((element, u16::try_from(count).ok().filter(|count| *count > 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::stream::StreamKind;

    #[test]
    fn an_address_ends_with_its_number_of_elements() {
        for (address, expected) in [
            ("400300 [10]", Some(("400300", 10))),
            ("DB1,INT0[12]", Some(("DB1,INT0", 12))),
            ("400300 [2][5]", Some(("400300 [2]", 5))),
            ("400300", None),
            ("400300 [0]", None),
            ("400300 [+1]", None),
            ("400300 []", None),
            ("400300 [65536]", None),
            ("Speeds[0] {10}", None),
        ] {
            assert_eq!(split_length(address), expected, "{address}");
        }
    }

    #[test]
    fn an_array_of_tia_portal_has_bounds_and_a_type() {
        for (word, expected) in [
            ("Array[0..9] of Int", Some(Ok(("Int", 10)))),
            ("array [ -1 .. 1 ] OF Real", Some(Ok(("Real", 3)))),
            ("Array[5..5] of \"Motor_UDT\"", Some(Ok(("\"Motor_UDT\"", 1)))),
            ("Array[0..9] of String[20]", Some(Ok(("String[20]", 10)))),
            ("Array[0..1, 0..4] of Int", Some(Err(()))),
            ("Array[0..\"MAX\"] of Int", Some(Err(()))),
            ("Array[*] of Int", Some(Err(()))),
            ("Array[9..0] of Int", Some(Err(()))),
            ("Array[0..65535] of Int", Some(Err(()))),
            ("Array[0..9]", Some(Err(()))),
            ("Int", None),
            ("Array_UDT", None),
            ("", None),
            ("Größe", None),
        ] {
            assert_eq!(split_tia_array(word).map(|found| found.map_err(drop)), expected, "{word}");
        }
    }

    #[test]
    fn numbers_times_and_bits_have_arrays_and_texts_have_none() {
        for (element, expected) in [
            (TagType::Kind(StreamKind::Uint16), Some("uint16[3]")),
            (TagType::Kind(StreamKind::Bit), Some("bit[3]")),
            (TagType::Register(RegisterType::Date), Some("date[3]")),
            (TagType::Register(RegisterType::Text(4)), None),
            (TagType::Kind(StreamKind::Text), None),
            (TagType::OfAddress, None),
        ] {
            let name = array_of(element, 3).map(|found| match found {
                TagType::Register(array) => array.to_string(),
                other => panic!("{other:?}"),
            });
            assert_eq!(name.as_deref(), expected, "{element:?}");
        }
    }
}
