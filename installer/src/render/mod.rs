//! Cluster → what every host must be like; and the template language, for all templates there are.
//!
//! Pure and deterministic: no clock, no disk, no environment, nothing in an order of its own.

mod context;
mod host;
mod names;
mod shape;
mod system;
mod template;
mod templates;

pub use context::{ClusterContext, HostContext, Item, RoleContext};
pub use host::render;
pub use shape::Shape;
pub use template::{Shared, Template};
pub use templates::Templates;
