//! A device as the cloud shows it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::types;
use super::{Cloud, ProjectCaller};
use crate::app::App;
use crate::app::gateway::last_report::LastReport;
use crate::app::gateway::session::PROTOCOLS;
use crate::app::virtual_data;
use crate::domain::alias::is_device_key;
use crate::domain::device::{Device, DeviceState, Protocol};
use crate::domain::product::Product;
use crate::domain::{Error, Micros, Principal, Result};

/// Member of the metadata of a device, or word in that of its product, that makes it a gateway.
pub const IS_GATEWAY: &str = "isGateway";
const GATEWAY: &str = "gateway";

/// A device in a response.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceView {
    project_id: String,
    /// Milliseconds since 1970.
    ts: i64,
    is_virtual: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_devices: Option<SubDevices>,
    demo_active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_device: Option<String>,
    id: String,
    is_gateway: bool,
    name: String,
    env: &'static str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    type_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocols: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_id: Option<String>,
}

/// The devices below a gateway.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum SubDevices {
    Ids(Vec<String>),
    Devices(Vec<DeviceView>),
}

/// Shows the devices of a project.
pub struct DeviceViewer<'a> {
    pub app: &'a App,
    pub who: &'a Principal,
    /// Slug of the organization.
    pub project: &'a str,
}

impl Cloud {
    /// The viewer of a caller's project.
    pub fn viewer<'a>(&'a self, caller: &'a ProjectCaller) -> DeviceViewer<'a> {
        DeviceViewer { app: &self.app, who: &caller.principal, project: &caller.project }
    }

    /// Returns the device with this id.
    ///
    /// # Errors
    /// `NotFound`, also for what cannot be an id.
    pub fn device(&self, caller: &ProjectCaller, id: &str) -> Result<Arc<Device>> {
        if !is_device_key(id) {
            return Err(Error::not_found());
        }
        self.app.devices.device_by_key(&caller.principal, id)
    }
}

impl DeviceViewer<'_> {
    /// A device in a list: the devices below it by their ids, if there are any.
    pub fn listed(&self, device: &Device) -> Result<DeviceView> {
        let below = self.app.devices.sub_devices(self.who, device.id)?;
        let ids = below.iter().map(|sub| sub.aliases.key.clone()).collect::<Vec<_>>();
        let sub_devices = Some(ids).filter(|ids| !ids.is_empty()).map(SubDevices::Ids);
        self.view(device, below.len(), sub_devices)
    }

    /// A device by itself: the devices below it as they are in a list.
    pub fn detailed(&self, device: &Device) -> Result<DeviceView> {
        let below = self.app.devices.sub_devices(self.who, device.id)?;
        let views = below.iter().map(|sub| self.listed(sub)).collect::<Result<Vec<_>>>()?;
        let mut view = self.view(device, below.len(), None)?;
        view.sub_devices = view.is_gateway.then_some(SubDevices::Devices(views));
        Ok(view)
    }

    /// Whether a device is a gateway.
    pub fn is_gateway(&self, device: &Device) -> Result<bool> {
        let below = self.app.devices.sub_devices(self.who, device.id)?;
        Ok(is_gateway(device, self.app.products.product_of(device)?.as_ref(), below.len()))
    }

    /// Key of the gateway that a device is below.
    pub fn parent_key(&self, device: &Device) -> Option<String> {
        let parent = self.app.devices.device(self.who, device.spec.parent_device?).ok()?;
        Some(parent.aliases.key.clone())
    }

    fn view(&self, device: &Device, below: usize, sub_devices: Option<SubDevices>) -> Result<DeviceView> {
        let product = self.app.products.product_of(device)?;
        let is_gateway = is_gateway(device, &product, below);
        let certificate = self.app.certificates.certificate_of(self.who, device.id)?;
        Ok(DeviceView {
            project_id: self.project.to_owned(),
            ts: millis(device.created_at),
            is_virtual: device.spec.protocol == Protocol::Virtual,
            sub_devices,
            demo_active: virtual_data::is_active(&device.spec),
            frequency: virtual_data::period_s(&device.spec),
            parent_device: self.parent_key(device),
            id: device.aliases.key.clone(),
            is_gateway,
            name: device.spec.shared_name().to_owned(),
            env: self.app.settings().compat.instathings.env.name(),
            type_id: types::id_of(&product),
            protocols: is_gateway.then(|| protocols(device, &product)),
            status: self.status(device)?,
            certificate_id: certificate.map(|certificate| certificate.fingerprint.clone()),
        })
    }

    /// The last report of a device's state, else what its collector knows; `None` when nothing is known.
    fn status(&self, device: &Device) -> Result<Option<Map<String, Value>>> {
        if let Some(report) = self.app.gateway.last_session(self.who, device.id)? {
            return Ok(Some(reported_status(&report)));
        }
        let status = self.app.devices.status_of(device);
        let event = match status.state {
            DeviceState::Online | DeviceState::Degraded => "connected",
            DeviceState::Offline | DeviceState::Disabled => "disconnected",
            DeviceState::Connecting => "discovering",
        };
        let view = |seen| [("eventType", json!(event)), ("timestamp", json!(millis(seen)))];
        let members = status.last_seen.map(view);
        Ok(members.map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
    }
}

/// The state that a report gives a device, with the members of the report.
fn reported_status(report: &LastReport) -> Map<String, Value> {
    let mut status = report.status();
    status.insert("eventType".to_owned(), report.event.name().into());
    status.entry("timestamp").or_insert_with(|| millis(report.ts).into());
    status
}

fn is_gateway(device: &Device, product: &Product, below: usize) -> bool {
    let is_named = device.spec.metadata.get(IS_GATEWAY) == Some(&Value::Bool(true))
        || product.spec.metadata.get("type").and_then(Value::as_str) == Some(GATEWAY);
    device.spec.parent_device.is_none() && (is_named || below > 0)
}

/// The installed protocols of a gateway, or those of its type.
fn protocols(device: &Device, product: &Product) -> Vec<Value> {
    let of = |metadata: &Map<String, Value>| metadata.get(PROTOCOLS).and_then(Value::as_array).cloned();
    of(&device.spec.metadata).or_else(|| of(&product.spec.metadata)).unwrap_or_default()
}

/// Milliseconds since 1970; microseconds are cut off.
pub fn millis(ts: Micros) -> i64 {
    ts.0.div_euclid(1000)
}
