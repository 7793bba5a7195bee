//! Reads and writes of nodes over one session. What was learnt of a server, its namespaces, limits and data types, lasts
//! as long as the session: a server may come back as another.

use std::collections::HashMap;
use std::time::Duration;

use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, DataValue, Identifier, NodeId, ReadValueId,
    ReferenceTypeId, TimestampsToReturn, Variant, VariantScalarTypeId as Type, WriteValue,
};

use super::endpoint::Endpoint;
use super::node::NodePath;
use super::session::Session;
use super::{refused, variant, weight};
use crate::collect::client::Means;
use crate::collect::content::Content;
use crate::collect::fault::Fault;

/// `NamespaceArray` of every server, then the most nodes it takes in one call.
const NAMESPACES: u32 = 2255;
const MAX_PER_READ: u32 = 11705;
const MAX_PER_BROWSE: u32 = 11710;
const MAX_PER_SUBSCRIBE: u32 = 11714;
/// Nodes in one call of ours, whatever more a server would take.
const PER_CALL: usize = 1000;
/// Memory of the values that are read together, in however many calls: ten thousand of 6 kB each.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// The bit of `UserAccessLevel` that lets the current value be written.
const WRITABLE: u8 = 2;
/// Data types derived from each other, at most; more is a circle.
const DEPTH: usize = 32;

/// The most nodes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub read: usize,
    pub browse: usize,
    pub subscribe: usize,
}

/// A session with one server and what is known of it.
pub struct Client {
    pub(super) session: Session,
    pub(super) limits: Limits,
    endpoint: Endpoint,
    namespaces: Vec<String>,
    types: HashMap<NodeId, Written>,
    /// Made on this session and not yet deleted.
    pub(super) subscriptions: Vec<u32>,
    /// The link that they are for.
    subscriber: Option<u64>,
    has_answered: bool,
    has_sent: bool,
}

impl Client {
    /// Opens a session and asks what must be known before anything else.
    pub async fn connect(endpoint: &Endpoint, means: &Means) -> Result<Client, Fault> {
        let session = Session::open(endpoint, means).await?;
        let none = Limits { read: PER_CALL, browse: PER_CALL, subscribe: PER_CALL };
        let mut client = Client {
            session,
            limits: none,
            endpoint: endpoint.clone(),
            namespaces: Vec::new(),
            types: HashMap::new(),
            subscriptions: Vec::new(),
            subscriber: None,
            has_answered: false,
            has_sent: false,
        };
        let asked =
            [NAMESPACES, MAX_PER_READ, MAX_PER_BROWSE, MAX_PER_SUBSCRIBE].map(|id| NodeId::new(0, id));
        let answers = client.attributes(&asked.map(ReadValueId::new_value)).await?;
        if let [namespaces, read, browse, subscribe] = answers.as_slice() {
            client.namespaces = texts(namespaces);
            client.limits = Limits { read: limit(read), browse: limit(browse), subscribe: limit(subscribe) };
        }
        // What answers was just logged in: only what comes after tells whether an idle connection was closed.
        client.has_answered = false;
        Ok(client)
    }

    /// Whether this session leads there and is open.
    pub fn is_usable(&self, endpoint: &Endpoint) -> bool {
        self.session.is_open() && self.endpoint == *endpoint
    }

    /// Whether the latest write may have left.
    pub fn has_sent(&self) -> bool {
        self.has_sent
    }

    pub fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// The node on this server now. The error is in words.
    pub fn resolve(&self, node: &NodePath) -> Result<NodeId, String> {
        node.resolve(&self.namespaces)
    }

    /// The index of a namespace on this server.
    pub(super) fn namespace(&self, uri: &str) -> Option<u16> {
        let index = self.namespaces.iter().position(|known| known == uri)?;
        u16::try_from(index).ok()
    }

    /// Ends the session and waits until the server has heard of it, or the connection is cut.
    pub async fn close(self) {
        self.session.close().await;
    }

    /// From here on the session's subscriptions are those of this link; what another had made is deleted.
    pub async fn claim(&mut self, link: u64) -> Result<(), Fault> {
        if self.subscriber == Some(link) {
            return Ok(());
        }
        self.release().await?;
        self.subscriber = Some(link);
        Ok(())
    }

    /// Deletes all subscriptions and what they brought.
    pub async fn release(&mut self) -> Result<(), Fault> {
        if !self.subscriptions.is_empty() {
            let library = self.session.library.clone();
            self.session.ask(library.delete_subscriptions(&self.subscriptions)).await?;
            self.subscriptions.clear();
        }
        self.session.intake.clear();
        Ok(())
    }

