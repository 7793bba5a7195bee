//! Stores the reports of gateways, and reads them back.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::event::GatewayEvent;
use super::log::{LogLine, LogLines, LogQuery};
use super::session::{PROTOCOLS, SessionEvent, SessionRecord};
use crate::app::App;
use crate::domain::device::DeviceSpec;
use crate::domain::validation::check_object;
use crate::domain::{DeviceId, Error, Principal, Resource, Result, Scope};

impl App {
    /// Stores a report about a device and tells those who follow. The protocol of an installation that succeeded
    /// (`protocolId`) is among those of the device from then on.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`, or for a device that may only be read; `NotFound` for one that is
    /// not visible; `Invalid` when the payload is too long.
    pub async fn report_session(
        &self,
        principal: &Principal,
        id: DeviceId,
        event: SessionEvent,
        payload: Map<String, Value>,
    ) -> Result<()> {
        let device = self.device_to_change(principal, id)?;
        let mut problems = Vec::new();
        check_object(&mut problems, "event", &payload, None);
        Error::check(problems)?;
        let installed = payload.get("protocolId").and_then(Value::as_str);
        let device = match installed.filter(|_| event == SessionEvent::InstallationSucceeded) {
            Some(protocol) => {
                let protocol = Value::from(protocol);
                self.update_device(principal, id, |spec| add_protocol(spec, &protocol)).await?
            }
            None => device,
        };
        let org = device.org;
        let record = SessionRecord { payload, ..SessionRecord::new(device, event, self.clock.now()) };
        let record = {
            let mut sessions = self.gateway.sessions.lock();
            let record = Arc::new(record.after(sessions.get(&id).map(|previous| &**previous)));
            if event.is_status() {
                sessions.insert(id, record.clone());
            }
            record
        };
        self.gateway.send(org, GatewayEvent::Session(record));
        Ok(())
    }

    /// Returns the last report of a device's state since the start; `None` before the first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound` for a device that is not visible.
    pub fn last_session(&self, principal: &Principal, id: DeviceId) -> Result<Option<Arc<SessionRecord>>> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().device(principal, id)?;
        Ok(self.gateway.sessions.lock().get(&id).cloned())
    }

    /// Keeps lines of a container's log and tells those who follow.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`, or for a device that may only be read; `NotFound` for one that is
    /// not visible; `Invalid` naming what is wrong.
    pub fn report_log(&self, principal: &Principal, lines: LogLines) -> Result<()> {
        let device = self.device_to_change(principal, lines.device)?;
        Error::check(lines.problems())?;
        let lines = Arc::new(lines);
        self.gateway.logs.lock().add(device.org, &lines);
        self.gateway.send(device.org, GatewayEvent::Log(lines));
        Ok(())
    }

    /// Returns the newest kept lines of a container, the oldest first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound` for a device that is not visible.
    pub fn container_log(&self, principal: &Principal, query: LogQuery) -> Result<Vec<LogLine>> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().device(principal, query.device)?;
        Ok(self.gateway.logs.lock().lines(query))
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
