//! Tests of what is kept of an organization's streams.

use std::collections::BTreeSet;

use super::*;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::StreamSpec;
use crate::fuzz_store::FuzzStore;

#[test]
fn visible_streams_are_kept_until_streams_change() {
    let env = FuzzStore::open();
    let catalog = env.store.catalog().clone();
    let create = |name: &str| {
        env.runtime.block_on(async {
            let device = DeviceSpec::new(name, Protocol::Virtual);
            let device = catalog.devices.create_device(&env.owner, device).await.unwrap().id;
            catalog.streams.create_stream(&env.owner, StreamSpec::new(name, device)).await.unwrap().id
        })
    };
    let cache = OrgStreamsCache::default();
    let seen = |who: &Principal, from: &Arc<StreamStarts>| cache.visible(&catalog.streams, who, from);
    let everything = Arc::new(StreamStarts::default());

    let a = create("a");
    let first = seen(&env.owner, &everything);
    assert_eq!(first.ids(), [a.0]);
    assert!(Arc::ptr_eq(&first, &seen(&env.owner, &everything)));
    assert!(Arc::ptr_eq(&first, &seen(&env.owner, &Arc::default())), "no starts are no starts");

    let mut starts = StreamStarts::default();
    starts.set(a.0, 7);
    let starts = Arc::new(starts);
    let kept_from = seen(&env.owner, &starts);
    assert!(kept_from.needs_time() && !first.needs_time());
    assert!(Arc::ptr_eq(&kept_from, &seen(&env.owner, &starts)));
    assert!(Arc::ptr_eq(&first, &seen(&env.owner, &everything)), "both are kept");

    let restricted = Principal { streams: Some(BTreeSet::new()), ..env.owner.clone() };
    assert!(seen(&restricted, &everything).ids().is_empty());

    let b = create("b");
    assert_eq!(seen(&env.owner, &everything).ids(), [a.0, b.0]);
    env.runtime.block_on(catalog.streams.delete_stream(&env.owner, a)).unwrap();
    assert_eq!(seen(&env.owner, &everything).ids(), [b.0]);
    assert_eq!(seen(&env.owner, &starts).ids(), [b.0]);
}
