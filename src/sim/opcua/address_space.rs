//! Address space of the simulated OPC UA server.

use std::collections::BTreeMap;

use opcua::server::address_space::{AddressSpace, NodeType, ObjectBuilder, VariableBuilder};
use opcua::types::{
    DataValue, DateTime, NodeId, ObjectId, ObjectTypeId, QualifiedName, VariableTypeId, Variant,
};

use super::quantity::QUANTITIES;
use super::{signals, values};
use crate::sim::plant::Plant;

/// Creates all nodes, with the values written to them before, or else their initial ones.
pub fn populate(
    space: &mut AddressSpace,
    namespace: u16,
    plant: &Plant,
    written_values: &BTreeMap<String, DataValue>,
) {
    for folder in ["Plant", "Values", "Signals"] {
        let (id, name) = (NodeId::new(namespace, folder), QualifiedName::new(namespace, folder));
        space.add_folder(&id, name, folder, &ObjectId::ObjectsFolder.into());
    }
    for machine in ["motor", "tank", "furnace"] {
        let (id, name) = (NodeId::new(namespace, machine), QualifiedName::new(namespace, machine));
        ObjectBuilder::new(&id, name, machine)
            .has_type_definition(ObjectTypeId::BaseObjectType)
            .component_of(NodeId::new(namespace, "Plant"))
            .insert(space);
    }
    for quantity in &QUANTITIES {
        let (machine, _) = quantity.name.split_once('.').unwrap_or(("Plant", ""));
        let made =
            variable(namespace, machine, quantity.name, quantity.read(plant)).description(quantity.unit);
        let made = if quantity.is_writable() { made.writable() } else { made };
        made.insert(space);
    }
    for (name, value) in values::initial() {
        variable(namespace, "Values", name, value).writable().insert(space);
        if let Some(written) = written_values.get(name) {
            set(space, namespace, name, written.clone());
        }
    }
    let now = signals::whole_seconds(DateTime::now());
    for number in 0..signals::SIGNAL_COUNT {
        let (name, value) = (signals::name(number), signals::value_at(number, now));
        variable(namespace, "Signals", &name, value.value.clone().unwrap_or_default()).insert(space);
        set(space, namespace, &name, value);
    }
}

/// Sets a node's value with status and times.
fn set(space: &mut AddressSpace, namespace: u16, name: &str, value: DataValue) {
    if let Some(NodeType::Variable(made)) = space.find_mut(&NodeId::new(namespace, name)) {
        made.set_data_value(value);
    }
}

fn variable(namespace: u16, parent: &str, name: &str, value: Variant) -> VariableBuilder {
    let short = name.split_once('.').map_or(name, |(_, short)| short);
    let data_type = value.data_type().map(|id| id.node_id);
    let id = NodeId::new(namespace, name);
    VariableBuilder::new(&id, QualifiedName::new(namespace, short), short)
        .data_type(data_type.unwrap_or_default())
        .has_type_definition(VariableTypeId::BaseDataVariableType)
        .component_of(NodeId::new(namespace, parent))
        .value(value)
}
