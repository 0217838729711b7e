//! Medians, percentiles and how they are written.

/// The value below which a share of the values lies (nearest rank). Not a number where there is none.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = sorted.iter().enumerate().find(|(index, _)| count(index + 1) >= share * count(values.len()));
    rank.map_or(f64::NAN, |(_, value)| *value)
}

/// The middle value.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// A count as a number to divide by; counts here are far below 2^32.
pub fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

/// Three digits that matter: `0.53`, `4.40`, `11.2`, `264`.
pub fn short(value: f64) -> String {
    match value.abs() {
        size if value.is_nan() || size.is_infinite() => "–".to_owned(),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!((median(&values), percentile(&values, 0.99)), (100.0, 198.0));
        assert_eq!((median(&[7.0]), percentile(&[7.0], 0.99)), (7.0, 7.0));
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn three_digits_are_shown() {
        let shown: Vec<String> = [0.529, 4.4, 11.21, 264.4, f64::NAN].into_iter().map(short).collect();
        assert_eq!(shown, ["0.53", "4.40", "11.2", "264", "–"]);
    }
}
