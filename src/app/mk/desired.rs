//! The configuration that a device is to have, computed from bindings, and a feed of its changes.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::configuration::Configurations;
use crate::domain::configuration::artefact::{Artefact, ArtefactContent};
use crate::domain::configuration::binding::Binding;
use crate::domain::configuration::desired::{BoundArtefact, ConfiguredDevice, desired_artefacts};
use crate::domain::document::{Document, DocumentKind};
use crate::domain::topology::Topology;
use crate::domain::{DeviceId, Error, Kind, Principal, Resource, Result, Scope};

/// An artefact that a device is to have.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredConfiguration {
    /// Id of the binding that gives it.
    pub binding_id: Uuid,
    /// The binding.
    pub binding: Binding,
    /// The document of the artefact.
    pub artefact: Arc<Document>,
    /// Component that it is for; `None` for the device.
    pub component: Option<Uuid>,
}

/// A feed of the desired state of one device.
pub struct DesiredFeed {
    configurations: Arc<Configurations>,
    who: Arc<Principal>,
    device: DeviceId,
    changes: watch::Receiver<()>,
    /// Result that was computed last, and from which state of the catalog; `None` before the first.
    last: Option<(CatalogState, Vec<DesiredConfiguration>)>,
}

/// Dependencies of the desired state: all documents, and what the device is in the topology.
#[derive(Debug, Clone, PartialEq)]
struct CatalogState {
    documents: u64,
    topology: Topology,
}

impl Configurations {
    /// Returns the artefacts that a device is to have, by name, then the device before its components.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound` for a device that is not visible.
    pub fn desired_configuration(
        &self,
        principal: &Principal,
        device: DeviceId,
    ) -> Result<Vec<DesiredConfiguration>> {
        principal.require(Scope::read(Resource::Device))?;
        let catalog = self.store.catalog();
        let device = catalog.devices.device(principal, device)?;
        let overview = self.devices.device_overview(principal, device.aliases.uuid)?;
        let components = catalog.documents.documents_of_device(principal, device.id);
        let components =
            components.iter().filter_map(|row| Some((row.uuid, row.component()?.sensor_profile)));
        let configured = ConfiguredDevice {
            id: device.aliases.uuid,
            profile: overview.device_profile,
            groups: overview.groups.into_iter().collect(),
            components: components.collect(),
        };
        let rows = catalog.documents.documents(principal, DocumentKind::Binding);
        let with_artefact = rows.iter().filter_map(|row| {
            let binding = row.binding()?;
            let artefact =
                catalog.documents.document(principal, DocumentKind::Artefact, binding.spec.artefact).ok()?;
            Some((row, binding, artefact))
        });
        let bound: Vec<(&Arc<Document>, &Binding, Arc<Document>)> = with_artefact.collect();
        let candidates = bound.iter().filter_map(|(row, binding, artefact)| {
            let artefact = artefact.artefact()?;
            Some(BoundArtefact { id: row.uuid, created_at: row.created_at, binding, artefact })
        });
        let winners = desired_artefacts(&configured, candidates);
        let complete = winners.into_iter().filter_map(|winner| {
            let (_, binding, artefact) = bound.iter().find(|(row, ..)| row.uuid == winner.binding)?;
            Some(DesiredConfiguration {
                binding_id: winner.binding,
                binding: Binding::clone(binding),
                artefact: Arc::clone(artefact),
                component: winner.component,
            })
        });
        Ok(complete.collect())
    }

    /// Returns the desired state of a device as it is sent to it:
    /// `{"timestamp","artefacts":[{"id","name","version","hash","componentId","content"|"downloadUrl"}]}`. The address of
    /// an uploaded content is valid for a day; it is a path where `mk.public_url` is not set.
    ///
    /// # Errors
    /// The errors of [`Configurations::desired_configuration`]; `Unavailable` when addresses cannot be signed.
    pub async fn desired_document(&self, principal: &Principal, device: DeviceId) -> Result<Value> {
        let desired = self.desired_configuration(principal, device)?;
        self.render_desired(principal, &desired).await
    }

    async fn render_desired(&self, principal: &Principal, desired: &[DesiredConfiguration]) -> Result<Value> {
        let mut artefacts = Vec::with_capacity(desired.len());
        for row in desired {
            let Some(artefact) = row.artefact.artefact() else { continue };
            let mut shown = Map::new();
            shown.insert("id".to_owned(), json!(row.artefact.uuid));
            shown.insert("name".to_owned(), json!(artefact.spec.name));
            shown.insert("version".to_owned(), json!(artefact.version));
            shown.insert("hash".to_owned(), json!(artefact.sha256));
            shown.insert("componentId".to_owned(), json!(row.component));
            let (name, content) = self.rendered_content(principal, artefact).await?;
            shown.insert(name.to_owned(), content);
            artefacts.push(Value::Object(shown));
        }
        Ok(json!({"timestamp": self.clock.now().to_iso(), "artefacts": artefacts}))
    }

    async fn rendered_content(
        &self,
        principal: &Principal,
        artefact: &Artefact,
    ) -> Result<(&'static str, Value)> {
        match &artefact.spec.content {
            ArtefactContent::Inline(content) => Ok(("content", Value::Object(content.clone()))),
            ArtefactContent::Object(id) => {
                let base = self.public_url.as_deref().unwrap_or_default();
                let path = match self.objects.object_download(principal, *id).await {
                    Ok(path) => format!("{base}{path}"),
                    // The file was lost, as after a restore without it; the rest of the configuration is still right.
                    Err(error) if error.kind == Kind::NotFound => return Ok(("downloadUrl", Value::Null)),
                    Err(error) => return Err(error),
                };
                Ok(("downloadUrl", Value::from(path)))
            }
        }
    }

    /// Follows the desired state of a device: first as it is, then after each change.
    ///
    /// # Errors
    /// The errors of [`Configurations::desired_configuration`].
    pub fn follow_desired_configuration(
        self: &Arc<Self>,
        principal: Arc<Principal>,
        device: DeviceId,
    ) -> Result<DesiredFeed> {
        self.desired_configuration(&principal, device)?;
        let changes = self.store.catalog().subscribe_changes();
        Ok(DesiredFeed { configurations: Arc::clone(self), who: principal, device, changes, last: None })
    }
}

impl DesiredFeed {
    /// Waits for the next state, which is computed when it is asked for: several changes may be one. Dropping the future
    /// loses nothing.
    ///
    /// # Errors
    /// `NotFound` when the device was deleted; `Unavailable` when the server is shutting down.
    pub async fn next(&mut self) -> Result<Value> {
        loop {
            self.changes.borrow_and_update();
            let state = self.state()?;
            if self.last.as_ref().is_none_or(|(known, _)| *known != state) {
                let desired = self.configurations.desired_configuration(&self.who, self.device)?;
                if self.last.as_ref().is_none_or(|(_, known)| *known != desired) {
                    let document = self.configurations.render_desired(&self.who, &desired).await?;
                    self.last = Some((state, desired));
                    return Ok(document);
                }
                self.last = Some((state, desired));
            }
            let ended = |e| Error::unavailable("the server is shutting down").with_source(e);
            self.changes.changed().await.map_err(ended)?;
        }
    }

    fn state(&self) -> Result<CatalogState> {
        let catalog = self.configurations.store.catalog();
        let device = catalog.devices.device(&self.who, self.device)?;
        Ok(CatalogState {
            documents: catalog.documents.document_revision(),
            topology: device.topology.clone(),
        })
    }
}
