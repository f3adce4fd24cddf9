//! The kernel's structures and numbers, as `linux/videodev2.h` has them.
//!
//! Source: <https://docs.kernel.org/userspace-api/media/v4l/videodev.html>. Unions are written as the member that is used
//! and the bytes that are left; `_align` gives them the alignment of the pointers that other members hold.

#![allow(
    dead_code,
    reason = "the kernel's fields and numbers, whether they are needed here or not"
)]

use std::mem::size_of;

/// `V4L2_BUF_TYPE_VIDEO_CAPTURE`
pub(crate) const VIDEO_CAPTURE: u32 = 1;
/// `V4L2_MEMORY_MMAP`
pub(crate) const MEMORY_MMAP: u32 = 1;

/// `V4L2_CAP_VIDEO_CAPTURE`
pub(crate) const CAP_VIDEO_CAPTURE: u32 = 0x0000_0001;
/// `V4L2_CAP_VIDEO_CAPTURE_MPLANE`
pub(crate) const CAP_VIDEO_CAPTURE_MPLANE: u32 = 0x0000_1000;
/// `V4L2_CAP_STREAMING`
pub(crate) const CAP_STREAMING: u32 = 0x0400_0000;
/// `V4L2_CAP_DEVICE_CAPS`
pub(crate) const CAP_DEVICE_CAPS: u32 = 0x8000_0000;
/// `V4L2_CAP_TIMEPERFRAME`
pub(crate) const CAP_TIMEPERFRAME: u32 = 0x1000;

/// `V4L2_BUF_FLAG_ERROR`
pub(crate) const BUF_FLAG_ERROR: u32 = 0x40;
/// `V4L2_BUF_FLAG_TIMESTAMP_MASK`
pub(crate) const BUF_FLAG_TIMESTAMP_MASK: u32 = 0xe000;
/// `V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC`
pub(crate) const BUF_FLAG_TIMESTAMP_MONOTONIC: u32 = 0x2000;

/// `V4L2_FRMSIZE_TYPE_DISCRETE` and `V4L2_FRMIVAL_TYPE_DISCRETE`
pub(crate) const DISCRETE: u32 = 1;

/// `V4L2_FIELD_NONE`: a whole picture, not interlaced.
pub(crate) const FIELD_NONE: u32 = 1;

/// `V4L2_COLORSPACE_JPEG`
pub(crate) const COLORSPACE_JPEG: u32 = 7;
/// `V4L2_QUANTIZATION_FULL_RANGE`
pub(crate) const QUANTIZATION_FULL: u32 = 1;
/// `V4L2_QUANTIZATION_LIM_RANGE`
pub(crate) const QUANTIZATION_LIMITED: u32 = 2;

/// `V4L2_EVENT_SOURCE_CHANGE`
pub(crate) const EVENT_SOURCE_CHANGE: u32 = 5;

/// `V4L2_CTRL_TYPE_INTEGER`
pub(crate) const CTRL_INTEGER: u32 = 1;
/// `V4L2_CTRL_TYPE_BOOLEAN`
pub(crate) const CTRL_BOOLEAN: u32 = 2;
/// `V4L2_CTRL_TYPE_MENU`
pub(crate) const CTRL_MENU: u32 = 3;
/// `V4L2_CTRL_TYPE_BUTTON`
pub(crate) const CTRL_BUTTON: u32 = 4;
/// `V4L2_CTRL_TYPE_BITMASK`
pub(crate) const CTRL_BITMASK: u32 = 8;
/// `V4L2_CTRL_TYPE_INTEGER_MENU`
pub(crate) const CTRL_INTEGER_MENU: u32 = 9;
/// `V4L2_CTRL_FLAG_DISABLED`
pub(crate) const CTRL_FLAG_DISABLED: u32 = 0x01;
/// `V4L2_CTRL_FLAG_READ_ONLY`
pub(crate) const CTRL_FLAG_READ_ONLY: u32 = 0x04;
/// `V4L2_CTRL_FLAG_INACTIVE`
pub(crate) const CTRL_FLAG_INACTIVE: u32 = 0x10;
/// `V4L2_CTRL_FLAG_NEXT_CTRL`
pub(crate) const CTRL_FLAG_NEXT: u32 = 0x8000_0000;

/// `struct v4l2_capability`
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Capability {
    pub(crate) driver: [u8; 16],
    pub(crate) card: [u8; 32],
    pub(crate) bus_info: [u8; 32],
    pub(crate) version: u32,
    pub(crate) capabilities: u32,
    pub(crate) device_caps: u32,
    pub(crate) reserved: [u32; 3],
}

/// `struct v4l2_fmtdesc`
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct FormatDescription {
    pub(crate) index: u32,
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) description: [u8; 32],
    pub(crate) pixelformat: u32,
    pub(crate) mbus_code: u32,
    pub(crate) reserved: [u32; 3],
}

/// `struct v4l2_fract`
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fraction {
    pub(crate) numerator: u32,
    pub(crate) denominator: u32,
}

/// `struct v4l2_frmsizeenum`. A discrete size is in the first two of `sides`; otherwise they are the least, most and step
/// of the width, and then those of the height.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct FrameSize {
    pub(crate) index: u32,
    pub(crate) pixelformat: u32,
    pub(crate) kind: u32,
    pub(crate) sides: [u32; 6],
    pub(crate) reserved: [u32; 2],
}

