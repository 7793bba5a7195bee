//! Fetching a URL on somebody's behalf, and finding what they want in it.
//!
//! Whoever gives the URL must reach no more than anybody on the internet: every address is checked after its name is
//! looked up and before anything is connected to, again at every redirect, and the connection goes to that very address
//! (address.rs). Time, size, redirects and the number at once are bounded, and so is the work on what came (select.rs).

pub mod address;
pub mod select;
mod web;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::{Host, Url};

use self::address::Reach;
use self::select::Wanted;
use crate::domain::{Error, Kind, Result};

/// Fetches at once; each may take some tens of MB while its page is searched.
const AT_ONCE: usize = 4;

/// What one fetch may take, waiting for its turn not included.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the look-up of the name to the last byte.
    pub time: Duration,
    pub bytes: usize,
    pub redirects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(10), bytes: 2 * 1024 * 1024, redirects: 3 }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The status of the last answer, a success.
    pub status: u16,
    /// Its media type without parameters, empty when it told none.
    pub content_type: String,
    pub results: Vec<String>,
}

/// How a name becomes addresses.
pub trait Lookup: Send + Sync {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's own way.
struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(
            async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) },
        )
    }
}

pub struct Fetcher {
    reach: Reach,
    limits: Limits,
    lookup: Arc<dyn Lookup>,
    places: Arc<Semaphore>,
}

impl Fetcher {
    pub fn new(reach: Reach) -> Self {
        Self::with(reach, Limits::default(), Arc::new(SystemLookup))
    }

    fn with(reach: Reach, limits: Limits, lookup: Arc<dyn Lookup>) -> Self {
        Self { reach, limits, lookup, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Fetches a URL by GET and finds what is wanted in it: without anything wanted, its whole text once.
    ///
    /// # Errors
    /// `Invalid` naming `url` when it leads where it may not, or `selector`; `DeviceFault` when the other side fails or
    /// says too much; `Timeout`; `Busy` when too many are under way.
    pub async fn find(&self, url: &str, wanted: Option<Wanted>) -> Result<Found> {
        let busy = || Error::busy("too many URLs are being fetched; retry later");
        let waited = timeout(self.limits.time, self.places.clone().acquire_owned()).await;
        let place = waited.map_err(|_| busy())?.expect("this semaphore is never closed");
        let page = timeout(self.limits.time, self.follow(url)).await;
        let page = page.map_err(|_| Error::new(Kind::Timeout, "Fetch timed out."))??;
        let results = match wanted {
            None => vec![page.text],
            Some(wanted) => {
                // The place goes along: who left does not stop a search, and must not make room for another.
                let search = move || (select::find(&page.text, &wanted), place).0;
                let found = tokio::task::spawn_blocking(search).await;
                // Foreign bytes met a mistake of a parser: that is about the page, not about this server.
                found.map_err(|e| failed("the page could not be parsed").because(e))??
            }
        };
        Ok(Found { status: page.status, content_type: page.content_type, results })
    }

    async fn follow(&self, url: &str) -> Result<Page> {
        let mut url = Url::parse(url).map_err(|e| Error::field("url", "Enter a valid URL.").because(e))?;
        for _ in 0..=self.limits.redirects {
            let answer = self.get(&url).await?;
            match redirect(&answer, &url)? {
                Some(next) => url = next,
                None => return self.read(answer).await,
            }
        }
        Err(failed("more redirects than are followed"))
    }

    /// One request to an address that was checked. Its client knows that address only, and nothing is kept of it.
    async fn get(&self, url: &Url) -> Result<Response> {
        let addresses = Arc::new(self.addresses(url).await?);
        let client = client(addresses, url.scheme() == "https")
            .map_err(|e| Error::internal("no HTTP client to be had").because(e))?;
        client.get(url.clone()).send().await.map_err(|e| failed("no answer").because(e.without_url()))
    }

    /// Where a URL leads, as far as it may.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(not_allowed());
        }
        let port = url.port_or_known_default().ok_or_else(not_allowed)?;
        let found = match url.host() {
            Some(Host::Ipv4(ip)) => vec![IpAddr::V4(ip)],
            Some(Host::Ipv6(ip)) => vec![IpAddr::V6(ip)],
            Some(Host::Domain(name)) => {
                let found = self.lookup.lookup(name.to_owned()).await;
                found.map_err(|e| failed("the name is not known").because(e))?
            }
            None => return Err(not_allowed()),
        };
        if found.is_empty() {
            return Err(failed("the name has no address"));
        }
        let allowed = found.into_iter().filter(|ip| self.reach.allows(*ip));
        let allowed: Vec<_> = allowed.map(|ip| SocketAddr::new(ip, port)).collect();
        if allowed.is_empty() { Err(not_allowed()) } else { Ok(allowed) }
    }

    async fn read(&self, mut answer: Response) -> Result<Page> {
        let status = answer.status();
        if !status.is_success() {
            return Err(Error::new(Kind::DeviceFault, format!("Upstream returned {}.", status.as_u16())));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) =
            answer.chunk().await.map_err(|e| failed("cut short").because(e.without_url()))?
        {
            if bytes.len() + chunk.len() > self.limits.bytes {
                return Err(failed("larger than is read"));
            }
            bytes.extend_from_slice(&chunk);
        }
        let told = answer.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let told = told.as_deref().unwrap_or_default();
        let content_type = told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Ok(Page { status: status.as_u16(), text: decode(&bytes, told), content_type })
    }
}

/// A client that connects to these addresses only and keeps nothing.
fn client(addresses: Arc<Vec<SocketAddr>>, is_secure: bool) -> reqwest::Result<Client> {
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .dns_resolver(Arc::new(Checked(addresses)))
        .pool_max_idle_per_host(0)
        // Reading the roots costs more than a whole question in the clear.
        .tls_built_in_root_certs(is_secure)
        .user_agent(concat!("basalt/", env!("CARGO_PKG_VERSION")))
        .build()
}

struct Page {
    status: u16,
    content_type: String,
    text: String,
}

/// Answers every question with the addresses that were checked: there is no second look-up to answer otherwise.
struct Checked(Arc<Vec<SocketAddr>>);

impl Resolve for Checked {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.as_ref().clone().into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

/// Where an answer sends us on to.
fn redirect(answer: &Response, url: &Url) -> Result<Option<Url>> {
    let is_redirect = matches!(
        answer.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let Some(location) = answer.headers().get(LOCATION).filter(|_| is_redirect) else { return Ok(None) };
    let location = location.to_str().map_err(|e| failed("a redirect to no URL").because(e))?;
    url.join(location).map(Some).map_err(|e| failed("a redirect to no URL").because(e))
}

/// Text by its byte order mark, else by the charset that the server named, else as UTF-8. What cannot be decoded is
/// replaced, as are null characters, which a PostgreSQL catalog cannot keep.
fn decode(bytes: &[u8], content_type: &str) -> String {
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let charset = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let label = charset.map_or("utf-8", |(_, label)| label.trim().trim_matches('"'));
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::UTF_8);
    encoding.decode(bytes).0.replace('\0', "\u{FFFD}")
}

fn failed(what: &'static str) -> Error {
    Error::new(Kind::DeviceFault, "Fetch failed.").because(what)
}

fn not_allowed() -> Error {
    Error::field("url", "Address is not allowed.")
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;

#[cfg(test)]
mod fuzz_tests;
