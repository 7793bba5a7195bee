//! Tests of errors outside of handlers: each API answers in its own form, by the path and whatever the credential.

use std::future::pending;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use axum::routing::{any, get};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{ErrorForms, method_not_allowed, unknown_path};
use crate::api::{ERROR_FORMS, instathings, layers, opensynaptic};

/// The APIs whose errors have a form of their own.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    DataStone,
    Blynk,
    Oauth,
    Instathings,
    OpenSynaptic,
    Mk,
}

/// Paths of the main listener, with the form of their errors.
const PATHS: [(&str, Form); 38] = [
    ("/", Form::DataStone),
    ("/x", Form::DataStone),
    ("/api/device", Form::DataStone),
    ("/api/device/1/", Form::DataStone),
    ("/api/data", Form::DataStone),
    ("/api/data/1/value/", Form::DataStone),
    ("/api/data/devicesx", Form::DataStone),
    ("/api/data/Devices", Form::DataStone),
    ("/api/healthy", Form::DataStone),
    ("/healthz/", Form::DataStone),
    ("/api/v1/organization", Form::Mk),
    ("/api/v1/organization/", Form::Mk),
    ("/api/v1/organizations/x", Form::Mk),
    ("/api/v1", Form::Mk),
    ("/api/v1/devices/x", Form::Mk),
    ("/api/schemas", Form::Mk),
    ("/api/v3/api-docs", Form::Mk),
    ("/api/v10", Form::DataStone),
    ("/api/v2", Form::DataStone),
    ("/API/V2/organization", Form::DataStone),
    ("/devicesx", Form::DataStone),
    ("/oauth2/tokens", Form::DataStone),
    ("/sql", Form::DataStone),
    ("/api/v1/organization/x", Form::Blynk),
    ("/api/v1/organization/device/datastream/", Form::Blynk),
    ("/api/v2/x", Form::Blynk),
    ("/oauth2/token", Form::Oauth),
    ("/authentication/v1/oauth/token", Form::Instathings),
    ("/device/v1/devices/x", Form::Instathings),
    ("/Device", Form::Instathings),
    ("/DEVICES/x/credentials/certificate/", Form::Instathings),
    ("/wss", Form::Instathings),
    ("/api/data/devices", Form::OpenSynaptic),
    ("/api/data/devices/x/", Form::OpenSynaptic),
    ("/api/data/packets/x", Form::OpenSynaptic),
    ("/api/data/sensors/", Form::OpenSynaptic),
    ("/health", Form::OpenSynaptic),
    ("/api/health/", Form::OpenSynaptic),
];

fn problem(status: u16, title: &str, detail: &str) -> Value {
    json!({"type": "about:blank", "title": title, "status": status, "detail": detail})
}

const TOO_SLOW: &str = "The request took too long and was ended.";

impl Form {
    /// Status and body of a path that does not exist.
    fn unknown(self) -> (u16, Value) {
        let body = match self {
            Form::DataStone => json!({"detail": "Not found."}),
            Form::Blynk | Form::Oauth => json!({"error": {"message": "Not found."}}),
            Form::Instathings => json!({"message": "Not Found"}),
            Form::OpenSynaptic => json!({"error": "not found"}),
            Form::Mk => problem(404, "Not Found", "not found"),
        };
        (404, body)
    }

    /// Status and body of a panic.
    fn panic(self) -> (u16, Value) {
        let body = match self {
            Form::DataStone => json!({"error": "Server Error (500)"}),
            Form::Blynk => json!({"error": {"message": "Internal server error."}}),
            Form::Oauth => json!({"error": "server_error", "error_description": "Internal server error."}),
            Form::Instathings => json!({"message": "Internal Server Error"}),
            Form::OpenSynaptic => json!({"ok": false, "error": "internal error"}),
            Form::Mk => problem(500, "Internal Server Error", "Internal server error"),
        };
        (500, body)
    }

