//! `GET /device/v1/devices` and `GET /device/v1/devices/{id}`.

use axum::Json;
use axum::response::IntoResponse;

use super::{Answer, Cloud, ProjectCaller};
use crate::domain::Result;
use crate::domain::device::DeviceFilter;

/// Returns all devices of the project, the oldest first.
pub fn all(cloud: &Cloud, caller: &ProjectCaller) -> Answer {
    let mut devices = cloud.app.devices.devices(&caller.principal, &DeviceFilter::default())?;
    devices.sort_by_key(|device| (device.created_at, device.id));
    let viewer = cloud.viewer(caller);
    let views = devices.iter().map(|device| viewer.listed(device)).collect::<Result<Vec<_>>>()?;
    Ok(Json(views).into_response())
}

/// Returns a device with those below it.
///
/// # Errors
/// 404 when there is none.
pub fn one(cloud: &Cloud, caller: &ProjectCaller, id: &str) -> Answer {
    let device = cloud.device(caller, id)?;
    Ok(Json(cloud.viewer(caller).detailed(&device)?).into_response())
}
