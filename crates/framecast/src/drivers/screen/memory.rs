//! Memory that an X server on this machine writes pictures to, which saves sending them.
//!
//! It is an anonymous file that the server maps and this process reads: no mapping here, so no unsafe code.

use std::{fs::File, os::unix::fs::FileExt as _};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use x11rb::{
    connection::{Connection as _, RequestConnection as _},
    protocol::{
        shm::{self, ConnectionExt as _},
        xproto::ImageFormat,
    },
};

use super::{display::Display, grab::Area};

/// A piece of memory that a server has attached.
pub(super) struct Memory {
    file: File,
    segment: shm::Seg,
    size: usize,
}

impl Memory {
    /// At least `size` bytes; `None` if this server can't.
    pub(super) fn attach(display: &Display, size: usize) -> Option<Self> {
        let server = &display.server;
        if !display.local {
            return None;
        }
        server
            .extension_information(shm::X11_EXTENSION_NAME)
            .ok()??;
        let version = server.shm_query_version().ok()?.reply().ok()?;
        // Passing a descriptor came with 1.2.
        if (version.major_version, version.minor_version) < (1, 2) {
            return None;
        }
        let file = memfd_create("framecast-screen", MemfdFlags::CLOEXEC).ok()?;
        ftruncate(&file, size as u64).ok()?;
        let segment = server.generate_id().ok()?;
        let theirs = file.try_clone().ok()?;
        let attached = server.shm_attach_fd(segment, theirs, false).ok()?;
        attached.check().ok()?;
        Some(Self {
            file: file.into(),
            segment,
            size,
        })
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Has the server draw that part of its screen, and reads it; `None` if it doesn't.
    pub(super) fn read(&self, display: &Display, area: Area, pixels: &mut [u8]) -> Option<()> {
        let (x, y, width, height) = area.on_wire();
        let format = ImageFormat::Z_PIXMAP.into();
        let (root, segment) = (display.screen.root, self.segment);
        let cookie = display
            .server
            .shm_get_image(root, x, y, width, height, !0, format, segment, 0);
        cookie.ok()?.reply().ok()?;
        self.file.read_exact_at(pixels, 0).ok()
    }

    /// Gives it back. What is still attached at the end of the connection goes with that.
    pub(super) fn detach(self, display: &Display) {
        // It fails only if the connection did.
        let _gone = display.server.shm_detach(self.segment);
    }
}
