//! Memory size of decoded data from a server. Decoded data takes more than on the wire: a boolean in an array is one
//! byte there and a whole `Variant` here. Pure.

use std::mem::size_of;

use opcua::types::{
    BinaryEncodable, ContextOwned, DataValue, Identifier, NodeId, ReferenceDescription, Variant,
};

/// Size in bytes of a value with its status and times.
pub fn value_bytes(value: &DataValue) -> usize {
    size_of::<DataValue>() + value.value.as_ref().map_or(0, variant_bytes)
}

/// Size in bytes of a reference in a browse result.
pub fn reference_bytes(reference: &ReferenceDescription) -> usize {
    let id = &reference.node_id;
    size_of::<ReferenceDescription>()
        + id_bytes(&id.node_id)
        + id_bytes(&reference.reference_type_id)
        + id_bytes(&reference.type_definition.node_id)
        + id.namespace_uri.as_ref().len()
        + reference.type_definition.namespace_uri.as_ref().len()
        + reference.browse_name.name.as_ref().len()
        + reference.display_name.text.as_ref().len()
        + reference.display_name.locale.as_ref().len()
}

fn variant_bytes(variant: &Variant) -> usize {
    size_of::<Variant>()
        + match variant {
            Variant::Empty
            | Variant::Boolean(_)
            | Variant::SByte(_)
            | Variant::Byte(_)
            | Variant::Int16(_)
            | Variant::UInt16(_)
            | Variant::Int32(_)
            | Variant::UInt32(_)
            | Variant::Int64(_)
            | Variant::UInt64(_)
            | Variant::Float(_)
            | Variant::Double(_)
            | Variant::StatusCode(_) => 0,
            Variant::String(text) => text.as_ref().len(),
            Variant::ByteString(bytes) => bytes.as_ref().len(),
            Variant::Variant(inner) => variant_bytes(inner),
            Variant::DataValue(inner) => value_bytes(inner),
            Variant::Array(list) => list.values.iter().map(variant_bytes).sum(),
            // Texts with little around them, and structures, which stay in encoded form.
            other => size_of::<NodeId>() + other.byte_len(&ContextOwned::default().context()),
        }
}

fn id_bytes(id: &NodeId) -> usize {
    match &id.identifier {
        Identifier::Numeric(_) | Identifier::Guid(_) => 0,
        Identifier::String(text) => text.as_ref().len(),
        Identifier::ByteString(bytes) => bytes.as_ref().len(),
    }
}

#[cfg(test)]
mod tests {
    use opcua::types::{LocalizedText, VariantScalarTypeId};

    use super::*;

    fn value(variant: Variant) -> usize {
        value_bytes(&DataValue { value: Some(variant), ..DataValue::null() })
    }

    #[test]
    fn what_is_long_or_many_is_heavy() {
        let small = value(Variant::Int32(1));
        let text = "x".repeat(1000);
        assert!(value(Variant::from(text.as_str())) >= small + 1000);
        assert!(value(Variant::from(LocalizedText::from(text.as_str()))) >= small + 1000);
        let list = Variant::from((VariantScalarTypeId::Boolean, vec![Variant::Boolean(true); 1000]));
        assert!(value(list.clone()) >= small + 1000 * size_of::<Variant>(), "not a byte each");
        assert!(value(Variant::Variant(Box::new(list.clone()))) >= value(list));
    }

    #[test]
    fn a_node_weighs_what_its_names_do() {
        let plain = reference_bytes(&ReferenceDescription::default());
        let named = ReferenceDescription {
            node_id: NodeId::new(1, "x".repeat(100)).into(),
            browse_name: opcua::types::QualifiedName::new(1, "x".repeat(1000)),
            display_name: "x".repeat(10_000).as_str().into(),
            ..ReferenceDescription::default()
        };
        assert_eq!(reference_bytes(&named), plain + 11_100);
    }
}
