//! Content of a birth: the metrics of an edge node or device with their types and aliases. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::address::{MetricAddress, MetricSource};
use super::data_type::DataType;
use super::proto::Metric;

/// Memory that one metric takes besides its name, about: its entries in both maps and in the list.
const METRIC_BYTES: usize = 200;

/// A metric as its birth describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricDescription {
    pub address: Arc<MetricAddress>,
    pub data_type: DataType,
    /// Stands for the name in every later message; `None` where the edge node uses names.
    pub alias: Option<u64>,
}

/// The metrics of one birth. It ends with the next birth or the death.
#[derive(Debug, Default)]
pub struct Birth {
    metrics: Vec<MetricDescription>,
    by_name: HashMap<Box<str>, usize>,
    by_alias: HashMap<u64, usize>,
    bytes: usize,
}

impl Birth {
    /// Reads the metrics of a birth. The second value says what is wrong with some of them, which are left out.
    pub fn new(source: &MetricSource, metrics: &[Metric]) -> (Birth, Option<String>) {
        let (mut birth, mut problem) = (Birth::default(), None);
        for metric in metrics {
            if let Err(why) = birth.add(source, metric) {
                problem.get_or_insert(why);
            }
        }
        (birth, problem)
    }

    fn add(&mut self, source: &MetricSource, metric: &Metric) -> Result<(), String> {
        let name = metric.name.as_deref().filter(|name| !name.is_empty()).ok_or("a metric has no name")?;
        let number = metric.datatype.ok_or_else(|| format!("the metric `{name}` has no data type"))?;
        if self.by_name.contains_key(name) {
            return Err(format!("two metrics have the name `{name}`"));
        }
        if metric.alias.is_some_and(|alias| self.by_alias.contains_key(&alias)) {
            return Err(format!("the alias of the metric `{name}` is that of another one"));
        }
        let index = self.metrics.len();
        self.bytes += metric_bytes(source, name);
        self.by_name.insert(name.into(), index);
        self.by_alias.extend(metric.alias.map(|alias| (alias, index)));
        self.metrics.push(MetricDescription {
            address: Arc::new(MetricAddress { source: source.clone(), metric: name.into() }),
            data_type: DataType::from_number(number),
            alias: metric.alias,
        });
        Ok(())
    }

    /// The metric that a message means by alias or, without one, by name.
    pub fn find(&self, metric: &Metric) -> Option<&MetricDescription> {
        match (metric.alias, &metric.name) {
            // A birth without aliases can be followed by data that repeats both.
            (Some(alias), name) => {
                let by_alias = self.by_alias.get(&alias).and_then(|index| self.metrics.get(*index));
                by_alias.or_else(|| self.named(name.as_deref()?))
            }
            (None, name) => self.named(name.as_deref()?),
        }
    }

    /// The metric with this name.
    pub fn named(&self, name: &str) -> Option<&MetricDescription> {
        self.by_name.get(name).and_then(|index| self.metrics.get(*index))
    }

    /// The memory that the birth takes, about.
    pub fn memory(&self) -> usize {
        self.bytes
    }
}

/// The memory that a metric of a source takes, about.
fn metric_bytes(source: &MetricSource, name: &str) -> usize {
    let device = source.device.as_ref().map_or(0, |device| device.len());
    METRIC_BYTES + 2 * name.len() + source.node.group.len() + source.node.node.len() + device
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::mqtt::sparkplug::address::NodeId;

    fn metric(name: Option<&str>, alias: Option<u64>, datatype: Option<u32>) -> Metric {
        Metric { name: name.map(str::to_owned), alias, datatype, ..Metric::default() }
    }

    fn source() -> MetricSource {
        MetricSource { node: NodeId { group: "plant".into(), node: "edge1".into() }, device: None }
    }

    #[test]
    fn a_metric_is_found_by_alias_or_name() {
        let metrics = [metric(Some("speed"), Some(7), Some(10)), metric(Some("state"), None, Some(12))];
        let (birth, problem) = Birth::new(&source(), &metrics);
        assert_eq!(problem, None);
        let named = |metric: &Metric| birth.find(metric).map(|found| found.address.to_string());
        assert_eq!(named(&metric(None, Some(7), None)).as_deref(), Some("plant/edge1#speed"));
        assert_eq!(named(&metric(Some("speed"), None, None)).as_deref(), Some("plant/edge1#speed"));
        assert_eq!(named(&metric(Some("state"), Some(9), None)).as_deref(), Some("plant/edge1#state"));
        assert_eq!(named(&metric(None, Some(8), None)), None);
        assert_eq!(named(&metric(None, None, None)), None);
    }

    #[test]
    fn wrong_metrics_are_left_out_and_told() {
        let good = metric(Some("a"), Some(1), Some(3));
        for (wrong, why) in [
            (metric(None, Some(2), Some(3)), "a metric has no name"),
            (metric(Some("b"), Some(2), None), "the metric `b` has no data type"),
            (metric(Some("a"), Some(2), Some(3)), "two metrics have the name `a`"),
            (metric(Some("b"), Some(1), Some(3)), "the alias of the metric `b` is that of another one"),
        ] {
            let (birth, problem) = Birth::new(&source(), &[good.clone(), wrong]);
            assert_eq!(problem.as_deref(), Some(why));
            assert!(birth.named("a").is_some() && birth.named("b").is_none());
        }
    }
}
