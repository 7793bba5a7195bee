//! Every path with every credential, under every setting.

use serde_json::{Value, json};

use super::{JSON_TYPE, NOBODY, stranger};
use crate::support::Server;

const TOKEN: &str = "0123456789abcdef-hush";

/// Outcome of a query under a setting.
#[derive(Clone, Copy)]
enum Answer {
    /// The query is answered.
    Answered,
    NoToken,
    NoTokenConfigured,
    NoStorage,
}

/// The four routes, and what each answers who is admitted.
fn routes() -> Vec<(String, u16, Value)> {
    let page =
        |rows: &str, limit: u32| json!({"ok": true, rows: [], "total": 0, "limit": limit, "offset": 0});
    let unknown = json!({"ok": false, "error": "packet not found", "packet_uuid": NOBODY});
    let no_id = json!({"ok": false, "error": "packet_uuid is required"});
    vec![
        ("/api/data/devices".to_owned(), 200, page("devices", 100)),
        ("/api/data/packets".to_owned(), 200, page("packets", 50)),
        (format!("/api/data/packets/{NOBODY}"), 404, unknown),
        ("/api/data/packets/".to_owned(), 400, no_id),
        ("/api/data/sensors".to_owned(), 200, page("sensors", 50)),
    ]
}

fn settings(enabled: bool, token: &'static str, sql: bool) -> [(&'static str, &'static str); 3] {
    let word = |is: bool| if is { "true" } else { "false" };
    [
        ("BASALT_OPENSYNAPTIC__AUTH_ENABLED", word(enabled)),
        ("BASALT_OPENSYNAPTIC_ADMIN_TOKEN", token),
        ("BASALT_STORAGE__SQL__ENABLED", word(sql)),
    ]
}

#[tokio::test]
async fn every_route_with_every_credential_under_every_setting() {
    use Answer::{Answered, NoStorage, NoToken, NoTokenConfigured};
    // Answers without a token, with an empty one, a wrong one, and the right one.
    for (settings, expected) in [
        (settings(false, "", true), [Answered; 4]),
        (settings(false, TOKEN, true), [Answered; 4]),
        (settings(true, TOKEN, true), [NoToken, NoToken, NoToken, Answered]),
        (settings(true, "", true), [NoTokenConfigured; 4]),
        (settings(true, " ", true), [NoTokenConfigured; 4]),
        (settings(false, "", false), [NoStorage; 4]),
        (settings(true, TOKEN, false), [NoToken, NoToken, NoToken, NoStorage]),
        (settings(true, "", false), [NoTokenConfigured; 4]),
    ] {
        let server = Server::start(&settings).await;
        let wrong = TOKEN.to_uppercase();
        let presented = [None, Some(""), Some(wrong.as_str()), Some(TOKEN)];
        for (presented, expected) in presented.into_iter().zip(expected) {
            check(&server, presented, expected, &format!("{settings:?}")).await;
        }
    }
}

async fn check(server: &Server, presented: Option<&str>, expected: Answer, settings: &str) {
    let headers: Vec<_> = presented.map(|token| ("x-admin-token", token)).into_iter().collect();
    for (path, status, body) in routes() {
        let place = format!("{settings} {presented:?} {path}");
        let (status, body) = match expected {
            Answer::Answered => (status, body),
            Answer::NoToken => (401, json!({"error": "admin token required"})),
            Answer::NoTokenConfigured => {
                (503, json!({"error": "auth_enabled=true but admin_token is empty"}))
            }
            Answer::NoStorage => (503, json!({"ok": false, "error": "database not configured"})),
        };
        let found = stranger(server).send("GET", &path, &headers, "").await.about(&place);
        let found = found.with_header("content-type", JSON_TYPE).with_headers(&["x-request-id"]);
        found.without_header("www-authenticate").is(status, &body);
    }
    // Health needs nothing.
    for path in ["/health", "/api/health"] {
        let found = stranger(server).send("GET", path, &headers, "").await;
        found.about(&settings).is(200, &json!({"ok": true, "service": "web_user"}));
    }
    // The rest of the server does not depend on these settings.
    server.client().get("/api/device/").await.about(&settings).ok();
    server.client().try_sql("SELECT 1 AS n").await.about(&settings).ok();
}

type Headers<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn the_token_is_compared_without_the_blanks_around_it_and_no_other_credential_counts() {
    let server = Server::start(&settings(true, " 0123456789abcdef-hush ", true)).await;
    let path = "/api/data/devices";
    let key = format!("ApiKey {}", server.key);
    let bearer = format!("Bearer {TOKEN}");
    let padded = format!("  {TOKEN}\t");
    let rows: [(&str, Headers<'_>, u16); 8] = [
        ("the token", &[("x-admin-token", TOKEN)], 200),
        ("with blanks", &[("X-Admin-Token", &padded)], 200),
        ("the first of two", &[("x-admin-token", TOKEN), ("x-admin-token", "x")], 200),
        ("the second of two", &[("x-admin-token", "x"), ("x-admin-token", TOKEN)], 401),
        ("an API key", &[("authorization", &key)], 401),
        ("as an API key", &[("x-api-key", TOKEN)], 401),
        ("as a bearer token", &[("authorization", &bearer)], 401),
        ("beside an unknown key", &[("x-admin-token", TOKEN), ("authorization", "ApiKey x")], 200),
    ];
    for (name, headers, status) in rows {
        stranger(&server).send("GET", path, headers, "").await.about(&name).expect(status);
    }
    // The token opens nothing else.
    stranger(&server).send("GET", "/api/device/", &[("x-admin-token", TOKEN)], "").await.expect(401);
}

#[tokio::test]
async fn what_an_operator_should_know_is_in_the_log() {
    let open = "the API of OpenSynaptic has no authentication";
    let empty = "opensynaptic.admin_token is empty";
    let short = "opensynaptic.admin_token is shorter than 16 bytes";
    let everywhere = ("BASALT_OPENSYNAPTIC_LISTEN", "0.0.0.0:0");
    for (settings, more, expected) in [
        (settings(false, "", true), None, None),
        (settings(false, "", true), Some(everywhere), Some(open)),
        (settings(false, "", false), Some(everywhere), None),
        (settings(true, TOKEN, true), Some(everywhere), None),
        (settings(true, "hush", true), None, Some(short)),
        (settings(true, "", true), None, Some(empty)),
    ] {
        let all: Vec<_> = settings.into_iter().chain(more).collect();
        let server = Server::start(&all).await;
        let log = server.log();
        for text in [open, empty, short] {
            assert_eq!(log.contains(text), expected == Some(text), "{all:?}: {text}\n{log}");
        }
        assert!(!log.contains("hush"), "{log}");
    }
}
