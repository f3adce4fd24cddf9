//! How frames come out of a driver: opened, read and closed where the driver wants it.
//!
//! A blocking device is built, read and dropped on one thread, so its handle need not be `Send`. What it yields waits in a
//! short queue that loses the oldest frame, and counts it, when the reader is slow: a camera must never wait for us.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
};

use futures_core::Stream;
use tokio::sync::{Notify, oneshot};

use crate::{Error, ErrorKind, Frame, Lost, Result, Stop};

/// Frames that may wait for the reader of a blocking driver before the oldest is lost.
const QUEUE: usize = 4;

type BoxStream = Pin<Box<dyn Stream<Item = Result<Frame>> + Send>>;
type Pump = Box<dyn FnOnce(&Queue) + Send>;

/// Frames of a camera that is about to be opened. Nothing happens before [`start`](Self::start).
///
/// The frames end with `None` when the source came to its end, or with an error. [`ErrorKind::NoSignal`] is the one error
/// that does not end them.
pub struct Frames(Source);

enum Source {
    Blocking(Pump),
    Stream(BoxStream),
}

impl Frames {
    /// Frames of a device that is read by blocking calls.
    ///
    /// `open` runs on a thread of its own and returns an iterator that is read and dropped there. An iterator whose `next`
    /// may wait for longer than a second asks [`Stop`] now and then, and ends when it says so.
    pub fn blocking<O, I>(open: O) -> Self
    where
        O: FnOnce(Stop) -> Result<I> + Send + 'static,
        I: Iterator<Item = Result<Frame>>,
    {
        Self(Source::Blocking(Box::new(move |queue| {
            match open(queue.stop.clone()) {
                Err(error) => queue.push(Err(error)),
                Ok(frames) => {
                    for item in frames {
                        let last = ends(&item);
                        queue.push(item);
                        if last || queue.stop.is_requested() {
                            break;
                        }
                    }
                }
            }
        })))
    }

    /// Frames of an asynchronous driver. Dropping the stream must close the device.
    pub fn stream<S>(stream: S) -> Self
    where
        S: Stream<Item = Result<Frame>> + Send + 'static,
    {
        Self(Source::Stream(Box::pin(stream)))
    }

    /// Opens the device. A stream must be started and read inside a tokio runtime.
    pub fn start(self) -> Running {
        Running(match self.0 {
            Source::Stream(stream) => Reader::Stream(Some(stream)),
            Source::Blocking(pump) => {
                let queue = Arc::new(Queue::default());
                let (closed, on_close) = oneshot::channel();
                let writer = Arc::clone(&queue);
                let spawned =
                    std::thread::Builder::new()
                        .name("camera".to_owned())
                        .spawn(move || {
                            let outcome = catch_unwind(AssertUnwindSafe(|| pump(&writer)));
                            if let Err(panic) = outcome {
                                writer.push(Err(panicked(&*panic)));
                            }
                            writer.end();
                            // Only now is the device closed: the pump, and with it the iterator, is gone.
                            drop(closed);
                        });
                if let Err(error) = spawned {
                    queue.push(Err(Error::new(
                        ErrorKind::Unavailable,
                        "no thread could be started for the camera",
                    )
                    .with_source(error)));
                    queue.end();
                }
                Reader::Thread { queue, on_close }
            }
        })
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Blocking(_) => "Frames::blocking",
            Source::Stream(_) => "Frames::stream",
        })
    }
}

/// An open camera.
pub struct Running(Reader);

enum Reader {
    Thread {
        queue: Arc<Queue>,
        on_close: oneshot::Receiver<()>,
    },
    Stream(Option<BoxStream>),
}

impl Running {
    /// The next frame; `None` after the last. Safe to cancel: a frame is never lost between two calls.
    ///
    /// A driver that panics yields [`ErrorKind::Panicked`] and ends.
    pub async fn next(&mut self) -> Option<Result<Frame>> {
        match &mut self.0 {
            Reader::Thread { queue, .. } => queue.pop().await,
            Reader::Stream(slot) => {
                let stream = slot.as_mut()?;
                let polled = poll_fn(|cx| {
                    match catch_unwind(AssertUnwindSafe(|| stream.as_mut().poll_next(cx))) {
                        Ok(poll) => poll,
                        Err(panic) => Some(Err(panicked(&*panic))).into(),
                    }
                });
                let item = polled.await;
                if item.as_ref().is_none_or(ends) {
                    *slot = None;
                }
                item
            }
        }
    }

    /// How many frames were lost since the last call.
    pub fn take_lost(&mut self) -> Lost {
        match &self.0 {
            Reader::Thread { queue, .. } => Lost {
                unread: std::mem::take(&mut queue.locked().lost),
                ..queue.stop.take_lost()
            },
            Reader::Stream(_) => Lost::default(),
        }
    }

