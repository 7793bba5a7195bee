//! `basalt read`: reads one register, node or tag directly from a device. It needs no server, and the data directory only
//! for the certificates of secure OPC UA.

use super::args::Read;
use super::timeout::parse_timeout;
use super::{eip_commands, opcua_commands, print};
use crate::collect::one_shot::{self, OneShotRead};
use crate::domain::Result;

/// Reads once, and prints the value with its type, its raw bytes or its status, depending on the protocol.
pub async fn run(args: Read) -> Result<()> {
    let timeout = parse_timeout(args.timeout)?;
    if args.address.starts_with("opc.tcp:") {
        return opcua_commands::read(&args.address, timeout, &opcua_commands::connect_context(&args.place)?)
            .await;
    }
    if eip_commands::is_controller(&args.address) {
        return eip_commands::read(&args.address, timeout).await;
    }
    let read = one_shot::read(&args.address, timeout).await?;
    print::line(&describe(&read))
}

/// Formats the value as requested, its raw bytes, and its value in every byte order, to find the right one by eye.
fn describe(read: &OneShotRead) -> String {
    let bytes: Vec<_> = read.raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let head = [
        ("register", read.register.clone()),
        ("type", read.kind.to_string()),
        ("value", read.value.to_string()),
        ("raw", bytes.join(" ")),
    ];
    let head = head.into_iter().map(|(name, text)| format!("{name:<9} {text}"));
    let orders = read.orders.iter().map(|(order, value)| format!("{:<9} {value}", order.name()));
    head.chain(orders).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::codec::WordOrder;
    use crate::collect::numeric_value::NumericValue;
    use crate::domain::stream::StreamKind;

    #[test]
    fn everything_that_helps_to_find_the_byte_order_is_shown() {
        let read = OneShotRead {
            register: "hr:100".into(),
            kind: StreamKind::Fp32,
            value: NumericValue::Float(23.5).into(),
            raw: vec![0x41, 0xbc, 0, 0],
            orders: vec![
                (WordOrder::Abcd, NumericValue::Float(23.5).into()),
                (WordOrder::Cdab, NumericValue::Float(0.25).into()),
            ],
        };
        let expected = "\
register  hr:100
type      fp32
value     23.5
raw       41 bc 00 00
abcd      23.5
cdab      0.25";
        assert_eq!(describe(&read), expected);
    }
}
