//! `basalt browse eip://…` and `basalt read eip://…`: list the tags of a controller and read one. They need neither a
//! Basalt server nor a data directory.

use std::time::Duration;

use super::args::Browse;
use super::timeout::parse_timeout;
use super::{opcua_commands, print};
use crate::collect::eip::one_shot::{self, TagRead};
use crate::domain::Result;

/// Whether an address is that of an EtherNet/IP controller.
pub fn is_controller(address: &str) -> bool {
    address.starts_with("eip:")
}

/// Lists the tags and programs of a controller.
pub async fn browse(args: Browse) -> Result<()> {
    let timeout = parse_timeout(args.timeout)?;
    let tree = one_shot::browse(&args.address, usize::from(args.depth), timeout).await?;
    opcua_commands::print_tree(&tree, "write a program after the address, such as /Program:Main")
}

/// Reads the tag of an address and prints its value.
pub async fn read(address: &str, timeout: Duration) -> Result<()> {
    print::line(&describe(&one_shot::read(address, timeout).await?))
}

fn describe(read: &TagRead) -> String {
    let bytes: Vec<_> = read.raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let lines = [
        ("tag", read.tag.to_string()),
        ("type", read.data_type.to_owned()),
        ("value", read.value.to_string()),
        ("raw", bytes.join(" ")),
    ];
    lines.map(|(name, text)| format!("{name:<9} {text}")).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::device_value::DeviceValue;
    use crate::collect::numeric_value::NumericValue;

    #[test]
    fn a_tag_is_shown_with_its_type_and_bytes() {
        let read = TagRead {
            tag: "Program:Main.speed".parse().unwrap(),
            data_type: "REAL",
            value: DeviceValue::Number(NumericValue::Float(23.5)),
            raw: vec![0, 0, 0xBC, 0x41],
        };
        let expected = "\
tag       Program:Main.speed
type      REAL
value     23.5
raw       00 00 bc 41";
        assert_eq!(describe(&read), expected);
    }
}
