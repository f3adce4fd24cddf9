//! `framecast probe`: reads a stream as a viewer does and says how it went.

use std::{
    fmt,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use bytes::Bytes;
use framecast_media::{
    jpeg::{self, Lenience},
    multipart::{Limits, Parser},
};
use serde::Serialize;
use tokio::time::{sleep_until, timeout};

use super::Probe;

/// The largest part that is read.
const MOST: usize = 32 << 20;
/// How long the server may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// What a viewer of the stream would have seen.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// Seconds from the request to the answer's head.
    answer_seconds: f64,
    /// Seconds from the request to the first frame.
    first_frame_seconds: Option<f64>,
    /// Seconds that were measured, from the first frame on.
    seconds: f64,
    /// Parts that came.
    pub(super) frames: u64,
    frames_per_second: f64,
    bytes_per_second: f64,
    /// Width and height of the last sound frame.
    size: Option<String>,
    /// Parts that are no sound JPEG, and what was wrong with the last.
    broken: u64,
    complaint: Option<String>,
    /// Parts that are the one before once more.
    repeated: u64,
    /// Pauses of more than three of the usual intervals, and the longest time between two frames in seconds.
    gaps: u64,
    longest_interval_seconds: f64,
    /// Age of the frames when they came, in seconds, by the server's `X-Timestamp`; right if both clocks agree.
    age_median_seconds: Option<f64>,
    age_worst_seconds: Option<f64>,
}

pub(super) async fn run(wish: &Probe) -> anyhow::Result<Report> {
    let builder = || {
        reqwest::Client::builder()
            .user_agent(concat!("framecast/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(ANSWER)
    };
    let mut client = builder().build();
    if client.is_err() && wish.url.starts_with("http:") {
        // A small machine may have no authorities to trust, which plain HTTP does not need.
        client = builder().tls_certs_only([]).build();
    }
    let client = client.context("no connection can be prepared: install ca-certificates")?;
    let asked = Instant::now();
    let mut answer = timeout(ANSWER, client.get(&wish.url).send())
        .await
        .context("the server does not answer")?
        .map_err(reqwest::Error::without_url)?;
    let mut report = Report {
        answer_seconds: asked.elapsed().as_secs_f64(),
        ..Report::default()
    };
    if !answer.status().is_success() {
        bail!("the server answers {}", answer.status());
    }
    let content_type = answer
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    if !content_type.starts_with("multipart/") {
        bail!("this is no stream but `{content_type}`: a stream is multipart/x-mixed-replace");
    }
    let limits = Limits {
        part: MOST,
        header: 16 << 10,
    };
    let mut parser = Parser::from_content_type(&content_type, limits);
    let mut viewer = Viewer::default();
    let end = tokio::time::Instant::now() + wish.seconds;
    loop {
        let chunk = tokio::select! {
            () = sleep_until(end) => break,
            chunk = answer.chunk() => chunk.map_err(reqwest::Error::without_url)?,
        };
        let Some(chunk) = chunk else { break };
        parser.push(&chunk);
        while let Some(part) = parser.next()? {
            let taken = part
                .headers
                .get("X-Timestamp")
                .and_then(|text| text.parse::<f64>().ok());
            viewer.see(part.body, taken, Instant::now(), &mut report);
        }
    }
    viewer.conclude(asked, &mut report);
    Ok(report)
}

/// Remembers what a verdict needs.
#[derive(Default)]
struct Viewer {
    times: Vec<Instant>,
    ages: Vec<f64>,
    bytes: u64,
    last: Bytes,
}

impl Viewer {
    fn see(&mut self, body: Bytes, taken: Option<f64>, now: Instant, report: &mut Report) {
        self.times.push(now);
        self.bytes += body.len() as u64;
        if let Some(taken) = taken {
            let wall = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            self.ages.push(wall.as_secs_f64() - taken);
        }
        report.frames += 1;
        if body == self.last {
            report.repeated += 1;
        }
        match jpeg::admit(body.clone(), Lenience::Strict) {
            Ok(sound) => report.size = Some(format!("{}x{}", sound.width, sound.height)),
            Err(defect) => {
                report.broken += 1;
                report.complaint = Some(defect.to_string());
            }
        }
        self.last = body;
    }

    fn conclude(mut self, asked: Instant, report: &mut Report) {
        let (Some(first), Some(last)) = (self.times.first(), self.times.last()) else {
            return;
        };
        report.first_frame_seconds = Some(first.duration_since(asked).as_secs_f64());
        report.seconds = last.duration_since(*first).as_secs_f64();
        let mut intervals: Vec<f64> = self
            .times
            .windows(2)
            .map(|pair| pair[1].duration_since(pair[0]).as_secs_f64())
            .collect();
        if report.seconds > 0.0 {
            report.frames_per_second = intervals.len() as f64 / report.seconds;
            report.bytes_per_second = self.bytes as f64 / report.seconds;
        }
        intervals.sort_by(f64::total_cmp);
        if let Some(usual) = median(&intervals) {
            let gaps = intervals.iter().filter(|interval| **interval > usual * 3.0);
            report.gaps = gaps.count() as u64;
            report.longest_interval_seconds = intervals.last().copied().unwrap_or_default();
        }
        self.ages.sort_by(f64::total_cmp);
        report.age_median_seconds = median(&self.ages);
        report.age_worst_seconds = self.ages.last().copied();
    }
}

fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.first_frame_seconds else {
            return write!(f, "no frame came");
        };
        let ms = |seconds: f64| format!("{:.1} ms", seconds * 1000.0);
        writeln!(f, "first frame    {} after the request", ms(first))?;
        writeln!(
            f,
            "frames         {} in {:.1} s: {:.2} a second, {:.0} kB/s",
            self.frames,
            self.seconds,
            self.frames_per_second,
            self.bytes_per_second / 1000.0
        )?;
        writeln!(
            f,
            "size           {}",
            self.size.as_deref().unwrap_or("unknown")
        )?;
        if let (Some(median), Some(worst)) = (self.age_median_seconds, self.age_worst_seconds) {
            writeln!(
                f,
                "age            {} (median), {} (worst)",
                ms(median),
                ms(worst)
            )?;
        } else {
            writeln!(f, "age            unknown: the server sends no X-Timestamp")?;
        }
        writeln!(
            f,
            "gaps           {}, longest interval {}",
            self.gaps,
            ms(self.longest_interval_seconds)
        )?;
        writeln!(f, "repeated       {}", self.repeated)?;
        write!(f, "broken         {}", self.broken)?;
        if let Some(complaint) = &self.complaint {
            write!(f, " ({complaint})")?;
        }
        Ok(())
    }
}
