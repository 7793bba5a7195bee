//! Other people's clients at the broker: Eclipse paho, MQTT.js, and mosquitto_pub and mosquitto_sub.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::cloud::Cloud;
use super::{PATIENCE, Plant, number};
use crate::support::{DataDir, free_port, rows, run_node, run_python, until};
use crate::tools::mqtt::Version;

/// Certificate of the authority, in the data directory.
const AUTHORITY: &str = "ca.pem";

/// Checks what a library has seen. Numbers are compared as such: 7 and 7.0 are one.
fn check(name: &str, output: &Value) {
    let rows = rows![
        "granted", json!([2.0, 1.0]);
        // Values are delivered with the quality of the subscription, whichever door they came by.
        "received", json!([["temp", 1.5, 2.0, false], ["temp", 2.5, 2.0, false], ["temp", 3.5, 2.0, false]]);
        "told", json!(["state", 7.0, 1.0, false]);
        "retained", json!(["state", 7.0, 1.0, true]);
        "removed", json!(["state", 8.0, 1.0, false]);
        "will", json!(["state", 0.0, 1.0, false]);
        "queued", json!([["temp", 4.5, 1.0, false], ["temp", 5.5, 1.0, false], ["temp", 6.5, 1.0, false]]);
    ];
    for (member, expected) in rows {
        assert_eq!(with_floats(&output[member]), expected, "{name}, {member}: {output}");
    }
}

fn with_floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.iter().map(with_floats).collect(),
        other => other.clone(),
    }
}

/// The readings that every library has left.
async fn check_stored(plant: &Plant, rounds: usize) {
    let sorted = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values
    };
    let repeated = |values: &[f64]| sorted(values.repeat(rounds));
    let (temp, state) = (plant.streams[0], plant.streams[2]);
    assert_eq!(sorted(plant.values(temp).await), repeated(&[1.5, 2.5, 3.5, 4.5, 5.5, 6.5]));
    assert_eq!(sorted(plant.values(state).await), repeated(&[0.0, 7.0, 8.0]));
}

