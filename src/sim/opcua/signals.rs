//! Many signals that all change at every full second, to measure how much a client can take. Each value follows from
//! the signal's number and source time, so that lost, late or wrong values are noticed.

use std::time::Duration;

use opcua::server::ServerHandle;
use opcua::server::node_manager::memory::InMemoryNodeManager;
use opcua::types::{DataValue, DateTime, NodeId, StatusCode, Variant};

use super::nodes::{NAMESPACE, PlantNodes};

/// Number of signals.
pub const SIGNAL_COUNT: u32 = 2000;
const TICKS_PER_SECOND: i64 = 10_000_000;

/// The whole seconds in a time, counted from OPC UA's epoch.
pub fn whole_seconds(time: DateTime) -> i64 {
    time.checked_ticks().div_euclid(TICKS_PER_SECOND)
}

/// Name of a signal.
pub fn name(number: u32) -> String {
    format!("signals.{number}")
}

/// Value of a signal from this second on: (seconds since 1970 + 7 × number) modulo 1000, in tenths.
pub fn value_at(number: u32, second: i64) -> DataValue {
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

/// Changes all signals at every full second, for ever.
pub async fn run(handle: ServerHandle) {
    let Some(nodes) = handle.node_managers().get_of_type::<InMemoryNodeManager<PlantNodes>>() else { return };
    let namespace = handle.get_namespace_index(NAMESPACE).unwrap_or_default();
    let all: Vec<NodeId> = (0..SIGNAL_COUNT).map(|number| NodeId::new(namespace, name(number))).collect();
    loop {
        let now = DateTime::now();
        let next = whole_seconds(now) + 1;
        let ticks = (next * TICKS_PER_SECOND).saturating_sub(now.checked_ticks()).unsigned_abs();
        tokio::time::sleep(Duration::from_nanos(ticks * 100)).await;
        let changed = (0..SIGNAL_COUNT).zip(&all).map(|(number, node)| (node, None, value_at(number, next)));
        if let Err(status) = nodes.set_values(handle.subscriptions(), changed) {
            tracing::warn!(%status, "simulated OPC UA signals are not updated");
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
        let noon = whole_seconds(DateTime::from((2026, 4, 28, 12, 0, 0)));
        for (number, later, expected) in
            [(0, 0, 60.0), (1, 0, 60.7), (0, 1, 60.1), (57, 0, 99.9), (58, 0, 0.6)]
        {
            let value = value_at(number, noon + later);
            assert_eq!(value.value, Some(Variant::Double(expected)), "{number} after {later} s");
            assert_eq!(value.source_timestamp.map(whole_seconds), Some(noon + later));
        }
    }
}
