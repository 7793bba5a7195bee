//! The evaluation of one organization's rules from a checkpoint on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::AlertRunner;
use super::arrival_clock::ArrivalClock;
use super::missed::GapReader;
use super::rule_table::RuleTable;
use super::states::{self, RuleVersion};
use crate::domain::alert::evaluator::RuleState;
use crate::domain::alert::rule::AlertRule;
use crate::domain::arrival::Arrival;
use crate::domain::clock_trust::ClockReading;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{AlertRuleId, Micros, OrgId, Result};
use crate::store::catalog::{AlertChange, AlertCheckpoint, AlertDecision};
use crate::store::live::Gap;
use crate::store::live::tail::{Tail, TailItem, TailRecords};
use crate::store::memtable::run::Run;

/// Time between two looks at silent streams and at alerts that people resolved.
const TICK: Duration = Duration::from_millis(250);
/// Ticks from one look at devices to the next: a second, because the states of all watched devices are computed each time.
const TICKS_PER_LOOK: u32 = 4;
/// Shortest time between two checkpoints, microseconds: what a restart reads again from the log.
const CHECKPOINT_US: i64 = 10 * MICROS_PER_SECOND;
/// Time after which a position is stored that has passed other organizations' records only.
const IDLE_CHECKPOINT_US: i64 = 60 * MICROS_PER_SECOND;
/// A longer checkpoint is written less often: at most this many of its bytes a second.
const CHECKPOINT_BYTES_PER_S: i64 = 500_000;
/// Longest time between two checkpoints: one that is further away was set by a clock that was ahead.
const MAX_CHECKPOINT_US: i64 = 3600 * MICROS_PER_SECOND;
/// Decisions that are written together.
const DECISIONS_AT_ONCE: usize = 500;

/// Evaluation from a checkpoint on.
pub struct Session<'a> {
    runner: &'a AlertRunner,
    org: OrgId,
    stop: &'a CancellationToken,
    table: RuleTable,
    /// The catalog's number of the rules in the table.
    revision: Option<u64>,
    tail: Option<Tail>,
    /// Number of the next record to be evaluated.
    next_seq: u64,
    /// Records below this were committed before the session began.
    live_from: u64,
    arrivals: ArrivalClock,
    /// Arrival of the last record that was taken, by the clock of then, or the last look after which none was left.
    evaluated_until: Option<Micros>,
    checkpoint_at: Micros,
    began_at: Micros,
    /// Memory of the rules at the checkpoint, until they have been given it.
    states: HashMap<RuleVersion, Vec<u8>>,
    /// First records whose decisions were not written, because their rules were changed meanwhile.
    unwritten: HashMap<AlertRuleId, u64>,
    /// Time of the next checkpoint.
    save_at: Micros,
    is_saved: bool,
    ticks: u32,
}

