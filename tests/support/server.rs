//! A running `basalt serve`, and the ways it ends: asked to, or killed.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;

use super::eventually;
use super::{Client, Cluster, CommandOutput, DataDir, ObjectStore};

/// The secret of the key with every scope, as `BASALT_BOOTSTRAP_KEY` has it.
const BOOTSTRAP_KEY: &str = "bslt_tests_0123456789abcdef0123456789abcdef";

const SERVER_TIMEOUT: Duration = Duration::from_secs(60);

/// The server of a data directory. Dropping it kills it.
pub struct Server {
    pub url: String,
    /// A key that may do everything in the default organization.
    pub key: String,
    pub data_dir: Arc<DataDir>,
    port: u16,
    env: Vec<(String, String)>,
    /// Of its address space, MiB; `None` is unlimited.
    limit_mib: Option<u64>,
    child: Child,
    log: Arc<Mutex<String>>,
    /// The query node that `url` belongs to, when one is in front of the server.
    query_node: Option<Box<QueryNode>>,
}

/// How long query nodes take to know each other well enough to divide queries.
const JOIN_TIME: Duration = Duration::from_secs(10);

/// A query node in front of a server, perhaps another that works on its queries, and the store of their lake.
struct QueryNode {
    node: Server,
    _other: Option<Server>,
    _store: ObjectStore,
}

impl Server {
    /// Starts one on a fresh data directory with these variables; it answers when this returns.
    pub async fn start(env: &[(&str, &str)]) -> Server {
        Server::start_in(Arc::new(DataDir::new()), env).await
    }

    /// Starts one, with a client that may do everything.
    pub async fn with_client(env: &[(&str, &str)]) -> (Server, Client) {
        let server = Server::start(env).await;
        let client = server.client();
        (server, client)
    }

    /// Starts one on a directory that may have been used before.
    pub async fn start_in(home: Arc<DataDir>, env: &[(&str, &str)]) -> Server {
        Server::start_with_limit(home, None, env).await
    }

    /// Starts one whose address space is limited to so many MiB.
    pub async fn start_limited(limit_mib: u64, env: &[(&str, &str)]) -> Server {
        Server::start_with_limit(Arc::new(DataDir::new()), Some(limit_mib), env).await
    }

    /// Starts one that clients ask directly, whatever `BASALT_TEST_CLUSTER` says.
    pub async fn start_alone(home: Arc<DataDir>, env: &[(&str, &str)]) -> Server {
        Server::spawn(home, None, env).await
    }

    /// Starts one behind a query node, whose address its `url` is. With `BASALT_TEST_CLUSTER=2` there is another one, and every
    /// query is divided that can be.
    async fn start_behind_query_node(home: Arc<DataDir>, env: &[(&str, &str)]) -> Server {
        let cluster = Cluster::start_in(home, env).await;
        // Its limits are those of the case; listeners other than those of SQL are the ingest node's.
        let is_own = |name: &str| {
            !name.contains("LISTEN") || name.starts_with("BASALT_PG") || name.starts_with("BASALT_FLIGHT")
        };
        let mut own: Vec<_> = env.iter().copied().filter(|(name, _)| is_own(name)).collect();
        let is_divided = std::env::var("BASALT_TEST_CLUSTER").is_ok_and(|nodes| nodes == "2");
        let other = match is_divided {
            true => {
                own.push(("BASALT_CLUSTER__SPREAD_MIN_ROWS", "0"));
                Some(cluster.query_node(&[]).await)
            }
            false => None,
        };
        let node = cluster.query_node(&own).await;
        if is_divided {
            tokio::time::sleep(JOIN_TIME).await;
        }
        let Cluster { mut ingest, store, .. } = cluster;
        ingest.url.clone_from(&node.url);
        ingest.query_node = Some(Box::new(QueryNode { node, _other: other, _store: store }));
        ingest
    }

    async fn start_with_limit(home: Arc<DataDir>, limit_mib: Option<u64>, env: &[(&str, &str)]) -> Server {
        // `tests/long.sh cluster` runs cases a second time through a query node.
        let has_own_storage =
            env.iter().any(|(name, _)| matches!(*name, "BASALT_LAKE_URL" | "BASALT_CATALOG_URL"));
        if std::env::var_os("BASALT_TEST_CLUSTER").is_some() && limit_mib.is_none() && !has_own_storage {
            return Box::pin(Server::start_behind_query_node(home, env)).await;
        }
        Server::spawn(home, limit_mib, env).await
    }

    async fn spawn(home: Arc<DataDir>, limit_mib: Option<u64>, env: &[(&str, &str)]) -> Server {
        let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let port = free_port();
        let (child, log) = spawn(&home, port, limit_mib, &env).await;
        let url = format!("http://127.0.0.1:{port}");
        let (key, query_node) = (BOOTSTRAP_KEY.to_owned(), None);
        Server { url, key, data_dir: home, port, env, limit_mib, child, log, query_node }
    }

    /// A client that may do everything.
    pub fn client(&self) -> Client {
        Client::new(&self.url, &self.key)
    }

    /// Runs a command on the data directory, beside the server.
    pub async fn basalt(&self, args: &[&str]) -> CommandOutput {
        self.data_dir.basalt(args).await
    }

    /// A new key, restricted by what `basalt key create` takes: `--scope`, `--device`, `--data`, `--org`.
    pub async fn create_key(&self, args: &[&str]) -> String {
        let args = [&["key", "create", "--name", "test"], args].concat();
        self.basalt(&args).await.expect_success().trim().to_owned()
    }

