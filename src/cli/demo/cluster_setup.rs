//! The configuration of the demo's nodes: directories, ports, the secret, and the storage that they share.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use url::Url;

use super::query_process::QueryNodeSpec;
use super::{first_start, queries};
use crate::auth::key::random_text;
use crate::cli::args::ListenArgs;
use crate::cli::bound_socket::BoundSocket;
use crate::cli::config::{Config, ConfigFile, ConfigFlag};
use crate::cli::{serve, target};
use crate::domain::{Error, Result};

const DATA_DIR: &str = "data/demo-cluster";
/// Letters and digits of the secret: 285 bits.
const SECRET_LEN: usize = 48;
/// Rows from which queries are divided: its history has them, and without one the plant writes so many in a minute or two.
pub(super) const SPREAD_MIN_ROWS: u64 = 1000;
/// Port of the ingest node's listener for nodes, and of the query nodes: HTTP, and their listener for nodes. Those that are taken
/// are passed over.
const CLUSTER_PORT: u16 = 8002;
const QUERY_PORTS: [(u16, u16); 2] = [(8011, 8021), (8012, 8022)];
/// Distance from these to the ports of a demo whose own port is the system's choice: they lie below those that systems hand out.
const FREE_PORTS: std::ops::Range<u16> = 1_000..3_800;
/// How many ports are tried from one on.
const PORT_TRIES: u16 = 100;

/// The nodes of a demo.
pub(super) struct ClusterSetup {
    /// Configuration of the ingest node, which is this process.
    pub(super) config: Config,
    pub(super) query_nodes: Vec<QueryNodeSpec>,
    /// Whether the demo has more than its devices.
    pub(super) has_content: bool,
    /// Variables of every query node.
    shared: Vec<(&'static str, String)>,
}

impl ClusterSetup {
    /// Reads flags and environment, chooses ports that nobody listens on, and prepares the named queries unless the demo is to be
    /// empty.
    ///
    /// # Errors
    /// `Invalid` naming the key that is missing or cannot be used; `Unavailable` when no port is free.
    pub(super) async fn load(
        data_dir: Option<&Path>,
        listeners: ListenArgs,
        is_empty: bool,
    ) -> Result<ClusterSetup> {
        let settings = load_settings(data_dir, listeners.listen.as_deref())?;
        let root = std::path::absolute(&settings.data_dir)
            .map_err(|e| Error::field("data_dir", "has no absolute path").with_source(e))?;
        let catalog_url = settings.catalog_url.filter(|url| is_postgres(url)).ok_or_else(needs_database)?;
        let lake_url = match settings.lake.url {
            Some(url) => url,
            None => Url::from_directory_path(root.join("lake"))
                .map_err(|()| Error::field("data_dir", "is not a path of a lake"))?
                .to_string(),
        };
        let distance = if settings.listen.port() == 0 { rand::random_range(FREE_PORTS) } else { 0 };
        let (cluster_listen, query_nodes) = choose_addresses(distance, &root, &settings.data_dir).await?;
        let secret = random_text(SECRET_LEN);

        let flag = |key, value: &str| ConfigFlag { key, name: "--cluster", value: value.to_owned() };
        let mut flags = serve::config_flags(Some(&settings.data_dir.join("ingest")), listeners);
        flags.extend([
            flag("cluster.role", "ingest"),
            flag("cluster.listen", &cluster_listen.to_string()),
            flag("cluster.secret", &secret),
            flag("lake.url", &lake_url),
        ]);
        let mut config = Config::load(Config::default(), &ConfigFile::Ignored, flags)?;
        check_listener(&config)?;
        let has_content = first_start::has_content(&config.data_dir, is_empty)?;
        if config.queries_dir.is_none() {
            config.queries_dir = queries::prepare(&root, &config.data_dir, has_content)?;
        }
        let queries_dir =
            config.queries_dir.as_ref().map(|dir| ("BASALT_QUERIES_DIR", dir.display().to_string()));
        let mut shared = vec![
            ("BASALT_CATALOG_URL", catalog_url),
            ("BASALT_LAKE_URL", lake_url),
            ("BASALT_CLUSTER__SECRET", secret),
            ("BASALT_CLUSTER__OWNER", format!("http://{cluster_listen}")),
            ("BASALT_CLUSTER__SPREAD_MIN_ROWS", SPREAD_MIN_ROWS.to_string()),
        ];
        shared.extend(queries_dir);
        Ok(ClusterSetup { config, query_nodes, has_content, shared })
    }

