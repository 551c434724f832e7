//! Load: wrk, on another core than the gateway.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::Outcome;
use crate::http::{Body, Request};
use crate::metric::{Metric, Sample};
use crate::process::pinned;

/// Connections that are busy where a scenario says nothing else.
pub(crate) const CONNECTIONS: usize = 64;
/// What wrk's script puts before its numbers.
const MARK: &str = "RESULT ";

/// What is sent, and on how many connections at once.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) request: Request,
    pub(crate) connections: usize,
    /// More connections, each of which had one request and then stays idle.
    pub(crate) idle: usize,
    /// Paths that are asked for in turns, in place of the request's.
    pub(crate) paths: Option<Paths>,
}

/// So many paths, each with its number, from 0, between two texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paths {
    pub(crate) count: usize,
    pub(crate) before: &'static str,
    pub(crate) behind: &'static str,
}

impl Load {
    pub(crate) fn of(request: Request) -> Self {
        Self { request, connections: CONNECTIONS, idle: 0, paths: None }
    }

    /// Runs for so many seconds. The folder is for wrk's script.
    pub(crate) fn run(&self, port: u16, seconds: u32, core: usize, folder: &Path) -> Outcome<Counted> {
        let script = folder.join("load.lua");
        fs::write(&script, self.script()).map_err(|error| format!("{}: {error}", script.display()))?;
        let mut wrk = Command::new("wrk");
        wrk.args(["--threads", "1", "--timeout", "10s", "--duration", &format!("{seconds}s")]);
        wrk.args(["--connections", &self.connections.to_string(), "--script"]).arg(&script);
        wrk.arg(format!("http://127.0.0.1:{port}{}", self.request.path));
        let output = pinned(&wrk, core).output().map_err(|error| format!("wrk: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        parse(&text).ok_or_else(|| format!("wrk said {text:?} {:?}", String::from_utf8_lossy(&output.stderr)))
    }

    fn script(&self) -> String {
        let mut script = format!("wrk.method = {:?}\n", self.request.method);
        for (name, value) in &self.request.headers {
            script.push_str(&format!("wrk.headers[{name:?}] = {value:?}\n"));
        }
        match &self.request.body {
            Body::None => {}
            Body::Letters(count) => script.push_str(&format!("wrk.body = string.rep('x', {count})\n")),
            Body::Text(text) => script.push_str(&format!("wrk.body = {text:?}\n")),
        }
        if let Some(Paths { count, before, behind }) = self.paths {
            script.push_str(&format!("local count, before, behind = {count}, {before:?}, {behind:?}\n{PATHS}"));
        }
        script + DONE
    }
}

/// Goes through all paths, with steps that have no factor in common with their number.
const PATHS: &str = r"
local made, at = {}, 0
function init()
    for number = 0, count - 1 do
        made[number] = wrk.format(nil, before .. number .. behind)
    end
end
function request()
    at = (at + 7919) % count
    return made[at]
end
";

const DONE: &str = r#"
function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        'RESULT {"requests":%d,"micros":%d,"bytes":%d,"broken":%d,"statuses":%d,"timeouts":%d,"p50":%d,"p90":%d,"p99":%d,"max":%d}\n',
        summary.requests, summary.duration, summary.bytes, errors.connect + errors.read + errors.write, errors.status,
        errors.timeout, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max))
end
"#;

/// What wrk counted; times in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct Counted {
    requests: f64,
    micros: f64,
    broken: f64,
    statuses: f64,
    timeouts: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Counted {
    /// The numbers, with the CPU time the gateway took meanwhile. The error says that nothing was answered.
    pub(crate) fn sample(&self, cpu_seconds: f64) -> Outcome<Sample> {
        if self.requests < 1.0 {
            return Err("no request was answered under load".to_owned());
        }
        Ok(Sample::from([
            (Metric::RequestsPerSecond, self.requests / self.micros * 1e6),
            (Metric::CpuUs, cpu_seconds * 1e6 / self.requests),
            (Metric::BusyPercent, cpu_seconds / (self.micros / 1e6) * 100.0),
            (Metric::P50Ms, self.p50 / 1e3),
            (Metric::P90Ms, self.p90 / 1e3),
            (Metric::P99Ms, self.p99 / 1e3),
            (Metric::MaxMs, self.max / 1e3),
            (Metric::Errors, self.broken + self.statuses + self.timeouts),
        ]))
    }
}

/// The line of wrk's output that [`DONE`] writes, behind whatever wrk says itself.
fn parse(output: &str) -> Option<Counted> {
    serde_json::from_str(output.lines().find_map(|line| line.strip_prefix(MARK))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "Running 1s test @ http://127.0.0.1:1/\n  1 threads and 64 connections\n  Latency  1.30ms\nRESULT {\"requests\":50000,\"micros\":2000000,\"bytes\":9,\"broken\":1,\"statuses\":2,\"timeouts\":3,\"p50\":1300,\"p90\":1500,\"p99\":2000,\"max\":9000}\n";

    #[test]
    fn wrks_numbers_are_found_in_its_output() {
        let sample = parse(OUTPUT).unwrap().sample(1.0).unwrap();
        assert_eq!(sample[&Metric::RequestsPerSecond], 25_000.0);
        assert_eq!(sample[&Metric::CpuUs], 20.0);
        assert_eq!(sample[&Metric::BusyPercent], 50.0);
        assert_eq!((sample[&Metric::P50Ms], sample[&Metric::MaxMs]), (1.3, 9.0));
        assert_eq!(sample[&Metric::Errors], 6.0);
    }

    #[test]
    fn output_without_numbers_is_no_result() {
        assert_eq!(parse("unable to connect to 127.0.0.1:1 Connection refused\n"), None);
        assert_eq!(parse("RESULT {\"requests\":1}\n"), None);
        let nothing = Counted { requests: 0.0, ..parse(OUTPUT).unwrap() };
        assert!(nothing.sample(1.0).is_err());
    }

    #[test]
    fn checks_and_load_send_the_same_fields() {
        let load = Load::of(Request::get("/a").header("x-hop", "0").post(Body::Letters(5)));
        let script = load.script();
        assert!(script.contains("wrk.headers[\"x-hop\"] = \"0\"") && script.contains("wrk.headers[\"cookie\"]"));
        assert!(script.contains("wrk.method = \"POST\"") && script.contains("string.rep('x', 5)"));
    }
}
