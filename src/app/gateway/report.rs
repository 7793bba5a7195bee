//! Stores the reports of gateways, and reads them back.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::event::GatewayEvent;
use super::last_report::LastReport;
use super::log::{LogLine, LogLines, LogQuery};
use super::session::{PROTOCOLS, STATUS, SessionEvent, SessionRecord, VERSION};
use crate::app::gateway::Gateway;
use crate::domain::device::DeviceSpec;
use crate::domain::validation::check_object;
use crate::domain::{DeviceId, Error, FieldError, Principal, Resource, Result, Scope};

/// Maximum length of the members of a report that are kept, bytes of JSON together.
const MAX_KEPT_BYTES: usize = 4 << 10;

impl Gateway {
    /// Stores a report about a device and tells those who follow. The protocol of an installation that succeeded
    /// (`protocolId`) is among those of the device from then on.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`, or for a device that may only be read; `NotFound` for one that is
    /// not visible; `Invalid` when the payload, or its members `version` and `status`, are too long.
    pub async fn report_session(
        &self,
        principal: &Principal,
        id: DeviceId,
        event: SessionEvent,
        payload: Map<String, Value>,
    ) -> Result<()> {
        let device = self.devices.device_to_change(principal, id)?;
        let mut problems = Vec::new();
        check_object(&mut problems, "event", &payload, None);
        check_kept_members(&mut problems, &payload);
        Error::check(problems)?;
        let installed = payload.get("protocolId").and_then(Value::as_str);
        let device = match installed.filter(|_| event == SessionEvent::InstallationSucceeded) {
            Some(protocol) => {
                let protocol = Value::from(protocol);
                self.devices.update_device(principal, id, |spec| add_protocol(spec, &protocol)).await?
            }
            None => device,
        };
        let org = device.org;
        let record = SessionRecord { payload, ..SessionRecord::new(device, event, self.clock.now()) };
        let record = {
            let mut sessions = self.hub.sessions.lock();
            let record = record.after(sessions.get(id).map(|previous| &**previous));
            if event.is_status() {
                sessions.put(org, id, LastReport::of(&record));
            }
            Arc::new(record)
        };
        self.hub.send(org, GatewayEvent::Session(record));
        Ok(())
    }

    /// Returns the last report of a device's state since the start; `None` before the first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound` for a device that is not visible.
    pub fn last_session(&self, principal: &Principal, id: DeviceId) -> Result<Option<Arc<LastReport>>> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().devices.device(principal, id)?;
        Ok(self.hub.sessions.lock().get(id).cloned())
    }

    /// Keeps lines of a container's log and tells those who follow.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`, or for a device that may only be read; `NotFound` for one that is
    /// not visible; `Invalid` naming what is wrong.
    pub fn report_log(&self, principal: &Principal, lines: LogLines) -> Result<()> {
        let device = self.devices.device_to_change(principal, lines.device)?;
        Error::check(lines.problems())?;
        let lines = Arc::new(lines);
        self.hub.logs.lock().add(device.org, &lines);
        self.hub.send(device.org, GatewayEvent::Log(lines));
        Ok(())
    }

    /// Returns the newest kept lines of a container, the oldest first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound` for a device that is not visible.
    pub fn container_log(&self, principal: &Principal, query: LogQuery) -> Result<Vec<LogLine>> {
        principal.require(Scope::read(Resource::Device))?;
        let device = self.store.catalog().devices.device(principal, query.device)?;
        Ok(self.hub.logs.lock().lines(device.org, query))
    }
}

/// Checks the length of the members that are kept until the next report of the device.
fn check_kept_members(problems: &mut Vec<FieldError>, payload: &Map<String, Value>) {
    let kept = [VERSION, STATUS].into_iter().filter_map(|name| payload.get(name));
    let bytes: usize = kept.map(|value| value.to_string().len()).sum();
    if bytes > MAX_KEPT_BYTES {
        let message = format!(
            "Ensure {VERSION} and {STATUS} have no more than {MAX_KEPT_BYTES} bytes of JSON together (they have {bytes})."
        );
        problems.push(FieldError::new(STATUS, message));
    }
}

/// Adds a protocol to those of a gateway, unless it is there.
fn add_protocol(spec: &mut DeviceSpec, protocol: &Value) {
    let known = spec.metadata.entry(PROTOCOLS).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(known) = known
        && !known.contains(protocol)
    {
        known.push(protocol.clone());
    }
}
