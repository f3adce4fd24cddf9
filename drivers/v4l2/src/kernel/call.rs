//! The calls, each with the structure that the kernel expects of it.
#![allow(unsafe_code, reason = "an ioctl is known to the kernel alone")]

use std::{io, mem, os::fd::BorrowedFd};

use rustix::ioctl::{Direction, Updater, ioctl, opcode};

use super::abi;

/// A structure that consists of numbers only, without padding rules of its own.
///
/// # Safety
/// Every pattern of bits must be a value of the type.
pub(crate) unsafe trait Plain: Copy {
    /// The value of which every bit is zero.
    fn zero() -> Self {
        // SAFETY: every pattern of bits is a value, that of zeros too.
        unsafe { mem::zeroed() }
    }
}

macro_rules! plain {
    ($($name:ident)*) => {$(
        // SAFETY: it is made of integers, and arrays and structures of integers.
        unsafe impl Plain for abi::$name {}
    )*};
}
plain!(Pixels Capability FormatDescription FrameSize FrameInterval Format StreamParameters RequestBuffers Buffer ControlQuery MenuItem ControlValue Timings EventSubscription Event);

/// Functions that make a call of the group `V`: its name in the header, its number, which way its structure goes.
macro_rules! calls {
    ($($(#[$about:meta])* $name:ident($direction:ident, $number:literal, $type:ty);)*) => {$(
        $(#[$about])*
        pub(crate) fn $name(device: BorrowedFd<'_>, value: &mut $type) -> io::Result<()> {
            const OPCODE: rustix::ioctl::Opcode = opcode::from_components(
                Direction::$direction,
                b'V',
                $number,
                mem::size_of::<$type>(),
            );
            let call = || {
                // SAFETY: by its number this call reads and writes one such structure, and nothing else of this process.
                unsafe { ioctl(device, Updater::<OPCODE, $type>::new(value)) }
            };
            rustix::io::retry_on_intr(call).map_err(io::Error::from)
        }
    )*};
}

calls! {
    /// `VIDIOC_QUERYCAP`
    query_capability(Read, 0, abi::Capability);
    /// `VIDIOC_ENUM_FMT`
    enumerate_formats(ReadWrite, 2, abi::FormatDescription);
    /// `VIDIOC_S_FMT`
    set_format(ReadWrite, 5, abi::Format);
    /// `VIDIOC_REQBUFS`
    request_buffers(ReadWrite, 8, abi::RequestBuffers);
    /// `VIDIOC_QUERYBUF`
    query_buffer(ReadWrite, 9, abi::Buffer);
    /// `VIDIOC_QBUF`
    queue(ReadWrite, 15, abi::Buffer);
    /// `VIDIOC_DQBUF`
    dequeue(ReadWrite, 17, abi::Buffer);
    /// `VIDIOC_STREAMON`
    stream_on(Write, 18, i32);
    /// `VIDIOC_STREAMOFF`
    stream_off(Write, 19, i32);
    /// `VIDIOC_S_PARM`
    set_parameters(ReadWrite, 22, abi::StreamParameters);
    /// `VIDIOC_G_CTRL`
    control(ReadWrite, 27, abi::ControlValue);
    /// `VIDIOC_S_CTRL`
    set_control(ReadWrite, 28, abi::ControlValue);
    /// `VIDIOC_QUERYMENU`
    query_menu(ReadWrite, 37, abi::MenuItem);
    /// `VIDIOC_S_DV_TIMINGS`
    set_timings(ReadWrite, 87, abi::Timings);
    /// `VIDIOC_DQEVENT`
    next_event(Read, 89, abi::Event);
    /// `VIDIOC_SUBSCRIBE_EVENT`
    subscribe(Write, 90, abi::EventSubscription);
    /// `VIDIOC_QUERY_DV_TIMINGS`
    query_timings(Read, 99, abi::Timings);
    /// `VIDIOC_QUERY_EXT_CTRL`
    query_control(ReadWrite, 103, abi::ControlQuery);
    /// `VIDIOC_S_INPUT`
    set_input(ReadWrite, 39, i32);
    /// `VIDIOC_ENUM_FRAMESIZES`
    enumerate_sizes(ReadWrite, 74, abi::FrameSize);
    /// `VIDIOC_ENUM_FRAMEINTERVALS`
    enumerate_intervals(ReadWrite, 75, abi::FrameInterval);
}
