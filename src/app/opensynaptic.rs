//! The data-query API of OpenSynaptic: its admin token, and the packets of one organization with their devices and
//! sensors.
//!
//! A packet is a message of the core. Its device is named by the external id.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::compat::CompatOrg;
use super::core_parts::CoreParts;
use super::messages::Messages;
use crate::auth::admin_token::AdminToken;
use crate::domain::device::Device;
use crate::domain::message::Message;
use crate::domain::message::query::{
    DeviceMessages, MessageFilter, MessageOrder, MessageQuery, SensorQuery, SensorRow,
};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{DeviceId, Error, Kind, Micros, Principal, Result};
use crate::store::Store;

/// Settings of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSynapticSettings {
    /// Whether queries need the admin token.
    pub auth_enabled: bool,
    /// The token; `None` admits nobody when one is needed.
    pub admin_token: Option<AdminToken>,
    /// Whether packets are served at all.
    pub sql_enabled: bool,
}

impl Default for OpenSynapticSettings {
    fn default() -> Self {
        Self { auth_enabled: false, admin_token: None, sql_enabled: true }
    }
}

/// Rows to skip, and the maximum number of rows after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketPaging {
    pub offset: u64,
    pub limit: u32,
}

/// Filter of a list of packets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PacketFilter {
    /// External id.
    pub device: Option<String>,
    /// Inclusive.
    pub from: Option<Micros>,
    /// Inclusive.
    pub to: Option<Micros>,
}

/// A message and its device.
#[derive(Debug, Clone)]
pub struct Packet {
    pub device: Arc<Device>,
    pub message: Message,
}

/// A sensor of a message and its device.
#[derive(Debug, Clone)]
pub struct PacketSensor {
    pub device: Arc<Device>,
    pub row: SensorRow,
}

/// A device and its messages, summed up.
#[derive(Debug, Clone)]
pub struct PacketDevice {
    pub device: Arc<Device>,
    pub messages: DeviceMessages,
}

/// Rows of a page, and how many there are without paging.
#[derive(Debug, Clone)]
pub struct PacketPage<R> {
    pub rows: Vec<R>,
    pub total: u64,
}

/// Packets of the organization that the APIs without organizations serve.
pub struct Packets {
    store: Arc<Store>,
    messages: Arc<Messages>,
    org: Arc<CompatOrg>,
    settings: OpenSynapticSettings,
}

impl Packets {
    pub(super) fn new(
        parts: &CoreParts,
        org: Arc<CompatOrg>,
        messages: Arc<Messages>,
        settings: &OpenSynapticSettings,
    ) -> Self {
        Self { store: parts.store.clone(), messages, org, settings: settings.clone() }
    }

    /// Returns the principal that reads packets: that of the organization `compat.default_org`. `presented` is the
    /// admin token of the request; it matters only when the settings ask for one.
    ///
    /// # Errors
    /// `Unauthenticated` for a missing or wrong token; `Unavailable` when one is needed and none is configured.
    pub fn authenticate_opensynaptic(&self, presented: Option<&str>) -> Result<Principal> {
        let OpenSynapticSettings { auth_enabled, admin_token, .. } = &self.settings;
        if *auth_enabled {
            let Some(configured) = admin_token else {
                return Err(Error::unavailable("auth_enabled=true but admin_token is empty"));
            };
            if !presented.is_some_and(|presented| configured.matches(presented)) {
                return Err(Error::new(Kind::Unauthenticated, "admin token required"));
            }
        }
        self.org.compat_reader()
    }

    /// Checks that packets are served.
    ///
    /// # Errors
    /// `Unavailable` when the setting `storage.sql.enabled` is false.
    pub fn check_packet_storage(&self) -> Result<()> {
        match self.settings.sql_enabled {
            true => Ok(()),
            false => Err(Error::unavailable("database not configured")),
        }
    }

    /// Returns a page of packets, newest first.
    ///
    /// # Errors
    /// The errors of `Messages::messages`.
    pub async fn packets(
        &self,
        principal: &Principal,
        filter: PacketFilter,
        status: Option<String>,
        paging: PacketPaging,
    ) -> Result<PacketPage<Packet>> {
        let filter = MessageFilter { status, ..self.message_filter(principal, filter)? };
        let (offset, limit) = paging.as_sizes();
        let query = MessageQuery { filter, order: MessageOrder::NewestFirst, offset, limit };
        let page = self.messages.messages(principal, query).await?;
        let mut devices = KnownDevices::new(&self.store, principal);
        let packet = |message: Message| {
            let device = devices.get(message.device)?;
            Ok(device.map(|device| Packet { device, message }))
        };
        let rows = page.messages.into_iter().map(packet).filter_map(Result::transpose);
        Ok(PacketPage { rows: rows.collect::<Result<_>>()?, total: page.total })
    }

    /// Returns a packet; `None` when there is none.
    ///
    /// # Errors
    /// The errors of `Messages::message`.
    pub async fn packet(&self, principal: &Principal, uuid: Uuid) -> Result<Option<Packet>> {
        let Some(message) = self.messages.message(principal, uuid).await? else { return Ok(None) };
        let device = KnownDevices::new(&self.store, principal).get(message.device)?;
        Ok(device.map(|device| Packet { device, message }))
    }

