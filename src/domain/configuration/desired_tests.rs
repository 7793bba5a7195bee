//! Tests of the desired state: a table of precedence, and properties of any set of bindings.

use proptest::prelude::*;
use serde_json::Map;

use super::*;
use crate::domain::configuration::artefact::{ArtefactContent, ArtefactSpec};
use crate::domain::configuration::binding::BindingSpec;

const DEVICE: u128 = 1;
const GROUPS: [u128; 2] = [2, 3];
const DEVICE_PROFILE: u128 = 4;
const SENSOR_PROFILE: u128 = 5;
const COMPONENTS: [u128; 2] = [6, 7];
/// A component of another profile.
const OTHER_COMPONENT: u128 = 8;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn device() -> ConfiguredDevice {
    let of_profile = COMPONENTS.map(|component| (id(component), Some(id(SENSOR_PROFILE))));
    let components = of_profile.into_iter().chain([(id(OTHER_COMPONENT), None)]).collect();
    ConfiguredDevice {
        id: id(DEVICE),
        profile: Some(id(DEVICE_PROFILE)),
        groups: GROUPS.into_iter().map(id).collect(),
        components,
    }
}

fn artefact(name: &str, profile_type: ProfileType) -> Artefact {
    let profile = match profile_type {
        ProfileType::SensorProfile => id(SENSOR_PROFILE),
        ProfileType::DeviceProfile => id(DEVICE_PROFILE),
    };
    let content = ArtefactContent::Inline(Map::new());
    Artefact {
        spec: ArtefactSpec { name: name.to_owned(), profile_type, profile, content },
        version: 1,
        size_bytes: 2,
        sha256: String::new(),
        created_by: String::new(),
    }
}

/// A binding with a number, which is also its time; the artefact's id is the number too.
type Row = (u128, Binding, Artefact);

fn row(number: u128, (target_type, target): (TargetType, u128), artefact: Artefact) -> Row {
    let binding = Binding {
        spec: BindingSpec { target_type, target: id(target), artefact: id(number) },
        artefact_name: artefact.spec.name.clone(),
        desired_version: 1,
        device: None,
    };
    (number, binding, artefact)
}

fn bound((number, binding, artefact): &Row) -> BoundArtefact<'_> {
    BoundArtefact { id: id(*number), created_at: Micros(*number as i64), binding, artefact }
}

/// Bindings by number as pairs of binding and component, 0 for the device.
fn winners(rows: &[Row]) -> Vec<(u128, u128)> {
    let desired = desired_artefacts(&device(), rows.iter().map(bound));
    desired.iter().map(|d| (d.binding.as_u128(), d.component.map_or(0, |c| c.as_u128()))).collect()
}

#[test]
fn the_most_specific_target_wins() {
    use TargetType::{Component, Device, DeviceGroup, DeviceProfile, SensorProfile};
    let levels = [
        (SensorProfile, SENSOR_PROFILE),
        (DeviceProfile, DEVICE_PROFILE),
        (DeviceGroup, GROUPS[0]),
        (Device, DEVICE),
        (Component, COMPONENTS[0]),
    ];
    // Each level alone, and then with every more general one beside it.
    for (index, (level, target)) in levels.iter().enumerate() {
        let row = |number, place| row(number, place, artefact("a", ProfileType::SensorProfile));
        let expected = match level {
            Component => vec![(100, COMPONENTS[0])],
            _ => COMPONENTS.map(|component| (100, component)).to_vec(),
        };
        let own = row(100, (*level, *target));
        assert_eq!(winners(std::slice::from_ref(&own)), expected, "{level:?} alone");
        for general in &levels[..index] {
            // The more general one is newer, which does not matter.
            let rows = [own.clone(), row(200, *general)];
            let found = winners(&rows);
            let others = (*level == Component).then_some((200, COMPONENTS[1]));
            let expected: Vec<_> = expected.iter().copied().chain(others).collect();
            assert_eq!(found, expected, "{level:?} beside {:?}", general.0);
        }
    }
}

#[test]
fn an_artefact_goes_where_its_profile_is() {
    use TargetType::{Component, Device, DeviceGroup, DeviceProfile, SensorProfile};
    let sensor = artefact("a", ProfileType::SensorProfile);
    let of_device = artefact("a", ProfileType::DeviceProfile);
    let mut elsewhere = sensor.clone();
    elsewhere.spec.profile = id(99);
    let both = COMPONENTS.map(|component| (1, component)).to_vec();
    for (name, place, artefact, expected) in [
        ("sensor_to_device", (Device, DEVICE), &sensor, both.clone()),
        ("sensor_to_group", (DeviceGroup, GROUPS[1]), &sensor, both.clone()),
        ("sensor_to_its_profile", (SensorProfile, SENSOR_PROFILE), &sensor, both.clone()),
        ("without_such_components", (Device, DEVICE), &elsewhere, vec![(1, 0)]),
        ("device_to_device", (Device, DEVICE), &of_device, vec![(1, 0)]),
        ("device_to_its_profile", (DeviceProfile, DEVICE_PROFILE), &of_device, vec![(1, 0)]),
        ("to_a_component", (Component, OTHER_COMPONENT), &of_device, vec![(1, OTHER_COMPONENT)]),
        ("another_device", (Device, 90), &of_device, vec![]),
        ("another_group", (DeviceGroup, 90), &of_device, vec![]),
        ("another_profile", (DeviceProfile, 90), &of_device, vec![]),
        ("another_component", (Component, 90), &sensor, vec![]),
        ("another_sensor_profile", (SensorProfile, 90), &sensor, vec![]),
    ] {
        assert_eq!(winners(&[row(1, place, artefact.clone())]), expected, "{name}");
    }
}

