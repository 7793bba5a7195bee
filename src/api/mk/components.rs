//! `/components`: named bundles of sensors of one device.

use std::sync::Arc;

use serde_json::Map;
use uuid::Uuid;

use super::body::Fields;
use super::caller::MkCaller;
use super::document_noun::{DocumentNoun, endpoints};
use super::documents;
use super::endpoint::Section;
use super::noun::list::{FieldVisitor, MkNoun, omittable, required};
use super::noun::reader::read_row;
use super::noun::schemas;
use super::noun::stamp::Stamp;
use super::openapi_document::{id, paged};
use super::operation_docs::NounWords;
use super::problem::MkError;
use super::query::Query;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::domain::document::{ComponentSpec, Document, DocumentContent, DocumentKind};
use crate::domain::{DeviceId, Principal, Result};

/// The operations.
pub fn section() -> Section {
    let docs = [
        paged(Doc::new("listComponents", "List components")).query(
            "deviceId",
            id(),
            "Only components of this device.",
        ),
        Doc::new("createComponent", "Create a component"),
        Doc::new("getComponent", "Get a component"),
        Doc::new("replaceComponent", "Replace a component")
            .about("`deviceId` is fixed, and `key` while the component has sensors."),
        Doc::new("deleteComponent", "Delete a component with its sensors"),
    ];
    Section {
        name: "Components",
        about: "Named bundles of sensors of one device.",
        endpoints: endpoints::<ComponentRow>(docs),
        schemas: vec![
            schemas::view::<ComponentRow>("Component"),
            schemas::body::<ComponentRow>("ComponentBody"),
        ],
    }
}

/// A component as shown, with the id of its device in APIs.
pub struct ComponentRow {
    stamp: Stamp,
    device: Uuid,
    spec: ComponentSpec,
}

impl MkNoun for ComponentRow {
    fn blank() -> Self {
        let spec = ComponentSpec {
            device: DeviceId(0),
            key: String::new(),
            name: String::new(),
            sensor_profile: None,
            metadata: Map::new(),
        };
        ComponentRow { stamp: Stamp::default(), device: Uuid::nil(), spec }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let ComponentSpec { device: _, key, name, sensor_profile, metadata } = &mut self.spec;
        let (word, title) = (|| schema::pattern("^[A-Za-z0-9_-]{1,64}$"), || schema::text(1, 255));
        self.stamp.visit_id(visitor);
        let about = "Device of the component; it cannot be changed.";
        visitor.visit(required("deviceId", about, id).looked_up(), &mut self.device);
        let about = "Key of the component, unique on the device; keys of its sensors follow it in readings.";
        visitor.visit(required("key", about, word), key);
        visitor.visit(required("name", "Name of the component for people.", title), name);
        let about = "Profile of the component's readings; null without one.";
        visitor.visit(omittable("sensorProfileId", about, || nullable(id())), sensor_profile);
        let about = "Data of the user's own about the component, at most 16 KiB as JSON.";
        visitor.visit(omittable("metadata", about, schema::map), metadata);
        self.stamp.visit_times(visitor);
    }
}

impl ComponentRow {
    fn new(app: &App, who: &Principal, row: &Document) -> Result<Self> {
        let spec = documents::content(row.component())?;
        let device = app.devices.device(who, spec.device)?.aliases.uuid;
        Ok(ComponentRow { stamp: Stamp::of(row), device, spec })
    }
}

impl DocumentNoun for ComponentRow {
    type Content = ComponentSpec;
    const KIND: DocumentKind = DocumentKind::Component;
    const COLLECTION: &'static str = "/api/v1/components";
    const ONE: &'static str = "/api/v1/components/{id}";
    const WORDS: NounWords = NounWords::new("Component", "component", "components");

    fn converter(app: &App, who: &Principal) -> Result<impl Fn(&Document) -> Result<Self>> {
        Ok(move |row: &Document| ComponentRow::new(app, who, row))
    }

    fn read(app: &App, who: &Principal, mut fields: Fields) -> Result<ComponentSpec, MkError> {
        let device = documents::device_of_body(app, who, &mut fields);
        let spec = ComponentSpec {
            // Without a device there is a problem, and the reading ends with it.
            device: device.map_or(DeviceId(0), |device| device.id),
            ..read_row::<ComponentRow>(&mut fields).spec
        };
        if let Some(profile) = spec.sensor_profile
            && app.documents.document(who, DocumentKind::SensorProfile, profile).is_err()
        {
            fields.problem("sensorProfileId", "does not exist");
        }
        fields.finish(spec.problems())?;
        Ok(spec)
    }

    fn documents(app: &App, who: &Principal, query: &Query) -> Result<Vec<Arc<Document>>, MkError> {
        documents::of_device(app, who, Self::KIND, query)
    }

    async fn create(app: &App, caller: &MkCaller, new: ComponentSpec) -> Result<Arc<Document>> {
        app.mk.sensors.create_component(&caller.principal, new).await
    }

    async fn replace(app: &App, who: &Principal, id: Uuid, new: ComponentSpec) -> Result<Arc<Document>> {
        app.mk.sensors.replace_component(who, id, new).await
    }

    async fn delete(app: &App, who: &Principal, id: Uuid) -> Result<()> {
        app.mk.sensors.delete_component(who, id).await
    }
}
