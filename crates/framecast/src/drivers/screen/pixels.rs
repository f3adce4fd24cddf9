//! RGB out of an X server's pixels, whatever their layout, and a mouse pointer over it.

use x11rb::{
    connection::Connection as _,
    protocol::xproto::{ImageOrder, VisualClass},
};

use super::display::Display;

/// How a server lays out the pixels of its screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pixels {
    bytes: usize,
    /// Bits to which a row is padded.
    pad: usize,
    big_endian: bool,
    red: Channel,
    green: Channel,
    blue: Channel,
}

/// Where a colour is in a pixel.
#[derive(Clone, Copy, Debug)]
struct Channel {
    shift: u32,
    bits: u32,
}

impl Channel {
    fn of(mask: u32) -> Self {
        Self {
            shift: mask.trailing_zeros(),
            bits: mask.count_ones(),
        }
    }

    /// Its value in a pixel, stretched to 0 … 255.
    fn of_pixel(self, pixel: u32) -> u8 {
        let most = (1_u64 << self.bits) - 1;
        let value = u64::from(pixel >> self.shift) & most;
        (value * 255 / most) as u8
    }

    /// The byte of a pixel that it is, if it is one.
    fn byte(self, bytes: usize, big_endian: bool) -> Option<usize> {
        let byte = (self.shift / 8) as usize;
        let whole = self.bits == 8 && self.shift.is_multiple_of(8) && byte < bytes;
        whole.then_some(if big_endian { bytes - 1 - byte } else { byte })
    }
}

impl Pixels {
    /// Those of the display's screen; `None` if its colours come from a palette.
    pub(super) fn of(display: &Display) -> Option<Self> {
        let setup = display.server.setup();
        let screen = &display.screen;
        let depths = screen.allowed_depths.iter();
        let visual = depths
            .flat_map(|depth| &depth.visuals)
            .find(|visual| visual.visual_id == screen.root_visual)?;
        let format = setup
            .pixmap_formats
            .iter()
            .find(|format| format.depth == screen.root_depth)?;
        let coloured =
            visual.class == VisualClass::TRUE_COLOR || visual.class == VisualClass::DIRECT_COLOR;
        let masks = [visual.red_mask, visual.green_mask, visual.blue_mask];
        if !coloured || masks.contains(&0) || !matches!(format.bits_per_pixel, 16 | 24 | 32) {
            return None;
        }
        Some(Self {
            bytes: usize::from(format.bits_per_pixel) / 8,
            pad: usize::from(format.scanline_pad),
            big_endian: setup.image_byte_order == ImageOrder::MSB_FIRST,
            red: Channel::of(visual.red_mask),
            green: Channel::of(visual.green_mask),
            blue: Channel::of(visual.blue_mask),
        })
    }

    /// Bytes from one row to the next.
    pub(super) fn stride(&self, width: usize) -> usize {
        (width * self.bytes * 8).next_multiple_of(self.pad) / 8
    }

    /// RGB rows without a gap. `pixels` are whole rows.
    pub(super) fn to_rgb(self, pixels: &[u8], width: usize) -> Vec<u8> {
        let stride = self.stride(width);
        let rows = pixels.chunks_exact(stride);
        let mut rgb = vec![0; rows.len() * width * 3];
        let channels = [self.red, self.green, self.blue];
        let bytes = channels.map(|channel| channel.byte(self.bytes, self.big_endian));
        for (row, out) in rows.zip(rgb.chunks_exact_mut(width * 3)) {
            let row = &row[..width * self.bytes];
            match (self.bytes, bytes) {
                // What nearly every server has, with its places known beforehand: the compiler makes vectors of it.
                (4, [Some(2), Some(1), Some(0)]) => {
                    for (out, pixel) in out
                        .as_chunks_mut::<3>()
                        .0
                        .iter_mut()
                        .zip(row.as_chunks::<4>().0)
                    {
                        *out = [pixel[2], pixel[1], pixel[0]];
                    }
                }
                (bytes, [Some(red), Some(green), Some(blue)]) => {
                    for (out, pixel) in out.chunks_exact_mut(3).zip(row.chunks_exact(bytes)) {
                        out.copy_from_slice(&[pixel[red], pixel[green], pixel[blue]]);
                    }
                }
                (bytes, _) => {
                    for (out, pixel) in out.chunks_exact_mut(3).zip(row.chunks_exact(bytes)) {
                        let pixel = self.number(pixel);
                        out.copy_from_slice(&channels.map(|channel| channel.of_pixel(pixel)));
                    }
                }
            }
        }
        rgb
    }

