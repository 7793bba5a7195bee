//! Feed of device states: the current states, then each change.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::watch;

use super::credential::{CredentialWatch, LiveCredential};
use super::subscription_limits::SubscriptionPermit;
use crate::app::{App, collector_ports};
use crate::collect::Collectors;
use crate::domain::device::{Device, DeviceFilter, DeviceState, DeviceStatus};
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

pub type DeviceFeed = BoxStream<'static, Result<DeviceStatusUpdate>>;

impl App {
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
        self.store.catalog().check_subscription(&who, &wanted)?;
        let feed = DeviceSubscription {
            _seat: self.acquire_subscription(&who)?,
            changes: self.store.catalog().subscribe_changes(),
            states: self.collectors.get().map(|collectors| collectors.changes()),
            watch: credential.watch(),
            store: self.store.clone(),
            collectors: self.collectors.clone(),
            who,
            wanted: wanted.devices,
            sent_states: None,
            waiting: VecDeque::new(),
        };
        let news = stream::try_unfold(feed, |mut feed| async move {
            let news = feed.next().await?;
            Ok(Some((news, feed)))
        });
        Ok(news.boxed())
    }
}

type SentStates = HashMap<DeviceId, (DeviceState, Option<String>)>;

struct DeviceSubscription {
    who: Arc<Principal>,
    wanted: Option<Vec<DeviceId>>,
    store: Arc<Store>,
    collectors: Arc<OnceLock<Arc<Collectors>>>,
    /// Change signals of the catalog, and of the collectors if there are any.
    changes: watch::Receiver<()>,
    states: Option<watch::Receiver<()>>,
    watch: CredentialWatch,
    /// The states sent last; none before the first pass.
    sent_states: Option<SentStates>,
    waiting: VecDeque<DeviceStatusUpdate>,
    _seat: SubscriptionPermit,
}

impl DeviceSubscription {
    async fn next(&mut self) -> Result<DeviceStatusUpdate> {
        loop {
            if let Some(news) = self.waiting.pop_front() {
                return Ok(news);
            }
            if self.sent_states.is_some() {
                self.changed().await?;
            }
            self.collect_updates();
        }
    }

    /// Waits until a state may have changed.
    async fn changed(&mut self) -> Result<()> {
        let DeviceSubscription { watch, changes, states, .. } = self;
        let state = async {
            match states {
                Some(states) => states.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let changed = async {
            tokio::select! {
                changed = changes.changed() => changed.is_ok(),
                changed = state => changed,
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
        self.states.iter_mut().for_each(watch::Receiver::mark_unchanged);
        let told = self.sent_states.take().unwrap_or_default();
        let mut now = SentStates::new();
        for device in self.store.catalog().devices(&self.who, &DeviceFilter::default()) {
            if self.wanted.as_ref().is_some_and(|wanted| !wanted.contains(&device.id)) {
                continue;
            }
            let status = collector_ports::status(&self.collectors, &device);
            let state = (status.state, status.last_error.clone());
            let is_told = told.get(&device.id) == Some(&state);
            now.insert(device.id, state);
            if !is_told {
                self.waiting.push_back(DeviceStatusUpdate { device, status });
            }
        }
        self.sent_states = Some(now);
    }
}
