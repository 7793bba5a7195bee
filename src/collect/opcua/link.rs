//! The collector's way to an OPC UA server: nodes are polled in few calls, or subscribed to and taken as they come.
//!
//! A subscription belongs to its connection. After a loss everything is made anew: session, subscription, items; the
//! first values that come then are the current ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opcua::types::{DataValue, NodeId};
use tokio::time::{Instant, sleep_until};

use super::client::Client;
use super::endpoint::{self, Endpoint};
use super::intake::Intake;
use super::node::NodePath;
use super::session::Watch;
use super::status;
use super::subscription::{self, Subscription};
use crate::collect::board::Board;
use crate::collect::client::{self, Client as AnyClient};
use crate::collect::fault::Fault;
use crate::collect::line::{Line, Turn};
use crate::collect::tags::Answer;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{Clock, Micros, Result, StreamId};

/// Nodes that a server did not want to watch are offered again: they may appear while it runs.
const RETRY: Duration = Duration::from_secs(30);
/// A server's clock further off than this is not believed.
const BELIEVED_US: u64 = 24 * 3600 * 1_000_000;

/// The streams of one interval.
pub struct Batch {
    number: usize,
    interval: Duration,
    targets: Vec<Target>,
    /// Streams that cannot be read whatever the server says, and why.
    unreadable: Vec<(StreamId, String)>,
}

struct Target {
    stream: StreamId,
    node: NodePath,
    kind: StreamKind,
}

/// A server as its collector sees it.
pub struct Link {
    endpoint: client::Endpoint,
    timeout: Duration,
    subscribes: bool,
    /// Tells subscriptions of this link from those of the one before it on the same session.
    id: u64,
    batches: usize,
    live: Option<Live>,
    line: Arc<Line>,
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
}

/// The subscriptions on one connection.
struct Live {
    watch: Watch,
    intake: Arc<Intake>,
    by_batch: BTreeMap<usize, Subscribed>,
}

struct Subscribed {
    subscription: Subscription,
    /// For each item of the subscription the target it is of.
    targets: Vec<usize>,
    /// When to make it again, because some node of it is not watched.
    again: Option<Instant>,
}

