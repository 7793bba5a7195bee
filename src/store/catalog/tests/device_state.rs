//! Changes of the states of devices: read by range, ended after a crash, purged, seen with the device and gone with it.

use super::fixtures::*;
use crate::domain::device::DeviceState;
use crate::domain::device_history::{KEEP_US, MAX_CHANGES, StateChange};
use crate::domain::{DeviceId, Kind, Micros};

const ONLINE: Option<DeviceState> = Some(DeviceState::Online);
const OFFLINE: Option<DeviceState> = Some(DeviceState::Offline);

fn change(device: DeviceId, at: i64, state: Option<DeviceState>) -> StateChange {
    StateChange { device, at: Micros(at), state, error: (state == OFFLINE).then(|| "no answer".to_owned()) }
}

pub(super) async fn state_changes_are_read_with_the_one_before(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (a, b) = (device(&catalog, &admin, "a").await.id, device(&catalog, &admin, "b").await.id);
    let all = [change(a, 10, ONLINE), change(b, 15, OFFLINE), change(a, 20, OFFLINE), change(a, 30, ONLINE)];
    catalog.devices.record_device_states(all.to_vec()).await.unwrap();
    catalog.devices.record_device_states(vec![change(DeviceId(99), 40, ONLINE)]).await.unwrap();
    drop(catalog);
    let catalog = place.open().await;
    for (from, to, expected) in
        [(0, 100, &[10, 20, 30][..]), (10, 30, &[10, 20]), (15, 25, &[10, 20]), (35, 40, &[30]), (0, 5, &[])]
    {
        let changes =
            catalog.devices.device_state_changes(&admin, a, Micros(from), Micros(to)).await.unwrap();
        let times: Vec<i64> = changes.iter().map(|change| change.at.0).collect();
        assert_eq!(times, expected, "{from}..{to}");
    }
    let of_b = catalog.devices.device_state_changes(&admin, b, Micros(0), Micros(100)).await.unwrap();
    assert_eq!(of_b, [change(b, 15, OFFLINE)]);
}

pub(super) async fn open_states_end_at_the_last_heartbeat(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (a, b) = (device(&catalog, &admin, "a").await.id, device(&catalog, &admin, "b").await.id);
    catalog.devices.save_heartbeat(Micros(5)).await.unwrap();
    catalog.devices.save_heartbeat(Micros(50)).await.unwrap();
    let all = [change(a, 10, ONLINE), change(b, 60, ONLINE), change(a, 20, OFFLINE)];
    catalog.devices.record_device_states(all.to_vec()).await.unwrap();
    for _ in 0..2 {
        catalog.devices.end_device_states().await.unwrap();
        for (device, expected) in
            [(a, &[(10, ONLINE), (20, OFFLINE), (50, None)][..]), (b, &[(60, ONLINE), (60, None)])]
        {
            let changes =
                catalog.devices.device_state_changes(&admin, device, Micros(0), Micros(100)).await.unwrap();
            let found: Vec<_> = changes.iter().map(|change| (change.at.0, change.state)).collect();
            assert_eq!(found, expected, "an ended state is not ended twice");
        }
    }
}

pub(super) async fn state_changes_are_isolated_purged_and_deleted(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let (a, b) = (device(&catalog, &ours, "a").await.id, device(&catalog, &ours, "b").await.id);
    let surplus = i64::try_from(MAX_CHANGES).unwrap() + 5;
    let many = (0..surplus).map(|n| change(a, n, if n % 2 == 0 { ONLINE } else { OFFLINE }));
    catalog.devices.record_device_states(many.chain([change(b, 1, ONLINE)]).collect()).await.unwrap();
    for who in [&theirs, &key(ours.org, Some(&[b]), None)] {
        let hidden = catalog.devices.device_state_changes(who, a, Micros(0), Micros(100)).await.unwrap_err();
        assert_eq!(hidden.kind, Kind::NotFound);
    }
    let of = async |device| {
        let changes =
            catalog.devices.device_state_changes(&ours, device, Micros(-1), Micros(i64::MAX)).await.unwrap();
        (changes.len(), changes.first().map(|change| change.at.0))
    };
    catalog.devices.purge_device_states(Micros(surplus)).await.unwrap();
    assert_eq!(of(a).await, (10_000, Some(5)), "the oldest go");
    catalog.devices.purge_device_states(Micros(KEEP_US + surplus)).await.unwrap();
    assert_eq!(of(a).await, (1, Some(surplus - 1)), "the last state may last");
    assert_eq!(of(b).await, (1, Some(1)));
    catalog.devices.delete_device(&ours, a).await.unwrap();
    assert_eq!(of(b).await.0, 1);
    assert_eq!(
        catalog.devices.device_state_changes(&ours, a, Micros(0), Micros(1)).await.unwrap_err().kind,
        Kind::NotFound
    );
}
