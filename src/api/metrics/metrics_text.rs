//! Prometheus' text format 0.0.4: families of metrics, of which some or all are wanted.

use std::fmt::{Display, Write};

use super::labels;
use crate::app::metrics::DeviceMetrics;
use crate::domain::latency_stats::{LATENCY_BUCKET_BOUNDS_S, LatencyStats};

pub(super) struct MetricsText {
    text: String,
    /// Names of the wanted families; empty for all.
    names: Vec<String>,
    /// Whether the family that is being written is wanted.
    is_wanted: bool,
}

impl MetricsText {
    /// Creates a text of the families with these names; of all families when there are none.
    pub fn new(names: Vec<String>) -> MetricsText {
        MetricsText { text: String::new(), names, is_wanted: false }
    }

    /// Returns the text of the wanted families, which ends with a line break unless it is empty.
    pub fn finish(self) -> String {
        self.text
    }

    /// Begins a family. Every following line belongs to it.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.is_wanted = self.names.is_empty() || self.names.iter().any(|wanted| wanted == name);
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// Writes a sample with its labels, which are pairs `name="value"` with commas between them.
    pub fn sample(&mut self, name: &str, labels: impl Display, value: impl Display) {
        self.line(format_args!("{name}{{{labels}}} {value}"));
    }

    /// Writes a gauge without labels.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.line(format_args!("{name} {value}"));
    }

    /// Writes a histogram per device. Buckets are cumulative.
    pub fn histogram(
        &mut self,
        name: &str,
        help: &str,
        devices: &[DeviceMetrics],
        of: fn(&DeviceMetrics) -> &LatencyStats,
    ) {
        self.family(name, "histogram", help);
        if !self.is_wanted {
            return;
        }
        let bucket = format!("{name}_bucket");
        for measured in devices {
            let (labels, timing) = (labels(measured), of(measured));
            let mut up_to = 0;
            for (bound, count) in LATENCY_BUCKET_BOUNDS_S.iter().zip(timing.buckets) {
                up_to += count;
                self.sample(&bucket, format_args!("{labels},le=\"{bound}\""), up_to);
            }
            self.sample(&bucket, format_args!("{labels},le=\"+Inf\""), timing.count);
            self.sample(&format!("{name}_sum"), &labels, timing.sum_s);
            self.sample(&format!("{name}_count"), &labels, timing.count);
        }
    }

    /// Writes a line of the family begun last, if that is wanted.
    pub fn line(&mut self, line: impl Display) {
        if self.is_wanted {
            writeln!(self.text, "{line}").expect("a text takes every line");
        }
    }
}
