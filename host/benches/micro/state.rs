//! What plugins keep between requests, without the plugin.

use criterion::Criterion;
use tollgate::config::model::PluginLimits;
use tollgate::state::Stores;
use tollgate::state::rate::Bucket;

pub(crate) fn measure(criterion: &mut Criterion) {
    let stores = Stores::default().of("p", &PluginLimits::default());
    let bucket = Bucket { capacity: u32::MAX, refill: u32::MAX, period_ms: 1_000 };
    criterion.bench_function("check a rate", |bencher| {
        bencher.iter(|| stores.rate.check("127.0.0.1", bucket, 1).unwrap());
    });
    criterion.bench_function("increment in kv", |bencher| {
        bencher.iter(|| stores.kv.increment("counter".to_owned(), 1, 0).unwrap());
    });
    stores.kv.set("key".to_owned(), vec![0; 100], 0).unwrap();
    criterion.bench_function("get 100 bytes from kv", |bencher| bencher.iter(|| stores.kv.get("key")));
}
