//! Any camera on a web page, live, for everyone who wants to watch.

pub mod drivers;
pub mod hub;
pub mod web;
