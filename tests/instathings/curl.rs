//! The examples of the vendor's documentation, as it prints them: only host, ids and credentials are replaced.

use serde_json::{Value, json};

use super::{CLIENT, Project, SECRET, text};
use crate::support::rows;

/// Each example with the status that it has, in an order in which all of them work.
const EXAMPLES: [(&str, u16); 15] = rows![
    r#"-XPOST -H "Content-type: application/json" -d '{ "clientId":"yourClientId", "clientSecret": "yourClientSecret"}' 'https://yourProjectName.instathings.io/authentication/v1/oauth/token'"#,
        200;
    r#""http://yourProjectName.instathings.io/device/v1/devices" -H "Authorization: Bearer abc.def.ghi""#, 200;
    r#""http://yourProjectName.instathings.io/device/v1/devices/:deviceId" -H "Authorization: Bearer abc.def.ghi""#, 200;
    r#""http://yourProjectName.instathings.io/devices/:deviceId/credentials/certificate" -H "Authorization: Bearer abc.def.ghi""#,
        200;
    r#""http://yourProjectName.instathings.io/device/v1/devices/:deviceId/data" -H "Authorization: Bearer abc.def.ghi""#, 200;
    r#"-XPATCH -H 'Authorization: Bearer abc.def.ghi' -H "Content-type: application/json" -d '{ "name": "New name" }' 'http://yourProjectName.instathings.io/device/v1/devices/:deviceId'"#,
        200;
    r#"-XPOST -H 'Authorization: Bearer abc.def.ghi' -H "Content-type: application/json" -d '{ "state": "TOGGLE" }' 'http://yourProjectName.instathings.io/device/v1/control/:deviceId/set'"#,
        200;
    r#"-XPOST -H 'Authorization: Bearer abc.def.ghi' 'http://yourProjectName.instathings.io/device/v1/control/:deviceId/status'"#,
        202;
    r#"-XGET -H 'Authorization: Bearer abc.def.ghi' 'http://yourProjectName.instathings.io/device/v1/control/:requestId/fetch'"#,
        202;
    r#""http://yourProjectName.instathings.io/device/v1/devices/:deviceId/:containerId/logs" -H "Authorization: Bearer abc.def.ghi""#,
        200;
    r#""http://yourProjectName.instathings.io/device/v1/protocols/:protocolId" -H "Authorization: Bearer abc.def.ghi""#, 200;
    r#""http://yourProjectName.instathings.io/device/v1/types" -H "Authorization: Bearer abc.def.ghi""#, 200;
    r#""http://yourProjectName.instathings.io/device/v1/types/:typeId" -H "Authorization: Bearer abc.def.ghi""#, 200;
    r#"-XDELETE -H 'Authorization: Bearer abc.def.ghi' 'http://yourProjectName.instathings.io/devices/:parentDeviceId/subDevice/subDevices/:subDeviceId'"#,
        200;
    r#"-XDELETE -H 'Authorization: Bearer abc.def.ghi' 'http://yourProjectName.instathings.io/device/v1/devices/:deviceId'"#, 200;
];

#[tokio::test]
async fn every_example_works_as_printed() {
    let (project, gateway, sub) = Project::with_gateway().await;
    let path = format!("/device/v1/control/{gateway}/status");
    let location = project.call("POST", &path, &Value::Null).await.header("location").to_owned();
    let host = project.server.url.clone();
    let replaced = [
        ("https://yourProjectName.instathings.io", host.as_str()),
        ("http://yourProjectName.instathings.io", &host),
        ("yourClientId", CLIENT),
        ("yourClientSecret", SECRET),
        ("abc.def.ghi", &project.token),
        (":parentDeviceId", &gateway),
        (":subDeviceId", &sub),
        (":deviceId", &gateway),
        (":requestId", location.split('/').nth(4).unwrap()),
        (":containerId", "gate"),
        (":protocolId", "vRy6GTde"),
        (":typeId", "4023br5d-9f88-4f31-97c2-0e682aef543f"),
    ];
    for (example, status) in EXAMPLES {
        let command =
            replaced.iter().fold(example.to_owned(), |command, (from, to)| command.replace(from, to));
        let command =
            format!("curl --silent --noproxy '*' --write-out '\\n%{{http_code}}' {command} | tail -c 3");
        let ran = tokio::process::Command::new("sh").args(["-c", &command]).output().await;
        let ran = ran.expect("there is a shell");
        assert_eq!(String::from_utf8_lossy(&ran.stdout), status.to_string(), "{command}");
    }
    assert_eq!(project.get("/device/v1/devices").await.body, json!([]));
    let types = project.get("/device/v1/types").await.body;
    assert!(types.as_array().is_some_and(|types| types.iter().all(|one| !text(&one["id"]).is_empty())));
}
