//! Endpoints 42 to 47, with a command that prints what the client is known to print and notes how it was called.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{check, check_rows};
use crate::support::{Server, row_vec, rows};

const STATUS: &str = "  version    : 2.1.0.203\n  pid        : 26771\n  status     : logged in\n  client id  : 221-094-578\n  \
                      address    : 25.66.125.69    2620:9b::1942:7d45\n  nickname   : onian\n  lmi account: -\n";
const LIST: &str = "\u{20}* [plant one]  capacity: 2/5, subscription type: Free, owner: onian (221-094-578)
     * 090-111-222   Eduardo                    25.1.2.3   alias: not set   2620:9b::1   direct      UDP  85.106.8.58:42806
     ? 094-139-744 \n   [398-581-422]test789-net  capacity: 4/256,   [192.168.155.24/24]  subscription type: Multi-network, owner: This computer
";

/// The command and what it prints: a file for each of its own commands, `status` without one.
pub struct FakeHamachi(TempDir);

impl FakeHamachi {
    pub fn new() -> FakeHamachi {
        let fake = FakeHamachi(tempfile::tempdir().unwrap());
        let script = "#!/bin/sh\n\
            for argument in \"$@\"; do printf '<%s>' \"$argument\"; done >> DIR/argv; echo >> DIR/argv\n\
            [ -e DIR/hang ] && sleep 600\n\
            cat \"DIR/${1:-status}\"\n\
            exit 1\n";
        let script = script.replace("DIR", &fake.0.path().display().to_string());
        fs::write(fake.command(), script).unwrap();
        fs::set_permissions(fake.command(), PermissionsExt::from_mode(0o755)).unwrap();
        fake.set_output("status", STATUS);
        fake.set_output("list", LIST);
        fake
    }

    pub fn command(&self) -> String {
        self.0.path().join("hamachi").display().to_string()
    }

    pub fn set_output(&self, command: &str, text: &str) {
        fs::write(self.0.path().join(command), text).unwrap();
    }

    /// How it was called since the last time this was asked, one line a call.
    pub fn calls(&self) -> Vec<String> {
        let path = self.0.path().join("argv");
        let calls = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, "").unwrap();
        calls.lines().map(str::to_owned).collect()
    }
}

fn detail(text: &str) -> Value {
    json!({ "detail": text })
}

#[tokio::test]
async fn networks_are_joined() {
    let fake = FakeHamachi::new();
    let (_server, client) = Server::with_client(&[("BASALT_HAMACHI__COMMAND", &fake.command())]).await;
    let plant = json!({
        "network_id": "plant one", "name": "plant one", "online": true, "capacity": "2/5",
        "owner": "onian (221-094-578)", "subscription": "Free", "subnet": null,
        "peers": [
            {"client_id": "090-111-222", "nickname": "Eduardo", "address": "25.1.2.3", "ipv6": "2620:9b::1",
             "status": "online", "via": "direct"},
            {"client_id": "094-139-744", "nickname": null, "address": null, "ipv6": null, "status": "pending", "via": null}
        ]
    });
    let managed = json!({
        "network_id": "398-581-422", "name": "test789-net", "online": false, "capacity": "4/256",
        "owner": "This computer", "subscription": "Multi-network", "subnet": "192.168.155.24/24", "peers": []
    });
    let get =
        |name, path: &str, status, expected| (name, "GET", path.to_owned(), Value::Null, status, expected);
    check_rows![&client;
        get("status", "/api/hamachi/", 200,
            json!({"version": "2.1.0.203", "pid": 26771, "status": "logged in", "client_id": "221-094-578",
                   "address": "25.66.125.69", "ipv6": "2620:9b::1942:7d45", "nickname": "onian", "lmi_account": null}));
        get("networks", "/api/hamachi/network/", 200, json!([plant, managed]));
        get("by_name", "/api/hamachi/network/plant%20one/", 200, plant);
        get("by_id", "/api/hamachi/network/398-581-422", 200, managed);
        get("not_joined", "/api/hamachi/network/111-111-111/", 404, detail("Not found."));
        get("no_option", "/api/hamachi/network/--help/", 404, detail("Not found."));
    ];
    let calls = fake.calls();
    assert!(calls.iter().all(|call| call.is_empty() || call == "<list>"), "{calls:?}");

    let odd = "$(id); a \"b'<>|";
    for (name, printed, body, status, expected, call) in rows![
        "ok", "Joining plant .. ok\n", json!({"network": "plant", "password": "se cret"}), 201,
            json!({"network": "plant", "joined": true}), "<do-join><plant><se cret>";
        "without_a_password", "Joining plant .. ok\n", json!({"network": "plant"}), 201,
            json!({"network": "plant", "joined": true}), "<do-join><plant><>";
        "no_shell_reads_it", "Joining x .. ok\n", json!({"network": odd, "password": "`id`"}), 201,
            json!({"network": odd, "joined": true}), "<do-join><$(id); a \"b'<>|><`id`>";
        "a_member_already", "Joining plant .. failed, you are already a member\n", json!({"network": "plant"}), 200,
            json!({"network": "plant", "joined": true}), "<do-join><plant><>";
        "waiting", "Joining plant .. ok, request sent, waiting for approval\n", json!({"network": "plant"}), 202,
            json!({"network": "plant", "joined": false, "pending": true}), "<do-join><plant><>";
        "refused", "Joining plant .. failed, invalid password\n", json!({"network": "plant"}), 400, detail("invalid password"),
            "<do-join><plant><>";
        "unknown", "Joining plant .. failed, network not found\n", json!({"network": "plant"}), 400, detail("network not found"),
            "<do-join><plant><>";
        "gibberish", "?\n", json!({"network": "plant"}), 502, detail("Hamachi gave no answer that can be read."),
            "<do-join><plant><>";
    ] {
        fake.set_output("do-join", printed);
        client.post("/api/hamachi/network/", &body).await.about(&name).is(status, &expected);
        assert_eq!(fake.calls(), ["", call], "{name}");
    }
    let hyphen = "This field may not begin with a hyphen.";
    let control = "Control characters are not allowed.";
    for (name, body, expected) in rows![
        "nothing", json!({}), json!({"network": ["This field is required."]});
        "blank", json!({"network": ""}), json!({"network": ["This field may not be blank."]});
        "short", json!({"network": "abc"}), json!({"network": ["Ensure this field has at least 4 characters."]});
        "long", json!({"network": "x".repeat(65)}), json!({"network": ["Ensure this field has no more than 64 characters."]});
        "options", json!({"network": "--help", "password": "-x"}), json!({"network": [hyphen], "password": [hyphen]});
        "lines", json!({"network": "plant\nx", "password": "a\u{1b}[1m"}), json!({"network": [control], "password": [control]});
        "null_characters", json!({"network": "plant\u{0}"}), json!({"network": ["Null characters are not allowed."]});
        "no_text", json!({"network": ["plant"]}), json!({"network": ["Not a valid string."]});
    ] {
        client.post("/api/hamachi/network/", &body).await.about(&name).is(400, &expected);
        assert!(fake.calls().is_empty(), "{name}: it is not run");
    }
}