impl Link {
    /// Connects nowhere yet. The error names the setting that is wrong.
    pub fn new(spec: &DeviceSpec, line: Arc<Line>, board: Arc<Board>, clock: Arc<dyn Clock>) -> Result<Link> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let endpoint = Endpoint::of(spec)?;
        Ok(Link {
            timeout: endpoint.timeout,
            endpoint: client::Endpoint::Opcua(endpoint),
            subscribes: endpoint::subscribes(spec)?,
            id: IDS.fetch_add(1, Ordering::Relaxed),
            batches: 0,
            live: None,
            line,
            board,
            clock,
        })
    }

    /// What fetches these streams, all of one interval.
    pub fn batch(&mut self, device: &DeviceSpec, streams: &[Arc<Stream>]) -> Batch {
        let interval_s =
            streams.first().and_then(|stream| stream.spec.poll_interval_s).or(device.poll_interval_s);
        let interval = interval_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let mut batch = Batch {
            number: self.batches,
            interval: interval.unwrap_or(Duration::from_secs(1)),
            targets: Vec::new(),
            unreadable: Vec::new(),
        };
        self.batches += 1;
        for stream in streams {
            match stream.spec.path.parse() {
                Ok(node) => batch.targets.push(Target { stream: stream.id, node, kind: stream.spec.kind }),
                Err(error) => {
                    let error: super::node::BadNode = error;
                    batch.unreadable.push((stream.id, error.to_string()));
                }
            }
        }
        batch
    }

    pub fn leads_where(&self, other: &Link) -> bool {
        self.endpoint == other.endpoint
    }

    pub async fn disconnect(&self) {
        self.line.turn().await.hang_up();
    }

    /// Connects unless connected, and ends what an earlier link subscribed to.
    pub async fn connect(&self) -> Result<(), Fault> {
        let mut turn = self.line.turn().await;
        let connected = match opcua(&mut turn, &self.endpoint).await {
            Ok(client) => client.claim(self.id).await,
            Err(fault) => Err(fault),
        };
        connected.inspect_err(|fault| self.fail(&mut turn, fault))
    }

    pub fn subscribes(&self) -> bool {
        self.subscribes
    }

    /// Resolves with the batches to poll now, of a link that subscribes.
    pub async fn ready(&mut self) -> Vec<usize> {
        let all = 0..self.batches;
        let Some(live) = &mut self.live else { return all.collect() };
        let unmade: Vec<usize> = all.clone().filter(|number| !live.by_batch.contains_key(number)).collect();
        if !unmade.is_empty() {
            return unmade;
        }
        let dead = live.by_batch.values().map(|made| made.subscription.deadline()).min();
        let again = live.by_batch.values().filter_map(|made| made.again).min();
        let wake = dead.into_iter().chain(again).min().unwrap_or_else(|| Instant::now() + RETRY);
        tokio::select! {
            _ = live.watch.closed() => all.collect(),
            () = live.intake.any() => match live.intake.ended() {
                Some(_) => all.collect(),
                None => live.intake.subscriptions().into_iter().filter(|number| all.contains(number)).collect(),
            },
            () = sleep_until(wake) => {
                let now = Instant::now();
                let due = |made: &Subscribed| made.subscription.deadline() <= now || made.again.is_some_and(|at| at <= now);
                live.by_batch.iter().filter(|(_, made)| due(made)).map(|(number, _)| *number).collect()
            }
        }
    }

    /// Pushes an answer for each node asked, or for each value that has come. After an error the connection is gone.
    pub async fn poll(&mut self, batch: &mut Batch, answers: &mut Vec<Answer>) -> Result<(), Fault> {
        if self.subscribes {
            return self.take(batch, answers).await;
        }
        let had_worked = self.line.turn().await.has_worked();
        match self.read(batch, answers).await {
            Err(Fault::Closed { .. }) if had_worked => {
                answers.clear();
                self.read(batch, answers).await.inspect(|()| self.board.reconnected())
            }
            read => read,
        }
    }

    async fn read(&self, batch: &Batch, answers: &mut Vec<Answer>) -> Result<(), Fault> {
        let mut turn = self.line.turn().await;
        let started = Instant::now();
        let read = match opcua(&mut turn, &self.endpoint).await {
            Ok(client) => {
                let (nodes, targets) = resolve(client, batch, answers, self.clock.now());
                client.values(nodes).await.map(|values| (values, targets))
            }
            Err(fault) => Err(fault),
        };
        let now = self.clock.now();
        let (values, targets) = read.inspect_err(|fault| self.fail(&mut turn, fault))?;
        self.board.answered(now, started.elapsed());
        let read = targets.into_iter().zip(&values);
        answers.extend(read.map(|(target, value)| answer(&batch.targets[target], value, now)));
        answers.extend(refusals(batch, now));
        Ok(())
    }

    /// What has come of a subscription, made now unless it is.
    async fn take(&mut self, batch: &Batch, answers: &mut Vec<Answer>) -> Result<(), Fault> {
        if let Some(fault) = self.dead() {
            let mut turn = self.line.turn().await;
            self.fail(&mut turn, &fault);
            self.live = None;
            return Err(fault);
        }
        let made = self.live.as_ref().and_then(|live| live.by_batch.get(&batch.number));
        if made.is_none_or(|made| made.again.is_some_and(|at| at <= Instant::now())) {
            self.subscribe(batch, answers).await?;
        }
        let Some(live) = &self.live else { return Ok(()) };
        let Some(made) = live.by_batch.get(&batch.number) else { return Ok(()) };
        let now = self.clock.now();
        let came = live.intake.take(batch.number);
        if !came.is_empty() {
            self.board.heard(now);
        }
        for came in came {
            let target = subscription::place(came.handle).and_then(|place| made.targets.get(place));
            if let Some(target) = target.and_then(|target| batch.targets.get(*target)) {
                answers.push(answer(target, &came.value, now));
            }
        }
        Ok(())
    }

    /// Why the subscriptions are no more, if they are not.
    fn dead(&self) -> Option<Fault> {
        let live = self.live.as_ref()?;
        if let Some(fault) = live.watch.is_closed() {
            return Some(fault);
        }
        let client::Endpoint::Opcua(endpoint) = &self.endpoint else { return None };
        let address = endpoint.address();
        if let Some(ended) = live.intake.ended() {
            let reason = format!("the server ended the subscription, {}", status::in_words(ended));
            return Some(Fault::Closed { address, reason });
        }
        let now = Instant::now();
        let silent = live.by_batch.values().find(|made| made.subscription.deadline() <= now)?;
        Some(Fault::Timeout { address, after: silent.subscription.silence })
    }

    async fn subscribe(&mut self, batch: &Batch, answers: &mut Vec<Answer>) -> Result<(), Fault> {
        let line = Arc::clone(&self.line);
        let mut turn = line.turn().await;
        let made = self.make(&mut turn, batch, answers).await;
        made.inspect_err(|fault| {
            self.fail(&mut turn, fault);
            self.live = None;
        })
    }

    async fn make(
        &mut self,
        turn: &mut Turn<'_>,
        batch: &Batch,
        answers: &mut Vec<Answer>,
    ) -> Result<(), Fault> {
        let client = opcua(turn, &self.endpoint).await?;
        let is_another =
            self.live.as_ref().is_some_and(|live| !Arc::ptr_eq(&live.intake, &client.session.intake));
        let is_again = self.live.as_ref().is_some_and(|live| live.by_batch.contains_key(&batch.number));
        if is_another || is_again {
            // The library deletes what it knows; all batches follow.
            client.release().await?;
            self.live = None;
        }
        let started = Instant::now();
        let now = self.clock.now();
        let (nodes, targets) = resolve(client, batch, answers, now);
        let made = Subscription::make(client, batch.number, batch.interval, &nodes, self.timeout).await?;
        self.board.answered(self.clock.now(), started.elapsed());
        let refused = made.items.iter().zip(&targets).filter(|(status, _)| status.is_bad());
        let refused: Vec<Answer> = refused
            .map(|(status, target)| {
                let outcome = Err(status::in_words(*status));
                Answer { stream: batch.targets[*target].stream, ts: now, outcome }
            })
            .collect();
        let again = (!refused.is_empty()).then(|| Instant::now() + RETRY);
        answers.extend(refused);
        answers.extend(refusals(batch, now));
        let live = self.live.get_or_insert_with(|| Live {
            watch: client.session.watch(),
            intake: Arc::clone(&client.session.intake),
            by_batch: BTreeMap::new(),
        });
        live.by_batch.insert(batch.number, Subscribed { subscription: made, targets, again });
        Ok(())
    }

    /// Counts what failed; a connection that failed is not used again.
    fn fail(&self, turn: &mut Turn<'_>, fault: &Fault) {
        self.board.failed(self.clock.now(), fault);
        if fault.is_loss() {
            turn.hang_up();
        }
    }
}

