//! `framecast snapshot`: one picture of a source, through the same hub as the server's.

use std::{io::Write, path::Path};

use anyhow::{Context, bail};

use super::Snapshot;
use crate::{
    catalog::{Catalog, Entry},
    config::Camera,
    drivers::{Registry, push},
    sinks::{
        recorder,
        snapshot::{self, Wish},
    },
};

pub(super) async fn run(
    wish: &Snapshot,
    camera: Camera,
    registry: Registry,
    ports: push::Ports,
) -> anyhow::Result<()> {
    let mut request = camera.request;
    request.size = wish.size.or(request.size);
    request.quality = wish.quality.or(request.quality);
    let source = request.source.to_string();
    let catalog = Catalog::new(registry, ports);
    let feed = catalog.add(Entry {
        request,
        policy: camera.policy,
        record: recorder::Plan::default(),
    })?;
    let taken = snapshot::take(
        feed.subscribe(),
        Wish {
            max_age: None,
            timeout: wish.timeout,
        },
    )
    .await;
    // Before anything can fail: a camera that is a command would outlive this one.
    catalog.close().await;
    let frame = match taken {
        Ok(frame) => frame,
        Err(missing) => bail!("{source}: {}", missing.reason),
    };
    if wish.output == Path::new("-") {
        std::io::stdout()
            .write_all(&frame.jpeg)
            .context("the picture can't be written to standard output")?;
    } else {
        std::fs::write(&wish.output, &frame.jpeg)
            .with_context(|| format!("{} can't be written", wish.output.display()))?;
    }
    Ok(())
}
