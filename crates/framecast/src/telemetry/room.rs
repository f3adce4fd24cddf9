//! The figures of connections.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use crate::access::Room;

#[derive(Debug)]
pub(super) struct Connections(pub(super) Room);

impl Collector for Connections {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let figures = self.0.figures();
        let open = encoder.encode_descriptor(
            "connections",
            "Connections open at present.",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(figures.open as f64).encode(open)?;
        let mut family = encoder.encode_descriptor(
            "connections_refused",
            "Connections that were closed for lack of room.",
            None,
            MetricType::Counter,
        )?;
        for (reason, count) in [
            ("full", figures.full),
            ("address", figures.of_one),
            ("silent", figures.gave_way),
        ] {
            let labels = [("reason", reason)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
