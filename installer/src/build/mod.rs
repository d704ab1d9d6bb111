//! build.