    /// A client with a new key, restricted as `create_key` takes it.
    pub async fn client_with(&self, args: &[&str]) -> Client {
        self.client().with_key(&self.create_key(args).await)
    }

    /// Ends the process at once and starts it again.
    pub async fn crash(&mut self) {
        self.kill();
        self.start_again().await;
    }

    /// Ends the process at once, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it has ended");
    }

    /// Asks it to stop, as an operator would: it has to end in order, with exit code 0.
    pub async fn stop(&mut self) {
        self.signal("TERM");
        let status = self.wait_for_exit().await;
        assert_eq!(status.code(), Some(0), "{}", self.log());
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill(1) is there");
        assert!(sent.success());
    }

    /// Waits for the process to end by itself.
    pub async fn wait_for_exit(&mut self) -> std::process::ExitStatus {
        let child = &mut self.child;
        eventually("the server ends", SERVER_TIMEOUT, || {
            let status = child.try_wait().expect("it is our child");
            async move { status }
        })
        .await
    }

    /// Whether the process is still the one that was started.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// Starts it again on the same directory, address and variables, after `kill` or `stop`.
    pub async fn start_again(&mut self) {
        assert!(self.child.try_wait().expect("it is our child").is_some(), "it still runs");
        (self.child, self.log) = spawn(&self.data_dir, self.port, self.limit_mib, &self.env).await;
    }

    /// Stops it in order and starts it again.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    /// The most memory it has held at once, in MiB; `None` where the system does not tell (it is not Linux).
    pub fn peak_memory_mib(&self) -> Option<u64> {
        self.memory_mib("VmHWM:")
    }

    /// Has `peak_memory_mib` count from now on; what it holds now, in MiB.
    pub fn reset_peak_memory(&self) -> Option<u64> {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").ok()?;
        self.memory_mib("VmRSS:")
    }

    fn memory_mib(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib / 1024)
    }

    /// Address for PostgreSQL's tools, when it was started with a place for them.
    pub fn pg_address(&self) -> String {
        self.listens_on("postgres")
    }

    /// Address for clients of Arrow Flight SQL.
    pub fn flight_address(&self) -> String {
        self.listens_on("grpc")
    }

    /// Address of the on-premise interface.
    pub fn onpremise_address(&self) -> String {
        self.listens_on("onpremise")
    }

    /// Address of OpenSynaptic's own listener.
    pub fn opensynaptic_address(&self) -> String {
        self.listens_on("opensynaptic")
    }

    /// Address of the MQTT broker without TLS.
    pub fn mqtt_address(&self) -> String {
        self.listens_on("mqtt")
    }

    fn listens_on(&self, scheme: &str) -> String {
        let sql_node = self.query_node.as_ref().filter(|_| ["postgres", "grpc"].contains(&scheme));
        let log = sql_node.map_or_else(|| self.log(), |node| node.node.log());
        let address_on =
            log.split(&format!("listening on {scheme}://")).nth(1).expect("it says where it listens");
        address_on.split_whitespace().next().expect("an address").to_owned()
    }

    /// Log since it was started.
    pub fn log(&self) -> String {
        self.log.lock().expect("no test panics while it holds this").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; either way it is gone afterwards.
        self.child.kill().unwrap_or(());
        let _ = self.child.wait();
    }
}

async fn spawn(
    home: &DataDir,
    port: u16,
    limit_mib: Option<u64>,
    env: &[(String, String)],
) -> (Child, Arc<Mutex<String>>) {
    let mut command = home.command();
    if let Some(limit_mib) = limit_mib {
        command = with_address_space_limit(&command, limit_mib);
    }
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]);
    command.env("BASALT_BOOTSTRAP_KEY", BOOTSTRAP_KEY).envs(env.iter().cloned());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let (log, listening) = collect_log(child.stderr.take().expect("a pipe"));
    let answers = matches!(tokio::time::timeout(SERVER_TIMEOUT, listening).await, Ok(Ok(())));
    if !answers {
        child.kill().unwrap_or(());
        panic!("the server does not answer: {}", log.lock().expect("it only panics here"));
    }
    (child, log)
}

/// Runs a program with its address space limited by the shell, which becomes the program.
fn with_address_space_limit(command: &Command, limit_mib: u64) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -v {} && exec \"$@\"", limit_mib * 1024), "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        shell.current_dir(dir);
    }
    shell
}

/// Collects a log; the receiver hears when it says that the server answers, or errs when it ends without.
fn collect_log(stderr: impl Read + Send + 'static) -> (Arc<Mutex<String>>, oneshot::Receiver<()>) {
    let log = Arc::new(Mutex::new(String::new()));
    let (tell, listening) = oneshot::channel();
    let collected = log.clone();
    std::thread::spawn(move || {
        let mut tell = Some(tell);
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            {
                let mut log = collected.lock().expect("no test panics while it holds this");
                log.push_str(&line);
                log.push('\n');
            }
            // HTTP is the last of the listeners that tell.
            if line.contains("listening on http") {
                tell.take().map(|tell| tell.send(()));
            }
        }
    });
    (log, listening)
}

/// A port nobody listens on. It lies below the range that systems hand out by themselves, so that it is still free
/// after a restart, whatever else runs meanwhile.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 18_000;
    let start = (std::process::id() % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        // A prime apart, so that test processes started one after the other do not share a neighbourhood.
        let port = FIRST + ((u32::from(start) * 101 + u32::from(offset)) % u32::from(COUNT)) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free between {FIRST} and {}", FIRST + COUNT);
}
