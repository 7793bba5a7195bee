//! Model upload: device and stream, created or reused, and a new model version, in one transaction.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};

use super::ModelCatalog;
use super::write_model_metadata;
use crate::domain::alias::DeviceAliases;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::device::{Device, DeviceSpec, Protocol};
use crate::domain::model::{
    MAX_VERSIONS, Model, ModelFileInfo, ModelFiles, ModelSettings, ModelVersion, UploadedModel,
};
use crate::domain::stream::{Stream, StreamKind, StreamSpec};
use crate::domain::{DeviceId, Error, FieldError, Micros, ModelId, OrgId, Principal, Result, StreamId};
use crate::store::catalog::database::{unavailable, write_error};
use crate::store::catalog::device;
use crate::store::catalog::device::index::AliasGenerator;
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::org::quota::QuotaDelta;
use crate::store::catalog::stream;
use crate::store::catalog::transaction::DbTransaction;
use crate::store::catalog::visibility::VisibleCatalog;
use crate::store::catalog::{entity, no_such_row, trim};

/// Target of an upload.
#[derive(Debug, Clone)]
pub enum UploadTarget {
    /// A new device with a new score stream.
    Device { device: DeviceSpec, stream: String },
    /// A new score stream of an AI device.
    Stream { device: DeviceId, stream: String },
    /// An existing stream. Its model gets a new version, or is created.
    Existing(StreamId),
}

impl UploadTarget {
    /// Quota that the rows to be created take.
    fn quota_delta(&self) -> QuotaDelta {
        let of_stream = |name: &str, device| QuotaDelta::of_stream(&StreamSpec::new(name, device), None);
        match self {
            UploadTarget::Device { device, stream } => {
                let mut growth = QuotaDelta::of_device(device, None);
                // The id is assigned on insert; the size does not depend on it.
                growth += of_stream(stream, DeviceId(0));
                growth
            }
            UploadTarget::Stream { device, stream } => of_stream(stream, *device),
            UploadTarget::Existing(_) => QuotaDelta::default(),
        }
    }
}

/// A model version to be uploaded.
#[derive(Clone)]
pub struct ModelUpload {
    pub target: UploadTarget,
    pub settings: ModelSettings,
    pub model: ModelFileInfo,
    pub scaler: ModelFileInfo,
    pub files: ModelFiles,
}

impl ModelCatalog {
    /// Fails as `upload_model` would now.
    pub fn check_upload(
        &self,
        who: &Principal,
        target: &UploadTarget,
        settings: &ModelSettings,
    ) -> Result<()> {
        self.check_upload_target(&self.core.visible_to(who), target, settings)
    }

    /// Creates whatever is missing of device, stream and model, and the version, or nothing.
    pub async fn upload_model(&self, who: &Principal, mut upload: ModelUpload) -> Result<UploadedModel> {
        if let UploadTarget::Device { device, stream } = &mut upload.target {
            trim(&mut device.name);
            trim(stream);
        }
        let transaction = self.core.begin_transaction().await?;
        self.check_upload_target(&transaction.visible_to(who), &upload.target, &upload.settings)?;
        let before = existing_rows(&transaction.visible_to(who), &upload.target)?;
        let identity =
            NewIdentity::choose(&transaction.mirror(), who.org, &upload.target, before.device.as_deref());
        let is_new = before.model.is_none();
        let (org, now) = (who.org, self.core.clock.now());
        let audit = move |placed: &UploadedModel| {
            let action = if is_new { Action::Create } else { Action::Update };
            AuditChange::new(action, "model", placed.model.id.0).with(vec!["version"])
        };
        let work = async move |db: DbTransaction| write(&*db, org, before, (upload, identity), now).await;
        let placed = transaction.commit_change(who, work, audit, |mirror, placed| {
            mirror.devices.put(Arc::clone(&placed.device));
            mirror.put_stream(Arc::clone(&placed.stream));
            mirror.put_model(Arc::clone(&placed.model));
        });
        let UploadedModel { device, stream, model } = placed.await?;
        let visible = self.core.visible_to(who);
        Ok(UploadedModel {
            device: visible.redact_device(&device),
            model: visible.redact_model(&model),
            stream,
        })
    }

    fn check_upload_target(
        &self,
        visible: &VisibleCatalog,
        target: &UploadTarget,
        settings: &ModelSettings,
    ) -> Result<()> {
        check(visible, target, settings, self.core.max_devices.load(Ordering::Relaxed))?;
        self.core.check_quota(&visible.mirror, visible.who.org, target.quota_delta())
    }
}

/// Existing rows of an upload's target.
struct ExistingRows {
    device: Option<Arc<Device>>,
    stream: Option<Arc<Stream>>,
    model: Option<Arc<Model>>,
}

