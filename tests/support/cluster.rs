//! An ingest node and query nodes over one catalog in PostgreSQL and one lake in an object store.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, Database};

use super::{DataDir, ObjectStore, Server, free_port};

/// Secret that all nodes of a cluster know.
pub const SECRET: &str = "a-secret-of-tests-0123456789abcdef0123456789";

/// A cluster of one ingest node; query nodes are added to it.
pub struct Cluster {
    pub ingest: Server,
    pub store: ObjectStore,
    catalog_url: String,
    listen: String,
}

impl Cluster {
    /// Starts the ingest node with these variables besides.
    pub async fn start(env: &[(&str, &str)]) -> Cluster {
        Cluster::start_in(Arc::new(DataDir::new()), env).await
    }

    /// Starts the ingest node on a directory.
    pub async fn start_in(home: Arc<DataDir>, env: &[(&str, &str)]) -> Cluster {
        Cluster::start_over(ObjectStore::start().await, home, env).await
    }

    /// Starts the ingest node over an object store that runs. `AWS_ENDPOINT_URL` among the variables names what is before it.
    pub async fn start_over(store: ObjectStore, home: Arc<DataDir>, env: &[(&str, &str)]) -> Cluster {
        Cluster::start_on(database("cluster").await, store, home, env).await
    }

    /// Starts the ingest node with its catalog in this database, which is empty.
    pub async fn start_on(
        catalog_url: String,
        store: ObjectStore,
        home: Arc<DataDir>,
        env: &[(&str, &str)],
    ) -> Cluster {
        let listen = format!("127.0.0.1:{}", free_port());
        let mut all = ingest_env(&store, &catalog_url, &listen);
        all.extend(env);
        let ingest = Server::start_alone(home, &all).await;
        Cluster { ingest, store, catalog_url, listen }
    }

    /// Starts a second ingest node over the same catalog and lake, on a copy of the first one's directory.
    pub async fn second_ingest_node(&self, home: Arc<DataDir>, env: &[(&str, &str)]) -> Server {
        let listen = format!("127.0.0.1:{}", free_port());
        let mut all = ingest_env(&self.store, &self.catalog_url, &listen);
        all.extend(env);
        Server::start_alone(home, &all).await
    }

    /// The database of the catalog.
    pub fn catalog_url(&self) -> &str {
        &self.catalog_url
    }

    /// The URL at which query nodes ask the ingest node.
    pub fn owner_url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Starts a query node with these variables besides. It listens for other query nodes.
    pub async fn query_node(&self, env: &[(&str, &str)]) -> Server {
        let owner = self.owner_url();
        let listen = format!("127.0.0.1:{}", free_port());
        let mut all = self.store.env().to_vec();
        all.extend([
            ("BASALT_LAKE_URL", "s3://plant/lake"),
            ("BASALT_CATALOG_URL", &self.catalog_url),
            ("BASALT_CLUSTER__ROLE", "query"),
            ("BASALT_CLUSTER__LISTEN", &listen),
            ("BASALT_CLUSTER__OWNER", &owner),
            ("BASALT_CLUSTER__OWNER_HTTP", &self.ingest.url),
            ("BASALT_CLUSTER__SECRET", SECRET),
        ]);
        all.extend(env);
        Server::start_alone(Arc::new(DataDir::new()), &all).await
    }
}

/// Variables of an ingest node that listens for nodes there.
fn ingest_env<'a>(store: &'a ObjectStore, catalog_url: &'a str, listen: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut all = store.env().to_vec();
    all.extend([
        ("BASALT_LAKE_URL", "s3://plant/lake"),
        ("BASALT_CATALOG_URL", catalog_url),
        ("BASALT_CLUSTER__LISTEN", listen),
        ("BASALT_CLUSTER__SECRET", SECRET),
        // Longer than any case lets a query take.
        ("BASALT_LAKE__KEEP_REMOVED", "1h"),
    ]);
    all
}

/// A database of its own on the server that the tests have; its URL.
pub async fn database(name: &str) -> String {
    let server = std::env::var("BASALT_TEST_POSTGRES").expect("BASALT_TEST_POSTGRES is set by tests/run.sh");
    let name = format!("{name}_{}", uuid::Uuid::new_v4().simple());
    let admin = Database::connect(&server).await.expect("it answers");
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.expect("made");
    admin.close().await.expect("closed");
    let mut url = url::Url::parse(&server).expect("a URL");
    url.set_path(&name);
    url.to_string()
}
