//! `/api/inventory/`: devices and streams as files, planned and imported over HTTP and GraphQL.

use serde_json::{Value, json};

use crate::graphql::ask;
use crate::support::{Answer, Client, Server, column};

const INVENTORY: &str = "/api/inventory/";

const YAML: &str = "devices:
  - name: Press
    protocol: virtual
    streams:
      - name: Speed
        type: fp64
        unit: rpm
";

const CSV: &str = "device,stream,device.protocol,type,unit\nPress,,virtual,,\nPress,Speed,,fp64,rpm\n";

fn json_file() -> String {
    json!({"devices": [{"name": "Press", "protocol": "virtual", "streams": [{"name": "Speed", "type": "fp64", "unit": "rpm"}]}]})
        .to_string()
}

async fn post(client: &Client, query: &str, media: &str, file: &str) -> Answer {
    client.send("POST", &format!("{INVENTORY}{query}"), &[("content-type", media)], file.to_owned()).await
}

fn names(report: &Value) -> Vec<String> {
    let rows = report["changes"].as_array().unwrap_or_else(|| panic!("{report}"));
    rows.iter()
        .map(|row| format!("{} {}", row["noun"].as_str().unwrap(), row["name"].as_str().unwrap()))
        .collect()
}

async fn devices(client: &Client) -> usize {
    client.get("/api/device/").await.body.as_array().unwrap().len()
}

#[tokio::test]
async fn a_file_of_every_form_is_planned_then_imported_then_unchanged() {
    for (media, file) in [
        ("application/yaml", YAML.to_owned()),
        ("text/csv; charset=utf-8", CSV.to_owned()),
        ("application/json", json_file()),
    ] {
        let (_server, client) = Server::with_client(&[]).await;
        let plan = post(&client, "?dry_run=true", media, &file).await;
        let plan = plan.about(&media).has(200, json!({"applied": false}));
        assert_eq!(names(&plan), ["device Press", "stream Press / Speed"], "{media}: {plan}");
        assert_eq!(column(&plan["changes"], "created"), [true, true], "{media}: {plan}");
        let unit = json!({"field": "unit", "old": "", "new": "rpm"});
        assert!(plan["changes"][1]["fields"].as_array().unwrap().contains(&unit), "{media}: {plan}");
        assert_eq!(devices(&client).await, 0, "{media}: a dry run changes nothing");

        let done = post(&client, "", media, &file).await;
        done.about(&media).has(200, json!({"applied": true, "changes": plan["changes"]}));
        assert_eq!(devices(&client).await, 1, "{media}");
        let same = json!({"devices": 1, "streams": 1, "documents": 0});
        let again = post(&client, "", media, &file).await;
        again.about(&media).has(200, json!({"changes": [], "unchanged": same}));
        let audited =
            client.sql("SELECT DISTINCT kind FROM audit_log WHERE action = 'create' ORDER BY kind").await;
        let kinds: Vec<_> = audited.iter().filter_map(|row| row["kind"].as_str()).collect();
        assert!(kinds.contains(&"device") && kinds.contains(&"data"), "{media}: {audited:?}");
    }
}

#[tokio::test]
async fn what_is_exported_is_imported_elsewhere_as_it_was() {
    let (first, second) = (Server::start(&[]).await, Server::start(&[]).await);
    let (client, other) = (first.client(), second.client());
    post(&client, "", "application/yaml", YAML).await.ok();
    for (query, media, name) in [
        ("", "application/yaml", "inventory.yaml"),
        ("?format=yaml", "application/yaml", "inventory.yaml"),
        ("?format=csv", "text/csv; charset=utf-8", "inventory.csv"),
    ] {
        let file = client.get(&format!("{INVENTORY}{query}")).await.with_header("content-type", media);
        let file = file.with_header("content-disposition", &format!("attachment; filename=\"{name}\"")).ok();
        let file = file.as_str().unwrap();
        assert!(file.contains("Press") && file.contains("Speed"), "{query}: {file}");
        post(&other, "", media, file).await.about(&query).has(200, json!({"applied": true}));
        assert_eq!(other.get(&format!("{INVENTORY}{query}")).await.body, file, "{query}");
    }
    let answer = client.post("/graphql", &json!({"query": "{ inventoryFile(format: yaml) }"})).await.body;
    let file = client.get(INVENTORY).await.body;
    assert_eq!(answer["data"]["inventoryFile"], file, "{answer}");
}

