//! `basalt read`: one register or node straight from a device. Needs no server; the data directory only for the
//! certificates of secure OPC UA.

use super::args::Read;
use super::patience::patience;
use super::{address_space, print};
use crate::collect::direct::{self, DirectRead};
use crate::domain::Result;

pub async fn run(args: Read) -> Result<()> {
    let timeout = patience(args.timeout)?;
    if args.address.starts_with("opc.tcp:") {
        return address_space::read(&args.address, timeout, &address_space::means(&args.place)?).await;
    }
    let read = direct::read(&args.address, timeout).await?;
    print::line(&describe(&read))
}

/// The value as asked for, what came over the wire, and the value in every order, to find the right one by eye.
fn describe(read: &DirectRead) -> String {
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
    use crate::collect::value::Value;
    use crate::domain::stream::StreamKind;

    #[test]
    fn everything_that_helps_to_find_the_byte_order_is_shown() {
        let read = DirectRead {
            register: "hr:100".into(),
            kind: StreamKind::Fp32,
            value: Value::Float(23.5),
            raw: vec![0x41, 0xbc, 0, 0],
            orders: vec![(WordOrder::Abcd, Value::Float(23.5)), (WordOrder::Cdab, Value::Float(0.25))],
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
