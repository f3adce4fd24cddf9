//! The camera as the contract wants it: found anew each time it is opened, and waited for while it is unplugged.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use framecast_camera::{
    Camera, Control, Controls, Error, ErrorKind, Frame, Frames, Given, Result, Setting, Stop,
};

use crate::{capture::Capture, device::Device, find::System, format::Wish};

/// How often an unplugged camera is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// A camera of the kernel, whether it is plugged in or not.
#[derive(Debug)]
pub struct V4l2(Arc<Plan>);

/// What is set on a device each time it is opened, and so kept when it was unplugged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setup {
    /// One of the inputs of a grabber with several.
    pub input: Option<i32>,
    /// Controls, in this order.
    pub controls: Vec<Setting>,
}

/// What to open, and what is remembered of it.
#[derive(Debug)]
struct Plan {
    /// Empty for the first camera there is.
    name: String,
    wish: Wish,
    setup: Setup,
    system: System,
    /// It was opened or missed before: whoever asks again wants to wait for it.
    known: AtomicBool,
    /// What was turned since, the last value of each. Shared with the cameras that come after this one for its device.
    turned: Arc<Mutex<Vec<Setting>>>,
    /// What it gave when it was opened last.
    given: Mutex<Option<Given>>,
}

impl V4l2 {
    /// The camera called `name`: a path, a name under `/dev/v4l/by-id` or `by-path`, or a serial number. The first there
    /// is if the name is empty.
    pub fn new(name: impl Into<String>, wish: Wish) -> Self {
        Self::with(name, wish, Setup::default())
    }

    /// The same, set up before each opening.
    pub fn with(name: impl Into<String>, wish: Wish, setup: Setup) -> Self {
        Self::remembering(name.into(), wish, setup, Arc::default())
    }

    fn remembering(
        name: String,
        wish: Wish,
        setup: Setup,
        turned: Arc<Mutex<Vec<Setting>>>,
    ) -> Self {
        Self(Arc::new(Plan {
            name,
            wish,
            setup,
            system: System::default(),
            known: AtomicBool::new(false),
            turned,
            given: Mutex::new(None),
        }))
    }
}

/// What was turned on devices while they ran, by name: outlives the cameras, which are made anew whenever something else
/// is asked of a device.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<HashMap<String, Remembered>>>);

#[derive(Debug)]
struct Remembered {
    /// What was set up when it was turned: where that changes, it counts.
    controls: Vec<Setting>,
    turned: Arc<Mutex<Vec<Setting>>>,
}

impl Memory {
    /// [`V4l2::with`], turned as the camera before it was that had this name and the same setup.
    pub fn camera(&self, name: impl Into<String>, wish: Wish, setup: Setup) -> V4l2 {
        let name = name.into();
        let mut devices = locked(&self.0);
        let remembered = devices.entry(name.clone()).or_insert_with(|| Remembered {
            controls: setup.controls.clone(),
            turned: Arc::default(),
        });
        if remembered.controls != setup.controls {
            *remembered = Remembered {
                controls: setup.controls.clone(),
                turned: Arc::default(),
            };
        }
        let turned = Arc::clone(&remembered.turned);
        V4l2::remembering(name, wish, setup, turned)
    }
}

impl Camera for V4l2 {
    fn frames(&self) -> Frames {
        let plan = Arc::clone(&self.0);
        Frames::blocking(move |stop| {
            let known = plan.known.swap(true, Ordering::Relaxed);
            let stage = match plan.open() {
                Ok(capture) => Stage::Open(Box::new(capture)),
                Err(error) if error.kind() == ErrorKind::NoSignal => Stage::Missing(Some(error)),
                Err(error) if known && error.kind() == ErrorKind::Unavailable => {
                    Stage::Missing(Some(error))
                }
                Err(error) => return Err(error),
            };
            Ok(Pictures {
                plan,
                stage,
                said: String::new(),
                stop,
            })
        })
    }

    fn given(&self) -> Option<Given> {
        locked(&self.0.given).clone()
    }

    fn controls(&self) -> Option<&dyn Controls> {
        Some(self.0.as_ref())
    }
}

impl Controls for Plan {
    fn list(&self) -> Result<Vec<Control>> {
        Ok(self.find()?.controls())
    }

    fn set(&self, setting: &Setting) -> Result<()> {
        self.find()?.set(setting)?;
        let mut turned = locked(&self.turned);
        turned.retain(|earlier| earlier.name != setting.name);
        turned.push(setting.clone());
        Ok(())
    }
}

impl Plan {
    fn open(&self) -> Result<Capture> {
        let device = self.find()?;
        if let Some(input) = self.setup.input {
            device.set_input(input)?;
        }
        let turned = locked(&self.turned).clone();
        for setting in self.setup.controls.iter().chain(&turned) {
            if let Err(error) = device.set(setting) {
                // Better a picture that is too dark than none.
                tracing::warn!("{error}");
            }
        }
        let source = device.follow_source()?;
        let wish = Wish {
            size: self.wish.size.or(source),
            ..self.wish
        };
        let capture = Capture::start(device, &wish)?;
        self.report(&capture);
        Ok(capture)
    }