#[tokio::test]
async fn a_file_with_mistakes_says_all_of_them_and_changes_nothing() {
    let (_server, client) = Server::with_client(&[]).await;
    let file = "devices:\n  - name: Press\n    protocol: steam\n  - name: Oven\n    protocol: virtual\n    colour: red\n";
    let plan = post(&client, "?dry_run=true", "application/yaml", file).await;
    let plan = plan.has(200, json!({"applied": false, "changes": []}));
    let places: Vec<_> =
        plan["problems"].as_array().unwrap().iter().map(|one| (&one["line"], &one["column"])).collect();
    assert_eq!(places, [(&json!(3), &json!("protocol")), (&json!(6), &json!("colour"))], "{plan}");
    let refused = post(&client, "", "application/yaml", file).await.expect(400);
    assert!(refused["protocol"][0].as_str().unwrap().starts_with("Line 3: "), "{refused}");
    assert!(refused["colour"][0].as_str().unwrap().starts_with("Line 6: "), "{refused}");
    assert_eq!(devices(&client).await, 0);

    let input = json!({"format": "yaml", "text": file});
    let mutation = "mutation ($input: ImportInventoryInput!) { importInventory(input: $input) {
        report { applied problems { line column } } errors { code } } }";
    let answer = ask(&client, mutation, json!({"input": input})).await;
    let problems = json!([{"line": 3, "column": "protocol"}, {"line": 6, "column": "colour"}]);
    let expected = json!({"report": {"applied": false, "problems": problems}, "errors": []});
    assert_eq!(answer["data"]["importInventory"], expected, "{answer}");

    for (name, query, media, body, status) in [
        ("another media type", "", "application/xml", "<a/>", 415),
        ("no media type", "", "", "devices: []", 415),
        ("no JSON", "", "application/json", "{", 400),
        ("an empty file", "", "text/csv", "", 400),
        ("a word", "?dry_run=maybe", "application/yaml", "devices: []", 400),
        ("another format", "?dry_run=true&format=xml", "application/yaml", "devices: []", 200),
    ] {
        post(&client, query, media, body).await.about(&name).expect(status);
    }
    client.get("/api/inventory/?format=xml").await.expect(400);
}

/// Security review 18: docs/security.md named five times as much.
#[tokio::test]
async fn a_file_has_the_length_that_the_documentation_names() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");
    for (page, words) in [("security.md", "2 MiB over HTTP"), ("system.md", "2 MiB; its `Content-Type`")] {
        assert!(std::fs::read_to_string(format!("{docs}/{page}")).unwrap().contains(words), "{page}");
    }
    let (_server, client) = Server::with_client(&[]).await;
    for (length, expected) in [(2 << 20, 200), ((2 << 20) + 1, 413)] {
        let file = format!("devices: []\n{}", "#".repeat(length - 12));
        post(&client, "?dry_run=true", "application/yaml", &file).await.about(&length).expect(expected);
    }
}

#[tokio::test]
async fn files_are_for_unrestricted_keys_of_both_scopes() {
    let (server, client) = Server::with_client(&[]).await;
    post(&client, "", "application/yaml", YAML).await.ok();
    client.post("/api/device/", &json!({"name": "zebra", "protocol": "virtual"})).await.created();
    server.basalt(&["org", "create", "other"]).await.expect_success();
    let rows: [(&str, &[&str], u16, u16); 5] = [
        ("one scope", &["--scope", "device:write"], 403, 403),
        ("reading", &["--scope", "device:read", "--scope", "data:read"], 200, 403),
        ("both", &["--scope", "device:write", "--scope", "data:write"], 200, 200),
        ("restricted", &["--device", "1"], 200, 403),
        ("another organization", &["--org", "other"], 200, 200),
    ];
    for (name, args, get, put) in rows {
        let client = server.client_with(args).await;
        let file = client.get(INVENTORY).await.about(&name).expect(get);
        let sees_all = matches!(name, "reading" | "both");
        assert_eq!(file.to_string().contains("zebra"), sees_all, "{name}: {file}");
        let (status, report) = post(&client, "?dry_run=true", "application/yaml", YAML).await.outcome();
        assert_eq!(status, put, "{name}: {report}");
        if status == 200 {
            // To another organization both are new, and nothing else is there.
            let is_elsewhere = name == "another organization";
            assert_eq!(names(&report).len(), if is_elsewhere { 2 } else { 0 }, "{name}: {report}");
            assert_eq!(report.to_string().contains("zebra"), !is_elsewhere, "{name}: {report}");
        }
    }
}
