//! Takes the reports of gateways, and gives back what is kept of them.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::event::GatewayEvent;
use super::log::{LogLine, LogLines, LogQuery};
use super::session::{SessionEvent, SessionRecord};
use crate::app::App;
use crate::domain::validation::check_object;
use crate::domain::{DeviceId, Error, Principal, Resource, Result, Scope};

impl App {
    /// Stores a report about a device and tells those who follow.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`, or for a device that may only be read; `NotFound` for one that is
    /// not visible; `Invalid` when the payload is too long.
    pub fn report_session(
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
        let record = Arc::new(SessionRecord { device: id, event, ts: self.clock.now(), payload });
        if event.is_status() {
            self.gateway.sessions.lock().insert(id, record.clone());
        }
        self.gateway.send(device.org, GatewayEvent::Session(record));
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
