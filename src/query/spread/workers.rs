//! The query nodes that a query can be divided among.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::time::Instant;
use url::Url;

/// How long a node is listed before it is given tasks. Nodes read the list every 3 s, and refuse to call one that they do
/// not know yet.
const JOIN_DELAY: Duration = Duration::from_secs(6);

/// The running query nodes of this program's version, as far as this node knows.
#[derive(Debug, Default)]
pub struct Workers(RwLock<Vec<ListedWorker>>);

/// A node by its listener for tasks, and since when it is listed.
#[derive(Debug, Clone)]
struct ListedWorker {
    url: Url,
    since: Instant,
}

impl Workers {
    /// Replaces the list, which is in an order that all nodes share.
    pub fn set(&self, urls: Vec<Url>) {
        let mut listed = self.0.write();
        let since = |url: &Url| listed.iter().find(|worker| worker.url == *url).map(|worker| worker.since);
        let entry = |url: Url| ListedWorker { since: since(&url).unwrap_or_else(Instant::now), url };
        let fresh = urls.into_iter().map(entry).collect();
        *listed = fresh;
    }

    /// Whether there is more than one.
    pub fn are_several(&self) -> bool {
        self.0.read().len() > 1
    }

    /// Whether a URL is on the list.
    pub fn contain(&self, url: &Url) -> bool {
        self.0.read().iter().any(|worker| worker.url == *url)
    }

    /// Returns the nodes that can be given tasks, if this one is among several.
    pub fn with(&self, own: &Url) -> Option<Arc<Vec<Url>>> {
        let listed = self.0.read();
        let ready = listed.iter().filter(|worker| worker.since.elapsed() >= JOIN_DELAY);
        let ready: Vec<Url> = ready.map(|worker| worker.url.clone()).collect();
        (ready.len() > 1 && ready.contains(own)).then(|| Arc::new(ready))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(texts: &[&str]) -> Vec<Url> {
        texts.iter().map(|text| Url::parse(text).unwrap()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_needs_others_and_itself() {
        let own = Url::parse("http://a:1").unwrap();
        for (known, expected) in [
            (vec![], false),
            (vec!["http://a:1"], false),
            (vec!["http://b:1", "http://c:1"], false),
            (vec!["http://a:1", "http://b:1"], true),
        ] {
            let workers = Workers::default();
            workers.set(urls(&known));
            assert!(workers.with(&own).is_none(), "they do not know each other yet");
            tokio::time::advance(JOIN_DELAY).await;
            // A renewal of the list changes nothing.
            workers.set(urls(&known));
            assert_eq!(workers.with(&own).is_some(), expected, "{known:?}");
        }
    }
}
