//! Which topic is which call of the core. Each vendor's tree is one variant of [`Route`].
//!
//! | topic | call |
//! |---|---|
//! | `basalt/{device}/{stream}` | values of one stream |
//! | `basalt/{device}` | values of several streams |
//! | `discover/{project}/{gateway}/{device}/post` | a document of a device |
//! | `discover/{project}/{gateway}/{device}/{event}`, `discover/{project}/{gateway}/{event}` | a session event |
//! | `discover/{project}/{gateway}/log` | lines of a container's log |
//! | `control/{project}/{gateway}/{device}/response` | the answer to a command |
//! | `os/sensors/raw` | OpenSynaptic facts |
//! | `v1/readings/{organization}/{device}` | readings of a device of the MK platform |
//! | `v1/gateways/{organization}/{device}/…` | what a device of the MK platform reports |
//! | `$SYS/broker/connection/{bridge}/state` | nothing: a bridge of mosquitto says whether it is connected |

use uuid::Uuid;

use crate::app::gateway::session::SessionEvent;
use crate::collect::mqtt::sparkplug::topic::{Direction, NAMESPACE};

/// First level of our own topics.
pub const OWN_TREE: &str = "basalt";
/// First level of what gateways of Instathings report.
pub const DISCOVER_TREE: &str = "discover";
/// First level of the commands for gateways of Instathings.
pub const CONTROL_TREE: &str = "control";
/// The topic of OpenSynaptic facts.
pub const FACTS_TOPIC: &str = "os/sensors/raw";

/// Below this a bridge of mosquitto publishes whether it is connected, unless its `notifications` are off.
const BRIDGE_STATES: &str = "$SYS/broker/connection/";

/// First level of the topics of the MK platform.
pub const PLATFORM_TREE: &str = "v1";

/// The call that a published topic stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route<'a> {
    /// Values of a device; of one stream, or of those that the payload names.
    Values { device: &'a str, stream: Option<&'a str> },
    /// Instathings.
    Gateway(GatewayTopic<'a>),
    /// OpenSynaptic facts.
    Facts,
    /// The MK platform.
    Platform(PlatformTopic),
    /// Sparkplug: edge nodes and hosts.
    Sparkplug(Direction),
    /// The state of another broker's bridge, which is acknowledged and dropped: the connection itself tells it.
    BridgeState,
}

/// A topic of Instathings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayTopic<'a> {
    /// The organization.
    pub project: &'a str,
    pub gateway: &'a str,
    /// The device below the gateway, or the gateway itself.
    pub device: &'a str,
    pub call: GatewayCall,
}

/// A topic of the MK platform to which a device publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlatformTopic {
    /// UUID of the organization.
    pub org: Uuid,
    /// UUID of the device.
    pub device: Uuid,
    pub call: PlatformCall,
}

/// Publication of a device of the MK platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformCall {
    Readings,
    CommandResponse,
    Health,
    /// Whether the device is online, as it or its will says.
    Status,
    ReportedConfiguration,
}

impl PlatformCall {
    /// The levels after the device.
    fn levels(self) -> &'static [&'static str] {
        match self {
            PlatformCall::Readings => &[],
            PlatformCall::CommandResponse => &["commands", "response"],
            PlatformCall::Health => &["health"],
            PlatformCall::Status => &["status"],
            PlatformCall::ReportedConfiguration => &["config", "reported"],
        }
    }

    /// Whether the last message may be retained: it is a document of the device.
    pub fn is_retainable(self) -> bool {
        matches!(self, PlatformCall::Status | PlatformCall::ReportedConfiguration)
    }
}

impl PlatformTopic {
    fn parse(rest: &str) -> Option<Self> {
        let levels: Vec<&str> = rest.split('/').collect();
        let [tree, org, device, call @ ..] = levels.as_slice() else { return None };
        let is_of_tree = |known: &PlatformCall| match *tree {
            "readings" => *known == PlatformCall::Readings,
            "gateways" => *known != PlatformCall::Readings,
            _ => false,
        };
        let calls = [
            PlatformCall::Readings,
            PlatformCall::CommandResponse,
            PlatformCall::Health,
            PlatformCall::Status,
            PlatformCall::ReportedConfiguration,
        ];
        let call = calls.into_iter().filter(is_of_tree).find(|known| known.levels() == call)?;
        Some(Self { org: Uuid::try_parse(org).ok()?, device: Uuid::try_parse(device).ok()?, call })
    }

    /// The topic in its canonical form: UUIDs in lower case with hyphens.
    pub fn name(&self) -> String {
        let tree = if self.call == PlatformCall::Readings { "readings" } else { "gateways" };
        let mut name = format!("{PLATFORM_TREE}/{tree}/{}/{}", self.org, self.device);
        for level in self.call.levels() {
            name.push('/');
            name.push_str(level);
        }
        name
    }
}

/// Report of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayCall {
    Document,
    Session(SessionEvent),
    Log,
    CommandResult,
}

