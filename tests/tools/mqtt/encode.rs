//! Packets as a client writes them, byte by byte (OASIS MQTT 3.1.1 and 5.0, chapters 2 and 3), also those that break the
//! rules.

/// The versions that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V311,
    V5,
}

pub const BOTH: [Version; 2] = [Version::V311, Version::V5];

/// First bytes of packets, with the flags that each must have.
pub const PUBACK: u8 = 0x40;
pub const PUBREC: u8 = 0x50;
pub const PUBREL: u8 = 0x62;
pub const PUBCOMP: u8 = 0x70;
pub const PINGREQ: [u8; 2] = [0xC0, 0];

/// Properties of 5.0 (2.2.2.2).
pub const SESSION_EXPIRY: u8 = 0x11;
pub const WILL_DELAY: u8 = 0x18;
pub const RECEIVE_MAXIMUM: u8 = 0x21;
pub const TOPIC_ALIAS_MAXIMUM: u8 = 0x22;
pub const TOPIC_ALIAS: u8 = 0x23;
pub const SUBSCRIPTION_ID: u8 = 0x0B;

/// A packet: its first byte, the length of the rest, the rest.
pub fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    [&[first][..], &length(body.len()), body].concat()
}

/// A variable byte integer (1.5.5).
pub fn length(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let more = number >= 128;
        bytes.push((number % 128) as u8 | if more { 128 } else { 0 });
        number /= 128;
        if !more {
            return bytes;
        }
    }
}

/// A string or binary data with its length; at most 65,535 bytes.
pub fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

pub fn two_bytes(id: u8, number: u16) -> Vec<u8> {
    [&[id][..], &number.to_be_bytes()].concat()
}

pub fn four_bytes(id: u8, number: u32) -> Vec<u8> {
    [&[id][..], &number.to_be_bytes()].concat()
}

/// Properties with their length in 5.0, nothing in 3.1.1.
fn properties(version: Version, properties: &[u8]) -> Vec<u8> {
    match version {
        Version::V311 => Vec::new(),
        Version::V5 => [&length(properties.len())[..], properties].concat(),
    }
}

/// Message published when a connection ends without a farewell.
#[derive(Debug, Clone)]
pub struct Will {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub is_retained: bool,
    pub properties: Vec<u8>,
}

impl Will {
    /// One with QoS 1 that is not retained.
    pub fn new(topic: &str, payload: &str) -> Will {
        Will {
            topic: topic.to_owned(),
            payload: payload.as_bytes().to_vec(),
            qos: 1,
            is_retained: false,
            properties: Vec::new(),
        }
    }
}

/// A CONNECT. `flags`, `level` and `protocol` are what the version asks for unless a case breaks them.
#[derive(Debug, Clone)]
pub struct Connect {
    pub version: Version,
    pub client_id: String,
    pub is_clean: bool,
    pub keep_alive_s: u16,
    pub user: Option<String>,
    pub password: Option<String>,
    pub will: Option<Will>,
    pub properties: Vec<u8>,
    pub protocol: &'static str,
    pub level: u8,
    /// Flipped in the connect flags.
    pub flipped: u8,
}

impl Connect {
    /// A clean session of a key.
    pub fn new(version: Version, client_id: &str, key: &str) -> Connect {
        Connect {
            version,
            client_id: client_id.to_owned(),
            is_clean: true,
            keep_alive_s: 60,
            user: Some("key".to_owned()),
            password: Some(key.to_owned()),
            will: None,
            properties: Vec::new(),
            protocol: "MQTT",
            level: if version == Version::V5 { 5 } else { 4 },
            flipped: 0,
        }
    }

    /// Asks for a session that outlives its connection, in 5.0 for an hour.
    pub fn persistent(mut self) -> Connect {
        self.is_clean = false;
        if self.version == Version::V5 {
            self.properties.extend(four_bytes(SESSION_EXPIRY, 3600));
        }
        self
    }

    pub fn with_will(self, will: Will) -> Connect {
        Connect { will: Some(will), ..self }
    }

    pub fn with_properties(mut self, bytes: &[u8]) -> Connect {
        self.properties.extend(bytes);
        self
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut flags = u8::from(self.is_clean) << 1;
        flags |= u8::from(self.user.is_some()) << 7 | u8::from(self.password.is_some()) << 6;
        if let Some(will) = &self.will {
            flags |= 1 << 2 | will.qos << 3 | u8::from(will.is_retained) << 5;
        }
        let mut body = prefixed(self.protocol.as_bytes());
        body.extend([self.level, flags ^ self.flipped]);
        body.extend(self.keep_alive_s.to_be_bytes());
        body.extend(properties(self.version, &self.properties));
        body.extend(prefixed(self.client_id.as_bytes()));
        if let Some(will) = &self.will {
            body.extend(properties(self.version, &will.properties));
            body.extend(prefixed(will.topic.as_bytes()));
            body.extend(prefixed(&will.payload));
        }
        for text in [&self.user, &self.password].into_iter().flatten() {
            body.extend(prefixed(text.as_bytes()));
        }
        frame(0x10, &body)
    }
}

/// A PUBLISH. `id` is left out at QoS 0.
#[derive(Debug, Clone)]
pub struct Publish {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub id: u16,
    pub is_retained: bool,
    pub is_again: bool,
    pub properties: Vec<u8>,
}

impl Publish {
    pub fn new(topic: &str, payload: impl AsRef<[u8]>, qos: u8, id: u16) -> Publish {
        Publish {
            topic: topic.to_owned(),
            payload: payload.as_ref().to_vec(),
            qos,
            id,
            is_retained: false,
            is_again: false,
            properties: Vec::new(),
        }
    }

    pub fn retained(self) -> Publish {
        Publish { is_retained: true, ..self }
    }

    /// As it is sent a second time.
    pub fn again(self) -> Publish {
        Publish { is_again: true, ..self }
    }

    pub fn encode(&self, version: Version) -> Vec<u8> {
        let mut body = prefixed(self.topic.as_bytes());
        if self.qos > 0 {
            body.extend(self.id.to_be_bytes());
        }
        body.extend(properties(version, &self.properties));
        body.extend(&self.payload);
        let flags = u8::from(self.is_again) << 3 | self.qos << 1 | u8::from(self.is_retained);
        frame(0x30 | flags, &body)
    }
}

/// A SUBSCRIBE of filters with their options, which are the QoS in 3.1.1.
pub fn subscribe(version: Version, id: u16, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend(properties(version, &[]));
    for (filter, options) in filters {
        body.extend(prefixed(filter.as_bytes()));
        body.push(*options);
    }
    frame(0x82, &body)
}

pub fn unsubscribe(version: Version, id: u16, filters: &[&str]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend(properties(version, &[]));
    body.extend(filters.iter().flat_map(|filter| prefixed(filter.as_bytes())));
    frame(0xA2, &body)
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP of success.
pub fn ack(first: u8, id: u16) -> Vec<u8> {
    frame(first, &id.to_be_bytes())
}

/// The farewell; a reason other than 0 exists in 5.0 only.
pub fn disconnect(version: Version, reason: u8) -> Vec<u8> {
    match (version, reason) {
        (Version::V311, _) | (_, 0) => frame(0xE0, &[]),
        (Version::V5, reason) => frame(0xE0, &[reason, 0]),
    }
}