    /// The value of one node. A status that says that there is no such node is a refusal.
    pub async fn value(&mut self, node: &NodePath) -> Result<DataValue, Fault> {
        let node = self.resolve(node).map_err(|words| Fault::Unfit { field: "register", words })?;
        let value = self.values(vec![node]).await?.into_iter().next();
        let value = value.ok_or_else(|| self.malformed("the answer has no value"))?;
        match value.status.filter(|status| status.is_bad()) {
            Some(status) => Err(refused(status)),
            None => Ok(value),
        }
    }

    /// The values of nodes, in their order, with both timestamps.
    pub async fn values(&mut self, nodes: Vec<NodeId>) -> Result<Vec<DataValue>, Fault> {
        let asked: Vec<ReadValueId> = nodes.into_iter().map(ReadValueId::new_value).collect();
        self.attributes(&asked).await
    }

    /// Writes a value as the type of the node. When this returns `Ok` the server has taken it.
    pub async fn write(&mut self, node: &NodePath, content: &Content) -> Result<(), Fault> {
        self.has_sent = false;
        let node = self.resolve(node).map_err(|words| Fault::Unfit { field: "register", words })?;
        let written = self.written(&node).await?;
        if !written.is_writable {
            return Err(Fault::Unfit { field: "register", words: "Register is read-only.".to_owned() });
        }
        let value =
            variant::encode(content, written.to).map_err(|words| Fault::Unfit { field: "value", words })?;
        // A status or a time beside the value is refused by many servers.
        let value = DataValue { value: Some(value), ..DataValue::null() };
        let write = WriteValue {
            node_id: node,
            attribute_id: AttributeId::Value as u32,
            value,
            ..WriteValue::default()
        };
        self.has_sent = true;
        let library = self.session.library.clone();
        let results = self.session.ask(library.write(&[write])).await?;
        self.has_answered = true;
        match results.as_slice() {
            [status] if status.is_bad() => Err(refused(*status)),
            [_] => Ok(()),
            _ => Err(self.malformed("the answer to a write has no result")),
        }
    }

    /// Attributes of nodes, in as many calls as the server wants.
    pub(super) async fn attributes(&mut self, asked: &[ReadValueId]) -> Result<Vec<DataValue>, Fault> {
        let mut answers = Vec::with_capacity(asked.len());
        let mut bytes = 0;
        for part in asked.chunks(self.limits.read) {
            let library = self.session.library.clone();
            let read = library.read(part, TimestampsToReturn::Both, 0.0);
            let values = self.session.ask(read).await?;
            check(part.len(), &values, &mut bytes).map_err(|words| self.malformed(words))?;
            self.has_answered = true;
            answers.extend(values);
        }
        Ok(answers)
    }

    /// What every step may take.
    pub(super) fn timeout(&self) -> Duration {
        self.endpoint.timeout
    }

    pub(super) fn no_answer_within(&self, after: Duration) -> Fault {
        Fault::Timeout { address: self.endpoint.address(), after }
    }

    pub(super) fn malformed(&self, reason: &str) -> Fault {
        Fault::Malformed { address: self.endpoint.address(), reason: reason.to_owned() }
    }

    /// How a value of this node is written.
    async fn written(&mut self, node: &NodeId) -> Result<Written, Fault> {
        if let Some(known) = self.types.get(node) {
            return Ok(*known);
        }
        let asked = [AttributeId::DataType, AttributeId::Value, AttributeId::UserAccessLevel];
        let answers = self.attributes(&asked.map(|of| ReadValueId::new(node.clone(), of))).await?;
        let [declared, value, access] = answers.as_slice() else {
            return Err(self.malformed("a type is missing"));
        };
        if let Some(status) = declared.status.filter(|status| status.is_bad()) {
            return Err(refused(status));
        }
        let built_in = match &declared.value {
            Some(Variant::NodeId(id)) => self.built_in((**id).clone()).await?,
            _ => None,
        };
        // A node of an abstract type takes any; what it holds now is the best word for what it expects.
        let held = value.value.as_ref().and_then(Variant::scalar_type_id);
        let to = built_in.or(held).ok_or_else(|| Fault::Unfit {
            field: "register",
            words: "The server does not say what type the node has.".to_owned(),
        })?;
        // A server that does not say lets us try.
        let is_writable = !matches!(access.value, Some(Variant::Byte(level)) if level & WRITABLE == 0);
        let written = Written { to, is_writable };
        self.types.insert(node.clone(), written);
        Ok(written)
    }

