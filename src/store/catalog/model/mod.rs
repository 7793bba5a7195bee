//! Models: visibility, changes and versions. Whether their files can be run is not checked in the catalog.
//!
//! A model is visible with its device; of its sources only the visible ones are listed.

pub(super) mod progress;
pub(super) mod upload;

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Set};

use super::catalog_core::CatalogCore;
use super::database::unavailable;
use super::entity;
use super::transaction::DbTransaction;
use super::visibility::{MODEL_SOURCE_KEY, VisibleCatalog};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::device::Device;
use crate::domain::model::{Model, ModelFiles, ModelSettings, ModelVersion};
use crate::domain::{DeviceId, Error, Micros, ModelId, Principal, Result};
use serde_json::json;

/// Models, their versions and files, and how far they have scored.
pub struct ModelCatalog {
    core: Arc<CatalogCore>,
}

impl ModelCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Visible models by id ascending.
    pub fn models(&self, who: &Principal) -> Vec<Arc<Model>> {
        let visible = self.core.visible_to(who);
        let seen = visible.mirror.models().filter(|model| visible.device(model.device).is_ok());
        seen.map(|model| visible.redact_model(model)).collect()
    }

    /// Returns a model; `NotFound` when it is absent or not visible.
    pub fn model(&self, who: &Principal, id: ModelId) -> Result<Arc<Model>> {
        let visible = self.core.visible_to(who);
        let model = visible.model(id)?;
        Ok(visible.redact_model(model))
    }

    /// Returns a model that the principal may change: `Forbidden` when it may only read the model's device.
    pub fn model_for_update(&self, who: &Principal, id: ModelId) -> Result<Arc<Model>> {
        let visible = self.core.visible_to(who);
        let (model, _) = writable_model(&visible, id)?;
        Ok(visible.redact_model(&model))
    }

    /// The visible models of these devices, by id ascending.
    pub fn models_of_devices(&self, who: &Principal, devices: &[DeviceId]) -> Vec<Arc<Model>> {
        let mut models = self.models(who);
        models.retain(|model| devices.contains(&model.device));
        models
    }

    /// The stored versions, newest first. Sources that are not visible are left out.
    pub async fn model_versions(&self, who: &Principal, id: ModelId) -> Result<Vec<ModelVersion>> {
        self.model(who, id)?;
        let mut versions = versions(&self.core.db, id).await?;
        let visible = self.core.visible_to(who);
        for version in &mut versions {
            version.settings.sources.retain(|source| visible.stream(*source).is_ok());
        }
        Ok(versions)
    }

    /// The files of a version; `NotFound` when it is not stored.
    pub async fn model_files(&self, who: &Principal, id: ModelId, number: i32) -> Result<ModelFiles> {
        self.model(who, id)?;
        let version = version_row(&self.core.db, id, number).await?.ok_or_else(Error::not_found)?;
        let files = entity::model_file::Entity::find_by_id(version.id).one(&self.core.db).await;
        Ok(files.map_err(unavailable)?.ok_or_else(Error::not_found)?.into())
    }

    /// Changes atomically whether a model is enabled, and the settings of its current version.
    pub async fn update_model(
        &self,
        who: &Principal,
        id: ModelId,
        change: impl FnOnce(&mut bool, &mut ModelSettings) + Send,
    ) -> Result<Arc<Model>> {
        let transaction = self.core.begin_transaction().await?;
        let (model, device) = changed(&transaction.visible_to(who), id, change)?;
        let now = self.core.clock.now();
        let write = async move |db: DbTransaction| {
            let model = Model { updated_at: now, ..model };
            write_current(&*db, &model).await?;
            Ok((write_model_metadata(&*db, device, &model, now).await?, Arc::new(model)))
        };
        let audit = move |_: &(Arc<Device>, Arc<Model>)| AuditChange::new(Action::Update, "model", id.0);
        let done = transaction.commit_change(who, write, audit, |mirror, (device, model)| {
            mirror.devices.put(Arc::clone(device));
            mirror.put_model(Arc::clone(model));
        });
        done.await.map(|(_, model)| self.core.visible_to(who).redact_model(&model))
    }

    /// Makes another version current: version `number`, or the newest one before the current.
    ///
    /// # Errors
    /// `Invalid` naming `version` when there is no such version.
    pub async fn roll_back_model(
        &self,
        who: &Principal,
        id: ModelId,
        number: Option<i32>,
    ) -> Result<Arc<Model>> {
        let transaction = self.core.begin_transaction().await?;
        let (current, device) = writable_model(&transaction.visible_to(who), id)?;
        let kept = versions(&transaction.db, id).await?;
        let wanted = |version: &&ModelVersion| match number {
            Some(number) => version.number == number,
            None => version.number < current.version.number,
        };
        let no_version = || match number {
            Some(number) => format!("There is no version {number} of this model."),
            None => "There is no version before the current one.".to_owned(),
        };
        let version = kept.iter().find(wanted).ok_or_else(|| Error::field("version", no_version()))?.clone();
        let now = self.core.clock.now();
        let write = async move |db: DbTransaction| {
            let model = Model { version, updated_at: now, ..Model::clone(&current) };
            let row = entity::model::ActiveModel {
                id: Set(id.0),
                number: Set(model.version.number),
                updated_at: Set(now.0),
                ..Default::default()
            };
            row.update(&*db).await.map_err(unavailable)?;
            Ok((write_model_metadata(&*db, device, &model, now).await?, Arc::new(model)))
        };
        let audit = move |_: &(Arc<Device>, Arc<Model>)| {
            AuditChange::new(Action::Update, "model", id.0).with(vec!["version"])
        };
        let done = transaction.commit_change(who, write, audit, |mirror, (device, model)| {
            mirror.devices.put(Arc::clone(device));
            mirror.put_model(Arc::clone(model));
        });
        done.await.map(|(_, model)| self.core.visible_to(who).redact_model(&model))
    }

    /// Deletes a model with its versions and files. Its device, stream and scores stay.
    pub async fn delete_model(&self, who: &Principal, id: ModelId) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        writable_model(&transaction.visible_to(who), id)?;
        let delete = async move |db: DbTransaction| {
            entity::model::Entity::delete_by_id(id.0).exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        let audit = move |(): &()| AuditChange::new(Action::Delete, "model", id.0);
        transaction.commit_change(who, delete, audit, move |mirror, ()| mirror.remove_model(id)).await
    }

    /// Every model of every organization, by id ascending, for the live pipeline.
    pub fn all_models(&self) -> Vec<Arc<Model>> {
        self.core.mirror.read().models().cloned().collect()
    }
}

