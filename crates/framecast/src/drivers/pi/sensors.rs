//! What cameras a Raspberry Pi has, as `--list-cameras` tells it.

use std::{process::Command, time::Duration};

use framecast_camera::{Error, ErrorKind, Result, Size};

use super::{System, fault};
use crate::drivers::process::{Exit, Program};

/// How long the program may take to list the cameras: it opens each of them.
const PATIENCE: Duration = Duration::from_secs(10);

/// A camera that is connected.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// Its number, which is `N` in the source `pi:N`.
    pub index: u32,
    /// What sensor it is: `imx708`.
    pub model: String,
    /// All its pixels.
    pub size: Option<Size>,
    /// Where it is connected, by libcamera's name for that.
    pub id: String,
    /// In what ways it can be read.
    pub modes: Vec<Mode>,
}

/// A way in which a sensor can be read. Pictures of any smaller size are made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mode {
    /// Its pixels, by libcamera's name for the format.
    pub format: String,
    /// The size.
    pub size: Size,
    /// The most frames a second; older programs don't tell.
    pub fps: Option<f64>,
}

/// The cameras that are connected. Waits for the program that knows them, a second or two.
///
/// # Errors
/// [`ErrorKind::Unsupported`] where that program isn't installed; whatever it says if it fails.
pub fn sensors(system: &System) -> Result<Vec<Sensor>> {
    list(system, |program| program.output_within(PATIENCE))
}

/// The same, with a way to wait for the program's output.
pub(super) fn list(
    system: &System,
    output: impl FnOnce(Program) -> Option<(Vec<u8>, Exit)>,
) -> Result<Vec<Sensor>> {
    let program = system.program()?;
    let running = Program::start(Command::new(&program).arg("--list-cameras"), "pi")?;
    let Some((told, exit)) = output(running) else {
        return Err(Error::new(
            ErrorKind::Unavailable,
            format!("`{}` does not list its cameras", program.display()),
        ));
    };
    match exit.code {
        Some(0) => Ok(parse(&String::from_utf8_lossy(&told))),
        _ => Err(fault::of_program(&exit, system, &program)),
    }
}

/// Reads the list. It has had three forms: sizes alone, `1332x990 (120.00 fps),` and `1536x864 [120.13 fps - … crop]`.
fn parse(told: &str) -> Vec<Sensor> {
    let mut sensors: Vec<Sensor> = Vec::new();
    let mut format = "";
    for line in told.lines() {
        if line.starts_with(|first: char| first.is_ascii_digit()) {
            sensors.extend(sensor(line));
            continue;
        }
        let Some(sensor) = sensors.last_mut() else {
            continue;
        };
        let mut modes = line;
        if let Some((before, behind)) = line.split_once("' :") {
            format = before.rsplit('\'').next().unwrap_or_default();
            modes = behind;
        }
        read_modes(modes, format, &mut sensor.modes);
    }
    sensors
}

/// `0 : imx708 [4608x2592 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx708@1a)`
fn sensor(line: &str) -> Option<Sensor> {
    let (index, rest) = line.split_once(" : ")?;
    let (model, rest) = rest.split_once(" [")?;
    let (about, id) = rest.split_once("] (")?;
    Some(Sensor {
        index: index.trim().parse().ok()?,
        model: model.to_owned(),
        size: about.split(' ').next().and_then(|size| size.parse().ok()),
        id: id.trim_end().trim_end_matches(')').to_owned(),
        modes: Vec::new(),
    })
}

fn read_modes(text: &str, format: &str, modes: &mut Vec<Mode>) {
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if let Ok(size) = word.trim_end_matches(',').parse() {
            modes.push(Mode {
                format: format.to_owned(),
                size,
                fps: None,
            });
        } else if let Some(mode) = modes.last_mut()
            && words.peek().is_some_and(|next| next.starts_with("fps"))
        {
            let fps = word.trim_start_matches(['[', '(']).parse();
            mode.fps = fps.ok().filter(|fps: &f64| fps.is_finite());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TWO: &str = "Available cameras
-----------------
0 : imx708_wide [4608x2592 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]
                             2304x1296 [56.03 fps - (0, 0)/4608x2592 crop]
                             4608x2592 [14.35 fps - (0, 0)/4608x2592 crop]

1 : imx585 [3840x2160 16-bit RGGB] (/base/axi/pcie@120000/rp1/i2c@80000/imx585@1A)
    Modes: 'SRGGB12_CSI2P' : 1928x1090 [87.60 fps - (0, 0)/3840x2160 crop]
           'SRGGB16' : 1928x1090 [30.00 fps - (0, 0)/3840x2160 crop]

";

    fn mode(format: &str, size: (u32, u32), fps: Option<f64>) -> Mode {
        Mode {
            format: format.to_owned(),
            size: Size::new(size.0, size.1),
            fps,
        }
    }

    #[test]
    fn each_sensor_is_told_with_its_modes_sizes_and_rates() {
        let sensors = parse(TWO);
        let wide = &sensors[0];
        assert_eq!((wide.index, &*wide.model), (0, "imx708_wide"));
        assert_eq!(wide.size, Some(Size::new(4608, 2592)));
        assert_eq!(wide.id, "/base/soc/i2c0mux/i2c@1/imx708@1a");
        let expected = mode("SRGGB10_CSI2P", (2304, 1296), Some(56.03));
        assert_eq!((wide.modes.len(), &wide.modes[1]), (3, &expected));
        assert_eq!(sensors[1].index, 1);
        let expected = [
            mode("SRGGB12_CSI2P", (1928, 1090), Some(87.6)),
            mode("SRGGB16", (1928, 1090), Some(30.0)),
        ];
        assert_eq!(sensors[1].modes, expected);
    }

    #[test]
    fn the_lists_of_older_programs_are_understood() {
        let head = "0 : imx477 [4056x3040] (/base/soc/i2c0mux/i2c@1/imx477@1a)\n    Modes: 'SRGGB10_CSI2P' : ";
        let bare = parse(&format!(
            "{head}1332x990 \n           'SRGGB12_CSI2P' : 2028x1080 2028x1520 "
        ));
        assert_eq!(bare[0].modes.len(), 3);
        assert_eq!(bare[0].modes[2], mode("SRGGB12_CSI2P", (2028, 1520), None));
        let round = parse(&format!(
            "{head}2028x1080 (50.00 fps), 4056x3040 (10.00 fps)"
        ));
        let expected = [
            mode("SRGGB10_CSI2P", (2028, 1080), Some(50.0)),
            mode("SRGGB10_CSI2P", (4056, 3040), Some(10.0)),
        ];
        assert_eq!(round[0].modes, expected);
    }

    #[test]
    fn no_cameras_is_an_empty_list() {
        assert_eq!(parse("No cameras available!\n"), []);
    }

    proptest! {
        #[test]
        fn no_output_of_a_program_is_a_panic(told in "(?s)[0-9 :x()\\[\\]'fps.\n]*") {
            parse(&told);
        }
    }
}
