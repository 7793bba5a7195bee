//! OpenAPI description of the API.

mod control;
mod devices;
mod schemas;

use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::{path, socket};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema;
use crate::api::openapi::vendor::{PathVariable, VendorDocument, VendorOperation, VendorSection};

/// Names of the credentials.
const BEARER: &str = "Bearer";
const QUERY_TOKEN: &str = "AccessToken";

const ABOUT: &str = "Devices of a project, their messages, certificates and commands. A project is an organization, and \
                     a token says which. Fixed segments of a path may be written in any case, and with a slash at the \
                     end. Every response has `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`. \
                     Requests are checked in the order 429, 401, 405, 406, 400, 404. A path with a wrong method is \
                     answered with 405, and OPTIONS with 404 unless `cors.origins` allows the origin. HEAD is answered \
                     like GET. Times are in milliseconds since 1970, except `ttl`, which is in seconds.";

const SOCKET: &str = "The connection becomes a WebSocket. The server sends texts that are objects with the members \
                      `action` and `payload`. The actions are `connected`, `disconnected`, `software_version`, \
                      `installation_succeded`, `installation_failed`, `discovering`, `paired`, `not_paired`, `data`, \
                      `status` and `log`. The payload of `data` is that of a message in a list, and the payload of \
                      `status` is a fetched answer. What the client sends is ignored, except answers to the pings that \
                      come every 30 seconds. The connection is closed with 4401 when the token ends, and with 1013 \
                      when the client has missed something.";

/// Returns the document of the API.
pub fn document() -> VendorDocument {
    let mut routes = path::routes();
    routes.extend([socket::PATH, socket::ROOT].map(|path| ("GET", path.to_owned())));
    VendorDocument {
        title: "Instathings cloud",
        about: ABOUT,
        credentials: credentials(),
        sections: vec![
            VendorSection {
                name: "Tokens",
                about: "A client exchanges its id and secret for a token.",
                operations: vec![token()],
            },
            VendorSection {
                name: "Devices",
                about: "The devices of the project, their messages and certificates.",
                operations: devices::operations(),
            },
            VendorSection {
                name: "Control",
                about: "Commands for devices, and what the software on gateways has logged.",
                operations: control::operations(),
            },
            VendorSection {
                name: "Types",
                about: "Types of devices, and protocols of gateways.",
                operations: types(),
            },
            VendorSection {
                name: "WebSocket",
                about: "What happens in a project, as it happens.",
                operations: vec![
                    web_socket("socket", socket::PATH, "Follow a project"),
                    web_socket(
                        "socket_at_the_root",
                        socket::ROOT,
                        "Follow a project, as an upgrade of the root",
                    ),
                ],
            },
        ],
        schemas: schemas::schemas(),
        routes,
    }
}

fn credentials() -> Vec<(&'static str, SecurityScheme)> {
    let about = "A JSON web token of `/authentication/v1/oauth/token`.";
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
    let in_query = ApiKeyValue::with_description(
        "access_token",
        "Token of the caller as the parameter `access_token` of the WebSocket.",
    );
    vec![
        (BEARER, SecurityScheme::Http(bearer)),
        (QUERY_TOKEN, SecurityScheme::ApiKey(ApiKey::Query(in_query))),
    ]
}

fn token() -> VendorOperation {
    let doc = Doc::new("token", "Get a token")
        .about("The token is for one project, and ends after `instathings.token_ttl` or with its client.")
        .body(schema::reference("Credentials"))
        .about_body("Id and secret of the client.")
        .answers(200, "The token with its lifetime.", schema::reference("Token"))
        .answers(401, "The client is unknown, or its secret is wrong.", schema::reference("Message"));
    let operation = operation(HttpMethod::Post, "/authentication/v1/oauth/token", with_body_errors(doc));
    VendorOperation { credential: None, ..operation }
}

