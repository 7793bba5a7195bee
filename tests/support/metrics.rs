//! The samples that a server shows at `/metrics`.

use super::Client;

impl Client {
    /// The value of a sample without labels, which has to be there.
    pub async fn metric(&self, name: &str) -> f64 {
        let page = self.get("/metrics").await.ok();
        let page = page.as_str().expect("text");
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {page}")).parse().expect("a number")
    }
}
