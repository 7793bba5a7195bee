//! State machine of a host application: messages of edge nodes in, values, births, deaths and rebirth commands out. Pure.
//!
//! The rules are those of Sparkplug 3.0, sections 5 and 6. Aliases live as long as their birth. A gap in the sequence
//! numbers, data before its birth and an unknown alias ask for a rebirth; values whose metric is known are taken all the
//! same.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::address::{MetricAddress, MetricSource, NodeId};
use super::birth::{Birth, MetricDescription};
use super::decode;
use super::edge_node::{
    BIRTH_TIMEOUT, DEATH_DELAY, DeathVerdict, DelayedDeath, EdgeDevice, EdgeNode, bd_seq,
};
use super::host_event::{HostEvent, missing, read_birth, value_event};
use super::proto::Payload;
use super::topic::{EdgeTopic, MessageType};
use crate::collect::mqtt::wire::MessageTooLarge;

/// Edge nodes of one connection.
const MAX_NODES: usize = 10_000;
/// Devices behind one edge node.
const MAX_DEVICES: usize = 10_000;
/// Memory of all births of one connection.
const MAX_BIRTH_BYTES: usize = 64 * 1024 * 1024;

/// Why an edge node is lost that does not answer a rebirth command.
const NO_BIRTH: &str = "sends no birth";

/// State of a host on one connection.
#[derive(Debug)]
pub struct HostState {
    nodes: BTreeMap<NodeId, EdgeNode>,
    max_birth_bytes: usize,
}

impl Default for HostState {
    fn default() -> Self {
        HostState { nodes: BTreeMap::new(), max_birth_bytes: MAX_BIRTH_BYTES }
    }
}

impl HostState {
    /// Asks an edge node for its births, and waits for that of this source unless it has one.
    pub fn await_birth(&mut self, source: &MetricSource, now: Instant) {
        let Some(state) = self.node(&source.node) else { return };
        state.is_refused = false;
        let deadline = state.want_rebirth(now) + BIRTH_TIMEOUT;
        if state.birth.is_none() {
            state.birth_deadline.get_or_insert(deadline);
        }
        let Some(device) = &source.device else { return };
        if state.devices.contains_key(device) || state.devices.len() < MAX_DEVICES {
            let is_born = state.birth.is_some();
            let device = state.devices.entry(device.clone()).or_default();
            if is_born && device.birth.is_none() {
                device.birth_deadline.get_or_insert(deadline);
            }
        }
    }

    /// Learns when an edge node was sent a rebirth command on an earlier connection.
    pub fn recall_rebirth(&mut self, node: &NodeId, sent_at: Instant) {
        if let Some(state) = self.node(node) {
            state.rebirth_sent_at = state.rebirth_sent_at.max(Some(sent_at));
        }
    }

    /// The description of a metric.
    ///
    /// # Errors
    /// A message: the edge node or device has sent no birth, or the birth has no such metric.
    pub fn metric(&self, address: &MetricAddress) -> Result<&MetricDescription, String> {
        let MetricSource { node, device } = &address.source;
        let state = self.nodes.get(node);
        let birth = match device {
            None => state.and_then(|state| state.birth.as_ref()),
            Some(device) => {
                state.and_then(|state| state.devices.get(device)).and_then(|device| device.birth.as_ref())
            }
        };
        let birth = birth.ok_or_else(|| format!("`{}` is not online", address.source))?;
        birth.named(&address.metric).ok_or_else(|| missing(address))
    }

    /// Takes a message; one that is too large has no payload.
    pub fn accept(
        &mut self,
        topic: &EdgeTopic,
        payload: &Result<Vec<u8>, MessageTooLarge>,
        now: Instant,
        events: &mut Vec<HostEvent>,
    ) {
        let EdgeTopic { message, source } = topic;
        let payload = payload.as_ref().map_err(ToString::to_string).and_then(|bytes| decode::payload(bytes));
        let payload = match payload {
            Ok(payload) => payload,
            // Without its birth nothing of the source can be read.
            Err(why) if *message == MessageType::Birth => {
                return self.refuse(source, &format!("sends a birth that cannot be read: {why}"), events);
            }
            Err(why) => return self.accept_unreadable(topic, why, now, events),
        };
        let Some(state) = self.node(&source.node) else {
            let why = format!("more than {MAX_NODES} edge nodes");
            return events.push(HostEvent::Ignored { source: source.clone(), why });
        };
        let is_of_node = source.device.is_none() && *message != MessageType::Data;
        if state.is_refused && !is_of_node {
            return;
        }
        match (message, &source.device) {
            (MessageType::Birth, None) => self.accept_node_birth(source, &payload, now, events),
            (MessageType::Birth, Some(_)) => self.accept_device_birth(source, &payload, now, events),
            (MessageType::Data, _) => self.accept_data(source, &payload, now, events),
            (MessageType::Death, None) => self.accept_node_death(source, &payload, now),
            (MessageType::Death, Some(_)) => self.accept_device_death(source, &payload, now, events),
        }
        self.send_due_rebirth(&source.node, now, events);
    }

