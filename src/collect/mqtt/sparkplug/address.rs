//! Addresses of metrics: `GROUP/NODE#METRIC`, or `GROUP/NODE/DEVICE#METRIC` for a device behind an edge node. Pure.
//!
//! `#` ends the topic part, as in the addresses of topics: no id may contain it, while the name of a metric may contain
//! anything, and often has slashes.

use std::fmt;
use std::str::FromStr;

use super::decode::MAX_NAME_BYTES;

/// Form of an address, for error messages.
pub const FORM: &str =
    "Write GROUP/NODE#METRIC or GROUP/NODE/DEVICE#METRIC, for example plant/edge1/press#Motor/speed.";
/// Bytes in the id of a group, edge node or device.
const MAX_ID_BYTES: usize = 256;

/// An edge node of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    pub group: Box<str>,
    pub node: Box<str>,
}

/// Source with births and deaths of its own: an edge node, or a device behind it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricSource {
    pub node: NodeId,
    /// `None` for the edge node itself.
    pub device: Option<Box<str>>,
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricAddress {
    pub source: MetricSource,
    pub metric: Box<str>,
}

/// Why a text is no address of a metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}. {FORM}")]
pub struct InvalidMetricAddress {
    why: String,
}

/// Problem with the id of a group, edge node, device or host; `None` when it is right.
pub fn id_problem(id: &str) -> Option<String> {
    match id.len() {
        0 => Some("an id is empty".to_owned()),
        1..=MAX_ID_BYTES if id.contains(['+', '#', '/', '\0']) => {
            Some(format!("`{id}` is no id: it contains `+`, `#`, `/` or U+0000"))
        }
        1..=MAX_ID_BYTES => None,
        _ => Some(format!("an id has more than {MAX_ID_BYTES} bytes")),
    }
}

impl FromStr for MetricAddress {
    type Err = InvalidMetricAddress;

    fn from_str(text: &str) -> Result<MetricAddress, InvalidMetricAddress> {
        let invalid = |why: String| InvalidMetricAddress { why };
        let (source, metric) =
            text.split_once('#').ok_or_else(|| invalid("A `#` precedes the metric".to_owned()))?;
        let ids: Vec<&str> = source.splitn(4, '/').collect();
        let (group, node, device) = match ids[..] {
            [group, node] => (group, node, None),
            [group, node, device] => (group, node, Some(device)),
            _ => return Err(invalid(format!("`{source}` is neither GROUP/NODE nor GROUP/NODE/DEVICE"))),
        };
        if let Some(why) = [Some(group), Some(node), device].into_iter().flatten().find_map(id_problem) {
            return Err(invalid(why));
        }
        if metric.is_empty() || metric.len() > MAX_NAME_BYTES {
            return Err(invalid(format!("The name of a metric has 1 to {MAX_NAME_BYTES} bytes")));
        }
        let node = NodeId { group: group.into(), node: node.into() };
        let source = MetricSource { node, device: device.map(Box::from) };
        Ok(MetricAddress { source, metric: metric.into() })
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.node)
    }
}

impl fmt::Display for MetricSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)?;
        self.device.as_ref().map_or(Ok(()), |device| write!(f, "/{device}"))
    }
}

impl fmt::Display for MetricAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.source, self.metric)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_a_source_and_a_metric() {
        for (text, device, metric) in [
            ("plant/edge1#Node Control/Rebirth", None, "Node Control/Rebirth"),
            ("plant/edge1/press#Motor/speed", Some("press"), "Motor/speed"),
            ("p 1/e.1/d-1#a#b", Some("d-1"), "a#b"),
        ] {
            let address: MetricAddress = text.parse().unwrap();
            assert_eq!((address.source.device.as_deref(), &*address.metric), (device, metric), "{text}");
            assert_eq!(address.to_string(), text);
        }
        for (text, why) in [
            ("plant/edge1", "A `#` precedes the metric"),
            ("edge1#speed", "`edge1` is neither"),
            ("a/b/c/d#speed", "`a/b/c/d` is neither"),
            ("a//c#speed", "an id is empty"),
            ("a/+#speed", "`+` is no id"),
            ("a/b#", "The name of a metric"),
        ] {
            let error = text.parse::<MetricAddress>().unwrap_err().to_string();
            assert!(error.starts_with(why) && error.ends_with(FORM), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_written_as_it_is_read(text in "[a/+#é]{0,12}") {
            if let Ok(address) = text.parse::<MetricAddress>() {
                prop_assert_eq!(address.to_string(), text);
            }
        }
    }
}
