//! Pictures of a screen: where what is watched lies just now, and its pixels.

use framecast_camera::{Captured, Error, ErrorKind, Frame, Layout, Result, Size};
use x11rb::{
    connection::RequestConnection as _,
    protocol::{
        xfixes::{self, ConnectionExt as _},
        xproto::{ConnectionExt as _, ImageFormat, MapState, Window},
    },
};

use super::{
    display::Display,
    memory::Memory,
    pixels::{Pixels, Pointer},
    window,
};

/// A rectangle on a screen, or on what is watched of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

impl Area {
    /// What of it lies in `other`; `None` if nothing does.
    fn within(self, other: Self) -> Option<Self> {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let right = (self.x + self.width).min(other.x + other.width);
        let bottom = (self.y + self.height).min(other.y + other.height);
        (right > x && bottom > y).then_some(Self {
            x,
            y,
            width: right - x,
            height: bottom - y,
        })
    }

    /// As X11 has it. On a screen, which has 16 bits for a side, nothing is cut off.
    pub(super) fn on_wire(self) -> (i16, i16, u16, u16) {
        (
            self.x as i16,
            self.y as i16,
            self.width as u16,
            self.height as u16,
        )
    }
}

/// Takes pictures of a screen.
pub(super) struct Grab {
    display: Display,
    layout: Pixels,
    window: Option<(Window, String)>,
    region: Option<Area>,
    cursor: bool,
    /// What the server writes to, if it can.
    memory: Option<Memory>,
    sharing: bool,
    pixels: Vec<u8>,
}

