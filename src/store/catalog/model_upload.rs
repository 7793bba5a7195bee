//! Placing an upload: its device and stream, made or reused, and the model's new version, in one transaction.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};

use super::database::{refused, unavailable};
use super::model::describe;
use super::room::Growth;
use super::sight::Sight;
use super::turn::Work;
use super::{Catalog, device, entity, no_such_row, stream, trim};
use crate::domain::audit::{Action, Change};
use crate::domain::device::{Device, DeviceSpec, Protocol};
use crate::domain::model::{FileFacts, MAX_VERSIONS, Model, ModelFiles, ModelSettings, ModelVersion, Placed};
use crate::domain::stream::{Stream, StreamKind, StreamSpec};
use crate::domain::{DeviceId, Error, FieldError, Micros, ModelId, OrgId, Principal, Result, StreamId};

/// Where an upload goes.
#[derive(Debug, Clone)]
pub enum Target {
    /// A device and its score stream, both new.
    Device { device: DeviceSpec, stream: String },
    /// A new score stream of an AI device.
    Stream { device: DeviceId, stream: String },
    /// A stream that is there. The model it has gets a new version; without one it is given one.
    Existing(StreamId),
}

impl Target {
    /// Rows that are not there yet.
    fn growth(&self) -> Growth {
        let of_stream = |name: &str, device| Growth::of_stream(&StreamSpec::new(name, device), None);
        match self {
            Target::Device { device, stream } => {
                let mut growth = Growth::of_device(device, None);
                // Its identifier is given when it is written; it takes the same room.
                growth += of_stream(stream, DeviceId(0));
                growth
            }
            Target::Stream { device, stream } => of_stream(stream, *device),
            Target::Existing(_) => Growth::default(),
        }
    }
}

/// A version to be.
#[derive(Clone)]
pub struct Upload {
    pub target: Target,
    pub settings: ModelSettings,
    pub model: FileFacts,
    pub scaler: FileFacts,
    pub files: ModelFiles,
}

impl Catalog {
    /// Fails as `place_model` would as things stand.
    pub fn check_upload(&self, who: &Principal, target: &Target, settings: &ModelSettings) -> Result<()> {
        self.check_placing(&self.sight(who), target, settings)
    }

    /// Makes what is missing of device, stream and model, and the version, or none of it.
    pub async fn place_model(&self, who: &Principal, mut upload: Upload) -> Result<Placed> {
        if let Target::Device { device, stream } = &mut upload.target {
            trim(&mut device.name);
            trim(stream);
        }
        let turn = self.turn().await?;
        self.check_placing(&turn.sight(who), &upload.target, &upload.settings)?;
        let before = before(&turn.sight(who), &upload.target)?;
        let is_new = before.model.is_none();
        let (org, now) = (who.org, self.clock.now());
        let told = move |placed: &Placed| {
            let action = if is_new { Action::Create } else { Action::Update };
            Change::new(action, "model", placed.model.id.0).with(vec!["version"])
        };
        let work = async move |db: Work| write(&*db, org, before, upload, now).await;
        let placed = turn.change(who, work, told, |mirror, placed| {
            mirror.devices.put(Arc::clone(&placed.device));
            mirror.put_stream(Arc::clone(&placed.stream));
            mirror.put_model(Arc::clone(&placed.model));
        });
        let Placed { device, stream, model } = placed.await?;
        let sight = self.sight(who);
        Ok(Placed { device: sight.redacted_device(&device), model: sight.redacted_model(&model), stream })
    }

    fn check_placing(&self, sight: &Sight, target: &Target, settings: &ModelSettings) -> Result<()> {
        check(sight, target, settings, self.most_devices.load(Ordering::Relaxed))?;
        self.check_room(&sight.mirror, sight.who.org, target.growth())
    }
}

/// What there is of an upload's target.
struct Before {
    device: Option<Arc<Device>>,
    stream: Option<Arc<Stream>>,
    model: Option<Arc<Model>>,
}

fn before(sight: &Sight, target: &Target) -> Result<Before> {
    Ok(match target {
        Target::Device { .. } => Before { device: None, stream: None, model: None },
        Target::Stream { device, .. } => {
            Before { device: Some(Arc::clone(sight.own_device(*device)?)), stream: None, model: None }
        }
        Target::Existing(id) => {
            let stream = sight.stream(*id)?;
            Before {
                device: Some(Arc::clone(sight.own_device(stream.spec.device)?)),
                stream: Some(Arc::clone(stream)),
                model: sight.mirror.model_of(*id).cloned(),
            }
        }
    })
}