    /// Returns a page of the sensors of packets: the newest second first, within it by index, then newest first.
    ///
    /// # Errors
    /// The errors of `Messages::message_sensors`.
    pub async fn packet_sensors(
        &self,
        principal: &Principal,
        filter: PacketFilter,
        sensor: Option<String>,
        paging: PacketPaging,
    ) -> Result<PacketPage<PacketSensor>> {
        let filter = self.message_filter(principal, filter)?;
        let (offset, limit) = paging.as_sizes();
        let page =
            self.messages.message_sensors(principal, SensorQuery { filter, sensor, offset, limit }).await?;
        let mut devices = KnownDevices::new(&self.store, principal);
        let sensor = |row: SensorRow| {
            let device = devices.get(row.device)?;
            Ok(device.map(|device| PacketSensor { device, row }))
        };
        let rows = page.sensors.into_iter().map(sensor).filter_map(Result::transpose);
        Ok(PacketPage { rows: rows.collect::<Result<_>>()?, total: page.total })
    }

    /// Returns a page of the devices that have packets: by the second of the newest one descending, then by external
    /// id.
    ///
    /// # Errors
    /// The errors of `Messages::message_devices`.
    pub async fn packet_devices(
        &self,
        principal: &Principal,
        paging: PacketPaging,
    ) -> Result<PacketPage<PacketDevice>> {
        let mut devices = KnownDevices::new(&self.store, principal);
        let mut rows: Vec<PacketDevice> = Vec::new();
        for messages in self.messages.message_devices(principal).await? {
            rows.extend(devices.get(messages.device)?.map(|device| PacketDevice { device, messages }));
        }
        let second = |row: &PacketDevice| row.messages.last_seen.0.div_euclid(MICROS_PER_SECOND);
        rows.sort_unstable_by(|a, b| {
            let by_id = || a.device.aliases.external_id.cmp(&b.device.aliases.external_id);
            second(b).cmp(&second(a)).then_with(by_id)
        });
        let (offset, limit) = paging.as_sizes();
        let total = rows.len() as u64;
        Ok(PacketPage { rows: rows.into_iter().skip(offset).take(limit).collect(), total })
    }

    /// Names the device by its id. An unknown one has no messages.
    fn message_filter(&self, principal: &Principal, filter: PacketFilter) -> Result<MessageFilter> {
        let PacketFilter { device, from, to } = filter;
        let catalog = self.store.catalog();
        let devices = match device.map(|name| catalog.devices.device_by_external_id(principal, &name)) {
            None => None,
            Some(Ok(device)) => Some(vec![device.id]),
            Some(Err(error)) if error.kind == Kind::NotFound => Some(Vec::new()),
            Some(Err(error)) => return Err(error),
        };
        Ok(MessageFilter { devices, from, to, status: None, derives: true })
    }
}

impl PacketPaging {
    fn as_sizes(self) -> (usize, usize) {
        (usize::try_from(self.offset).unwrap_or(usize::MAX), self.limit as usize)
    }
}

/// The devices of one page, looked up once each.
struct KnownDevices<'a> {
    store: &'a Store,
    principal: &'a Principal,
    by_id: HashMap<DeviceId, Option<Arc<Device>>>,
}

impl<'a> KnownDevices<'a> {
    fn new(store: &'a Store, principal: &'a Principal) -> Self {
        Self { store, principal, by_id: HashMap::new() }
    }

    /// Returns a device; `None` when it was deleted since its messages were read.
    fn get(&mut self, id: DeviceId) -> Result<Option<Arc<Device>>> {
        if let Some(known) = self.by_id.get(&id) {
            return Ok(known.clone());
        }
        let found = match self.store.catalog().devices.device(self.principal, id) {
            Ok(device) => Some(device),
            Err(error) if error.kind == Kind::NotFound => None,
            Err(error) => return Err(error),
        };
        self.by_id.insert(id, found.clone());
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::test_app;

    #[tokio::test]
    async fn a_token_is_needed_only_where_the_settings_ask_for_one() {
        let (_dir, app) = test_app::open().await;
        let unknown = (Kind::Unauthenticated, "admin token required");
        let empty = (Kind::Unavailable, "auth_enabled=true but admin_token is empty");
        let rows = [
            (false, "", None, None),
            (false, "hush", Some("x"), None),
            (true, "", None, Some(empty)),
            (true, " ", Some(""), Some(empty)),
            (true, "hush", None, Some(unknown)),
            (true, "hush", Some(""), Some(unknown)),
            (true, "hush", Some("Hush"), Some(unknown)),
            (true, "hush", Some(" hush "), None),
        ];
        for (auth_enabled, configured, presented, expected) in rows {
            let admin_token = AdminToken::parse(configured);
            let settings =
                OpenSynapticSettings { auth_enabled, admin_token, ..OpenSynapticSettings::default() };
            let (store, messages) = (app.parts.store.clone(), app.messages.clone());
            let packets = Packets { store, messages, org: app.vendors.org.clone(), settings };
            let place = format!("{auth_enabled} {configured:?} {presented:?}");
            match (packets.authenticate_opensynaptic(presented), expected) {
                (Ok(who), None) => {
                    let scopes: Vec<String> = who.scopes.iter().map(|scope| scope.to_string()).collect();
                    assert_eq!(scopes, ["device:read", "value:read"], "{place}");
                }
                (Err(error), Some(expected)) => {
                    assert_eq!((error.kind, error.message.as_str()), expected, "{place}");
                }
                (found, expected) => panic!("{place}: {found:?} instead of {expected:?}"),
            }
        }
    }
}
