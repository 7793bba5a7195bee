//! Isolation of what a device does not answer: a request that is met with a refusal, silence, a close or nonsense is divided
//! until the registers at fault are alone, so that they cost nobody else a value.
//!
//! A lost device answers nothing at all. So after each request that was lost, a register that answered before is asked for: only
//! while that one answers is a request at fault. And a refusal that says nothing of registers, such as a missing permission, is
//! believed to be of some of them only while the device gives the value of others. Bytes that answer no request are the
//! connection's fault: they end the poll.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::RegisterRange;
use super::plan::{self, ReadBlock, ReadRules};
use super::poll_group::RegisterPollGroup;
use super::refusal::{is_of_a_part, may_be_of_a_part, refusal};
use super::request_sender::{RequestSender, SentRequest};
use crate::collect::client::RangeOutcomes;
use crate::collect::deadband::PollResult;
use crate::collect::fault::{DeviceFault, RefusalKind};
use crate::collect::silent_parts::SilentParts;
use crate::domain::Micros;

/// Lost requests of one poll, after which the others wait for the next poll: each costs the device's timeout.
const MAX_LOST_REQUESTS: usize = 12;
/// How often a poll repeats a request because the device is busy.
const MAX_BUSY_REPEATS: usize = 3;
/// Pause before such a repetition.
const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// How many registers a poll asks for one by one to learn whether a refusal is of all.
const MAX_PROBES: usize = 3;
/// The longest wait after a silence for an answer that comes late: where answers have no number, it would be taken for the next.
const MAX_LATE_ANSWER: Duration = Duration::from_secs(1);

/// Reader of the registers of one device. What it learns survives reconnects.
pub(super) struct IsolatingReader {
    pub sender: RequestSender,
    pub rules: ReadRules,
    silent: SilentParts<RegisterRange>,
    /// Registers that answered last.
    answering: Option<RegisterRange>,
    /// Which point of a group is asked next when none is known to answer.
    next_probe: usize,
}

/// Progress of one poll.
pub(super) struct PollProgress<'a> {
    results: &'a mut Vec<PollResult>,
    /// Requests whose points have no result yet.
    unanswered: Vec<UnansweredRequest>,
    lost_requests: usize,
    busy_repeats: usize,
    /// Registers that were asked for to learn whether a refusal is of all.
    probes: usize,
    /// Whether the device has given any value.
    has_values: bool,
    /// Whether both parts of an unanswered request were answered.
    has_whole_parts: bool,
    /// Whether something was learned that makes another plan better.
    pub has_learnt: bool,
}

/// A request that the device refused, or that was lost.
struct UnansweredRequest {
    blocks: Vec<ReadBlock>,
    fault: DeviceFault,
    /// Whether it is sent once more before it is divided: a request may be lost that is not at fault.
    repeats: bool,
}

/// How the device answered a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RequestOutcome {
    /// With all values.
    Values,
    /// With a refusal of registers that cannot be divided.
    RefusedAlone,
    /// Not, or in part.
    Incomplete,
}

impl PollProgress<'_> {
    /// Starts a poll that has asked for nothing; its results are appended to `results`.
    pub fn new(results: &mut Vec<PollResult>) -> PollProgress<'_> {
        PollProgress {
            results,
            unanswered: Vec::new(),
            lost_requests: 0,
            busy_repeats: 0,
            probes: 0,
            has_values: false,
            has_whole_parts: false,
            has_learnt: false,
        }
    }

    /// Whether so many requests were lost that what is left is not divided further now.
    fn is_over(&self) -> bool {
        self.lost_requests >= MAX_LOST_REQUESTS
    }

    /// The fault of a lost request, where the poll has lost so many that it sends no further ones.
    fn end(&self) -> Option<&DeviceFault> {
        let faults = self.unanswered.iter().rev().map(|request| &request.fault);
        faults.filter(|_| self.is_over()).find(|fault| fault.is_connection_loss())
    }
}

