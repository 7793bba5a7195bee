//! Reads and writes nodes over one session. Knowledge of the server (its namespaces, limits and data types) lasts as
//! long as the session: a server may come back as another.

use std::collections::HashMap;
use std::time::Duration;

use opcua::types::{
    AttributeId, BrowseDescription, BrowseDirection, DataValue, Identifier, NodeId, ReadValueId,
    ReferenceTypeId, StatusCode, TimestampsToReturn, Variant, VariantScalarTypeId as Type, WriteValue,
};
use tokio::time::Instant;

use super::endpoint::OpcuaEndpoint;
use super::namespaces::Namespaces;
use super::node::NodePath;
use super::operation_limits::{OperationLimits, ReadBudget};
use super::session::Session;
use super::{refused, variant};
use crate::collect::client::ConnectContext;
use crate::collect::device_value::DeviceValue;
use crate::collect::fault::DeviceFault;

/// Node id of `NamespaceArray` on every server.
const NAMESPACE_ARRAY_ID: u32 = 2255;
/// The bit of `UserAccessLevel` that permits writing the current value.
const CURRENT_WRITE_BIT: u8 = 2;
/// Maximum depth of derived data types; more is a cycle.
const MAX_TYPE_DEPTH: usize = 32;

/// A session with one server, and its namespaces, limits and data types.
pub struct OpcuaClient {
    pub(super) session: Session,
    pub(super) limits: OperationLimits,
    endpoint: OpcuaEndpoint,
    namespaces: Namespaces,
    types: HashMap<NodeId, WriteTarget>,
    /// Created on this session and not yet deleted.
    pub(super) subscriptions: Vec<u32>,
    /// Id of the `OpcuaSource` that the subscriptions belong to.
    subscriber: Option<u64>,
    pub(super) has_answered: bool,
    /// Whether the latest write may have left.
    pub(super) has_sent: bool,
}

impl OpcuaClient {
    /// Opens a session and reads the server's namespaces and limits.
    pub async fn connect(
        endpoint: &OpcuaEndpoint,
        means: &ConnectContext,
    ) -> Result<OpcuaClient, DeviceFault> {
        let session = Session::open(endpoint, means).await?;
        let mut client = OpcuaClient {
            session,
            limits: OperationLimits::default(),
            endpoint: endpoint.clone(),
            namespaces: Namespaces::new(Instant::now()),
            types: HashMap::new(),
            subscriptions: Vec::new(),
            subscriber: None,
            has_answered: false,
            has_sent: false,
        };
        let mut nodes = vec![NodeId::new(0, NAMESPACE_ARRAY_ID)];
        nodes.extend(OperationLimits::nodes());
        let items: Vec<_> = nodes.into_iter().map(ReadValueId::new_value).collect();
        let values = client.read_attributes(&items).await?;
        if let [namespaces, limits @ ..] = values.as_slice() {
            client.namespaces.learn(Some(namespaces), Instant::now());
            client.limits = OperationLimits::from_values(limits);
        }
        // The login proves nothing about idle connections being closed: only answers after it count.
        client.has_answered = false;
        Ok(client)
    }

    /// Resolves a path to a node id of this server. The error is a message.
    pub fn resolve(&self, node: &NodePath) -> Result<NodeId, String> {
        node.resolve(self.namespaces.uris())
    }

    /// Reads the namespaces again if one of these nodes has none on this server, which may have registered it meanwhile.
    /// Without an answer they stay as they are; the next call shows whether the connection is lost.
    pub async fn refresh_namespaces(&mut self, nodes: &[&NodePath]) {
        if self.namespaces.are_due(nodes, Instant::now()) {
            let answer = self.read_values(vec![NodeId::new(0, NAMESPACE_ARRAY_ID)]).await.ok();
            self.namespaces.learn(answer.as_deref().and_then(<[DataValue]>::first), Instant::now());
        }
    }

