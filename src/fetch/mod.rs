//! Fetching user-supplied URLs, selecting elements of the page, and posting to them (protection against SSRF); sending
//! e-mails through the configured server; calls to the configured ingest node.
//!
//! A user-supplied URL must reach no more than anybody on the internet could. Every address is checked after its name
//! is resolved and before anything is connected to, again at every redirect, and the connection goes to exactly that
//! address (egress.rs). Time, size, redirects and concurrency are bounded, and so is the work on the result
//! (css_select.rs).

mod accepted_recipients;
pub mod css_select;
pub mod egress;
mod http_client;
pub mod mailer;
pub mod owner_client;
mod response_body;
mod root_cause;
pub mod webhook;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use encoding_rs::{Encoding, UTF_8};
use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::{Host, Url};

use self::css_select::ElementQuery;
use self::egress::EgressPolicy;
use crate::domain::http_request::HttpError;
use crate::domain::{Error, Kind, Result};

/// Bytes at the beginning of a page in which its charset is looked for.
const META_BYTES: usize = 1024;
/// Maximum number of concurrent fetches; each may take some tens of MB while its page is searched.
const MAX_CONCURRENT_FETCHES: usize = 4;

/// Limits of one fetch, not including the wait for a permit.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// Covers everything from the name look-up to the last byte.
    pub time: Duration,
    pub bytes: usize,
    pub redirects: usize,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(10), bytes: 2 * 1024 * 1024, redirects: 3 }
    }
}

/// Result of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchOutput {
    /// Status of the final response, a success.
    pub status: u16,
    /// Media type without parameters; empty when the server sent none.
    pub content_type: String,
    pub results: Vec<String>,
}

/// Name resolution; replaced in tests.
pub trait NameResolver: Send + Sync {
    /// Resolves a host name to its addresses.
    fn resolve_name(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
struct SystemResolver;

impl NameResolver for SystemResolver {
    fn resolve_name(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(
            async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) },
        )
    }
}

/// Fetches URLs within the egress policy and the limits.
pub struct Fetcher {
    egress: EgressPolicy,
    limits: FetchLimits,
    resolver: Arc<dyn NameResolver>,
    permits: Arc<Semaphore>,
}

impl Fetcher {
    /// A fetcher with the default limits and the system's resolver.
    pub fn new(reach: EgressPolicy) -> Self {
        Self::with(reach, FetchLimits::default(), Arc::new(SystemResolver))
    }

    fn with(reach: EgressPolicy, limits: FetchLimits, lookup: Arc<dyn NameResolver>) -> Self {
        Self {
            egress: reach,
            limits,
            resolver: lookup,
            permits: Arc::new(Semaphore::new(MAX_CONCURRENT_FETCHES)),
        }
    }

    /// Fetches a URL by GET and returns the selected elements, or the whole text as one result when nothing is
    /// selected.
    ///
    /// # Errors
    /// `Invalid` naming `url` when the policy blocks it, or `selector`; `DeviceFault` when the other side fails or
    /// its response is too large; `Timeout`; `Busy` when too many fetches are running.
    pub async fn fetch(&self, url: &str, wanted: Option<ElementQuery>) -> Result<FetchOutput> {
        let busy = || Error::busy("too many URLs are being fetched; retry later");
        let waited = timeout(self.limits.time, self.permits.clone().acquire_owned()).await;
        let place = waited.map_err(|_| busy())?.expect("this semaphore is never closed");
        let page = timeout(self.limits.time, self.fetch_page(url)).await;
        let page = page.map_err(|_| Error::new(Kind::Timeout, "Fetch timed out."))??;
        let results = match wanted {
            None => vec![page.text],
            Some(wanted) => {
                // The permit moves into the search: a caller that disconnects does not stop the search, so its permit
                // must stay taken.
                let search = move || (css_select::select_elements(&page.text, &wanted), place).0;
                let found = tokio::task::spawn_blocking(search).await;
                // A parser panicked on foreign bytes: report the page, not a fault of this server.
                found.map_err(|e| failed("the page could not be parsed").with_source(e))??
            }
        };
        Ok(FetchOutput { status: page.status, content_type: page.content_type, results })
    }

    async fn fetch_page(&self, url: &str) -> Result<FetchedPage> {
        let mut url =
            Url::parse(url).map_err(|e| Error::field("url", "Enter a valid URL.").with_source(e))?;
        for _ in 0..=self.limits.redirects {
            let answer = self.get(&url).await?;
            match redirect(&answer, &url)? {
                Some(next) => url = next,
                None => return self.read(answer).await,
            }
        }
        Err(failed("more redirects than are followed"))
    }