    fn number(&self, pixel: &[u8]) -> u32 {
        let add = |number: u32, byte: &u8| number << 8 | u32::from(*byte);
        if self.big_endian {
            pixel.iter().fold(0, add)
        } else {
            pixel.iter().rev().fold(0, add)
        }
    }
}

/// A mouse pointer, its colours multiplied by their opacity already, and where its left upper corner is.
pub(super) struct Pointer<'p> {
    pub(super) argb: &'p [u32],
    pub(super) width: usize,
    pub(super) x: i32,
    pub(super) y: i32,
}

impl Pointer<'_> {
    /// Draws it over RGB rows of that width, as far as it is there.
    pub(super) fn draw(&self, rgb: &mut [u8], width: usize) {
        if self.width == 0 {
            return;
        }
        for (dy, row) in (0..).zip(self.argb.chunks_exact(self.width)) {
            for (dx, &colour) in (0..).zip(row) {
                let (Ok(x), Ok(y)) = (usize::try_from(self.x + dx), usize::try_from(self.y + dy))
                else {
                    continue;
                };
                let at = (y * width + x) * 3;
                let Some(under) = rgb.get_mut(at..at + 3).filter(|_| x < width) else {
                    continue;
                };
                let [alpha, over @ ..] = colour.to_be_bytes();
                for (under, over) in under.iter_mut().zip(over) {
                    let through = u32::from(*under) * (255 - u32::from(alpha)) / 255;
                    *under = (u32::from(over) + through).min(255) as u8;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(bytes: usize, big_endian: bool, masks: [u32; 3]) -> Pixels {
        let [red, green, blue] = masks.map(Channel::of);
        Pixels {
            bytes,
            pad: 32,
            big_endian,
            red,
            green,
            blue,
        }
    }

    const USUAL: [u32; 3] = [0xff_0000, 0xff00, 0xff];

    #[test]
    fn whatever_the_layout_red_is_red() {
        let small = [0xf800, 0x07e0, 0x001f];
        for (layout, pixel) in [
            (pixels(4, false, USUAL), &[3, 2, 1, 0][..]),
            (pixels(4, true, USUAL), &[0, 1, 2, 3]),
            (pixels(4, false, [0xff, 0xff00, 0xff_0000]), &[1, 2, 3, 0]),
            (pixels(3, false, USUAL), &[3, 2, 1, 0]),
        ] {
            assert_eq!(layout.to_rgb(pixel, 1), [1, 2, 3], "{layout:?}");
        }
        assert_eq!(
            pixels(2, false, small).to_rgb(&[0x00, 0xf8, 0, 0], 1),
            [255, 0, 0]
        );
        assert_eq!(
            pixels(2, true, small).to_rgb(&[0x07, 0xff, 0, 0], 1),
            [0, 255, 255]
        );
    }

    #[test]
    fn the_gap_behind_a_row_is_left_out() {
        let layout = pixels(3, false, USUAL);
        assert_eq!(layout.stride(1), 4);
        let rows = [3, 2, 1, 9, 6, 5, 4, 9];
        assert_eq!(layout.to_rgb(&rows, 1), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_pointer_covers_shines_through_and_is_cut_off_at_the_edges() {
        let mut rgb = vec![100; 2 * 2 * 3];
        let argb = [0xff_0000ff, 0x8000_0000, 0, 0xff_ff0000];
        let pointer = |x, y| Pointer {
            argb: &argb,
            width: 2,
            x,
            y,
        };
        pointer(0, 0).draw(&mut rgb, 2);
        assert_eq!(rgb, [0, 0, 255, 49, 49, 49, 100, 100, 100, 255, 0, 0]);
        let mut rgb = vec![100; 2 * 2 * 3];
        pointer(-1, -1).draw(&mut rgb, 2);
        assert_eq!(rgb[..6], [255, 0, 0, 100, 100, 100]);
        pointer(1, 1).draw(&mut rgb, 2);
        assert_eq!(rgb[9..], [0, 0, 255]);
    }
}