    /// Does what is due.
    pub fn expire(&mut self, now: Instant, events: &mut Vec<HostEvent>) {
        let is_due = |state: &EdgeNode| state.next_deadline().is_some_and(|due| due <= now);
        let due: Vec<NodeId> =
            self.nodes.iter().filter(|(_, state)| is_due(state)).map(|(node, _)| node.clone()).collect();
        for node in due {
            self.expire_node(&node, now, events);
            self.send_due_rebirth(&node, now, events);
        }
    }

    /// The next moment at which something is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.nodes.values().filter_map(EdgeNode::next_deadline).min()
    }

    /// The state of an edge node, made when it is new; `None` when there are too many.
    fn node(&mut self, node: &NodeId) -> Option<&mut EdgeNode> {
        if !self.nodes.contains_key(node) {
            if self.nodes.len() >= MAX_NODES {
                return None;
            }
            self.nodes.insert(node.clone(), EdgeNode::default());
        }
        self.nodes.get_mut(node)
    }

    /// Whether a birth may be kept besides those of the others.
    fn has_room(&self, birth: &Birth) -> bool {
        let others: usize = self.nodes.values().map(EdgeNode::memory).sum();
        others + birth.memory() <= self.max_birth_bytes
    }

    /// Takes data or a death that cannot be read: values of a known edge node are missing, or it is gone. Its births tell.
    fn accept_unreadable(
        &mut self,
        topic: &EdgeTopic,
        why: String,
        now: Instant,
        events: &mut Vec<HostEvent>,
    ) {
        let EdgeTopic { message, source } = topic;
        events.push(HostEvent::Ignored { source: source.clone(), why });
        let Some(state) = self.nodes.get_mut(&source.node) else { return };
        let device = source.device.as_ref().and_then(|device| state.devices.get(device));
        if state.is_refused || device.is_some_and(|device| device.is_refused) {
            return;
        }
        let due = state.want_rebirth(now);
        if *message == MessageType::Death {
            state.birth_deadline.get_or_insert(due + BIRTH_TIMEOUT);
        }
        self.send_due_rebirth(&source.node, now, events);
    }

    fn accept_node_birth(
        &mut self,
        source: &MetricSource,
        payload: &Payload,
        now: Instant,
        events: &mut Vec<HostEvent>,
    ) {
        let Some(state) = self.nodes.get_mut(&source.node) else { return };
        (state.birth, state.is_refused) = (None, false);
        state.bd_seq = bd_seq(payload);
        state.set_seq(payload.seq);
        (state.rebirth_due, state.birth_deadline) = (None, None);
        // The births of the devices follow. One that does not come is the death of its device.
        for device in state.devices.values_mut() {
            *device = EdgeDevice { birth_deadline: Some(now + BIRTH_TIMEOUT), ..EdgeDevice::default() };
        }
        let birth = read_birth(source, payload, events);
        if !self.has_room(&birth) {
            return self.refuse(source, &self.no_room(), events);
        }
        if let Some(state) = self.nodes.get_mut(&source.node) {
            state.birth = Some(birth);
        }
    }

    fn accept_device_birth(
        &mut self,
        source: &MetricSource,
        payload: &Payload,
        now: Instant,
        events: &mut Vec<HostEvent>,
    ) {
        let (Some(device), Some(state)) = (source.device.as_deref(), self.nodes.get_mut(&source.node)) else {
            return;
        };
        if state.birth.is_none() {
            state.want_rebirth(now);
            return;
        }
        if !state.take_seq(payload.seq) {
            state.want_rebirth(now);
        }
        if !state.devices.contains_key(device) && state.devices.len() >= MAX_DEVICES {
            let why = format!("more than {MAX_DEVICES} devices behind one edge node");
            return events.push(HostEvent::Death { source: source.clone(), why });
        }
        state.devices.insert(device.into(), Default::default());
        let birth = read_birth(source, payload, events);
        if !self.has_room(&birth) {
            return self.refuse(source, &self.no_room(), events);
        }
        if let Some(state) = self.nodes.get_mut(&source.node).and_then(|state| state.devices.get_mut(device))
        {
            state.birth = Some(birth);
        }
    }

    fn accept_data(
        &mut self,
        source: &MetricSource,
        payload: &Payload,
        now: Instant,
        events: &mut Vec<HostEvent>,
    ) {
        let Some(state) = self.nodes.get_mut(&source.node) else { return };
        if state.birth.is_none() || !state.take_seq(payload.seq) {
            state.want_rebirth(now);
        }
        // Who sends data is alive, also without an answer to a rebirth command.
        state.birth_deadline = state.birth_deadline.filter(|_| state.birth.is_none());
        let device = source.device.as_ref().map(|device| state.devices.get(device));
        if device.flatten().is_some_and(|device| device.is_refused) {
            return;
        }
        let birth = match device {
            None => state.birth.as_ref(),
            Some(device) => device.and_then(|device| device.birth.as_ref()),
        };
        let Some(birth) = birth else {
            state.want_rebirth(now);
            return;
        };
        let mut is_complete = true;
        for metric in &payload.metrics {
            match birth.find(metric) {
                Some(description) => events.extend(value_event(description, metric, payload, false)),
                None => is_complete = false,
            }
        }
        if !is_complete {
            state.want_rebirth(now);
        }
    }

    fn accept_node_death(&mut self, source: &MetricSource, payload: &Payload, now: Instant) {
        if let Some(state) = self.nodes.get_mut(&source.node) {
            let death = DelayedDeath { due: now + DEATH_DELAY, bd_seq: bd_seq(payload) };
            state.delayed_death = Some(death);
        }
    }

    fn accept_device_death(
        &mut self,
        source: &MetricSource,
        payload: &Payload,
        now: Instant,
        events: &mut Vec<HostEvent>,
    ) {
        let Some(state) = self.nodes.get_mut(&source.node) else { return };
        if state.birth.is_none() || !state.take_seq(payload.seq) {
            state.want_rebirth(now);
        }
        self.bury(source, "has died", events);
    }

    fn expire_node(&mut self, node: &NodeId, now: Instant, events: &mut Vec<HostEvent>) {
        let Some(state) = self.nodes.get_mut(node) else { return };
        let source = MetricSource { node: node.clone(), device: None };
        if let Some(death) = state.delayed_death.take_if(|death| death.due <= now) {
            match state.judge_death(death.bd_seq) {
                DeathVerdict::Current => return self.bury(&source, "has died", events),
                DeathVerdict::Stale => {}
                DeathVerdict::Unknown => {
                    let due = state.want_rebirth(now);
                    state.birth_deadline.get_or_insert(due + BIRTH_TIMEOUT);
                }
            }
        }
        if state.birth_deadline.is_some_and(|due| due <= now) {
            return self.bury(&source, NO_BIRTH, events);
        }
        let is_overdue = |device: &EdgeDevice| device.birth_deadline.is_some_and(|due| due <= now);
        let overdue: Vec<Box<str>> = state
            .devices
            .iter()
            .filter(|(_, device)| is_overdue(device))
            .map(|(device, _)| device.clone())
            .collect();
        for device in overdue {
            let source = MetricSource { node: node.clone(), device: Some(device) };
            self.bury(&source, NO_BIRTH, events);
        }
    }

    /// Forgets the births of a source that is gone.
    fn bury(&mut self, source: &MetricSource, why: &str, events: &mut Vec<HostEvent>) {
        if let Some(state) = self.nodes.get_mut(&source.node) {
            match &source.device {
                None => {
                    let rebirth_sent_at = state.rebirth_sent_at;
                    *state = EdgeNode { rebirth_sent_at, ..EdgeNode::default() };
                }
                Some(device) => drop(state.devices.remove(device)),
            }
        }
        events.push(HostEvent::Death { source: source.clone(), why: format!("`{source}` {why}") });
    }

    /// Forgets the births of a source whose new one cannot be kept.
    fn refuse(&mut self, source: &MetricSource, why: &str, events: &mut Vec<HostEvent>) {
        self.bury(source, why, events);
        let Some(state) = self.node(&source.node) else { return };
        match &source.device {
            None => state.is_refused = true,
            Some(device) if state.devices.len() < MAX_DEVICES => {
                state.devices.entry(device.clone()).or_default().is_refused = true;
            }
            Some(_) => {}
        }
    }

    fn no_room(&self) -> String {
        format!("is not read: the births on this connection exceed {} bytes", self.max_birth_bytes)
    }

    fn send_due_rebirth(&mut self, node: &NodeId, now: Instant, events: &mut Vec<HostEvent>) {
        let Some(state) = self.nodes.get_mut(node) else { return };
        if state.rebirth_due.take_if(|due| *due <= now).is_some() {
            state.rebirth_sent_at = Some(now);
            events.push(HostEvent::Rebirth(node.clone()));
        }
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