#[test]
fn names_are_apart_and_of_two_groups_the_newer_binding_wins() {
    let row = |number, target, name: &str| {
        row(number, (TargetType::DeviceGroup, target), artefact(name, ProfileType::DeviceProfile))
    };
    let rows = [row(30, GROUPS[0], "b"), row(31, GROUPS[1], "b"), row(29, GROUPS[0], "a")];
    assert_eq!(winners(&rows), [(29, 0), (31, 0)]);
}

#[test]
fn what_is_for_the_device_gives_way_to_the_binding_of_a_component() {
    let of_device = artefact("a", ProfileType::DeviceProfile);
    let rows = [
        row(1, (TargetType::Device, DEVICE), of_device.clone()),
        row(2, (TargetType::Component, COMPONENTS[0]), of_device),
    ];
    assert_eq!(winners(&rows), [(2, COMPONENTS[0])]);
}

#[test]
fn what_a_nearer_target_gives_the_device_replaces_what_the_components_have_of_their_profile() {
    use TargetType::{Component, Device, DeviceGroup, DeviceProfile, SensorProfile};
    let (of_device, sensor) =
        (artefact("a", ProfileType::DeviceProfile), artefact("a", ProfileType::SensorProfile));
    let general = row(2, (SensorProfile, SENSOR_PROFILE), sensor.clone());
    for (level, target) in [(Device, DEVICE), (DeviceGroup, GROUPS[0]), (DeviceProfile, DEVICE_PROFILE)] {
        let rows = [row(1, (level, target), of_device.clone()), general.clone()];
        assert_eq!(winners(&rows), [(1, 0)], "{level:?}");
    }
    // Of another name, and of a nearer target, they keep it.
    let rows = [row(1, (Device, DEVICE), artefact("b", ProfileType::DeviceProfile)), general.clone()];
    assert_eq!(winners(&rows), [(2, COMPONENTS[0]), (2, COMPONENTS[1]), (1, 0)]);
    let rows = [
        row(1, (DeviceProfile, DEVICE_PROFILE), of_device),
        row(3, (DeviceGroup, GROUPS[0]), sensor.clone()),
    ];
    assert_eq!(winners(&rows), [(1, 0), (3, COMPONENTS[0]), (3, COMPONENTS[1])]);
    let rows = [general, row(4, (Component, COMPONENTS[1]), sensor)];
    assert_eq!(winners(&rows), [(2, COMPONENTS[0]), (4, COMPONENTS[1])]);
}

fn any_row() -> impl Strategy<Value = Row> {
    (0..TargetType::ALL.len(), 1..10_u128, 10..1000_u128, 0..3_usize, any::<bool>()).prop_map(
        |(level, target, number, name, is_sensor)| {
            let profile = if is_sensor { ProfileType::SensorProfile } else { ProfileType::DeviceProfile };
            row(number, (TargetType::ALL[level], target), artefact(["a", "b", "c"][name], profile))
        },
    )
}

proptest! {
    #[test]
    fn each_place_has_one_artefact_of_a_name_and_none_that_is_more_specific_loses(
        rows in proptest::collection::vec(any_row(), 0..30)
    ) {
        // Numbers are ids, so each is there once.
        let rows: BTreeMap<u128, Row> = rows.into_iter().map(|row| (row.0, row)).collect();
        let desired = desired_artefacts(&device(), rows.values().map(bound));
        let mut places = BTreeSet::new();
        for winner in &desired {
            let (_, binding, artefact) = &rows[&winner.binding.as_u128()];
            prop_assert!(places.insert((artefact.spec.name.clone(), winner.component)));
            let rivals = rows.values().filter(|(_, rival, other)| {
                other.spec.name == artefact.spec.name && device().places(rival, other).contains(&winner.component)
            });
            for (_, rival, _) in rivals {
                prop_assert!(rival.spec.target_type <= binding.spec.target_type);
            }
        }
        prop_assert_eq!(desired_artefacts(&device(), rows.values().rev().map(bound)), desired);
    }
}