#[tokio::test]
async fn networks_are_left() {
    let fake = FakeHamachi::new();
    let (_server, client) = Server::with_client(&[("BASALT_HAMACHI__COMMAND", &fake.command())]).await;
    let leaves = |network: &str| vec![String::new(), "<list>".to_owned(), format!("<leave><{network}>")];
    let looks = || vec![String::new(), "<list>".to_owned()];
    let by_body = |network: &str| json!({ "network": network });
    let (all, managed) = ("/api/hamachi/network/", "/api/hamachi/network/?network=398-581-422");
    let (ok, owner) = ("Leaving it .. ok\n", "Leaving it .. failed, you are the owner\n");
    let refused = |field: &str| (400, json!({ "network": [field] }));
    let (left, not_found) = (|| (204, Value::Null), || (404, detail("Not found.")));
    // Null sends no body. The client prints the text, and is called as the last cell says.
    for (name, path, body, printed, answer, calls) in rows![
        "in_the_body", all, by_body("plant one"), ok, left(), leaves("plant one");
        "in_the_query", managed, Value::Null, ok, left(), leaves("398-581-422");
        "the_body_wins", managed, by_body("plant one"), ok, left(), leaves("plant one");
        "in_the_path", "/api/hamachi/network/plant%20one/", Value::Null, ok, left(), leaves("plant one");
        "not_joined", all, by_body("elsewhere"), ok, not_found(), looks();
        "not_joined_in_the_path", "/api/hamachi/network/elsewhere/", Value::Null, ok, not_found(), looks();
        "an_option_in_the_path", "/api/hamachi/network/--all/", Value::Null, ok, not_found(), vec![];
        "an_option", all, by_body("--all"), ok, refused("This field may not begin with a hyphen."), vec![];
        "nothing", all, Value::Null, ok, refused("This field is required."), vec![];
        "refused", all, by_body("plant one"), owner, (400, detail("you are the owner")), leaves("plant one");
    ] {
        fake.set_output("leave", printed);
        let got = match &body {
            Value::Null => client.delete(path).await,
            body => client.send_json("DELETE", path, body).await,
        };
        assert_eq!(got.outcome(), answer, "{name}");
        assert_eq!(fake.calls(), calls, "{name}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_answer_is_told_clearly() {
    let missing = Server::start(&[("BASALT_HAMACHI__COMMAND", "/nowhere/hamachi")]).await;
    let join = json!({"network": "plant"});
    let rows = |status: u16, printed: &str| {
        row_vec![
            "status", "GET", "/api/hamachi/".to_owned(), Value::Null, status, detail(printed);
            "list", "GET", "/api/hamachi/network/".to_owned(), Value::Null, status, detail(printed);
            "join", "POST", "/api/hamachi/network/".to_owned(), join.clone(), status, detail(printed);
            "leave", "DELETE", "/api/hamachi/network/plant/".to_owned(), Value::Null, status, detail(printed);
        ]
    };
    check(&missing.client(), rows(503, "Hamachi is not installed.")).await;

    let fake = FakeHamachi::new();
    let env = [("BASALT_HAMACHI__COMMAND", fake.command()), ("BASALT_HAMACHI__TIMEOUT", "500ms".to_owned())];
    let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
    let server = Server::start(&env).await;
    fake.set_output(
        "status",
        "Hamachi does not seem to be running.\nRun '/etc/init.d/logmein-hamachi start' to start it.\n",
    );
    check(&server.client(), rows(503, "Hamachi is not running.")).await;
    fake.set_output("status", "You do not have permission to control the hamachid daemon.\n");
    check(&server.client(), rows(503, "Hamachi does not let this server's user control it.")).await;
    fake.set_output("status", "  version    : 2.1.0.203\n  status     : offline\n");
    check(&server.client(), rows(409, "Hamachi is not logged in.").split_off(1)).await;
    assert_eq!(server.client().get("/api/hamachi/").await["status"], "offline");
    fake.set_output("hang", "");
    check(&server.client(), rows(504, "Hamachi did not answer in time.").split_off(3)).await;
    fs::remove_file(fake.0.path().join("hang")).unwrap();
    fake.set_output("status", &"x".repeat(2 << 20));
    check(&server.client(), rows(502, "Hamachi gave no answer that can be read.").split_off(3)).await;
}
