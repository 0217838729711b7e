//! Limits on resources, and how they are written.

use crate::origin::Sourced;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Limits; `None` means that the policy says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory of all processes together, in bytes.
    pub memory: Option<Sourced<u64>>,
    /// Most processes and threads at once.
    pub processes: Option<Sourced<u64>>,
    /// Longest run.
    pub time: Option<Sourced<Duration>>,
    /// Processor time per time, in thousandths of one core.
    pub cpu: Option<Sourced<u64>>,
    /// Largest file that may be written, in bytes.
    pub file_size: Option<Sourced<u64>>,
}

/// Reads a number of bytes: `4GiB`, `512MB`, `1048576`. `KiB`, `MiB`, `GiB`, `TiB` are powers of 1024, `kB`, `MB`,
/// `GB`, `TB` powers of 1000; `K`, `M`, `G`, `T` are powers of 1024.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    };
    scale(number, factor)
}

/// Reads a duration: `500ms`, `30s`, `10m`, `2h`, `1d`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    scale(number, factor).map(Duration::from_millis)
}

/// Reads a share of the processors in thousandths of one core: `2` or `1.5` cores, `150%` of one core.
#[must_use]
pub fn parse_cpu(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    match unit {
        "" | "cores" | "core" => scale(number, 1_000),
        "%" => scale(number, 10),
        _ => None,
    }
}

fn split_unit(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (!number.is_empty()).then_some((number, unit.trim_start()))
}

/// Multiplies a decimal number exactly; a result below one or too large is none.
fn scale(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || (number.contains('.') && fraction.is_empty()) || fraction.len() > 9 {
        return None;
    }
    let denominator = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let scaled = digits.checked_mul(u128::from(factor))? / denominator;
    u64::try_from(scaled).ok().filter(|value| *value > 0)
}

/// Writes bytes in the largest unit that divides them.
#[must_use]
pub fn show_bytes(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.iter().find(|(shift, _)| bytes >= 1 << shift && bytes.trailing_zeros() >= *shift) {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

/// Writes a duration in the largest unit that divides it.
#[must_use]
pub fn show_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    match units.iter().find(|(length, _)| milliseconds >= *length && milliseconds.is_multiple_of(*length)) {
        Some((length, unit)) => format!("{}{unit}", milliseconds / length),
        None => format!("{milliseconds}ms"),
    }
}