    /// The index of a namespace on this server.
    pub(super) fn namespace(&self, uri: &str) -> Option<u16> {
        let index = self.namespaces.uris().iter().position(|known| known == uri)?;
        u16::try_from(index).ok()
    }

    /// Ends the session and waits until the server has confirmed it or the connection is cut.
    pub async fn close(self) {
        self.session.close().await;
    }

    /// Assigns the session's subscriptions to this source; those of another source are deleted.
    pub async fn claim_subscriptions(&mut self, link: u64) -> Result<(), DeviceFault> {
        if self.subscriber == Some(link) {
            return Ok(());
        }
        self.delete_subscriptions().await?;
        self.subscriber = Some(link);
        Ok(())
    }

    /// Deletes all subscriptions and their queued values.
    pub async fn delete_subscriptions(&mut self) -> Result<(), DeviceFault> {
        if !self.subscriptions.is_empty() {
            let library = self.session.library.clone();
            self.session.request(library.delete_subscriptions(&self.subscriptions)).await?;
            self.subscriptions.clear();
        }
        self.session.notifications.clear();
        Ok(())
    }

    /// Reads the value of one node. A status that means that there is no such node is a refusal.
    pub async fn read_value(&mut self, node: &NodePath) -> Result<DataValue, DeviceFault> {
        self.refresh_namespaces(&[node]).await;
        let node =
            self.resolve(node).map_err(|words| DeviceFault::Unsupported { field: "register", words })?;
        let value = self.read_values(vec![node]).await?.into_iter().next();
        let value = value.ok_or_else(|| self.malformed("the answer has no value"))?;
        match value.status.filter(|status| status.is_bad()) {
            Some(status) => Err(refused(status)),
            None => Ok(value),
        }
    }

    /// Reads the values of nodes in one call, in order, with both timestamps.
    pub async fn read_values(&mut self, nodes: Vec<NodeId>) -> Result<Vec<DataValue>, DeviceFault> {
        let items: Vec<ReadValueId> = nodes.into_iter().map(ReadValueId::new_value).collect();
        self.call_read(&items).await
    }

    /// Reads a node that every server has, to see whether it answers at all.
    pub async fn probe(&mut self) -> Result<(), DeviceFault> {
        self.read_values(vec![NodeId::new(0, NAMESPACE_ARRAY_ID)]).await.map(drop)
    }

    /// Writes a value as the node's type. `Ok` means that the server has accepted it.
    pub async fn write_value(&mut self, node: &NodePath, content: &DeviceValue) -> Result<(), DeviceFault> {
        self.has_sent = false;
        self.refresh_namespaces(&[node]).await;
        let node =
            self.resolve(node).map_err(|words| DeviceFault::Unsupported { field: "register", words })?;
        let written = self.write_target(&node).await?;
        if !written.is_writable {
            return Err(DeviceFault::Unsupported {
                field: "register",
                words: "Register is read-only.".to_owned(),
            });
        }
        let value = variant::encode(content, written.to)
            .map_err(|words| DeviceFault::Unsupported { field: "value", words })?;
        // Many servers refuse a value with a status or a time.
        let value = DataValue { value: Some(value), ..DataValue::null() };
        let write = WriteValue {
            node_id: node,
            attribute_id: AttributeId::Value as u32,
            value,
            ..WriteValue::default()
        };
        self.has_sent = true;
        let library = self.session.library.clone();
        let results = self.session.request(library.write(&[write])).await?;
        self.has_answered = true;
        match results.as_slice() {
            [status] if status.is_bad() => Err(refused(*status)),
            [_] => Ok(()),
            _ => Err(self.malformed("the answer to a write has no result")),
        }
    }

