//! A link between two processes that a case can break: a proxy of TCP connections, in the process of the tests.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use url::Url;

/// Bytes that are read at once.
const BLOCK_BYTES: usize = 64 * 1024;
/// Time that each block takes over a slow link.
const SLOW_BLOCK: Duration = Duration::from_millis(100);

/// Fault of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    /// Its connections are reset, and new ones as soon as they are made.
    Cut,
    /// Nothing arrives and nothing is refused. What was sent arrives once the link is healed, as TCP sends lost packets again.
    Silence,
    /// At most ten blocks of 64 KiB arrive in a second over each connection.
    Slowness,
}

#[derive(Debug, Clone, Copy, Default)]
struct LinkState {
    fault: Option<LinkFault>,
    /// Number of the first connection that is not stranded.
    first: usize,
}

/// State that the connections of a link share.
struct Route {
    /// Host and port.
    target: String,
    /// How many connections were accepted.
    accepted: AtomicUsize,
    /// Bytes that the target has sent, when they are kept.
    answers: Option<Arc<Mutex<Vec<u8>>>>,
}

/// A link. Dropping it ends its connections.
pub struct Link {
    /// The URL of the target, by the link.
    pub url: String,
    state: watch::Sender<LinkState>,
    route: Arc<Route>,
    connections: TaskTracker,
    _listener: AbortOnDropHandle<()>,
}

impl Link {
    /// Starts one to the host and port of a URL.
    pub async fn to(url: &str) -> Link {
        Link::start(url, None).await
    }

    /// Starts one that keeps what the target sends.
    pub async fn recorder(url: &str) -> (Link, Arc<Mutex<Vec<u8>>>) {
        let answers = Arc::<Mutex<Vec<u8>>>::default();
        (Link::start(url, Some(answers.clone())).await, answers)
    }

    async fn start(url: &str, answers: Option<Arc<Mutex<Vec<u8>>>>) -> Link {
        let mut url = Url::parse(url).expect("a URL");
        let (host, port) = (url.host_str().expect("a host"), url.port().expect("a port"));
        let route = Route { target: format!("{host}:{port}"), accepted: AtomicUsize::new(0), answers };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        url.set_ip_host(address.ip()).expect("a URL with a host");
        url.set_port(Some(address.port())).expect("a URL with a host");
        let (state, faults) = watch::channel(LinkState::default());
        let (route, connections) = (Arc::new(route), TaskTracker::new());
        let (shared, tasks) = (route.clone(), connections.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
                let connection = Connection { number, route: shared.clone(), state: faults.clone() };
                tasks.spawn(connection.run(client));
            }
        });
        let listener = AbortOnDropHandle::new(accepting);
        Link { url: url.to_string(), state, route, connections, _listener: listener }
    }

    /// Breaks it, until `heal`.
    pub fn fail(&self, fault: LinkFault) {
        self.state.send_modify(|state| state.fault = Some(fault));
    }

    /// Lets everything through again.
    pub fn heal(&self) {
        self.state.send_modify(|state| state.fault = None);
    }

    /// Has its connections of now carry nothing any more, as if the machine at the other end had lost its power and another had taken
    /// its address: new ones do.
    pub fn strand_connections(&self) {
        let first = self.route.accepted.load(Ordering::SeqCst);
        self.state.send_modify(|state| state.first = first);
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }
}

/// A connection over a link.
struct Connection {
    number: usize,
    route: Arc<Route>,
    state: watch::Receiver<LinkState>,
}

impl Connection {
    /// Carries what both sides send until a side ends, or the link is cut.
    async fn run(self, mut client: TcpStream) {
        let mut state = self.state.clone();
        let cut = async { drop(state.wait_for(|state| state.fault == Some(LinkFault::Cut)).await) };
        let mut cut = pin!(cut);
        let server = tokio::select! {
            () = &mut cut => None,
            server = self.connect() => server.ok(),
        };
        let Some(mut server) = server else { return reset(&client) };
        let is_whole = tokio::select! {
            () = &mut cut => false,
            carried = self.carry(&mut client, &mut server) => carried.is_ok(),
        };
        if !is_whole {
            reset(&client);
            reset(&server);
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        self.wait_for_passage().await?;
        TcpStream::connect(&self.route.target).await
    }

    async fn carry(&self, client: &mut TcpStream, server: &mut TcpStream) -> io::Result<()> {
        // Small messages must not wait for Nagle's timer here.
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let requests = self.copy(from_client, to_server, None);
        let answers = self.copy(from_server, to_client, self.route.answers.as_deref());
        tokio::try_join!(requests, answers)?;
        Ok(())
    }

    /// Copies one direction to its end.
    async fn copy(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        record: Option<&Mutex<Vec<u8>>>,
    ) -> io::Result<()> {
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            let len = from.read(&mut block).await?;
            self.wait_for_passage().await?;
            if len == 0 {
                return to.shutdown().await;
            }
            if let Some(record) = record {
                record.lock().extend_from_slice(&block[..len]);
            }
            to.write_all(&block[..len]).await?;
        }
    }

    /// Waits until the link carries this connection.
    async fn wait_for_passage(&self) -> io::Result<()> {
        let mut state = self.state.clone();
        let carries = |state: &LinkState| {
            matches!(state.fault, None | Some(LinkFault::Slowness)) && self.number >= state.first
        };
        let is_slow = state.wait_for(carries).await.map_err(io::Error::other)?.fault.is_some();
        if is_slow {
            tokio::time::sleep(SLOW_BLOCK).await;
        }
        Ok(())
    }
}

/// Has a connection end with a reset when it is dropped.
fn reset(socket: &TcpStream) {
    // It may have ended already.
    socket.set_zero_linger().unwrap_or(());
}