impl IsolatingReader {
    /// A reader that knows no silent registers, with rules from which it plans its first requests.
    pub fn new(sender: RequestSender, rules: ReadRules) -> IsolatingReader {
        IsolatingReader { sender, rules, silent: SilentParts::default(), answering: None, next_probe: 0 }
    }

    /// Takes over what another reader has learnt of the same device. A silent range that no group has any more becomes a
    /// hole, because holes expire. Returns whether there are such.
    pub fn resume(&mut self, before: IsolatingReader, groups: &[RegisterPollGroup]) -> bool {
        let IsolatingReader { rules, mut silent, answering, next_probe, .. } = before;
        let unwanted = silent.split_off(|span| !groups.iter().any(|group| group.spans.contains(&span)));
        let has_unwanted = !unwanted.is_empty();
        self.rules = ReadRules { max_gap: self.rules.max_gap, ..rules };
        self.rules.holes.extend(unwanted);
        (self.silent, self.answering, self.next_probe) = (silent, answering, next_probe);
        has_unwanted
    }

    /// Rules for the next plan, by which ranges that got no answer are read alone.
    pub fn rules_with_silent(&mut self) -> &ReadRules {
        self.rules.alone = self.silent.parts();
        &self.rules
    }

    /// Sends the requests of a group, and what they leave open in parts. Every register that was read or refused has its results
    /// then; of those that have been silent before, the first that is due is asked again.
    ///
    /// # Errors
    /// The device is lost, or its answers cannot be told apart (`Unsolicited`): then no result of the poll is sure.
    pub async fn poll(
        &mut self,
        group: &RegisterPollGroup,
        progress: &mut PollProgress<'_>,
    ) -> Result<(), DeviceFault> {
        let (started, mut due) = (Instant::now(), None);
        for request in &group.requests {
            let silence = request.first().and_then(|block| self.silent.get(block.span));
            if let Some(silence) = silence {
                if due.is_none() && silence.is_due(started) {
                    due = Some(request);
                } else {
                    group.add_faults(request, self.sender.now(), silence.fault(), progress.results);
                }
            } else if let Some(fault) = progress.end().cloned() {
                group.add_faults(request, self.sender.now(), &fault, progress.results);
            } else {
                self.ask(group, request, true, progress).await?;
            }
        }
        self.isolate(group, progress).await?;
        if let Some(request) = due {
            self.ask(group, request, false, progress).await?;
            self.isolate(group, progress).await?;
        }
        Ok(())
    }

    /// Divides the unanswered requests until each of their points has a result, or the poll has lost too many requests.
    async fn isolate(
        &mut self,
        group: &RegisterPollGroup,
        progress: &mut PollProgress<'_>,
    ) -> Result<(), DeviceFault> {
        while let Some(request) = progress.unanswered.pop() {
            let is_lost = request.fault.is_connection_loss();
            let may_be_general = !is_lost && !is_of_a_part(&request.fault, request.blocks.len() > 1);
            let is_general = may_be_general && !self.gives_values(group, progress).await?;
            match plan::halves(&request.blocks, &group.spans) {
                None => self.settle_silent(group, request, progress).await?,
                Some(_) if is_general => {
                    group.add_faults(&request.blocks, self.sender.now(), &request.fault, progress.results);
                }
                Some(parts) if is_lost && progress.is_over() => {
                    self.rules.divide(&request.blocks, &parts);
                    progress.has_learnt = true;
                    group.add_faults(&request.blocks, self.sender.now(), &request.fault, progress.results);
                }
                Some(_) if is_lost && request.repeats => {
                    self.ask(group, &request.blocks, false, progress).await?;
                }
                Some(parts) => self.ask_parts(group, &request, &parts, progress).await?,
            }
        }
        Ok(())
    }

