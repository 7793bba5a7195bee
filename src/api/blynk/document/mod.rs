//! OpenAPI description of the API.

mod schemas;

use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::{Http, HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::endpoints;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, ValueSchema};
use crate::api::openapi::vendor::{VendorDocument, VendorOperation, VendorSection};

/// Names of the credentials.
const BEARER: &str = "Bearer";
const CLIENT: &str = "Client";

const ABOUT: &str = "Datastreams of devices: their current values, their history, updates, imports and widget \
                     properties. A datastream is a stream, and its id is the number of the stream in its device. A \
                     trailing slash makes another path, which does not exist. Of a repeated query parameter the last \
                     one counts, lists excepted, and an empty one is absent. Unknown parameters and fields are \
                     ignored. A path with a wrong method is answered with 405, and OPTIONS with 404 unless \
                     `cors.origins` allows the origin.";

/// Returns the document of the API.
pub fn document() -> VendorDocument {
    VendorDocument {
        title: "Blynk organization API",
        about: ABOUT,
        credentials: credentials(),
        sections: vec![
            VendorSection {
                name: "Tokens",
                about: "A client exchanges its id and secret for an access token.",
                operations: vec![token()],
            },
            VendorSection {
                name: "Reading",
                about: "Current and past values of datastreams.",
                operations: vec![datastreams(), datastreams_of_many(), history()],
            },
            VendorSection {
                name: "Writing",
                about: "Updates have the time of the server, imports times of their own.",
                operations: vec![update(), update_many(), batch_update(), import(), property()],
            },
        ],
        schemas: schemas::schemas(),
        routes: endpoints().map(|endpoint| (endpoint.method, endpoint.path.to_owned())).into(),
    }
}

fn credentials() -> Vec<(&'static str, SecurityScheme)> {
    let http = |scheme, about: &str| -> Http {
        HttpBuilder::new().scheme(scheme).description(Some(about.to_owned())).build()
    };
    vec![
        (BEARER, SecurityScheme::Http(http(HttpAuthScheme::Bearer, "An access token of `/oauth2/token`."))),
        (
            CLIENT,
            SecurityScheme::Http(http(HttpAuthScheme::Basic, "Id and secret of a client, as HTTP Basic.")),
        ),
    ]
}

fn operation(method: HttpMethod, path: &'static str, credential: &'static str, doc: Doc) -> VendorOperation {
    VendorOperation { method, path, variables: Vec::new(), credential: Some(credential), doc }
}

fn token() -> VendorOperation {
    let doc = Doc::new("token", "Get an access token")
        .about(
            "The grants are `client_credentials`, `refresh_token`, which works once, and `password` for clients \
             with a role. The parameters are in the query or in the form of the body, each once.",
        )
        .query("grant_type", grant_types(), "The kind of grant; required here or in the body.")
        .query("refresh_token", schema::string(), "The refresh token of the grant `refresh_token`.")
        .query("username", schema::string(), "The name of the user of the grant `password`.")
        .query("password", schema::secret(1024), "The password of the user of the grant `password`.")
        .encoded_form(schema::reference("TokenForm"))
        .about_body("The parameters, where they are not in the query.")
        .answers(200, "The tokens.", schema::reference("TokenPair"))
        .with_header("Cache-Control", schema::choice(["no-store"]), "Nobody may keep the response.");
    let refused = [
        (400, "A parameter is missing, repeated or not valid, or the client may not use this grant."),
        (401, "The client is unknown, or its secret is wrong."),
        (408, "The body did not arrive in time."),
        (413, "The body is larger than 64 KiB."),
        (415, "The encoding of the body is not supported."),
        (429, "Too many attempts failed; `Retry-After` has the seconds to wait."),
        (500, "The server failed."),
        (503, "The server is busy; `Retry-After` has the seconds to wait."),
        (504, "The request took too long."),
    ];
    let doc = with_errors(doc, &refused, "TokenError");
    operation(HttpMethod::Post, "/oauth2/token", CLIENT, doc)
}

