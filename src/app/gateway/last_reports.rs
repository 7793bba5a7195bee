//! The last report of each device's state, within a share of memory for each organization.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::last_report::LastReport;
use crate::domain::{DeviceId, OrgId};

/// Maximum memory of the members of an organization's last reports, bytes.
const MAX_BYTES_PER_ORG: usize = 16 << 20;

/// The last reports of all devices.
#[derive(Default)]
pub struct LastReports {
    by_device: HashMap<DeviceId, KeptReport>,
    orgs: HashMap<OrgId, OrgReports>,
    /// Counts the reports.
    number: u64,
}

struct KeptReport {
    org: OrgId,
    number: u64,
    report: Arc<LastReport>,
}

/// The reports of an organization that have members.
#[derive(Default)]
struct OrgReports {
    bytes: usize,
    by_number: BTreeMap<u64, DeviceId>,
}

impl LastReports {
    /// Returns the last report of a device's state.
    pub fn get(&self, device: DeviceId) -> Option<&Arc<LastReport>> {
        self.by_device.get(&device).map(|kept| &kept.report)
    }

    /// Keeps a report instead of the one before. Beyond the organization's share the reports that came longest ago lose
    /// their members; what state their devices are in stays.
    pub fn put(&mut self, org: OrgId, device: DeviceId, report: LastReport) {
        self.remove(device);
        self.number += 1;
        let (number, bytes) = (self.number, report.bytes());
        self.by_device.insert(device, KeptReport { org, number, report: Arc::new(report) });
        if bytes == 0 {
            return;
        }
        let of_org = self.orgs.entry(org).or_default();
        of_org.bytes += bytes;
        of_org.by_number.insert(number, device);
        while of_org.bytes > MAX_BYTES_PER_ORG
            && let Some((_, oldest)) = of_org.by_number.pop_first()
        {
            let Some(kept) = self.by_device.get_mut(&oldest) else { continue };
            of_org.bytes -= kept.report.bytes();
            kept.report = Arc::new(kept.report.without_members());
        }
    }

    /// Forgets a device.
    pub fn remove(&mut self, device: DeviceId) {
        let Some(kept) = self.by_device.remove(&device) else { return };
        let Some(of_org) = self.orgs.get_mut(&kept.org) else { return };
        if of_org.by_number.remove(&kept.number).is_some() {
            of_org.bytes -= kept.report.bytes();
        }
        if of_org.by_number.is_empty() {
            self.orgs.remove(&kept.org);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::app::gateway::session::{STATUS, SessionEvent, SessionRecord};
    use crate::domain::Micros;
    use crate::domain::alias::DeviceAliases;
    use crate::domain::device::{Device, DeviceSpec, Protocol};
    use crate::domain::topology::Topology;

    /// A report whose status has a text of this length; none for 0.
    fn report(bytes: usize) -> LastReport {
        let device = Device {
            id: DeviceId(1),
            org: OrgId(1),
            aliases: DeviceAliases::default(),
            last_channel: 0,
            spec: DeviceSpec::new("d", Protocol::Mqtt),
            topology: Topology::default(),
            created_at: Micros(0),
            updated_at: Micros(0),
        };
        let mut record = SessionRecord::new(Arc::new(device), SessionEvent::Connected, Micros(1));
        if bytes > 0 {
            record.payload.insert(STATUS.to_owned(), json!({ "text": "x".repeat(bytes) }));
        }
        LastReport::of(&record)
    }

    /// Security review 7: the reports of all devices were kept whole, in nobody's account.
    #[test]
    fn the_reports_of_an_organization_share_its_memory_and_their_states_stay() {
        let (mut reports, org) = (LastReports::default(), OrgId(1));
        reports.put(OrgId(2), DeviceId(0), report(10));
        let many = (MAX_BYTES_PER_ORG / 4096) as i32 + 10;
        for device in 1..=many {
            reports.put(org, DeviceId(device), report(4096));
        }
        assert!(reports.orgs[&org].bytes <= MAX_BYTES_PER_ORG);
        let shown = |device| {
            let kept = reports.get(DeviceId(device)).map(|report| (report.event, report.status().len()));
            kept.expect("its state is known")
        };
        assert_eq!(shown(1), (SessionEvent::Connected, 0));
        assert_eq!(shown(many), (SessionEvent::Connected, 1));
        assert_eq!(shown(0), (SessionEvent::Connected, 1), "another organization's");
        for device in 1..=many {
            reports.remove(DeviceId(device));
        }
        assert_eq!((reports.orgs.len(), reports.by_device.len()), (1, 1));
    }

    #[test]
    fn a_report_replaces_the_one_before_also_in_the_account() {
        let mut reports = LastReports::default();
        for bytes in [1000, 20, 0, 500] {
            reports.put(OrgId(1), DeviceId(1), report(bytes));
            let counted = reports.orgs.get(&OrgId(1)).map_or(0, |of_org| of_org.bytes);
            assert_eq!(counted, report(bytes).bytes(), "{bytes}");
        }
    }
}