    /// Sends the two parts of a request, and learns from what becomes of them.
    async fn ask_parts(
        &mut self,
        group: &RegisterPollGroup,
        request: &UnansweredRequest,
        parts: &[Vec<ReadBlock>; 2],
        progress: &mut PollProgress<'_>,
    ) -> Result<(), DeviceFault> {
        let mut are_whole = true;
        for part in parts {
            let outcome = self.ask(group, part, false, progress).await?;
            are_whole &= outcome == RequestOutcome::Values;
            if outcome == RequestOutcome::RefusedAlone {
                self.rules.holes.extend(part.iter().map(|block| block.span));
            }
        }
        // A device that was busy is not any more.
        if are_whole && refusal(&request.fault) != Some(RefusalKind::Busy) {
            // One such request reaches over registers that it must not read; when a poll has several, they are too long.
            let is_too_long =
                refusal(&request.fault) == Some(RefusalKind::InvalidCountOrValue) || progress.has_whole_parts;
            progress.has_whole_parts = true;
            self.rules.learn_from_parts(&request.blocks, parts, is_too_long, &group.spans);
        }
        progress.has_learnt = true;
        Ok(())
    }

    /// Sends a request. What it brings goes to the results, what it leaves open to the unanswered requests.
    async fn ask(
        &mut self,
        group: &RegisterPollGroup,
        blocks: &[ReadBlock],
        repeats: bool,
        progress: &mut PollProgress<'_>,
    ) -> Result<RequestOutcome, DeviceFault> {
        let (ts, outcome) = self.send_until_ready(blocks, progress).await?;
        let fault = match outcome {
            Ok(outcomes) => return Ok(self.take_outcomes(group, blocks, (ts, outcomes), progress)),
            Err(fault) => fault,
        };
        if fault.is_connection_loss() {
            progress.lost_requests += 1;
            self.check_alive(group, &fault).await?;
        } else if plan::halves(blocks, &group.spans).is_none() || !may_be_of_a_part(&fault) {
            let outcomes = blocks.iter().map(|_| Err(fault.clone())).collect();
            return Ok(self.take_outcomes(group, blocks, (ts, outcomes), progress));
        }
        progress.unanswered.push(UnansweredRequest { blocks: blocks.to_vec(), fault, repeats });
        Ok(RequestOutcome::Incomplete)
    }

    /// Sends a request, and again after a pause while the device is busy.
    ///
    /// # Errors
    /// The device cannot be connected to.
    async fn send_until_ready(
        &self,
        blocks: &[ReadBlock],
        progress: &mut PollProgress<'_>,
    ) -> Result<SentRequest, DeviceFault> {
        loop {
            let sent = self.sender.send_reopening(blocks).await?;
            let is_busy = sent.1.as_ref().is_err_and(|fault| refusal(fault) == Some(RefusalKind::Busy));
            if !is_busy || progress.busy_repeats == MAX_BUSY_REPEATS {
                return Ok(sent);
            }
            progress.busy_repeats += 1;
            sleep(BUSY_PAUSE).await;
        }
    }

    /// Takes what a device answered for each block of a request.
    fn take_outcomes(
        &mut self,
        group: &RegisterPollGroup,
        blocks: &[ReadBlock],
        (ts, outcomes): (Micros, RangeOutcomes),
        progress: &mut PollProgress<'_>,
    ) -> RequestOutcome {
        let mut whole = RequestOutcome::Values;
        for (block, outcome) in blocks.iter().zip(outcomes) {
            progress.has_learnt |= self.silent.remove(block.span);
            let one = std::slice::from_ref(block);
            match outcome {
                Err(fault) if may_be_of_a_part(&fault) => {
                    let is_alone = plan::halves(one, &group.spans).is_none();
                    whole = RequestOutcome::Incomplete;
                    if is_alone && blocks.len() == 1 {
                        whole = RequestOutcome::RefusedAlone;
                    }
                    if is_alone {
                        group.add_faults(one, ts, &fault, progress.results);
                    } else {
                        let blocks = one.to_vec();
                        progress.unanswered.push(UnansweredRequest { blocks, fault, repeats: false });
                    }
                }
                Err(fault) => {
                    whole = RequestOutcome::Incomplete;
                    group.add_faults(one, ts, &fault, progress.results);
                }
                Ok(data) => {
                    progress.has_values = true;
                    self.answering = block.members.first().map(|member| group.spans[*member]);
                    group.add_results(block, ts, &Ok(data), progress.results);
                }
            }
        }
        whole
    }

