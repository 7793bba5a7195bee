//! Data loaders of nested fields: each field of a list queues its key, and all keys are read in one batch. A list of a
//! thousand devices with their streams costs the catalog two look-ups.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};

use super::batching::PendingLoads;
use crate::app::App;
use crate::domain::device::Device;
use crate::domain::group::Group;
use crate::domain::reading::Reading;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Error, GroupId, Principal, Result, StreamId};

/// Maximum number of keys in a batch.
const MAX_BATCH_KEYS: usize = 10_000;

/// Loader of one request; it returns only what the request's principal may read.
pub struct NodeLoader {
    app: Arc<App>,
    principal: Arc<Principal>,
}

/// Key: the streams of a device or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamsOf<T>(pub T);

/// Key: the newest reading of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LatestOf(pub StreamId);

/// An error shared by all fields that wait for a batch.
type SharedError = Arc<Error>;

/// Creates the loader of a request and the queue of its loads, which `batching` runs.
pub fn new_loader(app: Arc<App>, principal: Arc<Principal>) -> (DataLoader<NodeLoader>, PendingLoads) {
    let asked = PendingLoads::default();
    let queue = asked.clone();
    let reads = DataLoader::new(NodeLoader { app, principal }, move |load| queue.push(load));
    (reads.delay(Duration::ZERO).max_batch_size(MAX_BATCH_KEYS), asked)
}

/// Loads one row; `None` if it does not exist or the caller may not read it.
pub async fn load<K>(
    ctx: &Context<'_>,
    key: K,
) -> async_graphql::Result<Option<<NodeLoader as Loader<K>>::Value>>
where
    K: Send + Sync + std::hash::Hash + Eq + Clone + 'static,
    NodeLoader: Loader<K, Error = SharedError>,
{
    let loaded = ctx.data_unchecked::<DataLoader<NodeLoader>>().load_one(key).await;
    Ok(loaded.map_err(|error| clone_error(&error))?)
}

/// Copies an error for another field, without its source.
fn clone_error(error: &Error) -> Error {
    Error { fields: error.fields.clone(), ..Error::new(error.kind, error.message.clone()) }
}

impl Loader<DeviceId> for NodeLoader {
    type Value = Arc<Device>;
    type Error = SharedError;

    async fn load(&self, keys: &[DeviceId]) -> Result<HashMap<DeviceId, Arc<Device>>, SharedError> {
        let found = self.app.devices_by_id(&self.principal, keys)?;
        Ok(found.into_iter().map(|device| (device.id, device)).collect())
    }
}

impl Loader<StreamId> for NodeLoader {
    type Value = Arc<Stream>;
    type Error = SharedError;

    async fn load(&self, keys: &[StreamId]) -> Result<HashMap<StreamId, Arc<Stream>>, SharedError> {
        let found = self.app.streams_by_id(&self.principal, keys)?;
        Ok(found.into_iter().map(|stream| (stream.id, stream)).collect())
    }
}

impl Loader<GroupId> for NodeLoader {
    type Value = Arc<Group>;
    type Error = SharedError;

    async fn load(&self, keys: &[GroupId]) -> Result<HashMap<GroupId, Arc<Group>>, SharedError> {
        let found = self.app.groups_by_id(&self.principal, keys)?;
        Ok(found.into_iter().map(|group| (group.id, group)).collect())
    }
}

impl Loader<StreamsOf<DeviceId>> for NodeLoader {
    type Value = Vec<Arc<Stream>>;
    type Error = SharedError;

    async fn load(
        &self,
        keys: &[StreamsOf<DeviceId>],
    ) -> Result<HashMap<StreamsOf<DeviceId>, Vec<Arc<Stream>>>, SharedError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = self.app.streams_of_devices(&self.principal, &ids)?;
        Ok(gather(found, |stream| Some(StreamsOf(stream.spec.device))))
    }
}

impl Loader<StreamsOf<GroupId>> for NodeLoader {
    type Value = Vec<Arc<Stream>>;
    type Error = SharedError;

    async fn load(
        &self,
        keys: &[StreamsOf<GroupId>],
    ) -> Result<HashMap<StreamsOf<GroupId>, Vec<Arc<Stream>>>, SharedError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = self.app.streams_of_groups(&self.principal, &ids)?;
        Ok(gather(found, |stream| stream.spec.group.map(StreamsOf)))
    }
}

impl Loader<LatestOf> for NodeLoader {
    type Value = Reading;
    type Error = SharedError;

    async fn load(&self, keys: &[LatestOf]) -> Result<HashMap<LatestOf, Reading>, SharedError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = self.app.latest(&self.principal, &ids)?;
        Ok(found.into_iter().map(|(id, reading)| (LatestOf(id), reading)).collect())
    }
}

fn gather<K: std::hash::Hash + Eq>(
    streams: Vec<Arc<Stream>>,
    of: impl Fn(&Stream) -> Option<K>,
) -> HashMap<K, Vec<Arc<Stream>>> {
    let mut gathered: HashMap<K, Vec<Arc<Stream>>> = HashMap::new();
    for stream in streams {
        if let Some(key) = of(&stream) {
            gathered.entry(key).or_default().push(stream);
        }
    }
    gathered
}
