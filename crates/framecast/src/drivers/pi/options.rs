//! What a `pi` camera can be told beside size, rate and quality: the program's own options, and what each may be.
//!
//! Source: the program's `--help`, and <https://www.raspberrypi.com/documentation/computers/camera_software.html>

use std::{fs, time::Duration};

use framecast_camera::{Error, ErrorKind, Result};

use crate::drivers::Request;

/// An option, the program's flag for it, what it may be, and one line about it.
struct Rule(&'static str, &'static str, Value, &'static str);

/// What an option may be.
enum Value {
    /// True or false.
    Switch,
    OneOf(&'static [&'static str]),
    /// A number from the first to the second.
    Within(f64, f64),
    /// So many numbers, each from the second to the third, with commas or colons between them.
    List(usize, f64, f64),
    /// Microseconds, or a time with its unit.
    Time,
    /// A number, or `default`.
    Lens,
    /// A file on this machine.
    File,
}
use Value::{File, Lens, List, OneOf, Switch, Time, Within};

const RULES: [Rule; 21] = [
    Rule(
        "autofocus_mode",
        "--autofocus-mode",
        OneOf(&["default", "manual", "auto", "continuous"]),
        "manual, auto or continuous",
    ),
    Rule(
        "autofocus_range",
        "--autofocus-range",
        OneOf(&["normal", "macro", "full"]),
        "normal, macro or full",
    ),
    Rule(
        "awb",
        "--awb",
        OneOf(&[
            "auto",
            "incandescent",
            "tungsten",
            "fluorescent",
            "indoor",
            "daylight",
            "cloudy",
            "custom",
        ]),
        "white balance: auto, daylight, cloudy, indoor …",
    ),
    Rule(
        "awb_gains",
        "--awbgains",
        List(2, 0.0, 32.0),
        "white balance by hand, RED:BLUE, as in 1.5:2",
    ),
    Rule("brightness", "--brightness", Within(-1.0, 1.0), "-1 to 1"),
    Rule("contrast", "--contrast", Within(0.0, 15.99), "1 is normal"),
    Rule(
        "denoise",
        "--denoise",
        OneOf(&["auto", "off", "cdn_off", "cdn_fast", "cdn_hq"]),
        "auto, off, cdn_off, cdn_fast or cdn_hq",
    ),
    Rule(
        "ev",
        "--ev",
        Within(-10.0, 10.0),
        "exposure compensation in stops, -10 to 10",
    ),
    Rule(
        "exposure",
        "--exposure",
        OneOf(&["normal", "sport", "short", "long", "custom"]),
        "normal, sport (short times), long or custom",
    ),
    Rule(
        "gain",
        "--gain",
        Within(0.0, 1000.0),
        "fixed gain, as in 2.5",
    ),
    Rule("hflip", "--hflip", Switch, "true: mirrored"),
    Rule(
        "lens_position",
        "--lens-position",
        Lens,
        "focus by hand in dioptres: 0 is infinity, 2 half a metre; or default",
    ),
    Rule(
        "metering",
        "--metering",
        OneOf(&["centre", "spot", "average", "custom"]),
        "centre, spot, average or custom",
    ),
    Rule(
        "roi",
        "--roi",
        List(4, 0.0, 1.0),
        "part of the picture, X:Y:WIDTH:HEIGHT, as in 0.25:0.25:0.5:0.5",
    ),
    Rule("rotation", "--rotation", OneOf(&["0", "180"]), "0 or 180"),
    Rule(
        "saturation",
        "--saturation",
        Within(0.0, 15.99),
        "1 is normal, 0 is grey",
    ),
    Rule(
        "sharpness",
        "--sharpness",
        Within(0.0, 15.99),
        "1 is normal",
    ),
    Rule(
        "shutter",
        "--shutter",
        Time,
        "fixed exposure time, as in 10ms",
    ),
    Rule(
        "tuning_file",
        "--tuning-file",
        File,
        "path of a tuning file for the sensor",
    ),
    Rule("vflip", "--vflip", Switch, "true: upside down"),
    Rule(
        "flicker_period",
        "--flicker-period",
        Time,
        "against flickering light: 10ms at 50 Hz, 8333us at 60 Hz",
    ),
];