    /// The built-in type that a data type is derived from; `None` for an abstract one.
    async fn built_in(&mut self, mut data_type: NodeId) -> Result<Option<Type>, Fault> {
        for _ in 0..DEPTH {
            match known_type(&data_type) {
                Known::BuiltIn(known) => return Ok(Some(known)),
                Known::Abstract => return Ok(None),
                Known::Derived => {}
            }
            let up = BrowseDescription {
                node_id: data_type,
                browse_direction: BrowseDirection::Inverse,
                reference_type_id: ReferenceTypeId::HasSubtype.into(),
                ..BrowseDescription::default()
            };
            let library = self.session.library.clone();
            let found = self.session.ask(library.browse(&[up], 1, None)).await?;
            let parent = found.into_iter().next().and_then(|found| found.references?.into_iter().next());
            match parent {
                Some(parent) => data_type = parent.node_id.node_id,
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// Whether the values of one answer are one for each node asked about, and with those before them, `bytes`, not too
/// large.
fn check(asked: usize, values: &[DataValue], bytes: &mut usize) -> Result<(), &'static str> {
    if values.len() != asked {
        return Err("the answer to a read has not one value for each node");
    }
    *bytes += values.iter().map(weight::of_value).sum::<usize>();
    if *bytes > MAX_BYTES {
        return Err("its values are too large to be read together");
    }
    Ok(())
}

/// The type that a node is written as, and whether it is.
#[derive(Debug, Clone, Copy)]
struct Written {
    to: Type,
    is_writable: bool,
}

/// What a data type is by itself.
#[derive(Debug, PartialEq)]
enum Known {
    BuiltIn(Type),
    Abstract,
    Derived,
}

/// Built-in types have the numbers 1 to 25 of namespace 0; among them `BaseDataType` is abstract, as are the numbers
/// behind them: `Number`, `Integer`, `UInteger`. Enumerations travel as Int32.
fn known_type(data_type: &NodeId) -> Known {
    match (data_type.namespace, &data_type.identifier) {
        (0, Identifier::Numeric(24 | 26..=28)) => Known::Abstract,
        (0, Identifier::Numeric(29)) => Known::BuiltIn(Type::Int32),
        (0, Identifier::Numeric(number)) => Type::try_from(*number).map_or(Known::Derived, Known::BuiltIn),
        _ => Known::Derived,
    }
}

/// A server that names no limit, or 0, has none.
fn limit(answer: &DataValue) -> usize {
    match answer.value {
        Some(Variant::UInt32(limit @ 1..)) => {
            usize::try_from(limit).map_or(PER_CALL, |limit| limit.min(PER_CALL))
        }
        _ => PER_CALL,
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
    fn types_are_known_by_their_number() {
        for (number, expected) in [
            (1, Known::BuiltIn(Type::Boolean)),
            (11, Known::BuiltIn(Type::Double)),
            (24, Known::Abstract),
            (26, Known::Abstract),
            (28, Known::Abstract),
            (29, Known::BuiltIn(Type::Int32)),
            (290, Known::Derived),
            (294, Known::Derived),
        ] {
            assert_eq!(known_type(&NodeId::new(0, number)), expected, "{number}");
        }
        assert_eq!(known_type(&NodeId::new(2, 11u32)), Known::Derived);
        assert_eq!(known_type(&NodeId::new(0, "Double")), Known::Derived);
    }

    #[test]
    fn an_answer_of_another_length_or_too_large_is_refused() {
        let one = || DataValue::new_now(Variant::Int32(1));
        for (asked, given) in [(2, 1), (2, 3), (1, 0), (0, 1)] {
            assert!(check(asked, &vec![one(); given], &mut 0).is_err(), "{asked} {given}");
        }
        let mut bytes = 0;
        assert_eq!(check(2, &[one(), one()], &mut bytes), Ok(()));
        let large = [DataValue::new_now("x".repeat(1024 * 1024))];
        let calls = (0..1000).take_while(|_| check(1, &large, &mut bytes).is_ok()).count();
        assert!((32..=MAX_BYTES >> 20).contains(&calls), "{calls}");
    }

    #[test]
    fn a_limit_is_kept_to_and_none_is_ours() {
        for (answer, expected) in [
            (Some(Variant::UInt32(40)), 40),
            (Some(Variant::UInt32(0)), PER_CALL),
            (Some(Variant::UInt32(u32::MAX)), PER_CALL),
            (None, PER_CALL),
        ] {
            assert_eq!(
                limit(&DataValue { value: answer.clone(), ..DataValue::null() }),
                expected,
                "{answer:?}"
            );
        }
    }
}
