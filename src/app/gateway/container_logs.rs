//! The newest lines of containers' logs, within a share of memory and a number of containers for each organization.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::log::{LogLine, LogLines, LogQuery};
use crate::domain::{DeviceId, OrgId};

/// Maximum lines kept of one container.
const MAX_LINES_PER_CONTAINER: usize = 5000;
/// Maximum containers of an organization that lines are kept of.
const MAX_CONTAINERS_PER_ORG: usize = 1000;
/// Maximum memory of an organization's lines and containers, bytes.
const MAX_BYTES_PER_ORG: usize = 8 << 20;
/// Memory of a line without its text, bytes: its place in a list that grows by doubling, and the text's allocation.
const LINE_BYTES: usize = 128;
/// Memory of a container without its name and lines, bytes.
const CONTAINER_BYTES: usize = 256;

/// Device and name of a container.
type ContainerKey = (DeviceId, String);

/// The newest log lines of all organizations.
#[derive(Default)]
pub struct ContainerLogs {
    orgs: HashMap<OrgId, OrgLogs>,
}

/// The log lines of an organization. What a report costs depends on what it adds and drops, not on what is kept: it is
/// added under a lock that all organizations share.
#[derive(Default)]
struct OrgLogs {
    /// Each has a line at least.
    containers: BTreeMap<ContainerKey, ContainerLog>,
    /// The containers by the number of their last report.
    by_report: BTreeMap<u64, ContainerKey>,
    bytes: usize,
    reports: u64,
}

#[derive(Default)]
struct ContainerLog {
    /// In the order of arrival.
    lines: VecDeque<LogLine>,
    /// Number of the last report.
    last_report: u64,
}

impl ContainerLogs {
    /// Adds lines; a report without any changes nothing. Of an organization that has too many, those of the container
    /// that reported longest ago go first.
    pub fn add(&mut self, org: OrgId, report: &LogLines) {
        if report.lines.is_empty() {
            return;
        }
        let logs = self.orgs.entry(org).or_default();
        logs.add(report);
        logs.drop_surplus();
    }

    /// Returns the newest lines of a range, by time ascending.
    pub fn lines(&self, org: OrgId, query: LogQuery) -> Vec<LogLine> {
        let LogQuery { device, container, from, to, limit } = query;
        let log = self.orgs.get(&org).and_then(|logs| logs.containers.get(&(device, container)));
        let all = log.into_iter().flat_map(|log| &log.lines);
        let mut found: Vec<&LogLine> = all.filter(|line| (from..=to).contains(&line.ts)).collect();
        // The sort is stable, so lines of one time stay in the order of arrival.
        found.sort_by_key(|line| line.ts);
        let surplus = found.len().saturating_sub(limit);
        found.into_iter().skip(surplus).cloned().collect()
    }

    /// Drops the lines of a device.
    pub fn forget(&mut self, org: OrgId, device: DeviceId) {
        let Some(logs) = self.orgs.get_mut(&org) else { return };
        let of_device = logs.containers.range((device, String::new())..);
        let of_device = of_device.map(|(key, _)| key).take_while(|(of, _)| *of == device);
        for key in of_device.cloned().collect::<Vec<_>>() {
            logs.remove(&key);
        }
        if logs.containers.is_empty() {
            self.orgs.remove(&org);
        }
    }
}

impl OrgLogs {
    fn add(&mut self, report: &LogLines) {
        self.reports += 1;
        let key = (report.device, report.container.clone());
        if !self.containers.contains_key(&key) {
            self.bytes += size_of_container(&key);
        }
        let log = self.containers.entry(key.clone()).or_default();
        // Reports are counted from 1, so a new container is not in the order.
        self.by_report.remove(&log.last_report);
        self.by_report.insert(self.reports, key);
        log.last_report = self.reports;
        for line in &report.lines {
            self.bytes += size_of_line(line);
            log.lines.push_back(line.clone());
        }
        while log.lines.len() > MAX_LINES_PER_CONTAINER {
            self.bytes -= log.lines.pop_front().as_ref().map_or(0, size_of_line);
        }
    }

    /// Drops lines until the organization is within its limits. The container that was added to last has reported last,
    /// so it loses lines only when the others have none.
    fn drop_surplus(&mut self) {
        while self.bytes > MAX_BYTES_PER_ORG || self.containers.len() > MAX_CONTAINERS_PER_ORG {
            let Some(key) = self.by_report.first_key_value().map(|(_, key)| key.clone()) else { return };
            if self.containers.len() > MAX_CONTAINERS_PER_ORG {
                self.remove(&key);
                continue;
            }
            let Some(log) = self.containers.get_mut(&key) else { return };
            while self.bytes > MAX_BYTES_PER_ORG
                && let Some(line) = log.lines.pop_front()
            {
                self.bytes -= size_of_line(&line);
            }
            if log.lines.is_empty() {
                self.remove(&key);
            }
        }
    }

    fn remove(&mut self, key: &ContainerKey) {
        if let Some(log) = self.containers.remove(key) {
            self.by_report.remove(&log.last_report);
            self.bytes -= size_of_container(key) + log.lines.iter().map(size_of_line).sum::<usize>();
        }
    }
}

fn size_of_line(line: &LogLine) -> usize {
    LINE_BYTES + line.message.len()
}