fn check(sight: &Sight, target: &Target, settings: &ModelSettings, most_devices: usize) -> Result<()> {
    let mut problems = settings.problems();
    check_sources(sight, target, settings, &mut problems);
    match target {
        Target::Device { device, stream } => {
            if sight.who.is_restricted() {
                let message = "a key restricted to some devices or data may not create devices";
                return Err(Error::forbidden(message));
            }
            device::has_room(sight.mirror.devices.len(), most_devices)?;
            problems.extend(device::problems(sight, device, None));
            problems.extend(names(StreamSpec::new(stream.as_str(), DeviceId(0))));
        }
        Target::Stream { device, stream } => {
            if let Some(device) = sight.named_device("device_id", *device, &mut problems) {
                check_is_ai(device, "device_id", &mut problems);
                problems.extend(names(StreamSpec::new(stream.as_str(), device.id)));
                if sight.mirror.streams().named(device.id, stream).is_some() {
                    let message = format!("The device has data \"{stream}\" already; name it with data_id.");
                    problems.push(FieldError::new("name", message));
                }
            }
        }
        Target::Existing(id) => check_stream(sight, *id, &mut problems),
    }
    Error::check(problems)?;
    check_may_change(sight, target)
}

/// A device that may only be read is given no model.
fn check_may_change(sight: &Sight, target: &Target) -> Result<()> {
    match target {
        Target::Device { .. } => Ok(()),
        Target::Stream { device, .. } => sight.own_device(*device).map(drop),
        Target::Existing(id) => sight.own_device(sight.stream(*id)?.spec.device).map(drop),
    }
}

/// What is wrong with the name of a new stream, said of the field it comes from.
fn names(spec: StreamSpec) -> Vec<FieldError> {
    spec.problems().into_iter().map(|problem| FieldError::new("name", problem.message)).collect()
}

fn check_is_ai(device: &Device, field: &'static str, problems: &mut Vec<FieldError>) {
    if device.spec.protocol != Protocol::Ai {
        problems.push(FieldError::new(field, "Device is not an AI device."));
    }
}

fn check_stream(sight: &Sight, id: StreamId, problems: &mut Vec<FieldError>) {
    let found = sight.stream(id).and_then(|stream| Ok((stream, sight.device(stream.spec.device)?)));
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

/// Sources are numbers that the caller sees, and none of them is made of this model's own scores.
fn check_sources(sight: &Sight, target: &Target, settings: &ModelSettings, problems: &mut Vec<FieldError>) {
    for id in &settings.sources {
        match sight.stream(*id) {
            Err(_) => problems.push(no_such_row("source", id)),
            Ok(stream) if !stream.spec.kind.is_numeric() => {
                let message = format!("Data {id} is of type {}; a source holds numbers.", stream.spec.kind);
                problems.push(FieldError::new("source", message));
            }
            Ok(_) => {}
        }
    }
    if let Target::Existing(own) = target
        && settings.sources.iter().any(|source| stems_from(sight, *source, *own))
    {
        problems.push(FieldError::new("source", "A model may not be fed with its own scores."));
    }
}

/// Whether the values of `stream` are `origin`, or scores that a chain of models makes of it.
fn stems_from(sight: &Sight, stream: StreamId, origin: StreamId) -> bool {
    let (mut next, mut seen) = (vec![stream], Vec::new());
    while let Some(id) = next.pop() {
        if id == origin {
            return true;
        }
        if !seen.contains(&id) {
            seen.push(id);
            let model = sight.mirror.model_of(id);
            next.extend(model.iter().flat_map(|model| &model.version.settings.sources));
        }
    }
    false
}

async fn write(
    db: &impl ConnectionTrait,
    org: OrgId,
    before: Before,
    upload: Upload,
    now: Micros,
) -> Result<Placed> {
    let Upload { target, settings, model: facts, scaler, files } = upload;
    let device = match (before.device, &target) {
        (Some(device), _) => device,
        (None, Target::Device { device, .. }) => {
            device::write(entity::device::new(org, device.clone(), now).insert(db).await)?
        }
        (None, _) => return Err(Error::internal("an upload lost its device")),
    };
    let stream = match (before.stream, target) {
        (Some(stream), _) => stream,
        (None, Target::Device { stream, .. } | Target::Stream { stream, .. }) => {
            let spec = StreamSpec::new(stream, device.id);
            stream::write(entity::stream::new(org, spec, now).insert(db).await)?
        }
        (None, Target::Existing(_)) => return Err(Error::internal("an upload lost its stream")),
    };
    let row = match &before.model {
        None => insert_model(db, org, (device.id, stream.id), now).await?,
        Some(model) => next_version(db, model.id, now).await?,
    };
    let version = ModelVersion { number: row.number, settings, model: facts, scaler, created_at: now };
    write_version(db, ModelId(row.id), &version, files).await?;
    let model = row.with(version);
    let device = describe(db, device, &model, now).await?;
    Ok(Placed { device, stream, model: Arc::new(model) })
}

async fn insert_model(
    db: &impl ConnectionTrait,
    org: OrgId,
    place: (DeviceId, StreamId),
    now: Micros,
) -> Result<entity::model::Model> {
    let taken = || Error::conflict("the stream has just been given a model; upload again");
    entity::model::new(org, place, now).insert(db).await.map_err(|e| refused(e, taken))
}

/// Counts the version up and makes it current. What the model was about to say goes on: position and anomaly stay.
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
