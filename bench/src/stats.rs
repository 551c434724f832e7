//! Medians and ratios.

/// The median of some numbers, with the smallest and the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// None where there are no numbers.
pub(crate) fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (min, max) = (*sorted.first()?, *sorted.last()?);
    let middle = sorted.len() / 2;
    let median =
        if sorted.len().is_multiple_of(2) { f64::midpoint(sorted[middle - 1], sorted[middle]) } else { sorted[middle] };
    Some(Spread { median, min, max })
}

/// Combines what two contenders had in the same round, round by round: what the machine did to one
/// it did to the other. A round that one of them lacks is left out.
pub(crate) fn pairwise(
    ours: &[Option<f64>],
    theirs: &[Option<f64>],
    combine: impl Fn(f64, f64) -> f64,
) -> Option<Spread> {
    let pairs = ours.iter().zip(theirs).filter_map(|(ours, theirs)| Some(combine((*ours)?, (*theirs)?)));
    spread(&pairs.filter(|value| value.is_finite()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(spread(&[4.0, 1.0, 3.0, 2.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(spread(&[9.0, 1.0, 5.0]), Some(Spread { median: 5.0, min: 1.0, max: 9.0 }));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn a_ratio_is_taken_within_a_round() {
        // The machine was twice as slow in the second round: the ratio does not change.
        let ratio = pairwise(&[Some(10.0), Some(20.0)], &[Some(5.0), Some(10.0)], |a, b| a / b).unwrap();
        assert_eq!(ratio, Spread { median: 2.0, min: 2.0, max: 2.0 });
    }

    #[test]
    fn a_round_without_a_partner_does_not_count() {
        let ratio = pairwise(&[Some(10.0), None, Some(30.0)], &[None, Some(5.0), Some(10.0)], |a, b| a / b).unwrap();
        assert_eq!(ratio.median, 3.0);
        assert_eq!(pairwise(&[Some(1.0)], &[Some(0.0)], |a, b| a / b), None);
    }
}