/// Identifiers of the rows that an upload may have to create.
struct NewIdentity {
    aliases: DeviceAliases,
    channel: i32,
    pin: Option<i32>,
}

impl NewIdentity {
    fn choose(mirror: &Mirror, org: OrgId, target: &UploadTarget, device: Option<&Device>) -> Self {
        let aliases = match target {
            UploadTarget::Device { device, .. } => {
                AliasGenerator::default().next(&mirror.devices, org, &device.name)
            }
            UploadTarget::Stream { .. } | UploadTarget::Existing(_) => DeviceAliases::default(),
        };
        let channel = device.map_or(0, |device| device.last_channel) + 1;
        let pin = device.and_then(|device| stream::default_pin(mirror, device.id, channel, None));
        Self { aliases, channel, pin }
    }
}

fn existing_rows(visible: &VisibleCatalog, target: &UploadTarget) -> Result<ExistingRows> {
    Ok(match target {
        UploadTarget::Device { .. } => ExistingRows { device: None, stream: None, model: None },
        UploadTarget::Stream { device, .. } => ExistingRows {
            device: Some(Arc::clone(visible.writable_device(*device)?)),
            stream: None,
            model: None,
        },
        UploadTarget::Existing(id) => {
            let stream = visible.stream(*id)?;
            ExistingRows {
                device: Some(Arc::clone(visible.writable_device(stream.spec.device)?)),
                stream: Some(Arc::clone(stream)),
                model: visible.mirror.model_of(*id).cloned(),
            }
        }
    })
}

fn check(
    visible: &VisibleCatalog,
    target: &UploadTarget,
    settings: &ModelSettings,
    most_devices: usize,
) -> Result<()> {
    let mut problems = settings.problems();
    check_sources(visible, target, settings, &mut problems);
    match target {
        UploadTarget::Device { device, stream } => {
            if visible.who.is_restricted() {
                let message = "a key restricted to some devices or data may not create devices";
                return Err(Error::forbidden(message));
            }
            device::check_device_limit(visible.mirror.devices.len(), most_devices)?;
            problems.extend(device::problems(visible, device, None));
            problems.extend(name_problems(StreamSpec::new(stream.as_str(), DeviceId(0))));
        }
        UploadTarget::Stream { device, stream } => {
            if let Some(device) = visible.referenced_device("device_id", *device, &mut problems) {
                check_is_ai(device, "device_id", &mut problems);
                problems.extend(name_problems(StreamSpec::new(stream.as_str(), device.id)));
                if visible.mirror.streams().get_by_name(device.id, stream).is_some() {
                    let message = format!("The device has data \"{stream}\" already; name it with data_id.");
                    problems.push(FieldError::new("name", message));
                }
            }
        }
        UploadTarget::Existing(id) => check_stream(visible, *id, &mut problems),
    }
    Error::check(problems)?;
    check_may_change(visible, target)
}

/// A model can only be given to a device that the principal may change.
fn check_may_change(visible: &VisibleCatalog, target: &UploadTarget) -> Result<()> {
    match target {
        UploadTarget::Device { .. } => Ok(()),
        UploadTarget::Stream { device, .. } => visible.writable_device(*device).map(drop),
        UploadTarget::Existing(id) => visible.writable_device(visible.stream(*id)?.spec.device).map(drop),
    }
}

/// Validates a new stream; problems are reported for the field `name`, from which the stream's name comes.
fn name_problems(spec: StreamSpec) -> Vec<FieldError> {
    spec.problems().into_iter().map(|problem| FieldError::new("name", problem.message)).collect()
}

fn check_is_ai(device: &Device, field: &'static str, problems: &mut Vec<FieldError>) {
    if device.spec.protocol != Protocol::Ai {
        problems.push(FieldError::new(field, "Device is not an AI device."));
    }
}

fn check_stream(visible: &VisibleCatalog, id: StreamId, problems: &mut Vec<FieldError>) {
    let found = visible.stream(id).and_then(|stream| Ok((stream, visible.device(stream.spec.device)?)));
    let Ok((stream, device)) = found else {
        problems.push(no_such_row("data_id", id));
        return;
    };
    check_is_ai(device, "data_id", problems);
    if !matches!(stream.spec.kind, StreamKind::Fp32 | StreamKind::Fp64) {
        let message = format!("Data {id} is of type {}; scores need fp64 or fp32.", stream.spec.kind);
        problems.push(FieldError::new("data_id", message));
    }
}

