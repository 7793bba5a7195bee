//! Rows that a field refers to by id. `None` if the row does not exist or the caller may not read it.
//!
//! Rows and newest readings are in memory, so each field reads its own.

use std::sync::Arc;

use async_graphql::{Context, Result};

use super::context::{app, caller};
use super::errors::none_if_not_found;
use crate::domain::device::Device;
use crate::domain::group::Group;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, GroupId, StreamId};

/// Returns a device; `None` without an id.
///
/// # Errors
/// `Forbidden` without the scope to read devices.
pub fn device(ctx: &Context<'_>, id: impl Into<Option<DeviceId>>) -> Result<Option<Arc<Device>>> {
    id.into().map_or(Ok(None), |id| none_if_not_found(app(ctx).devices.device(caller(ctx), id)))
}

/// Returns a stream; `None` without an id.
///
/// # Errors
/// `Forbidden` without the scope to read streams.
pub fn stream(ctx: &Context<'_>, id: impl Into<Option<StreamId>>) -> Result<Option<Arc<Stream>>> {
    id.into().map_or(Ok(None), |id| none_if_not_found(app(ctx).streams.stream(caller(ctx), id)))
}

/// Returns a group; `None` without an id.
///
/// # Errors
/// `Forbidden` without the scope to read groups.
pub fn group(ctx: &Context<'_>, id: impl Into<Option<GroupId>>) -> Result<Option<Arc<Group>>> {
    id.into().map_or(Ok(None), |id| none_if_not_found(app(ctx).groups.group(caller(ctx), id)))
}
