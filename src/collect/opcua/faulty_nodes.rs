//! Nodes that a server does not answer even alone while it answers others, and when each is called again. Pure; the
//! caller passes the time.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::node::NodePath;
use crate::collect::fault::DeviceFault;

const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// After a refusal: a new attempt costs one call.
const LONGEST_PAUSE: Duration = Duration::from_secs(80);
/// After a loss: a new attempt costs the device's timeout, and its session.
const LONGEST_PAUSE_AFTER_LOSS: Duration = Duration::from_secs(640);

/// The nodes of one server that are faulty now, by path.
#[derive(Debug, Default)]
pub struct FaultyNodes(HashMap<NodePath, FaultyNode>);

/// A node without an answer.
#[derive(Debug)]
pub struct FaultyNode {
    /// How its last call failed.
    pub fault: DeviceFault,
    /// When it is called again.
    pub due: Instant,
    pause: Duration,
}

impl FaultyNodes {
    /// The last fault and the next attempt of a node; `None` unless it is faulty.
    pub fn get(&self, node: &NodePath) -> Option<&FaultyNode> {
        self.0.get(node)
    }

    /// Records how a call for this node alone failed: it is due after a pause, twice as long as its last.
    pub fn record(&mut self, node: &NodePath, fault: &DeviceFault, now: Instant) {
        let longest = if fault.is_connection_loss() { LONGEST_PAUSE_AFTER_LOSS } else { LONGEST_PAUSE };
        let pause = self.0.get(node).map_or(FIRST_PAUSE, |known| (known.pause * 2).min(longest));
        let faulty = FaultyNode { fault: fault.clone(), due: now + pause, pause };
        self.0.insert(node.clone(), faulty);
    }

    /// Forgets the nodes for which `is_kept` does not hold.
    pub fn retain(&mut self, is_kept: impl Fn(&NodePath) -> bool) {
        self.0.retain(|node, _| is_kept(node));
    }

    /// Records that a node has been answered for.
    pub fn remove(&mut self, node: &NodePath) {
        self.0.remove(node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faulty_node_is_due_after_longer_and_longer_pauses() {
        let node: NodePath = "ns=2;s=Line1.Temp".parse().unwrap();
        let address = || "kiln:4840".to_owned();
        let loss = DeviceFault::Closed { address: address(), reason: "gone".to_owned() };
        let limit = DeviceFault::LimitExceeded { address: address(), reason: "long".to_owned() };
        for (fault, pauses_s) in
            [(loss, [10, 20, 40, 80, 160, 320, 640, 640]), (limit, [10, 20, 40, 80, 80, 80, 80, 80])]
        {
            let (mut faulty, mut now) = (FaultyNodes::default(), Instant::now());
            for pause_s in pauses_s {
                faulty.record(&node, &fault, now);
                let known = faulty.get(&node).unwrap();
                assert_eq!((&known.fault, known.due - now), (&fault, Duration::from_secs(pause_s)));
                now = known.due;
            }
            faulty.remove(&node);
            assert!(faulty.get(&node).is_none());
        }
    }
}
