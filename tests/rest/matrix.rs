//! Every operation of the document, asked by every kind of caller. What each is answered is the table in docs/access.md.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use uuid::Uuid;

use super::access_table::AccessTable;
use super::hamachi::FakeHamachi;
use super::matrix_requests::{PASSWORD, RowIds, TIME, body_of, path_to, policy, unique};
use crate::ai::UploadForm;
use crate::support::{Browser, Client, DataDir, Server};

/// Operations open to everybody, known or not. Whoever adds one that needs no credentials adds it here.
const PUBLIC: [&str; 7] = ["docs", "healthz", "jwks", "readyz", "schema", "session_create", "session_link"];

/// A method of a path.
struct Operation {
    id: String,
    method: String,
    path: String,
    /// Scopes of which a key needs one, as the document says.
    scopes: Vec<String>,
    /// The scopes that a key needs together, where one is not enough.
    all_scopes: Option<String>,
}

/// Caller of an operation.
#[derive(Clone)]
enum TestCaller {
    Nobody,
    Key(String),
    Session(Browser),
}

struct AccessFixture {
    server: Server,
    _hamachi: FakeHamachi,
    admin: Client,
    superuser: Browser,
}

#[tokio::test]
async fn every_operation_answers_every_caller_as_the_document_says() {
    let mut world = AccessFixture::new().await;
    let (own, foreign) = (world.rows().await, world.rows().await);
    let mut scopes = Vec::new();
    let resources = ["device", "data", "group", "value", "statistic", "event-log", "system"];
    let of_all = resources.map(|resource| [format!("{resource}:read"), format!("{resource}:write")]);
    for scope in of_all.into_iter().flatten().chain(["webrtc-terminal:write".to_owned()]) {
        let key = world.server.create_key(&["--scope", &scope]).await;
        scopes.push((scope, TestCaller::Key(key)));
    }
    let limited = TestCaller::Key(world.limited_to(own.device).await);
    let mut people = world.people().await;
    let former = TestCaller::Session(world.person("former").await);
    world.server.basalt(&["user", "role", "former"]).await.expect_success();

    let mut table = AccessTable::new();
    for operation in world.operations().await {
        let mut with = BTreeSet::new();
        let (mut passes, mut others) = (Vec::new(), BTreeSet::new());
        for (scope, who) in &scopes {
            let status = world.ask(&operation, who, own).await;
            if matches!(status, 401 | 403) {
                others.insert(status);
            } else {
                passes.push(scope.clone());
                with.insert(status);
            }
        }
        let nobody = world.ask(&operation, &TestCaller::Nobody, own).await;
        let wrong = world.ask(&operation, &TestCaller::Key("wrong".to_owned()), own).await;
        let limited_own = if operation.id == "device_delete" {
            // A key is limited to devices that are there.
            let doomed = world.rows().await;
            let key = TestCaller::Key(world.limited_to(doomed.device).await);
            world.ask_as_is(&operation, &key, doomed).await
        } else {
            world.ask(&operation, &limited, own).await
        };
        let limited_foreign = world.ask(&operation, &limited, foreign).await;
        let former = world.ask(&operation, &former, own).await;
        let [staff, superuser] = &people;
        let staff = world.ask(&operation, staff, own).await;
        let superuser = world.ask(&operation, superuser, own).await;
        // An operation on sessions or people may have ended theirs.
        if ["session_", "user_"].iter().any(|noun| operation.id.starts_with(noun)) {
            people = world.people().await;
        }

        check_rules(&operation, &passes, [nobody, wrong, former], [staff, superuser]);
        let needs = match passes.len() {
            0 => operation.all_scopes.clone().unwrap_or_else(|| "session".to_owned()),
            15 if nobody == 401 => "any scope".to_owned(),
            15 => "nothing".to_owned(),
            _ => passes.join(" "),
        };
        let cells =
            [limited_own, limited_foreign, nobody, wrong, former, staff, superuser].map(|s| s.to_string());
        let cells = [&[joined(&with), joined(&others)], &cells[..]].concat();
        table.add(&operation.method, &operation.path, &needs, &cells);
    }
    table.compare();
}

