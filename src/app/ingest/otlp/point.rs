//! A data point, and the readings that it makes.

use std::borrow::Cow;

use crate::app::ingest::series_name::MAX_LABELS;

/// `DataPointFlags`: the point says that its series has no value.
const NO_RECORDED_VALUE: u64 = 1;

/// Device and metric of a data point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointSource<'a> {
    /// The value of the resource's first attribute among those that name a device.
    pub device: Option<&'a str>,
    /// Name of the metric.
    pub metric: &'a str,
}

/// Receives the data points of a body, in its order.
pub type PointVisitor<'v> = &'v mut dyn FnMut(PointSource<'_>, &DataPoint<'_>);

/// The name of a resource's device, while its attributes are read.
#[derive(Debug)]
pub struct DeviceName<'a, 'n> {
    /// Attributes that name a device, the most important first.
    attributes: &'n [String],
    /// Index of the attribute that names it so far, and the name.
    best: Option<(usize, &'a str)>,
}

impl<'a, 'n> DeviceName<'a, 'n> {
    /// Starts without a name.
    pub fn new(attributes: &'n [String]) -> Self {
        Self { attributes, best: None }
    }

    /// Takes an attribute, if it is one that names a device.
    pub fn add(&mut self, key: &str, text: &'a str) {
        let index = self.attributes.iter().position(|known| known == key && !text.is_empty());
        if let Some(index) = index.filter(|index| self.best.is_none_or(|(best, _)| *index <= best)) {
            self.best = Some((index, text));
        }
    }

    /// Returns the value of the most important one.
    pub fn get(&self) -> Option<&'a str> {
        self.best.map(|(_, name)| name)
    }
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum AttributeValue<'a> {
    #[default]
    Empty,
    Text(Cow<'a, str>),
    /// Bytes, a list, or a map.
    Composite,
}

/// A data point of any metric.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DataPoint<'a> {
    /// Nanoseconds since 1970; 0 when there is none.
    pub time_unix_nano: u64,
    /// Attributes that have a value; at most one more than [`MAX_LABELS`].
    pub attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// An attribute that cannot be part of a name.
    pub composite_attribute: Option<&'a str>,
    /// `DataPointFlags`.
    pub flags: u64,
    pub value: PointValue,
}

/// The value of a data point.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum PointValue {
    #[default]
    Empty,
    Int(i64),
    Double(f64),
    Distribution(Distribution),
}

/// A histogram, an exponential histogram or a summary, without its buckets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Distribution {
    pub count: u64,
    pub sum: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Quantiles of a summary, from 0 to 1, with their values.
    pub quantiles: Vec<(f64, f64)>,
}

/// One reading of a data point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointReading {
    /// Suffix of the metric's name: nothing, or one of `.count`, `.sum`, `.min`, `.max`.
    pub suffix: &'static str,
    /// Value of the label `quantile`.
    pub quantile: Option<f64>,
    pub value: ReadingValue,
}

/// The value of a reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReadingValue {
    Int(i64),
    Uint(u64),
    Float(f64),
    /// The series has no value at this time.
    Lost,
}

impl<'a> DataPoint<'a> {
    /// Adds an attribute. Empty ones are absent.
    pub fn add_attribute(&mut self, key: &'a str, value: AttributeValue<'a>) {
        match value {
            AttributeValue::Text(text) if !text.is_empty() && self.attributes.len() <= MAX_LABELS => {
                self.attributes.push((key, text));
            }
            AttributeValue::Composite => self.composite_attribute = Some(key),
            AttributeValue::Text(_) | AttributeValue::Empty => {}
        }
    }

    /// Returns the readings of the point; none when it has no value.
    pub fn readings(&self) -> Vec<PointReading> {
        let reading = |suffix, value| PointReading { suffix, quantile: None, value };
        let is_lost = self.flags & NO_RECORDED_VALUE != 0;
        match &self.value {
            PointValue::Distribution(_) if is_lost => {
                [".count", ".sum"].map(|suffix| reading(suffix, ReadingValue::Lost)).into()
            }
            _ if is_lost => vec![reading("", ReadingValue::Lost)],
            PointValue::Empty => Vec::new(),
            PointValue::Int(number) => vec![reading("", ReadingValue::Int(*number))],
            PointValue::Double(number) => vec![reading("", ReadingValue::Float(*number))],
            PointValue::Distribution(of) => {
                let count = reading(".count", ReadingValue::Uint(of.count));
                let others = [(".sum", of.sum), (".min", of.min), (".max", of.max)];
                let others = others
                    .into_iter()
                    .filter_map(|(suffix, number)| Some(reading(suffix, ReadingValue::Float(number?))));
                let quantiles = of.quantiles.iter().map(|(quantile, number)| PointReading {
                    quantile: Some(*quantile),
                    ..reading("", ReadingValue::Float(*number))
                });
                std::iter::once(count).chain(others).chain(quantiles).collect()
            }
        }
    }
}
