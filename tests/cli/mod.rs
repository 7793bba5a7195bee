//! The commands, as typed: in a process of their own, and beside a running server.

mod administer;
mod backup;
mod backup_devices;
mod bench;
mod configure;
mod data;
mod demo;
mod discover;
mod doctor;
mod export;
mod inventory;
mod manual;
mod stop;
mod tag_lists;
mod verify;
