//! Rows are exchanged as if the mirror were loaded at once.

use uuid::Uuid;

use super::*;
use crate::domain::Micros;
use crate::domain::alias::DeviceAliases;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::group::GroupSpec;
use crate::domain::policy::PolicyTable;
use crate::domain::stream::StreamSpec;
use crate::domain::topology::Topology;
use crate::domain::window::Windows;

const ORG: OrgId = OrgId(1);
const NOW: Micros = Micros(0);

fn device(id: i32, name: &str, owner: &str, parent: Option<i32>) -> Arc<Device> {
    let aliases = DeviceAliases {
        uuid: Uuid::from_u128(id.unsigned_abs().into()),
        key: format!("key {id}"),
        external_id: name.to_owned(),
    };
    let spec = DeviceSpec {
        owner: Some(owner.to_owned()),
        parent_device: parent.map(DeviceId),
        ..DeviceSpec::new(name, Protocol::Virtual)
    };
    let topology = Topology::default();
    let id = DeviceId(id);
    Arc::new(Device {
        id,
        org: ORG,
        aliases,
        last_channel: 0,
        spec,
        topology,
        created_at: NOW,
        updated_at: NOW,
    })
}

/// A stream of the device 1.
fn stream(id: i32, name: &str, (channel, pin): (i32, Option<i32>), group: Option<i32>) -> Arc<Stream> {
    let group = group.map(GroupId);
    Arc::new(Stream {
        id: StreamId(id),
        org: ORG,
        uuid: Uuid::from_u128(id.unsigned_abs().into()),
        channel,
        spec: StreamSpec { group, pin, ..StreamSpec::new(name, DeviceId(1)) },
        windows: Windows::default(),
        created_at: NOW,
        updated_at: NOW,
    })
}

fn group(id: i32, name: &str) -> Arc<Group> {
    let spec = GroupSpec { name: name.to_owned(), description: String::new() };
    Arc::new(Group { id: GroupId(id), org: ORG, spec, created_at: NOW, updated_at: NOW })
}

fn mirror(rows: impl FnOnce(&mut Mirror)) -> Mirror {
    let mut mirror = Mirror::default();
    rows(&mut mirror);
    mirror
}

/// Checks that a mirror is as `expected` once the rows with these ids are those of `fresh`.
fn check(mut mirror: Mirror, fresh: &Mirror, ids: &[(RowTable, i32)], expected: &Mirror) {
    let revision = mirror.revision();
    mirror.exchange_rows(fresh, &ids.iter().copied().collect());
    assert_eq!(mirror.summary(), expected.summary());
    assert_eq!(mirror.revision() > revision, !ids.is_empty(), "the revision");
}

#[test]
fn rows_may_exchange_what_is_unique() {
    let before = mirror(|all| {
        all.devices.put(device(1, "a", "ann", None));
        all.devices.put(device(2, "b", "bob", Some(1)));
        all.groups.put(group(1, "g"));
        all.groups.put(group(2, "h"));
        all.put_stream(stream(1, "x", (1, Some(7)), Some(1)));
        all.put_stream(stream(2, "y", (2, Some(8)), Some(2)));
        all.put_stream(stream(3, "z", (3, None), Some(1)));
    });
    let put_changed = |all: &mut Mirror| {
        all.devices.put(device(1, "b", "bob", Some(2)));
        all.devices.put(device(2, "a", "ann", None));
        all.groups.put(group(1, "h"));
        all.groups.put(group(2, "g"));
        all.put_stream(stream(1, "y", (2, Some(8)), Some(2)));
        all.put_stream(stream(2, "x", (1, Some(7)), Some(1)));
    };
    let after = mirror(|all| {
        put_changed(all);
        all.put_stream(stream(3, "z", (3, None), Some(1)));
    });
    use RowTable::{Devices, Groups, Streams};
    let ids = [(Devices, 1), (Devices, 2), (Groups, 1), (Groups, 2), (Streams, 1), (Streams, 2)];
    check(before, &mirror(put_changed), &ids, &after);
}

#[test]
fn a_row_that_is_not_there_any_more_goes_alone() {
    let all = || {
        mirror(|all| {
            all.devices.put(device(1, "a", "ann", None));
            all.devices.put(device(2, "b", "ann", Some(1)));
            all.groups.put(group(1, "g"));
            all.put_stream(stream(1, "x", (1, None), Some(1)));
            all.put_stream(stream(2, "y", (2, Some(1)), Some(1)));
        })
    };
    check(all(), &Mirror::default(), &[], &all());
    // What the database changes with a deletion has entries of its own.
    let after = mirror(|left| {
        left.devices.put(device(2, "b", "ann", Some(1)));
        left.put_stream(stream(2, "y", (2, Some(1)), Some(1)));
    });
    let ids = [(RowTable::Devices, 1), (RowTable::Groups, 1), (RowTable::Streams, 1), (RowTable::Users, 5)];
    check(all(), &Mirror::default(), &ids, &after);
}

fn policy(org: i32, stream: Option<i32>, drop_after_s: i64) -> Arc<Policy> {
    let stream = stream.map(StreamId);
    Arc::new(Policy { org: OrgId(org), table: PolicyTable::Readings, stream, drop_after_s })
}

#[test]
fn policies_and_floors_are_exchanged_by_their_source() {
    let before = mirror(|all| {
        all.put_policy(policy(1, None, 10));
        all.put_policy(policy(2, None, 20));
        all.put_policy(policy(1, Some(5), 30));
        all.put_policy(policy(1, Some(6), 40));
        all.put_floor(Table::Readings, 5, 500);
        all.put_floor(Table::Statistics, 5, 500);
        all.put_floor(Table::Readings, 6, 600);
    });
    let put_changed = |all: &mut Mirror| {
        all.put_policy(policy(2, None, 21));
        all.put_policy(policy(1, Some(5), 31));
        all.put_floor(Table::Readings, 5, 50);
        all.put_floor(Table::Messages, 5, 51);
    };
    let after = mirror(|all| {
        put_changed(all);
        all.put_policy(policy(1, Some(6), 40));
        all.put_floor(Table::Readings, 6, 600);
    });
    let ids = [(RowTable::Policies, POLICIES_OF_ORGS), (RowTable::Policies, 5), (RowTable::Floors, 5)];
    check(before, &mirror(put_changed), &ids, &after);
}