fn types() -> Vec<VendorOperation> {
    let list = Doc::new("types", "List types of devices")
        .about("Types of devices are ordered by manufacturer and model. Some are built in; the others are products.")
        .answers(200, "Every type of device.", schema::list(schema::reference("Type")));
    let one = Doc::new("type", "Get a type").about("The type is one of those that the list has.").answers(
        200,
        "The type of device with its protocol.",
        schema::reference("Type"),
    );
    let protocol = Doc::new("protocol", "Get a protocol").about("Protocols are built in.").answers(
        200,
        "The protocol with its settings.",
        schema::reference("Protocol"),
    );
    vec![
        with_token(HttpMethod::Get, "/device/v1/types", &[], list),
        with_token(HttpMethod::Get, "/device/v1/types/{typeId}", &[("typeId", "Id of the type.")], one),
        with_token(
            HttpMethod::Get,
            "/device/v1/protocols/{protocolId}",
            &[("protocolId", "Id of the protocol.")],
            protocol,
        ),
    ]
}

fn web_socket(id: &'static str, path: &'static str, summary: &'static str) -> VendorOperation {
    let doc = Doc::new(id, summary)
        .about("The request is checked before the upgrade.")
        .required_query("project", schema::string(), "Slug or name of the organization.")
        .required_query("access_token", schema::string(), "Token of the caller.")
        .switches(SOCKET)
        .answers(400, "A parameter is missing, or the request is no upgrade.", bad_request())
        .answers(401, "The token is not valid.", schema::reference("Message"))
        .answers(403, "The token is of another project.", schema::reference("Message"))
        .answers(429, "The project has too many connections.", schema::reference("Message"))
        .answers(500, "The server failed.", schema::reference("Message"))
        .answers(503, "The server has too many connections.", schema::reference("Message"));
    let operation = operation(HttpMethod::Get, path, doc);
    VendorOperation { credential: Some(QUERY_TOKEN), ..operation }
}

/// What 400 answers.
fn bad_request() -> schema::ValueSchema {
    schema::any_of([schema::reference("Errors"), schema::reference("Message")])
}

/// An operation that needs a token. One with variables may not find what they name.
fn with_token(
    method: HttpMethod,
    path: &'static str,
    variables: &[(&'static str, &'static str)],
    doc: Doc,
) -> VendorOperation {
    let doc = doc.answers(401, "There is no valid token.", schema::reference("Message")).with_header(
        "WWW-Authenticate",
        schema::choice(["Bearer"]),
        "The scheme of the token.",
    );
    let doc = match variables.is_empty() {
        true => doc,
        false => doc.answers(404, "The project has no such thing.", schema::reference("Message")),
    };
    let variable =
        |&(name, about): &(&'static str, &'static str)| PathVariable { name, shape: schema::string(), about };
    let variables = variables.iter().map(variable).collect();
    VendorOperation { variables, ..operation(method, path, doc) }
}

/// An operation with the errors that all have.
fn operation(method: HttpMethod, path: &'static str, doc: Doc) -> VendorOperation {
    let has_rate = path != socket::PATH && path != socket::ROOT;
    let doc = if has_rate { with_common_errors(doc) } else { doc };
    VendorOperation { method, path, variables: Vec::new(), credential: Some(BEARER), doc }
}

fn with_common_errors(doc: Doc) -> Doc {
    let message = || schema::reference("Message");
    doc.answers(406, "`Accept` excludes the media types of the response.", message())
        .answers(429, "The token, or the address without one, has made too many requests.", message())
        .with_header("Retry-After", schema::count(), "Seconds until a request is possible.")
        .with_header("X-RateLimit-Limit", schema::count(), "Requests that are possible in the window.")
        .with_header("X-RateLimit-Remaining", schema::count(), "Requests that are left.")
        .with_header(
            "X-RateLimit-Reset",
            schema::count(),
            "When all are possible again, in seconds since 1970.",
        )
        .answers(500, "The server failed.", message())
        .answers(503, "The server is busy or cannot write; `Retry-After` has the seconds to wait.", message())
}

/// Adds the errors of operations with a body.
fn with_body_errors(doc: Doc) -> Doc {
    let message = || schema::reference("Message");
    doc.answers(400, "The body is not valid; every mistake is listed.", bad_request())
        .answers(408, "The body did not arrive in time.", message())
        .answers(413, "The body is too large.", message())
        .answers(415, "The encoding of the body is not supported.", message())
}