/// The name is held twice: as the key, and in the order of reports.
fn size_of_container((_, name): &ContainerKey) -> usize {
    CONTAINER_BYTES + 2 * name.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::gateway::log::LogKind;
    use crate::domain::Micros;

    fn report(device: i32, container: &str, lines: impl IntoIterator<Item = (i64, String)>) -> LogLines {
        let line =
            |(ts, message)| LogLine { ts: Micros(ts), ingested_at: Micros(0), kind: LogKind::Log, message };
        let lines = lines.into_iter().map(line).collect();
        LogLines { device: DeviceId(device), container: container.to_owned(), lines }
    }

    fn times(
        logs: &ContainerLogs,
        (org, device): (OrgId, i32),
        container: &str,
        (from, to): (i64, i64),
        limit: usize,
    ) -> Vec<i64> {
        let (device, container) = (DeviceId(device), container.to_owned());
        let query = LogQuery { device, container, from: Micros(from), to: Micros(to), limit };
        logs.lines(org, query).iter().map(|line| line.ts.0).collect()
    }

    #[test]
    fn the_newest_lines_of_a_range_come_in_order() {
        let mut logs = ContainerLogs::default();
        logs.add(OrgId(1), &report(1, "gate", [5, 1, 9, 3].map(|ts| (ts, ts.to_string()))));
        for (container, range, limit, expected) in [
            ("gate", (0, 99), 10, vec![1, 3, 5, 9]),
            ("gate", (0, 99), 2, vec![5, 9]),
            ("gate", (3, 5), 10, vec![3, 5]),
            ("other", (0, 99), 10, vec![]),
        ] {
            assert_eq!(
                times(&logs, (OrgId(1), 1), container, range, limit),
                expected,
                "{container} {range:?} {limit}"
            );
        }
        assert!(times(&logs, (OrgId(2), 1), "gate", (0, 99), 10).is_empty());
        logs.forget(OrgId(1), DeviceId(1));
        assert!(logs.orgs.is_empty());
    }

    #[test]
    fn one_organization_pushes_out_its_own_lines_only() {
        let mut logs = ContainerLogs::default();
        logs.add(OrgId(1), &report(1, "a", [(1, "x".to_owned())]));
        for round in 0..20 {
            let lines = (0..100).map(|i| (round * 100 + i, "y".repeat(10_000)));
            logs.add(OrgId(2), &report(2, &round.to_string(), lines));
        }
        assert_eq!(times(&logs, (OrgId(1), 1), "a", (0, 9), 9), [1]);
        assert!(logs.orgs[&OrgId(2)].bytes <= MAX_BYTES_PER_ORG);
        assert!(times(&logs, (OrgId(2), 2), "0", (0, 9999), 9).is_empty());
        assert!(!times(&logs, (OrgId(2), 2), "19", (0, 9999), 9).is_empty());
    }

    /// Content of an organization's account, counted from the lines.
    fn counted(logs: &OrgLogs) -> usize {
        let lines = logs.containers.values().flat_map(|log| &log.lines).map(size_of_line);
        logs.containers.keys().map(size_of_container).chain(lines).sum()
    }

    /// Security review 4: a report looked for the container to drop from among all containers, for each line.
    #[test]
    fn containers_without_number_are_kept_within_a_limit_and_found_by_their_order() {
        let (mut logs, org) = (ContainerLogs::default(), OrgId(1));
        logs.add(OrgId(2), &report(9, "of another organization", [(1, "stays".to_owned())]));
        for number in 0..2 * MAX_CONTAINERS_PER_ORG {
            logs.add(org, &report(1, &number.to_string(), [(1, "x".to_owned())]));
        }
        let kept = &logs.orgs[&org];
        assert_eq!(kept.containers.len(), MAX_CONTAINERS_PER_ORG);
        assert_eq!((kept.by_report.len(), kept.bytes), (MAX_CONTAINERS_PER_ORG, counted(kept)));
        let of = |number: usize| times(&logs, (org, 1), &number.to_string(), (0, 9), 9);
        assert!(of(MAX_CONTAINERS_PER_ORG - 1).is_empty());
        assert_eq!(of(MAX_CONTAINERS_PER_ORG), [1]);
        // The container that reported longest ago loses lines, also one of another device.
        let long = (0..1000).map(|ts| (ts, "y".repeat(8_000)));
        logs.add(org, &report(2, "long", long));
        let kept = &logs.orgs[&org];
        assert!(kept.bytes <= MAX_BYTES_PER_ORG && kept.bytes == counted(kept));
        assert_eq!(times(&logs, (org, 2), "long", (0, 999), 1), [999]);
        assert_eq!(times(&logs, (OrgId(2), 9), "of another organization", (0, 9), 9), [1]);
        logs.forget(org, DeviceId(1));
        let kept = &logs.orgs[&org];
        assert_eq!((kept.containers.len(), kept.by_report.len(), kept.bytes), (1, 1, counted(kept)));
    }

    /// Security review 4: such an entry was counted nowhere, and stayed.
    #[test]
    fn a_report_without_lines_leaves_nothing() {
        let mut logs = ContainerLogs::default();
        logs.add(OrgId(1), &report(1, "empty", []));
        assert!(logs.orgs.is_empty());
    }

    /// Alone it may be longer than the organization's share: its newest lines are kept.
    #[test]
    fn one_container_keeps_its_newest_lines() {
        let mut logs = ContainerLogs::default();
        let lines = (0..1000).map(|ts| (ts, "y".repeat(10_000)));
        logs.add(OrgId(1), &report(1, "only", lines));
        let kept = times(&logs, (OrgId(1), 1), "only", (0, 999), 1000);
        assert_eq!((kept.last(), kept.first() > Some(&0)), (Some(&999), true));
        let of_org = &logs.orgs[&OrgId(1)];
        assert!(of_org.bytes <= MAX_BYTES_PER_ORG && of_org.bytes == counted(of_org));
    }
}
