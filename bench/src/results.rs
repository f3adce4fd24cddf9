//! The file of results: a section for each scenario, of which a run replaces those that it measured.

/// What a section of the file begins with.
const HEADING: &str = "\n## ";

/// The file with these sections in the place of those of the same scenarios, or behind all if there were none.
///
/// A section is known by the word in its heading, up to the colon. What stands above the first heading is the preamble.
pub(crate) fn merged(old: &str, preamble: &str, sections: &[String]) -> String {
    let mut kept: Vec<String> = old
        .split(HEADING)
        .skip(1)
        .map(|it| format!("## {}\n", it.trim_end()))
        .collect();
    for section in sections {
        let section = format!("{}\n", section.trim_end());
        match kept.iter().position(|it| name(it) == name(&section)) {
            Some(at) => kept[at] = section,
            None => kept.push(section),
        }
    }
    format!("{}\n\n{}", preamble.trim_end(), kept.join("\n"))
}

fn name(section: &str) -> &str {
    section.split(':').next().unwrap_or(section)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_replaces_what_it_measured_and_keeps_the_rest() {
        let first = merged(
            "",
            "# Results\n",
            &[
                "## cost: x\n\n| 1 |\n".to_owned(),
                "## rate: y\n\n- 2\n".to_owned(),
            ],
        );
        assert_eq!(
            first,
            "# Results\n\n## cost: x\n\n| 1 |\n\n## rate: y\n\n- 2\n"
        );
        let second = merged(&first, "# New\n\n", &["## cost: z\n\n| 3 |\n\n".to_owned()]);
        assert_eq!(
            second,
            "# New\n\n## cost: z\n\n| 3 |\n\n## rate: y\n\n- 2\n"
        );
    }
}
