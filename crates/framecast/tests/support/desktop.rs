//! An X server for a test, and a program that shows windows on it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use framecast_camera::{Camera, Running};
use rustix::process::{Pid, Signal};
use x11rb::{
    connection::Connection as _,
    protocol::xproto::{
        AtomEnum, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, PropMode, Window,
        WindowClass,
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use super::support::camera;

/// An X server with nothing on it.
pub(crate) struct Desktop {
    server: Child,
    pub(crate) name: String,
}

impl Desktop {
    /// 320x240 in true colour.
    pub(crate) fn new() -> Self {
        Self::with("320x240x24", &[])
    }

    pub(crate) fn with(screen: &str, more: &[&str]) -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", screen])
            // It must not start anew whenever the last client has left.
            .args(["-nolisten", "tcp", "-noreset"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is needed for this test");
        let mut number = String::new();
        let told = server.stdout.take().unwrap();
        BufReader::new(told).read_line(&mut number).unwrap();
        let name = format!(":{}", number.trim());
        Self { server, name }
    }

    pub(crate) fn camera(&self, options: &[&str]) -> Arc<dyn Camera> {
        camera(&format!("screen:{}", self.name), options)
    }

    pub(crate) fn running(&self, options: &[&str]) -> Running {
        self.camera(options).frames().start()
    }

    pub(crate) fn client(&self) -> Client {
        let (server, screen) = RustConnection::connect(Some(&self.name)).unwrap();
        let root = server.setup().roots[screen].root;
        Client { server, root }
    }

    pub(crate) fn unplug(&mut self) {
        self.server.kill().unwrap();
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        // Gently, so that it takes its socket along.
        let _ = rustix::process::kill_process(Pid::from_child(&self.server), Signal::TERM);
        let _ = self.server.wait();
    }
}

/// A program that shows windows, all of one colour.
pub(crate) struct Client {
    pub(crate) server: RustConnection,
    pub(crate) root: Window,
}

impl Client {
    pub(crate) fn window(
        &self,
        title: &str,
        colour: u32,
        place: (i16, i16),
        size: (u16, u16),
    ) -> Window {
        let window = self.server.generate_id().unwrap();
        let about = CreateWindowAux::new().background_pixel(colour);
        let (x, y) = place;
        self.server
            .create_window(
                0,
                window,
                self.root,
                x,
                y,
                size.0,
                size.1,
                0,
                WindowClass::INPUT_OUTPUT,
                0,
                &about,
            )
            .unwrap();
        self.server
            .change_property8(
                PropMode::REPLACE,
                window,
                AtomEnum::WM_NAME,
                AtomEnum::STRING,
                title.as_bytes(),
            )
            .unwrap();
        self.server.map_window(window).unwrap();
        self.server.sync().unwrap();
        window
    }

    pub(crate) fn change(&self, window: Window, change: ConfigureWindowAux) {
        self.server.configure_window(window, &change).unwrap();
        self.server.sync().unwrap();
    }
}