    /// Returns the variables of a query node; `owner_http` is the URL of the ingest node.
    pub(super) fn environment(&self, node: &QueryNodeSpec, owner_http: &str) -> Vec<(&'static str, String)> {
        let own = [
            ("BASALT_CLUSTER__OWNER_HTTP", owner_http.to_owned()),
            ("BASALT_CLUSTER__LISTEN", node.cluster_listen.to_string()),
        ];
        self.shared.iter().cloned().chain(own).collect()
    }
}

/// Reads what the caller sets, whatever the environment says about clusters.
fn load_settings(data_dir: Option<&Path>, listen: Option<&str>) -> Result<Config> {
    let base = Config { data_dir: PathBuf::from(DATA_DIR), ..Config::default() };
    let mut flags = target::data_dir_flags(data_dir);
    flags.push(ConfigFlag { key: "cluster.role", name: "--cluster", value: "all".to_owned() });
    flags.extend(listen.map(|value| ConfigFlag { key: "listen", name: "--listen", value: value.to_owned() }));
    Config::load(base, &ConfigFile::Ignored, flags)
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn needs_database() -> Error {
    let message = "the nodes of a cluster share a catalog in PostgreSQL: set the variable BASALT_CATALOG_URL to an empty \
                   database. For example, start one by `docker run --name basalt-demo -d -p 127.0.0.1:5432:5432 -e \
                   POSTGRES_PASSWORD=demo postgres:17` (or make one by `createdb basalt_demo` on a server that runs), and then \
                   `BASALT_CATALOG_URL=postgres://postgres:demo@127.0.0.1/postgres basalt demo --cluster`";
    Error::field("catalog.url", message)
}

/// Checks that query nodes reach the ingest node on this machine without TLS.
fn check_listener(config: &Config) -> Result<()> {
    if config.tls.cert.is_some() {
        let message = "cannot be set beside --cluster: the nodes of the demo speak to each other without TLS";
        return Err(Error::field("http.tls_cert", message));
    }
    let ip = config.listen.ip().to_canonical();
    if ip.is_loopback() || ip.is_unspecified() {
        return Ok(());
    }
    let message = format!(
        "`{}` is not reached from this machine as 127.0.0.1, which the query nodes beside --cluster need: use 127.0.0.1:PORT \
         or 0.0.0.0:PORT",
        config.listen
    );
    Err(Error::field("listen", message))
}

/// Chooses the address of the ingest node's listener for nodes, and those of the query nodes. Their directories are below `root`,
/// which people call `shown_root`.
async fn choose_addresses(
    distance: u16,
    root: &Path,
    shown_root: &Path,
) -> Result<(SocketAddr, Vec<QueryNodeSpec>)> {
    // Held until all are chosen, so that each has its own.
    let cluster = bind_from(CLUSTER_PORT + distance).await?;
    let mut sockets = Vec::new();
    for (http, cluster_listen) in QUERY_PORTS {
        sockets.push((bind_from(http + distance).await?, bind_from(cluster_listen + distance).await?));
    }
    let specs = sockets.iter().enumerate().map(|(index, (http, cluster_listen))| {
        let name = format!("query{}", index + 1);
        QueryNodeSpec {
            listen: http.address,
            cluster_listen: cluster_listen.address,
            data_dir: root.join(&name),
            log: shown_root.join(format!("{name}.log")),
            name,
        }
    });
    Ok((cluster.address, specs.collect()))
}

/// Binds the first free port of this machine from one on.
async fn bind_from(first: u16) -> Result<BoundSocket> {
    let mut port = first;
    loop {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        match BoundSocket::new(address, "--cluster").await {
            Err(_) if port < first + PORT_TRIES => port += 1,
            bound => return bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::TlsFiles;

    #[tokio::test]
    async fn nodes_have_ports_and_directories_of_their_own() {
        let distance = FREE_PORTS.start;
        let (root, shown) = (Path::new("/srv/demo"), Path::new("demo"));
        let taken = bind_from(QUERY_PORTS[0].0 + distance).await.expect("a port");
        let (cluster, nodes) = choose_addresses(distance, root, shown).await.expect("ports");
        let mut addresses = vec![taken.address, cluster];
        addresses.extend(nodes.iter().flat_map(|node| [node.listen, node.cluster_listen]));
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), 6, "{addresses:?}");
        let dirs: Vec<_> = nodes.iter().map(|node| (node.data_dir.as_path(), node.log.as_path())).collect();
        let expected = [("/srv/demo/query1", "demo/query1.log"), ("/srv/demo/query2", "demo/query2.log")];
        assert_eq!(dirs, expected.map(|(dir, log)| (Path::new(dir), Path::new(log))));
    }

    #[test]
    fn query_nodes_reach_the_ingest_node_on_this_machine() {
        let rows = [
            ("127.0.0.1:8000", None),
            ("[::1]:0", None),
            ("0.0.0.0:8000", None),
            ("[::]:8000", None),
            ("10.0.0.5:8000", Some("listen")),
        ];
        for (listen, field) in rows {
            let config = Config { listen: listen.parse().expect(listen), ..Config::default() };
            let found = check_listener(&config).err().map(|error| error.fields[0].field.to_string());
            assert_eq!(found.as_deref(), field, "{listen}");
        }
        let tls = TlsFiles { cert: Some("cert.pem".into()), key: None };
        let with_tls = Config { tls, ..Config::default() };
        assert_eq!(check_listener(&with_tls).expect_err("TLS").fields[0].field, "http.tls_cert");
    }

    #[test]
    fn without_a_database_the_error_says_how_to_get_one() {
        let error = needs_database();
        assert_eq!(error.fields[0].field, "catalog.url");
        for part in ["BASALT_CATALOG_URL", "postgres://", "docker run", "createdb", "--cluster"] {
            assert!(error.message.contains(part), "`{part}` is missing in: {error}");
        }
        assert!(is_postgres("postgresql://db/plant") && !is_postgres("sqlite://plant.db"));
    }
}
