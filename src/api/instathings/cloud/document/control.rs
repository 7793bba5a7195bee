//! Operations on commands and logs.

use utoipa::openapi::path::HttpMethod;

use super::{bad_request, with_body_errors, with_token};
use crate::api::instathings::cloud::logs::CONTAINERS;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema;
use crate::api::openapi::vendor::{PathVariable, VendorOperation};

const DEVICE_ID: (&str, &str) = ("deviceId", "Id of the device.");

/// Returns the operations.
pub fn operations() -> Vec<VendorOperation> {
    vec![set(), status(), fetch(), logs()]
}

fn set() -> VendorOperation {
    let doc = Doc::new("control_set", "Send a command to a device").about(
        "The body and the parameters of the query are passed on. The command waits for its time to live.",
    );
    let doc = command(doc).answers(200, "The command waits for the device.", schema::reference("Empty"));
    with_token(HttpMethod::Post, "/device/v1/control/{deviceId}/set", &[DEVICE_ID], doc)
}

fn status() -> VendorOperation {
    let doc = Doc::new("control_status", "Ask a device for its state")
        .about("The body and the parameters of the query are passed on. The answer is fetched later.");
    let doc = command(doc)
        .answers(202, "The request waits for the device.", schema::reference("Empty"))
        .with_header("Location", schema::string(), "Path at which the answer can be fetched.");
    with_token(HttpMethod::Post, "/device/v1/control/{deviceId}/status", &[DEVICE_ID], doc)
}

/// What both commands have.
fn command(doc: Doc) -> Doc {
    let methods = schema::choice(["GET", "POST", "PUT", "PATCH", "DELETE"]);
    let doc = doc
        .header("instathings-path", schema::string(), "Path at the device; required if it is one with HTTP.")
        .header("instathings-method", methods, "Method at the device; required if it is one with HTTP.")
        .body_if_any(schema::any_of([schema::map(), schema::list(schema::anything())]))
        .about_body("Any object or array.");
    with_body_errors(doc).answers(
        403,
        "Devices of this product are not controlled.",
        schema::reference("Message"),
    )
}

fn fetch() -> VendorOperation {
    let doc = Doc::new("control_fetch", "Fetch the answer of a device")
        .about("An answer can be fetched for an hour from its request on.")
        .answers(200, "What the device has answered.", schema::reference("Answer"))
        .answers(202, "The device has not answered yet.", schema::reference("Empty"))
        .with_header("Retry-After", schema::count(), "Seconds until the next attempt.")
        .answers(504, "The device has not answered for 30 seconds.", schema::reference("Message"));
    let variables = [("requestId", "Id of the request, from the header `Location`.")];
    with_token(HttpMethod::Get, "/device/v1/control/{requestId}/fetch", &variables, doc)
}

fn logs() -> VendorOperation {
    let millis = || schema::integer(i64::MIN, i64::MAX);
    let doc = Doc::new("logs", "List what software on a gateway has logged")
        .about("The 1,000 newest lines of the range, the oldest of them first. The device must be a gateway.")
        .query("start", millis(), "Earliest time of a line in milliseconds since 1970, inclusive; only together with `end`. Default: an hour ago.")
        .query("end", millis(), "Latest time of a line in milliseconds since 1970, inclusive; only together with `start`.")
        .answers(200, "Lines of the log, with their times.", schema::list(schema::reference("LogLine")))
        .answers(400, "A parameter is not valid; every mistake is listed.", bad_request());
    let path = "/device/v1/devices/{deviceId}/{containerId}/logs";
    let mut operation = with_token(HttpMethod::Get, path, &[DEVICE_ID], doc);
    let (shape, about) = (schema::choice(CONTAINERS), "Software whose log is read.");
    operation.variables.push(PathVariable { name: "containerId", shape, about });
    operation
}
