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
    /// `None` for an alias that several metrics have, which stands for none of them.
    by_alias: HashMap<u64, Option<usize>>,
    bytes: usize,
}

impl Birth {
    /// Reads the metrics of a birth. The second value says what is wrong with some of them: they are left out, or their
    /// alias counts for nothing.
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
        let other = metric.alias.and_then(|alias| self.by_alias.get(&alias)).copied();
        let index = self.metrics.len();
        self.bytes += metric_bytes(source, name);
        self.by_name.insert(name.into(), index);
        self.by_alias.extend(metric.alias.map(|alias| (alias, other.is_none().then_some(index))));
        self.metrics.push(MetricDescription {
            address: Arc::new(MetricAddress { source: source.clone(), metric: name.into() }),
            data_type: DataType::from_number(number),
            alias: metric.alias.filter(|_| other.is_none()),
        });
        let Some(other) = other else { return Ok(()) };
        if let Some(first) = other.and_then(|index| self.metrics.get_mut(index)) {
            first.alias = None;
        }
        Err(format!("the alias of the metric `{name}` is that of another one"))
    }

    /// The metric that a message means by alias or, without one, by name; `None` also where the two are of different
    /// metrics.
    pub fn find(&self, metric: &Metric) -> Option<&MetricDescription> {
        let by_alias = metric.alias.and_then(|alias| self.by_alias.get(&alias)).copied().flatten();
        let by_alias = by_alias.and_then(|index| self.metrics.get(index));
        let Some(name) = metric.name.as_deref() else { return by_alias };
        // A birth without aliases can be followed by data that repeats both.
        match by_alias {
            Some(found) if *found.address.metric != *name => None,
            Some(found) => Some(found),
            None => self.named(name),
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
        assert_eq!(named(&metric(Some("state"), Some(7), None)), None, "the alias of another one");
        assert_eq!(named(&metric(Some("speed"), Some(7), None)).as_deref(), Some("plant/edge1#speed"));
    }

    #[test]
    fn an_alias_of_several_metrics_stands_for_none_of_them() {
        let names = [("a", 1), ("b", 2), ("c", 1), ("d", 1)];
        let metrics = names.map(|(name, alias)| metric(Some(name), Some(alias), Some(3)));
        let (birth, problem) = Birth::new(&source(), &metrics);
        assert_eq!(problem.as_deref(), Some("the alias of the metric `c` is that of another one"));
        assert_eq!(birth.find(&metric(None, Some(1), None)), None, "it may be any of them");
        for (name, alias) in [("a", None), ("b", Some(2)), ("c", None), ("d", None)] {
            let named = birth.find(&metric(Some(name), Some(1).filter(|_| alias.is_none()), None));
            let found = named.map(|found| (&*found.address.metric, found.alias));
            // A command goes by name where there is no alias.
            assert_eq!(found, Some((name, alias)), "{name}");
        }
    }

    #[test]
    fn wrong_metrics_are_left_out_and_told() {
        let good = metric(Some("a"), Some(1), Some(3));
        for (wrong, why) in [
            (metric(None, Some(2), Some(3)), "a metric has no name"),
            (metric(Some("b"), Some(2), None), "the metric `b` has no data type"),
            (metric(Some("a"), Some(2), Some(3)), "two metrics have the name `a`"),
        ] {
            let (birth, problem) = Birth::new(&source(), &[good.clone(), wrong]);
            assert_eq!(problem.as_deref(), Some(why));
            assert!(birth.named("a").is_some() && birth.named("b").is_none());
        }
    }
}
