//! The newest lines of containers' logs, within a share of memory for each organization.

use std::collections::{HashMap, VecDeque};

use super::log::{LogLine, LogLines, LogQuery};
use crate::domain::{DeviceId, OrgId};

/// Maximum lines kept of one container.
const MAX_LINES_PER_CONTAINER: usize = 5000;
/// Maximum memory of an organization's lines, bytes.
const MAX_BYTES_PER_ORG: usize = 8 << 20;
/// Memory of a line without its text, bytes.
const LINE_BYTES: usize = 64;

type ContainerKey = (DeviceId, String);

#[derive(Default)]
pub struct ContainerLogs {
    containers: HashMap<ContainerKey, ContainerLog>,
    bytes: HashMap<OrgId, usize>,
    reports: u64,
}

struct ContainerLog {
    org: OrgId,
    /// In the order of arrival.
    lines: VecDeque<LogLine>,
    /// Number of the last report.
    last_report: u64,
}

impl ContainerLogs {
    /// Adds lines. Of an organization that has too many, those of the container that reported longest ago go first.
    pub fn add(&mut self, org: OrgId, report: &LogLines) {
        self.reports += 1;
        let key = (report.device, report.container.clone());
        let new = || ContainerLog { org, lines: VecDeque::new(), last_report: 0 };
        let log = self.containers.entry(key).or_insert_with(new);
        log.last_report = self.reports;
        let bytes = self.bytes.entry(org).or_default();
        for line in &report.lines {
            *bytes += size_of(line);
            log.lines.push_back(line.clone());
        }
        while log.lines.len() > MAX_LINES_PER_CONTAINER {
            *bytes -= log.lines.pop_front().as_ref().map_or(0, size_of);
        }
        while self.bytes.get(&org).is_some_and(|bytes| *bytes > MAX_BYTES_PER_ORG) {
            if !self.drop_oldest(org) {
                break;
            }
        }
    }

    /// Drops the first line of the container that reported longest ago; `false` when there is none.
    fn drop_oldest(&mut self, org: OrgId) -> bool {
        let of_org = self.containers.iter_mut().filter(|(_, log)| log.org == org);
        let Some((key, log)) = of_org.min_by_key(|(_, log)| log.last_report) else { return false };
        let gone = log.lines.pop_front();
        let key = log.lines.is_empty().then(|| key.clone());
        if let Some(bytes) = self.bytes.get_mut(&org) {
            *bytes -= gone.as_ref().map_or(0, size_of);
        }
        if let Some(key) = key {
            self.containers.remove(&key);
        }
        true
    }

    /// Returns the newest lines of a range, by time ascending.
    pub fn lines(&self, query: LogQuery) -> Vec<LogLine> {
        let LogQuery { device, container, from, to, limit } = query;
        let log = self.containers.get(&(device, container));
        let all = log.into_iter().flat_map(|log| &log.lines);
        let mut found: Vec<LogLine> = all.filter(|line| (from..=to).contains(&line.ts)).cloned().collect();
        // The sort is stable, so lines of one time stay in the order of arrival.
        found.sort_by_key(|line| line.ts);
        found.split_off(found.len().saturating_sub(limit))
    }

    pub fn forget(&mut self, device: DeviceId) {
        let bytes = &mut self.bytes;
        self.containers.retain(|(of, _), log| {
            let stays = *of != device;
            if let Some(bytes) = bytes.get_mut(&log.org).filter(|_| !stays) {
                *bytes -= log.lines.iter().map(size_of).sum::<usize>();
            }
            stays
        });
    }
}

fn size_of(line: &LogLine) -> usize {
    LINE_BYTES + line.message.len()
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
        device: i32,
        container: &str,
        (from, to): (i64, i64),
        limit: usize,
    ) -> Vec<i64> {
        let (device, container) = (DeviceId(device), container.to_owned());
        let query = LogQuery { device, container, from: Micros(from), to: Micros(to), limit };
        logs.lines(query).iter().map(|line| line.ts.0).collect()
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
            assert_eq!(times(&logs, 1, container, range, limit), expected, "{container} {range:?} {limit}");
        }
        logs.forget(DeviceId(1));
        assert!(times(&logs, 1, "gate", (0, 99), 10).is_empty() && logs.bytes[&OrgId(1)] == 0);
    }

    #[test]
    fn one_organization_pushes_out_its_own_lines_only() {
        let mut logs = ContainerLogs::default();
        logs.add(OrgId(1), &report(1, "a", [(1, "x".to_owned())]));
        for round in 0..20 {
            let lines = (0..100).map(|i| (round * 100 + i, "y".repeat(10_000)));
            logs.add(OrgId(2), &report(2, &round.to_string(), lines));
        }
        assert_eq!(times(&logs, 1, "a", (0, 9), 9), [1]);
        assert!(logs.bytes[&OrgId(2)] <= MAX_BYTES_PER_ORG);
        assert!(times(&logs, 2, "0", (0, 9999), 9).is_empty());
        assert!(!times(&logs, 2, "19", (0, 9999), 9).is_empty());
    }
}
