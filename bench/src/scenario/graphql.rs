//! One GraphQL query over two services.

use serde_json::{Value, json};

use super::{Comparison, LOAD_COLUMNS, Measure, Scenario, contender, ratio};
use crate::check::Check;
use crate::http::{Body, Request};
use crate::job::{Job, QUERY};
use crate::load::Load;
use crate::metric::Metric;
use crate::peer::Peer;
use crate::services::JSON;

pub(super) fn scenario() -> Scenario {
    let check = Check::new("the query's answer", request(), 200).json(answer());
    let contenders = [Peer::Tollgate, Peer::Apollo]
        .map(|peer| contender(peer, Job::GraphQl, Measure::Load(Load::of(request())), vec![check.clone()]));
    Scenario {
        name: "graphql",
        title: "GraphQL over two services",
        about: "`POST` of `{ me { name email orders { id total } } }`: a call for the user, then one for the orders, \
                whose path has the user's id. Tollgate's `graphql` has a schema with two `@rest`; Apollo Server \
                (`startStandaloneServer`, `NODE_ENV=production`) has resolvers with Node's `fetch`, whose connections \
                to the services are kept. Both keep the document parsed and validated.",
        primary: Metric::CpuUs,
        columns: LOAD_COLUMNS,
        comparisons: vec![
            ratio("tollgate", "apollo", Metric::CpuUs),
            Comparison {
                title: "requests/s: tollgate / apollo".to_owned(),
                ..ratio("tollgate", "apollo", Metric::RequestsPerSecond)
            },
        ],
        contenders: contenders.into(),
    }
}

pub(crate) fn request() -> Request {
    let body = json!({"query": QUERY}).to_string();
    Request::get("/graphql").header("content-type", "application/json").post(Body::Text(body))
}

/// What the services answer, as the schema has it: an `ID` is text.
pub(crate) fn answer() -> Value {
    let [user, orders, _] = JSON.map(|json| serde_json::from_str::<Value>(json).unwrap_or_default());
    let order = |order: &Value| json!({"id": order["id"].to_string(), "total": order["total"]});
    let orders: Vec<Value> = orders.as_array().into_iter().flatten().map(order).collect();
    json!({"data": {"me": {"name": user["name"], "email": user["email"], "orders": orders}}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_the_users_two_orders() {
        let expected = json!({"data": {"me": {"name": "Alice Example", "email": "alice@shop.example",
            "orders": [{"id": "1", "total": 1999}, {"id": "2", "total": 499}]}}});
        assert_eq!(answer(), expected);
    }
}
