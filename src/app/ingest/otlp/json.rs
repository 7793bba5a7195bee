//! Metrics as JSON: the fields of the messages in lower camel case. Unknown fields are passed over, and `null` is absent.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::json_number::{Double, Int64, Uint64};
use super::point::{
    AttributeValue, DataPoint, DeviceName, Distribution, PointSource, PointValue, PointVisitor,
};

/// `ExportMetricsServiceRequest`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    resource_metrics: Option<Vec<ResourceMetrics>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceMetrics {
    resource: Option<Resource>,
    scope_metrics: Option<Vec<ScopeMetrics>>,
}

#[derive(Debug, Deserialize)]
struct Resource {
    attributes: Option<Vec<Attribute>>,
}

#[derive(Debug, Deserialize)]
struct ScopeMetrics {
    metrics: Option<Vec<Metric>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    name: Option<String>,
    gauge: Option<Points<NumberPoint>>,
    sum: Option<Points<NumberPoint>>,
    histogram: Option<Points<DistributionPoint>>,
    exponential_histogram: Option<Points<DistributionPoint>>,
    summary: Option<Points<DistributionPoint>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Points<P> {
    data_points: Option<Vec<P>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NumberPoint {
    attributes: Option<Vec<Attribute>>,
    time_unix_nano: Option<Uint64>,
    as_double: Option<Double>,
    as_int: Option<Int64>,
    flags: Option<Uint64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DistributionPoint {
    attributes: Option<Vec<Attribute>>,
    time_unix_nano: Option<Uint64>,
    count: Option<Uint64>,
    sum: Option<Double>,
    min: Option<Double>,
    max: Option<Double>,
    quantile_values: Option<Vec<QuantileValue>>,
    flags: Option<Uint64>,
}

#[derive(Debug, Deserialize)]
struct QuantileValue {
    quantile: Option<Double>,
    value: Option<Double>,
}

#[derive(Debug, Deserialize)]
struct Attribute {
    key: Option<String>,
    value: Option<AnyValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyValue {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<Int64>,
    double_value: Option<Double>,
    array_value: Option<IgnoredAny>,
    kvlist_value: Option<IgnoredAny>,
    bytes_value: Option<IgnoredAny>,
}

/// Visits every data point of a request. `naming` are the attributes that name a device.
pub fn visit(request: &Request, naming: &[String], each: PointVisitor<'_>) {
    for resource_metrics in items(&request.resource_metrics) {
        let resource = resource_metrics.resource.as_ref();
        let device = resource.and_then(|resource| read_device(items(&resource.attributes), naming));
        for metric in items(&resource_metrics.scope_metrics).iter().flat_map(|scope| items(&scope.metrics)) {
            let source = PointSource { device, metric: metric.name.as_deref().unwrap_or_default() };
            let numbers = [&metric.gauge, &metric.sum];
            for point in numbers.into_iter().flatten().flat_map(|points| items(&points.data_points)) {
                each(source, &point.read());
            }
            let distributions = [&metric.histogram, &metric.exponential_histogram, &metric.summary];
            for point in distributions.into_iter().flatten().flat_map(|points| items(&points.data_points)) {
                each(source, &point.read());
            }
        }
    }
}

fn items<T>(list: &Option<Vec<T>>) -> &[T] {
    list.as_deref().unwrap_or_default()
}

fn read_device<'a>(attributes: &'a [Attribute], naming: &[String]) -> Option<&'a str> {
    let mut device = DeviceName::new(naming);
    for attribute in attributes {
        if let (key, AttributeValue::Text(Cow::Borrowed(text))) = attribute.read() {
            device.add(key, text);
        }
    }
    device.get()
}

impl NumberPoint {
    fn read(&self) -> DataPoint<'_> {
        let value = match (self.as_int, self.as_double) {
            (Some(Int64(number)), _) => PointValue::Int(number),
            (None, Some(Double(number))) => PointValue::Double(number),
            (None, None) => PointValue::Empty,
        };
        read_point(&self.attributes, self.time_unix_nano, self.flags, value)
    }
}

impl DistributionPoint {
    fn read(&self) -> DataPoint<'_> {
        let number = |double: Option<Double>| double.map(|Double(number)| number);
        let quantiles = items(&self.quantile_values).iter();
        let quantiles =
            quantiles.map(|at| (number(at.quantile).unwrap_or(0.0), number(at.value).unwrap_or(0.0)));
        let distribution = Distribution {
            count: self.count.map_or(0, |Uint64(count)| count),
            sum: number(self.sum),
            min: number(self.min),
            max: number(self.max),
            quantiles: quantiles.collect(),
        };
        let value = PointValue::Distribution(distribution);
        read_point(&self.attributes, self.time_unix_nano, self.flags, value)
    }
}

fn read_point(
    attributes: &Option<Vec<Attribute>>,
    time: Option<Uint64>,
    flags: Option<Uint64>,
    value: PointValue,
) -> DataPoint<'_> {
    let number = |field: Option<Uint64>| field.map_or(0, |Uint64(number)| number);
    let mut point =
        DataPoint { time_unix_nano: number(time), flags: number(flags), value, ..DataPoint::default() };
    for (key, value) in items(attributes).iter().map(Attribute::read) {
        point.add_attribute(key, value);
    }
    point
}

impl Attribute {
    fn read(&self) -> (&str, AttributeValue<'_>) {
        let value = self.value.as_ref().map_or(AttributeValue::Empty, AnyValue::read);
        (self.key.as_deref().unwrap_or_default(), value)
    }
}

impl AnyValue {
    fn read(&self) -> AttributeValue<'_> {
        let is_composite =
            [&self.array_value, &self.kvlist_value, &self.bytes_value].into_iter().any(Option::is_some);
        match self {
            _ if is_composite => AttributeValue::Composite,
            AnyValue { string_value: Some(text), .. } => AttributeValue::Text(text.into()),
            AnyValue { bool_value: Some(bit), .. } => AttributeValue::Text(bit.to_string().into()),
            AnyValue { int_value: Some(Int64(number)), .. } => {
                AttributeValue::Text(number.to_string().into())
            }
            AnyValue { double_value: Some(Double(number)), .. } => {
                AttributeValue::Text(number.to_string().into())
            }
            _ => AttributeValue::Empty,
        }
    }
}