impl<'a> Session<'a> {
    /// Begins with the last checkpoint.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    pub async fn load(runner: &'a AlertRunner, org: OrgId, stop: &'a CancellationToken) -> Result<Self> {
        let at = ClockReading::read(&*runner.clock);
        let (now, current) = (at.now, runner.store.current_position().seq);
        let stored = runner.store.catalog().alerts.alert_checkpoint(org).await?;
        let checkpoint_at = stored.as_ref().map_or(now, |stored| stored.stored_at);
        let next_seq = stored.as_ref().map_or(current, |stored| stored.next_seq.min(current));
        // States that cannot be read are those of a later version: its rules begin with what is read again.
        let states = stored.and_then(|stored| states::decode(&stored.states)).unwrap_or_default();
        Ok(Session {
            runner,
            org,
            stop,
            table: RuleTable::new(Arc::clone(&runner.counters)),
            revision: None,
            tail: None,
            next_seq,
            live_from: current,
            arrivals: ArrivalClock::new(Arc::clone(&runner.clock), at, current),
            evaluated_until: None,
            checkpoint_at,
            began_at: now,
            states,
            unwritten: HashMap::new(),
            save_at: Micros(now.0.saturating_add(CHECKPOINT_US)),
            is_saved: true,
            ticks: 0,
        })
    }

    /// Evaluates until it is stopped; then it stores the position.
    ///
    /// # Errors
    /// `Unavailable` when the log cannot be read or the catalog cannot be written.
    pub async fn run(mut self) -> Result<()> {
        let stop = self.stop;
        let mut changes = self.runner.store.catalog().subscribe_changes();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // Also when records were left in the middle: the next ones are not to be taken then.
            if stop.is_cancelled() {
                return self.save().await;
            }
            self.reconcile().await?;
            tokio::select! {
                () = stop.cancelled() => return self.save().await,
                item = next(&mut self.tail) => self.take(item?).await?,
                // The catalog is gone only when the process is ending.
                outcome = changes.changed() => if outcome.is_err() { return Ok(()) },
                _ = tick.tick() => self.tick().await?,
            }
        }
    }

    /// Brings the rules in line with the catalog.
    async fn reconcile(&mut self) -> Result<()> {
        let catalog = self.runner.store.catalog();
        if self.revision == Some(catalog.alerts.alert_rules_revision()) {
            return Ok(());
        }
        let (revision, mut rules) = catalog.alerts.all_alert_rules();
        rules.retain(|rule| rule.org == self.org);
        let was_idle = self.table.is_empty();
        let (unwritten, next_seq) = (std::mem::take(&mut self.unwritten), self.next_seq);
        let new =
            self.table.replace(rules, |id| unwritten.get(&id).map_or(next_seq, |seq| next_seq.min(*seq)));
        if !new.is_empty() {
            let again = new.iter().filter_map(|(rule, _)| unwritten.get(&rule.id).copied()).min();
            let first = self.begin(new).await?;
            self.save_soon();
            if was_idle {
                // Nothing before was of any rule.
                self.read_from(first);
            } else if let Some(again) = again.filter(|seq| *seq < next_seq) {
                self.read_from(again);
            }
        }
        if self.table.is_empty() {
            self.tail = None;
            self.runner.counters.forget_progress(self.org);
        }
        (self.revision, self.states, self.is_saved) = (Some(revision), HashMap::new(), false);
        Ok(())
    }

    fn read_from(&mut self, seq: u64) {
        self.next_seq = seq.min(self.runner.store.current_position().seq);
        self.tail = Some(self.runner.store.follow_log(self.next_seq));
    }

    fn save_soon(&mut self) {
        let soon = self.runner.clock.now().0.saturating_add(MICROS_PER_SECOND);
        self.save_at = self.save_at.min(Micros(soon));
        self.is_saved = false;
    }

    /// Gives new rules their states. Returns the first record that one of them has to evaluate.
    async fn begin(&mut self, new: Vec<(Arc<AlertRule>, u64)>) -> Result<u64> {
        let ids: Vec<AlertRuleId> = new.iter().map(|(rule, _)| rule.id).collect();
        let progress = self.runner.store.catalog().alerts.alert_progress(Some(&ids)).await?;
        let at = ClockReading::read(&*self.runner.clock);
        let current = self.runner.store.current_position().seq;
        let mut first = u64::MAX;
        for (rule, from_seq) in new {
            // The log of a directory that was restored may be shorter than the one that the rule was made with.
            let from_seq = from_seq.min(current);
            let stored = self.states.remove(&(rule.id, rule.first_seq));
            let stored = stored.and_then(|bytes| RuleState::decode(&bytes, at.monotonic));
            let stored = stored.map(|mut state| {
                state.resume(self.checkpoint_at, at.now);
                state
            });
            first = first.min(if stored.is_some() { self.next_seq } else { from_seq });
            let state = stored.unwrap_or_else(|| RuleState::watched_from(at.monotonic));
            let progress = progress.get(&rule.id).copied().unwrap_or_default();
            self.table.begin(rule, (from_seq, current), state, progress);
        }
        self.table.index();
        Ok(first)
    }

    /// Evaluates what comes next in the log.
    async fn take(&mut self, item: TailItem) -> Result<()> {
        // A rule that was made, or an alert that was resolved, before a reading was written is taken note of before it.
        let next_seq = self.next_seq;
        self.reconcile().await?;
        if self.next_seq < next_seq {
            // It comes again, after what is read again.
            return Ok(());
        }
        self.look_at_closed().await?;
        match item {
            TailItem::Records(records) => self.take_records(&records).await?,
            TailItem::Gap(gap) => self.take_gap(gap).await?,
        }
        let idle_us = self.runner.clock.now().0.saturating_sub(self.save_at.0);
        self.is_saved &= !self.table.take_news() && idle_us < IDLE_CHECKPOINT_US;
        if self.tail.is_some() {
            self.runner.counters.note_progress(self.org, self.next_seq, false);
        }
        Ok(())
    }

    /// When a record arrived, by what the log says of it: the same whenever it is read.
    fn arrival(&mut self, seq: u64, run: &Run) -> Arrival {
        let bound = self.runner.store.ahead_bound();
        if seq >= self.live_from {
            let shown = run.arrived_at.unwrap_or_else(|| self.runner.clock.now());
            return Arrival::at(shown, bound).with_monotonic(self.arrivals.arrival(seq, shown));
        }
        match run.arrived_at {
            Some(at) => Arrival::at(at, bound).read_again(),
            None => Arrival::between(self.checkpoint_at, self.began_at, bound),
        }
    }

    /// Evaluates records in slices of some milliseconds, and leaves the rest when it is stopped: what is evaluated of a record
    /// then is not evaluated again.
    async fn take_records(&mut self, records: &TailRecords) -> Result<()> {
        for (seq, run) in (records.first()..).zip(records.runs()) {
            let arrival = self.arrival(seq, run);
            let mut row = 0;
            while row < run.len() {
                let mut decisions = Vec::new();
                row = self.table.observe_rows((run, seq), row, arrival, &mut decisions);
                self.record(decisions).await?;
                if self.table.takes_pause() {
                    tokio::task::yield_now().await;
                }
                if self.stop.is_cancelled() && row < run.len() {
                    self.is_saved = false;
                    return Ok(());
                }
            }
            self.next_seq = seq + 1;
            self.evaluated_until = run.arrived_at.or(self.evaluated_until);
            if self.stop.is_cancelled() {
                self.is_saved = false;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads from the lake what the log keeps no longer. A reading that was replaced by a later one since is not there any
    /// more: the later one is evaluated in its place.
    async fn take_gap(&mut self, gap: Gap) -> Result<()> {
        tracing::info!(
            org = self.org.0,
            from = gap.from,
            to = gap.to,
            "alert rules read records from the lake"
        );
        let end = gap.to + 1;
        let (org, now) = (self.org, self.runner.clock.now());
        let arrival = Arrival::between(self.checkpoint_at, now, self.runner.store.ahead_bound());
        let missed = GapReader { engine: &self.runner.engine, org, gap, arrival };
        let mut decisions = Vec::new();
        let stop = self.stop;
        let outcome = stop.run_until_cancelled(missed.observe(&mut self.table, &mut decisions)).await;
        self.record(decisions).await?;
        if let Some(outcome) = outcome {
            outcome?;
            self.next_seq = end;
        }
        Ok(())
    }

    async fn record(&mut self, mut decisions: Vec<AlertDecision>) -> Result<()> {
        while !decisions.is_empty() {
            let rest = decisions.split_off(decisions.len().min(DECISIONS_AT_ONCE));
            let outdated = self.runner.store.catalog().alerts.record_alerts(decisions).await?;
            outdated.iter().for_each(|decision| self.note_unwritten(decision));
            decisions = rest;
        }
        Ok(())
    }

    /// Remembers the record of a decision whose rule was changed before it was written: the changed rule decides it. The end of an
    /// alert that somebody resolved is no decision about a record.
    fn note_unwritten(&mut self, decision: &AlertDecision) {
        let Some(until) = decision.decided_until.filter(|_| decision.change != AlertChange::Close) else {
            return;
        };
        let first = self.unwritten.entry(decision.rule.id).or_insert(until.seq);
        *first = until.seq.min(*first);
    }

    /// Takes note of alerts that were resolved or deleted.
    async fn look_at_closed(&mut self) -> Result<()> {
        let closed_alerts = self.runner.store.catalog().alerts.take_closed_alerts(self.org);
        if closed_alerts.is_empty() { Ok(()) } else { self.close(closed_alerts).await }
    }

    /// Closes those of the rules whose open alert is not open any more.
    async fn close(&mut self, rules: Vec<AlertRuleId>) -> Result<()> {
        let progress = self.runner.store.catalog().alerts.alert_progress(Some(&rules)).await?;
        let is_over = |id: &AlertRuleId| progress.get(id).is_some_and(|progress| !progress.is_open);
        let over: Vec<_> = rules.into_iter().filter(is_over).collect();
        let decisions = over.into_iter().filter_map(|id| self.table.close(id)).collect();
        self.record(decisions).await
    }

    async fn tick(&mut self) -> Result<()> {
        self.look_at_closed().await?;
        let at = ClockReading::read(&*self.runner.clock);
        let mut decisions = Vec::new();
        self.notice_time(at, &mut decisions);
        self.ticks = self.ticks.wrapping_add(1);
        if self.ticks.is_multiple_of(TICKS_PER_LOOK) {
            self.look_at_devices(at, &mut decisions);
        }
        self.record(decisions).await?;
        if self.tail.is_some() {
            self.runner.counters.note_progress(self.org, self.next_seq, true);
        }
        // One that is far away was set before the clock was set back.
        self.save_at = self.save_at.min(Micros(at.now.0.saturating_add(MAX_CHECKPOINT_US)));
        if !self.is_saved && at.now >= self.save_at {
            // A note of a closed alert may have been lost with a failed change of the catalog.
            self.close(self.table.open()).await?;
            self.save().await?;
        }
        Ok(())
    }

    /// Evaluates what time alone brings about. While records are still to be taken it is as late as the last one arrived: a
    /// stream whose readings wait here is not silent, and they come before what was due after them. The clock may have been set
    /// back since they arrived: nothing is forgotten before they are evaluated.
    fn notice_time(&mut self, at: ClockReading, decisions: &mut Vec<AlertDecision>) {
        let end = self.runner.store.current_position().seq;
        self.arrivals.note(at, self.next_seq, end);
        if self.tail.is_none() || self.next_seq >= end {
            self.table.end_replay();
            self.evaluated_until = Some(at.now);
        }
        let Some(until) = self.evaluated_until else { return };
        if self.table.notice_due(until, self.runner.store.ahead_bound(), decisions) {
            self.save_soon();
        }
        if let Some(monotonic) = self.arrivals.heard_until() {
            // Its alerts have times of the present clock.
            self.table.notice_silence(ClockReading { now: until.min(at.now), monotonic }, decisions);
        }
    }

    fn look_at_devices(&mut self, at: ClockReading, decisions: &mut Vec<AlertDecision>) {
        let AlertRunner { store, states, .. } = self.runner;
        let shown = |id| Some(states.status(&*store.catalog().devices.any_device(id)?).state);
        if self.table.notice_devices(at, shown, decisions) {
            self.save_soon();
        }
        self.is_saved &= !self.table.is_timing();
    }

    /// Stores the position with what the rules remember.
    async fn save(&mut self) -> Result<()> {
        if self.is_saved {
            return Ok(());
        }
        let (now, states) = (self.runner.clock.now(), self.table.encode());
        let pause_us = (states.len() as i64 / CHECKPOINT_BYTES_PER_S).saturating_mul(MICROS_PER_SECOND);
        let at = AlertCheckpoint { next_seq: self.next_seq, stored_at: now, states };
        let suppressed = self.table.unstored_suppressed();
        self.runner.store.catalog().alerts.save_alert_checkpoint(self.org, at, suppressed).await?;
        self.save_at = Micros(now.0.saturating_add(pause_us.max(CHECKPOINT_US)));
        self.is_saved = true;
        Ok(())
    }
}

/// Waits for ever while no rule needs the log.
async fn next(tail: &mut Option<Tail>) -> Result<TailItem> {
    match tail {
        Some(tail) => tail.next().await,
        None => std::future::pending().await,
    }
}
