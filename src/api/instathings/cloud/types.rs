//! `GET /device/v1/types` and `/device/v1/types/{id}`: the products of the organization, and the types that are built in.

use std::sync::Arc;

use axum::Json;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Answer, Cloud, ProjectCaller, protocols};
use crate::domain::pagination::Pagination;
use crate::domain::product::{Product, ProductSpec};
use crate::domain::{Error, Kind, ProductId, Result};

/// Member of a product's metadata that is the id of its type; without it the id is the product's UUID.
const TYPE_ID: &str = "typeId";

/// A type in a response.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeView {
    add_on: String,
    description: String,
    fake_sample_label: String,
    id: String,
    manufacturer: String,
    model: String,
    pairing_methods: Vec<Value>,
    physical_parameter: Vec<Value>,
    protocols: Vec<Value>,
    rooms: Vec<Value>,
    space: Vec<Value>,
    #[serde(rename = "type")]
    kind: String,
}

/// A type that a device can have.
pub enum KnownType {
    Product(Arc<Product>),
    /// One that is built in and that no device of the project has had yet.
    BuiltIn(ProductSpec),
}

/// Returns the id of the type that a product is; the product of devices without one is no type.
pub fn id_of(product: &Product) -> Option<String> {
    let named = || product.spec.metadata.get(TYPE_ID).and_then(Value::as_str).map(str::to_owned);
    (!product.is_default).then(|| named().unwrap_or_else(|| product.uuid.to_string()))
}

/// Returns the type with this id.
///
/// # Errors
/// `Forbidden` without the right to read devices.
pub fn find(cloud: &Cloud, caller: &ProjectCaller, id: &str) -> Result<Option<KnownType>> {
    let products = cloud.app.products.products(&caller.principal, Pagination::ALL)?;
    let product = products.into_iter().find(|product| id_of(product).as_deref() == Some(id));
    let built_in = || {
        let found = built_in().into_iter().find(|spec| spec.metadata[TYPE_ID] == id);
        found.map(KnownType::BuiltIn)
    };
    Ok(product.map(KnownType::Product).or_else(built_in))
}

impl KnownType {
    /// Whether devices of this type are controlled over HTTP.
    pub fn has_http(&self) -> bool {
        let metadata = match self {
            KnownType::Product(product) => &product.spec.metadata,
            KnownType::BuiltIn(spec) => &spec.metadata,
        };
        members(metadata, "protocols").contains(&Value::from(protocols::HTTP))
    }