/// Checks the rules that hold whatever the table says: they are the vendor's and the design's, not ours to record.
fn check_rules(operation: &Operation, passes: &[String], unknown: [u16; 3], people: [u16; 2]) {
    let id = operation.id.as_str();
    let is_public = PUBLIC.contains(&id);
    for status in unknown {
        assert_eq!(status == 401, !is_public, "{id} answers somebody unknown with {status}");
    }
    if is_public {
        return;
    }
    let with_write = |scope: &String| [scope.clone(), scope.replace(":read", ":write")];
    let expected: BTreeSet<String> = operation.scopes.iter().flat_map(with_write).collect();
    assert_eq!(BTreeSet::from_iter(passes.to_vec()), expected, "the scopes that {id} lets pass");
    let [staff, superuser] = people;
    // A query has an id only while it runs, and none does here.
    let is_there = id != "query_cancel";
    assert!(
        !matches!(superuser, 401 | 403) && (superuser == 404) != is_there,
        "{id} refuses a superuser: {superuser}"
    );
    let needs_superuser =
        ["key_", "client_", "user_"].iter().any(|noun| id.starts_with(noun)) || id == "audit_list";
    assert_eq!(matches!(staff, 401 | 403), needs_superuser, "{id} answers staff with {staff}");
}

impl AccessFixture {
    async fn new() -> AccessFixture {
        let hamachi = FakeHamachi::new();
        hamachi.set_output("do-join", "Joining plant one .. ok\n");
        hamachi.set_output("leave", "Leaving plant one .. ok\n");
        let server = Server::start(&[("BASALT_HAMACHI__COMMAND", &hamachi.command())]).await;
        for (name, flag) in [("former", "--staff"), ("staff", "--staff"), ("super", "--superuser")] {
            server.create_user(name, &[flag]).await;
        }
        let superuser = Browser::log_in(&server, "super", PASSWORD).await;
        keep_certificate(&server.data_dir);
        AccessFixture { admin: server.client(), server, _hamachi: hamachi, superuser }
    }

    /// Logs somebody in, with cookies of their own.
    async fn person(&self, name: &str) -> Browser {
        Browser::log_in(&self.server, name, PASSWORD).await
    }

    /// Sessions of staff and of a superuser. The latter makes rows too.
    async fn people(&mut self) -> [TestCaller; 2] {
        self.superuser = self.person("super").await;
        [self.person("staff").await, self.person("super").await].map(TestCaller::Session)
    }

    async fn limited_to(&self, device: i64) -> String {
        self.server.create_key(&["--device", &device.to_string()]).await
    }