/// The grants.
fn grant_types() -> ValueSchema {
    schema::choice(["client_credentials", "refresh_token", "password"])
}

fn datastreams() -> VendorOperation {
    let doc = Doc::new("datastreams", "Get the current values of a device")
        .about(
            "The datastreams are in the order of their ids. Ids that the device does not have are left out.",
        )
        .required_query("deviceId", schema::row_id(), "Id of the device.")
        .query("dataStreamIds", datastream_ids(), DATASTREAM_IDS)
        .answers(200, "The datastreams.", schema::list(schema::reference("Datastream")));
    reading("/api/v2/organization/device/datastreams", doc, true)
}

const DATASTREAM_IDS: &str =
    "Ids of datastreams, as a repeated parameter or with commas between them; without it all are returned.";

fn datastream_ids() -> ValueSchema {
    schema::list_of(schema::row_id(), 1, 100)
}

fn datastreams_of_many() -> VendorOperation {
    let about = "Ids of devices, as a repeated parameter or with commas between them.";
    let doc = Doc::new("datastreams_of_many", "Get the current values of several devices")
        .about("The devices are in the order of the request. One that the token does not see is left out.")
        .required_query("deviceIds", schema::list_of(schema::row_id(), 1, 10), about)
        .query("dataStreamIds", datastream_ids(), DATASTREAM_IDS)
        .answers(200, "The devices that the token sees.", schema::list(schema::reference("Device")));
    reading("/api/v1/organization/device/datastreams/batch", doc, false)
}

fn history() -> VendorOperation {
    let millis = || schema::integer(i64::MIN, i64::MAX);
    let doc = Doc::new("history", "Get past values of a datastream")
        .about("The newest values come first. One of `dataStreamId` and `pin` is required; the first wins.")
        .required_query("deviceId", schema::row_id(), "Id of the device.")
        .query("dataStreamId", schema::row_id(), "Id of the datastream.")
        .query("pin", schema::pattern("^[vV]?[0-9]+$"), "Pin of the datastream, such as `v10`.")
        .required_query("from", millis(), "Start of the range in milliseconds since 1970, inclusive.")
        .required_query("to", millis(), "End of the range in milliseconds since 1970, inclusive.")
        .query(
            "page",
            schema::integer(0, i64::from(i32::MAX)),
            "Number of the page; 0 is the first and default.",
        )
        .query("size", schema::integer(1, 1000), "Values on a page; 50 by default.")
        .answers(200, "A page of values.", schema::reference("History"));
    reading("/api/v1/organization/device/datastream/history", doc, true)
}

/// A read. `finds_device` tells whether an unknown device is an error.
fn reading(path: &'static str, doc: Doc, finds_device: bool) -> VendorOperation {
    let doc =
        with_errors(doc, &[(400, "A parameter is missing or not valid; the message names it.")], "Error");
    operation(HttpMethod::Get, path, BEARER, common_errors(doc, "view", finds_device))
}

fn update() -> VendorOperation {
    let doc = Doc::new("update", "Set the value of a datastream")
        .about(
            "The value gets the time of the server. A number beyond `min` and `max` of the stream becomes the bound. \
             A connected device gets a command of type `vw`.",
        )
        .body(schema::reference("Update"))
        .about_body("The datastream and its new value.");
    writing("/api/v1/organization/device/datastream", done(doc, "The value is stored."), true)
}

fn update_many() -> VendorOperation {
    let doc = Doc::new("update_many", "Set the values of several datastreams of a device")
        .about("An entry with an unknown datastream or a value of another kind is skipped without an error.")
        .body(schema::reference("UpdateMany"))
        .about_body("The device with 1 to 1,000 entries. The list may be called `values` instead, and may then be a map of values by datastream id.");
    writing("/api/v1/organization/device/datastreams", done(doc, "Every valid entry is stored."), true)
}

