//! Any camera on a web page, live, for everyone who wants to watch.

pub mod cli;
pub mod config;
pub mod drivers;
pub mod hub;
pub mod sinks;
pub mod web;