fn port(plant: &Plant) -> u16 {
    plant.address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

#[tokio::test]
async fn paho_and_mqtt_js_speak_both_versions() {
    let plant = Plant::start().await;
    for version in ["3.1.1", "5"] {
        let settings = json!({
            "host": "127.0.0.1", "port": port(&plant), "version": version, "id": format!("paho-{version}"),
            "topic": "basalt/press", "user": "anybody", "password": plant.server.key,
        });
        let output = run_python("mqtt_client.py", &[&settings.to_string()]).await;
        check(&format!("paho {version}"), &output);
        assert_eq!(output["published"], json!([true, true, true]), "{output}");
        assert_eq!((&output["new"], &output["present"]), (&json!(false), &json!(true)), "{output}");
    }
    check_stored(&plant, 2).await;

    for version in [4, 5] {
        let settings = json!({
            "url": format!("mqtt://{}", plant.address), "version": version, "id": format!("node-{version}"),
            "topic": "basalt/press", "user": "anybody", "password": plant.server.key,
        });
        check(&format!("MQTT.js {version}"), &run_node("mqtt_client.mjs", &[&settings.to_string()]).await);
    }
    check_stored(&plant, 4).await;
}

/// A cloud whose broker has TLS, with one gateway.
struct Gateway {
    cloud: Cloud,
    /// Key of the gateway.
    id: String,
    port: String,
    authority: String,
    home: DataDir,
}

impl Gateway {
    async fn start() -> Gateway {
        let tls = format!("127.0.0.1:{}", free_port());
        let cloud = Cloud::start(&[
            ("BASALT_INSTATHINGS__ENV", "sandbox"),
            ("BASALT_MQTT__TLS_LISTEN", &tls),
            ("BASALT_MQTT__HOST", "127.0.0.1"),
        ])
        .await;
        let id = cloud.gateway("gateway").await;
        let (_, port) = tls.rsplit_once(':').expect("a port");
        let authority = cloud.plant.server.data_dir.path().join(AUTHORITY).display().to_string();
        Gateway { cloud, id, port: port.to_owned(), authority, home: DataDir::new() }
    }

    /// Issues a certificate in the place of the one before; the files of this name with it and its key.
    async fn issue(&self, name: &str) -> [String; 2] {
        let path = format!("/device/v1/devices/{}/credentials/certificate", self.id);
        let issued = self.cloud.call("POST", &path, &Value::Null).await.ok();
        ["certificatePem", "privateKey"].map(|member| {
            let path = self.home.path().join(format!("{name}.{member}"));
            std::fs::write(&path, issued["credentials"][member].as_str().expect("PEM")).expect("written");
            path.display().to_string()
        })
    }
}

/// A gateway with the certificate that the authority of this installation has given it, and one that shows none.
#[tokio::test]
async fn paho_shows_a_certificate_and_is_its_device() {
    let gateway = Gateway::start().await;
    let Gateway { cloud, id, port, authority, .. } = &gateway;
    let (plant, rest) = (&cloud.plant, cloud.plant.client());
    let native = plant.device("gateway").await.0;
    for stream in ["temp", "state"] {
        rest.post("/api/data/", &json!({"name": stream, "device": native, "type": "fp64"})).await.created();
    }
    let [certificate, key] = gateway.issue("own").await;
    let port: u16 = port.parse().expect("a number");
    for version in ["3.1.1", "5"] {
        let settings = json!({
            "host": "127.0.0.1", "port": port, "version": version,
            // The client id begins with the device's, so that nobody takes over its sessions.
            "id": id, "topic": format!("basalt/{id}"), "ca": authority, "cert": certificate, "key": key,
        });
        let output = run_python("mqtt_client.py", &[&settings.to_string()]).await;
        check(&format!("paho with a certificate, {version}"), &output);
    }
    let stream = plant.stream("gateway", "temp").await;
    assert_eq!(plant.values(stream).await.len(), 12);

    // A key goes through TLS as well.
    let settings = json!({
        "host": "127.0.0.1", "port": port, "version": "5", "id": "by-key",
        "topic": "basalt/press", "ca": authority, "password": plant.server.key,
    });
    check("paho with a key over TLS", &run_python("mqtt_client.py", &[&settings.to_string()]).await);
}

/// Publishes a value with what a client shows over TLS; whether mosquitto_pub could.
async fn publishes_over_tls(port: &str, topic: &str, shown: &[&str]) -> bool {
    // It would go on trying for ever after some refusals.
    let mut command = Command::new("timeout");
    command.args(["20", "mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-q", "1", "-m", "1", "-t", topic]);
    command.args(shown);
    run(command).await.status.success()
}

#[tokio::test]
async fn only_the_current_certificate_of_a_device_is_let_in() {
    let gateway = Gateway::start().await;
    let Gateway { cloud, id, port, authority, .. } = &gateway;
    let first = gateway.issue("first").await;
    let own = format!("basalt/{id}/temp");
    let with = |pair: &[String; 2]| {
        ["--cafile", authority, "--cert", &pair[0], "--key", &pair[1], "-i", id].map(str::to_owned)
    };
    let publishes = async |topic: &str, shown: &[String]| {
        let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
        publishes_over_tls(port, topic, &shown).await
    };
    assert!(publishes(&own, &with(&first)).await, "the first certificate");
    let second = gateway.issue("second").await;
    assert!(publishes(&own, &with(&second)).await, "the second one");
    assert!(!publishes(&own, &with(&first)).await, "the first one is replaced");

    let file = |name: &str| format!("{}/tests/data/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let stranger = [file("server.pem"), file("server.key")];
    assert!(!publishes(&own, &with(&stranger)).await, "a certificate of another authority");
    let nothing = ["--cafile", authority].map(str::to_owned);
    assert!(!publishes(&own, &nothing).await, "neither a certificate nor a key");
    let mut another = with(&second);
    another[7] = "somebody".to_owned();
    assert!(!publishes(&own, &another).await, "a client id of somebody else");
    // The key of a certificate is no key of another device.
    publishes("basalt/press/temp", &with(&second)).await;
    assert!(cloud.plant.values(cloud.plant.streams[0]).await.is_empty(), "the topic of another device");
    assert_eq!(cloud.plant.values(cloud.plant.stream("gateway", "temp").await).await, [1.0, 1.0]);
}

/// Runs mosquitto_pub or mosquitto_sub against the broker.
fn mosquitto(plant: &Plant, program: &str, version: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(["-h", "127.0.0.1", "-p", &port(plant).to_string(), "-V", version]);
    command.args(["-u", "anybody", "-P", &plant.server.key]).args(args);
    command
}

async fn run(mut command: Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it was run");
    output.unwrap_or_else(|e| {
        panic!("{program} does not start ({e}): tests/run.sh installs Debian's mosquitto-clients when it is root; install it")
    })
}

/// Runs a program, which has to succeed, and returns what it prints.
async fn said(plant: &Plant, program: &str, version: &str, args: &[&str]) -> String {
    let output = run(mosquitto(plant, program, version, args)).await;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}, {version}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn mosquitto_publishes_and_is_sent_what_waited() {
    let plant = Plant::start().await;
    for version in ["mqttv311", "mqttv5"] {
        let name = format!("sub-{version}");
        let mut session = vec!["-i", &name, "-c", "-q", "1", "-t", "basalt/press/temp"];
        if version == "mqttv5" {
            session.extend(["-x", "3600"]);
        }
        said(&plant, "mosquitto_sub", version, &[&session[..], &["-E"]].concat()).await;
        for qos in ["0", "1", "2"] {
            let payload = format!("{qos}.5");
            let args = ["-q", qos, "-t", "basalt/press/temp", "-m", &payload];
            said(&plant, "mosquitto_pub", version, &args).await;
        }
        let three = ["-C", "3", "-W", "60", "-F", "%t %q %r %p"];
        let lines = said(&plant, "mosquitto_sub", version, &[&session[..], &three].concat()).await;
        let mut values: Vec<f64> = Vec::new();
        for line in lines.lines() {
            let payload = line.strip_prefix("basalt/press/temp 1 0 ").unwrap_or_else(|| panic!("{line}"));
            let payload: Value = serde_json::from_str(payload).expect("JSON");
            values.push(payload["value"].as_f64().expect("a number"));
        }
        values.sort_by(f64::total_cmp);
        assert_eq!(values, [0.5, 1.5, 2.5], "{version}");

        let state = "basalt/press/state";
        said(&plant, "mosquitto_pub", version, &["-r", "-q", "1", "-t", state, "-m", "7"]).await;
        let one = ["-q", "1", "-t", state, "-C", "1", "-W", "60", "-F", "%t %q %r %p"];
        assert_eq!(said(&plant, "mosquitto_sub", version, &one).await, format!("{state} 1 1 7\n"));
        said(&plant, "mosquitto_pub", version, &["-r", "-q", "1", "-t", state, "-n"]).await;
        // A hundred lines are a hundred messages.
        let path = plant.server.data_dir.path().join("lines");
        std::fs::write(&path, (0..100).map(|n| format!("{n}\n")).collect::<String>()).expect("written");
        let mut command =
            mosquitto(&plant, "mosquitto_pub", version, &["-l", "-q", "1", "-t", "basalt/press/rpm"]);
        command.stdin(Stdio::from(std::fs::File::open(&path).expect("it is there")));
        let output = run(command).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(plant.values(plant.streams[0]).await.len(), 6);
    assert_eq!(plant.values(plant.streams[1]).await.len(), 200);
    assert_eq!(plant.values(plant.streams[2]).await, [7.0, 7.0]);
}

#[tokio::test]
async fn mosquitto_is_told_why_it_is_refused() {
    let plant = Plant::start().await;
    for version in ["mqttv311", "mqttv5"] {
        for args in [
            &["-q", "1", "-t", "basalt/press/temp", "-m", "1", "-P", "nonsense"][..],
            &["-q", "1", "-t", "elsewhere/x", "-m", "1"],
        ] {
            let output = run(mosquitto(&plant, "mosquitto_pub", version, args)).await;
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            // The programs end with 0 after some refusals of 5.0, but they say so.
            assert!(!output.status.success() || !error.is_empty(), "{args:?}, {version}");
        }
    }
    assert!(plant.values(plant.streams[0]).await.is_empty());
}

#[tokio::test]
async fn the_will_of_mosquitto_is_published_when_it_is_killed() {
    let plant = Plant::start().await;
    let mut watcher = plant.subscriber(Version::V5, "watcher", "basalt/press/state", 1).await;
    for version in ["mqttv311", "mqttv5"] {
        let will = ["--will-topic", "basalt/press/state", "--will-payload", "3", "--will-qos", "1"];
        let args = [&["-i", "mortal", "-t", "basalt/press/temp", "-F", "%p"][..], &will].concat();
        let mut command = mosquitto(&plant, "mosquitto_sub", version, &args);
        let mut child =
            command.stdout(Stdio::null()).spawn().expect("mosquitto_sub starts: install mosquitto-clients");
        // It is there once it follows the feed: a metric tells.
        until!("it is connected", PATIENCE; plant.client().metric("basalt_mqtt_connections").await == 2.0);
        child.kill().expect("it runs");
        child.wait().expect("it has ended");
        assert_eq!(number(&watcher.take_message().await), 3.0, "{version}");
    }
}