    /// Reads attributes of nodes, in as many calls as the server requires. An attribute that is too large by itself has
    /// a bad status in place of its value.
    pub(super) async fn read_attributes(
        &mut self,
        items: &[ReadValueId],
    ) -> Result<Vec<DataValue>, DeviceFault> {
        let mut answers = Vec::with_capacity(items.len());
        let (mut budget, mut size) = (ReadBudget::default(), self.limits.read);
        while answers.len() < items.len() {
            let rest = &items[answers.len()..];
            let part = &rest[..size.clamp(1, rest.len())];
            match self.call_read(part).await {
                Ok(values) => {
                    if !values.iter().all(|value| budget.take(value)) {
                        return Err(self.too_large("its values are too large to be read together"));
                    }
                    answers.extend(values);
                    size = size.saturating_mul(2).min(self.limits.read);
                }
                Err(fault @ DeviceFault::LimitExceeded { .. }) if !self.session.is_open() => {
                    return Err(fault);
                }
                Err(DeviceFault::LimitExceeded { .. }) if part.len() > 1 => size = part.len() / 2,
                Err(DeviceFault::LimitExceeded { .. }) => answers
                    .push(DataValue { status: Some(StatusCode::BadResponseTooLarge), ..DataValue::null() }),
                Err(fault) => return Err(fault),
            }
        }
        Ok(answers)
    }

    /// Reads attributes of nodes in one call.
    async fn call_read(&mut self, items: &[ReadValueId]) -> Result<Vec<DataValue>, DeviceFault> {
        let library = self.session.library.clone();
        let values = self.session.request(library.read(items, TimestampsToReturn::Both, 0.0)).await?;
        if values.len() != items.len() {
            return Err(self.malformed("the answer to a read has not one value for each node"));
        }
        self.has_answered = true;
        Ok(values)
    }

    /// Time limit of each step.
    pub(super) fn timeout(&self) -> Duration {
        self.endpoint.timeout
    }

    pub(super) fn no_answer_within(&self, after: Duration) -> DeviceFault {
        DeviceFault::Timeout { address: self.endpoint.address(), after }
    }

    pub(super) fn malformed(&self, reason: &str) -> DeviceFault {
        DeviceFault::Malformed { address: self.endpoint.address(), reason: reason.to_owned() }
    }

    fn too_large(&self, reason: &str) -> DeviceFault {
        DeviceFault::LimitExceeded { address: self.endpoint.address(), reason: reason.to_owned() }
    }

    /// Determines how a value of this node is written.
    async fn write_target(&mut self, node: &NodeId) -> Result<WriteTarget, DeviceFault> {
        if let Some(known) = self.types.get(node) {
            return Ok(*known);
        }
        let attributes =
            [AttributeId::DataType, AttributeId::Value, AttributeId::UserAccessLevel, AttributeId::ValueRank];
        let answers = self.read_attributes(&attributes.map(|of| ReadValueId::new(node.clone(), of))).await?;
        let [declared, value, access, rank] = answers.as_slice() else {
            return Err(self.malformed("a type is missing"));
        };
        if let Some(status) = declared.status.filter(|status| status.is_bad()) {
            return Err(refused(status));
        }
        if is_array(value, rank) {
            let words = "The node holds an array, which cannot be written.".to_owned();
            return Err(DeviceFault::Unsupported { field: "register", words });
        }
        let built_in = match &declared.value {
            Some(Variant::NodeId(id)) => self.built_in((**id).clone()).await?,
            _ => None,
        };
        // A node of an abstract type accepts any type; the type of its current value is the best guess.
        let current_type = value.value.as_ref().and_then(Variant::scalar_type_id);
        let to = built_in.or(current_type).ok_or_else(|| DeviceFault::Unsupported {
            field: "register",
            words: "The server does not say what type the node has.".to_owned(),
        })?;
        // Without an access level the write is tried.
        let is_writable =
            !matches!(access.value, Some(Variant::Byte(level)) if level & CURRENT_WRITE_BIT == 0);
        let written = WriteTarget { to, is_writable };
        // A node of an abstract type, or of any rank, may hold something else next time.
        if built_in.is_some() && matches!(rank.value, Some(Variant::Int32(-1))) {
            self.types.insert(node.clone(), written);
        }
        Ok(written)
    }

