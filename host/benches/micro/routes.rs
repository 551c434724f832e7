//! Finding a route among few and many.

use criterion::{BenchmarkId, Criterion};

use crate::gateway::worker;

pub(crate) fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("find a route");
    for count in [10, 1_000, 10_000] {
        let routes: String = (0..count)
            .map(|n| {
                format!("[[routes]]\nname = \"r{n}\"\npath = \"/api/v{}/things{n}/{{id}}\"\nupstream = \"u\"\n", n % 7)
            })
            .collect();
        let upstream = "[upstreams.u]\ntargets = [\"http://127.0.0.1:1\"]\n";
        let worker = worker(&format!("[server]\nlisten = \"127.0.0.1:0\"\n{upstream}{routes}"));
        let table = &worker.snapshot.shared.table;
        let last = count - 1;
        let request = http::Request::get(format!("/api/v{}/things{last}/42", last % 7)).body(()).unwrap();
        let (head, ()) = request.into_parts();
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| table.find("api.example", &head).unwrap());
        });
    }
    group.finish();
}
