//! The figures for Prometheus, read off the hub when somebody asks.
//!
//! What does not belong here: counting. The hub and the sinks count where things happen.

mod playback;
mod room;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use crate::{
    access::Room,
    catalog::Catalog,
    hub::{Feed, State},
    playback::Sessions,
    sinks::recorder,
};

/// All figures of a server. Cheap to clone.
#[derive(Clone)]
pub struct Telemetry(Arc<Registry>);

impl Telemetry {
    /// The figures of these cameras, of what is played of their recordings, and of connections where a server counts them.
    pub fn new(catalog: Catalog, sessions: Sessions, room: Option<Room>) -> Self {
        let mut registry = Registry::with_prefix("framecast");
        registry.register_collector(Box::new(Cameras(catalog)));
        registry.register_collector(Box::new(playback::Playback(sessions)));
        if let Some(room) = room {
            registry.register_collector(Box::new(room::Connections(room)));
        }
        Self(Arc::new(registry))
    }

    /// All figures as OpenMetrics text.
    ///
    /// # Errors
    /// Only if a figure can't be written, which is a fault of the program.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.0)?;
        Ok(out)
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telemetry")
    }
}

#[derive(Debug)]
struct Cameras(Catalog);

impl Collector for Cameras {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let feeds = self.0.hub().feeds();
        let mut sheet = Sheet {
            encoder: &mut encoder,
            feeds: &feeds,
        };
        sheet.gauge(
            "camera_up",
            "Whether the camera gives frames (1) or not (0).",
            |feed| f64::from(feed.status().state == State::Live),
        )?;
        sheet.gauge(
            "camera_fps",
            "Frames a second that the camera gives.",
            Feed::fps,
        )?;
        sheet.gauge("camera_viewers", "Viewers watching now.", |feed| {
            feed.stats().viewers.load(Relaxed) as f64
        })?;
        sheet.gauge(
            "camera_variants",
            "Sizes and qualities kept ready besides the camera's own.",
            |feed| feed.variants() as f64,
        )?;
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        sheet.counter("camera_opened", "Times the camera was opened.", |feed| {
            count(&feed.stats().opened)
        })?;
        sheet.counter("camera_frames", "Frames of the camera.", |feed| {
            count(&feed.stats().frames)
        })?;
        sheet.counter("camera_bytes", "JPEG bytes of those frames.", |feed| {
            count(&feed.stats().bytes)
        })?;
        sheet.counter(
            "viewer_frames",
            "Frames handed to viewers' connections.",
            |feed| feed.stats().sent_frames(),
        )?;
        sheet.counter("viewer_bytes", "JPEG bytes of those frames.", |feed| {
            feed.stats().sent_bytes()
        })?;
        sheet.counter(
            "viewer_skipped_frames",
            "Frames that viewers skipped because their link was too slow.",
            |feed| feed.stats().skipped(),
        )?;
        sheet.reasons(
            "camera_dropped_frames",
            "Frames of the camera that were not shown.",
            "reason",
            |feed| feed.stats().dropped(),
        )?;
        sheet.reasons(
            "camera_mended_frames",
            "Frames of the camera that were repaired.",
            "repair",
            |feed| feed.stats().mended(),
        )?;
        sheet.recordings(&self.0)?;
        sheet.stages()
    }
}

/// One scrape.
struct Sheet<'a, 'e> {
    encoder: &'a mut DescriptorEncoder<'e>,
    feeds: &'a [Feed],
}

impl Sheet<'_, '_> {
    fn gauge(
        &mut self,
        name: &str,
        help: &str,
        value: impl Fn(&Feed) -> f64,
    ) -> Result<(), fmt::Error> {
        let mut family = self
            .encoder
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for feed in self.feeds {
            let labels = [("camera", feed.name().as_ref())];
            ConstGauge::new(value(feed)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn counter(
        &mut self,
        name: &str,
        help: &str,
        value: impl Fn(&Feed) -> u64,
    ) -> Result<(), fmt::Error> {
        let mut family = self
            .encoder
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for feed in self.feeds {
            let labels = [("camera", feed.name().as_ref())];
            ConstCounter::new(value(feed)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn reasons(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl Fn(&Feed) -> std::collections::BTreeMap<&'static str, u64>,
    ) -> Result<(), fmt::Error> {
        let mut family = self
            .encoder
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for feed in self.feeds {
            for (reason, count) in values(feed) {
                let labels = [("camera", feed.name().as_ref()), (label, reason)];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    /// What is recorded, of the cameras that can be.
    fn recordings(&mut self, catalog: &Catalog) -> Result<(), fmt::Error> {
        let statuses: Vec<(&str, recorder::Status)> = self
            .feeds
            .iter()
            .filter_map(|feed| Some((feed.name().as_ref(), catalog.recording(feed.name())?)))
            .collect();
        type Value<'a> = &'a dyn Fn(&str, &recorder::Status) -> f64;
        let stored = |name: &str, _: &recorder::Status| {
            catalog
                .recordings()
                .map_or(0.0, |it| it.stored(name) as f64)
        };
        let is = |wanted: &'static str| {
            move |_: &str, status: &recorder::Status| {
                f64::from(u8::from(status.state.as_str() == wanted))
            }
        };
        let gauges: [(&str, &str, Value<'_>); 3] = [
            (
                "recording_active",
                "Whether pictures are being written (1) or not (0).",
                &is("recording"),
            ),
            (
                "recording_fault",
                "Whether pictures should be written and can't be (1).",
                &is("faulted"),
            ),
            (
                "recording_stored_bytes",
                "Bytes of all that is kept of the camera.",
                &stored,
            ),
        ];
        for (name, help, value) in gauges {
            let mut family = self
                .encoder
                .encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (camera, status) in &statuses {
                let labels = [("camera", *camera)];
                let gauge = ConstGauge::new(value(camera, status));
                gauge.encode(family.encode_family(&labels)?)?;
            }
        }
        type Count = fn(&recorder::Status) -> u64;
        let counters: [(&str, &str, Count); 3] = [
            ("recording_frames", "Pictures that were written.", |it| {
                it.frames
            }),
            ("recording_bytes", "JPEG bytes of those pictures.", |it| {
                it.bytes
            }),
            (
                "recording_dropped_frames",
                "Pictures that were not written because the disk was slow, full or gone.",
                |it| it.dropped,
            ),
        ];
        for (name, help, count) in counters {
            let mut family =
                self.encoder
                    .encode_descriptor(name, help, None, MetricType::Counter)?;
            for (camera, status) in &statuses {
                let labels = [("camera", *camera)];
                let counter = ConstCounter::new(count(status));
                counter.encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    /// How long frames take from stage to stage.
    fn stages(&mut self) -> Result<(), fmt::Error> {
        let mut family = self.encoder.encode_descriptor(
            "frame_latency",
            "Time a frame takes: `hub` from its capture to its publication, `socket` from there to a viewer's connection.",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for feed in self.feeds {
            let stats = feed.stats();
            for (stage, times) in [("hub", stats.to_hub()), ("socket", stats.to_socket())] {
                let labels = [("camera", feed.name().as_ref()), ("stage", stage)];
                // The encoder knows the last class by the largest number there is.
                let classes = times.classes();
                let classes: Vec<_> = classes
                    .map(|(bound, count)| (bound.min(f64::MAX), count))
                    .collect();
                let mut encoder = family.encode_family(&labels)?;
                encoder.encode_histogram::<NoLabelSet>(
                    times.sum(),
                    times.count(),
                    &classes,
                    None,
                )?;
            }
        }
        Ok(())
    }
}