impl<'a> Route<'a> {
    /// Returns the call of a topic name; `None` for a topic that nobody may publish to.
    pub fn parse(topic: &'a str) -> Option<Route<'a>> {
        if topic == FACTS_TOPIC {
            return Some(Route::Facts);
        }
        if topic.starts_with(BRIDGE_STATES) {
            return Some(Route::BridgeState);
        }
        let (tree, rest) = topic.split_once('/')?;
        match tree {
            OWN_TREE => {
                let (device, stream) = match rest.split_once('/') {
                    Some((device, stream)) => (device, Some(stream)),
                    None => (rest, None),
                };
                let is_named = !device.is_empty() && stream != Some("");
                is_named.then_some(Route::Values { device, stream })
            }
            DISCOVER_TREE | CONTROL_TREE => gateway_topic(tree, rest).map(Route::Gateway),
            PLATFORM_TREE => PlatformTopic::parse(rest).map(Route::Platform),
            NAMESPACE => Direction::of(topic).map(Route::Sparkplug),
            _ => None,
        }
    }
}

fn gateway_topic<'a>(tree: &str, rest: &'a str) -> Option<GatewayTopic<'a>> {
    let levels: Vec<&str> = rest.split('/').collect();
    if levels.iter().any(|level| level.is_empty()) {
        return None;
    }
    let event = |name: &str| name.parse().ok().map(GatewayCall::Session);
    let (project, gateway, device, call) = match (tree, levels.as_slice()) {
        (CONTROL_TREE, [project, gateway, device, "response"]) => {
            (project, gateway, device, GatewayCall::CommandResult)
        }
        (DISCOVER_TREE, [project, gateway, "log"]) => (project, gateway, gateway, GatewayCall::Log),
        (DISCOVER_TREE, [project, gateway, name]) => (project, gateway, gateway, event(name)?),
        (DISCOVER_TREE, [project, gateway, device, "post"]) => {
            (project, gateway, device, GatewayCall::Document)
        }
        (DISCOVER_TREE, [project, gateway, device, name]) => (project, gateway, device, event(name)?),
        _ => return None,
    };
    Some(GatewayTopic { project, gateway, device, call })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway<'a>(device: &'a str, call: GatewayCall) -> Option<Route<'a>> {
        Some(Route::Gateway(GatewayTopic { project: "p", gateway: "g", device, call }))
    }

    #[test]
    fn a_topic_is_one_call_or_none() {
        use GatewayCall::{CommandResult, Document, Log, Session};
        let values = |device, stream| Some(Route::Values { device, stream });
        for (topic, expected) in [
            ("basalt/Press 1/temp", values("Press 1", Some("temp"))),
            ("basalt/d/a/b", values("d", Some("a/b"))),
            ("basalt/d", values("d", None)),
            ("os/sensors/raw", Some(Route::Facts)),
            ("discover/p/g/d/post", gateway("d", Document)),
            ("discover/p/g/connected", gateway("g", Session(SessionEvent::Connected))),
            ("discover/p/g/d/not_paired", gateway("d", Session(SessionEvent::NotPaired))),
            ("discover/p/g/log", gateway("g", Log)),
            ("control/p/g/d/response", gateway("d", CommandResult)),
            ("spBv1.0/p/NDATA/e", Some(Route::Sparkplug(Direction::FromEdge))),
        ] {
            assert_eq!(Route::parse(topic), expected, "{topic}");
        }
        let [org, device] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let gateway = format!("v1/gateways/{org}/{device}");
        for (topic, call) in [
            (format!("v1/readings/{org}/{device}"), PlatformCall::Readings),
            (format!("{gateway}/commands/response"), PlatformCall::CommandResponse),
            (format!("{gateway}/health"), PlatformCall::Health),
            (format!("{gateway}/status"), PlatformCall::Status),
            (format!("{gateway}/config/reported"), PlatformCall::ReportedConfiguration),
        ] {
            let expected = PlatformTopic { org, device, call };
            assert_eq!(Route::parse(&topic), Some(Route::Platform(expected)), "{topic}");
            assert_eq!(expected.name(), topic);
        }
        for rest in ["", "/commands", "/config/desired", "/config/reported/x", "/"] {
            assert_eq!(Route::parse(&format!("{gateway}{rest}")), None, "{rest}");
        }
        assert_eq!(Route::parse(&format!("v1/readings/{org}/{device}/x")), None);
        assert_eq!(Route::parse(&format!("v1/readings/{org}/device")), None);
        assert_eq!(Route::parse("$SYS/broker/connection/press.plant/state"), Some(Route::BridgeState));
        for nothing in [
            "basalt",
            "basalt/",
            "basalt//x",
            "basalt/d/",
            "os/sensors",
            "os/sensors/raw/x",
            "discover/p/g",
            "discover/p//d/post",
            "discover/p/g/d/x",
            "discover/p/g/d/e/post",
            "control/p/g/d/set",
            "a",
            "/",
            "$SYS/x",
            "v2/x",
            "spBv1.0/p/e",
        ] {
            assert_eq!(Route::parse(nothing), None, "{nothing}");
        }
    }
}
