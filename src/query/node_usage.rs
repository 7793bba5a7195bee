//! Resources that a query uses: the bytes that it reads and the memory that it reserves, by node.

use parking_lot::Mutex;

/// Resources that a query has used on one node, or on several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeUsage {
    /// Bytes read from the lake's files; the sum of several nodes.
    pub bytes: u64,
    /// Peak of reserved memory, bytes; of several nodes that of the node with the highest, because each has a share of
    /// its own for the query, and they have their peaks at different moments.
    pub peak_memory: u64,
}

impl NodeUsage {
    /// Returns what both have used.
    pub fn with(self, other: NodeUsage) -> NodeUsage {
        NodeUsage {
            bytes: self.bytes.saturating_add(other.bytes),
            peak_memory: self.peak_memory.max(other.peak_memory),
        }
    }
}

/// Resources that a query has used on nodes other than the one that was asked, as far as they have said.
#[derive(Debug, Default)]
pub struct RemoteUsage(Mutex<NodeUsage>);

impl RemoteUsage {
    /// Adds a node.
    pub fn add(&self, node: NodeUsage) {
        let mut total = self.0.lock();
        *total = total.with(node);
    }

    /// Returns what all of these nodes have used.
    pub fn total(&self) -> NodeUsage {
        *self.0.lock()
    }
}
