//! What one worker counts for one route.

use std::sync::OnceLock;
use std::time::Duration;

use http::StatusCode;

use super::shards::Shard;
use super::text::{Kind, Text};
use super::value::{Counter, Histogram};

/// The numbers of one route on one worker. Requests that match no route belong to the route "".
///
/// In this order: what a quick GET counts that went well is in one line of the processor's cache. With ten thousand
/// routes each line more is a wait for memory.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct RouteMetrics {
    /// Of status 200.
    ok: Counter,
    response_bytes: Counter,
    duration: Histogram,
    request_bytes: Counter,
    statuses: OnceLock<Box<Statuses>>,
}

const _: () = assert!(std::mem::offset_of!(RouteMetrics, request_bytes) == 64, "what is counted most is one line");

/// By hundreds, then by the rest: 100 to 999. Most routes only ever see two or three classes.
type Statuses = [OnceLock<Box<StatusClass>>; 9];

#[derive(Debug)]
struct StatusClass([Counter; 100]);

impl RouteMetrics {
    /// Counts a request when its answer's last byte is gone. The bytes are those of the bodies.
    pub fn record(&self, status: StatusCode, duration: Duration, bytes_in: u64, bytes_out: u64) {
        if let Some(counter) = self.status(status.as_u16()) {
            counter.add(1);
        }
        self.duration.observe(duration);
        self.response_bytes.add(bytes_out);
        if bytes_in > 0 {
            self.request_bytes.add(bytes_in);
        }
    }

    fn status(&self, status: u16) -> Option<&Counter> {
        if status == 200 {
            return Some(&self.ok);
        }
        let class = self.statuses.get_or_init(Box::default).get(usize::from(status / 100).checked_sub(1)?)?;
        let class = class.get_or_init(|| Box::new(StatusClass(std::array::from_fn(|_| Counter::default()))));
        class.0.get(usize::from(status % 100))
    }

    /// Each status seen, with how often.
    fn seen(&self) -> impl Iterator<Item = (usize, u64)> {
        let classes = self.statuses.get().into_iter().flat_map(|classes| classes.iter().enumerate());
        let classes = classes.filter_map(|(n, class)| Some((n + 1, class.get()?)));
        let all = classes.flat_map(|(hundreds, class)| {
            class.0.iter().enumerate().map(move |(rest, counter)| (hundreds * 100 + rest, counter.get()))
        });
        [(200, self.ok.get())].into_iter().chain(all).filter(|(_, count)| *count > 0)
    }
}

impl Shard for RouteMetrics {
    fn add_counters_to(&self, total: &Self) {
        for (status, count) in self.seen() {
            if let Some(counter) = u16::try_from(status).ok().and_then(|status| total.status(status)) {
                counter.add(count);
            }
        }
        self.duration.add_to(&total.duration);
        self.request_bytes.add_to(&total.request_bytes);
        self.response_bytes.add_to(&total.response_bytes);
    }
}

pub(super) fn write(text: &mut Text, routes: &[(String, RouteMetrics)]) {
    text.family("tollgate_requests_total", Kind::Counter, "Requests answered, by route and status.");
    for (route, metrics) in routes {
        for (status, count) in metrics.seen() {
            text.sample(&[("route", route), ("status", &status.to_string())], count);
        }
    }
    text.family(
        "tollgate_request_duration_seconds",
        Kind::Histogram,
        "From a request's head to the last byte of its answer.",
    );
    for (route, metrics) in routes {
        text.histogram(&[("route", route)], &metrics.duration);
    }
    text.family("tollgate_request_bytes_total", Kind::Counter, "Bytes of request bodies read.");
    for (route, metrics) in routes {
        text.sample(&[("route", route)], metrics.request_bytes.get());
    }
    text.family("tollgate_response_bytes_total", Kind::Counter, "Bytes of response bodies sent.");
    for (route, metrics) in routes {
        text.sample(&[("route", route)], metrics.response_bytes.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_the_protocol_allows_is_counted_by_itself() {
        let metrics = RouteMetrics::default();
        for status in 100..=999 {
            metrics.record(StatusCode::from_u16(status).unwrap(), Duration::ZERO, 1, 2);
        }
        let total = RouteMetrics::default();
        metrics.add_counters_to(&total);
        let seen: Vec<_> = total.seen().collect();
        assert_eq!(seen.len(), 900);
        assert!(seen.iter().all(|(_, count)| *count == 1));
        assert_eq!(total.response_bytes.get(), 1800);
    }
}
