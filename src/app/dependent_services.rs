//! Services that call many others, and those that these need, each built after those that it calls.

use std::sync::Arc;

use super::AppSettings;
use super::backup::Backups;
use super::called_services::CalledServices;
use super::control::{OwnerCalls, OwnerCommands};
use super::core_parts::CoreParts;
use super::export::Exports;
use super::gateway::Gateway;
use super::inventory::tag_list::TagLists;
use super::inventory::{InventoryCalls, InventoryFiles};
use super::jobs::Jobs;
use super::media::MediaServices;
use super::messages::Messages;
use super::mqtt::{MqttCalls, MqttServices};
use super::node::{NodeCalls, NodeServices};
use super::quarantine::Quarantine;
use super::shared_state::SharedState;
use super::user::Users;
use super::vendors::{VendorCalls, VendorServices};

/// Services that are built after [`CalledServices`].
pub(super) struct DependentServices {
    pub backups: Arc<Backups>,
    pub exports: Arc<Exports>,
    pub gateway: Arc<Gateway>,
    pub inventory: Arc<InventoryFiles>,
    pub jobs: Arc<Jobs>,
    pub media: MediaServices,
    pub messages: Arc<Messages>,
    pub mqtt: MqttServices,
    pub node: NodeServices,
    pub owner_commands: Arc<OwnerCommands>,
    pub quarantine: Arc<Quarantine>,
    pub tag_lists: Arc<TagLists>,
    pub users: Arc<Users>,
    pub vendors: VendorServices,
}

impl DependentServices {
    /// Builds the services over `calls`, which all exist by then, in the order of their own calls.
    pub fn new(
        parts: &CoreParts,
        settings: &AppSettings,
        calls: &CalledServices,
        shared: &SharedState,
    ) -> Self {
        let SharedState { hub, broker, fetcher, nodes } = shared.clone();
        let (access, audit) = (|| calls.access.clone(), calls.audit.clone());
        let backups = Arc::new(Backups::new(parts, access(), audit, settings.backup_dir.clone()));
        let exports = Arc::new(Exports::new(parts, calls.of_exports(), &settings.data_dir));
        let jobs = Arc::new(Jobs::new(parts, calls.models.clone(), backups.clone(), exports.clone()));
        let gateway = Arc::new(Gateway::new(parts, hub.clone(), calls.of_gateway(), &settings.messages));
        let messages = Arc::new(Messages::new(parts, hub, &settings.messages));
        let media = MediaServices::new(parts, calls.of_media(&fetcher), &settings.media, &settings.data_dir);
        let quarantine = Arc::new(Quarantine::new(parts));
        let inventory = Arc::new(InventoryFiles::new(parts, of_inventory(calls)));
        let tag_lists = Arc::new(TagLists::new(parts));
        let users = Arc::new(Users::new(parts, access(), calls.passwords.clone()));
        let of_mqtt = of_mqtt(calls, gateway.clone(), messages.clone());
        let of_node = NodeCalls {
            captures: media.captures.clone(),
            events: calls.events.clone(),
            exports: exports.clone(),
            jobs: jobs.clone(),
            messages: messages.clone(),
            objects: calls.mk.objects.clone(),
            quarantine: quarantine.clone(),
            nodes,
            web: fetcher,
        };
        let of_owner = OwnerCalls {
            access: access(),
            backups: backups.clone(),
            certificates: calls.certificates.clone(),
            clients: calls.clients.clone(),
            inventory: inventory.clone(),
            models: calls.models.clone(),
            tag_lists: tag_lists.clone(),
            users: users.clone(),
        };
        let of_vendors =
            VendorCalls { access: access(), gateway: gateway.clone(), messages: messages.clone() };
        Self {
            mqtt: MqttServices::new(parts, of_mqtt, broker, settings),
            node: NodeServices::new(parts, of_node, settings),
            owner_commands: Arc::new(OwnerCommands::new(parts, of_owner)),
            vendors: VendorServices::new(parts, of_vendors, settings),
            backups,
            exports,
            gateway,
            inventory,
            jobs,
            media,
            messages,
            quarantine,
            tag_lists,
            users,
        }
    }
}

fn of_mqtt(calls: &CalledServices, gateway: Arc<Gateway>, messages: Arc<Messages>) -> MqttCalls {
    MqttCalls {
        access: calls.access.clone(),
        certificates: calls.certificates.clone(),
        commands: calls.commands.clone(),
        configurations: calls.mk.configurations.clone(),
        device_commands: calls.mk.commands.clone(),
        devices: calls.devices.clone(),
        feeds: calls.feeds.clone(),
        firmware: calls.mk.firmware.clone(),
        gateway,
        messages,
        readings: calls.readings.clone(),
    }
}

fn of_inventory(calls: &CalledServices) -> InventoryCalls {
    InventoryCalls {
        devices: calls.devices.clone(),
        documents: calls.documents.clone(),
        streams: calls.streams.clone(),
        configurations: calls.mk.configurations.clone(),
        packs: calls.mk.packs.clone(),
        platform_devices: calls.mk.devices.clone(),
        sensors: calls.mk.sensors.clone(),
    }
}