impl Grab {
    pub(super) fn new(
        display: Display,
        window: Option<&str>,
        region: Option<Area>,
        cursor: bool,
    ) -> Result<Self> {
        let layout = Pixels::of(&display).ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the X server `{}` has too few colours: run it with a depth of 24",
                    display.name
                ),
            )
        })?;
        if cursor {
            point(&display)?;
        }
        let window = match window {
            Some(wanted) => Some((window::find(&display, wanted)?, wanted.to_owned())),
            None => None,
        };
        Ok(Self {
            display,
            layout,
            window,
            region,
            cursor,
            memory: None,
            sharing: true,
            pixels: Vec::new(),
        })
    }

    /// A picture; `None` if the screen changed while it was taken.
    pub(super) fn frame(&mut self) -> Result<Option<Frame>> {
        let Some(area) = self.area()? else {
            return Ok(None);
        };
        let captured = Captured::now();
        if !self.fetch(area)? {
            return Ok(None);
        }
        let width = area.width as usize;
        let mut rgb = self.layout.to_rgb(&self.pixels, width);
        if self.cursor {
            self.draw_pointer(area, &mut rgb)?;
        }
        let size = Size::new(area.width as u32, area.height as u32);
        let frame = Frame::raw(Layout::Rgb24, size, 3 * size.width, rgb);
        Ok(Some(frame.captured_at(captured)))
    }

    /// Where on the screen that is which is watched, at this moment; `None` if that changes just now.
    fn area(&self) -> Result<Option<Area>> {
        let display = &self.display;
        let Some(screen) = self.place(display.screen.root)? else {
            return Ok(None);
        };
        let watched = match &self.window {
            None => screen,
            Some((window, wanted)) => {
                let Some(place) = self.place(*window)? else {
                    let message = format!("the window `{wanted}` is gone");
                    return Err(Error::new(ErrorKind::Lost, message));
                };
                if !self.is_shown(*window)? {
                    let message = format!("the window `{wanted}` is hidden");
                    return Err(Error::new(ErrorKind::NoSignal, message));
                }
                place
            }
        };
        let wanted = match self.region {
            None => Some(watched),
            Some(region) => Area {
                x: watched.x + region.x,
                y: watched.y + region.y,
                ..region
            }
            .within(watched),
        };
        match wanted.and_then(|wanted| wanted.within(screen)) {
            Some(area) => Ok(Some(area)),
            None => Err(Error::new(
                ErrorKind::NoSignal,
                format!(
                    "nothing of it is on the screen, which has {}x{}",
                    screen.width, screen.height
                ),
            )),
        }
    }

    /// Where a window is on the screen; `None` if it is gone.
    fn place(&self, window: Window) -> Result<Option<Area>> {
        let display = &self.display;
        let geometry = display.server.get_geometry(window);
        let geometry = geometry.map_err(|why| display.lost(why))?;
        let corner = display
            .server
            .translate_coordinates(window, display.screen.root, 0, 0);
        let corner = corner.map_err(|why| display.lost(why))?;
        let (Some(geometry), Some(corner)) = (
            display.answer(geometry.reply())?,
            display.answer(corner.reply())?,
        ) else {
            return Ok(None);
        };
        Ok(Some(Area {
            x: corner.dst_x.into(),
            y: corner.dst_y.into(),
            width: geometry.width.into(),
            height: geometry.height.into(),
        }))
    }

    fn is_shown(&self, window: Window) -> Result<bool> {
        let display = &self.display;
        let cookie = display.server.get_window_attributes(window);
        let reply = cookie.map_err(|why| display.lost(why))?.reply();
        let attributes = display.answer(reply)?;
        Ok(attributes.is_some_and(|it| it.map_state == MapState::VIEWABLE))
    }

    /// Fills `pixels`; false if the server refuses, as it does for what is no longer there.
    fn fetch(&mut self, area: Area) -> Result<bool> {
        let display = &self.display;
        let bytes = self.layout.stride(area.width as usize) * area.height as usize;
        self.pixels.resize(bytes, 0);
        if self.sharing {
            if self
                .memory
                .as_ref()
                .is_none_or(|memory| memory.size() < bytes)
            {
                if let Some(small) = self.memory.take() {
                    small.detach(display);
                }
                self.memory = Memory::attach(display, bytes);
            }
            match &self.memory {
                Some(memory) => {
                    let read = memory.read(display, area, &mut self.pixels);
                    if read.is_some() {
                        return Ok(true);
                    }
                }
                None => self.sharing = false,
            }
        }
        let (x, y, width, height) = area.on_wire();
        let (format, root) = (ImageFormat::Z_PIXMAP, display.screen.root);
        let cookie = display
            .server
            .get_image(format, root, x, y, width, height, !0);
        let reply = cookie.map_err(|why| display.lost(why))?.reply();
        let Some(image) = display.answer(reply)?.filter(|it| it.data.len() >= bytes) else {
            return Ok(false);
        };
        self.pixels = image.data;
        self.pixels.truncate(bytes);
        Ok(true)
    }

    fn draw_pointer(&self, area: Area, rgb: &mut [u8]) -> Result<()> {
        let display = &self.display;
        let cookie = display.server.xfixes_get_cursor_image();
        let reply = cookie.map_err(|why| display.lost(why))?.reply();
        // A screen without a pointer refuses.
        if let Some(image) = display.answer(reply)? {
            let pointer = Pointer {
                argb: &image.cursor_image,
                width: image.width.into(),
                x: i32::from(image.x) - i32::from(image.xhot) - area.x,
                y: i32::from(image.y) - i32::from(image.yhot) - area.y,
            };
            pointer.draw(rgb, area.width as usize);
        }
        Ok(())
    }
}

/// Prepares for pictures of the pointer.
fn point(display: &Display) -> Result<()> {
    let known = display
        .server
        .extension_information(xfixes::X11_EXTENSION_NAME);
    if known.map_err(|why| display.lost(why))?.is_none() {
        let message = format!(
            "the X server `{}` can't show the pointer: leave out `cursor`",
            display.name
        );
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    // The server answers nothing else before it is told which version is spoken.
    let cookie = display.server.xfixes_query_version(4, 0);
    let reply = cookie.map_err(|why| display.lost(why))?.reply();
    reply.map(drop).map_err(|why| display.failed(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(x: i32, y: i32, width: i32, height: i32) -> Area {
        Area {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn what_sticks_out_of_the_screen_is_cut_off() {
        let screen = area(0, 0, 100, 80);
        assert_eq!(
            area(-10, 70, 50, 50).within(screen),
            Some(area(0, 70, 40, 10))
        );
        assert_eq!(screen.within(screen), Some(screen));
        assert_eq!(area(100, 0, 5, 5).within(screen), None);
    }
}
