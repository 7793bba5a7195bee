//! Questions about buckets of time, answered from computed statistics where these are right and from raw readings
//! elsewhere: cost grows with windows, not with readings.
//!
//! `split` says which time of a stream is read where; `stored` and `raw` make partials of either, `rows` is both as a
//! leaf of a plan. `rule` puts that leaf under aggregates of SQL, with `aggregates` that add partials up.

pub mod aggregates;
pub mod bucket;
pub mod filters;
pub mod fresh;
pub mod groups;
pub mod partial;
pub mod quantiles;
pub mod raw;
pub mod rows;
pub mod rule;
pub mod series;
pub mod split;
pub mod stored;
pub mod summaries;
pub mod table;
pub mod windows;