/// Sources must be numeric, visible to the caller, and not derived from this model's own scores.
fn check_sources(
    visible: &VisibleCatalog,
    target: &UploadTarget,
    settings: &ModelSettings,
    problems: &mut Vec<FieldError>,
) {
    for id in &settings.sources {
        match visible.stream(*id) {
            Err(_) => problems.push(no_such_row("source", id)),
            Ok(stream) if !stream.spec.kind.is_numeric() => {
                let message = format!("Data {id} is of type {}; a source holds numbers.", stream.spec.kind);
                problems.push(FieldError::new("source", message));
            }
            Ok(_) => {}
        }
    }
    if let UploadTarget::Existing(own) = target
        && settings.sources.iter().any(|source| is_derived_from(visible, *source, *own))
    {
        problems.push(FieldError::new("source", "A model may not be fed with its own scores."));
    }
}

/// Whether `stream` is `origin`, or holds scores derived from it through a chain of models.
fn is_derived_from(visible: &VisibleCatalog, stream: StreamId, origin: StreamId) -> bool {
    let (mut next, mut seen) = (vec![stream], Vec::new());
    while let Some(id) = next.pop() {
        if id == origin {
            return true;
        }
        if !seen.contains(&id) {
            seen.push(id);
            let model = visible.mirror.model_of(id);
            next.extend(model.iter().flat_map(|model| &model.version.settings.sources));
        }
    }
    false
}

async fn write(
    db: &impl ConnectionTrait,
    org: OrgId,
    before: ExistingRows,
    (upload, identity): (ModelUpload, NewIdentity),
    now: Micros,
) -> Result<UploadedModel> {
    let ModelUpload { target, settings, model: facts, scaler, files } = upload;
    let device = match (before.device, &target) {
        (Some(device), _) => device,
        (None, UploadTarget::Device { device, .. }) => {
            let row = entity::device::new(org, identity.aliases, device.clone(), now);
            device::into_device(row.insert(db).await)?
        }
        (None, _) => return Err(Error::internal("an upload lost its device")),
    };
    let stream = match (before.stream, target) {
        (Some(stream), _) => stream,
        (None, UploadTarget::Device { stream, .. } | UploadTarget::Stream { stream, .. }) => {
            let spec = StreamSpec { pin: identity.pin, ..StreamSpec::new(stream, device.id) };
            stream::write_last_channel(db, device.id, identity.channel).await?;
            stream::into_stream(entity::stream::new(org, identity.channel, spec, now).insert(db).await)?
        }
        (None, UploadTarget::Existing(_)) => return Err(Error::internal("an upload lost its stream")),
    };
    let row = match &before.model {
        None => insert_model(db, org, (device.id, stream.id), now).await?,
        Some(model) => next_version(db, model.id, now).await?,
    };
    let version = ModelVersion { number: row.number, settings, model: facts, scaler, created_at: now };
    write_version(db, ModelId(row.id), &version, files).await?;
    let model = row.with(version);
    let device = write_model_metadata(db, device, &model, now).await?;
    Ok(UploadedModel { device, stream, model: Arc::new(model) })
}

async fn insert_model(
    db: &impl ConnectionTrait,
    org: OrgId,
    place: (DeviceId, StreamId),
    now: Micros,
) -> Result<entity::model::Model> {
    let taken = || Error::conflict("the stream has just been given a model; upload again");
    entity::model::new(org, place, now).insert(db).await.map_err(|e| write_error(e, taken))
}

/// Increments the version and makes it current. Progress and open anomaly continue.
async fn next_version(db: &impl ConnectionTrait, id: ModelId, now: Micros) -> Result<entity::model::Model> {
    let row = entity::model::Entity::find_by_id(id.0).one(db).await.map_err(unavailable)?;
    let number = row.ok_or_else(Error::not_found)?.newest + 1;
    let row = entity::model::ActiveModel {
        id: Set(id.0),
        number: Set(number),
        newest: Set(number),
        updated_at: Set(now.0),
        ..Default::default()
    };
    row.update(db).await.map_err(unavailable)
}

async fn write_version(
    db: &impl ConnectionTrait,
    model: ModelId,
    version: &ModelVersion,
    files: ModelFiles,
) -> Result<()> {
    use entity::model_version::{Column, Entity};
    let row = entity::model_version::new(model, version).insert(db).await.map_err(unavailable)?;
    entity::model_file::new(row.id, files).insert(db).await.map_err(unavailable)?;
    let oldest = version.number - i32::try_from(MAX_VERSIONS).unwrap_or(i32::MAX);
    let past = Entity::delete_many().filter(Column::ModelId.eq(model.0)).filter(Column::Number.lte(oldest));
    past.exec(db).await.map_err(unavailable)?;
    Ok(())
}
