//! Messages of virtual devices whose generator is switched on (`demoActive` in their metadata): a random number every
//! `frequency` seconds.
//!
//! The streams of virtual devices have generators of their own, which collectors read; those here make messages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::core_parts::CoreParts;
use super::messages::Messages;
use super::messages::document::NewDocument;
use crate::domain::device::{Device, DeviceSpec, Protocol};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Clock, DeviceId, OrgId, Principal};
use crate::store::Store;

/// Member of a device's metadata that switches its generator on.
pub const ACTIVE: &str = "demoActive";
/// Member of a device's metadata that is the period of its generator, seconds.
pub const FREQUENCY: &str = "frequency";
/// Period of a generator unless the device has another, seconds.
pub const DEFAULT_PERIOD_S: i64 = 60;
/// Largest period, seconds: a hundred days.
pub const MAX_PERIOD_S: i64 = 8_640_000;

/// Messages written side by side.
const CONCURRENT_WRITES: usize = 16;

/// Whether the generator of a device is switched on.
pub fn is_active(spec: &DeviceSpec) -> bool {
    spec.protocol == Protocol::Virtual && spec.metadata.get(ACTIVE) == Some(&Value::Bool(true))
}

/// Returns the period that a device has, seconds; `None` when it has none or one that is no whole number.
pub fn period_s(spec: &DeviceSpec) -> Option<i64> {
    let seconds = spec.metadata.get(FREQUENCY)?.as_f64()?;
    let is_whole = seconds.fract() == 0.0 && (1.0..=MAX_PERIOD_S as f64).contains(&seconds);
    is_whole.then_some(seconds as i64)
}

/// Generators of the messages of virtual devices.
pub struct VirtualData {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    messages: Arc<Messages>,
}

impl VirtualData {
    pub(super) fn new(parts: &CoreParts, messages: Arc<Messages>) -> Self {
        Self { store: parts.store.clone(), clock: parts.clock.clone(), messages }
    }

    /// Generates messages until the server stops. A message that cannot be stored is reported and left out.
    pub async fn run_virtual_data(self: Arc<Self>, stop: CancellationToken) {
        let mut changes = self.store.catalog().subscribe_changes();
        let mut schedule = Schedule::default();
        schedule.start(&self.store.catalog().devices.all_devices(), self.clock.now().0);
        loop {
            let now = self.clock.now().0;
            let due = schedule.take_due(now);
            stream::iter(due)
                .for_each_concurrent(CONCURRENT_WRITES, |(device, org)| self.generate(device, org))
                .await;
            let left = schedule.next().map(|next| next.saturating_sub(self.clock.now().0).max(0));
            let until_next = async {
                match left {
                    Some(left) => tokio::time::sleep(Duration::from_micros(left.unsigned_abs())).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    schedule.refresh(&self.store.catalog().devices.all_devices(), self.clock.now().0);
                }
                () = until_next => {}
            }
        }
    }

    async fn generate(&self, device: DeviceId, org: OrgId) {
        let number = rand::random_range(0..=100);
        let members = [("value", json!(number)), ("isVirtualData", json!(true))];
        let document: Map<String, Value> =
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let new = NewDocument {
            device,
            ts: None,
            document,
            payload: format!(r#"{{"value":{number},"isVirtualData":true}}"#),
            principal: String::new(),
            client: String::new(),
        };
        if let Err(error) = self.messages.post_document(&Principal::system(org), new).await {
            tracing::warn!(%device, error = error.full_message(), "a generated message was not stored");
        }
    }
}

/// When the devices whose generators are on have their next messages.
#[derive(Debug, Default)]
struct Schedule(BTreeMap<DeviceId, Slot>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    org: OrgId,
    period_us: i64,
    /// Microseconds.
    next: i64,
}

impl Schedule {
    /// Begins with these devices, each after one period: a restart does not bring a message forward.
    fn start(&mut self, devices: &[Arc<Device>], now: i64) {
        self.refresh(devices, now);
        for slot in self.0.values_mut() {
            slot.next = now.saturating_add(slot.period_us);
        }
    }

