//! Limits of one call: those that a server states, and ours. Pure.

use opcua::types::{DataValue, NodeId, Variant};

use super::memory_size;

/// Upper bound of nodes in one call, even when the server allows more.
const MAX_NODES_PER_CALL: usize = 1000;
/// Node ids of the limits on every server: `MaxNodesPerRead`, `MaxNodesPerBrowse`, `MaxMonitoredItemsPerCall`.
const LIMIT_IDS: [u32; 3] = [11705, 11710, 11714];
/// Memory limit of values that are read together, in any number of calls: ten thousand values of 6 kB each.
const MAX_READ_BYTES: usize = 64 * 1024 * 1024;

/// The server's limits of nodes per call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationLimits {
    pub read: usize,
    pub browse: usize,
    pub subscribe: usize,
}

impl Default for OperationLimits {
    /// Of a server that states none.
    fn default() -> Self {
        let most = MAX_NODES_PER_CALL;
        OperationLimits { read: most, browse: most, subscribe: most }
    }
}

impl OperationLimits {
    /// The nodes that hold the limits.
    pub fn nodes() -> [NodeId; 3] {
        LIMIT_IDS.map(|id| NodeId::new(0, id))
    }

    /// The limits from the values of [`OperationLimits::nodes`]; a value that is missing is no limit.
    pub fn from_values(values: &[DataValue]) -> OperationLimits {
        let at = |index: usize| values.get(index).map_or(MAX_NODES_PER_CALL, limit);
        OperationLimits { read: at(0), browse: at(1), subscribe: at(2) }
    }
}

/// A limit of 0, or none, means that the server sets no limit.
fn limit(answer: &DataValue) -> usize {
    match answer.value {
        Some(Variant::UInt32(limit @ 1..)) => {
            usize::try_from(limit).map_or(MAX_NODES_PER_CALL, |limit| limit.min(MAX_NODES_PER_CALL))
        }
        _ => MAX_NODES_PER_CALL,
    }
}

/// Memory that the values of one reading may still take.
#[derive(Debug)]
pub struct ReadBudget(usize);

impl Default for ReadBudget {
    fn default() -> Self {
        ReadBudget(MAX_READ_BYTES)
    }
}

impl ReadBudget {
    /// Takes the memory of a value. Returns whether it fits.
    pub fn take(&mut self, value: &DataValue) -> bool {
        let left = self.0.checked_sub(memory_size::value_bytes(value));
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_kept_to_and_none_is_ours() {
        for (answer, expected) in [
            (Some(Variant::UInt32(40)), 40),
            (Some(Variant::UInt32(0)), MAX_NODES_PER_CALL),
            (Some(Variant::UInt32(u32::MAX)), MAX_NODES_PER_CALL),
            (None, MAX_NODES_PER_CALL),
        ] {
            let values = [DataValue { value: answer.clone(), ..DataValue::null() }];
            let limits = OperationLimits::from_values(&values);
            assert_eq!(limits.read, expected, "{answer:?}");
            assert_eq!(limits.subscribe, MAX_NODES_PER_CALL, "not stated");
        }
    }

    #[test]
    fn values_fit_until_the_budget_is_spent_and_small_ones_longer_than_large_ones() {
        let mut budget = ReadBudget::default();
        let large = DataValue::new_now("x".repeat(1024 * 1024));
        let count = (0..1000).take_while(|_| budget.take(&large)).count();
        assert!((32..=MAX_READ_BYTES >> 20).contains(&count), "{count}");
        assert!(budget.take(&DataValue::new_now(Variant::Int32(1))));
    }
}
