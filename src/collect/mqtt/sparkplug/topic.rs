//! Topics of Sparkplug B: `spBv1.0/GROUP/TYPE/NODE[/DEVICE]` and `spBv1.0/STATE/HOST` (Sparkplug 3.0, section 4). Pure.

use super::address::{MetricSource, NodeId, id_problem};

const NAMESPACE: &str = "spBv1.0";

/// What a message of an edge node says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageType {
    Birth,
    Data,
    Death,
}

/// Topic of a message that an edge node has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeTopic {
    pub message: MessageType,
    pub source: MetricSource,
}

impl EdgeTopic {
    /// Parses a topic; `None` for every other one, also for the commands of hosts.
    pub fn parse(topic: &str) -> Option<EdgeTopic> {
        let levels: Vec<&str> = topic.splitn(6, '/').collect();
        let (group, message, node, device) = match levels[..] {
            [NAMESPACE, group, message, node] => (group, message, node, None),
            [NAMESPACE, group, message, node, device] => (group, message, node, Some(device)),
            _ => return None,
        };
        let message = match (message, device) {
            ("NBIRTH", None) | ("DBIRTH", Some(_)) => MessageType::Birth,
            ("NDATA", None) | ("DDATA", Some(_)) => MessageType::Data,
            ("NDEATH", None) | ("DDEATH", Some(_)) => MessageType::Death,
            _ => return None,
        };
        if [Some(group), Some(node), device].into_iter().flatten().any(|id| id_problem(id).is_some()) {
            return None;
        }
        let node = NodeId { group: group.into(), node: node.into() };
        Some(EdgeTopic { message, source: MetricSource { node, device: device.map(Box::from) } })
    }
}

/// The filter of everything that an edge node and its devices send.
pub fn node_filter(node: &NodeId) -> String {
    format!("{NAMESPACE}/{}/+/{}/#", node.group, node.node)
}

/// The filter of everything that edge nodes send, of one group or of all.
pub fn group_filter(group: Option<&str>) -> String {
    match group {
        Some(group) => format!("{NAMESPACE}/{group}/#"),
        None => format!("{NAMESPACE}/#"),
    }
}

/// The topic of commands to an edge node or a device.
pub fn command_topic(source: &MetricSource) -> String {
    let NodeId { group, node } = &source.node;
    match &source.device {
        None => format!("{NAMESPACE}/{group}/NCMD/{node}"),
        Some(device) => format!("{NAMESPACE}/{group}/DCMD/{node}/{device}"),
    }
}

/// The topic of a host's state.
pub fn state_topic(host_id: &str) -> String {
    format!("{NAMESPACE}/STATE/{host_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_edge_nodes_are_told_from_all_others() {
        for (topic, expected) in [
            ("spBv1.0/plant/NBIRTH/edge1", Some((MessageType::Birth, "plant/edge1"))),
            ("spBv1.0/plant/NDATA/edge1", Some((MessageType::Data, "plant/edge1"))),
            ("spBv1.0/plant/NDEATH/edge1", Some((MessageType::Death, "plant/edge1"))),
            ("spBv1.0/plant/DBIRTH/edge1/press", Some((MessageType::Birth, "plant/edge1/press"))),
            ("spBv1.0/plant/DDATA/edge1/press", Some((MessageType::Data, "plant/edge1/press"))),
            ("spBv1.0/plant/DDEATH/edge1/press", Some((MessageType::Death, "plant/edge1/press"))),
            ("spBv1.0/plant/DDATA/edge1", None),
            ("spBv1.0/plant/NDATA/edge1/press", None),
            ("spBv1.0/plant/NCMD/edge1", None),
            ("spBv1.0/STATE/host", None),
            ("spBv1.0/plant//edge1", None),
            ("spBv1.0//NDATA/edge1", None),
            ("spBv1.0/plant/DDATA/edge1/press/x", None),
            ("spAv1.0/plant/NDATA/edge1", None),
        ] {
            let found = EdgeTopic::parse(topic).map(|topic| (topic.message, topic.source.to_string()));
            let found = found.as_ref().map(|(message, source)| (*message, source.as_str()));
            assert_eq!(found, expected, "{topic}");
        }
    }
}