    /// Closes the device and returns when it is closed. Dropping closes it too, but tells nobody when.
    pub async fn close(mut self) {
        if let Reader::Thread { queue, on_close } = &mut self.0 {
            queue.stop.request();
            // The sender is only ever dropped: the error is the signal.
            let _closed = on_close.await;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Self::Thread { queue, .. } = self {
            queue.stop.request();
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}

/// Between the thread of a blocking driver and its reader.
#[derive(Default)]
struct Queue {
    // A std mutex: it is held for a push or a pop, never across an await.
    state: Mutex<State>,
    arrived: Notify,
    stop: Stop,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Result<Frame>>,
    lost: u64,
    ended: bool,
}

impl Queue {
    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn push(&self, item: Result<Frame>) {
        let mut state = self.locked();
        if state.waiting.len() == QUEUE {
            state.waiting.pop_front();
            state.lost += 1;
        }
        state.waiting.push_back(item);
        drop(state);
        self.arrived.notify_one();
    }

    fn end(&self) {
        self.locked().ended = true;
        self.arrived.notify_one();
    }

    async fn pop(&self) -> Option<Result<Frame>> {
        loop {
            {
                let mut state = self.locked();
                if let Some(item) = state.waiting.pop_front() {
                    return Some(item);
                }
                if state.ended {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }
}

/// Whether nothing comes after this item.
fn ends(item: &Result<Frame>) -> bool {
    matches!(item, Err(error) if error.kind() != ErrorKind::NoSignal)
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Error::new(ErrorKind::Panicked, format!("the driver panicked: {said}"))
}

#[cfg(test)]
mod tests {
    use std::{iter, rc::Rc, sync::mpsc, time::Duration};

    use super::*;

    fn frame(byte: u8) -> Result<Frame> {
        Ok(Frame::jpeg(vec![byte]))
    }

    #[tokio::test]
    async fn the_device_need_not_be_send_and_is_dropped_on_its_own_thread() {
        struct Device(Rc<()>, mpsc::Sender<std::thread::ThreadId>);
        impl Drop for Device {
            fn drop(&mut self) {
                self.1.send(std::thread::current().id()).unwrap();
            }
        }
        let (dropped, on_drop) = mpsc::channel();
        let (opened, on_open) = mpsc::channel();
        let mut running = Frames::blocking(move |_| {
            opened.send(std::thread::current().id()).unwrap();
            let device = Device(Rc::new(()), dropped);
            Ok(iter::repeat_with(move || {
                let _used = &device.0;
                std::thread::sleep(Duration::from_millis(1));
                frame(1)
            }))
        })
        .start();
        assert!(running.next().await.unwrap().is_ok());
        running.close().await;
        assert_eq!(on_drop.try_recv().unwrap(), on_open.try_recv().unwrap());
    }

    #[tokio::test]
    async fn a_slow_reader_gets_the_newest_frames_and_the_number_lost() {
        let (done, on_done) = oneshot::channel();
        let mut running = Frames::blocking(move |_| {
            let mut done = Some(done);
            Ok((0..10).map(frame).chain(iter::from_fn(move || {
                done.take()?.send(()).unwrap();
                None
            })))
        })
        .start();
        on_done.await.unwrap();
        let first = running.next().await.unwrap().unwrap();
        assert_eq!(first.data[..], [6]);
        assert_eq!(running.take_lost().unread, 6);
        assert_eq!(running.take_lost(), Lost::default());
    }

    #[tokio::test]
    async fn a_driver_tells_of_frames_that_its_device_lost() {
        let mut running = Frames::blocking(|stop: Stop| {
            stop.missed(3);
            Ok((0..2).map(move |number| {
                stop.damaged(1);
                frame(number)
            }))
        })
        .start();
        while running.next().await.is_some() {}
        let lost = Lost {
            missed: 3,
            damaged: 2,
            ..Lost::default()
        };
        assert_eq!(running.take_lost(), lost);
        assert_eq!(running.take_lost(), Lost::default());
    }

    #[tokio::test]
    async fn a_panic_in_a_blocking_driver_becomes_an_error() {
        let mut running =
            Frames::blocking(|_| -> Result<iter::Empty<Result<Frame>>> { panic!("no lens") })
                .start();
        let error = running.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        assert!(error.to_string().contains("no lens"));
        assert!(running.next().await.is_none());
    }

    #[tokio::test]
    async fn a_panic_in_a_stream_becomes_an_error() {
        let stream = futures_util::stream::poll_fn(|_| panic!("no lens"));
        let mut running = Frames::stream(stream).start();
        let error = running.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        assert!(running.next().await.is_none());
    }

    #[tokio::test]
    async fn frames_go_on_after_no_signal_and_end_after_any_other_error() {
        let mut running = Frames::blocking(|_| {
            Ok([
                Err(Error::new(ErrorKind::NoSignal, "no cable")),
                frame(1),
                Err(Error::new(ErrorKind::Lost, "unplugged")),
                frame(2),
            ]
            .into_iter())
        })
        .start();
        let kind = |item: Option<Result<Frame>>| item.unwrap().unwrap_err().kind();
        assert_eq!(kind(running.next().await), ErrorKind::NoSignal);
        assert!(running.next().await.unwrap().is_ok());
        assert_eq!(kind(running.next().await), ErrorKind::Lost);
        assert!(running.next().await.is_none());
    }

    #[tokio::test]
    async fn a_driver_that_waits_hears_of_the_stop() {
        let running = Frames::blocking(|stop: Stop| {
            Ok(iter::from_fn(move || {
                while !stop.is_requested() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                None
            }))
        })
        .start();
        tokio::time::timeout(Duration::from_secs(5), running.close())
            .await
            .unwrap();
    }
}