/// `struct v4l2_frmivalenum`. A discrete interval is in the first of `intervals`; otherwise they are the least, most and step.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct FrameInterval {
    pub(crate) index: u32,
    pub(crate) pixelformat: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) kind: u32,
    pub(crate) intervals: [Fraction; 3],
    pub(crate) reserved: [u32; 2],
}

/// `struct v4l2_pix_format`
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixelformat: u32,
    pub(crate) field: u32,
    pub(crate) bytesperline: u32,
    pub(crate) sizeimage: u32,
    pub(crate) colorspace: u32,
    pub(crate) private: u32,
    pub(crate) flags: u32,
    pub(crate) encoding: u32,
    pub(crate) quantization: u32,
    pub(crate) transfer: u32,
}

/// The union in `struct v4l2_format`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct FormatBody {
    pub(crate) _align: [usize; 0],
    pub(crate) pixels: Pixels,
    pub(crate) rest: [u8; 200 - size_of::<Pixels>()],
}

/// `struct v4l2_format`
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub(crate) kind: u32,
    pub(crate) body: FormatBody,
}

/// `struct v4l2_streamparm` with its `struct v4l2_captureparm`
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct StreamParameters {
    pub(crate) kind: u32,
    pub(crate) capability: u32,
    pub(crate) capturemode: u32,
    pub(crate) timeperframe: Fraction,
    pub(crate) rest: [u8; 200 - 16],
}

/// `struct v4l2_requestbuffers`
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct RequestBuffers {
    pub(crate) count: u32,
    pub(crate) kind: u32,
    pub(crate) memory: u32,
    pub(crate) capabilities: u32,
    pub(crate) flags: u32,
}

/// `struct __kernel_v4l2_timeval`; `struct timeval` where `long` has 64 bits.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Time {
    pub(crate) seconds: i64,
    pub(crate) microseconds: i64,
}

/// The union `m` in `struct v4l2_buffer`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) _align: [usize; 0],
    pub(crate) offset: u32,
    pub(crate) rest: [u8; size_of::<usize>() - 4],
}

/// `struct v4l2_buffer`
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Buffer {
    pub(crate) index: u32,
    pub(crate) kind: u32,
    pub(crate) bytesused: u32,
    pub(crate) flags: u32,
    pub(crate) field: u32,
    pub(crate) timestamp: Time,
    pub(crate) timecode: [u32; 4],
    pub(crate) sequence: u32,
    pub(crate) memory: u32,
    pub(crate) place: Place,
    pub(crate) length: u32,
    pub(crate) reserved: [u32; 2],
}

/// `struct v4l2_query_ext_ctrl`
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct ControlQuery {
    pub(crate) id: u32,
    pub(crate) kind: u32,
    pub(crate) name: [u8; 32],
    pub(crate) minimum: i64,
    pub(crate) maximum: i64,
    pub(crate) step: u64,
    pub(crate) default_value: i64,
    pub(crate) flags: u32,
    pub(crate) elem_size: u32,
    pub(crate) elems: u32,
    pub(crate) nr_of_dims: u32,
    pub(crate) dims: [u32; 4],
    pub(crate) reserved: [u32; 32],
}

/// `struct v4l2_querymenu`. The value of a menu of numbers is in the first eight bytes of `name`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct MenuItem {
    pub(crate) id: u32,
    pub(crate) index: u32,
    pub(crate) name: [u8; 32],
    pub(crate) reserved: u32,
}

/// `struct v4l2_control`
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct ControlValue {
    pub(crate) id: u32,
    pub(crate) value: i32,
}

/// `struct v4l2_dv_timings`; of its union only what begins a `struct v4l2_bt_timings` is named.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Timings {
    pub(crate) kind: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rest: [u32; 30],
}

/// `struct v4l2_event_subscription`
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct EventSubscription {
    pub(crate) kind: u32,
    pub(crate) id: u32,
    pub(crate) flags: u32,
    pub(crate) reserved: [u32; 5],
}

/// `struct v4l2_event`
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub(crate) kind: u32,
    pub(crate) data: [u64; 8],
    pub(crate) pending: u32,
    pub(crate) sequence: u32,
    pub(crate) timestamp: Time,
    pub(crate) id: u32,
    pub(crate) reserved: [u32; 8],
}

const _: () = assert!(size_of::<Timings>() == 132);
const _: () = assert!(size_of::<EventSubscription>() == 32);
const _: () = assert!(size_of::<ControlQuery>() == 232);
const _: () = assert!(size_of::<MenuItem>() == 44);
const _: () = assert!(size_of::<ControlValue>() == 8);
const _: () = assert!(size_of::<Capability>() == 104);
const _: () = assert!(size_of::<FormatDescription>() == 64);
const _: () = assert!(size_of::<FrameSize>() == 44);
const _: () = assert!(size_of::<FrameInterval>() == 52);
const _: () = assert!(size_of::<StreamParameters>() == 204);
const _: () = assert!(size_of::<RequestBuffers>() == 20);
#[cfg(target_pointer_width = "64")]
const _: () =
    assert!(size_of::<Format>() == 208 && size_of::<Buffer>() == 88 && size_of::<Event>() == 136);