    /// The built-in type that a data type derives from; `None` for an abstract one.
    async fn built_in(&mut self, mut data_type: NodeId) -> Result<Option<Type>, DeviceFault> {
        for _ in 0..MAX_TYPE_DEPTH {
            match known_type(&data_type) {
                DataTypeClass::BuiltIn(known) => return Ok(Some(known)),
                DataTypeClass::Abstract => return Ok(None),
                DataTypeClass::Derived => {}
            }
            let up = BrowseDescription {
                node_id: data_type,
                browse_direction: BrowseDirection::Inverse,
                reference_type_id: ReferenceTypeId::HasSubtype.into(),
                ..BrowseDescription::default()
            };
            let library = self.session.library.clone();
            let found = self.session.request(library.browse(&[up], 1, None)).await?;
            let parent = found.into_iter().next().and_then(|found| found.references?.into_iter().next());
            match parent {
                Some(parent) => data_type = parent.node_id.node_id,
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// The type to write a node as, and whether it can be written.
#[derive(Debug, Clone, Copy)]
struct WriteTarget {
    to: Type,
    is_writable: bool,
}

/// Classification of a data type by its id.
#[derive(Debug, PartialEq)]
enum DataTypeClass {
    BuiltIn(Type),
    Abstract,
    Derived,
}

/// Built-in types have the ids 1 to 25 of namespace 0. Abstract are `BaseDataType` among them and the ids after them:
/// `Number`, `Integer`, `UInteger`. Enumerations are encoded as Int32.
fn known_type(data_type: &NodeId) -> DataTypeClass {
    match (data_type.namespace, &data_type.identifier) {
        (0, Identifier::Numeric(24 | 26..=28)) => DataTypeClass::Abstract,
        (0, Identifier::Numeric(29)) => DataTypeClass::BuiltIn(Type::Int32),
        (0, Identifier::Numeric(number)) => {
            Type::try_from(*number).map_or(DataTypeClass::Derived, DataTypeClass::BuiltIn)
        }
        _ => DataTypeClass::Derived,
    }
}

/// Whether a node holds an array, by its value or its `ValueRank`: 0 and more are numbers of dimensions. Some servers would
/// put a single value in place of the whole array.
fn is_array(value: &DataValue, rank: &DataValue) -> bool {
    matches!(value.value, Some(Variant::Array(_))) || matches!(rank.value, Some(Variant::Int32(0..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_known_by_its_value_or_rank() {
        let of = |value: Variant| DataValue { value: Some(value), ..DataValue::null() };
        let (number, list) = (of(Variant::Int32(7)), of(Variant::from(vec![1_i32, 2])));
        for (value, rank, expected) in [
            (&number, of(Variant::Int32(-1)), false),
            (&number, of(Variant::Int32(-3)), false),
            (&number, DataValue::null(), false),
            (&list, of(Variant::Int32(-2)), true),
            (&list, DataValue::null(), true),
            (&DataValue::null(), of(Variant::Int32(0)), true),
            (&number, of(Variant::Int32(1)), true),
        ] {
            assert_eq!(is_array(value, &rank), expected, "{value:?} {rank:?}");
        }
    }

    #[test]
    fn types_are_known_by_their_number() {
        for (number, expected) in [
            (1, DataTypeClass::BuiltIn(Type::Boolean)),
            (11, DataTypeClass::BuiltIn(Type::Double)),
            (24, DataTypeClass::Abstract),
            (26, DataTypeClass::Abstract),
            (28, DataTypeClass::Abstract),
            (29, DataTypeClass::BuiltIn(Type::Int32)),
            (290, DataTypeClass::Derived),
            (294, DataTypeClass::Derived),
        ] {
            assert_eq!(known_type(&NodeId::new(0, number)), expected, "{number}");
        }
        assert_eq!(known_type(&NodeId::new(2, 11u32)), DataTypeClass::Derived);
        assert_eq!(known_type(&NodeId::new(0, "Double")), DataTypeClass::Derived);
    }
}
