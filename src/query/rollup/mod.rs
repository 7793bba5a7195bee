//! Rollups: answer queries about time buckets from computed statistics where these are valid and from raw readings
//! elsewhere. The cost grows with windows, not with readings.
//!
//! `range_split` decides which time of a stream is read where: whole hours from hourly statistics, whole windows from
//! statistics, and edges from readings. `from_statistics` and `from_readings` make partials of
//! either, and `partials_scan` combines both in a leaf of a plan. `rule` puts that leaf under aggregates of SQL, with
//! `aggregates` that combine partials. `partials_sources` divides the leaf among nodes by streams.

pub mod accumulators;
pub mod aggregates;
pub mod bucket_batch;
pub mod equal_shares;
pub mod exact_statistics;
pub mod filters;
pub mod from_readings;
pub mod from_statistics;
pub mod level;
pub mod partial;
pub mod partials_scan;
pub mod partials_sources;
pub mod quantiles;
pub mod range_split;
pub mod realtime;
pub mod rule;
pub mod series;
pub mod series_spec;
pub mod statistics_part;
pub mod statistics_scan;
pub mod stream_windows;
pub mod table;
