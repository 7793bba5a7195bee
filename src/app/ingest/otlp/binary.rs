//! Metrics as Protocol Buffers.

use std::borrow::Cow;

use super::point::{
    AttributeValue, DataPoint, DeviceName, Distribution, PointSource, PointValue, PointVisitor,
};
use crate::app::ingest::protobuf::{FieldValue, Fields, MessageError};

/// Maximum quantiles of a data point, which are collected before they are readings.
const MAX_QUANTILES: usize = 1000;

/// A metric's field of data points, by its number in `Metric`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MetricKind {
    /// `gauge` and `sum`.
    Number,
    Histogram,
    ExponentialHistogram,
    Summary,
}

impl MetricKind {
    fn of_field(number: u32) -> Option<MetricKind> {
        match number {
            5 | 7 => Some(MetricKind::Number),
            9 => Some(MetricKind::Histogram),
            10 => Some(MetricKind::ExponentialHistogram),
            11 => Some(MetricKind::Summary),
            _ => None,
        }
    }
}

/// Visits every data point of an `ExportMetricsServiceRequest`. `naming` are the attributes that name a device.
///
/// # Errors
/// A damaged body. Points before the damage were visited.
pub fn visit(body: &[u8], naming: &[String], each: PointVisitor<'_>) -> Result<(), MessageError> {
    for resource_metrics in Fields::of(body, 1) {
        let resource_metrics = resource_metrics?;
        let device = read_device(resource_metrics, naming)?;
        for scope_metrics in Fields::of(resource_metrics, 2) {
            for metric in Fields::of(scope_metrics?, 2) {
                visit_metric(metric?, device, each)?;
            }
        }
    }
    Ok(())
}

/// Reads the name of the device from `ResourceMetrics.resource`, which may lie behind the metrics.
fn read_device<'a>(resource_metrics: &'a [u8], naming: &[String]) -> Result<Option<&'a str>, MessageError> {
    let mut device = DeviceName::new(naming);
    for resource in Fields::of(resource_metrics, 1) {
        for attribute in Fields::of(resource?, 1) {
            if let (key, AttributeValue::Text(Cow::Borrowed(text))) = read_attribute(attribute?)? {
                device.add(key, text);
            }
        }
    }
    Ok(device.get())
}

fn visit_metric(message: &[u8], device: Option<&str>, each: PointVisitor<'_>) -> Result<(), MessageError> {
    let mut metric = "";
    for field in Fields::new(message) {
        if let (1, value) = field? {
            metric = value.text()?;
        }
    }
    let source = PointSource { device, metric };
    for field in Fields::new(message) {
        let (number, value) = field?;
        let Some(kind) = MetricKind::of_field(number) else { continue };
        for point in Fields::of(value.bytes()?, 1) {
            let point = match kind {
                MetricKind::Number => read_number(point?)?,
                MetricKind::Histogram => read_distribution(point?, &HISTOGRAM)?,
                MetricKind::ExponentialHistogram => read_distribution(point?, &EXPONENTIAL_HISTOGRAM)?,
                MetricKind::Summary => read_distribution(point?, &SUMMARY)?,
            };
            each(source, &point);
        }
    }
    Ok(())
}

/// `NumberDataPoint`.
fn read_number(message: &[u8]) -> Result<DataPoint<'_>, MessageError> {
    let mut point = DataPoint::default();
    for field in Fields::new(message) {
        match field? {
            (3, value) => point.time_unix_nano = value.fixed64()?,
            (4, value) => point.value = PointValue::Double(value.double()?),
            (6, value) => point.value = PointValue::Int(value.fixed64()?.cast_signed()),
            (7, value) => add_attribute(&mut point, value)?,
            (8, value) => point.flags = value.varint()?,
            _ => {}
        }
    }
    Ok(point)
}

/// Numbers of the fields that the messages of distributions number differently; 0 for one that a message does not have.
struct DistributionFields {
    attributes: u32,
    flags: u32,
    min: u32,
    max: u32,
    quantiles: u32,
}

const HISTOGRAM: DistributionFields =
    DistributionFields { attributes: 9, flags: 10, min: 11, max: 12, quantiles: 0 };
const EXPONENTIAL_HISTOGRAM: DistributionFields =
    DistributionFields { attributes: 1, flags: 10, min: 12, max: 13, quantiles: 0 };
const SUMMARY: DistributionFields =
    DistributionFields { attributes: 7, flags: 8, min: 0, max: 0, quantiles: 6 };

/// `HistogramDataPoint`, `ExponentialHistogramDataPoint` and `SummaryDataPoint`.
fn read_distribution<'a>(
    message: &'a [u8],
    numbers: &DistributionFields,
) -> Result<DataPoint<'a>, MessageError> {
    let (mut point, mut of) = (DataPoint::default(), Distribution::default());
    for field in Fields::new(message) {
        match field? {
            (3, value) => point.time_unix_nano = value.fixed64()?,
            (4, value) => of.count = value.fixed64()?,
            (5, value) => of.sum = Some(value.double()?),
            (number, value) if number == numbers.attributes => add_attribute(&mut point, value)?,
            (number, value) if number == numbers.flags => point.flags = value.varint()?,
            (number, value) if number == numbers.min => of.min = Some(value.double()?),
            (number, value) if number == numbers.max => of.max = Some(value.double()?),
            (number, value) if number == numbers.quantiles => {
                if of.quantiles.len() == MAX_QUANTILES {
                    return Err(format!("a summary has more than {MAX_QUANTILES} quantiles").into());
                }
                of.quantiles.push(read_quantile(value.bytes()?)?);
            }
            _ => {}
        }
    }
    point.value = PointValue::Distribution(of);
    Ok(point)
}

/// `SummaryDataPoint.ValueAtQuantile`.
fn read_quantile(message: &[u8]) -> Result<(f64, f64), MessageError> {
    let (mut quantile, mut at) = (0.0, 0.0);
    for field in Fields::new(message) {
        match field? {
            (1, value) => quantile = value.double()?,
            (2, value) => at = value.double()?,
            _ => {}
        }
    }
    Ok((quantile, at))
}

fn add_attribute<'a>(point: &mut DataPoint<'a>, value: FieldValue<'a>) -> Result<(), MessageError> {
    let (key, value) = read_attribute(value.bytes()?)?;
    point.add_attribute(key, value);
    Ok(())
}

/// `KeyValue`.
fn read_attribute(message: &[u8]) -> Result<(&str, AttributeValue<'_>), MessageError> {
    let (mut key, mut value) = ("", AttributeValue::Empty);
    for field in Fields::new(message) {
        match field? {
            (1, name) => key = name.text()?,
            (2, any) => value = read_any(any.bytes()?)?,
            _ => {}
        }
    }
    Ok((key, value))
}

/// `AnyValue`.
fn read_any(message: &[u8]) -> Result<AttributeValue<'_>, MessageError> {
    let mut found = AttributeValue::Empty;
    for field in Fields::new(message) {
        found = match field? {
            (1, value) => AttributeValue::Text(value.text()?.into()),
            (2, value) => AttributeValue::Text((value.varint()? != 0).to_string().into()),
            (3, value) => AttributeValue::Text(value.varint()?.cast_signed().to_string().into()),
            (4, value) => AttributeValue::Text(value.double()?.to_string().into()),
            (5..=7, _) => AttributeValue::Composite,
            _ => continue,
        };
    }
    Ok(found)
}
