use std::time::Duration;

use framecast_camera::Size;
use toml::de::DeValue;

/// A value on its way in: from a file, where it has a type, or typed in a flag or a variable, where it is a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Toml(&'a DeValue<'a>),
    Typed(&'a str),
    /// A flag given several times.
    Several(&'a [String]),
}

/// What comes of a value, or what it should have been.
pub(super) type Parsed<T> = Result<T, String>;

/// Longer times are taken for slips: adding them to the clock must never overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

impl<'a> Value<'a> {
    /// What it must be, and what it is instead.
    fn not(self, wanted: &str) -> String {
        let is = match self {
            Self::Typed(text) => format!("`{text}`"),
            Self::Several(_) => "several values".to_owned(),
            Self::Toml(DeValue::String(_)) => "a text".to_owned(),
            Self::Toml(DeValue::Integer(_) | DeValue::Float(_)) => "a number".to_owned(),
            Self::Toml(DeValue::Boolean(_)) => "true or false".to_owned(),
            Self::Toml(DeValue::Datetime(_)) => "a date".to_owned(),
            Self::Toml(DeValue::Array(_)) => "a list".to_owned(),
            Self::Toml(DeValue::Table(_)) => "a table".to_owned(),
        };
        format!("must be {wanted}, not {is}")
    }

    /// A text, in quotes if it is in a file.
    pub(super) fn text(self, example: &str) -> Parsed<&'a str> {
        match self {
            Self::Toml(DeValue::String(text)) => Ok(text),
            Self::Typed(text) => Ok(text),
            Self::Several([text]) => Ok(text),
            _ => Err(self.not(&format!("a text in quotes such as \"{example}\""))),
        }
    }

    /// One text or a list of them; in a flag or a variable they are separated by commas.
    pub(super) fn texts(self, example: &str) -> Parsed<Vec<&'a str>> {
        let split = |text: &'a str| {
            text.split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        match self {
            Self::Toml(DeValue::Array(items)) => items
                .iter()
                .map(|item| Self::Toml(item.get_ref()).text(example))
                .collect(),
            Self::Toml(_) => Ok(vec![self.text(example)?]),
            Self::Typed(text) => Ok(split(text).collect()),
            Self::Several(texts) => Ok(texts.iter().flat_map(|text| split(text)).collect()),
        }
    }

    /// A number that is finite and above zero.
    pub(super) fn positive(self) -> Parsed<f64> {
        let number: Option<f64> = match self {
            Self::Toml(DeValue::Integer(_)) => self.integer().map(|number| number as f64),
            Self::Toml(DeValue::Float(number)) => number.as_str().parse().ok(),
            Self::Typed(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if number.is_finite() && number > 0.0 => Ok(number),
            Some(number) => Err(format!("must be a number above zero, not {number}")),
            None => Err(self.not("a number above zero such as 10 or 0.5")),
        }
    }

    /// A whole number within limits.
    pub(super) fn whole(self, least: u64, most: u64) -> Parsed<u64> {
        let wanted = if most == u64::MAX {
            format!("a whole number from {least} up")
        } else {
            format!("a whole number from {least} to {most}")
        };
        match self.integer() {
            Some(number) => u64::try_from(number)
                .ok()
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(|| format!("must be {wanted}, not {number}")),
            None => Err(self.not(&wanted)),
        }
    }

    fn integer(self) -> Option<i64> {
        match self {
            Self::Toml(DeValue::Integer(number)) => {
                i64::from_str_radix(number.as_str(), number.radix()).ok()
            }
            Self::Typed(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Yes or no.
    pub(super) fn boolean(self) -> Parsed<bool> {
        match self {
            Self::Toml(DeValue::Boolean(boolean)) => Ok(*boolean),
            Self::Typed("true") => Ok(true),
            Self::Typed("false") => Ok(false),
            _ => Err(self.not("true or false")),
        }
    }

    /// What a driver's option says, whatever its type.
    pub(super) fn option(self) -> Parsed<String> {
        match self {
            Self::Toml(DeValue::String(text)) => Ok(text.to_string()),
            Self::Toml(DeValue::Boolean(boolean)) => Ok(boolean.to_string()),
            Self::Toml(DeValue::Integer(_)) => self
                .integer()
                .map(|number| number.to_string())
                .ok_or_else(|| "is too large a number".to_owned()),
            Self::Toml(DeValue::Float(number)) => Ok(number.to_string()),
            Self::Typed(text) => Ok(text.to_owned()),
            _ => Err(self.not("a text, a number, true or false")),
        }
    }

    /// How long something is kept: a time with its unit, above zero, of years if need be.
    pub(super) fn age(self) -> Parsed<Duration> {
        let text = self.text("30days")?;
        match humantime::parse_duration(text.trim()) {
            Ok(time) if !time.is_zero() && time <= LONGEST * 100 => Ok(time),
            _ => Err(format!(
                "`{text}` is no time to keep something for; write it like 12h, 30days or 2years"
            )),
        }
    }

    /// A time with its unit, above zero.
    pub(super) fn duration(self) -> Parsed<Duration> {
        let text = self.text("10s")?;
        let time = humantime::parse_duration(text.trim())
            .map_err(|_| format!("`{text}` is no time; write it like 500ms, 10s or 2min"))?;
        within_a_year(time)?;
        if time.is_zero() {
            return Err("must be longer than nothing".to_owned());
        }
        Ok(time)
    }

    /// Width and height in pixels.
    pub(super) fn size(self) -> Parsed<Size> {
        let text = self.text("640x480")?;
        let side = |text: &str| {
            let pixels = text.trim().parse().ok()?;
            // Beyond this a picture no longer fits into any reasonable memory.
            (1..=16384).contains(&pixels).then_some(pixels)
        };
        text.split_once(['x', 'X', '×'])
            .and_then(|(width, height)| {
                Some(Size {
                    width: side(width)?,
                    height: side(height)?,
                })
            })
            .ok_or_else(|| {
                format!(
                    "`{text}` is no size; write width and height like 640x480, up to 16384x16384"
                )
            })
    }

    /// A number of bytes, with or without a unit.
    pub(super) fn bytes(self) -> Parsed<usize> {
        let example = "16MiB";
        let bytes = match self {
            Self::Toml(DeValue::Integer(_)) => self.integer().and_then(|n| usize::try_from(n).ok()),
            _ => {
                let text = self.text(example)?.trim();
                let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
                let digits = &text[..text.len() - unit.len()];
                factor(unit.trim()).and_then(|f| digits.parse::<usize>().ok()?.checked_mul(f))
            }
        };
        bytes
            .filter(|&bytes| bytes > 0)
            .ok_or_else(|| self.not(&format!("a number of bytes such as {example} or 500kB")))
    }
}

fn factor(unit: &str) -> Option<usize> {
    Some(match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    })
}

/// Refuses a time that is surely a slip.
pub(super) fn within_a_year(time: Duration) -> Parsed<Duration> {
    if time > LONGEST {
        return Err("must be a year at most".to_owned());
    }
    Ok(time)
}

/// Reads a time with its unit, such as `10s`, as the configuration writes it.
///
/// # Errors
/// What is wrong with it.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    Value::Typed(text).duration()
}

/// Reads a size such as `640x480`, as the configuration writes it.
///
/// # Errors
/// What is wrong with it.
pub fn parse_size(text: &str) -> Result<Size, String> {
    Value::Typed(text).size()
}
