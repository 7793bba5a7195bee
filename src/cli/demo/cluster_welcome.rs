//! Output of the demo of a cluster once all nodes answer.

use std::path::Path;

use super::cluster_setup::SPREAD_MIN_ROWS;
use super::plant::DemoCredentials;
use super::query_process::QueryProcess;
use super::welcome::{render_credentials, render_link};

/// A query node, as it is shown.
pub(super) struct NodeLine<'a> {
    pub(super) url: &'a str,
    pub(super) pid: u32,
}

impl<'a> From<&'a QueryProcess> for NodeLine<'a> {
    fn from(node: &'a QueryProcess) -> Self {
        NodeLine { url: node.url(), pid: node.pid() }
    }
}

/// Returns the text; `url` and `data_dir` are those of the ingest node.
pub(super) fn render_cluster_welcome(
    url: &str,
    link: Option<&str>,
    data_dir: &Path,
    nodes: &[NodeLine<'_>],
    secrets: &Option<DemoCredentials>,
) -> String {
    let (dir, open) = (data_dir.display(), render_link(link));
    let (credentials, key) = render_credentials(secrets, data_dir);
    let lines: String =
        nodes.iter().map(|node| format!("  query     {}, process {}\n", node.url, node.pid)).collect();
    let Some((first, last)) = nodes.first().zip(nodes.last()) else { return String::new() };
    let (first, pid) = (first.url, last.pid);
    format!(
        "
Basalt demo: a simulated plant behind Modbus, FEnet, MELSEC and OPC UA, read every second by the ingest node of a cluster; query
nodes answer SQL over its lake, and hand every other request on to it.

{open}  ingest    {url}, process {}
{lines}  pages     {url}/ui/ (the plant), {url}/ui/sql (SQL), {url}/graphiql (GraphQL)
{credentials}
  data      {dir}, and beside it the logs of the query nodes

Try:

  curl -s {first}/sql -H \"Authorization: ApiKey {key}\" \\
    -d 'SELECT s.name, r.ts, r.value FROM readings r JOIN streams s ON s.id = r.stream_id ORDER BY r.ts DESC LIMIT 8'

  basalt cluster status --data-dir {dir}

Query nodes divide a scan of {SPREAD_MIN_ROWS} rows, which are there after a minute or two at the latest (outside of the demo it takes
millions). The first counter is of queries that were divided, the last of the parts that the node worked on:

  curl -s {first}/sql -H \"Authorization: ApiKey {key}\" \\
    -d 'SELECT stream_id, count(*) AS n, avg(value + 0) AS mean FROM readings GROUP BY 1 ORDER BY 1'

  curl -s {first}/metrics -H \"Authorization: ApiKey {key}\" | grep -E '^basalt_(queries_spread|query_tasks)_total'

One query node ends, and the others go on:

  kill {pid}

Ctrl-C stops all of them.
",
        std::process::id()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_is_shown_with_what_can_be_tried_on_it() {
        let (url, dir) = ("http://127.0.0.1:8000", Path::new("demo/ingest"));
        let nodes = [("http://127.0.0.1:8011", 77), ("http://127.0.0.1:8012", 78)];
        let nodes = nodes.map(|(url, pid)| NodeLine { url, pid });
        let secrets = Some(DemoCredentials { password: "pass-word".into(), key: "bslt_key".into() });
        let text = render_cluster_welcome(url, Some("http://x/ui/#login=t"), dir, &nodes, &secrets);
        for part in [
            "ingest    http://127.0.0.1:8000, process ",
            "query     http://127.0.0.1:8011, process 77",
            "query     http://127.0.0.1:8012, process 78",
            "curl -s http://127.0.0.1:8011/sql -H \"Authorization: ApiKey bslt_key\"",
            "basalt cluster status --data-dir demo/ingest",
            "basalt_(queries_spread|query_tasks)_total",
            "kill 78",
            "open      http://x/ui/#login=t",
        ] {
            assert!(text.contains(part), "`{part}` is missing in: {text}");
        }
        let later = render_cluster_welcome(url, None, dir, &nodes, &None);
        assert!(later.contains("basalt key create") && later.contains("ApiKey $KEY"), "{later}");
    }
}