/// The open session of a line.
async fn opcua<'t>(turn: &'t mut Turn<'_>, endpoint: &client::Endpoint) -> Result<&'t mut Client, Fault> {
    match turn.client(endpoint).await? {
        AnyClient::Opcua(client) => Ok(client),
        _ => unreachable!("an endpoint of OPC UA makes a client of OPC UA"),
    }
}

/// The nodes of a batch on this server and the targets they are of; a node of a namespace that it does not have is
/// answered at once.
fn resolve(
    client: &Client,
    batch: &Batch,
    answers: &mut Vec<Answer>,
    now: Micros,
) -> (Vec<NodeId>, Vec<usize>) {
    let (mut nodes, mut targets) = (Vec::new(), Vec::new());
    for (at, target) in batch.targets.iter().enumerate() {
        match client.resolve(&target.node) {
            Ok(node) => {
                nodes.push(node);
                targets.push(at);
            }
            Err(why) => answers.push(Answer { stream: target.stream, ts: now, outcome: Err(why) }),
        }
    }
    (nodes, targets)
}

fn refusals(batch: &Batch, now: Micros) -> impl Iterator<Item = Answer> {
    batch.unreadable.iter().map(move |(stream, why)| Answer {
        stream: *stream,
        ts: now,
        outcome: Err(why.clone()),
    })
}

/// We are told when the server says that it told us, unless its clock is far off.
fn answer(target: &Target, value: &DataValue, now: Micros) -> Answer {
    let server = value.server_timestamp.and_then(status::micros);
    let told = server.filter(|server| server.0.abs_diff(now.0) <= BELIEVED_US).unwrap_or(now);
    let outcome = status::sample(value).and_then(|sample| {
        let content = sample.content.of_kind(target.kind)?;
        Ok(crate::collect::content::Sample { content, ..sample })
    });
    Answer { stream: target.stream, ts: told, outcome }
}
