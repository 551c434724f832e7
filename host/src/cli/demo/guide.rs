//! Tells whoever started the demo what to try: the steps as curl lines.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use super::client::Request;
use super::steps::Step;

pub(super) fn print(steps: &[Step], gateway: SocketAddr, admin: SocketAddr, config: &Path) {
    println!("Tollgate serves on http://{gateway}, with three small services behind it.");
    println!("Paste these lines into another terminal:\n");
    for (number, step) in (1..).zip(steps) {
        print!("{}", entry(number, step));
    }
    println!("The config is {}", config.display());
    println!("Change it and save it: the next request uses it.");
    println!("How the gateway is: http://{admin}/api/status and http://{admin}/metrics");
    println!("\nBelow is the access log, a line for each request. Ctrl-C ends the demo.\n");
}

fn entry(number: usize, step: &Step) -> String {
    let expect: Vec<_> = step.expect.iter().map(|expect| expect.wording()).collect();
    format!("# {number}. {}\n#    expect {}\n{}\n\n", step.title, expect.join(", "), command(step))
}

fn command(step: &Step) -> String {
    let curl = curl(&step.request);
    if step.times == 1 { curl } else { format!("for n in $(seq {}); do {curl}; echo; done", step.times) }
}

/// Nothing in the steps has a quote in it, or anything else the shell would take for its own.
fn curl(request: &Request) -> String {
    let mut line = format!("curl -si 'http://{}{}'", request.to, request.path);
    for (name, value) in &request.headers {
        // Writing to a String does not fail.
        let _ = write!(line, " -H '{name}: {value}'");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::steps::steps;
    use super::super::token::Issuer;
    use super::*;

    #[test]
    fn every_step_can_be_pasted_into_a_shell() {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        for step in steps(address, address, &Issuer::new().unwrap().tokens().unwrap()) {
            let command = command(&step);
            assert!(command.contains("curl -si 'http://127.0.0.1:8080/"), "{command}");
            assert_eq!(command.matches('\'').count(), 2 + 2 * step.request.headers.len(), "{command}");
        }
    }
}
