//! Other people's programs, in the environments of Python and of Node.js that tests/run.sh prepares.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::peer_process::PeerProcess;

/// The interpreter with the pinned peers.
fn interpreter() -> PathBuf {
    let path = std::env::var_os("BASALT_TEST_PYTHON");
    path.expect(
        "BASALT_TEST_PYTHON is not set: run the tests with tests/run.sh, which prepares what they need",
    )
    .into()
}

/// A script of tests/peers/, to be started: by tests/peers/fork_server.py, which has imported what the scripts need.
pub fn script(name: &str) -> Command {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers");
    let mut command = Command::new(interpreter());
    command.args(["-S", "-E", &format!("{folder}/fork_client.py"), &format!("{folder}/{name}")]);
    command
}

/// A script of tests/peers/ that is a server, with the port where it has to listen.
fn script_at(name: &str, port: u16) -> Command {
    let mut command = script(name);
    command.args(["--port", &port.to_string()]);
    command
}

/// A script of tests/peers/npm/, to be started by Node.js.
pub fn node_script(name: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(format!("{}/tests/peers/npm/{name}", env!("CARGO_MANIFEST_DIR")));
    command
}

/// Runs a script of tests/peers/ to its end; the JSON it prints.
pub async fn run_python(name: &str, args: &[&str]) -> Value {
    let mut command = script(name);
    command.args(args);
    json_of(name, command).await
}

/// Runs a script of tests/peers/npm/ to its end; the JSON it prints.
pub async fn run_node(name: &str, args: &[&str]) -> Value {
    let mut command = node_script(name);
    command.args(args);
    json_of(name, command).await
}

async fn json_of(name: &str, mut command: Command) -> Value {
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it was run");
    let output = output.expect("the interpreter is there: tests/run.sh prepares it");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{name} printed no JSON: {e}: {stderr}"))
}