    /// Sends one request to an allowed address. The client knows only that address and is not reused.
    async fn get(&self, url: &Url) -> Result<Response> {
        let addresses = Arc::new(self.resolve_allowed(url).await?);
        let client = pinned_client(addresses, url.scheme() == "https")
            .map_err(|e| Error::internal("no HTTP client can be created").with_source(e))?;
        client.get(url.clone()).send().await.map_err(|e| failed("no answer").with_source(e.without_url()))
    }

    /// Resolves a URL to the addresses that the policy allows.
    async fn resolve_allowed(&self, url: &Url) -> Result<Vec<SocketAddr>> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(not_allowed());
        }
        let port = url.port_or_known_default().ok_or_else(not_allowed)?;
        let found = match url.host() {
            Some(Host::Ipv4(ip)) => vec![IpAddr::V4(ip)],
            Some(Host::Ipv6(ip)) => vec![IpAddr::V6(ip)],
            Some(Host::Domain(name)) => {
                let found = self.resolver.resolve_name(name.to_owned()).await;
                found.map_err(|e| failed("the name is not known").with_source(e))?
            }
            None => return Err(not_allowed()),
        };
        if found.is_empty() {
            return Err(failed("the name has no address"));
        }
        let allowed = found.into_iter().filter(|ip| self.egress.allows(*ip));
        let allowed: Vec<_> = allowed.map(|ip| SocketAddr::new(ip, port)).collect();
        if allowed.is_empty() { Err(not_allowed()) } else { Ok(allowed) }
    }

    async fn read(&self, mut answer: Response) -> Result<FetchedPage> {
        let status = answer.status();
        if !status.is_success() {
            return Err(Error::new(Kind::DeviceFault, format!("Upstream returned {}.", status.as_u16())));
        }
        let bytes = response_body::read(&mut answer, self.limits.bytes).await;
        let bytes = bytes.map_err(|error| match error {
            HttpError::Interrupted(_) => failed("cut short"),
            _ => failed("larger than is read, or damaged"),
        })?;
        let media_type =
            answer.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let media_type = media_type.as_deref().unwrap_or_default();
        let content_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Ok(FetchedPage { status: status.as_u16(), text: page_text(&bytes, media_type), content_type })
    }
}

/// A client that connects only to these addresses and keeps no state.
fn pinned_client(addresses: Arc<Vec<SocketAddr>>, is_secure: bool) -> reqwest::Result<Client> {
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .dns_resolver(Arc::new(PinnedAddresses(addresses)))
        .pool_max_idle_per_host(0)
        // Loading the root certificates costs more than a whole plain-text request.
        .tls_built_in_root_certs(is_secure)
        .user_agent(concat!("basalt/", env!("CARGO_PKG_VERSION")))
        .build()
}

struct FetchedPage {
    status: u16,
    content_type: String,
    text: String,
}

/// Resolves every name to the checked addresses, so that no second look-up can give a different result (DNS
/// rebinding).
struct PinnedAddresses(Arc<Vec<SocketAddr>>);

impl Resolve for PinnedAddresses {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.as_ref().clone().into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

/// The redirect target of a response, if it is a redirect.
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
    let location = location.to_str().map_err(|e| failed("a redirect to no URL").with_source(e))?;
    url.join(location).map(Some).map_err(|e| failed("a redirect to no URL").with_source(e))
}

/// Decodes by byte order mark, else by the server's charset, else by that of the page, else as UTF-8. Undecodable bytes are
/// replaced, as are null characters, which a PostgreSQL catalog cannot store.
fn page_text(bytes: &[u8], content_type: &str) -> String {
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let charset = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let served =
        charset.and_then(|(_, label)| Encoding::for_label(label.trim().trim_matches('"').as_bytes()));
    let encoding = served.or_else(|| meta_charset(bytes)).unwrap_or(UTF_8);
    encoding.decode(bytes).0.replace('\0', "\u{FFFD}")
}

/// The charset that a page names in a `meta` element at its beginning (HTML, section 13.2.3.2).
fn meta_charset(bytes: &[u8]) -> Option<&'static Encoding> {
    let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(META_BYTES)]).to_ascii_lowercase();
    let element = |text: &str| {
        let attributes = text.split('>').next().unwrap_or_default();
        let label = attributes.split_once("charset")?.1.trim_start().strip_prefix('=')?;
        let label = label.trim_start().trim_start_matches(['"', '\'']);
        let label = label.split(['"', '\'', ';', '/', ' ']).next()?;
        Encoding::for_label(label.as_bytes())
    };
    let found = beginning.split("<meta").skip(1).find_map(element)?;
    // A page that was read as ASCII so far is not in UTF-16.
    Some(found).filter(|encoding| encoding.is_ascii_compatible()).or(Some(UTF_8))
}

fn failed(what: &'static str) -> Error {
    Error::new(Kind::DeviceFault, "Fetch failed.").with_source(what)
}

fn not_allowed() -> Error {
    Error::field("url", "Address is not allowed.")
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;

#[cfg(test)]
mod fuzz_tests;