    /// Every operation, as the server describes itself.
    async fn operations(&self) -> Vec<Operation> {
        let document = self.admin.without_key().get("/api/schema/").await.ok();
        let mut found = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in ["get", "post", "put", "patch", "delete"] {
                let Some(described) = item.get(method) else { continue };
                let alternatives = described["security"].as_array().into_iter().flatten();
                let ways: Vec<Vec<&str>> = alternatives
                    .filter_map(|one| one["ApiKey"].as_array())
                    .map(|names| names.iter().filter_map(Value::as_str).collect())
                    .collect();
                let all_scopes = ways.iter().find(|names| names.len() > 1).map(|names| names.join(" and "));
                let scopes = ways.into_iter().filter(|names| names.len() == 1);
                let scopes = scopes.map(|names| names[0].to_owned()).collect();
                let id = described["operationId"].as_str().unwrap().to_owned();
                let (method, path) = (method.to_uppercase(), path.clone());
                found.push(Operation { id, method, path, scopes, all_scopes });
            }
        }
        found
    }

    /// One row of everything.
    async fn rows(&mut self) -> RowIds {
        let device = self.make("/api/device/", json!({"name": unique(), "protocol": "virtual"})).await;
        let data = self.make("/api/data/", json!({"name": unique(), "device": device})).await;
        let group = self.make("/api/group/", json!({"name": unique(), "data": [data]})).await;
        let event = self.make("/api/event-log/", json!({"kind": "test", "device": device})).await;
        // The value comes last: a statistic written where one is computed already replaces that.
        for (what, body) in [("statistic", json!({"mean": 1})), ("value", json!({"value": 1}))] {
            let mut body = body;
            body["timestamp"] = TIME.into();
            self.admin.post(&format!("/api/data/{data}/{what}/"), &body).await.created();
        }
        for path in [format!("/api/data/{data}/policy/retention/"), "/api/retention/".to_owned()] {
            self.admin.post(&path, &policy()).await.expect_one_of(&[200, 201]);
        }
        let (model, job) = self.make_model(data).await;
        let product = self.make("/api/product/", json!({"name": unique()})).await;
        let (key, client) = (self.make_managed("key").await, self.make_managed("client").await);
        let (user, none) = (self.make_managed("user").await, RowIds::default());
        let rows = RowIds { device, data, group, event, model, job, key, product, client, user, ..none };
        let command = self.make_named("command", rows).await;
        let (dashboard, channel) = (self.make_named("dashboard", rows), self.make_named("channel", rows));
        let (dashboard, channel) = (dashboard.await, channel.await);
        let rule = self.make_named("rule", rows).await;
        RowIds { command, dashboard, channel, rule, ..rows }
    }

    /// A row of a noun whose paths have UUIDs.
    async fn make_named(&self, noun: &str, rows: RowIds) -> Uuid {
        let body = body_of(&format!("{noun}_create"), rows);
        let answer = self.admin.post(&format!("/api/{noun}/"), &body).await.created();
        answer["uuid"].as_str().and_then(|uuid| uuid.parse().ok()).unwrap()
    }

    async fn make(&self, path: &str, body: Value) -> i64 {
        self.admin.create(path, &body).await
    }

    /// A model over a data stream, and a job of it.
    async fn make_model(&self, data: i64) -> (i64, i64) {
        let made = UploadForm::for_source(data).text("name", unique()).upload(&self.admin).await;
        let range = body_of("model_score", RowIds::default());
        let job = self.admin.post(&format!("/api/ai/model/{}/score/", made.model), &range).await.expect(202);
        (made.model, job["id"].as_i64().unwrap())
    }

    /// A key, a client or a user, which superusers make.
    async fn make_managed(&mut self, noun: &str) -> i64 {
        let body = body_of(&format!("{noun}_create"), RowIds::default());
        self.superuser.post(&format!("/api/{noun}/"), &body).await.created()["id"].as_i64().unwrap()
    }

    /// Asks, about a row that nobody needs any more if the operation deletes it.
    async fn ask(&mut self, operation: &Operation, who: &TestCaller, mut rows: RowIds) -> u16 {
        match operation.id.as_str() {
            "device_delete" => {
                rows.device =
                    self.make("/api/device/", json!({"name": unique(), "protocol": "virtual"})).await;
            }
            "data_delete" => {
                rows.data = self.make("/api/data/", json!({"name": unique(), "device": rows.device})).await;
            }
            "group_delete" => rows.group = self.make("/api/group/", json!({"name": unique()})).await,
            "event_log_delete" => {
                let body = json!({"kind": "test", "device": rows.device});
                rows.event = self.make("/api/event-log/", body).await;
            }
            "key_revoke" => rows.key = self.make_managed("key").await,
            "client_revoke" => rows.client = self.make_managed("client").await,
            "user_delete" => rows.user = self.make_managed("user").await,
            "product_delete" => rows.product = self.make("/api/product/", json!({"name": unique()})).await,
            "dashboard_delete" => rows.dashboard = self.make_named("dashboard", rows).await,
            "channel_delete" => rows.channel = self.make_named("channel", rows).await,
            "rule_delete" => rows.rule = self.make_named("rule", rows).await,
            "model_delete" => (rows.model, _) = self.make_model(rows.data).await,
            _ => {}
        }
        self.ask_as_is(operation, who, rows).await
    }

    async fn ask_as_is(&self, operation: &Operation, who: &TestCaller, rows: RowIds) -> u16 {
        let (method, path) = (operation.method.as_str(), path_to(&operation.path, rows));
        let body = body_of(&operation.id, rows);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let json_type = [("content-type", "application/json")];
        let anonymous = self.admin.without_key();
        let answer = match who {
            TestCaller::Nobody => anonymous.send(method, &path, &json_type, text).await,
            TestCaller::Key(key) => anonymous.with_key(key).send(method, &path, &json_type, text).await,
            TestCaller::Session(browser) => browser.clone().send(method, &path, &body).await,
        };
        let (status, headers, answer) = answer.into_parts();
        assert!(status < 500, "{method} {path}: {status} {answer}");
        if status == 401 {
            assert_eq!(headers["www-authenticate"], "ApiKey", "{method} {path}");
        }
        if matches!(status, 401 | 403) {
            assert!(answer["detail"].is_string(), "{method} {path}: {status} {answer}");
        }
        status
    }
}

/// Puts a certificate where those of OPC UA servers are that nobody has decided about.
fn keep_certificate(home: &DataDir) {
    let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tls/server.pem"));
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let folder = home.path().join("pki/rejected");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("server.der"), BASE64.decode(body).unwrap()).unwrap();
}

fn joined(statuses: &BTreeSet<u16>) -> String {
    statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(" ")
}
