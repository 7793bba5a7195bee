//! Creating, changing and deleting devices.

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::device_view::IS_GATEWAY;
use super::mistakes::{Location, Mistakes, of_body};
use super::{Answer, Cloud, ProjectCaller, body, types};
use crate::api::error::InstathingsError;
use crate::app::virtual_data::{ACTIVE, FREQUENCY, MAX_PERIOD_S};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::shared_name::TakenName;
use crate::domain::{DeviceId, Error, Kind};

/// Maximum length of a name, characters.
const MAX_NAME_CHARS: usize = 20;
/// Smallest period of a generator, seconds.
const MIN_FREQUENCY_S: i64 = 30;

/// The members of a body, read one by one. What is wrong is collected.
struct Members<'a> {
    body: &'a Value,
    mistakes: Mistakes,
}

impl<'a> Members<'a> {
    fn new(body: &'a Value) -> Self {
        Members { body, mistakes: Mistakes::default() }
    }

    /// Reads a member; `None` when it is absent, or is not what `read` takes.
    fn read<T>(&mut self, name: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.body.get(name)?;
        let found = read(value);
        if found.is_none() {
            self.mistakes.add(Location::Body, name, Some(value.clone()));
        }
        found
    }

    fn name(&mut self) -> Option<String> {
        self.read("name", |value| {
            let name = value.as_str()?;
            let is_name = (1..=MAX_NAME_CHARS).contains(&name.chars().count()) && !name.trim().is_empty();
            is_name.then(|| name.to_owned())
        })
    }
}

/// The changes of a PATCH.
struct DeviceChange {
    name: Option<String>,
    frequency: Option<i64>,
    demo_active: Option<bool>,
}

impl DeviceChange {
    fn read(body: &Value) -> Result<Self, InstathingsError> {
        let mut members = Members::new(body);
        let change = DeviceChange {
            name: members.name(),
            frequency: members.read(FREQUENCY, frequency),
            demo_active: members.read(ACTIVE, Value::as_bool),
        };
        members.mistakes.check()?;
        Ok(change)
    }

    fn apply(&self, spec: &mut DeviceSpec) {
        if let Some(name) = &self.name {
            spec.set_shared_name(name);
        }
        if let Some(frequency) = self.frequency {
            spec.metadata.insert(FREQUENCY.to_owned(), frequency.into());
        }
        if let Some(is_active) = self.demo_active {
            spec.metadata.insert(ACTIVE.to_owned(), is_active.into());
        }
    }
}

fn frequency(value: &Value) -> Option<i64> {
    let seconds = value.as_f64().filter(|seconds| seconds.fract() == 0.0)? as i64;
    (MIN_FREQUENCY_S..=MAX_PERIOD_S).contains(&seconds).then_some(seconds)
}

/// `PATCH /device/v1/devices/{id}`: changes the given members.
///
/// # Errors
/// 400 naming every wrong member; 404 when there is no such device.
pub async fn patch(cloud: &Cloud, caller: &ProjectCaller, id: &str, request: Request) -> Answer {
    let body = body::read(request, cloud.app.settings().body_bytes).await?;
    let change = DeviceChange::read(&body)?;
    let device = cloud.device(caller, id)?;
    if change.demo_active.is_some() && device.spec.protocol != Protocol::Virtual {
        return Err(Mistakes::one(Location::Body, ACTIVE, body.get(ACTIVE).cloned()));
    }
    let apply = |spec: &mut DeviceSpec| change.apply(spec);
    let done =
        cloud.app.devices.update_named_device(&caller.principal, device.id, apply, TakenName::Numbered).await;
    done.map_err(|error| of_body(error, &body))?;
    Ok(Json(json!({})).into_response())
}

