//! OpenAPI description of the operations on readings.

use utoipa::openapi::Schema;

use super::openapi_document::{id, page_of, paged};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::readings::MAX_READINGS;
use crate::domain::document::ValueType;

fn with_range(doc: Doc) -> Doc {
    doc.query("from", schema::time_input(), "First time; a day before the end by default.").query(
        "to",
        schema::time_input(),
        "End, which is not included; now by default.",
    )
}

fn with_limit(doc: Doc) -> Doc {
    doc.query("limit", schema::integer(1, 10_000), "Maximum number of readings, 1 to 10000; 1000 by default.")
        .query("order", schema::choice(["asc", "desc"]), "By time; the oldest first by default.")
}

fn with_buckets(doc: Doc) -> Doc {
    doc.required_query("from", schema::time_input(), "Begin of the range; it belongs to the range.")
        .required_query("to", schema::time_input(), "End of the range, which does not belong to it.")
        .query("interval", schema::string(), "ISO-8601 duration of the buckets; PT5M by default.")
        .query("functions", schema::string(), "Of avg, min, max, sum, count, with commas between them.")
        .answers(200, "The buckets that have values.", schema::reference("ReadingBuckets"))
}

pub(super) fn by_sensor() -> Doc {
    let doc = with_limit(with_range(Doc::new("listSensorReadings", "List the readings of a sensor")));
    doc.answers(
        200,
        "Readings of the range, in the order that was asked for.",
        schema::reference("ReadingList"),
    )
}

pub(super) fn window() -> Doc {
    let doc = Doc::new("listSensorWindow", "List the newest readings of a sensor").query(
        "duration",
        schema::string(),
        "ISO-8601 duration before now, PT1S to P366D; PT1H by default.",
    );
    with_limit(doc).answers(
        200,
        "Readings of the range, in the order that was asked for.",
        schema::reference("ReadingList"),
    )
}

pub(super) fn aggregated() -> Doc {
    with_buckets(Doc::new("aggregateSensorReadings", "Aggregate the readings of a sensor"))
}

pub(super) fn aggregated_alias() -> Doc {
    let doc = Doc::new("aggregateReadings", "Aggregate the readings of a sensor");
    with_buckets(doc.required_query("sensorId", id(), "Sensor whose readings are asked for."))
}

fn with_summary(doc: Doc) -> Doc {
    with_range(doc).answers(
        200,
        "Statistics of the readings of the range.",
        schema::reference("ReadingSummary"),
    )
}

pub(super) fn stats() -> Doc {
    with_summary(Doc::new("summariseSensorReadings", "Summarise the readings of a sensor"))
}

pub(super) fn stats_alias() -> Doc {
    let doc = Doc::new("summariseReadings", "Summarise the readings of a sensor");
    with_summary(doc.required_query("sensorId", id(), "Sensor whose readings are asked for."))
}

pub(super) fn latest() -> Doc {
    let doc = Doc::new("getLatestReading", "Get the newest reading of a sensor");
    doc.answers(200, "Newest reading of the sensor.", schema::reference("Reading"))
}

pub(super) fn batch() -> Doc {
    Doc::new("queryReadings", "Read several sensors").body(schema::reference("ReadingBatchQuery")).answers(
        200,
        "Lists or buckets, and the sensors that do not exist.",
        schema::reference("ReadingBatch"),
    )
}

pub(super) fn list() -> Doc {
    let doc = Doc::new("listReadings", "List the readings of sensors, the newest first")
        .about("One of `sensorId`, `componentId` and `deviceId` is required. `sort` takes `timestamp`.")
        .query("sensorId", id(), "Only readings of this sensor.")
        .query("componentId", id(), "Only readings of this component.")
        .query("deviceId", id(), "Only readings of this device.");
    paged(with_range(doc)).answers(200, "A page of readings.", page_of("Reading"))
}

pub(super) fn receive() -> Doc {
    let one = || schema::reference("ReadingBody");
    let many = schema::list_of(one(), 0, MAX_READINGS);
    Doc::new("postReadings", "Report readings")
        .about(
            "A key of a sensor needs `deviceId`; a new one creates the sensor. What is wrong with an element of an \
             array puts that element into quarantine.",
        )
        .body(schema::any_of([one(), many]))
        .answers(202, "The readings are durable.", schema::reference("ReceivedReadings"))
}

fn numbers(names: &[&'static str]) -> Vec<schema::FieldSchema> {
    names.iter().map(|name| schema::required(name, nullable(schema::number()))).collect()
}

/// Schemas of the section.
pub(super) fn schemas() -> Vec<(&'static str, Schema)> {
    let span = || {
        vec![
            schema::required("sensorId", id()),
            schema::required("from", schema::time()),
            schema::required("to", schema::time()),
            schema::required("count", schema::count()),
        ]
    };
    let reading = [
        schema::required("sensorId", id()),
        schema::required("timestamp", schema::time()),
        schema::required("value", schema::anything()),
        schema::required("valueType", schema::choice_of::<ValueType>()),
        schema::required("metadata", schema::map()),
    ];
    let mut list = span();
    list.push(schema::required("truncated", schema::boolean()));
    list.push(schema::required("readings", schema::list(schema::reference("Reading"))));
    let mut summary = span();
    summary.extend(numbers(&["min", "max", "avg", "median", "stddev"]));
    summary.extend(["first", "last"].map(|name| schema::required(name, nullable(schema::map()))));
    let buckets = [
        schema::required("sensorId", id()),
        schema::required("interval", schema::string()),
        schema::required("buckets", schema::list(schema::map())),
    ];
    let body = [
        schema::omittable("sensorId", schema::text(1, 36)),
        schema::omittable("deviceId", schema::text(1, 36)),
        schema::omittable("componentId", schema::text(1, 36)),
        schema::required("timestamp", schema::time_input()),
        schema::omittable("value", schema::anything()),
        schema::omittable("values", schema::map()),
        schema::omittable("metadata", schema::map()),
    ];
    let batch = [
        schema::required("results", schema::list(schema::map())),
        schema::required("missing", schema::list(id())),
    ];
    let received = ["accepted", "duplicates", "quarantined"];
    vec![
        ("Reading", schema::object(&reading)),
        ("ReadingList", schema::object(&list)),
        ("ReadingSummary", schema::object(&summary)),
        ("ReadingBuckets", schema::object(&buckets)),
        ("ReadingBody", schema::object(&body)),
        ("ReadingBatchQuery", batch_query()),
        ("ReadingAggregation", aggregation()),
        ("ReadingBatch", schema::object(&batch)),
        ("ReceivedReadings", schema::object(&received.map(|name| schema::required(name, schema::count())))),
    ]
}

fn batch_query() -> Schema {
    let fields = [
        schema::required("sensorIds", schema::list_of(id(), 1, 100)),
        schema::omittable("from", schema::time_input()),
        schema::omittable("to", schema::time_input()),
        schema::omittable("limit", schema::integer(1, 10_000)),
        schema::omittable("aggregation", schema::reference("ReadingAggregation")),
    ];
    schema::object(&fields)
}

fn aggregation() -> Schema {
    let fields = [
        schema::required("interval", schema::string()),
        schema::omittable("functions", schema::list(schema::choice(["avg", "min", "max", "sum", "count"]))),
    ];
    schema::object(&fields)
}
