//! OpenAPI description of the interface.

use utoipa::openapi::Schema;
use utoipa::openapi::path::HttpMethod;

use super::routes;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{
    self, FieldSchema, ValueSchema, described, list, omittable, reference, required, string,
};
use crate::api::openapi::vendor::{PathVariable, VendorDocument, VendorOperation, VendorSection};

const ABOUT: &str = "Messages of one organization, without credentials: as a list over REST, and as they come over \
                     socket.io 2, which is Engine.IO 3. The interface has a port of its own, `onpremise.port`, and is \
                     off unless `onpremise.enabled` is set; the main port serves it for the host `onpremise.host`. A \
                     path with another method is unknown. HEAD is answered like GET.";

const SOCKET: &str = "Without `sid` a session begins. On polling, a GET waits up to 25 seconds for packets, a POST brings \
                      packets of the client, and a WebSocket may take the session over. The client sends a ping at \
                      least every 30 seconds. The events are `data`, `data_ID`, `status`, `status_ID` and `ID`, where \
                      ID is the id of a device; events of the client are ignored. There is one namespace, `/`.";

/// Returns the document of the interface.
pub fn document() -> VendorDocument {
    VendorDocument {
        title: "Instathings on-premise",
        about: ABOUT,
        credentials: Vec::new(),
        sections: vec![
            VendorSection { name: "Data", about: "Stored messages of devices.", operations: vec![data()] },
            VendorSection {
                name: "Events",
                about: "Messages and answers of devices as they come.",
                operations: vec![open_or_poll(), send(), options()],
            },
        ],
        schemas: schemas(),
        routes: routes::described(),
    }
}

fn data() -> VendorOperation {
    let millis = || schema::integer(i64::MIN, i64::MAX);
    let any_integer = || schema::integer(i64::MIN, i64::MAX);
    let doc = Doc::new("data", "List the messages of a device")
        .about(
            "The oldest comes first, unless `sort` says otherwise. An id that no device has gives an empty list. \
             Fixed segments of the path may be written in any case. Of a repeated parameter the last one counts.",
        )
        .query("start", millis(), "Earliest time in milliseconds since 1970, inclusive. Other text is ignored.")
        .query("end", millis(), "Latest time in milliseconds since 1970, inclusive. Other text is ignored.")
        .query("page", any_integer(), "Number of the page; 1 is the first and default. A smaller one counts as 1.")
        .query("perPage", any_integer(), "Messages on a page: 10 by default and below 1, and at most 100.")
        .query("sort", string(), SORT)
        .answers(200, "A page of messages.", reference("MessagePage"))
        .answers(
            400,
            "The id or a parameter is not valid; every mistake is listed. Or the path cannot be decoded.",
            schema::any_of([reference("Errors"), reference("Message")]),
        );
    let about = "Id of the device: 7 to 14 characters of ASCII.";
    let variables = vec![PathVariable { name: "deviceId", shape: schema::text(7, 14), about }];
    let operation = operation(HttpMethod::Get, routes::LIST, failing(doc));
    VendorOperation { variables, ..operation }
}

const SORT: &str = "`_id`, `ts`, `deviceId` or `data.` with a path, after `+` or `-` for the direction; `ts` by \
                    default. Another key keeps the order of arrival. Only times can order more than 10,000 messages.";

fn open_or_poll() -> VendorOperation {
    let doc =
        engine(Doc::new("engine", "Open a session, take packets, or upgrade to a WebSocket").about(SOCKET))
            .switches("The connection carries the session as a WebSocket.")
            .answers_as(
                "text/plain; charset=UTF-8",
                200,
                "Packets of Engine.IO, each with its length.",
                string(),
            );
    operation(HttpMethod::Get, routes::ENGINE, failing(doc))
}

fn send() -> VendorOperation {
    let doc = engine(Doc::new("engine_send", "Send packets of a session on polling"))
        .about("A packet that is malformed ends the session.")
        .text_body(string())
        .about_body("Packets of Engine.IO, each with its length; binary ones as `application/octet-stream`.")
        .answers_as("text/html", 200, "The packets were read; the text is `ok`.", schema::choice(["ok"]))
        .answers(408, "The body did not arrive in time.", reference("Message"))
        .answers(413, "The body is larger than 64 KiB.", reference("Message"))
        .answers(415, "The encoding of the body is not supported.", reference("Message"));
    operation(HttpMethod::Post, routes::ENGINE, failing(doc))
}

fn options() -> VendorOperation {
    let doc = engine(Doc::new("engine_options", "Let pages of other origins send packets"))
        .about("Browsers ask this before a POST of a session on polling.")
        .answers_empty(200, "Every origin may use the session.")
        .with_header("Access-Control-Allow-Headers", string(), "The header `Content-Type`.");
    operation(HttpMethod::Options, routes::ENGINE, failing(doc))
}

/// What all requests to the engine have.
fn engine(doc: Doc) -> Doc {
    doc.query("EIO", string(), "Version of Engine.IO. It is not checked; the server speaks 3.")
        .required_query("transport", schema::choice(["polling", "websocket"]), "How packets travel.")
        .query("sid", string(), "Id of the session; without it a GET opens one.")
        .query("b64", string(), "Accepted and ignored: all packets are texts.")
        .answers(400, "The request is none that the engine takes; `code` says why.", reference("Refusal"))
}

/// The errors that all requests have.
fn failing(doc: Doc) -> Doc {
    doc.answers(500, "The server failed.", reference("Message"))
        .answers(503, "The server is busy or has too many sessions.", reference("Message"))
        .answers(504, "The request took too long.", reference("Message"))
}

fn operation(method: HttpMethod, path: &'static str, doc: Doc) -> VendorOperation {
    VendorOperation { method, path, variables: Vec::new(), credential: None, doc }
}

/// A field that is always there.
fn field(name: &'static str, shape: ValueSchema, about: &str) -> FieldSchema {
    required(name, described(shape, about))
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let location = schema::choice(["params", "query"]);
    let mistake = [
        omittable("value", described(schema::anything(), "What was given.")),
        field("msg", string(), "What is wrong with it."),
        field("param", string(), "Name of the parameter."),
        field("location", location, "Where the parameter is."),
    ];
    let message = [
        field("_id", schema::pattern("^[0-9a-f]{24}$"), "Id of the message."),
        field("data", schema::anything(), "The message as it came, or the readings of its time by stream."),
        field("deviceId", schema::text(7, 14), "Id of the device."),
        field("ts", schema::time(), "Time of the message, with milliseconds."),
    ];
    let page = [
        field("data", list(reference("MessageItem")), "The messages of the page."),
        field("totalItems", schema::count(), "Number of messages in the range."),
    ];
    let refusal = [
        field("code", schema::integer(0, 3), "Number of the reason."),
        field("message", string(), "The reason in the words of the vendor's library."),
    ];
    vec![
        ("Errors", schema::view(&[field("errors", list(reference("Mistake")), "Every mistake.")])),
        ("Message", schema::view(&[field("message", string(), "The name of the status, or the reason.")])),
        ("MessageItem", schema::view(&message)),
        ("MessagePage", schema::view(&page)),
        ("Mistake", schema::object(&mistake)),
        ("Refusal", schema::view(&refusal)),
    ]
}
