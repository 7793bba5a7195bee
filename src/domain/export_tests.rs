//! Tests of exports: rules of a request, order of the states, who sees one, and how long a link is valid.

use super::*;

const DAY_US: i64 = 86_400 * MICROS_PER_SECOND;

fn spec() -> ExportSpec {
    ExportSpec {
        scope_type: ExportScope::Device,
        scope: Uuid::from_u128(1),
        from: Micros(0),
        to: Micros(DAY_US),
        includes: BTreeSet::from([ExportContent::Readings]),
    }
}

fn export(status: ExportStatus, completed_at: Option<i64>) -> Export {
    Export {
        id: ExportId(1),
        org: OrgId(1),
        uuid: Uuid::from_u128(2),
        spec: spec(),
        status,
        requested_by: "key_1".to_owned(),
        access: ExportAccess::default(),
        result: None,
        error: String::new(),
        created_at: Micros(0),
        completed_at: completed_at.map(Micros),
    }
}

#[test]
fn a_request_is_checked() {
    let rows = [
        ("sound", spec(), vec![]),
        ("longest", ExportSpec { to: Micros(366 * DAY_US), ..spec() }, vec![]),
        ("too_long", ExportSpec { to: Micros(366 * DAY_US + 1), ..spec() }, vec!["to"]),
        (
            "longest_there_is",
            ExportSpec { from: Micros(i64::MIN), to: Micros(i64::MAX), ..spec() },
            vec!["to"],
        ),
        ("empty", ExportSpec { to: Micros(0), ..spec() }, vec!["from"]),
        ("backwards", ExportSpec { from: Micros(2), to: Micros(1), ..spec() }, vec!["from"]),
        ("nothing", ExportSpec { includes: BTreeSet::new(), ..spec() }, vec!["includes"]),
        (
            "all_of_it",
            ExportSpec { to: Micros(0), includes: BTreeSet::new(), ..spec() },
            vec!["from", "includes"],
        ),
    ];
    for (name, spec, expected) in rows {
        let found = spec.problems();
        let fields: Vec<_> = found.iter().map(|problem| problem.field.as_ref()).collect();
        assert_eq!(fields, expected, "{name}");
    }
}

#[test]
fn names_are_read_back() {
    for scope in ExportScope::ALL {
        assert_eq!(scope.name().parse::<ExportScope>().unwrap(), scope);
    }
    for status in ExportStatus::ALL {
        assert_eq!(status.name().parse::<ExportStatus>().unwrap(), status);
    }
    assert!("readings".parse::<ExportContent>().is_err());
}

#[test]
fn an_export_never_goes_back() {
    for status in ExportStatus::ALL {
        // Every path through the states ends, whichever is taken.
        let mut reached = vec![status];
        for _ in 0..ExportStatus::ALL.len() {
            let all = ExportStatus::ALL.iter().copied();
            reached = all.filter(|next| reached.iter().any(|from| from.may_become(*next))).collect();
        }
        assert!(reached.is_empty(), "{status:?}");
        let is_final = !ExportStatus::ALL.iter().any(|next| status.may_become(*next));
        assert_eq!(is_final, matches!(status, ExportStatus::Failed | ExportStatus::Expired));
        assert!(!(is_final && status.is_unfinished()));
    }
}

#[test]
fn who_sees_less_than_an_export_does_not_see_it() {
    let devices = |ids: &[i32]| Some(ids.iter().copied().map(DeviceId).collect::<BTreeSet<_>>());
    let streams = |ids: &[i32]| Some(ids.iter().copied().map(StreamId).collect::<BTreeSet<_>>());
    let who = |devices, streams| Principal { devices, streams, ..Principal::system(OrgId(1)) };
    let everything = who(None, None);
    let of_devices = who(devices(&[1, 2]), None);
    let of_both = who(devices(&[1]), streams(&[7]));
    let rows = [
        ("all_of_all", &everything, &everything, true),
        ("part_of_all", &of_devices, &everything, true),
        ("all_of_part", &everything, &of_devices, false),
        ("same", &of_devices, &of_devices, true),
        ("fewer_devices", &who(devices(&[2]), None), &of_devices, true),
        ("other_devices", &who(devices(&[3]), None), &of_devices, false),
        ("streams_beside", &of_both, &of_devices, false),
        ("same_of_both", &of_both, &of_both, true),
        ("nothing_at_all", &who(None, streams(&[])), &of_devices, true),
    ];
    for (name, requester, reader, expected) in rows {
        assert_eq!(ExportAccess::of(requester).is_within(reader), expected, "{name}");
    }
}

#[test]
fn a_link_ends_after_a_day_or_with_the_file() {
    let ready = export(ExportStatus::Ready, Some(0));
    assert_eq!(ready.link_until(Micros(1)), Some(Micros(DAY_US)), "whole seconds");
    assert_eq!(ready.link_until(Micros(DAY_US)), Some(Micros(2 * DAY_US)), "another one is given");
    assert_eq!(ready.link_until(Micros(7 * DAY_US - 1)), Some(Micros(7 * DAY_US)));
    assert_eq!(ready.link_until(Micros(7 * DAY_US)), None);
    for status in [ExportStatus::Pending, ExportStatus::Running, ExportStatus::Failed, ExportStatus::Expired]
    {
        assert_eq!(export(status, Some(0)).link_until(Micros(1)), None, "{status:?}");
    }
}

#[test]
fn a_job_reads_what_its_requester_saw() {
    let mut export = export(ExportStatus::Pending, None);
    export.access.devices = Some(BTreeSet::from([DeviceId(3)]));
    let reader = export.reader();
    assert!(reader.is_restricted() && reader.owns_device(OrgId(1), DeviceId(3)));
    assert!(reader.require(Scope::read(Resource::Value)).is_ok());
    assert!(reader.require(Scope::write(Resource::Value)).is_err());
}