fn batch_update() -> VendorOperation {
    let doc = Doc::new("batch_update", "Set datastreams of many devices of one product")
        .about(
            "The product is that of the first row with a valid device. A null, and a value of another kind, is \
             skipped. If a row is repeated, the last one wins.",
        )
        .body(schema::reference("BatchUpdate"))
        .about_body("The columns, and 1 to 10,000 rows with as many elements as there are columns.")
        .answers(
            200,
            "Some rows were skipped; all others are stored. With `debug` the rows are named, else counted.",
            schema::any_of([schema::reference("SkipCounters"), schema::reference("SkippedRows")]),
        );
    writing("/api/v1/organization/product/devices/batch-update", done(doc, "Every row is stored."), false)
}

fn import() -> VendorOperation {
    let doc = Doc::new("import", "Import past values of a datastream")
        .about(
            "A value at a time that has one replaces it, so an import can be repeated. Points too far in the future \
             are skipped. The device is sent no command.",
        )
        .body(schema::reference("Import"))
        .about_body("The datastream with 1 to 10,000 points. One wrong point refuses all.");
    let doc = done(doc, "The points are stored.");
    let throttled = [(429, "The device has had too many imports; `Retry-After` has the seconds to wait.")];
    writing("/api/v1/organization/device/import/batch", with_errors(doc, &throttled, "Error"), true)
}

fn property() -> VendorOperation {
    let doc = Doc::new("property", "Set a property of the widget of a datastream")
        .about(
            "The property says how an app shows the datastream; its values and its label stay as they are.",
        )
        .body(schema::reference("PropertyChange"))
        .about_body("The property and its new value, in the format of the property.");
    writing("/api/v1/organization/device/datastream/property", done(doc, "The property is set."), true)
}

fn done(doc: Doc, about: &'static str) -> Doc {
    doc.answers_nothing(about)
}

/// A write. `finds_device` tells whether an unknown device is an error.
fn writing(path: &'static str, doc: Doc, finds_device: bool) -> VendorOperation {
    let refused = [
        (400, "The body is no JSON object, or a field is missing or not valid; the message names it."),
        (408, "The body did not arrive in time."),
        (413, "The body is larger than the server accepts."),
        (415, "The encoding of the body is not supported."),
    ];
    let permissions = if path.ends_with("import/batch") { "import" } else { "control" };
    let doc = common_errors(with_errors(doc, &refused, "Error"), permissions, finds_device);
    operation(HttpMethod::Post, path, BEARER, doc)
}

/// Adds the errors that operations with a bearer token have. `permissions` are those that 403 asks for.
fn common_errors(doc: Doc, permissions: &str, finds_device: bool) -> Doc {
    let forbidden = match permissions {
        "control" => "The token needs `ORG_DEVICES_CONTROL`, and `OWN_DEVICES_VIEW` or `ORG_DEVICES_VIEW`.",
        "import" => "The token needs `ORG_DEVICE_DATA_IMPORT`, and `OWN_DEVICES_VIEW` or `ORG_DEVICES_VIEW`.",
        _ => "The token needs `OWN_DEVICES_VIEW` or `ORG_DEVICES_VIEW`.",
    };
    let doc = with_errors(doc, &[(401, "There is no valid access token.")], "Error");
    let doc = doc.with_header("WWW-Authenticate", schema::choice(["Bearer"]), "The scheme of the token.");
    let doc = with_errors(doc, &[(403, forbidden)], "Error");
    let missing = [(404, "The token sees no such device, or the device has no such datastream.")];
    let doc = if finds_device { with_errors(doc, &missing, "Error") } else { doc };
    let failed = [
        (500, "The server failed."),
        (503, "The server is busy; `Retry-After` has the seconds to wait."),
        (504, "The request took too long."),
    ];
    with_errors(doc, &failed, "Error")
}

fn with_errors(doc: Doc, errors: &[(u16, &'static str)], schema: &str) -> Doc {
    errors.iter().fold(doc, |doc, &(status, about)| doc.answers(status, about, schema::reference(schema)))
}
