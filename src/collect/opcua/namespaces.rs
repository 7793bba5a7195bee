//! Namespaces of a server, and when they are read again. Pure; the caller passes the time.

use std::time::Duration;

use opcua::types::{DataValue, Variant};
use tokio::time::Instant;

use super::node::NodePath;

/// Time between two reads while a namespace is missing.
const REREAD_INTERVAL: Duration = Duration::from_secs(10);

/// The namespaces of a server, in its order, as they were last read. A server that starts may register some only after it
/// has accepted sessions.
#[derive(Debug)]
pub struct Namespaces {
    uris: Vec<String>,
    read_at: Instant,
}

impl Namespaces {
    /// None yet.
    pub fn new(now: Instant) -> Namespaces {
        Namespaces { uris: Vec::new(), read_at: now }
    }

    /// The URI of each namespace, at its index.
    pub fn uris(&self) -> &[String] {
        &self.uris
    }

    /// Takes the answer to a read of `NamespaceArray`. One without a list changes nothing.
    pub fn learn(&mut self, answer: Option<&DataValue>, now: Instant) {
        let uris = answer.map(texts).unwrap_or_default();
        if !uris.is_empty() {
            self.uris = uris;
        }
        self.read_at = now;
    }

    /// Whether they are to be read again, because one of these nodes has none among them.
    pub fn are_due(&self, nodes: &[&NodePath], now: Instant) -> bool {
        let has_none = |node: &&NodePath| node.resolve(&self.uris).is_err();
        now.duration_since(self.read_at) >= REREAD_INTERVAL && nodes.iter().any(has_none)
    }
}

fn texts(answer: &DataValue) -> Vec<String> {
    let list = match &answer.value {
        Some(Variant::Array(list)) => list.values.as_slice(),
        _ => &[],
    };
    let text = |value: &Variant| match value {
        Variant::String(text) => text.to_string(),
        _ => String::new(),
    };
    list.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_namespace_is_looked_for_once_in_a_while() {
        let answer = |uris: &[&str]| {
            let uris: Vec<String> = uris.iter().map(|uri| (*uri).to_owned()).collect();
            DataValue::new_now(Variant::from(uris))
        };
        let node = |text: &str| text.parse::<NodePath>().unwrap();
        let (known, late, plain) = (node("nsu=urn:a;i=1"), node("nsu=urn:late;i=1"), node("ns=9;i=1"));
        let start = Instant::now();
        let mut namespaces = Namespaces::new(start);
        namespaces.learn(Some(&answer(&["urn:server", "urn:a"])), start);
        let later = start + REREAD_INTERVAL;
        assert!(!namespaces.are_due(&[&known, &late], start), "they were read just now");
        assert!(!namespaces.are_due(&[&known, &plain], later), "none is missing");
        assert!(namespaces.are_due(&[&known, &late], later));
        // A server that does not answer is asked again later, and what is known stays.
        namespaces.learn(None, later);
        assert!(!namespaces.are_due(&[&late], later));
        assert_eq!(namespaces.uris(), ["urn:server", "urn:a"]);
        namespaces.learn(Some(&answer(&["urn:server", "urn:a", "urn:late"])), later + REREAD_INTERVAL);
        assert_eq!(late.resolve(namespaces.uris()).map(|id| id.namespace), Ok(2));
        assert!(!namespaces.are_due(&[&known, &late], later + 3 * REREAD_INTERVAL));
    }
}
