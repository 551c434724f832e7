//! Which part waits for which.

use crate::part::Part;
use crate::source::Source;

/// Worked out once, when the plugin is configured.
#[derive(Debug)]
pub(crate) struct Plan {
    /// For each part, those whose answers it is made of.
    pub(crate) needs: Vec<Vec<usize>>,
    /// For each part, whether another one is made of its answer.
    pub(crate) referenced: Vec<bool>,
    /// Whether all calls begin at once.
    pub(crate) is_one_round: bool,
}

/// Of parts in which something is wrong nothing is known: they wait for none.
///
/// # Errors
/// Parts that wait for each other, by name.
pub(crate) fn plan(names: &[String], parts: &[Option<Part>]) -> Result<Plan, String> {
    let needs: Vec<Vec<usize>> = parts.iter().map(|part| part.as_ref().map(needs).unwrap_or_default()).collect();
    let mut over = vec![false; needs.len()];
    loop {
        let ready =
            needs.iter().enumerate().position(|(part, needs)| !over[part] && needs.iter().all(|need| over[*need]));
        match ready {
            Some(part) => over[part] = true,
            None if over.iter().all(|over| *over) => break,
            None => {
                let stuck = names.iter().zip(&over).filter(|(_, over)| !**over);
                let names: Vec<String> = stuck.map(|(name, _)| format!("`{name}`")).collect();
                return Err(format!("{} wait for each other, so that none can begin", names.join(", ")));
            }
        }
    }
    let referenced = (0..needs.len()).map(|part| needs.iter().flatten().any(|need| *need == part)).collect();
    let is_one_round = needs.iter().all(Vec::is_empty) && parts.iter().flatten().all(|part| part.each.is_none());
    Ok(Plan { needs, referenced, is_one_round })
}

/// The parts whose answers a part is made of.
fn needs(part: &Part) -> Vec<usize> {
    let mut needs: Vec<usize> = part.sources().into_iter().filter_map(Source::part).collect();
    needs.sort_unstable();
    needs.dedup();
    needs
}
