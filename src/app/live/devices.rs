//! Feed of device states: the current states, then each change.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::watch;

use super::credential::{CredentialWatch, LiveCredential};
use super::subscription_limits::SubscriptionPermit;
use crate::app::collector_ports::CollectorStates;
use crate::app::live::LiveFeeds;
use crate::domain::device::{Device, DeviceFilter, DeviceState, DeviceStatus};
use crate::domain::ports::DeviceStatusSource;
use crate::domain::subscription::SubscriptionFilter;
use crate::domain::{DeviceId, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Delay before changes are collected: a state that lasted less may be skipped, but never the latest one.
const CHANGE_COALESCE_INTERVAL: Duration = Duration::from_millis(50);

/// A device and its status.
#[derive(Debug, Clone)]
pub struct DeviceStatusUpdate {
    pub device: Arc<Device>,
    pub status: DeviceStatus,
}

/// Updates of devices: first the current state of each, then every change; it ends only with an error.
pub type DeviceFeed = BoxStream<'static, Result<DeviceStatusUpdate>>;

impl LiveFeeds {
    /// Subscribes to the states of all visible devices, or of some: first their current state, then every change of
    /// the state or of its error.
    ///
    /// # Errors
    /// `Forbidden` without the scope; `Invalid` naming devices that the principal may not see; `Busy` or `Throttled`
    /// when there are too many feeds.
    pub fn device_feed(
        &self,
        credential: &LiveCredential,
        devices: Option<Vec<DeviceId>>,
    ) -> Result<DeviceFeed> {
        let who = credential.principal().clone();
        who.require(Scope::read(Resource::Device))?;
        let wanted = SubscriptionFilter { devices, ..SubscriptionFilter::default() };
        self.store.catalog().streams.check_subscription(&who, &wanted)?;
        let feed = DeviceSubscription {
            _seat: self.acquire_subscription(&who)?,
            changes: self.store.catalog().subscribe_changes(),
            collector_changes: self.states.collectors.get().map(|collectors| collectors.changes()),
            presence_changes: self.states.presence.changes(),
            watch: credential.watch(),
            store: self.store.clone(),
            states: self.states.clone(),
            who,
            wanted: wanted.devices,
            sent_states: None,
            waiting: VecDeque::new(),
        };
        let update = stream::try_unfold(feed, |mut feed| async move {
            let update = feed.next().await?;
            Ok(Some((update, feed)))
        });
        Ok(update.boxed())
    }
}

type SentStates = HashMap<DeviceId, (DeviceState, Option<String>)>;

struct DeviceSubscription {
    who: Arc<Principal>,
    wanted: Option<Vec<DeviceId>>,
    store: Arc<Store>,
    states: CollectorStates,
    /// Change signals of the catalog, of the collectors if there are any, and of the MQTT broker.
    changes: watch::Receiver<()>,
    collector_changes: Option<watch::Receiver<()>>,
    presence_changes: watch::Receiver<()>,
    watch: CredentialWatch,
    /// The states sent last; none before the first pass.
    sent_states: Option<SentStates>,
    waiting: VecDeque<DeviceStatusUpdate>,
    _seat: SubscriptionPermit,
}

impl DeviceSubscription {
    async fn next(&mut self) -> Result<DeviceStatusUpdate> {
        loop {
            if let Some(update) = self.waiting.pop_front() {
                return Ok(update);
            }
            if self.sent_states.is_some() {
                self.changed().await?;
            }
            self.collect_updates();
        }
    }

    /// Waits until a state may have changed.
    async fn changed(&mut self) -> Result<()> {
        let DeviceSubscription { watch, changes, collector_changes, presence_changes, .. } = self;
        let state = async {
            match collector_changes {
                Some(changes) => changes.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let changed = async {
            tokio::select! {
                changed = changes.changed() => changed.is_ok(),
                changed = state => changed,
                changed = presence_changes.changed() => changed.is_ok(),
            };
            tokio::time::sleep(CHANGE_COALESCE_INTERVAL).await;
        };
        tokio::select! {
            biased;
            over = watch.expired() => Err(over),
            () = changed => Ok(()),
        }
    }

    /// Queues the states that differ from those sent last.
    fn collect_updates(&mut self) {
        self.changes.mark_unchanged();
        self.collector_changes.iter_mut().for_each(watch::Receiver::mark_unchanged);
        self.presence_changes.mark_unchanged();
        let sent = self.sent_states.take().unwrap_or_default();
        let mut now = SentStates::new();
        for device in self.store.catalog().devices.devices(&self.who, &DeviceFilter::default()) {
            if self.wanted.as_ref().is_some_and(|wanted| !wanted.contains(&device.id)) {
                continue;
            }
            let status = self.states.status(&device);
            let state = (status.state, status.last_error.clone());
            let is_told = sent.get(&device.id) == Some(&state);
            now.insert(device.id, state);
            if !is_told {
                self.waiting.push_back(DeviceStatusUpdate { device, status });
            }
        }
        self.sent_states = Some(now);
    }
}
