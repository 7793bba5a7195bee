//! OpenAPI description of the API.

use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::routes;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, described};
use crate::api::openapi::vendor::{VendorDocument, VendorOperation, VendorSection};

const KEY: &str = "Bearer";

const ABOUT: &str = "Takes samples and native histograms by remote write 1.0 and 2.0: from Prometheus, vmagent, and whatever else \
                     sends it. The device of a series is its label `instance`; its stream is the name of the metric, followed by \
                     the other labels but `job`, sorted. Devices and streams that are missing are created. There is no PromQL \
                     here: query by SQL at `/sql`.";

const ABOUT_WRITE: &str = "Every sample is on disk when the answer is 204. A wrong sample is refused alone: the others are written, \
                           and the answer is 400 with the position and the mistake of each. The stale marker is a reading of bad \
                           quality; every other NaN, and infinity, is refused. Of a native histogram the count and the sum are \
                           kept. Exemplars and metadata are passed over.";

const ABOUT_BODY: &str = "A `prometheus.WriteRequest`, or with `;proto=io.prometheus.write.v2.Request` a request of 2.0, with \
                          `Content-Encoding: snappy` (the block format); at most 32 MiB as sent and 64 MiB decoded.";

/// Returns the document of the API.
pub fn document() -> VendorDocument {
    let about = "An API key of scope `value:write`. `Token KEY`, `ApiKey KEY`, `Basic` with the key as the password, and \
                 `X-API-Key` are taken too.";
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
    VendorDocument {
        title: "Prometheus remote write",
        about: ABOUT,
        credentials: vec![(KEY, SecurityScheme::Http(key))],
        sections: vec![VendorSection {
            name: "Write",
            about: "Samples of both versions.",
            operations: vec![write()],
        }],
        schemas: vec![(
            "Error",
            schema::view(&[schema::read_only(
                "detail",
                described(schema::string(), "What is wrong, with the positions of refused samples."),
            )]),
        )],
        routes: routes::paths(),
    }
}

fn write() -> VendorOperation {
    let doc = Doc::new("remote_write", "Write samples")
        .about(ABOUT_WRITE)
        .query("device", schema::string(), "Device of the series without the label `instance`.")
        .body_as("application/x-protobuf", schema::file())
        .about_body(ABOUT_BODY);
    let doc = with_written(doc.answers_nothing("Every sample is on disk."));
    let error = |doc: Doc, status, about| doc.answers(status, about, schema::reference("Error"));
    let doc = with_written(error(
        doc,
        400,
        "Samples were refused, or nothing was written of a body that is damaged.",
    ));
    let statuses = [
        (401, "The key is missing or not valid."),
        (403, "The key lacks `value:write`."),
        (413, "The body is too long: send it in parts."),
        (415, "The message or the encoding of the body is not known."),
        (503, "Try again after `Retry-After` seconds; nothing was written."),
    ];
    let doc = statuses.into_iter().fold(doc, |doc, (status, about)| error(doc, status, about));
    VendorOperation {
        method: HttpMethod::Post,
        path: "/api/v1/write",
        variables: Vec::new(),
        credential: Some(KEY),
        doc,
    }
}

/// Adds the headers of 2.0 to the last response.
fn with_written(doc: Doc) -> Doc {
    doc.with_header(
        "X-Prometheus-Remote-Write-Samples-Written",
        schema::count(),
        "Samples on disk; of 2.0 only.",
    )
    .with_header(
        "X-Prometheus-Remote-Write-Histograms-Written",
        schema::count(),
        "Histograms on disk; of 2.0 only.",
    )
    .with_header(
        "X-Prometheus-Remote-Write-Exemplars-Written",
        schema::count(),
        "Always 0; of 2.0 only.",
    )
}
