//! The figures of recordings that are played.

use std::{collections::BTreeMap, fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use crate::playback::{Figures, Sessions};

#[derive(Debug)]
pub(super) struct Playback(pub(super) Sessions);

impl Collector for Playback {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let figures = self.0.figures();
        gauge(
            &mut encoder,
            "playback_sessions",
            "Sessions of playback at present.",
            &figures,
            |figures| figures.sessions,
        )?;
        gauge(
            &mut encoder,
            "playback_viewers",
            "Viewers of those sessions.",
            &figures,
            |figures| figures.viewers,
        )?;
        let mut family = encoder.encode_descriptor(
            "playback_frames",
            "Recorded frames that were shown.",
            None,
            MetricType::Counter,
        )?;
        for (camera, figures) in &figures {
            let labels = [("camera", camera.as_ref())];
            ConstCounter::new(figures.frames).encode(family.encode_family(&labels)?)?;
        }
        let mut family = encoder.encode_descriptor(
            "playback_dropped_frames",
            "Frames of playback that were not shown.",
            None,
            MetricType::Counter,
        )?;
        for (camera, figures) in &figures {
            for (reason, count) in &figures.dropped {
                let labels = [("camera", camera.as_ref()), ("reason", *reason)];
                ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    figures: &BTreeMap<Arc<str>, Figures>,
    value: fn(&Figures) -> u64,
) -> Result<(), fmt::Error> {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (camera, figures) in figures {
        let labels = [("camera", camera.as_ref())];
        ConstGauge::new(value(figures) as f64).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
