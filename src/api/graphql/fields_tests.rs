//! Every field of a device, product, stream and group is in the schema: in its type, and in the inputs that create and change it.

use std::collections::BTreeSet;

use super::sdl;
use crate::app::fields::noun::Noun;
use crate::app::fields::values::FieldValues;
use crate::domain::device::DeviceSpec;
use crate::domain::group::GroupSpec;
use crate::domain::product::ProductSpec;
use crate::domain::stream::StreamSpec;

/// The names of the fields of a type or input.
fn fields_of(schema: &str, head: &str) -> BTreeSet<String> {
    let block = schema.split(&format!("\n{head} ")).nth(1).unwrap_or_else(|| panic!("no {head}"));
    let (mut names, mut is_description) = (BTreeSet::new(), false);
    for line in block.lines().skip(1).take_while(|line| !line.starts_with('}')) {
        if line.trim() == "\"\"\"" {
            is_description = !is_description;
        } else if let Some(field) = line.strip_prefix('\t').filter(|_| !is_description) {
            let name: String = field.chars().take_while(|c| c.is_alphanumeric()).collect();
            names.insert(name);
        }
    }
    names
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |camel, word| camel + &word[..1].to_uppercase() + &word[1..])
}

/// Fields of a noun that a part of the schema leaves out: part, field, reason.
const LEFT_OUT: [(&str, &str, &str); 2] = [
    ("type Device", "password", "a secret is never returned"),
    ("input UpdateStreamInput", "device", "a stream stays with its device"),
];

#[test]
fn every_field_of_a_noun_is_in_the_schema() {
    let schema = sdl();
    let nouns: [(FieldValues, [&str; 3]); 4] = [
        (DeviceSpec::blank().values(), ["type Device", "input CreateDeviceInput", "input UpdateDeviceInput"]),
        (
            ProductSpec::blank().values(),
            ["type Product", "input CreateProductInput", "input UpdateProductInput"],
        ),
        (StreamSpec::blank().values(), ["type Stream", "input CreateStreamInput", "input UpdateStreamInput"]),
        (GroupSpec::blank().values(), ["type Group", "input CreateGroupInput", "input UpdateGroupInput"]),
    ];
    for (values, heads) in nouns {
        for head in heads {
            let fields = fields_of(&schema, head);
            for name in values.names() {
                let is_left_out = LEFT_OUT.iter().any(|(part, field, _)| (*part, *field) == (head, name));
                let is_there = fields.contains(&camel_case(name));
                assert!(is_there != is_left_out, "{head}, {name}: there {is_there}, left out {is_left_out}");
            }
        }
    }
}