    /// Status and body after the time limit.
    fn timeout(self) -> (u16, Value) {
        let body = match self {
            Form::DataStone => json!({"detail": TOO_SLOW}),
            Form::Blynk => json!({"error": {"message": TOO_SLOW}}),
            Form::Oauth => json!({"error": "temporarily_unavailable", "error_description": TOO_SLOW}),
            Form::Instathings => json!({"message": "Gateway Timeout"}),
            Form::OpenSynaptic => json!({"ok": false, "error": TOO_SLOW}),
            Form::Mk => problem(504, "Gateway Timeout", TOO_SLOW),
        };
        (504, body)
    }

    /// Status and body of DELETE where only GET exists.
    fn wrong_method(self) -> (u16, Value) {
        let body = match self {
            Form::DataStone => json!({"detail": "Method \"DELETE\" not allowed."}),
            Form::Blynk | Form::Oauth => json!({"error": {"message": "Method not allowed."}}),
            Form::Instathings => json!({"message": "Method Not Allowed"}),
            Form::OpenSynaptic => json!({"error": "Method \"DELETE\" not allowed."}),
            Form::Mk => problem(405, "Method Not Allowed", "Method 'DELETE' is not supported."),
        };
        (405, body)
    }
}

/// Serves these routes with the forms; the answer to a request that presents a credential.
async fn ask(routes: Router, forms: ErrorForms, method: &str, path: &str, credential: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).header("authorization", credential);
    let request = request.body(Body::empty()).unwrap();
    let response: Response = layers::wrap(routes, forms).oneshot(request).await.unwrap();
    assert!(response.headers().contains_key("x-request-id"), "{method} {path}");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_else(|e| panic!("{method} {path}: {e}: {body:?}")))
}

#[tokio::test(start_paused = true)]
async fn each_path_answers_in_the_form_of_its_api_whatever_the_credential() {
    let broken = || async { std::hint::black_box(None::<&str>).expect("broken on purpose") };
    for (path, form) in PATHS {
        for credential in ["ApiKey x", "Bearer x", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "Basic eDp5"] {
            let cases = [
                ("unknown", Router::new().fallback(unknown_path), form.unknown()),
                ("panic", Router::new().fallback(broken), form.panic()),
                ("timeout", Router::new().fallback(pending::<()>), form.timeout()),
            ];
            for (name, routes, expected) in cases {
                let found = ask(routes, ERROR_FORMS, "GET", path, credential).await;
                assert_eq!(found, expected, "{name} of {path} with {credential}");
            }
            let trimmed = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
            let routes = Router::new().route(trimmed, get(|| async {}));
            let routes = routes.method_not_allowed_fallback(method_not_allowed);
            let found = ask(routes, ERROR_FORMS, "DELETE", path, credential).await;
            assert_eq!(found, form.wrong_method(), "DELETE {path} with {credential}");
        }
    }
}

#[tokio::test]
async fn options_are_an_unknown_path_of_blynk() {
    for (path, expected) in [
        ("/api/v2/x", Form::Blynk.unknown()),
        ("/oauth2/token", Form::Oauth.unknown()),
        ("/api/device", (405, json!({"detail": "Method \"OPTIONS\" not allowed."}))),
    ] {
        let routes = Router::new().route(path, get(|| async {}));
        let routes = routes.method_not_allowed_fallback(method_not_allowed);
        assert_eq!(ask(routes, ERROR_FORMS, "OPTIONS", path, "Bearer x").await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_listener_of_one_api_has_one_form() {
    for (forms, form) in [
        (opensynaptic::ERROR_FORMS, Form::OpenSynaptic),
        (instathings::onpremise::ERROR_FORMS, Form::Instathings),
    ] {
        for (path, _) in PATHS {
            let routes = Router::new().route("/x-y", any(|| async {})).fallback(unknown_path);
            assert_eq!(ask(routes, forms, "GET", path, "").await, form.unknown(), "{path}");
        }
    }
}
