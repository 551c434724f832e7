//! The report: tables and plots, put between two marks of a page whose other text is left as it is.

mod plot;
mod summary;
mod table;

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::results::{Measured, Results};
use crate::scenario::{self, Scenario};

pub(crate) use table::table;

const BEGIN: &str = "<!-- results: begin. Written by `make bench`. -->";
const END: &str = "<!-- results: end -->";
/// Beside the page.
const PLOTS: &str = "performance";

/// Writes the page's part that is generated, and its plots.
pub(crate) fn write(results: &Results, page: &Path) -> Outcome<()> {
    let told = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = fs::read_to_string(page).map_err(|error| told(page, &error))?;
    let scenarios = scenario::all();
    let filled = fill(&text, &body(results, &scenarios)).map_err(|error| told(page, &error))?;
    fs::write(page, filled).map_err(|error| told(page, &error))?;
    let folder = page.with_file_name(PLOTS);
    fs::create_dir_all(&folder).map_err(|error| told(&folder, &error))?;
    for scenario in &scenarios {
        if let Some(measured) = results.get(scenario.name) {
            let file = folder.join(format!("{}.svg", scenario.name));
            fs::write(&file, plot::bars(scenario, measured)).map_err(|error| told(&file, &error))?;
        }
    }
    Ok(())
}

fn fill(page: &str, body: &str) -> Outcome<String> {
    let missing = |mark| format!("the line `{mark}` is missing");
    let (before, rest) = page.split_once(BEGIN).ok_or_else(|| missing(BEGIN))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| missing(END))?;
    Ok(format!("{before}{BEGIN}\n\n{body}\n{END}{after}"))
}

fn body(results: &Results, scenarios: &[Scenario]) -> String {
    let mut text = summary::budgets(results, scenarios) + &summary::peers_that_win(results, scenarios);
    for scenario in scenarios {
        if let Some(measured) = results.get(scenario.name) {
            text.push_str(&section(scenario, measured));
        }
    }
    text
}

fn section(scenario: &Scenario, measured: &Measured) -> String {
    let (name, title, about) = (scenario.name, scenario.title, scenario.about);
    let numbers = table(scenario, measured);
    let comparisons = table::comparisons(scenario, measured);
    let reasons = table::reasons(measured);
    let under = summary::circumstances(measured);
    format!(
        "## {title}\n\n{about}\n\n{numbers}\n{comparisons}{reasons}![{title}: {}]({PLOTS}/{name}.svg)\n\n{under}\nAgain: \
         `make bench ARGS='--only {name}'`.\n\n",
        scenario.primary.title()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::measured;

    #[test]
    fn what_stands_around_the_marks_stays() {
        let page = format!("# Title\n{BEGIN}\nold\n{END}\nafter\n");
        let filled = fill(&page, "new").unwrap();
        assert_eq!(filled, format!("# Title\n{BEGIN}\n\nnew\n{END}\nafter\n"));
        assert_eq!(fill(&filled, "new").unwrap(), filled);
        assert!(fill("no marks", "new").is_err());
    }

    #[test]
    fn a_scenario_that_was_not_run_has_no_section() {
        let mut results = Results::default();
        let scenarios = scenario::all();
        results.put("plain", measured());
        let body = body(&results, &scenarios);
        assert!(body.contains("## Plain proxy, 1 KiB") && body.contains("performance/plain.svg"), "{body}");
        assert!(!body.contains("## JWT"), "{body}");
    }
}