/// A model that the principal may change, and its device.
pub(super) fn writable_model(visible: &VisibleCatalog, id: ModelId) -> Result<(Arc<Model>, Arc<Device>)> {
    let model = visible.model(id)?;
    Ok((Arc::clone(model), Arc::clone(visible.writable_device(model.device)?)))
}

fn changed(
    visible: &VisibleCatalog,
    id: ModelId,
    change: impl FnOnce(&mut bool, &mut ModelSettings),
) -> Result<(Model, Arc<Device>)> {
    let (stored, device) = writable_model(visible, id)?;
    let mut model = Model::clone(&stored);
    change(&mut model.enabled, &mut model.version.settings);
    Error::check(model.version.settings.problems())?;
    Ok((model, device))
}

/// Writes whether a model is enabled, and the settings of its current version.
async fn write_current(db: &impl ConnectionTrait, model: &Model) -> Result<()> {
    let row = entity::model::ActiveModel {
        id: Set(model.id.0),
        enabled: Set(model.enabled),
        updated_at: Set(model.updated_at.0),
        ..Default::default()
    };
    row.update(db).await.map_err(unavailable)?;
    let version = version_row(db, model.id, model.version.number).await?;
    let version = version.ok_or_else(|| Error::internal("a model has no current version"))?;
    let settings = entity::model_version::settings(&model.version.settings);
    let row = entity::model_version::ActiveModel {
        id: Set(version.id),
        settings: Set(settings),
        ..Default::default()
    };
    row.update(db).await.map_err(unavailable)?;
    Ok(())
}

/// Writes the model's settings into its device's `metadata`, where DataStone's clients expect them.
pub(super) async fn write_model_metadata(
    db: &impl ConnectionTrait,
    device: Arc<Device>,
    model: &Model,
    now: Micros,
) -> Result<Arc<Device>> {
    let ModelVersion { number, settings, .. } = &model.version;
    let path = |file: &str| format!("/api/ai/model/{}/versions/{number}/{file}", model.id);
    let source = match &settings.sources[..] {
        [one] => json!(one.0),
        several => json!(several.iter().map(|id| id.0).collect::<Vec<_>>()),
    };
    let mut spec = device.spec.clone();
    let entries = [
        ("model_type", json!(settings.kind.name())),
        (MODEL_SOURCE_KEY, source),
        ("threshold", json!(settings.threshold)),
        ("model_path", json!(path("model.tflite"))),
        ("scaler_path", json!(path("scaler"))),
    ];
    spec.metadata.extend(entries.map(|(name, value)| (name.to_owned(), value)));
    let row = entity::device::for_update(device.id, spec, now).update(db).await.map_err(unavailable)?;
    Ok(Arc::new(row.try_into()?))
}

/// The stored versions, newest first.
pub(super) async fn versions(db: &impl ConnectionTrait, id: ModelId) -> Result<Vec<ModelVersion>> {
    use entity::model_version::{Column, Entity};
    let rows = Entity::find().filter(Column::ModelId.eq(id.0)).order_by_desc(Column::Number).all(db).await;
    rows.map_err(unavailable)?.into_iter().map(TryInto::try_into).collect()
}

async fn version_row(
    db: &impl ConnectionTrait,
    id: ModelId,
    number: i32,
) -> Result<Option<entity::model_version::Model>> {
    use entity::model_version::{Column, Entity};
    let row = Entity::find().filter(Column::ModelId.eq(id.0)).filter(Column::Number.eq(number));
    row.one(db).await.map_err(unavailable)
}
