//! OpenAPI description of the API.

use utoipa::openapi::Schema;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};

use super::routes;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, ValueSchema, described};
use crate::api::openapi::vendor::{VendorDocument, VendorOperation, VendorSection};

const TOKEN: &str = "Token";

const ABOUT: &str = "Writes line protocol: from Telegraf, vmagent, and the client libraries of InfluxDB 1.x and 2.x. A line's \
                     device is the value of its first tag among `ingest.device_tags`, or else the bucket or database of the \
                     request; its streams are `measurement.field`, followed by the other tags, sorted. Devices and streams \
                     that are missing are created. There is no query language here: query by SQL at `/sql`.";

const ABOUT_WRITE: &str = "Every line is on disk when the answer is 204. A wrong line is refused alone: the rest is written, and the \
                           answer is 400 with the number and the mistake of each. Times are in the precision of the request; \
                           readings have microseconds. A line without a time gets that of the request.";

/// Returns the document of the API.
pub fn document() -> VendorDocument {
    let token = "`Token KEY` with an API key of scope `value:write`. `Bearer KEY`, `Basic` with the key as the password, and \
                 the parameter `p` of 1.x are taken too.";
    let token = ApiKeyValue::with_description("Authorization", token);
    VendorDocument {
        title: "InfluxDB write",
        about: ABOUT,
        credentials: vec![(TOKEN, SecurityScheme::ApiKey(ApiKey::Header(token)))],
        sections: vec![
            VendorSection {
                name: "Write",
                about: "Lines of both versions.",
                operations: vec![write_v1(), write_v2()],
            },
            VendorSection {
                name: "Senders",
                about: "What senders ask before they write.",
                operations: vec![
                    statement(HttpMethod::Get, Doc::new("query", "Accept CREATE DATABASE")),
                    statement(HttpMethod::Post, Doc::new("post_query", "Accept CREATE DATABASE by a form")),
                    ping(),
                ],
            },
        ],
        schemas: schemas(),
        routes: routes::paths(),
    }
}

fn write_v1() -> VendorOperation {
    let doc = Doc::new("write_v1", "Write lines as a client of 1.x")
        .query("db", schema::string(), "Device of the lines whose tags name none.")
        .query("u", schema::string(), "User name; it is not looked at.")
        .query("p", schema::string(), "API key, where no header has it.")
        .query("rp", schema::string(), "Retention policy; it is not looked at.");
    write("/write", doc, "ErrorV1")
}

fn write_v2() -> VendorOperation {
    let doc = Doc::new("write_v2", "Write lines as a client of 2.x")
        .query("bucket", schema::string(), "Device of the lines whose tags name none.")
        .query("org", schema::string(), "Slug, name or UUID of the key's organization.")
        .query("orgID", schema::string(), "The organization again, under the name of its id.");
    write("/api/v2/write", doc, "ErrorV2")
}

fn write(path: &'static str, doc: Doc, error: &'static str) -> VendorOperation {
    let precision = schema::choice(["ns", "us", "ms", "s", "n", "u", "m", "h"]);
    let doc = doc
        .about(ABOUT_WRITE)
        .query("precision", precision, "Unit of the times; `ns` by default.")
        .query("atomic", schema::boolean(), "Whether all lines are written, or none; false by default.")
        .text_body(schema::string())
        .about_body("Lines, plain or with `Content-Encoding: gzip` or `zstd`; at most 64 MiB as sent.")
        .answers_nothing("Every line is on disk.");
    let statuses = [
        (400, "Lines were refused, or a parameter is wrong."),
        (401, "The key is missing or not valid."),
        (403, "The key lacks `value:write`."),
        (404, "`org` is not the key's organization."),
        (413, "The body is too long: send it in parts."),
        (415, "The encoding of the body is not known."),
        (503, "Try again after `Retry-After` seconds; nothing was written."),
    ];
    let doc = statuses
        .into_iter()
        .fold(doc, |doc, (status, about)| doc.answers(status, about, schema::reference(error)));
    VendorOperation { method: HttpMethod::Post, path, variables: Vec::new(), credential: Some(TOKEN), doc }
}

fn statement(method: HttpMethod, doc: Doc) -> VendorOperation {
    let about = "`CREATE DATABASE NAME`, which has nothing to do here.";
    let is_form = method == HttpMethod::Post;
    let doc = if is_form {
        doc.encoded_form(statement_form(about)).about_body("The statement, where the URL does not have it.")
    } else {
        doc
    };
    let doc = doc
        .about("Every other statement is refused.")
        .query("q", schema::string(), about)
        .answers(200, "The statement is accepted.", schema::map())
        .answers(400, "Another statement.", schema::reference("ErrorV1"))
        .answers(401, "The key is missing or not valid.", schema::reference("ErrorV1"))
        .answers(403, "The key lacks `value:write`.", schema::reference("ErrorV1"));
    VendorOperation { method, path: "/query", variables: Vec::new(), credential: Some(TOKEN), doc }
}

fn statement_form(about: &str) -> ValueSchema {
    let field = schema::omittable("q", described(schema::string(), about));
    schema::body(&[field]).into()
}

fn ping() -> VendorOperation {
    let doc = Doc::new("ping", "Ask whether the server is there")
        .about("It needs no credential. `X-Influxdb-Version` begins with the version that the routes follow.")
        .answers_nothing("The server is there.")
        .with_header("X-Influxdb-Version", schema::string(), "`1.8-basalt`.");
    VendorOperation { method: HttpMethod::Get, path: "/ping", variables: Vec::new(), credential: None, doc }
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let text = |name, about| schema::read_only(name, described(schema::string(), about));
    vec![
        ("ErrorV1", schema::view(&[text("error", "What is wrong, with the numbers of refused lines.")])),
        (
            "ErrorV2",
            schema::view(&[
                text("code", "Kind of the error in InfluxDB's words, such as `invalid`."),
                text("message", "What is wrong, with the numbers of refused lines."),
            ]),
        ),
    ]
}
