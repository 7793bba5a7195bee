//! Backups over HTTP: started, listed and verified as jobs, and by nobody but the owner of the machine.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, Server, until};

const BACKUPS: &str = "/api/backup/";

/// Waits for the end of a job; the job.
async fn ended(client: &Client, answer: &Value) -> Value {
    let path = format!("/api/job/{}/", answer["id"]);
    until!("the end of the job", Duration::from_secs(30);
        job = client.get(&path).await.body; ["done", "failed", "cancelled"].iter().any(|state| job["state"] == *state))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_written_listed_and_verified() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("backups");
    let (_server, client) = Server::with_client(&[("BASALT_BACKUP__DIR", dir.to_str().unwrap())]).await;
    client.get(BACKUPS).await.is(200, &json!({"directory": dir, "backups": []}));

    let job = client.post(BACKUPS, &json!({})).await;
    let location = format!("/api/job/{}/", job["id"]);
    let job = job.with_header("location", &location).has(202, json!({"kind": "backup"}));
    let done = ended(&client, &job).await;
    assert_eq!(done["state"], "done", "{done}");
    let name = done["result"]["name"].as_str().expect("a name").to_owned();
    assert!(dir.join(&name).join("backup.json").is_file());
    let list = client.get(BACKUPS).await.body;
    assert_eq!(list["backups"][0]["name"], name.as_str(), "{list}");
    assert_eq!(list["backups"][0]["bytes"], done["result"]["bytes"], "{list}");

    let verify = format!("{BACKUPS}{name}/verify/");
    let job = client.post(&verify, &json!({})).await.has(202, json!({"kind": "verify_backup", "name": name}));
    assert_eq!(ended(&client, &job).await["state"], "done");

    let catalog = dir.join(&name).join("catalog.sqlite");
    let mut bytes = std::fs::read(&catalog).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&catalog, bytes).unwrap();
    let query = json!({"query": format!("mutation {{ verifyBackup(name: \"{name}\") {{ job {{ rowId }} errors {{ message }} }} }}")});
    let answer = client.post("/graphql", &query).await.body;
    let failed = ended(&client, &json!({"id": answer["data"]["verifyBackup"]["job"]["rowId"]})).await;
    assert_eq!(failed["state"], "failed", "{answer}");
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("SHA-256")), "{failed}");

    for other in ["nothing", "..", "%2e%2e%2fbackups", "a%2fb"] {
        client.post(&format!("{BACKUPS}{other}/verify/"), &json!({})).await.expect(404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_need_a_place_and_the_right_to_the_machine() {
    let (server, client) = Server::with_client(&[]).await;
    for (method, path) in [("GET", BACKUPS), ("POST", BACKUPS)] {
        let answer = client.send(method, path, &[], "").await.expect(409);
        assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("`backup.dir`")), "{answer}");
    }
    let reader = server.client_with(&["--scope", "system:read"]).await;
    reader.get(BACKUPS).await.expect(409);
    reader.post(BACKUPS, &json!({})).await.expect(403);
    server.basalt(&["org", "create", "other"]).await.expect_success();
    let other = server.client_with(&["--org", "other", "--scope", "system:write"]).await;
    other.get(BACKUPS).await.about("the machine belongs to the default organization").expect(403);
}
