//! Servers with more than one organization.

use super::Server;

impl Server {
    /// Starts one that has an organization beside the default one.
    pub async fn start_with_org(slug: &str) -> Server {
        let server = Server::start(&[]).await;
        server.basalt(&["org", "create", slug]).await.expect_success();
        server
    }
}