    /// Gives the points of one range their results, whose request was lost while the device answered others. A range of which that
    /// is new is asked once more, unless the poll is over; if that is lost too, it is asked seldom from now on.
    async fn settle_silent(
        &mut self,
        group: &RegisterPollGroup,
        request: UnansweredRequest,
        progress: &mut PollProgress<'_>,
    ) -> Result<(), DeviceFault> {
        let UnansweredRequest { blocks, fault, .. } = request;
        let Some(span) = blocks.first().map(|block| block.span) else { return Ok(()) };
        let is_new = self.silent.get(span).is_none();
        if is_new && !progress.is_over() {
            let (ts, outcome) = self.sender.send_reopening(&blocks).await?;
            match outcome {
                Err(again) if again.is_connection_loss() => {
                    progress.lost_requests += 1;
                    self.check_alive(group, &again).await?;
                }
                outcome => {
                    let outcomes = outcome.unwrap_or_else(|refused| vec![Err(refused)]);
                    self.take_outcomes(group, &blocks, (ts, outcomes), progress);
                    return Ok(());
                }
            }
        }
        self.silent.record(span, &fault, Instant::now());
        progress.has_learnt |= is_new;
        group.add_faults(&blocks, self.sender.now(), &fault, progress.results);
        Ok(())
    }

    /// Checks that the device answers at all after it lost a request: by a register that answered before, else by those of the group
    /// in turn.
    ///
    /// # Errors
    /// It does not, so the device is lost.
    async fn check_alive(
        &mut self,
        group: &RegisterPollGroup,
        fault: &DeviceFault,
    ) -> Result<(), DeviceFault> {
        self.wait_for_late_answer(fault).await;
        let Some(span) = self.take_probe(group) else { return Err(fault.clone()) };
        match self.sender.send(&[ReadBlock { span, members: Vec::new() }]).await?.1 {
            Err(fault) if fault.is_connection_loss() => Err(fault),
            _ => {
                self.answering = Some(span);
                Ok(())
            }
        }
    }

    /// Whether the device gives the value of any register in this poll. Asks for a few of them unless it is known.
    ///
    /// # Errors
    /// The device cannot be connected to.
    async fn gives_values(
        &mut self,
        group: &RegisterPollGroup,
        progress: &mut PollProgress<'_>,
    ) -> Result<bool, DeviceFault> {
        while !progress.has_values && progress.probes < MAX_PROBES {
            progress.probes += 1;
            let Some(span) = self.take_probe(group) else { break };
            match self.sender.send(&[ReadBlock { span, members: Vec::new() }]).await?.1 {
                Ok(_) => (progress.has_values, self.answering) = (true, Some(span)),
                Err(fault) => self.wait_for_late_answer(&fault).await,
            }
        }
        Ok(progress.has_values)
    }

    /// The register to ask for next: the one that answered last, once, else those of the group in turn.
    fn take_probe(&mut self, group: &RegisterPollGroup) -> Option<RegisterRange> {
        let known = self.answering.take();
        known.or_else(|| {
            let next = group.spans.get(self.next_probe % group.spans.len().max(1)).copied();
            self.next_probe = self.next_probe.wrapping_add(1);
            next
        })
    }

    /// Waits where a request got no answer in time.
    async fn wait_for_late_answer(&self, fault: &DeviceFault) {
        if matches!(fault, DeviceFault::Timeout { .. }) {
            sleep(self.sender.timeout().min(MAX_LATE_ANSWER)).await;
        }
    }
}