/// The options, each with one line about it.
pub(super) const ABOUT: [(&str, &str); RULES.len()] = {
    let mut about = [("", ""); RULES.len()];
    let mut at = 0;
    while at < about.len() {
        about[at] = (RULES[at].0, RULES[at].3);
        at += 1;
    }
    about
};

/// Options as the program takes them.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) arguments: Vec<String>,
    /// The fixed exposure time, zero if it isn't fixed.
    pub(super) shutter: Duration,
}

/// Reads the options and finds fault with what the program would refuse, or take for something else without a word.
pub(super) fn read(request: &Request) -> Result<Options> {
    let mut options = Options::default();
    for Rule(name, flag, value, _) in &RULES {
        let Some(text) = request.options.get(*name) else {
            continue;
        };
        if let Switch = value {
            if request.switch(name)? {
                options.arguments.push((*flag).to_owned());
            }
            continue;
        }
        let taken = value.read(text).ok_or_else(|| {
            let expected = value.expected();
            let fault = format!("`{name}={text}` can't be: it must be {expected}");
            Error::new(ErrorKind::Invalid, fault)
        })?;
        if *name == "shutter" {
            options.shutter = time(text).unwrap_or_default();
        }
        // In one word: a negative number by itself would be taken for an option.
        options.arguments.push(format!("{flag}={taken}"));
    }
    Ok(options)
}

/// Finds fault with a tuning file that isn't there, which the program tells less clearly.
pub(super) fn present(request: &Request) -> Result<()> {
    match request.options.get("tuning_file") {
        None => Ok(()),
        Some(path) => fs::File::open(path).map(drop).map_err(|error| {
            let fault = format!("the tuning file `{path}` can't be read");
            Error::new(ErrorKind::Invalid, fault).with_source(error)
        }),
    }
}

impl Value {
    /// The value as the program takes it, if it does.
    fn read(&self, text: &str) -> Option<String> {
        match self {
            Switch => None,
            OneOf(choices) => choices.contains(&text).then(|| text.to_owned()),
            Within(least, most) => number(text, *least, *most),
            List(count, least, most) => {
                let numbers: Option<Vec<String>> = text
                    .split([',', ':'])
                    .map(|part| number(part.trim(), *least, *most))
                    .collect();
                numbers
                    .filter(|numbers| numbers.len() == *count)
                    .map(|numbers| numbers.join(","))
            }
            // Without a unit, which older programs don't know.
            Time => time(text).map(|time| time.as_micros().to_string()),
            Lens if text == "default" => Some(text.to_owned()),
            Lens => number(text, 0.0, 100.0),
            File => (!text.is_empty()).then(|| text.to_owned()),
        }
    }

    fn expected(&self) -> String {
        match self {
            Switch => "true or false".to_owned(),
            OneOf(choices) => format!("one of {}", choices.join(", ")),
            Within(least, most) => format!("a number from {least} to {most}"),
            List(count, least, most) => {
                format!("{count} numbers from {least} to {most} with colons between them")
            }
            Time => "a time such as 10ms, 2s or 500us".to_owned(),
            Lens => "a number from 0 to 100, or default".to_owned(),
            File => "the path of a file".to_owned(),
        }
    }
}

fn number(text: &str, least: f64, most: f64) -> Option<String> {
    let number: f64 = text.parse().ok()?;
    (least..=most).contains(&number).then(|| number.to_string())
}

/// The program's own way: microseconds unless there is a unit. More than an hour is beyond any sensor.
fn time(text: &str) -> Option<Duration> {
    const MOST: Duration = Duration::from_secs(60 * 60);
    let time = match text.parse() {
        Ok(micros) => Duration::from_micros(micros),
        Err(_) => humantime::parse_duration(text).ok()?,
    };
    (!time.is_zero() && time <= MOST).then_some(time)
}
