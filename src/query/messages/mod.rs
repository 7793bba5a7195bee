//! Messages: lists, sensors, devices and look-ups over stored messages and those derived from readings.
//!
//! A stored message hides the derived one of its device and time. A principal sees the messages of the devices that it
//! sees completely, because a message holds data of all streams of its device.
//!
//! Totals and the way to a page come from the kept counts of `store/message_counts`; only windows that these do not
//! cover are counted from rows. The keys of the page are then read, and at last the messages themselves.

mod assemble;
mod counting;
mod engine;
mod keys;
mod live_windows;
mod paging;
mod scope;
mod sensor_group;
mod stored_filter;
