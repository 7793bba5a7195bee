//! Lines of logs that wait to be told together.

use std::collections::{BTreeMap, VecDeque};

use crate::app::gateway::log::{LogLine, LogLines};
use crate::domain::DeviceId;

/// Maximum lines of a container: the newest.
const MAX_LINES: usize = 1000;
/// Maximum bytes of all lines. A container whose lines do not fit loses its oldest ones.
const MAX_BYTES: usize = 4 << 20;

type ContainerKey = (DeviceId, String);

/// Lines by device and container.
#[derive(Default)]
pub struct LogBatches {
    containers: BTreeMap<ContainerKey, VecDeque<LogLine>>,
    bytes: usize,
}

impl LogBatches {
    /// Adds the lines of a report.
    pub fn add(&mut self, report: &LogLines) {
        let lines = self.containers.entry((report.device, report.container.clone())).or_default();
        for line in &report.lines {
            self.bytes += line.message.len();
            lines.push_back(line.clone());
            while lines.len() > MAX_LINES || self.bytes > MAX_BYTES {
                let Some(gone) = lines.pop_front() else { break };
                self.bytes -= gone.message.len();
            }
        }
    }

    /// Takes everything, by device and container.
    pub fn take(&mut self) -> Vec<(ContainerKey, Vec<LogLine>)> {
        self.bytes = 0;
        let all = std::mem::take(&mut self.containers).into_iter();
        all.filter(|(_, lines)| !lines.is_empty()).map(|(key, lines)| (key, lines.into())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::gateway::log::LogKind;
    use crate::domain::Micros;

    fn report(container: &str, count: usize, length: usize) -> LogLines {
        let line = |n: usize| LogLine {
            ts: Micros(n as i64),
            ingested_at: Micros(0),
            kind: LogKind::Log,
            message: "x".repeat(length),
        };
        LogLines {
            device: DeviceId(1),
            container: container.to_owned(),
            lines: (0..count).map(line).collect(),
        }
    }

    #[test]
    fn the_newest_lines_of_each_container_are_told_once() {
        let mut batches = LogBatches::default();
        batches.add(&report("b", 600, 1));
        batches.add(&report("a", 2, 1));
        batches.add(&report("b", 600, 1));
        let taken: Vec<_> =
            batches.take().into_iter().map(|((_, container), lines)| (container, lines.len())).collect();
        assert_eq!(taken, [("a".to_owned(), 2), ("b".to_owned(), 1000)]);
        assert!(batches.take().is_empty());
        batches.add(&report("a", 1000, 10_000));
        batches.add(&report("b", 1, 10_000));
        assert!(batches.bytes <= MAX_BYTES);
        let taken = batches.take();
        assert!(taken[0].1.len() < 1000 && taken[0].1.last().unwrap().ts == Micros(999));
    }
}