    /// Takes the devices as they are now. One that was switched on has its first message at once.
    fn refresh(&mut self, devices: &[Arc<Device>], now: i64) {
        let active = devices.iter().filter(|device| is_active(&device.spec));
        let slot = |device: &Arc<Device>| {
            let period_us = period_s(&device.spec).unwrap_or(DEFAULT_PERIOD_S) * MICROS_PER_SECOND;
            let known = self.0.get(&device.id);
            let next = match known {
                Some(known) => known.next.min(now.saturating_add(period_us)),
                None => now,
            };
            (device.id, Slot { org: device.org, period_us, next })
        };
        self.0 = active.map(slot).collect();
    }

    /// Returns the devices that are due. What a stopped or overloaded server has missed is left out.
    fn take_due(&mut self, now: i64) -> Vec<(DeviceId, OrgId)> {
        let mut due = Vec::new();
        for (device, slot) in self.0.iter_mut().filter(|(_, slot)| slot.next <= now) {
            due.push((*device, slot.org));
            let next = slot.next.saturating_add(slot.period_us);
            slot.next = if next > now { next } else { now.saturating_add(slot.period_us) };
        }
        due
    }

    fn next(&self) -> Option<i64> {
        self.0.values().map(|slot| slot.next).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Micros;
    use crate::domain::alias::DeviceAliases;

    const SECOND: i64 = MICROS_PER_SECOND;

    fn device(id: i32, protocol: Protocol, metadata: Value) -> Arc<Device> {
        let metadata = metadata.as_object().cloned().unwrap();
        Arc::new(Device {
            id: DeviceId(id),
            org: OrgId(1),
            aliases: DeviceAliases::default(),
            last_channel: 0,
            spec: DeviceSpec { metadata, ..DeviceSpec::new("d", protocol) },
            topology: crate::domain::topology::Topology::default(),
            created_at: Micros(0),
            updated_at: Micros(0),
        })
    }

    #[test]
    fn only_whole_periods_of_active_virtual_devices_count() {
        let rows = [
            (Protocol::Virtual, json!({}), false, None),
            (Protocol::Virtual, json!({"demoActive": true}), true, None),
            (Protocol::Virtual, json!({"demoActive": true, "frequency": 30}), true, Some(30)),
            (Protocol::Virtual, json!({"demoActive": "yes", "frequency": 0.5}), false, None),
            (Protocol::Virtual, json!({"demoActive": false, "frequency": 0}), false, None),
            (Protocol::Mqtt, json!({"demoActive": true, "frequency": 60.0}), false, Some(60)),
        ];
        for (protocol, metadata, active, period) in rows {
            let device = device(1, protocol, metadata.clone());
            assert_eq!((is_active(&device.spec), period_s(&device.spec)), (active, period), "{metadata}");
        }
    }

    #[test]
    fn a_device_is_due_every_period_and_at_once_when_switched_on() {
        let on = |id, seconds: i64| {
            device(id, Protocol::Virtual, json!({"demoActive": true, "frequency": seconds}))
        };
        let mut schedule = Schedule::default();
        schedule.start(&[on(1, 30)], 0);
        let due = |schedule: &mut Schedule, second: i64| -> Vec<i32> {
            schedule.take_due(second * SECOND).into_iter().map(|(id, _)| id.0).collect()
        };
        assert_eq!(due(&mut schedule, 0), Vec::<i32>::new());
        assert_eq!(due(&mut schedule, 30), [1]);
        schedule.refresh(&[on(1, 30), on(2, 40)], 35 * SECOND);
        assert_eq!(due(&mut schedule, 35), [2]);
        assert_eq!(schedule.next(), Some(60 * SECOND));
        assert_eq!(due(&mut schedule, 200), [1, 2], "what was missed is left out");
        assert_eq!((due(&mut schedule, 229), due(&mut schedule, 230)), (vec![], vec![1]));
        schedule.refresh(&[on(2, 1000)], 230 * SECOND);
        assert_eq!(schedule.next(), Some(240 * SECOND), "a longer period begins with the next message");
        schedule.refresh(&[], 230 * SECOND);
        assert_eq!(schedule.next(), None);
    }
}