    /// Returns the product that devices of this type have. That of a built-in type is created when it is needed first.
    ///
    /// # Errors
    /// The errors of `Products::create_product`.
    pub async fn product(self, cloud: &Cloud, caller: &ProjectCaller) -> Result<ProductId> {
        let spec = match self {
            KnownType::Product(product) => return Ok(product.id),
            KnownType::BuiltIn(spec) => spec,
        };
        let id = text(&spec.metadata, TYPE_ID);
        match cloud.app.products.create_product(&caller.principal, spec).await {
            Ok(product) => Ok(product.id),
            // Another request may have created it meanwhile.
            Err(error) if error.kind == Kind::Invalid => match find(cloud, caller, &id)? {
                Some(KnownType::Product(product)) => Ok(product.id),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}

/// Returns every type of the project, by manufacturer and model.
pub fn list(cloud: &Cloud, caller: &ProjectCaller) -> Answer {
    Ok(Json(all(cloud, caller)?).into_response())
}

/// Returns the type with this id.
///
/// # Errors
/// 404 when there is none.
pub fn one(cloud: &Cloud, caller: &ProjectCaller, id: &str) -> Answer {
    let found = all(cloud, caller)?.into_iter().find(|view| view.id == id).ok_or_else(Error::not_found)?;
    Ok(Json(found).into_response())
}

fn all(cloud: &Cloud, caller: &ProjectCaller) -> Result<Vec<TypeView>> {
    let products = cloud.app.products.products(&caller.principal, Pagination::ALL)?;
    let mut views: Vec<TypeView> =
        products.iter().filter_map(|product| id_of(product).map(|id| view(id, &product.spec))).collect();
    for spec in built_in() {
        let id = text(&spec.metadata, TYPE_ID);
        if views.iter().all(|view| view.id != id) {
            views.push(view(id, &spec));
        }
    }
    views.sort_by(|a, b| (&a.manufacturer, &a.model, &a.id).cmp(&(&b.manufacturer, &b.model, &b.id)));
    Ok(views)
}

fn view(id: String, spec: &ProductSpec) -> TypeView {
    let metadata = &spec.metadata;
    let model = Some(text(metadata, "model")).filter(|model| !model.is_empty());
    TypeView {
        add_on: text(metadata, "addOn"),
        description: text(metadata, "description"),
        fake_sample_label: text(metadata, "fakeSampleLabel"),
        id,
        manufacturer: text(metadata, "manufacturer"),
        model: model.unwrap_or_else(|| spec.name.clone()),
        pairing_methods: members(metadata, "pairingMethods"),
        physical_parameter: members(metadata, "physicalParameter"),
        protocols: members(metadata, "protocols"),
        rooms: members(metadata, "rooms"),
        space: members(metadata, "space"),
        kind: text(metadata, "type"),
    }
}

fn text(metadata: &Map<String, Value>, name: &str) -> String {
    metadata.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn members(metadata: &Map<String, Value>, name: &str) -> Vec<Value> {
    metadata.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The types that the vendor's documentation shows. Of the first it shows every field, of the others the id and what it
/// is for.
fn built_in() -> Vec<ProductSpec> {
    let rooms = json!([
        "closed-office",
        "meeting-room",
        "toilet",
        "archive",
        "living-room",
        "bedroom",
        "kitchen",
        "open-space"
    ]);
    let everywhere = json!(["workspace", "home"]);
    let types = [
        json!({
            "typeId": "4023br5d-9f88-4f31-97c2-0e682aef543f", "addOn": "@instathings/gate-addon-zigbee",
            "description": "Hue white and color ambiance", "fakeSampleLabel": "onoff", "manufacturer": "Philips",
            "model": "9290012573A", "pairingMethods": ["touchlink"], "physicalParameter": [],
            "protocols": ["vRy6GTde"], "rooms": rooms, "space": everywhere, "type": "sensor"
        }),
        json!({
            "typeId": "4023bd5d-9f88-4761-97c2-0e682aef5437", "addOn": "", "description": "Gateway with gate",
            "fakeSampleLabel": "", "manufacturer": "Instathings", "model": "gate", "pairingMethods": [],
            "physicalParameter": [], "protocols": ["IuYtREd0", "R2Jh6IhT", "vRy6GTde"], "rooms": [],
            "space": everywhere, "type": "gateway"
        }),
        json!({
            "typeId": "4023bd5d-9f88-4761-97c2-0e682ayf5437", "addOn": "", "description": "Gateway with gate, sandbox",
            "fakeSampleLabel": "", "manufacturer": "Instathings", "model": "gate-sandbox", "pairingMethods": [],
            "physicalParameter": [], "protocols": ["IuYtREd0", "R2Jh6IhT", "vRy6GTde"], "rooms": [],
            "space": everywhere, "type": "gateway"
        }),
        json!({
            "typeId": "01c2fd9f-fb3a-45cf-8be3-97e00b7510c6", "addOn": "@instathings/gate-addon-zigbee",
            "description": "Temperature and humidity sensor", "fakeSampleLabel": "temperature",
            "manufacturer": "Xiaomi", "model": "WSDCGQ11LM", "pairingMethods": ["button"],
            "physicalParameter": ["temperature", "humidity"], "protocols": ["vRy6GTde"], "rooms": rooms,
            "space": everywhere, "type": "sensor"
        }),
    ];
    types.into_iter().filter_map(built_in_product).collect()
}

/// The product of a built-in type. Its name has the id in it, so that no other product has it by chance.
fn built_in_product(metadata: Value) -> Option<ProductSpec> {
    let Value::Object(metadata) = metadata else { return None };
    let parts = ["manufacturer", "model", TYPE_ID].map(|name| text(&metadata, name));
    Some(ProductSpec { metadata, ..ProductSpec::new(parts.join(" ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_types_are_built_in_and_can_be_products() {
        let specs = built_in();
        assert_eq!(specs.len(), 4);
        assert!(specs.iter().all(|spec| spec.problems().is_empty()));
        let hue = view(text(&specs[0].metadata, TYPE_ID), &specs[0]);
        let shown = serde_json::to_string(&hue).unwrap();
        assert!(shown.starts_with(
            r#"{"addOn":"@instathings/gate-addon-zigbee","description":"Hue white and color ambiance","fakeSampleLabel":"onoff","id":"4023br5d-9f88-4f31-97c2-0e682aef543f","manufacturer":"Philips","model":"9290012573A","pairingMethods":["touchlink"],"physicalParameter":[],"protocols":["vRy6GTde"],"#
        ), "{shown}");
        assert!(shown.ends_with(r#""space":["workspace","home"],"type":"sensor"}"#), "{shown}");
    }

    #[test]
    fn a_product_that_says_nothing_is_a_type_with_empty_lists() {
        let found = view("u".to_owned(), &ProductSpec::new("Pump"));
        assert_eq!((found.model.as_str(), found.manufacturer.as_str()), ("Pump", ""));
        assert!(found.rooms.is_empty() && found.protocols.is_empty());
    }
}