/// `POST /device/v1/devices`: creates a device and returns it.
///
/// # Errors
/// 400 naming every wrong member, such as an unknown type or parent; 403 beyond a limit.
pub async fn create(cloud: &Cloud, caller: &ProjectCaller, request: Request) -> Answer {
    let body = body::read(request, cloud.app.settings().body_bytes).await?;
    let mut members = Members::new(&body);
    let name = members.name();
    if body.get("name").is_none() {
        members.mistakes.add(Location::Body, "name", None);
    }
    let is_gateway = members.read(IS_GATEWAY, Value::as_bool).unwrap_or(false);
    let is_virtual = members.read("isVirtual", Value::as_bool).unwrap_or(false);
    let parent = members.read("parentDevice", |value| {
        let parent = cloud.device(caller, value.as_str()?).ok()?;
        // What is below a gateway is no gateway itself.
        let can_be_gateway = parent.spec.parent_device.is_none();
        can_be_gateway.then_some(parent.id)
    });
    let known = members.read("type", |value| types::find(cloud, caller, value.as_str()?).ok()?);
    if is_gateway && parent.is_some() {
        members.mistakes.add(Location::Body, IS_GATEWAY, body.get(IS_GATEWAY).cloned());
    }
    members.mistakes.check()?;
    let is_http = known.as_ref().is_some_and(types::KnownType::has_http);
    let product = match known {
        Some(known) => Some(known.product(cloud, caller).await?),
        None => None,
    };
    let protocol = match (is_virtual, is_http) {
        (true, _) => Protocol::Virtual,
        (false, true) => Protocol::Http,
        (false, false) => Protocol::Mqtt,
    };
    let mut spec = DeviceSpec::new(name.unwrap_or_default(), protocol);
    (spec.product, spec.parent_device) = (product, parent);
    if protocol != Protocol::Virtual {
        spec.poll_interval_s = None;
    }
    if is_gateway {
        spec.metadata.insert(IS_GATEWAY.to_owned(), true.into());
    }
    let made = cloud.app.devices.create_named_device(&caller.principal, spec, TakenName::Numbered).await;
    let device = made.map_err(|error| of_body(error, &body))?;
    Ok((StatusCode::CREATED, Json(cloud.viewer(caller).detailed(&device)?)).into_response())
}

/// `DELETE /device/v1/devices/{id}`: deletes a device and those below it.
///
/// # Errors
/// 404 when there is no such device.
pub async fn delete(cloud: &Cloud, caller: &ProjectCaller, id: &str) -> Answer {
    let device = cloud.device(caller, id)?;
    delete_tree(cloud, caller, device.id).await
}

/// `DELETE /devices/{parent}/subDevice/subDevices/{id}`: deletes a device below a gateway.
///
/// # Errors
/// 404 when there is no such pair.
pub async fn delete_sub_device(cloud: &Cloud, caller: &ProjectCaller, parent: &str, id: &str) -> Answer {
    let (parent, device) = (cloud.device(caller, parent)?, cloud.device(caller, id)?);
    if device.spec.parent_device != Some(parent.id) {
        return Err(Error::not_found().into());
    }
    delete_tree(cloud, caller, device.id).await
}

async fn delete_tree(cloud: &Cloud, caller: &ProjectCaller, id: DeviceId) -> Answer {
    match cloud.app.devices.delete_device_tree(&caller.principal, id).await {
        Err(error) if error.kind != Kind::NotFound => Err(error.into()),
        // Another request was faster.
        Err(_) => Err(Error::not_found().into()),
        Ok(()) => Ok(Json(json!({})).into_response()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_with_their_limits() {
        let long = "x".repeat(21);
        for (body, expected) in [
            (json!({}), ""),
            (json!([]), ""),
            (json!({"unknown": 1}), ""),
            (json!({"name": "x".repeat(20), "frequency": 30, "demoActive": false}), ""),
            (json!({"frequency": 60.0}), ""),
            (json!({"name": ""}), "name"),
            (json!({"name": "  "}), "name"),
            (json!({"name": long}), "name"),
            (json!({"name": null}), "name"),
            (json!({"frequency": 29}), "frequency"),
            (json!({"frequency": 30.5}), "frequency"),
            (json!({"frequency": "60"}), "frequency"),
            (json!({"frequency": 1e30}), "frequency"),
            (json!({"name": 7, "frequency": -1, "demoActive": "yes"}), "name frequency demoActive"),
        ] {
            let error = DeviceChange::read(&body).err();
            let params = error.map_or_else(String::new, |error| {
                let body = error.body.unwrap();
                let errors = body["errors"].as_array().unwrap();
                errors.iter().map(|one| one["param"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
            });
            assert_eq!(params, expected, "{body}");
        }
    }
}
