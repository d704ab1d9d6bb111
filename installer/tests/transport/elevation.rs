//! elevation
