//! `limits.table_elements`.

use tollgate_tests::{Gateway, Upstream, fault, in_general};

use super::{assert_is_well, assert_says_nothing, with_fault};

#[tokio::test]
async fn all_tables_of_an_instance_together_grow_as_far_as_the_config_says() {
    let upstream = Upstream::answering("ok").await;
    for component in [fault("two-tables"), in_general(&fault("two-tables"))] {
        for (most, status) in [(1002, 200), (1001, 500)] {
            // A fresh instance for each request: what has grown stays so.
            let settings = format!("isolation = \"fresh\"\nlimits = {{ table_elements = {most} }}");
            let config = with_fault(&upstream, &settings);
            let gateway = Gateway::with(&config).plugin("fault", component.clone()).start().await;
            for _ in 0..3 {
                let answer = gateway.get("/p").await;
                assert_eq!(answer.status, status, "{most} elements");
                assert_says_nothing(&answer);
            }
            assert_is_well(&gateway).await;
        }
    }
}
