//! Output of the demo once it answers.

use std::path::Path;

use super::plant::{DemoCredentials, USER};
use crate::app::App;
use crate::domain::{Principal, Result, StreamId};

/// Returns the address that logs a browser of this machine in once; `None` when other machines reach the server, or when
/// nobody is left to log in. The token is in the fragment, which browsers send to no server.
pub(super) fn login_link(app: &App, owner: &Principal, url: &str) -> Result<Option<String>> {
    if !is_loopback(url) || !app.users.has_user(owner, USER)? {
        return Ok(None);
    }
    let token = app.sessions.issue_login_link(owner, USER)?;
    Ok(token.map(|token| format!("{url}/ui/#login={token}")))
}

fn is_loopback(url: &str) -> bool {
    match url::Url::parse(url).ok().as_ref().and_then(|url| url.host()) {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(_)) | None => false,
    }
}

/// Output of a demo of one server once it answers.
pub(super) struct Welcome<'a> {
    pub(super) url: &'a str,
    /// Address that logs a browser in.
    pub(super) link: Option<&'a str>,
    pub(super) data_dir: &'a Path,
    /// Stream of the examples.
    pub(super) example: StreamId,
    pub(super) credentials: &'a Option<DemoCredentials>,
    /// Whether readings from before the first start were calculated.
    pub(super) has_history: bool,
    /// Whether the named queries of the demo are there.
    pub(super) has_queries: bool,
    /// Whether there is a model that watches the furnace.
    pub(super) has_model: bool,
}

impl Welcome<'_> {
    /// Returns the text.
    pub(super) fn render(&self) -> String {
        let Welcome { url, example, .. } = self;
        let dir = self.data_dir.display();
        let open = render_link(self.link);
        let (credentials, key) = render_credentials(self.credentials, self.data_dir);
        let (content, drift) = (self.render_content(), self.render_drift(key));
        format!(
            "
Basalt demo: a simulated plant behind Modbus, FEnet, MELSEC and OPC UA, read every second.

{open}  REST      {url}/api/device/
  SQL       {url}/sql
  pages     {url}/ui/ (the plant), {url}/ui/sql (SQL), {url}/graphiql (GraphQL)
{credentials}
  data      {dir}

Try:

  curl -s {url}/sql -H \"Authorization: ApiKey {key}\" \\
    -d 'SELECT s.name, r.ts, r.value FROM readings r JOIN streams s ON s.id = r.stream_id ORDER BY r.ts DESC LIMIT 8'

  curl -s '{url}/api/data/{example}/value/?limit=3' -H \"Authorization: ApiKey {key}\"

  basalt sql 'SELECT stream_id, count(*) AS n, avg(value) AS mean FROM readings GROUP BY stream_id' --data-dir {dir}

{content}{drift}
Ctrl-C stops it.
"
        )
    }

    /// Returns the lines about history and named queries; none of what is not there.
    fn render_content(&self) -> String {
        let history = "The week before the first start is simulated as well, for trends and comparisons.\n";
        let queries = "The named queries plant-… answer questions about the plant.\n";
        let lines = [(self.has_history, history), (self.has_queries, queries)];
        lines.into_iter().filter_map(|(is_there, line)| is_there.then_some(line)).collect()
    }

    /// Returns the lines about the fault of the furnace; none without the model that finds it.
    fn render_drift(&self, key: &str) -> String {
        if !self.has_model {
            return String::new();
        }
        format!(
            "30 s after the start the furnace's thermometer drifts, and a model finds it:

  curl -s '{}/api/event-log/?kind=anomaly' -H \"Authorization: ApiKey {key}\"
",
            self.url
        )
    }
}

/// Returns the lines with the address that logs a browser in; none without one.
pub(super) fn render_link(link: Option<&str>) -> String {
    match link {
        Some(link) => {
            format!("  open      {link}\n            (logs a browser in, once, within 15 minutes)\n\n")
        }
        None => String::new(),
    }
}

/// Returns the lines about user and key, and the key as examples have it.
pub(super) fn render_credentials<'a>(
    secrets: &'a Option<DemoCredentials>,
    data_dir: &Path,
) -> (String, &'a str) {
    match secrets {
        Some(DemoCredentials { password, key }) => (
            format!(
                "  user      {USER}, password {password}\n  key       {key}\n            (both are shown this once)"
            ),
            key.as_str(),
        ),
        None => (
            format!(
                "  user and key were shown at the first start; another key:\n            \
                 basalt key create --name me --data-dir {}",
                data_dir.display()
            ),
            "$KEY",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_at_the_first_start_only() {
        let credentials = &Some(DemoCredentials { password: "pass-word".into(), key: "bslt_key".into() });
        let first = Welcome {
            url: "http://127.0.0.1:8000",
            link: Some("http://x/ui/#login=t"),
            data_dir: Path::new("data/demo"),
            example: StreamId(2),
            credentials,
            has_history: true,
            has_queries: true,
            has_model: true,
        };
        let text = first.render();
        for part in [
            "pass-word",
            "ApiKey bslt_key",
            "http://127.0.0.1:8000/sql",
            "/api/data/2/value/",
            "--data-dir data/demo",
            "open      http://x/ui/#login=t",
            "The week before the first start",
            "plant-…",
            "?kind=anomaly",
        ] {
            assert!(text.contains(part), "`{part}` is missing in: {text}");
        }
        let later = Welcome { link: None, credentials: &None, ..first }.render();
        for part in ["basalt key create", "ApiKey $KEY"] {
            assert!(later.contains(part), "`{part}` is missing in: {later}");
        }
        assert!(!later.contains("#login"), "{later}");
    }

    #[test]
    fn it_tells_of_nothing_that_is_not_there() {
        for (has_history, has_queries, has_model) in
            [(true, false, false), (false, true, false), (false, false, true), (false, false, false)]
        {
            let text = Welcome {
                url: "http://127.0.0.1:8000",
                link: None,
                data_dir: Path::new("data/demo"),
                example: StreamId(2),
                credentials: &None,
                has_history,
                has_queries,
                has_model,
            }
            .render();
            let parts = ["The week before", "plant-…", "anomaly"].map(|part| text.contains(part));
            assert_eq!(parts, [has_history, has_queries, has_model], "{text}");
        }
    }

    #[test]
    fn only_an_address_of_this_machine_gets_a_link() {
        for (url, expected) in [
            ("http://127.0.0.1:8000", true),
            ("https://[::1]:8000", true),
            ("http://10.0.0.7:8000", false),
            ("http://0.0.0.0:8000", false),
            ("http://plant.example:8000", false),
        ] {
            assert_eq!(is_loopback(url), expected, "{url}");
        }
    }
}
