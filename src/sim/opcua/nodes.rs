//! Node manager of the simulated server: reads, writes and subscriptions.
//!
//! It replaces the library's own because of writing alone: after a write that one notifies subscribers of the old
//! value, and it accepts any scalar type for any other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use opcua::server::address_space::{AddressSpace, NodeType, Variable, read_node_value};
use opcua::server::diagnostics::NamespaceMetadata;
use opcua::server::node_manager::memory::InMemoryNodeManagerImpl;
use opcua::server::node_manager::{
    MonitoredItemRef, MonitoredItemUpdateRef, ParsedReadValueId, ParsedWriteValue, RequestContext,
    ServerContext, SyncSampler, WriteNode,
};
use opcua::server::{CreateMonitoredItem, SubscriptionCache};
use opcua::sync::RwLock;
use opcua::types::{
    AttributeId, DataEncoding, DataValue, DateTime, Identifier, MonitoringMode, NodeId, NumericRange,
    StatusCode, TimestampsToReturn,
};
use parking_lot::Mutex;

use super::address_space;
use super::quantity::{self, QUANTITIES, Quantity};
use crate::sim::plant::Plant;

/// Namespace of every node here; its index is 2.
pub const NAMESPACE: &str = "urn:basalt:simulator";
/// Default sampling interval of subscribed values.
const SAMPLING_INTERVAL: Duration = Duration::from_millis(100);

/// Values written to nodes outside the plant, by node name.
pub type WrittenValues = Arc<Mutex<BTreeMap<String, DataValue>>>;

/// Node manager implementation for the library.
pub struct PlantNodes {
    plant: Arc<Mutex<Plant>>,
    held: WrittenValues,
    namespace: u16,
    sampler: SyncSampler,
}

impl PlantNodes {
    /// Registers the namespace and creates every node.
    pub fn new(
        plant: Arc<Mutex<Plant>>,
        values: WrittenValues,
        context: &ServerContext,
        space: &mut AddressSpace,
    ) -> PlantNodes {
        let namespace = context.type_tree.write().namespaces_mut().add_namespace(NAMESPACE);
        space.add_namespace(NAMESPACE, namespace);
        address_space::populate(space, namespace, &plant.lock(), &values.lock());
        PlantNodes { plant, held: values, namespace, sampler: SyncSampler::new() }
    }

    fn quantity(&self, node: &NodeId) -> Option<&'static Quantity> {
        let Identifier::String(name) = &node.identifier else { return None };
        let found = || QUANTITIES.iter().find(|quantity| quantity.name == name.as_ref());
        found().filter(|_| node.namespace == self.namespace)
    }

    fn write_one(
        &self,
        context: &RequestContext,
        space: &mut AddressSpace,
        write: &ParsedWriteValue,
    ) -> Result<DataValue, StatusCode> {
        let node = space.validate_node_write(context, write, &*context.type_tree.read())?;
        let (NodeType::Variable(variable), AttributeId::Value) = (node, write.attribute_id) else {
            return Err(StatusCode::BadNotWritable);
        };
        if write.index_range.has_range() {
            return Err(StatusCode::BadWriteNotSupported);
        }
        let new_value = write.value.value.as_ref().ok_or(StatusCode::BadTypeMismatch)?;
        if held(variable).value.is_none_or(|current| current.type_id() != new_value.type_id()) {
            return Err(StatusCode::BadTypeMismatch);
        }
        let now = DateTime::now();
        let written = match self.quantity(&write.node_id) {
            Some(_) if write.value.status.is_some_and(|status| !status.is_good()) => {
                return Err(StatusCode::BadWriteNotSupported);
            }
            Some(quantity) => {
                let mut plant = self.plant.lock();
                quantity.write(&mut plant, new_value)?;
                DataValue::new_at(quantity.read(&plant), quantity::time())
            }
            None => DataValue {
                status: write.value.status.or(Some(StatusCode::Good)),
                source_timestamp: write.value.source_timestamp.or(Some(now)),
                server_timestamp: Some(now),
                ..write.value.clone()
            },
        };
        variable.set_data_value(written.clone());
        if let (None, Identifier::String(name)) = (self.quantity(&write.node_id), &write.node_id.identifier) {
            self.held.lock().insert(name.as_ref().to_owned(), written.clone());
        }
        Ok(written)
    }
}

