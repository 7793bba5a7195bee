//! Many numbers that all change at every full second, to see how much a client takes: each is known from its number and
//! its source time, so that nothing lost, late or wrong stays unnoticed.

use std::time::Duration;

use opcua::server::ServerHandle;
use opcua::server::node_manager::memory::InMemoryNodeManager;
use opcua::types::{DataValue, DateTime, NodeId, StatusCode, Variant};

use super::nodes::{NAMESPACE, Nodes};

/// How many there are.
pub const COUNT: u32 = 2000;
const TICKS_PER_SECOND: i64 = 10_000_000;

/// The whole seconds in a time, as the standard counts them.
pub fn second(time: DateTime) -> i64 {
    time.checked_ticks().div_euclid(TICKS_PER_SECOND)
}

/// The name of one of them.
pub fn name(number: u32) -> String {
    format!("signals.{number}")
}

/// What it holds from this second on: (seconds since 1970 + 7 × number) modulo 1000, in tenths.
pub fn at(number: u32, second: i64) -> DataValue {
    const SECONDS_TO_1970: i64 = 11_644_473_600;
    let tenths = (second - SECONDS_TO_1970 + 7 * i64::from(number)).rem_euclid(1000);
    DataValue {
        value: Some(Variant::Double(tenths as f64 / 10.0)),
        status: Some(StatusCode::Good),
        source_timestamp: Some(DateTime::from(second * TICKS_PER_SECOND)),
        server_timestamp: Some(DateTime::now()),
        ..DataValue::null()
    }
}

/// Lets all of them change at every full second, for ever.
pub async fn run(handle: ServerHandle) {
    let Some(nodes) = handle.node_managers().get_of_type::<InMemoryNodeManager<Nodes>>() else { return };
    let namespace = handle.get_namespace_index(NAMESPACE).unwrap_or_default();
    let all: Vec<NodeId> = (0..COUNT).map(|number| NodeId::new(namespace, name(number))).collect();
    loop {
        let now = DateTime::now();
        let next = second(now) + 1;
        let ticks = (next * TICKS_PER_SECOND).saturating_sub(now.checked_ticks()).unsigned_abs();
        tokio::time::sleep(Duration::from_nanos(ticks * 100)).await;
        let changed = (0..COUNT).zip(&all).map(|(number, node)| (node, None, at(number, next)));
        if let Err(status) = nodes.set_values(handle.subscriptions(), changed) {
            tracing::warn!(%status, "simulated signals stand still");
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_known_from_its_number_and_time() {
        // 2026-04-28T12:00:00Z, 1777377600 s after 1970.
        let noon = second(DateTime::from((2026, 4, 28, 12, 0, 0)));
        for (number, later, expected) in
            [(0, 0, 60.0), (1, 0, 60.7), (0, 1, 60.1), (57, 0, 99.9), (58, 0, 0.6)]
        {
            let value = at(number, noon + later);
            assert_eq!(value.value, Some(Variant::Double(expected)), "{number} after {later} s");
            assert_eq!(value.source_timestamp.map(second), Some(noon + later));
        }
    }
}
