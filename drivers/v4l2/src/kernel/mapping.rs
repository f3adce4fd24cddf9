//! A buffer that the kernel fills and this process reads.
#![allow(unsafe_code, reason = "memory shared with the kernel")]

use std::{ffi::c_void, io, os::fd::BorrowedFd, ptr};

use bytes::Bytes;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// One mapped buffer; unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: *mut c_void,
    length: usize,
}

impl Mapping {
    /// Maps `length` bytes of the device's memory at `offset`, which `VIDIOC_QUERYBUF` told.
    pub(crate) fn new(device: BorrowedFd<'_>, offset: u32, length: u32) -> io::Result<Self> {
        let length = length as usize;
        // SAFETY: with a null address the kernel picks a place where nothing else is.
        let start = unsafe {
            mmap(
                ptr::null_mut(),
                length,
                ProtFlags::READ,
                MapFlags::SHARED,
                device,
                u64::from(offset),
            )
        }?;
        Ok(Self { start, length })
    }

    /// The first `length` bytes, or all there are if that is less.
    pub(crate) fn copy(&self, length: usize) -> Bytes {
        let length = length.min(self.length);
        let mut copy = Vec::with_capacity(length);
        // SAFETY: the mapping has at least so many readable bytes and lives as long as `self`; the new vector has room for
        // them, and they don't overlap. No reference to the shared memory is made, as the kernel may write there.
        unsafe {
            ptr::copy_nonoverlapping(self.start.cast::<u8>(), copy.as_mut_ptr(), length);
            copy.set_len(length);
        }
        copy.into()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and nothing refers to it any more.
        let unmapped = unsafe { munmap(self.start, self.length) };
        if let Err(error) = unmapped {
            tracing::warn!("a video buffer can't be unmapped: {error}");
        }
    }
}