    /// The first node of that name that gives pictures.
    fn find(&self) -> Result<Device> {
        let candidates = if self.name.is_empty() {
            self.system.nodes()
        } else {
            self.system.candidates(&self.name)
        };
        let mut trouble = None;
        for path in &candidates {
            match Device::open(path) {
                Ok(device) => return Ok(device),
                // A node that can't be opened says more than one that is no camera's.
                Err(error) => {
                    let passed = |kept: &Error| kept.kind() == ErrorKind::Invalid;
                    if trouble.as_ref().is_none_or(passed) {
                        trouble = Some(error);
                    }
                }
            }
        }
        Err(match trouble {
            Some(error) if !self.name.is_empty() || error.kind() != ErrorKind::Invalid => error,
            _ if self.name.is_empty() => Error::new(
                ErrorKind::Unavailable,
                "no camera is plugged in: there is no /dev/video* that gives pictures",
            ),
            _ => Error::new(
                ErrorKind::Unavailable,
                format!("the camera `{}` is not plugged in", self.name),
            ),
        })
    }

    /// Tells what the camera gives, and warns if that is not what was asked; once, however often it is opened.
    fn report(&self, capture: &Capture) {
        let given = &capture.given;
        let before = locked(&self.given).replace(given.clone());
        if before.as_ref() == Some(given) {
            return;
        }
        let device = capture.device();
        let (path, card) = (device.path().display(), &device.card);
        match shortfall(&self.wish, given) {
            Some(asked) => {
                tracing::warn!("{path} ({card}) can't do {asked}: it gives {given}, the nearest");
            }
            None => tracing::info!("{path} ({card}) gives {given}"),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was asked for and is not given.
fn shortfall(wish: &Wish, given: &Given) -> Option<String> {
    let size = wish.size.filter(|size| *size != given.size);
    let slow = |fps: &f64| given.fps.is_some_and(|rate| rate < fps * 0.98);
    let fps = wish.fps.filter(slow);
    match (size, fps) {
        (None, None) => None,
        (Some(size), None) => Some(size.to_string()),
        (None, Some(fps)) => Some(format!("{fps} frames a second")),
        (Some(size), Some(fps)) => Some(format!("{size} at {fps} frames a second")),
    }
}

struct Pictures {
    plan: Arc<Plan>,
    stage: Stage,
    /// What was said last of why there are no pictures.
    said: String,
    stop: Stop,
}

enum Stage {
    /// It is not plugged in or gets no signal, which is still to be said as long as there is an error.
    Missing(Option<Error>),
    Open(Box<Capture>),
}

impl Iterator for Pictures {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match &mut self.stage {
                Stage::Open(capture) => match capture.next(&self.stop) {
                    None if capture.outdated => self.stage = Stage::Missing(None),
                    next => return next,
                },
                Stage::Missing(error) => {
                    if let Some(error) = error.take() {
                        self.said = error.to_string();
                        return Some(Err(Error::new(ErrorKind::NoSignal, self.said.clone())));
                    }
                    if self.stop.is_requested() {
                        return None;
                    }
                    thread::sleep(LOOK);
                    match self.plan.open() {
                        Ok(capture) => {
                            self.said.clear();
                            self.stage = Stage::Open(Box::new(capture));
                        }
                        Err(error) if error.kind() == ErrorKind::NoSignal => {
                            if error.to_string() != self.said {
                                self.stage = Stage::Missing(Some(error));
                            }
                        }
                        Err(error) if error.kind() == ErrorKind::Unavailable => {}
                        Err(error) => return Some(Err(error)),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use framecast_camera::Size;

    use super::*;

    #[test]
    fn what_was_turned_outlives_the_camera_unless_its_setup_changes() {
        let memory = Memory::default();
        let setting = |text: &str| text.parse::<Setting>().unwrap();
        let setup = |text: &str| Setup {
            input: None,
            controls: vec![setting(text)],
        };
        let camera = |text| memory.camera("cam", Wish::default(), setup(text));
        locked(&camera("hue=1").0.turned).push(setting("gain=5"));
        assert_eq!(*locked(&camera("hue=1").0.turned), [setting("gain=5")]);
        let other = memory.camera("other", Wish::default(), setup("hue=1"));
        assert_eq!(*locked(&other.0.turned), []);
        assert_eq!(*locked(&camera("hue=2").0.turned), []);
    }

    #[test]
    fn only_what_falls_short_is_warned_of() {
        let given = Given {
            format: "MJPG".to_owned(),
            size: Size::new(640, 480),
            fps: Some(29.97),
        };
        let wish = |size: Option<(u32, u32)>, fps| Wish {
            size: size.map(|(width, height)| Size::new(width, height)),
            fps,
            format: None,
        };
        let short = |size, fps| shortfall(&wish(size, fps), &given).unwrap_or_default();
        assert_eq!(short(None, None), "");
        assert_eq!(short(Some((640, 480)), Some(30.0)), "");
        assert_eq!(short(Some((800, 600)), Some(10.0)), "800x600");
        assert_eq!(short(None, Some(60.0)), "60 frames a second");
    }
}
