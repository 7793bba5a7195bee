//! Topics of Sparkplug B: `spBv1.0/GROUP/TYPE/NODE[/DEVICE]` and `spBv1.0/STATE/HOST` (Sparkplug 3.0, section 4). Pure.

use super::address::{MetricSource, NodeId, id_problem};

/// First level of every topic.
pub const NAMESPACE: &str = "spBv1.0";
const STATE: &str = "STATE";

/// Between whom a message of Sparkplug goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A birth, a value or a death: from an edge node to hosts.
    FromEdge,
    /// A command: from a host to an edge node.
    ToEdge,
    /// Whether a host is online: from the host to edge nodes.
    HostState,
}

impl Direction {
    /// The direction of a topic name; `None` when it is no topic of Sparkplug.
    pub fn of(topic: &str) -> Option<Direction> {
        if let Some(host) = topic.strip_prefix(NAMESPACE).and_then(|rest| rest.strip_prefix("/STATE/")) {
            return id_problem(host).is_none().then_some(Direction::HostState);
        }
        let Levels { group, message, node, device } = Levels::parse(topic)?;
        let is_valid =
            [Some(group), Some(node), device].into_iter().flatten().all(|id| id_problem(id).is_none());
        let is_command = matches!((message, device), ("NCMD", None) | ("DCMD", Some(_)));
        match is_command {
            true => is_valid.then_some(Direction::ToEdge),
            false => EdgeTopic::parse(topic).map(|_| Direction::FromEdge),
        }
    }

    /// Whether a filter of this namespace can match what edge nodes send, and not only commands and states of hosts.
    pub fn may_be_from_edge(filter: &str) -> bool {
        let mut levels = filter.split('/').skip(1);
        let (group, message) = (levels.next().unwrap_or_default(), levels.next());
        group != STATE && !matches!(message, Some("NCMD" | "DCMD"))
    }
}

/// The levels of a topic of an edge node or of a command to one.
struct Levels<'a> {
    group: &'a str,
    message: &'a str,
    node: &'a str,
    device: Option<&'a str>,
}

impl<'a> Levels<'a> {
    fn parse(topic: &'a str) -> Option<Levels<'a>> {
        let levels: Vec<&str> = topic.splitn(6, '/').collect();
        match levels[..] {
            [NAMESPACE, group, message, node] => Some(Levels { group, message, node, device: None }),
            [NAMESPACE, group, message, node, device] => {
                Some(Levels { group, message, node, device: Some(device) })
            }
            _ => None,
        }
    }
}

/// Type of a message of an edge node.
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
        let Levels { group, message, node, device } = Levels::parse(topic)?;
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
    format!("{NAMESPACE}/{STATE}/{host_id}")
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

    #[test]
    fn a_message_goes_from_an_edge_node_or_to_one_or_says_that_a_host_is_there() {
        use Direction::{FromEdge, HostState, ToEdge};
        for (topic, expected) in [
            ("spBv1.0/plant/NBIRTH/edge1", Some(FromEdge)),
            ("spBv1.0/plant/DDATA/edge1/press", Some(FromEdge)),
            ("spBv1.0/plant/NCMD/edge1", Some(ToEdge)),
            ("spBv1.0/plant/DCMD/edge1/press", Some(ToEdge)),
            ("spBv1.0/STATE/host", Some(HostState)),
            ("spBv1.0/plant/NCMD/edge1/press", None),
            ("spBv1.0/plant/DCMD/edge1", None),
            ("spBv1.0/plant/NCMD/", None),
            ("spBv1.0/STATE/", None),
            ("spBv1.0/STATE/a/b", None),
            ("spBv1.0/STATE", None),
            ("spBv1.0/plant/XDATA/edge1", None),
            ("spBv1.0", None),
            ("STATE/host", None),
        ] {
            assert_eq!(Direction::of(topic), expected, "{topic}");
        }
    }

    #[test]
    fn filters_of_edge_nodes_and_of_hosts() {
        for (filter, expected) in [
            ("spBv1.0/#", true),
            ("spBv1.0/plant/#", true),
            ("spBv1.0/plant/+/edge1/#", true),
            ("spBv1.0/+/NDATA/edge1", true),
            ("spBv1.0/plant/NCMD/edge1/#", false),
            ("spBv1.0/+/DCMD/#", false),
            ("spBv1.0/STATE/host", false),
            ("spBv1.0/STATE/#", false),
        ] {
            assert_eq!(Direction::may_be_from_edge(filter), expected, "{filter}");
        }
    }
}
