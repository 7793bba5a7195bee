//! OpenAPI description of the API.

use utoipa::openapi::Schema;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::routes;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, described};
use crate::api::openapi::vendor::{VendorDocument, VendorOperation, VendorSection};

const KEY: &str = "Bearer";
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

const ABOUT: &str = "Takes metrics by OTLP/HTTP: from OpenTelemetry's SDKs and its collector. The device of a data point is the \
                     first attribute of its resource among `ingest.device_attributes`; its stream is the name of the metric, \
                     followed by the attributes of the point, sorted. Devices and streams that are missing are created. Traces \
                     and logs are not taken.";

const ABOUT_EXPORT: &str = "Every data point that is not rejected is on disk when the answer is 200. A wrong data point is rejected \
                            alone, and the answer has the number of them and the mistakes of the first. A histogram has the streams \
                            `….count`, `….sum`, `….min` and `….max`; a summary has one for each quantile besides. A point without a \
                            recorded value is a reading of bad quality. Buckets, exemplars, scopes and units are passed over.";

const ABOUT_BODY: &str = "An `ExportMetricsServiceRequest`, plain or with `Content-Encoding: gzip` or `zstd`; at most 32 MiB as sent \
                          and 64 MiB decoded, as JSON 32 MiB.";

/// Returns the document of the API.
pub fn document() -> VendorDocument {
    let about = "An API key of scope `value:write`. `Token KEY`, `ApiKey KEY`, `Basic` with the key as the password, and \
                 `X-API-Key` are taken too.";
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
    VendorDocument {
        title: "OpenTelemetry metrics",
        about: ABOUT,
        credentials: vec![(KEY, SecurityScheme::Http(key))],
        sections: vec![VendorSection {
            name: "Metrics",
            about: "Data points of every kind of metric.",
            operations: vec![export()],
        }],
        schemas: schemas(),
        routes: routes::paths(),
    }
}

fn export() -> VendorOperation {
    let doc = Doc::new("export_metrics", "Write metrics")
        .about(ABOUT_EXPORT)
        .query("device", schema::string(), "Device of the resources that name none.")
        .body_as(PROTOBUF, schema::file())
        .or_body_as(JSON, schema::map())
        .about_body(ABOUT_BODY)
        .answers(
            200,
            "Every data point that is not rejected is on disk.",
            schema::reference("ExportResponse"),
        )
        .or_as(PROTOBUF, schema::file());
    let statuses = [
        (400, "The body is damaged; nothing was written."),
        (401, "The key is missing or not valid."),
        (403, "The key lacks `value:write`."),
        (413, "The body is too long: send it in parts."),
        (415, "The media type or the encoding of the body is not known."),
        (503, "Try again after `Retry-After` seconds; nothing was written."),
    ];
    let doc = statuses.into_iter().fold(doc, |doc, (status, about)| {
        doc.answers(status, about, schema::reference("Status")).or_as(PROTOBUF, schema::file())
    });
    VendorOperation {
        method: HttpMethod::Post,
        path: "/v1/metrics",
        variables: Vec::new(),
        credential: Some(KEY),
        doc,
    }
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let text = |name, about| schema::read_only(name, described(schema::string(), about));
    let partial =
        described(schema::reference("PartialSuccess"), "What was rejected; absent where nothing was.");
    vec![
        ("ExportResponse", schema::object(&[schema::omittable("partialSuccess", partial)])),
        (
            "PartialSuccess",
            schema::view(&[
                text("rejectedDataPoints", "Number of rejected data points, as a text."),
                text("errorMessage", "Positions and mistakes of the first of them."),
            ]),
        ),
        ("Status", schema::view(&[text("message", "What is wrong.")])),
    ]
}
