//! The documentation, tried: whole configs load, links lead somewhere, lists are complete.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::case_sensitive_file_extension_comparisons, reason = "the files are ours")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tollgate::config;
use tollgate::gateway::{self, Gateway};
use tollgate::lock;
use tollgate::telemetry::Registry;
use tollgate::telemetry::metrics::Caches;

#[test]
fn every_whole_config_in_the_docs_is_good() {
    let pages = pages();
    let configs: Vec<(String, String)> = pages.iter().flat_map(whole_configs).collect();
    assert!(configs.len() >= 4, "only {} configs found: does this test still read the pages?", configs.len());
    let tried = configs.iter().map(|(place, text)| (place.as_str(), complete(text)));
    let first = ("`tollgate init`", config::init_text().to_owned());
    let wrong: Vec<String> = tried.chain([first]).filter_map(|(place, text)| problems(place, &text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_relative_link_leads_somewhere() {
    let pages = pages();
    let links: Vec<(&Page, String)> =
        pages.iter().flat_map(|page| links(&page.text).into_iter().map(move |link| (page, link))).collect();
    assert!(links.len() >= 20, "only {} links found: does this test still read the pages?", links.len());
    let dead: Vec<String> = links
        .iter()
        .filter(|(page, link)| !leads_somewhere(page, link))
        .map(|(page, link)| format!("{}: {link}", page.path.display()))
        .collect();
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

#[test]
fn every_metric_is_on_the_operators_page() {
    let page = fs::read_to_string(root().join("docs/operating.md")).unwrap();
    let text = Registry::default().text(&Caches::default());
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(names.len() >= 20, "{names:?}");
    let missing: Vec<&&str> = names.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "not in docs/operating.md: {missing:?}");
}

#[test]
fn every_built_in_plugin_is_in_the_readme() {
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    for name in gateway::built_ins() {
        assert!(page.contains(&format!("(plugins/{name}/README.md)")), "{name} is not in README.md");
    }
}

/// A Markdown file of the project.
struct Page {
    path: PathBuf,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    collect(&root(), &mut pages);
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    pages
}

/// Goes down into every folder but those that tools fill.
fn collect(folder: &Path, pages: &mut Vec<Page>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            collect(&path, pages);
        } else if name.ends_with(".md") {
            let text = fs::read_to_string(&path).unwrap();
            pages.push(Page { path, text });
        }
    }
}

/// Each `toml` block that has routes, with its place.
fn whole_configs(page: &Page) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(page.text.lines()) {
        match (line.trim(), &mut open) {
            ("```toml", None) => open = Some((number, String::new())),
            ("```", Some(_)) => found.extend(open.take()),
            (_, Some((_, block))) => *block += &format!("{line}\n"),
            (_, None) => {}
        }
    }
    let whole = found.into_iter().filter(|(_, block)| block.contains("[[routes]]"));
    whole.map(|(number, block)| (format!("{}:{number}", page.path.display()), block)).collect()
}

/// A plugin's page may leave out upstreams, which are the reader's own.
fn complete(text: &str) -> String {
    let Ok(table) = text.parse::<toml::Table>() else { return text.to_owned() };
    let mut whole = text.to_owned();
    if !table.contains_key("upstreams") {
        let routes = table.get("routes").and_then(toml::Value::as_array).into_iter().flatten();
        let mut names: Vec<&str> = routes.filter_map(|route| route.get("upstream")?.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            whole += &format!("\n[upstreams.{name}]\ntargets = [\"http://127.0.0.1:3000\"]\n");
        }
    }
    whole
}

/// What `tollgate check` says of a config; `None` for nothing.
fn problems(place: &str, text: &str) -> Option<String> {
    let folder = std::env::temp_dir().join(format!("tollgate-docs-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("tollgate.toml");
    fs::write(&file, text).unwrap();
    let foreign = foreign_plugins(text);
    let result = if foreign.is_empty() {
        let gateway = Gateway::new(None, Arc::new(Registry::default())).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(gateway.check(&file, lock::Mode::Warn)).map(drop)
    } else {
        // The reader's own plugin is not here to be asked; the rest of the config is checked.
        let plugins = folder.join(plugins_dir(text));
        fs::create_dir_all(&plugins).unwrap();
        for name in foreign {
            fs::write(plugins.join(name), "").unwrap();
        }
        config::load(&file, &gateway::built_ins()).map(drop)
    };
    fs::remove_dir_all(&folder).unwrap();
    result.err().map(|errors| format!("{place}:\n{errors}"))
}

fn plugins_dir(text: &str) -> String {
    let table = text.parse::<toml::Table>().unwrap_or_default();
    let named = table.get("server").and_then(|server| server.get("plugins_dir")?.as_str());
    named.unwrap_or("plugins").to_owned()
}

/// Names of the `.wasm` files a config uses.
fn foreign_plugins(text: &str) -> Vec<String> {
    let Ok(table) = text.parse::<toml::Table>() else { return vec![] };
    let plugins = table.get("plugins").and_then(toml::Value::as_table).into_iter().flatten();
    let used = plugins.map(|(name, plugin)| plugin.get("use").and_then(toml::Value::as_str).unwrap_or(name));
    let foreign = used.filter(|used| !gateway::built_ins().contains(used));
    foreign.map(|used| if used.ends_with(".wasm") { used.to_owned() } else { format!("{used}.wasm") }).collect()
}

/// Targets of the links in a text, but those in code and those to other sites.
fn links(text: &str) -> Vec<String> {
    let mut in_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code || line.starts_with("    ") {
            continue;
        }
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        found.extend(targets.filter(|target| !target.contains("://")).map(str::to_owned));
    }
    found
}

fn leads_somewhere(page: &Page, link: &str) -> bool {
    let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
    let target = if file.is_empty() { page.path.clone() } else { page.path.with_file_name(file) };
    let has = |heading: &str| {
        fs::read_to_string(&target).is_ok_and(|text| text.lines().any(|line| slug(line).as_deref() == Some(heading)))
    };
    target.exists() && heading.is_none_or(has)
}

/// How a heading is named in links; `None` for a line that is none.
fn slug(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect())
}