/// Current value of a variable, with both times.
fn held(variable: &Variable) -> DataValue {
    variable.value(TimestampsToReturn::Both, &NumericRange::None, &DataEncoding::Binary, 0.0)
}

fn notify(subscriptions: &SubscriptionCache, node: &NodeId, value: DataValue) {
    subscriptions.notify_data_change([(value, node, AttributeId::Value)].into_iter());
}

#[async_trait]
impl InMemoryNodeManagerImpl for PlantNodes {
    async fn init(&self, _: &mut AddressSpace, context: ServerContext) {
        self.sampler.run(SAMPLING_INTERVAL, context.subscriptions);
    }

    fn name(&self) -> &str {
        "plant"
    }

    fn namespaces(&self) -> Vec<NamespaceMetadata> {
        let namespace_uri = NAMESPACE.to_owned();
        vec![NamespaceMetadata { namespace_uri, namespace_index: self.namespace, ..Default::default() }]
    }

    async fn read_values(
        &self,
        context: &RequestContext,
        space: &RwLock<AddressSpace>,
        items: &[&ParsedReadValueId],
        max_age: f64,
        times: TimestampsToReturn,
    ) -> Vec<DataValue> {
        let mut space = space.write();
        let plant = self.plant.lock().clone();
        let time = quantity::time();
        for items in items {
            let quantity = self.quantity(&items.node_id);
            if let (Some(quantity), Some(NodeType::Variable(variable))) =
                (quantity, space.find_mut(&items.node_id))
            {
                variable.set_data_value(DataValue::new_at(quantity.read(&plant), time));
            }
        }
        let read = |items: &&ParsedReadValueId| match space.validate_node_read(context, items) {
            Ok(node) => read_node_value(node, context, items, max_age, times),
            Err(status) => DataValue { status: Some(status), ..DataValue::null() },
        };
        items.iter().map(read).collect()
    }

    async fn create_value_monitored_items(
        &self,
        context: &RequestContext,
        space: &RwLock<AddressSpace>,
        items: &mut [&mut &mut CreateMonitoredItem],
    ) {
        let items_read: Vec<_> = items.iter().map(|item| item.item_to_monitor()).collect();
        let values = self.read_values(context, space, &items_read, 0.0, TimestampsToReturn::Both).await;
        for (value, item) in values.into_iter().zip(items) {
            item.set_initial_value(value);
            item.set_status(StatusCode::Good);
            let node = item.item_to_monitor().node_id.clone();
            // Other nodes notify subscribers themselves when they change.
            if let Some(quantity) = self.quantity(&node) {
                let plant = Arc::clone(&self.plant);
                let look = move || Some(DataValue::new_at(quantity.read(&plant.lock()), quantity::time()));
                let (mode, interval) = (item.monitoring_mode(), millis(item.sampling_interval()));
                self.sampler.add_sampler(node, AttributeId::Value, look, mode, item.handle(), interval);
            }
        }
    }

    async fn modify_monitored_items(&self, _: &RequestContext, items: &[&MonitoredItemUpdateRef]) {
        for item in items {
            let interval = millis(item.update().revised_sampling_interval);
            self.sampler.update_sampler(item.node_id(), item.attribute(), item.handle(), interval);
        }
    }

    async fn set_monitoring_mode(
        &self,
        _: &RequestContext,
        mode: MonitoringMode,
        items: &[&MonitoredItemRef],
    ) {
        for item in items {
            self.sampler.set_sampler_mode(item.node_id(), item.attribute(), item.handle(), mode);
        }
    }

    async fn delete_monitored_items(&self, _: &RequestContext, items: &[&MonitoredItemRef]) {
        for item in items {
            self.sampler.remove_sampler(item.node_id(), item.attribute(), item.handle());
        }
    }

    async fn write(
        &self,
        context: &RequestContext,
        space: &RwLock<AddressSpace>,
        writes: &mut [&mut WriteNode],
    ) -> Result<(), StatusCode> {
        let mut space = space.write();
        for write in writes {
            match self.write_one(context, &mut space, write.value()) {
                Ok(written) => {
                    notify(&context.subscriptions, &write.value().node_id, written);
                    write.set_status(StatusCode::Good);
                }
                Err(status) => write.set_status(status),
            }
        }
        Ok(())
    }
}

/// A client that leaves the interval to the server sends a negative one.
fn millis(interval: f64) -> Duration {
    Duration::try_from_secs_f64(interval / 1e3).unwrap_or(SAMPLING_INTERVAL)
}