/// Runs a program of examples/ with these variables; what it prints.
pub async fn run_example(name: &str, env: &[(&str, &str)]) -> String {
    let mut command = Command::new(interpreter());
    command.arg(format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"))).envs(env.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it was run");
    let output = output.expect("the interpreter starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A Modbus device that is not our code: tests/peers/modbus_server.py. Dropping it kills it.
pub struct ModbusDevice {
    pub port: u16,
    /// Its points: `{"path", "type", "wordorder", "value"}` each.
    pub points: Vec<Value>,
    process: PeerProcess,
}

impl ModbusDevice {
    /// Starts one; it answers when this returns. `framer` is `socket` for TCP, `rtu` for RTU over TCP.
    pub async fn start(port: u16, framer: &'static str) -> ModbusDevice {
        let mut command = script_at("modbus_server.py", port);
        command.args(["--framer", framer]);
        let (process, points) = PeerProcess::start_ready(command).await;
        ModbusDevice { port, points, process }
    }

    /// Pulls the plug.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

/// An S7 CPU that is not our code: tests/peers/s7_server.py. Dropping it kills it.
pub struct S7Cpu {
    pub port: u16,
    /// Its points: `{"path", "type", "value"}` each.
    pub points: Vec<Value>,
    _process: PeerProcess,
}

impl S7Cpu {
    /// Starts one; it answers when this returns.
    pub async fn start(port: u16) -> S7Cpu {
        let (_process, points) = PeerProcess::start_ready(script_at("s7_server.py", port)).await;
        S7Cpu { port, points, _process }
    }
}

/// An EtherNet/IP controller that is not our code: tests/peers/eip_server.py. Dropping it kills it.
pub struct EipController {
    pub port: u16,
    /// Its tags: `{"path", "type", "value"}` each.
    pub tags: Vec<Value>,
    _process: PeerProcess,
}

impl EipController {
    /// Starts one; it answers when this returns.
    pub async fn start(port: u16) -> EipController {
        let (_process, tags) = PeerProcess::start_ready(script_at("eip_server.py", port)).await;
        EipController { port, tags, _process }
    }
}

/// A serial line with Modbus devices that are not our code: tests/peers/modbus_line.py. Dropping it unplugs the port.
pub struct ModbusLine {
    /// Path of the port.
    pub port: String,
    _process: PeerProcess,
}

impl ModbusLine {
    /// Starts one with the units 1, 2 and 3, whose holding register 0 is the unit times 100.
    pub async fn start() -> ModbusLine {
        let (_process, port) = PeerProcess::start_ready(script("modbus_line.py")).await;
        ModbusLine { port, _process }
    }
}

/// A signature as the object store wants one for an object that exists; it is not checked.
pub const ANY_SIGNATURE: &str =
    "AWS4-HMAC-SHA256 Credential=test/20260428/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// An object store that is not our code: tests/peers/s3_server.py, with the bucket `plant`. Dropping it kills it.
pub struct ObjectStore {
    pub url: String,
    process: PeerProcess,
}

impl ObjectStore {
    /// Starts one; it answers when this returns.
    pub async fn start() -> ObjectStore {
        let mut command = script("s3_server.py");
        command.args(["--bucket", "plant"]).stderr(Stdio::null());
        let (process, port) = PeerProcess::start(command).await;
        ObjectStore { url: format!("http://127.0.0.1:{port}"), process }
    }

    /// Variables with which a server reaches it.
    pub fn env(&self) -> [(&str, &str); 5] {
        [
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
    }

    /// Names of the objects that begin with `prefix`.
    pub async fn objects(&self, prefix: &str) -> Vec<String> {
        let url = format!("{}/plant?list-type=2&prefix={prefix}", self.url);
        let listed = reqwest::get(url).await.expect("the store answers").text().await.expect("a list");
        let keys = listed.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.map(str::to_owned).collect()
    }

    /// The text of an object.
    pub async fn read(&self, name: &str) -> String {
        let request = reqwest::Client::new().get(format!("{}/plant/{name}", self.url));
        let answer = request.header("authorization", ANY_SIGNATURE).send().await.expect("the store answers");
        assert!(answer.status().is_success(), "{name}: {}", answer.status());
        answer.text().await.expect("a text")
    }

    /// Begins a multipart upload, which nobody ends; its id.
    pub async fn begin_parts(&self, key: &str) -> String {
        let url = format!("{}/plant/{key}?uploads", self.url);
        let begun = reqwest::Client::new().post(url).send().await.expect("the store answers");
        let begun = begun.text().await.expect("a text");
        let id = begun.split("<UploadId>").nth(1).and_then(|rest| rest.split("</UploadId>").next());
        id.unwrap_or_else(|| panic!("no id in {begun}")).to_owned()
    }

    /// How many multipart uploads have not ended.
    pub async fn unfinished(&self) -> usize {
        let listed = reqwest::get(format!("{}/plant?uploads", self.url)).await.expect("the store answers");
        listed.text().await.expect("a list").matches("<Upload>").count()
    }

    /// Takes it off the network.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

/// A Sparkplug B edge node that is not our code: tests/peers/sparkplug_node.py. Dropping it kills it, and its broker
/// publishes its death.
pub struct SparkplugNode(PeerProcess);

impl SparkplugNode {
    /// Starts one at this broker, with a password where the broker wants one; its births are sent when this returns.
    pub async fn start(port: u16, bd_seq: u8, password: Option<&str>) -> SparkplugNode {
        let mut command = script_at("sparkplug_node.py", port);
        command.args(["--bd-seq", &bd_seq.to_string()]);
        command.args(password.iter().flat_map(|password| ["--password", password]));
        let (process, line) = PeerProcess::start(command).await;
        assert_eq!(line, "ready", "the node is born");
        SparkplugNode(process)
    }

    /// Has it do something, as tests/peers/sparkplug_node.py says.
    pub fn act(&mut self, order: &Value) {
        self.0.order(order);
    }

    /// The next command that it got for this metric.
    pub fn command(&mut self, metric: &str) -> Value {
        loop {
            let command: Value = serde_json::from_str(&self.0.line()).unwrap_or_default();
            if command["command"] == metric {
                return command;
            }
        }
    }
}

/// An MQTT broker that is not our code: tests/peers/mqtt_broker.py. Dropping it kills it.
pub struct MqttPeer {
    pub port: u16,
    process: PeerProcess,
}

impl MqttPeer {
    /// Starts one; it listens when this returns.
    pub async fn start(port: u16) -> MqttPeer {
        let (process, line) = PeerProcess::start(script_at("mqtt_broker.py", port)).await;
        assert_eq!(line, "ready", "the broker listens");
        MqttPeer { port, process }
    }

    /// Publishes a message; the broker has it when this returns.
    pub fn publish(&mut self, topic: &str, payload: &str, is_retained: bool) {
        self.process.order(&serde_json::json!({"topic": topic, "payload": payload, "retain": is_retained}));
        assert_eq!(self.process.line(), "published");
    }

    /// The next message that somebody published below `set/`.
    pub fn received(&mut self) -> Value {
        serde_json::from_str(&self.process.line()).expect("JSON")
    }

    /// Takes it off the network.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}
